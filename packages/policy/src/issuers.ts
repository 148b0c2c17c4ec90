// The claims of each issuer that name one owner for good.

/** Which claims, with which values, no rename, transfer or new owner changes. */
export interface Issuer {
    /** The issuers of the system, without a slash at the end. */
    readonly pattern: RegExp;
    /** Claims whose every value is one owner, project or account. */
    readonly claims: readonly string[];
    /** One of them as a CEL expression, for messages, if its name is not an identifier. */
    readonly example?: string;
    /** The beginning, up to the end of an id, of the subjects that have such ids, if `sub` is not among the claims. */
    readonly subject?: RegExp;
}

/**
 * Not among the claims: ids of a person, such as `actor_id` and `user_id`, because a person can be made to start a job of
 * someone else's repository. GitLab's `job_project_id`: in a merge request from a fork, it is the target, and the code is the fork's.
 */
const issuers: readonly Issuer[] = [
    {
        // GitHub Actions, also with the issuer of an enterprise. Subjects with ids: https://docs.github.com/actions/reference/security/oidc
        pattern: /^https:\/\/token\.actions\.(?:githubusercontent\.com(?:\/[^/]+)?|[a-z0-9-]+\.ghe\.com)$/,
        claims: ["repository_owner_id", "repository_id", "enterprise_id"],
        subject: /^repo:[^@:/]+@\d+\//,
    },
    {
        // GitHub Enterprise Server
        pattern: /^https:\/\/[^/]+\/_services\/token$/,
        claims: ["repository_owner_id", "repository_id", "enterprise_id"],
    },
    {
        // GitLab CI, also on a host such as gitlab.example.com
        pattern: /^https:\/\/gitlab\.[^/]+$/,
        claims: ["namespace_id", "project_id"],
    },
    {
        pattern: /^https:\/\/oidc\.circleci\.com\/org\/[^/]+$/,
        claims: ["oidc.circleci.com/project-id", "oidc.circleci.com/context-ids"],
        example: 'assertion["oidc.circleci.com/project-id"]',
    },
    {
        // Bitbucket Pipelines
        pattern: /^https:\/\/api\.bitbucket\.org\/2\.0\/workspaces\/[^/]+\/pipelines-config\/identity\/oidc$/,
        claims: ["workspaceUuid", "repositoryUuid", "deploymentEnvironmentUuid"],
    },
    {
        // Azure DevOps
        pattern: /^https:\/\/vstoken\.dev\.azure\.com\/[^/]+$/,
        claims: ["prj_id", "org_id", "def_id", "rpo_id"],
    },
    {
        // Microsoft Entra. A subject is the id of an account or of a service connection.
        pattern:
            /^https:\/\/(?:login\.microsoftonline\.com\/[0-9a-f-]{36}\/v2\.0|sts\.windows\.net\/[0-9a-f-]{36})$/i,
        claims: ["oid", "tid", "sub"],
    },
    {
        // HCP Terraform
        pattern: /^https:\/\/app(?:\.eu)?\.terraform\.io$/,
        claims: ["terraform_organization_id", "terraform_project_id", "terraform_workspace_id"],
    },
    {
        pattern: /^https:\/\/agent\.buildkite\.com$/,
        claims: ["organization_id", "pipeline_id"],
    },
    {
        // Google accounts. A subject is the number of an account.
        pattern: /^https:\/\/accounts\.google\.com$/,
        claims: ["sub"],
    },
    {
        // Kubernetes: clusters of GKE, EKS and AKS, and those that use the name of their own API server
        pattern:
            /^https:\/\/(?:container\.googleapis\.com\/v1\/projects\/.+\/clusters\/[^/]+|oidc\.eks\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?\/id\/[^/]+|[a-z0-9-]+\.oic\.prod-aks\.azure\.com\/[^/]+\/[^/]+|kubernetes\.default\.svc(?:\.cluster\.local)?)$/,
        claims: ["kubernetes.io.serviceaccount.uid"],
        example: 'assertion["kubernetes.io"].serviceaccount.uid',
    },
];

/** The system that an issuer belongs to; undefined for one that is not known here. */
export function issuerNamed(issuer: string): Issuer | undefined {
    return issuers.find(({ pattern }) => pattern.test(withoutSlash(issuer)));
}

/** Google compares the slash at the end, but nobody else can have the same issuer without it. */
export function withoutSlash(issuer: string): string {
    return issuer.replace(/\/$/, "");
}
