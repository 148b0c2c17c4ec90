import type { Role } from "../names/principals";
import type { ReportEntry } from "./system";

// Issuers of type oidc, and which claims identify one tenant.

/** A value of a claim. */
export type ClaimValue = string | number | boolean;

/** What identifies the tokens of a workload of type oidc. */
interface Oidc {
    readonly access: Role;
    readonly issuer: string;
    readonly claims: Readonly<Record<string, readonly ClaimValue[]>>;
}

/** An issuer whose claims are known. */
interface KnownIssuer {
    /** Recognizes the issuer, in canonical spelling. */
    readonly issuer: RegExp;
    /** The claims that identify one tenant, or one identity. One of them must be compared. */
    readonly ids: readonly string[];
    /** If code that nobody has accepted can get a token: the claims that a writer must compare too, and values that exclude it. */
    readonly accepted?: Readonly<Record<string, readonly [example: string, values: RegExp]>>;
}

const acceptedRef = ["refs/heads/main", /^refs\/(?:heads|tags)\//] as const;

/** Names can be registered again by someone else; these ids cannot, except those of Pulumi Deployments, which has no others. */
const knownIssuers: readonly KnownIssuer[] = [
    // https://cloud.google.com/docs/authentication/get-id-token
    { issuer: /^https:\/\/accounts\.google\.com/, ids: ["sub"] },
    // Everyone can sign up. https://firebase.google.com/docs/auth/admin/verify-id-tokens
    {
        issuer: /^https:\/\/(?:securetoken\.google|session\.firebase\.google)\.com/,
        ids: ["sub", "user_id"],
    },
    // https://learn.microsoft.com/en-us/entra/identity-platform/access-token-claims-reference
    {
        issuer: /^https:\/\/(?:login\.microsoftonline\.(?:com|us)|login\.partner\.microsoftonline\.cn|sts\.windows\.net|[^/]+\.(?:b2clogin|ciamlogin)\.com)/,
        ids: ["oid", "sub"],
    },
    // https://www.pulumi.com/docs/esc/guides/configuring-oidc/custom-audience/
    {
        issuer: /^https:\/\/api\.pulumi\.com\/oidc\/v2/,
        ids: ["current_env_id", "root_env_id", "org_id"].map((name) => `https://pulumi.com/${name}`),
    },
    // A preview can run for a pull request. https://www.pulumi.com/docs/deployments/guides/oidc/
    {
        issuer: /^https:\/\/api\.pulumi\.com/,
        ids: ["sub"],
        accepted: {
            sub: [
                "pulumi:deploy:org:ORG:project:PROJECT:stack:STACK:operation:update:scope:write",
                /^pulumi:(?:deploy:.+:operation:update:scope:write|environments:.+)$/,
            ],
        },
    },
    // https://support.atlassian.com/bitbucket-cloud/docs/integrate-pipelines-with-resource-servers-using-oidc/
    {
        issuer: /^https:\/\/api\.bitbucket\.org/,
        ids: ["repositoryUuid", "workspaceUuid", "deploymentEnvironmentUuid"],
        accepted: { deploymentEnvironmentUuid: ["{UUID}", /^\{.+\}$/] },
    },
    // https://vercel.com/docs/oidc/reference
    {
        issuer: /^https:\/\/oidc\.vercel\.com/,
        ids: ["project_id", "owner_id"],
        accepted: { environment: ["production", /^production$/] },
    },
    // https://fly.io/docs/security/openid-connect/
    { issuer: /^https:\/\/oidc\.fly\.io/, ids: ["app_id", "org_id"] },
    // https://codefresh.io/docs/docs/integrations/oidc-pipelines/
    { issuer: /^https:\/\/oidc\.codefresh\.io/, ids: ["pipeline_id", "account_id"] },
    // The subject is that of a build. https://docs.bitrise.io/en/bitrise-platform/integrations/oidc-authentication/oidc-authentication-overview.html
    { issuer: /^https:\/\/token\.builds\.bitrise\.io/, ids: ["app_slug"] },
    // https://docs.semaphoreci.com/reference/openid
    {
        issuer: /^https:\/\/[^/]+\.semaphoreci\.com/,
        ids: ["prj_id", "org_id"],
        accepted: { ref: acceptedRef, job_type: ["pipeline_job", /^pipeline_job$/] },
    },
    // https://docs.spacelift.io/integrations/cloud-providers/oidc/
    {
        issuer: /^https:\/\/[^/]+\.spacelift\.io/,
        ids: ["callerId", "spaceId"],
        accepted: { runType: ["TRACKED", /^TRACKED$/] },
    },
    // https://depot.dev/docs/ci/oidc
    {
        issuer: /^https:\/\/identity\.depot\.dev/,
        ids: ["repository_id", "repository_owner_id", "org_id"],
        accepted: {
            event_name: ["push", /^(?:push|release|schedule|workflow_dispatch)$/],
            ref: acceptedRef,
        },
    },
];

/** The ids of tenants and of what they own, at an issuer that is not known. The name can be the last part of a URL. */
const tenantId =
    /^(?:(?:https?:\/\/)?[^/]+\.[^/]+\/(?:.+\/)?)?(?:tenant|org|organization|account|project|repository|repo|workspace|namespace|group|pipeline|stack)[_.-]?(?:id|uuid|guid)$/i;

/** The canonical spelling of an issuer's URL, for comparisons. Google compares the spelling that was given. */
export function canonicalIssuer(issuer: string): string {
    const { hostname, pathname } = new URL(issuer);
    return `https://${hostname.replace(/\.$/, "")}${pathname.replace(/\/+/g, "/").replace(/\/$/, "").toLowerCase()}`;
}

/** The claims of a workload that identify its tenant, or the workload itself, and that fit into Google's subject of 127 bytes. */
export function shortIds(workload: Oidc): string[] {
    return idsIn(workload).filter((name) =>
        workload.claims[name]?.every((value) => Buffer.byteLength(String(value)) <= 127),
    );
}

function idsIn({ issuer, claims }: Oidc): string[] {
    const known = knownIssuer(issuer);
    return Object.keys(claims)
        .filter((name) => (known?.ids ?? ["sub", "oid"]).includes(name) || (!known && tenantId.test(name)))
        .filter((name) => claims[name]?.every((value) => typeof value !== "boolean"));
}

function knownIssuer(issuer: string): KnownIssuer | undefined {
    const canonical = canonicalIssuer(issuer);
    return knownIssuers.find((each) => each.issuer.test(canonical));
}

/** The mistakes in the claims of a workload. */
export function claimMistakes(workload: Oidc): Parameters<ReportEntry>[] {
    const { access, issuer, claims } = workload;
    const known = knownIssuer(issuer);
    const ids = idsIn(workload);
    const problem =
        ids.length === 0
            ? known === undefined
                ? "have no id of a known kind, so a stranger can have a token with the same claims. Allowed: claims with sub, or with the id of a tenant, organization, account, project, repository, workspace, namespace, group, pipeline or stack, such as project_id."
                : `have no id, and many tenants share the issuer ${issuer}. Allowed: claims with ${known.ids.join(" or ")}.`
            : shortIds(workload).length === 0
              ? `have no id of at most 127 bytes, which Google requires. Allowed: a shorter id in addition to ${ids.join(" and ")}.`
              : undefined;
    if (problem !== undefined) return [[["claims"], undefined, problem]];
    if (access === "reader") return [];
    return Object.entries(known?.accepted ?? {})
        .filter(([name, [, values]]) => claims[name]?.every((value) => values.test(String(value))) !== true)
        .map(([name, [example]]) => [
            ["claims", name],
            claims[name],
            `${claims[name] === undefined ? "is not set" : "is not valid"}. It is required with access ${access}, because untrusted code, such as that of a pull request, can get a token of the same issuer. Allowed: ${example}.`,
        ]);
}
