import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Policy } from "../../packages/sandbox/src/google/policy";
import { registryAgent } from "../../packages/sandbox/src/google/service-agents";
import { createOptional, optionalStack } from "../deployer";
import { type Ending, endsPage } from "./ends-page";
import { type EngineStack, openForEachTest, project } from "./engine-stack";

// Every way in which a stack, or a part of it, ends or moves, with the real CLI and the real Google provider. What counts is what
// is at Google afterwards: the policies and the resources, not the state. The run writes docs/ends.md.

const page = join(__dirname, "..", "..", "docs", "ends.md");
const dev = "group:dev@example.com";
const ops = "group:ops@example.com";
const owner = "group:owner@example.com";
const account = `python-publisher@${project}.iam.gserviceaccount.com`;
const only = { serviceAccounts: {} };
const release = {
    type: "githubActions",
    access: "writer",
    owner: "acme",
    repository: "core",
    ownerId: 11,
    repositoryId: 12,
    ref: "refs/heads/main",
};
const snapshot = { ...release, ref: "refs/heads/next" };
const machine = `serviceAccount:builder@${project}.iam.gserviceaccount.com`;
const vm = {
    type: "computeEngine",
    access: "reader",
    serviceAccount: machine.replace("serviceAccount:", ""),
};
const pool = "python-europe-west1";
const releases = `principalSet://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/${pool}/attribute.`;

/** What the owner of a repository gave before the stack came, and what must be there after it ends. */
const ownersPolicy = [`reader: ${owner}`, `repoAdmin: ${owner}`];

interface Case {
    /** What ends or moves, and how: cells of the page. */
    readonly what: string;
    readonly how: string;
    /** Settings of the stack before. */
    readonly settings: Readonly<Record<string, unknown>>;
    /** What exists before the stack does. */
    readonly before?: (stack: EngineStack) => Promise<void> | void;
    readonly act: (stack: EngineStack) => Promise<void>;
    /** What is at Google afterwards, as `atGoogle` lists it. */
    readonly after: readonly string[];
}

const destroy = async (stack: EngineStack, ...args: string[]) => {
    await stack.pulumi("destroy", "--yes", "--skip-preview", ...args);
};

/** Changes the settings and runs an update, after which there is nothing left to do. */
const change = (settings: Case["settings"]) => async (stack: EngineStack) => {
    await stack.configure(settings);
    await stack.up();
    await stack.up("--refresh", "--expect-no-changes");
};

/** The URN of the only grant on the repository. */
async function grantUrn(stack: EngineStack): Promise<string> {
    const { deployment } = JSON.parse(await stack.pulumi("stack", "export")) as {
        deployment: { resources: { urn: string }[] };
    };
    const [grant, ...others] = deployment.resources.filter(({ urn }) => urn.includes("RepositoryIam"));
    assert.ok(grant !== undefined && others.length === 0);
    return grant.urn;
}

/** Calls an API as the owner of the project. */
async function callAsOwner({ sandbox }: EngineStack, path: string, body: object): Promise<void> {
    const response = await fetch(`${sandbox.apiUrl}/${path}`, {
        method: "POST",
        headers: { authorization: `Bearer ${sandbox.accessToken}`, "content-type": "application/json" },
        body: JSON.stringify(body),
    });
    assert.equal(response.status, 200, `${path}: ${await response.text()}`);
}

/** The owner of the project uses the APIs already. */
async function enableApis(stack: EngineStack): Promise<void> {
    for (const service of ["artifactregistry", "iam"]) {
        const name = `projects/${project}/services/${service}.googleapis.com`;
        await callAsOwner(stack, `serviceusage/v1/${name}:enable`, {});
    }
}

/** The owner of the project creates the repository, and gives roles on it. */
async function ownersRepository(stack: EngineStack): Promise<void> {
    await enableApis(stack);
    const repositories = `artifactregistry/v1/projects/${project}/locations/europe-west1/repositories`;
    await callAsOwner(stack, `${repositories}?repository_id=python`, { format: "PYTHON" });
    const bindings = ["reader", "repoAdmin"].map((role) => ({
        role: `roles/artifactregistry.${role}`,
        members: [owner],
    }));
    await callAsOwner(stack, `${repositories}/python:setIamPolicy`, { policy: { bindings } });
}

/** The owner of the project creates an account, and lets people act as it. */
async function ownersAccount(stack: EngineStack): Promise<void> {
    await enableApis(stack);
    const { cloud } = stack.sandbox;
    const made = cloud.addServiceAccount(cloud.project(project), "python-publisher", "", "");
    assert.equal(made.email, account);
    const binding = { role: "roles/iam.serviceAccountTokenCreator", members: [owner] };
    made.policy = { version: 1, etag: "x", bindings: [binding] };
}

const used = { existing: "use", ...only, readers: [dev] };
const adopted = { existing: "adopt", ...only, readers: [dev] };
const impersonated = (own: object) => ({
    serviceAccounts: { "python-publisher": { access: "writer", ...own } },
});
const publisher = `writer: serviceAccount:${account}`;

const mirrored = { ...only, readers: [dev], publicPackages: "mirror", internalPackages: ["acme-core"] };
const mirrorAtGoogle = [
    "repository python",
    `reader: ${dev}`,
    "repository python-all",
    `reader: ${dev}`,
    "repository python-public, rules: package-acme-core",
];

/** The owner of the project creates the repositories of a mirror, with a rule, and gives roles on the virtual one. */
async function ownersMirror(stack: EngineStack): Promise<void> {
    await ownersRepository(stack);
    const repositories = `projects/${project}/locations/europe-west1/repositories`;
    const create = (id: string, settings: object) =>
        callAsOwner(stack, `artifactregistry/v1/${repositories}?repository_id=${id}`, {
            format: "PYTHON",
            ...settings,
        });
    await create("python-public", {
        mode: "REMOTE_REPOSITORY",
        remoteRepositoryConfig: { pythonRepository: { publicRepository: "PYPI" } },
    });
    const upstreamPolicies = ["python", "python-public"].map((id, index) => ({
        id,
        repository: `${repositories}/${id}`,
        priority: 2 - index,
    }));
    await create("python-all", { mode: "VIRTUAL_REPOSITORY", virtualRepositoryConfig: { upstreamPolicies } });
    await callAsOwner(
        stack,
        `artifactregistry/v1/${repositories}/python-public/rules?ruleId=package-acme-core`,
        {
            action: "DENY",
            operation: "DOWNLOAD",
            packageId: "acme-core",
        },
    );
    await callAsOwner(stack, `artifactregistry/v1/${repositories}/python-all:setIamPolicy`, {
        policy: { bindings: [{ role: "roles/artifactregistry.reader", members: [owner] }] },
    });
}

const cases: readonly Case[] = [
    // The stack ends.
    {
        what: "the stack",
        how: "`pulumi destroy`, while it is protected: refused",
        settings: { readers: [dev] },
        act: async (stack) => {
            await assert.rejects(stack.pulumi("destroy", "--yes"), /protect/);
        },
        after: ["repository python", `reader: ${dev}`, publisher, "account python-publisher"],
    },
    {
        what: "the stack",
        how: "`pulumi destroy`, after `protect: false`",
        settings: { readers: [dev], protect: false },
        act: destroy,
        after: [],
    },
    {
        what: "the stack, except what is protected",
        how: "`pulumi destroy --exclude-protected`",
        settings: { readers: [dev] },
        act: (stack) => destroy(stack, "--exclude-protected"),
        after: ["repository python"],
    },
    {
        what: "the stack, except what is protected, with additive access",
        how: "`pulumi destroy --exclude-protected`",
        settings: { readers: [dev], access: "additive", ...only },
        act: (stack) => destroy(stack, "--exclude-protected"),
        after: ["repository python"],
    },
    {
        what: "a stack with a workload",
        how: "`pulumi destroy`, after `protect: false`",
        settings: { ...only, protect: false, workloads: { release } },
        act: destroy,
        after: [`pool ${pool}: github`],
    },
    ...(["additive", "authoritative"] as const).flatMap((access): Case[] => [
        {
            what: `a stack that uses a repository, with ${access} access`,
            how: "`pulumi destroy`",
            settings: { ...used, access, workloads: { release } },
            before: ownersRepository,
            act: destroy,
            after: [
                "repository python",
                ...(access === "additive" ? ownersPolicy : [`repoAdmin: ${owner}`]),
                `pool ${pool}: github`,
            ],
        },
        {
            what: `a stack that adopted a repository, with ${access} access`,
            how: "`pulumi destroy --exclude-protected`",
            settings: { ...adopted, access },
            before: ownersRepository,
            act: (stack) => destroy(stack, "--exclude-protected"),
            after: ["repository python", ...(access === "additive" ? ownersPolicy : [`repoAdmin: ${owner}`])],
        },
    ]),
    {
        what: "a stack that adopted a repository",
        how: "`pulumi destroy`, after `protect: false`",
        settings: { ...adopted, access: "additive", protect: false },
        before: ownersRepository,
        act: destroy,
        after: [],
    },
    {
        what: "a stack that uses an account with impersonators and keys",
        how: "`pulumi destroy`, after `protect: false`",
        settings: {
            ...impersonated({ existing: "use", keys: ["first"], impersonators: [dev] }),
            workloads: { release: { ...release, via: "python-publisher" } },
            protect: false,
        },
        before: ownersAccount,
        act: destroy,
        after: [
            "account python-publisher",
            `serviceAccountTokenCreator on python-publisher: ${owner}`,
            `pool ${pool}: github`,
        ],
    },
    {
        what: "the grants of a stack",
        how: "`pulumi destroy --target` of each",
        settings: { readers: [dev], ...only },
        act: async (stack) => {
            await destroy(stack, "--target", await grantUrn(stack));
        },
        after: ["repository python"],
    },
    {
        what: "a stack with a mirror that needs a login, encryption and audit logs",
        how: "`pulumi destroy --exclude-protected`",
        settings: { ...optionalStack, protect: true },
        before: ({ sandbox }) => {
            createOptional(sandbox);
        },
        act: (stack) => destroy(stack, "--exclude-protected"),
        after: [
            "repository python, cleanup: old, scanning",
            "repository python-all",
            "repository python-public, rules: package-acme-core",
            "secretAccessor on the secret: Google's service agent",
            "cryptoKeyEncrypterDecrypter on the key: Google's service agent",
            "audit logs: DATA_READ",
        ],
    },
    {
        what: "a stack with a mirror that needs a login, encryption and audit logs",
        how: "`pulumi destroy`, after `protect: false`",
        settings: optionalStack,
        before: ({ sandbox }) => {
            createOptional(sandbox);
        },
        act: destroy,
        after: ["audit logs: DATA_READ"],
    },
    {
        what: "a stack that uses a repository and its mirror",
        how: "`pulumi destroy`",
        settings: {
            ...mirrored,
            existing: "use",
            access: "additive",
            mirror: { existing: "use" },
        },
        before: ownersMirror,
        act: destroy,
        after: [
            "repository python",
            ...ownersPolicy,
            "repository python-all",
            `reader: ${owner}`,
            "repository python-public, rules: package-acme-core",
        ],
    },
    // A part of it ends.
    {
        what: "a mirror",
        how: "`publicPackages: none`, after `protect: false`",
        settings: { ...mirrored, protect: false },
        act: change({ ...mirrored, protect: false, publicPackages: "none" }),
        after: ["repository python", `reader: ${dev}`],
    },
    {
        what: "cleanup, scanning and audit logs",
        how: "remove `cleanup`, `scanning` and `auditLogs`",
        settings: {
            ...only,
            cleanup: optionalStack["cleanup"],
            scanning: true,
            auditLogs: ["DATA_READ"],
        },
        act: change(only),
        after: ["repository python, cleanup: old, scanning", "audit logs: DATA_READ"],
    },
    ...(["additive", "authoritative"] as const).flatMap((access): Case[] => [
        {
            what: `a reader, with ${access} access`,
            how: "remove it from `readers`",
            settings: { ...only, access, readers: [dev, ops] },
            act: change({ ...only, access, readers: [ops] }),
            after: ["repository python", `reader: ${ops}`],
        },
        {
            what: `the last reader, with ${access} access`,
            how: "remove it from `readers`",
            settings: { ...only, access, readers: [dev] },
            act: change({ ...only, access }),
            after: ["repository python"],
        },
        {
            what: `a reader of a repository that the stack uses, with ${access} access`,
            how: "remove it from `readers`",
            settings: { ...used, access, readers: [dev, ops] },
            before: ownersRepository,
            act: change({ ...used, access, readers: [ops] }),
            after: [
                "repository python",
                `reader: ${access === "additive" ? `${ops}, ${owner}` : ops}`,
                `repoAdmin: ${owner}`,
            ],
        },
    ]),
    {
        what: "an account",
        how: "remove it from `serviceAccounts`",
        settings: { readers: [dev] },
        act: change({ readers: [dev], ...only }),
        after: ["repository python", `reader: ${dev}`],
    },
    {
        what: "a workload",
        how: "remove it from `workloads`",
        settings: { ...only, workloads: { release } },
        act: change(only),
        after: ["repository python", `pool ${pool}: github`],
    },
    {
        what: "a key",
        how: "remove it from `keys`",
        settings: impersonated({ keys: ["first", "second"] }),
        act: change(impersonated({ keys: ["second"] })),
        after: ["repository python", publisher, "account python-publisher, keys: 1"],
    },
    {
        what: "an impersonator",
        how: "remove it from `impersonators`",
        settings: impersonated({ impersonators: [dev, ops] }),
        act: change(impersonated({ impersonators: [ops] })),
        after: [
            "repository python",
            publisher,
            "account python-publisher",
            `serviceAccountTokenCreator on python-publisher: ${ops}`,
        ],
    },
    {
        what: "an impersonator of an account that the stack uses",
        how: "remove it from `impersonators`",
        settings: impersonated({ existing: "use", impersonators: [dev, ops] }),
        before: ownersAccount,
        act: change(impersonated({ existing: "use", impersonators: [ops] })),
        after: [
            "repository python",
            publisher,
            "account python-publisher",
            `serviceAccountTokenCreator on python-publisher: ${ops}, ${owner}`,
        ],
    },
    // A setting changes.
    {
        what: "authoritative access",
        how: "`access: additive`",
        settings: { ...only, readers: [dev, ops] },
        act: change({ ...only, access: "additive", readers: [dev, ops] }),
        after: ["repository python", `reader: ${dev}, ${ops}`],
    },
    {
        what: "authoritative access and a reader",
        how: "`access: additive` and remove a reader, in one update: **the reader keeps its role**",
        settings: { ...only, readers: [dev, ops] },
        act: change({ ...only, access: "additive", readers: [ops] }),
        after: ["repository python", `reader: ${dev}, ${ops}`],
    },
    {
        what: "additive access and a reader",
        how: "`access: authoritative` and remove a reader, in one update",
        settings: { ...only, access: "additive", readers: [dev, ops] },
        act: change({ ...only, readers: [ops] }),
        after: ["repository python", `reader: ${ops}`],
    },
    {
        what: "authoritative access to a repository that the stack uses, and a reader",
        how: "`access: additive` and remove a reader, then `pulumi destroy`",
        settings: { ...used, access: "authoritative", readers: [dev, ops] },
        before: ownersRepository,
        act: async (stack) => {
            await change({ ...used, access: "additive", readers: [ops] })(stack);
            assert.deepEqual(atGoogle(stack), ["repository python", `reader: ${ops}`, `repoAdmin: ${owner}`]);
            await destroy(stack);
        },
        after: ["repository python", `repoAdmin: ${owner}`],
    },
    {
        what: "additive access to a repository that the stack uses, and a reader",
        how: "`access: authoritative` and remove a reader",
        settings: { ...used, access: "additive", readers: [dev, ops] },
        before: ownersRepository,
        act: change({ ...used, access: "authoritative", readers: [ops] }),
        after: ["repository python", `reader: ${ops}`, `repoAdmin: ${owner}`],
    },
    {
        what: "a repository that the stack created",
        how: "`existing: use`, then `pulumi destroy`",
        settings: { ...only, readers: [dev] },
        act: async (stack) => {
            await change({ ...used, access: "authoritative" })(stack);
            assert.deepEqual(atGoogle(stack), ["repository python", `reader: ${dev}`]);
            await destroy(stack);
        },
        after: ["repository python"],
    },
    {
        what: "a repository that the stack created",
        how: "`existing: adopt`",
        settings: { ...only, readers: [dev, ops] },
        act: change({ ...adopted, readers: [dev, ops], access: "authoritative" }),
        after: ["repository python", `reader: ${dev}, ${ops}`],
    },
    {
        what: "a repository that the stack uses",
        how: "`existing: adopt`, with additive access",
        settings: { ...used, access: "additive" },
        before: ownersRepository,
        act: change({ ...adopted, access: "additive" }),
        after: ["repository python", `reader: ${dev}, ${owner}`, `repoAdmin: ${owner}`],
    },
    {
        what: "a repository that the stack uses",
        how: "`existing: adopt`, with authoritative access",
        settings: { ...used, access: "authoritative" },
        before: ownersRepository,
        act: change({ ...adopted, access: "authoritative" }),
        after: ["repository python", `reader: ${dev}`, `repoAdmin: ${owner}`],
    },
    {
        what: "additive access to a repository that the stack uses",
        how: "`existing: adopt` and `access: authoritative`",
        settings: { ...used, access: "additive" },
        before: ownersRepository,
        act: change({ ...adopted, access: "authoritative" }),
        after: ["repository python", `reader: ${dev}`, `repoAdmin: ${owner}`],
    },
    {
        what: "a repository that the stack uses",
        how: "remove `existing`: refused, because the repository exists",
        settings: { ...used, access: "additive" },
        before: ownersRepository,
        act: async (stack) => {
            await stack.configure({ ...only, readers: [dev], access: "additive" });
            await assert.rejects(stack.up(), /already exists/);
        },
        after: ["repository python", `reader: ${dev}, ${owner}`, `repoAdmin: ${owner}`],
    },
    {
        what: "a repository that the stack adopted",
        how: "remove `existing`",
        settings: { ...adopted, access: "authoritative" },
        before: ownersRepository,
        act: change({ ...only, readers: [dev] }),
        after: ["repository python", `reader: ${dev}`, `repoAdmin: ${owner}`],
    },
    {
        what: "an account with impersonators that the stack created",
        how: "`existing: use`, then `pulumi up --refresh`",
        settings: impersonated({ impersonators: [dev] }),
        act: async (stack) => {
            await stack.configure(impersonated({ existing: "use", impersonators: [dev] }));
            await stack.up();
            await stack.up("--refresh");
            await stack.up("--refresh", "--expect-no-changes");
        },
        after: [
            "repository python",
            publisher,
            "account python-publisher",
            `serviceAccountTokenCreator on python-publisher: ${dev}`,
        ],
    },
    {
        what: "an account that the stack created",
        how: "`existing: use`, then remove it",
        settings: impersonated({ keys: ["first"] }),
        act: async (stack) => {
            await change(impersonated({ existing: "use" }))(stack);
            await change(only)(stack);
        },
        after: ["repository python", "account python-publisher"],
    },
    {
        what: "the name of a repository",
        how: "a new `repository`, while it is protected: refused",
        settings: { ...only, readers: [dev] },
        act: async (stack) => {
            await stack.configure({ ...only, readers: [dev], repository: "renamed" });
            await assert.rejects(stack.up(), /protect/);
        },
        after: ["repository python", `reader: ${dev}`],
    },
    {
        what: "the name of a repository",
        how: "a new `repository`, after `protect: false`",
        settings: { ...only, readers: [dev], protect: false },
        act: change({ ...only, readers: [dev], protect: false, repository: "renamed" }),
        after: ["repository renamed", `reader: ${dev}`],
    },
    {
        what: "the location",
        how: "a new `location`, after `protect: false`",
        settings: { ...only, readers: [dev], protect: false },
        act: change({ ...only, readers: [dev], protect: false, location: "europe-north1" }),
        after: ["repository python", `reader: ${dev}`],
    },
    // A name changes, or what is behind a name.
    ...(["additive", "authoritative"] as const).flatMap((access): Case[] => [
        {
            what: `the name of a workload, on a repository that the stack uses, with ${access} access`,
            how: "a new key in `workloads`",
            settings: { ...used, access, workloads: { release } },
            before: ownersRepository,
            act: change({ ...used, access, workloads: { publish: release } }),
            after: [
                "repository python",
                `reader: ${access === "additive" ? `${dev}, ${owner}` : dev}`,
                `repoAdmin: ${owner}`,
                `writer: ${releases}trusted_repository_ref/github:11:12:refs/heads/main`,
                `pool ${pool}: github`,
            ],
        },
        {
            what: `a listed service account, with ${access} access`,
            how: "move it from `readers` to `workloads`",
            settings: { ...only, access, readers: [machine] },
            before: async (stack) => {
                await enableApis(stack);
                stack.sandbox.cloud.addServiceAccount(
                    stack.sandbox.cloud.project(project),
                    "builder",
                    "",
                    "",
                );
            },
            act: change({ ...only, access, workloads: { vm } }),
            after: ["repository python", `reader: ${machine}`, "account builder"],
        },
    ]),
    {
        what: "the names of two workloads, with additive access",
        how: "swap them",
        settings: { ...only, access: "additive", workloads: { one: release, other: snapshot } },
        act: change({ ...only, access: "additive", workloads: { one: snapshot, other: release } }),
        after: [
            "repository python",
            `writer: ${releases}trusted_repository_ref/github:11:12:refs/heads/main, ${releases}trusted_repository_ref/github:11:12:refs/heads/next`,
            `pool ${pool}: github`,
        ],
    },
    {
        what: "the name of a workload that impersonates an account that the stack uses",
        how: "a new key in `workloads`",
        settings: {
            ...impersonated({ existing: "use" }),
            workloads: { release: { ...release, via: "python-publisher" } },
        },
        before: ownersAccount,
        act: change({
            ...impersonated({ existing: "use" }),
            workloads: { publish: { ...release, via: "python-publisher" } },
        }),
        after: [
            "repository python",
            publisher,
            "account python-publisher",
            `serviceAccountTokenCreator on python-publisher: ${owner}`,
            `workloadIdentityUser on python-publisher: ${releases}trusted_repository_ref/github:11:12:refs/heads/main`,
            `pool ${pool}: github`,
        ],
    },
    {
        what: "a stack with additive access and a reader",
        how: "`existing: use` and remove the reader",
        settings: { ...only, access: "additive", readers: [dev, ops] },
        act: change({ ...used, access: "additive", readers: [ops] }),
        after: ["repository python", `reader: ${ops}`],
    },
    {
        what: "an adopted repository, with additive access, and a reader",
        how: "remove `existing` and the reader",
        settings: { ...adopted, access: "additive", readers: [dev, ops] },
        before: ownersRepository,
        act: change({ ...only, access: "additive", readers: [ops] }),
        after: ["repository python", `reader: ${ops}, ${owner}`, `repoAdmin: ${owner}`],
    },
    {
        what: "a stack that uses a repository, with a reader that had the role before",
        how: "`pulumi destroy`: **the reader loses the role**",
        settings: { ...used, access: "additive", readers: [owner] },
        before: ownersRepository,
        act: destroy,
        after: ["repository python", `repoAdmin: ${owner}`],
    },
    {
        what: "a stack that uses a workload identity pool",
        how: "`pulumi destroy`, after `protect: false`",
        settings: {
            ...only,
            protect: false,
            workloads: { release },
            pool: { id: "company-ci", existing: "use" },
        },
        before: async (stack) => {
            await enableApis(stack);
            await callAsOwner(
                stack,
                `iam/v1/projects/${project}/locations/global/workloadIdentityPools?workloadIdentityPoolId=company-ci`,
                { description: "Of the company" },
            );
        },
        act: destroy,
        after: ["pool company-ci"],
    },
    // The stack moves.
    {
        what: "the name of a stack with a workload",
        how: "`pulumi stack rename`, then `pulumi up`",
        settings: { workloads: { release }, readers: [dev] },
        act: async (stack) => {
            await stack.rename("moved");
            const preview = JSON.parse(await stack.pulumi("preview", "--json")) as {
                changeSummary: Readonly<Record<string, number>>;
                steps: { op: string; urn: string; detailedDiff?: object | null }[];
            };
            const updates = preview.steps
                .filter(({ op, detailedDiff }) => op !== "same" && detailedDiff)
                .map(
                    ({ urn, detailedDiff }) =>
                        `${urn.split("::").at(-1) ?? ""} ${Object.keys(detailedDiff ?? {})
                            .sort()
                            .join(" ")}`,
                );
            assert.deepEqual(updates.sort(), [
                "registry description",
                'registry effectiveLabels["python-registry-stack"] labels["python-registry-stack"] pulumiLabels["python-registry-stack"]',
                "registry-github description",
                "registry-python-publisher description",
            ]);
            await stack.up();
            await stack.up("--refresh", "--expect-no-changes");
        },
        after: [
            "repository python",
            `reader: ${dev}`,
            `writer: ${releases}trusted_repository_ref/github:11:12:refs/heads/main, serviceAccount:${account}`,
            "account python-publisher",
            `pool ${pool}: github`,
        ],
    },
    {
        what: "the name of the project of a stack with a workload",
        how: "a new `name` in Pulumi.yaml and in the keys, `pulumi stack rename`, then `pulumi up`",
        settings: { ...only, workloads: { release } },
        act: async (stack) => {
            await stack.renameProject("team-registry", { ...only, workloads: { release } });
            await stack.up();
            await stack.up("--refresh", "--expect-no-changes");
        },
        after: [
            "repository python",
            `writer: ${releases}trusted_repository_ref/github:11:12:refs/heads/main`,
            `pool ${pool}: github`,
        ],
    },
    {
        what: "the state, to a different place",
        how: "`pulumi stack export`, and `pulumi stack import` there",
        settings: { ...only, readers: [dev], workloads: { release } },
        act: async (stack) => {
            const file = join(stack.directory, "state.json");
            await stack.pulumi("stack", "export", "--file", file);
            await stack.pulumi("stack", "rm", "--force", "--yes", "--preserve-config");
            await stack.init({ ...only, readers: [dev], workloads: { release } });
            await stack.pulumi("stack", "import", "--file", file);
            await stack.up("--refresh", "--expect-no-changes");
        },
        after: [
            "repository python",
            `reader: ${dev}`,
            `writer: ${releases}trusted_repository_ref/github:11:12:refs/heads/main`,
            `pool ${pool}: github`,
        ],
    },
    {
        what: "the state of one grant",
        how: "`pulumi state delete`, then `pulumi up`",
        settings: { ...only, readers: [dev] },
        act: async (stack) => {
            await stack.pulumi("state", "delete", await grantUrn(stack), "--yes");
            await change({ ...only, readers: [dev] })(stack);
        },
        after: ["repository python", `reader: ${dev}`],
    },
    {
        what: "the whole state",
        how: "an empty stack with the same name and `existing: adopt`, for the repository and its accounts",
        settings: { readers: [dev], ...impersonated({ keys: ["first"] }), workloads: { release } },
        act: async (stack) => {
            await stack.pulumi("stack", "rm", "--force", "--yes", "--preserve-config");
            await stack.init({
                existing: "adopt",
                access: "authoritative",
                readers: [dev],
                ...impersonated({ existing: "adopt" }),
                workloads: { release },
            });
            await stack.up();
            await stack.up("--refresh", "--expect-no-changes");
        },
        after: [
            "repository python",
            `reader: ${dev}`,
            `writer: ${releases}trusted_repository_ref/github:11:12:refs/heads/main, serviceAccount:${account}`,
            "account python-publisher, keys: 1",
            `pool ${pool}: github`,
        ],
    },
    {
        what: "the whole state of a stack with a mirror",
        how: "an empty stack with the same name, `existing: adopt`, `mirror.existing: adopt` and `existingRules`",
        settings: mirrored,
        act: async (stack) => {
            await stack.pulumi("stack", "rm", "--force", "--yes", "--preserve-config");
            await stack.init({
                ...mirrored,
                existing: "adopt",
                access: "authoritative",
                mirror: { existing: "adopt", existingRules: { "acme-core": "package-acme-core" } },
            });
            await stack.up();
            await stack.up("--refresh", "--expect-no-changes");
        },
        after: mirrorAtGoogle,
    },
    // Somebody else changes something.
    {
        what: "an account of the stack, which somebody deletes and creates again",
        how: "`pulumi up --refresh`",
        settings: {},
        act: async (stack) => {
            const { cloud } = stack.sandbox;
            const old = cloud.project(project).serviceAccounts.get(account);
            assert.ok(old);
            cloud.deleteServiceAccount(old);
            cloud.addServiceAccount(cloud.project(project), "python-publisher", "", "");
            await stack.up();
            assert.match(atGoogle(stack).join("\n"), /deleted:serviceAccount/);
            await stack.up("--refresh");
            await stack.up("--refresh", "--expect-no-changes");
        },
        after: ["repository python", publisher, "account python-publisher"],
    },
];

describe("what ends or moves", () => {
    let stack: EngineStack;
    openForEachTest((opened) => (stack = opened));
    const endings: Ending[] = [];

    for (const { what, how, settings, before, act, after } of cases) {
        it(`${what}: ${how}`, async () => {
            await before?.(stack);
            await stack.init(settings);
            await stack.up();
            await act(stack);
            const found = atGoogle(stack);
            assert.deepEqual(found, after);
            endings.push({ what, how, after: found });
        });
    }

    it("is not looked up before the same program has created it", async () => {
        await enableApis(stack);
        await stack.init({});
        await stack.useProgram(join(__dirname, "owner-program"));
        await stack.pulumi("preview");
        await stack.up();
        assert.deepEqual(atGoogle(stack), ["repository python", `reader: ${dev}`]);
        await stack.up("--refresh", "--expect-no-changes");
        await destroy(stack);
        assert.deepEqual(atGoogle(stack), []);
    });

    it("is described in docs/ends.md", async function () {
        // Only a whole run can tell.
        if (endings.length < cases.length) this.skip();
        const text = await endsPage(endings);
        if (process.env["WRITE_DOCS"]) await writeFile(page, text);
        assert.equal(await readFile(page, "utf8"), text);
    });
});

/** What the stack has at Google, and everyone who has a role there. */
function atGoogle({ sandbox: { cloud } }: EngineStack): string[] {
    const found = cloud.project(project);
    const { repositories, serviceAccounts, workloadIdentityPools, secrets, cryptoKeys, policy } = found;
    const agent = registryAgent(found);
    const grants = (policy: Policy, on = "") =>
        policy.bindings
            .map(
                ({ role, members }) =>
                    `${role.replace(/^roles\/(?:\w+\.)?/, "")}${on}: ${[...members]
                        .sort()
                        .join(", ")
                        .replace(agent, "Google's service agent")}`,
            )
            .sort();
    return [
        ...[...repositories.values()].sort(byId).flatMap(({ id, policy, rules, settings }) => {
            const { cleanupPolicies = {}, vulnerabilityScanningConfig: scanning } = settings;
            const parts = [
                `repository ${id}`,
                ...list("rules", [...rules.keys()]),
                ...list("cleanup", Object.keys(cleanupPolicies)),
                ...(scanning?.enablementConfig === "INHERITED" ? ["scanning"] : []),
            ];
            return [parts.join(", "), ...grants(policy)];
        }),
        ...[...serviceAccounts.values()].flatMap(({ email, keys, policy }) => {
            const id = email.split("@")[0] ?? "";
            return [
                `account ${id}${keys.size === 0 ? "" : `, keys: ${keys.size}`}`,
                ...grants(policy, ` on ${id}`),
            ];
        }),
        ...[...workloadIdentityPools.values()].map(({ id, providers }) => {
            const kept = [...providers.values()].filter(({ expires }) => expires === undefined);
            return [`pool ${id}`, ...kept.map((provider) => provider.id)].join(": ");
        }),
        ...[...secrets.values()].flatMap((each) => grants(each.policy, " on the secret")),
        ...[...cryptoKeys.values()].flatMap((each) => grants(each.policy, " on the key")),
        ...list(
            "audit logs",
            (policy.auditConfigs ?? []).flatMap((each) => each.auditLogConfigs.map(({ logType }) => logType)),
        ),
    ];
}

/** Repositories that do not wait for each other are created in any order. */
function byId(one: { readonly id: string }, other: { readonly id: string }): number {
    return one.id < other.id ? -1 : 1;
}

/** The names of some things, if there are any. */
function list(what: string, names: readonly string[]): string[] {
    return names.length === 0 ? [] : [`${what}: ${names.join(", ")}`];
}
