import assert from "node:assert/strict";
import { runProgram } from "../../packages/sandbox/src/engines/in-process-engine";
import { stackConfig } from "../../packages/sandbox/src/engines/stack-config";
import { type Permission, permissions } from "../../packages/sandbox/src/google/roles";
import { type Sandbox, startSandbox } from "../../packages/sandbox/src/sandbox";
import {
    asOperator,
    callAsOperator,
    createExisting,
    createOptional,
    existingAccount,
    existingRoles,
    existingStack,
    grantPermissions,
    grantRoles,
    ofOperator,
    operator,
    optionalRows,
    optionalStack,
    ownRoles,
    ownStack,
    getPermissions,
    project,
    repositoryRoles,
} from "../deployer";
import { deployerRoles, previewRole, sorted } from "../deployer-page";
import { methods, permissionsNeeded } from "../documented-permissions";
import { itInRelease } from "../release";
import { ok } from "../sandbox/client";

// The roles and permissions of docs/deployer.md, with the in-process engine. It creates, reads and imports. It neither
// plans, refreshes, updates nor deletes: for these steps, the tests make the calls of the Google provider in its order,
// as test/engine/deployer.test.ts records them there. What they use is what they cannot do without: in
// test/sandbox/permissions.test.ts, every method is refused without its permission.

const repository = `/artifactregistry/v1/projects/${project}/locations/europe-west1/repositories/python`;
const services = `/serviceusage/v1/projects/${project}/services`;
const pools = `/iam/v1/projects/${project}/locations/global/workloadIdentityPools`;
const publisher = `python-publisher@${project}.iam.gserviceaccount.com`;
const accountPath = (email: string) => `/iam/v1/projects/${project}/serviceAccounts/${email}`;

/** A part of a deployment. @throws Error with the service's message */
type Step = (sandbox: Sandbox) => Promise<unknown>;

const call = callAsOperator;

async function up(sandbox: Sandbox, settings: object): Promise<void> {
    const config = {
        "gcp:project": project,
        ...asOperator(sandbox),
        ...stackConfig({ location: "europe-west1", ...settings }),
    };
    await runProgram({ stack: "test", config });
}

async function preview(sandbox: Sandbox, settings: object): Promise<void> {
    const config = {
        "gcp:project": project,
        ...asOperator(sandbox),
        ...stackConfig({ location: "europe-west1", ...settings }),
    };
    await runProgram({ stack: "test", config }, { preview: true });
}

async function rotateKey(sandbox: Sandbox, email: string): Promise<void> {
    const [old = ""] = sandbox.cloud.project(project).serviceAccounts.get(email)!.keys.keys();
    const made = (await call(sandbox, "POST", `${accountPath(email)}/keys`, {})) as { name: string };
    await call(sandbox, "GET", `/iam/v1/${made.name}?publicKeyType=TYPE_X509_PEM_FILE`);
    await call(sandbox, "DELETE", `${accountPath(email)}/keys/${old}`);
}

async function changePolicies(sandbox: Sandbox, email: string): Promise<void> {
    const grants = { policy: { bindings: [] } };
    await call(sandbox, "GET", `${repository}:getIamPolicy`);
    await call(sandbox, "POST", `${repository}:setIamPolicy`, grants);
    await call(sandbox, "POST", `${accountPath(email)}:getIamPolicy`);
    await call(sandbox, "POST", `${accountPath(email)}:setIamPolicy`, grants);
}

async function deleteKeys(sandbox: Sandbox, email: string): Promise<void> {
    for (const key of sandbox.cloud.project(project).serviceAccounts.get(email)!.keys.keys()) {
        await call(sandbox, "DELETE", `${accountPath(email)}/keys/${key}`);
    }
}

const ownSteps: Readonly<Record<string, Step>> = {
    "enabling APIs": async (sandbox) => {
        await call(sandbox, "GET", `/cloudresourcemanager/v1/projects/${project}`);
        await call(sandbox, "GET", `${services}?filter=state:ENABLED`);
        for (const api of ["artifactregistry", "iam"]) {
            await call(sandbox, "POST", `${services}/${api}.googleapis.com:enable`, {});
        }
    },
    up: (sandbox) => up(sandbox, ownStack(["a"])),
    "a change": async (sandbox) => {
        await call(sandbox, "PATCH", `${repository}?updateMask=description`, { description: "New" });
        await call(sandbox, "PATCH", accountPath(publisher), {
            serviceAccount: { displayName: "New" },
            updateMask: "displayName",
        });
        await call(sandbox, "GET", accountPath(publisher));
        const provider = `${pools}/python-europe-west1/providers/github`;
        await call(sandbox, "PATCH", `${provider}?updateMask=displayName`, { displayName: "New" });
    },
    "a key rotation": (sandbox) => rotateKey(sandbox, publisher),
    destroy: async (sandbox) => {
        await deleteKeys(sandbox, publisher);
        await changePolicies(sandbox, publisher);
        await call(sandbox, "DELETE", accountPath(publisher));
        await call(sandbox, "DELETE", repository);
    },
};

const existingSteps: Readonly<Record<string, Step>> = {
    up: (sandbox) => up(sandbox, existingStack(["a"])),
    "a key rotation": (sandbox) => rotateKey(sandbox, existingAccount),
    destroy: async (sandbox) => {
        await deleteKeys(sandbox, existingAccount);
        await changePolicies(sandbox, existingAccount);
    },
};

/** Runs the steps, until one fails. */
async function deploy(
    sandbox: Sandbox,
    steps: Readonly<Record<string, Step>>,
): Promise<{ failed: string; message: string } | undefined> {
    for (const [name, step] of Object.entries(steps)) {
        try {
            await step(sandbox);
        } catch (error) {
            return { failed: name, message: (error as Error).message };
        }
    }
    return undefined;
}

describe("the deployer", () => {
    let sandbox: Sandbox;
    beforeEach(async () => {
        sandbox = await startSandbox({ project });
    });
    afterEach(() => sandbox.close());

    const needed = () => permissionsNeeded(ofOperator(sandbox.requests));

    describe("of a stack with keys and workloads", () => {
        it("deploys it with the roles of the page, and uses all of the permissions in the table", async () => {
            grantRoles(sandbox, ownRoles);
            assert.equal(await deploy(sandbox, ownSteps), undefined);
            assert.deepEqual(needed(), getPermissions(ownRoles));
            const { repositories, serviceAccounts } = sandbox.cloud.project(project);
            assert.deepEqual([repositories.size, serviceAccounts.size], [0, 0]);
        });

        itInRelease("deploys it with a custom role of exactly these permissions", async () => {
            grantPermissions(sandbox, getPermissions(ownRoles));
            assert.equal(await deploy(sandbox, ownSteps), undefined);
        });
    });

    describe("of a stack with an existing repository and account", () => {
        beforeEach(() => createExisting(sandbox));

        it("deploys it with the roles of the page, and uses all of the permissions in the table", async () => {
            grantRoles(sandbox, existingRoles);
            assert.equal(await deploy(sandbox, existingSteps), undefined);
            assert.deepEqual(needed(), getPermissions(existingRoles));
            const { repositories, serviceAccounts } = sandbox.cloud.project(project);
            assert.deepEqual([repositories.size, serviceAccounts.size], [1, 1]);
        });
    });

    describe("of a stack with a mirror, encryption and audit logs", () => {
        const used = (rows: ReturnType<typeof optionalRows>) =>
            sorted(rows.flatMap((row) => row.permissions));
        const previewed = (rows: ReturnType<typeof optionalRows>) => sorted(rows.flatMap((row) => row.plain));
        const central = "projects/central-project/locations/europe-west1/repositories";
        /** What the operator needed since the last call, of what it asked there. */
        let seen = 0;
        const neededAt = (where = /./) => {
            const since = sandbox.requests.slice(seen);
            seen = sandbox.requests.length;
            return permissionsNeeded(ofOperator(since).filter(({ path }) => where.test(path)));
        };
        beforeEach(() => (seen = 0));

        it("deploys and previews it with the permissions of the page, and uses all of them", async () => {
            const rows = optionalRows("a mirror", "a mirror with a login", "`encryption`", "`auditLogs`");
            createOptional(sandbox);
            grantPermissions(sandbox, previewed(rows));
            await preview(sandbox, optionalStack);
            assert.deepEqual(neededAt(), previewed(rows));

            const base = getPermissions(repositoryRoles);
            grantPermissions(sandbox, sorted([...base, ...used(rows)]));
            await up(sandbox, optionalStack);
            const rule = `${repository}-public/rules/package-acme-core`;
            await call(sandbox, "DELETE", rule);
            for (const id of ["-all", "-public", ""]) await call(sandbox, "DELETE", `${repository}${id}`);
            const own = used(rows).filter((each) => !base.includes(each));
            assert.deepEqual(
                neededAt().filter((each) => !base.includes(each)),
                own,
            );
            assert.equal(sandbox.cloud.project(project).repositories.size, 0);
        });

        it("deploys one of a repository elsewhere, and uses one of its owner, with roles on these alone", async () => {
            sandbox.cloud.addProject("central-project", "88", "user:operator@example.com");
            await createExisting(sandbox);
            const { services: apis } = sandbox.cloud.project("central-project");
            apis.add("artifactregistry.googleapis.com");
            const create = (where: string, id: string, settings: object = {}) =>
                ok(sandbox, "POST", `/artifactregistry/v1/${where}?repository_id=${id}`, {
                    format: "PYTHON",
                    ...settings,
                });
            await create(central, "pypi");
            /** Lets the operator do exactly this with a repository. */
            const permit = (of: string, id: string, allowed: readonly Permission[]) => {
                const role = `projects/${project}/roles/on_${id.replace("-", "_")}`;
                sandbox.cloud.customRoles.set(role, allowed);
                const found = sandbox.cloud.repository(sandbox.cloud.project(of), "europe-west1", id);
                found.policy = { ...found.policy, bindings: [{ role, members: [operator] }] };
            };
            const elsewhere = optionalRows("a mirror of another project's repository");
            const base = getPermissions(repositoryRoles);
            permit("central-project", "pypi", used(elsewhere));
            grantPermissions(sandbox, sorted([...base, ...used(optionalRows("a mirror"))]));
            const mirrored = {
                ...optionalStack,
                encryption: {},
                auditLogs: [],
                repository: "own",
                mirror: { upstream: `${central}/pypi` },
            };
            await up(sandbox, mirrored);
            assert.deepEqual(neededAt(/central-project/), used(elsewhere));

            // The owner of that registry removes the operator's roles, and another stack uses its mirror.
            const existing = optionalRows("a mirror with `existing: use`");
            const [ownRow] = deployerRoles.filter(({ need }) => need.startsWith("an existing repository"));
            const mirror = {
                upstream: `${central}/pypi`,
                existing: "use",
                repository: "own-public",
                virtualRepository: "own-all",
            };
            const using = {
                existing: "use",
                access: "additive",
                enableApis: false,
                repository: "own",
                serviceAccounts: {},
                readers: ["group:developers@example.com"],
                publicPackages: "mirror",
                internalPackages: ["acme-core"],
                mirror,
            };
            for (const columns of ["plain", "permissions"] as const) {
                grantRoles(sandbox, []);
                permit(project, "own", ownRow![columns]);
                for (const id of ["own-public", "own-all"]) permit(project, id, existing[0]![columns]);
                await (columns === "plain" ? preview(sandbox, using) : up(sandbox, using));
                assert.deepEqual(neededAt(/own-(?:public|all)/), sorted(existing[0]![columns]));
            }
        });
    });

    describe("for previews", () => {
        const used = (need: RegExp) =>
            sorted(deployerRoles.filter((row) => need.test(row.need)).flatMap(({ plain }) => plain));

        it("previews a stack with workloads", async () => {
            sandbox.cloud.project(project).services.add("iam.googleapis.com");
            grantPermissions(sandbox, previewRole);
            await preview(sandbox, ownStack(["a"]));
            // This engine does not look for an earlier pool in a preview: see test/engine/deployer.test.ts.
            assert.deepEqual(needed(), ["resourcemanager.projects.get"]);
            assert.ok(used(/workloads/).includes("resourcemanager.projects.get"));
        });

        it("previews a stack with existing resources, and uses what the table says", async () => {
            await createExisting(sandbox);
            grantPermissions(sandbox, previewRole);
            await preview(sandbox, existingStack(["a"]));
            assert.deepEqual(needed(), used(/existing/));
        });

        it("cannot deploy, and is refused every method that changes something", async () => {
            await createExisting(sandbox);
            assert.deepEqual(previewRole.filter(isChange), []);
            // Even with every permission that changes nothing.
            grantPermissions(sandbox, sorted([...permissions].filter((each) => !isChange(each))));
            const before = sandbox.requests.length;
            assert.ok(await deploy(sandbox, { up: (into) => up(into, existingStack(["a"])) }));
            const changes = sandbox.requests
                .slice(before)
                .filter((request) => isChange(permissionsNeeded([request])[0]!));
            assert.ok(changes.length > 0);
            assert.deepEqual(
                changes.filter(({ status }) => status !== 403),
                [],
            );
        });
    });
});

function isChange(permission: Permission): boolean {
    return methods.some((method) => method.changes && method.permission === permission);
}
