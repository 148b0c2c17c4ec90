import type { Policy } from "../packages/sandbox/src/google/policy";
import type { Permission } from "../packages/sandbox/src/google/roles";
import type { LoggedRequest, Sandbox } from "../packages/sandbox/src/sandbox";
import { type DeployerRole, deployerRoles, optionalRoles, sorted } from "./deployer-page";
import { call, ok } from "./sandbox/client";

// An operator who is not the project's owner, and stacks that together need every role of docs/deployer.md.

export const project = "sandbox-project";
export const operator = "serviceAccount:deployer@tools-project.iam.gserviceaccount.com";
const location = `/artifactregistry/v1/projects/${project}/locations/europe-west1`;
export const existingAccount = `ci-builds@${project}.iam.gserviceaccount.com`;

type Settings = Readonly<Record<string, unknown>>;

/** A stack that needs all roles on the project. */
export function ownStack(keys: readonly string[], owners: readonly number[] = [11]): Settings {
    const release = (ownerId: number) => ({
        type: "githubActions",
        access: "writer",
        owner: `acme-${ownerId}`,
        repository: "core",
        ownerId,
        repositoryId: 100 + ownerId,
        ref: "refs/heads/main",
    });
    return {
        readers: ["group:developers@example.com"],
        protect: false,
        description: `Keys ${keys.join(", ")}`,
        serviceAccounts: {
            "python-publisher": {
                access: "writer",
                displayName: `Publisher, keys ${keys.join(", ")}`,
                keys,
                impersonators: ["user:ada@example.com"],
            },
        },
        workloads: Object.fromEntries(owners.map((id) => [`release-${id}`, release(id)])),
    };
}

/** A stack that needs roles on an existing repository and an existing account only. */
export function existingStack(keys: readonly string[]): Settings {
    return {
        existing: "use",
        access: "authoritative",
        enableApis: false,
        protect: false,
        readers: ["group:developers@example.com"],
        serviceAccounts: {
            "ci-builds": { access: "writer", existing: "use", keys, impersonators: ["user:ada@example.com"] },
        },
    };
}

export const kmsKey = `projects/${project}/locations/europe-west1/keyRings/registry/cryptoKeys/python`;
const secret = `projects/${project}/secrets/index-password`;

/** A stack that needs the rows about a mirror with a login, encryption and audit logs. */
export const optionalStack: Settings = {
    protect: false,
    serviceAccounts: {},
    readers: ["group:developers@example.com"],
    internalPackages: ["acme-core"],
    publicPackages: "mirror",
    mirror: {
        upstream: "https://packages.acme.example/simple",
        username: "mirror",
        passwordSecret: `${secret}/versions/1`,
    },
    encryption: { kmsKey },
    auditLogs: ["DATA_READ"],
    // No row has these.
    cleanup: { policies: { old: { action: "DELETE", condition: { olderThan: "90d" } } } },
    scanning: true,
};

/** What `optionalStack` uses, made by the project's owner. */
export function createOptional({ cloud }: Sandbox): void {
    for (const api of ["cloudkms", "secretmanager"])
        cloud.project(project).services.add(`${api}.googleapis.com`);
    cloud.addCryptoKey(kmsKey);
    cloud.addSecret(secret, ["hunter2"]);
}

/** The optional rows with these beginnings. */
export function optionalRows(...needs: readonly string[]): DeployerRole[] {
    return needs.map((need) => {
        const found = optionalRoles.find((each) => each.need === need);
        if (!found) throw new Error(`docs/deployer.md has no row "${need}"`);
        return found;
    });
}

/** The rows that every stack needs which creates its repository and enables its APIs. */
export const repositoryRoles = deployerRoles.filter(({ need }) =>
    /^(?:a repository$|`enableApis`)/.test(need),
);

/** What `existingStack` uses, made by the project's owner. */
export async function createExisting(sandbox: Sandbox): Promise<void> {
    await ok(sandbox, "POST", `/serviceusage/v1/projects/${project}/services:batchEnable`, {
        serviceIds: ["artifactregistry.googleapis.com", "iam.googleapis.com"],
    });
    await ok(sandbox, "POST", `${location}/repositories?repository_id=python`, { format: "PYTHON" });
    await ok(sandbox, "POST", `/iam/v1/projects/${project}/serviceAccounts`, { accountId: "ci-builds" });
}

/** The rows of the page for resources that the stack creates, and for those that exist. */
export const ownRoles = deployerRoles.filter(({ on }) => on === "project");
export const existingRoles = deployerRoles.filter(({ on }) => on !== "project");

/** Everything that the last column has in these rows, sorted. */
export function getPermissions(roles: readonly DeployerRole[]): Permission[] {
    return sorted(roles.flatMap(({ permissions }) => permissions));
}

/** The policies of the project and of what exists give the operator these roles, and nobody else any. */
export function grantRoles(sandbox: Sandbox, roles: readonly Pick<DeployerRole, "role" | "on">[]): void {
    const target = sandbox.cloud.project(project);
    const policy = (on: DeployerRole["on"]): Policy => ({
        version: 1,
        etag: on,
        bindings: roles.filter((each) => each.on === on).map(({ role }) => ({ role, members: [operator] })),
    });
    const { auditConfigs } = target.policy;
    target.policy = { ...policy("project"), ...(auditConfigs && { auditConfigs }) };
    if (!roles.some(({ on }) => on !== "project")) return;
    for (const repository of target.repositories.values()) repository.policy = policy("repository");
    for (const account of target.serviceAccounts.values()) account.policy = policy("account");
}

/** Gives the operator exactly these permissions on the project, by a custom role. */
export function grantPermissions(sandbox: Sandbox, permissions: readonly Permission[]): void {
    const role = `projects/${project}/roles/pythonRegistry`;
    sandbox.cloud.customRoles.set(role, permissions);
    grantRoles(sandbox, [{ role, on: "project" }]);
}

/** The configuration with which the operator runs the program. */
export function asOperator(sandbox: Sandbox): Record<string, string> {
    return { ...sandbox.providerConfig, "gcp:accessToken": sandbox.issueToken(operator) };
}

/** A call of the operator. @throws Error with the service's message */
export async function callAsOperator(
    sandbox: Sandbox,
    method: string,
    path: string,
    body?: unknown,
): Promise<unknown> {
    const { status, json } = await call(sandbox, method, path, body, sandbox.issueToken(operator));
    if (status !== 200) throw new Error(`${method} ${path}: ${status} ${JSON.stringify(json)}`);
    return json;
}

/** The requests of the operator among these. */
export function ofOperator(requests: readonly LoggedRequest[]): LoggedRequest[] {
    return requests.filter(({ principal }) => principal === operator);
}
