import type { Role } from "../names/principals";

// What users of every language write for a workload. The SDKs are generated from these types, which have no unions of maps.

/** Where a machine runs that installs or uploads packages without a key. */
export const WorkloadType = {
    githubActions: "githubActions",
    gitlabCi: "gitlabCi",
    circleCi: "circleCi",
    azureDevOps: "azureDevOps",
    hcpTerraform: "hcpTerraform",
    buildkite: "buildkite",
    oidc: "oidc",
    gke: "gke",
    computeEngine: "computeEngine",
    cloudRun: "cloudRun",
    cloudFunctions: "cloudFunctions",
    appEngine: "appEngine",
    cloudBuild: "cloudBuild",
} as const;
/** Where a machine runs that installs or uploads packages without a key. */
export type WorkloadType = (typeof WorkloadType)[keyof typeof WorkloadType];

/**
 * A workload that authenticates without a key, and its role on the repository. Each type takes only some of the properties: see
 * docs/workloads.md. Ids are stable; a name can be registered again by someone else, so no grant depends on one.
 */
export interface WorkloadConfig {
    /** Where the machine runs. */
    readonly type: WorkloadType;
    /** Its role on the repository. With `via`, the role of that account. */
    readonly access: Role;
    /** The account id of a service account of the registry that it impersonates. Without it, it is granted its role directly. */
    readonly via?: string;
    /** Name of the owner of the repository, for people to read (githubActions). */
    readonly owner?: string;
    /** Name of the repository, for people to read (githubActions). */
    readonly repository?: string;
    /** Numeric id of the owner (githubActions). */
    readonly ownerId?: string;
    /** Numeric id of the repository (githubActions). */
    readonly repositoryId?: string;
    /** Full ref that it must run on, such as refs/heads/main (CI systems). */
    readonly ref?: string;
    /** The deployment environment that it must run in (githubActions, gitlabCi). */
    readonly environment?: string;
    /** Events that can start a run that uploads, in addition to those that always can (githubActions, gitlabCi, buildkite). */
    readonly events?: string[];
    /** Issuer of the tokens, for a system that you host (githubActions, gitlabCi, hcpTerraform), and for oidc. */
    readonly issuer?: string;
    /** The issuer's public keys (JWKS), if Google cannot reach the issuer (gitlabCi, githubActions, oidc). */
    readonly jwksJson?: string;
    /** Id of the project: a number (gitlabCi), a UUID (circleCi, azureDevOps), or prj-… (hcpTerraform). */
    readonly projectId?: string;
    /** Numeric id of the group or user namespace (gitlabCi). */
    readonly namespaceId?: string;
    /** Only jobs on protected branches and tags, as writers in any case (gitlabCi). */
    readonly protectedOnly?: boolean;
    /** Id of the organization: a UUID (circleCi, azureDevOps, buildkite), or org-… (hcpTerraform). */
    readonly organizationId?: string;
    /** The repository that it must build, as in github.com/acme/core (circleCi). */
    readonly vcsOrigin?: string;
    /** Id of the context that its job must use: a UUID (circleCi). */
    readonly contextId?: string;
    /** Id of the pipeline: a number (azureDevOps), a UUID (buildkite). */
    readonly pipelineId?: string;
    /** That forks are not built, or that the branches of forks have a prefix. A writer needs this setting (buildkite). */
    readonly forkBranchesArePrefixed?: boolean;
    /** Id of the workspace, ws-… (hcpTerraform). */
    readonly workspaceId?: string;
    /** Accepted audiences of the tokens. Default: the name of the provider (oidc). */
    readonly audiences?: string[];
    /** From claim to the exact value that a token must have, or a list of such values: text, whole numbers, true or false (oidc). */
    // eslint-disable-next-line @typescript-eslint/no-explicit-any -- the components' schema has no unions
    readonly claims?: Record<string, any>;
    /** Kubernetes namespace (gke). */
    readonly namespace?: string;
    /** Name of the Kubernetes service account (gke), or email address of a Google service account. Default: that of the service. */
    readonly serviceAccount?: string;
    /** Project id of the cluster. Default: the project of the registry (gke). */
    readonly clusterProject?: string;
    /** Project number of the cluster's project. Default: looked up (gke). */
    readonly clusterProjectNumber?: string;
    /** Project id of the service. Default: the project of the registry (Google's services). */
    readonly project?: string;
    /** Number of that project. Default: looked up (Google's services). */
    readonly projectNumber?: string;
    /** Whether the default account is Cloud Build's legacy account (cloudBuild). */
    readonly legacy?: boolean;
}
