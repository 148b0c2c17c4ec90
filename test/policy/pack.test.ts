import type * as artifactregistry from "@pulumi/gcp/artifactregistry";
import type * as iam from "@pulumi/gcp/iam";
import type * as organizations from "@pulumi/gcp/organizations";
import type * as privilegedaccessmanager from "@pulumi/gcp/privilegedaccessmanager";
import type * as projects from "@pulumi/gcp/projects";
import type * as serviceaccount from "@pulumi/gcp/serviceaccount";
import { execa } from "execa";
import assert from "node:assert/strict";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { appendFile, cp, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { createServer } from "node:http";
import { builtinModules } from "node:module";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { policies } from "../../packages/policy/src/policies";
import predefinedRoles from "../../packages/policy/src/predefined-roles.json";
import { within } from "../deadline";

// The policy pack as a package, and its page.

const root = join(__dirname, "..", "..");
const folderOfPack = join(root, "packages", "policy");
const read = (...path: string[]) => readFileSync(join(root, ...path), "utf8");

interface Manifest {
    readonly dependencies: Readonly<Record<string, string>>;
    readonly devDependencies: Readonly<Record<string, string>>;
}
const manifest = (...path: string[]) => JSON.parse(read(...path, "package.json")) as Manifest;

/** The sources below some folders, and what each imports. */
function imports(...folders: string[]): { file: string; module: string }[] {
    return folders
        .flatMap((each) =>
            readdirSync(join(root, each), { recursive: true, encoding: "utf8" }).map((file) =>
                join(each, file),
            ),
        )
        .filter((file) => file.endsWith(".ts") && !file.includes("node_modules"))
        .concat("index.ts")
        .flatMap((file) =>
            [...read(file).matchAll(/(?:\bfrom|\brequire\(|\bimport\(?) ?"([^"]+)"/g)].map(
                ([, module = ""]) => ({
                    file,
                    module,
                }),
            ),
        );
}

describe("the policy pack as a package", () => {
    it("starts without a check of its types, which would take a second of each preview", async () => {
        const directory = await mkdtemp(join(tmpdir(), "python-registry-policy-"));
        await cp(folderOfPack, directory, { recursive: true });
        await rm(join(directory, "node_modules"), { recursive: true, force: true });
        await symlink(join(root, "node_modules"), join(directory, "node_modules"));
        await appendFile(join(directory, "src", "policies.ts"), "\nexport const wrong: number = 'text';\n");
        const pack = execa(process.execPath, ["."], { cwd: directory, reject: false, stdin: "ignore" });
        // The server of the pack prints its port.
        const [line] = (await within("the pack to start", once(pack.stdout, "data"))) as [Buffer];
        assert.match(line.toString(), /^\d+\n$/);
        pack.kill();
        await pack;
        await rm(directory, { recursive: true });
    });

    it("loads the parser of conditions only for an OIDC provider", async () => {
        const loaded = async (type: string) => {
            const script = `
                const { policies } = require("./packages/policy/src/policies");
                const { validateResource } = policies.find(({ name }) => name === "federation-condition");
                const props = { oidc: { issuerUri: "https://a.example" }, attributeCondition: "true" };
                validateResource({ type: ${JSON.stringify(type)}, props, getConfig: () => ({}) }, () => {});
                console.log(Object.keys(require.cache).some((file) => file.includes("@bufbuild")));`;
            const { stdout } = await execa(
                process.execPath,
                ["--conditions=source", "--require", "./typescript.cjs", "--eval", script],
                { cwd: root },
            );
            return stdout;
        };
        assert.equal(await loaded("gcp:artifactregistry/repository:Repository"), "false");
        const provider = "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider";
        assert.equal(await loaded(provider), "true");
    });

    it("has each predefined role once, of a date that the page names", () => {
        const { asOf, roles } = predefinedRoles;
        const names = Object.values(roles).flatMap((services: Record<string, string>) =>
            Object.entries(services).flatMap(([service, each]) =>
                each.split(" ").map((name) => `${service}.${name}`),
            ),
        );
        assert.ok(names.length > 2000);
        assert.equal(new Set(names).size, names.length);
        assert.ok(read("docs", "policies.md").includes(`as of ${asOf}`));
    });

    it("updates the table of predefined roles from Google's list", async () => {
        const pages = [
            {
                roles: [
                    { name: "roles/b.user", includedPermissions: ["b.things.get"] },
                    { name: "roles/a.builder", includedPermissions: ["artifactregistry.files.upload"] },
                    { name: "roles/empty" },
                ],
                nextPageToken: "1",
            },
            {
                roles: [
                    { name: "roles/b.actor", includedPermissions: ["x.y.z", "iam.serviceAccounts.actAs"] },
                    { name: "roles/b.things.list", includedPermissions: ["b.things.list"] },
                ],
            },
        ];
        const server = createServer((request, response) => {
            const { searchParams } = new URL(request.url ?? "", "http://localhost");
            const isAllowed = request.headers.authorization === "Bearer secret";
            response.statusCode = isAllowed && searchParams.get("view") === "FULL" ? 200 : 401;
            response.end(JSON.stringify(pages[Number(searchParams.get("pageToken"))]));
        });
        await once(server.listen(0, "127.0.0.1"), "listening");
        const directory = await mkdtemp(join(tmpdir(), "python-registry-roles-"));
        try {
            const file = join(directory, "roles.json");
            await cp(join(folderOfPack, "src", "predefined-roles.json"), file);
            const before = await readFile(file, "utf8");
            const { port } = server.address() as AddressInfo;
            const update = (token: string) =>
                execa(
                    process.execPath,
                    [join(folderOfPack, "update-roles.cjs"), `http://127.0.0.1:${port}/v1/roles`, file],
                    { env: { GOOGLE_TOKEN: token }, reject: false },
                );
            const refused = await update("expired");
            assert.notEqual(refused.exitCode, 0);
            assert.match(refused.stderr, /answered 401/);
            assert.equal(await readFile(file, "utf8"), before);
            assert.equal((await update("secret")).exitCode, 0);
            const { asOf, permissions, roles } = JSON.parse(
                await readFile(file, "utf8"),
            ) as typeof predefinedRoles;
            assert.deepEqual(roles, {
                upload: { a: "builder" },
                impersonate: { b: "actor" },
                other: { b: "things.list user", empty: "" },
            });
            assert.deepEqual(permissions, predefinedRoles.permissions);
            assert.match(asOf, /^\d{4}-\d\d-\d\d$/);
        } finally {
            server.close();
            await rm(directory, { recursive: true });
        }
    });

    it("has exact versions, which are installed as they are when the pack is published", () => {
        for (const [name, version] of Object.entries(manifest("packages", "policy").dependencies)) {
            assert.match(version, /^\d+\.\d+\.\d+$/, name);
        }
    });

    it("imports only its own files and its own dependencies, so that it can be published", () => {
        const dependencies = Object.keys(manifest("packages", "policy").dependencies);
        const foreign = imports("packages/policy")
            .filter(({ file }) => file !== "index.ts")
            .filter(({ file, module }) =>
                module.startsWith(".")
                    ? relative(folderOfPack, join(root, dirname(file), module)).startsWith("..")
                    : !dependencies.includes(module) || builtinModules.includes(module),
            );
        assert.deepEqual(foreign, []);
    });

    it("is not loaded by a preview or a command", () => {
        const loaded = imports(
            "src",
            "packages/registry",
            "packages/configure",
            "packages/operations",
            "packages/sandbox",
        );
        assert.ok(loaded.some(({ file }) => file === "index.ts"));
        assert.deepEqual(
            loaded.filter(
                ({ file, module }) =>
                    module === "@pulumi/policy" ||
                    (module.startsWith(".") &&
                        !relative(folderOfPack, join(root, dirname(file), module)).startsWith("..")),
            ),
            [],
        );
    });

    it("names properties that the Google provider has", () => {
        // The compiler checks these names.
        const properties = [
            ...(["role", "member"] satisfies (keyof artifactregistry.RepositoryIamMemberArgs)[]),
            ...(["members"] satisfies (keyof artifactregistry.RepositoryIamBindingArgs)[]),
            ...(["policyData"] satisfies (keyof artifactregistry.RepositoryIamPolicyArgs)[]),
            ...([
                "privilegedAccess",
                "eligibleUsers",
            ] satisfies (keyof privilegedaccessmanager.EntitlementArgs)[]),
            ...(["permissions", "roleId", "name"] satisfies (keyof projects.IAMCustomRole)[]),
            ...(["orgId"] satisfies (keyof organizations.IAMCustomRole)[]),
            ...([
                "repositoryId",
                "location",
                "labels",
                "deletionPolicy",
            ] satisfies (keyof artifactregistry.RepositoryArgs)[]),
            ...([
                "workloadIdentityPoolProviderId",
                "attributeCondition",
                "attributeMapping",
                "disabled",
                "oidc",
            ] satisfies (keyof iam.WorkloadIdentityPoolProviderArgs)[]),
            ...(["validAfter", "serviceAccountId"] satisfies (keyof serviceaccount.Key)[]),
            ...(["email", "member", "accountId", "project"] satisfies (keyof serviceaccount.Account)[]),
        ];
        const text = [
            ...readdirSync(join(folderOfPack, "src", "rules")).map((file) =>
                read("packages", "policy", "src", "rules", file),
            ),
            ...["grants.ts", "repositories.ts"].map((file) => read("packages", "policy", "src", file)),
        ].join("");
        for (const name of properties) assert.ok(text.includes(name), name);
    });

    it("has rules with unique names, a description, and a level", () => {
        assert.equal(new Set(policies.map(({ name }) => name)).size, policies.length);
        for (const { name, description, enforcementLevel, severity } of policies) {
            assert.match(name, /^[a-z]+(-[a-z]+)*$/);
            assert.match(description, /^[A-Z].*\.$/);
            assert.ok(enforcementLevel === "mandatory" || enforcementLevel === "advisory");
            assert.ok(severity);
        }
        assert.equal(
            policies.length,
            readdirSync(join(folderOfPack, "src", "rules")).length + 1,
            "one file has two rules",
        );
    });
});

describe("docs/policies.md", () => {
    const page = read("docs", "policies.md");
    const rows = new Map(
        [...page.matchAll(/^\| `([a-z-]+)` +\| (\w+) +\| (.*?) +\| (.*?) +\|$/gm)].map(
            ([, name = "", level, , parameters = ""]) => [name, { level, parameters }],
        ),
    );

    it("has every rule with its level, its parameters and their defaults", () => {
        assert.deepEqual([...rows.keys()].sort(), policies.map(({ name }) => name).sort());
        for (const { name, enforcementLevel, configSchema } of policies) {
            const row = rows.get(name);
            assert.equal(row?.level, enforcementLevel, name);
            const expected = Object.entries(configSchema?.properties ?? {}).map(([parameter, schema]) => {
                const value = schema.default;
                if (parameter === "production") return "`production`";
                const empty = JSON.stringify(value) === "[]" || JSON.stringify(value) === "{}";
                const shown = Array.isArray(value)
                    ? value.map((each) => `\`${String(each)}\``).join(", ")
                    : JSON.stringify(value);
                return `\`${parameter}\` (${empty ? "none" : shown})`;
            });
            assert.equal(row?.parameters, expected.join("; "), name);
        }
    });

    it("shows the default pattern for production", () => {
        const { configSchema } = policies.find(({ name }) => name === "production-protection") ?? {};
        const pattern = configSchema?.properties["production"]?.default as string;
        assert.ok(page.includes(`\n    ${pattern}\n`));
    });

    it("has an example configuration with rules and parameters that exist", () => {
        const [, json = ""] = /```json\n([^]*?)```/.exec(page) ?? [];
        const example = JSON.parse(json) as Record<string, string | Record<string, unknown>>;
        assert.ok(Object.keys(example).length >= 5);
        for (const [name, config] of Object.entries(example)) {
            const policy = policies.find((each) => each.name === name);
            assert.ok(policy, name);
            const keys = typeof config === "string" ? [] : Object.keys(config);
            const known = ["enforcementLevel", ...Object.keys(policy.configSchema?.properties ?? {})];
            assert.deepEqual(
                keys.filter((key) => !known.includes(key)),
                [],
            );
        }
    });
});
