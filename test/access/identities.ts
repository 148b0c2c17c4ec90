import { azureDevops } from "../../packages/sandbox/src/issuers/azure-devops";
import { bitbucket } from "../../packages/sandbox/src/issuers/bitbucket";
import { buildkite } from "../../packages/sandbox/src/issuers/buildkite";
import type { CiSystem, Claims } from "../../packages/sandbox/src/issuers/ci-system";
import { circleci } from "../../packages/sandbox/src/issuers/circleci";
import { githubActions, githubServer } from "../../packages/sandbox/src/issuers/github-actions";
import { gitlabCi, gitlabEnvironment, gitlabServer } from "../../packages/sandbox/src/issuers/gitlab-ci";
import { hcpTerraform } from "../../packages/sandbox/src/issuers/hcp-terraform";
import { pulumiDeployments } from "../../packages/sandbox/src/issuers/pulumi-deployments";
import { type Role, roles } from "../../packages/registry/src/names/principals";

// Every kind of identity that a stack can grant a role, and how each one signs in.

export const project = "sandbox-project";
export const projectNumber = "123456789012";

/** How an identity comes to an access token. */
export type Login =
    /** Without any credential. */
    | { readonly kind: "none" }
    /** As a person with a Google account. */
    | { readonly kind: "person"; readonly member: string }
    /** With the key of a service account, by its id. */
    | { readonly kind: "key"; readonly account: string }
    /** As a person who impersonates a service account, by its id. */
    | { readonly kind: "impersonation"; readonly member: string; readonly account: string }
    /** With a token of another system, as the snippet of the workload says. */
    | {
          readonly kind: "federation";
          readonly workload: string;
          readonly issuer: string;
          readonly claims: Claims;
      }
    /** From the metadata server of a machine, as the snippet of the workload says. */
    | { readonly kind: "machine"; readonly workload: string; readonly member: string };

export interface Identity {
    /** Unique, in lowercase letters, digits and hyphens. */
    readonly id: string;
    /** Its row on the page; it is the same for the three roles. */
    readonly row: string;
    /** What the configuration declares; undefined for those who have no role. */
    readonly role: Role | undefined;
    readonly login: Login;
    /** The id of the stack's service account as which it acts; undefined if it acts as itself. */
    readonly account?: string;
}

/** What the stack's configuration says of an identity in `workloads`. */
type Entry = Readonly<Record<string, unknown>>;

/** A kind of workload. */
interface Variant {
    readonly row: string;
    /** Default: all of them. */
    readonly roles?: readonly Role[];
    /** @param n a number that no other workload has */
    entry(n: number): Entry;
    login(n: number): { readonly issuer: string; readonly claims: Claims } | { readonly member: string };
}

const uuid = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`;
const main = "refs/heads/main";
const cluster = (id: string, number: string) =>
    `principal://iam.googleapis.com/projects/${number}/locations/global/workloadIdentityPools/${id}.svc.id.goog/subject/ns`;

const token = ({ issuer, claims }: CiSystem, own: Claims) => ({ issuer, claims: { ...claims, ...own } });

/** The number of a repository, project or pipeline in the claims of a workload. */
export const repositoryId = (n: number) => String(2000 + n);
export const ownServers = { github: "git.example.com", gitlab: "gitlab.example.com" };

const readerOnly = { roles: ["reader"] } as const;

function githubVariant(row: string, own: Entry, claims: Claims, system = githubActions): Variant {
    return {
        row,
        ...("ref" in own || "environment" in own ? {} : readerOnly),
        entry: (n) => ({
            type: "githubActions",
            owner: "acme",
            repository: "widgets",
            ownerId: 1001,
            repositoryId: 2000 + n,
            ...own,
        }),
        login: (n) => token(system, { repository_id: repositoryId(n), ...claims }),
    };
}

function gitlabVariant(row: string, own: Entry, claims: Claims, system = gitlabCi): Variant {
    return {
        row,
        entry: (n) => ({ type: "gitlabCi", projectId: 2000 + n, ...own }),
        login: (n) => token(system, { project_id: repositoryId(n), ...claims }),
    };
}

function circleVariant(row: string, own: Entry): Variant {
    return {
        row,
        entry: (n) => ({
            type: "circleCi",
            organizationId: circleci.claims["aud"],
            projectId: uuid(n),
            ...own,
        }),
        login: (n) => token(circleci, { "oidc.circleci.com/project-id": uuid(n) }),
    };
}

function azureVariant(row: string, own: Entry): Variant {
    return {
        row,
        entry: (n) => ({
            type: "azureDevOps",
            organizationId: azureDevops.claims["org_id"],
            projectId: uuid(n),
            ...own,
        }),
        login: (n) => token(azureDevops, { prj_id: uuid(n) }),
    };
}

function buildkiteVariant(row: string, own: Entry): Variant {
    return {
        row,
        entry: (n) => ({
            type: "buildkite",
            organizationId: buildkite.claims["organization_id"],
            pipelineId: uuid(n),
            ...own,
        }),
        login: (n) => token(buildkite, { pipeline_id: uuid(n) }),
    };
}

/** A service of Google with its default account, in another project than the registry. */
function defaultVariant(type: string, accountOf: (n: number) => string, own: Entry = {}): Variant {
    return {
        row: `${type}, ${"legacy" in own ? "legacy" : "default"} account`,
        entry: (n) => ({ type, project: `apps-${n}`, projectNumber: 700000000000 + n, ...own }),
        login: (n) => ({ member: `serviceAccount:${accountOf(n)}` }),
    };
}

function namedVariant(type: string): Variant {
    const account = (n: number) => `app-${n}@apps-project.iam.gserviceaccount.com`;
    return {
        row: `${type}, named account`,
        entry: (n) => ({ type, serviceAccount: account(n) }),
        login: (n) => ({ member: `serviceAccount:${account(n)}` }),
    };
}

const computeAccount = (n: number) => `${700000000000 + n}-compute@developer.gserviceaccount.com`;

/** @param gitlabKeys the public keys of a GitLab server that Google cannot reach */
function variants(gitlabKeys: string): Variant[] {
    const environment = "release";
    const pulumiSubject = (n: number) =>
        `pulumi:deploy:org:acme:project:p${n}:stack:production:operation:update:scope:write`;
    return [
        githubVariant("githubActions", {}, {}),
        githubVariant(
            "githubActions, different owner",
            { ownerId: 1002, ref: main },
            { repository_owner_id: "1002" },
        ),
        githubVariant("githubActions, ref", { ref: main }, { ref: main }),
        githubVariant("githubActions, environment", { environment }, { environment }),
        githubVariant("githubActions, ref and environment", { ref: main, environment }, { environment }),
        {
            ...githubVariant(
                "githubActions, ref and another event",
                { ref: main, events: ["repository_dispatch"] },
                { event_name: "repository_dispatch" },
            ),
            roles: ["writer", "admin"],
        },
        githubVariant(
            "githubActions, server of your own",
            { issuer: githubServer(ownServers.github).issuer, ref: main },
            {},
            githubServer(ownServers.github),
        ),
        gitlabVariant("gitlabCi, project", {}, {}),
        gitlabVariant("gitlabCi, project and ref", { ref: main }, {}),
        { ...gitlabVariant("gitlabCi, project, protected only", { protectedOnly: true }, {}), ...readerOnly },
        {
            ...gitlabVariant(
                "gitlabCi, project and ref, protected only",
                { ref: main, protectedOnly: true },
                {},
            ),
            ...readerOnly,
        },
        gitlabVariant("gitlabCi, project and environment", { environment: "production" }, gitlabEnvironment),
        {
            row: "gitlabCi, namespace",
            entry: (n) => ({ type: "gitlabCi", namespaceId: 2000 + n }),
            login: (n) => token(gitlabCi, { namespace_id: repositoryId(n) }),
        },
        gitlabVariant(
            "gitlabCi, server of your own",
            { issuer: gitlabServer(ownServers.gitlab).issuer, jwksJson: gitlabKeys },
            {},
            gitlabServer(ownServers.gitlab),
        ),
        { ...circleVariant("circleCi", {}), ...readerOnly },
        { ...circleVariant("circleCi, origin", { vcsOrigin: "github.com/acme/widgets" }), ...readerOnly },
        circleVariant("circleCi, origin and ref", { vcsOrigin: "github.com/acme/widgets", ref: main }),
        circleVariant("circleCi, origin and context", {
            vcsOrigin: "github.com/acme/widgets",
            contextId: "7e1d2c3b-4a59-4687-9786-5a4b3c2d1e04",
        }),
        { ...azureVariant("azureDevOps, project", {}), ...readerOnly },
        { ...azureVariant("azureDevOps, pipeline", { pipelineId: 12 }), ...readerOnly },
        azureVariant("azureDevOps, project and ref", { ref: main }),
        azureVariant("azureDevOps, pipeline and ref", { pipelineId: 12, ref: main }),
        {
            row: "hcpTerraform, workspace",
            entry: (n) => ({
                type: "hcpTerraform",
                organizationId: "org-GRNbCjYNpBB6NEBH",
                workspaceId: `ws-${n}`,
            }),
            login: (n) => token(hcpTerraform, { terraform_workspace_id: `ws-${n}` }),
        },
        {
            row: "hcpTerraform, project",
            entry: (n) => ({
                type: "hcpTerraform",
                organizationId: "org-GRNbCjYNpBB6NEBH",
                projectId: `prj-${n}`,
            }),
            login: (n) => token(hcpTerraform, { terraform_project_id: `prj-${n}` }),
        },
        { ...buildkiteVariant("buildkite", {}), ...readerOnly },
        buildkiteVariant("buildkite, ref", { ref: main, forkBranchesArePrefixed: true }),
        {
            row: "oidc, ids (Bitbucket)",
            entry: (n) => ({
                type: "oidc",
                issuer: bitbucket.issuer,
                audiences: [bitbucket.claims["aud"]],
                claims: {
                    workspaceUuid: bitbucket.claims["workspaceUuid"],
                    repositoryUuid: `{${uuid(n)}}`,
                    deploymentEnvironmentUuid: bitbucket.claims["deploymentEnvironmentUuid"],
                },
            }),
            login: (n) => token(bitbucket, { repositoryUuid: `{${uuid(n)}}` }),
        },
        {
            row: "oidc, subject (Pulumi Deployments)",
            entry: (n) => ({
                type: "oidc",
                issuer: pulumiDeployments.issuer,
                audiences: ["acme"],
                claims: { sub: pulumiSubject(n) },
            }),
            login: (n) => token(pulumiDeployments, { sub: pulumiSubject(n) }),
        },
        {
            row: "gke",
            entry: (n) => ({ type: "gke", namespace: `team-${n}`, serviceAccount: "builder" }),
            login: (n) => ({ member: `${cluster(project, projectNumber)}/team-${n}/sa/builder` }),
        },
        {
            row: "gke, cluster of another project",
            entry: (n) => ({
                type: "gke",
                namespace: `team-${n}`,
                serviceAccount: "builder",
                clusterProject: "clusters-project",
                clusterProjectNumber: 710000000000,
            }),
            login: (n) => ({ member: `${cluster("clusters-project", "710000000000")}/team-${n}/sa/builder` }),
        },
        {
            row: "computeEngine, default account of the registry's project",
            roles: ["writer"],
            entry: () => ({ type: "computeEngine" }),
            login: () => ({
                member: `serviceAccount:${projectNumber}-compute@developer.gserviceaccount.com`,
            }),
        },
        defaultVariant("computeEngine", computeAccount),
        namedVariant("computeEngine"),
        defaultVariant("cloudRun", computeAccount),
        namedVariant("cloudRun"),
        defaultVariant("cloudFunctions", computeAccount),
        namedVariant("cloudFunctions"),
        defaultVariant("appEngine", (n) => `apps-${n}@appspot.gserviceaccount.com`),
        namedVariant("appEngine"),
        defaultVariant("cloudBuild", computeAccount),
        defaultVariant("cloudBuild", (n) => `${700000000000 + n}@cloudbuild.gserviceaccount.com`, {
            legacy: true,
        }),
        namedVariant("cloudBuild"),
    ];
}

/** The configuration of a stack, and the identities that it grants roles. */
export interface Declared {
    readonly configuration: Readonly<Record<string, unknown>>;
    readonly identities: readonly Identity[];
    /** Groups and their members, in Google Groups. */
    readonly groups: Readonly<Record<string, string>>;
}

/** A stack with every kind of identity in every role. */
export function everyIdentity(gitlabKeys: string): Declared {
    const identities: Identity[] = [];
    const workloads: Record<string, Entry> = {};
    let n = 0;
    for (const variant of variants(gitlabKeys)) {
        for (const how of ["direct", "via"] as const) {
            for (const role of variant.roles ?? roles) {
                const id = `w${++n}-${how}-${role}`;
                workloads[id] = {
                    ...variant.entry(n),
                    access: role,
                    ...(how === "via" ? { via: `via-${role}` } : {}),
                };
                const login = variant.login(n);
                identities.push({
                    id,
                    row: how === "via" ? `${variant.row}, via an account` : variant.row,
                    role,
                    ...(how === "via" ? { account: `via-${role}` } : {}),
                    login: {
                        ...("member" in login ? { kind: "machine" } : { kind: "federation" }),
                        workload: id,
                        ...login,
                    } as Login,
                });
            }
        }
    }
    const people = roles.flatMap((role): Identity[] => [
        {
            id: `user-${role}`,
            row: "user",
            role,
            login: { kind: "person", member: `user:${role}@example.com` },
        },
        {
            id: `group-${role}`,
            row: "member of a group",
            role,
            login: { kind: "person", member: `user:${role}-member@example.com` },
        },
        {
            id: `domain-${role}`,
            row: "user of a domain",
            role,
            login: { kind: "person", member: `user:somebody@${role}.example.org` },
        },
        {
            id: `account-${role}`,
            row: "service account of another project",
            role,
            login: {
                kind: "person",
                member: `serviceAccount:${role}-robot@other-project.iam.gserviceaccount.com`,
            },
        },
        {
            id: `key-${role}`,
            row: "service account with a key",
            role,
            login: { kind: "key", account: `key-${role}` },
            account: `key-${role}`,
        },
        {
            id: `lent-${role}`,
            row: "service account, impersonated by a user",
            role,
            login: {
                kind: "impersonation",
                member: `user:${role}-impersonator@example.com`,
                account: `lent-${role}`,
            },
            account: `lent-${role}`,
        },
    ]);
    const principals = (role: Role) => [
        `user:${role}@example.com`,
        `group:${role}-team@example.com`,
        `domain:${role}.example.org`,
        `serviceAccount:${role}-robot@other-project.iam.gserviceaccount.com`,
    ];
    return {
        configuration: {
            location: "europe-west1",
            readers: principals("reader"),
            writers: principals("writer"),
            admins: principals("admin"),
            serviceAccounts: Object.fromEntries(
                roles.flatMap((access) => [
                    [`key-${access}`, { access, keys: ["first"] }],
                    [
                        `lent-${access}`,
                        { access, impersonators: [`user:${access}-impersonator@example.com`] },
                    ],
                    [`via-${access}`, { access }],
                ]),
            ),
            workloads,
        },
        identities: [...people, ...identities],
        groups: Object.fromEntries(
            roles.map((role) => [`${role}-team@example.com`, `user:${role}-member@example.com`]),
        ),
    };
}

/** Those who have no role in a stack that does not grant a role to everyone. */
export const strangers: readonly Identity[] = [
    { id: "nobody", row: "nobody (no credential)", role: undefined, login: { kind: "none" } },
    {
        id: "stranger",
        row: "a stranger with a Google account",
        role: undefined,
        login: { kind: "person", member: "user:stranger@example.net" },
    },
];

/** The caller that the log of the service has for an identity: a member, or the beginning of a federated one. */
export function findCaller({ login, account }: Identity): string | undefined {
    if (account !== undefined) return `serviceAccount:${account}@${project}.iam.gserviceaccount.com`;
    switch (login.kind) {
        case "person":
        case "machine":
            return login.member;
        case "federation":
            return `principal://iam.googleapis.com/projects/${projectNumber}/locations/global/workloadIdentityPools/python-europe-west1/subject/`;
        default:
            return undefined;
    }
}
