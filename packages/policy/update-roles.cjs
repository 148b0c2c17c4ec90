// Writes predefined-roles.json again, with the predefined roles that Google has now. Needs no role on any project:
//
//     GOOGLE_TOKEN=$(gcloud auth print-access-token) node packages/policy/update-roles.cjs
const { readFileSync, writeFileSync } = require("node:fs");
const { join } = require("node:path");
const process = require("node:process");
const { URLSearchParams } = require("node:url");

const [
    endpoint = "https://iam.googleapis.com/v1/roles",
    file = join(__dirname, "src", "predefined-roles.json"),
] = process.argv.slice(2);

async function main() {
    const { permissions } = JSON.parse(readFileSync(file, "utf8"));
    const roles = { upload: {}, impersonate: {}, other: {} };
    for (const { name, includedPermissions = [] } of (await listRoles()).sort(byName)) {
        const has = (kind) => permissions[kind].some((each) => includedPermissions.includes(each));
        const kind = has("upload") ? "upload" : has("impersonate") ? "impersonate" : "other";
        const [service, ...rest] = name.replace(/^roles\//, "").split(".");
        roles[kind][service] = `${roles[kind][service] ?? ""} ${rest.join(".")}`.trim();
    }
    const asOf = new Date().toISOString().slice(0, 10);
    writeFileSync(file, `${JSON.stringify({ asOf, permissions, roles }, undefined, 2)}\n`);
}

/** https://cloud.google.com/iam/docs/reference/rest/v1/roles/list */
async function listRoles(pageToken = "") {
    const query = new URLSearchParams({ view: "FULL", pageSize: "1000", pageToken });
    const headers = { authorization: `Bearer ${process.env.GOOGLE_TOKEN}` };
    const response = await globalThis.fetch(`${endpoint}?${query}`, { headers });
    if (!response.ok) throw new Error(`${endpoint} answered ${response.status}: ${await response.text()}`);
    const { roles = [], nextPageToken } = await response.json();
    return nextPageToken ? [...roles, ...(await listRoles(nextPageToken))] : roles;
}

function byName(one, other) {
    return one.name < other.name ? -1 : 1;
}

void main();
