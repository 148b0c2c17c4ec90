// Principals without an address: identities of workload and workforce identity pools, and all service accounts of a resource.
// Google documents other hosts for deny policies, for resources that cannot install packages and, in preview, for agents. None of
// them is accepted.

/** Text without characters that cannot be seen. A space is in the middle. */
const value = "(?! )[^\\p{C}\\p{Zl}\\p{Zp}*]*(?<! )";
const workloadPool =
    /^projects\/(?<project>[^/]+)\/locations\/global\/workloadIdentityPools\/(?<pool>[^/]+)(?:\/(?<selector>.*))?$/;
const workforcePool = /^locations\/global\/workforcePools\/(?<pool>[^/]+)(?:\/(?<selector>.*))?$/;

/** The selectors that name one identity. All others name a set. */
const oneIdentity = /^(?:subject|kubernetes\.serviceaccount\.uid)\//;
const selectors = new RegExp(`^(?:(?:subject|group|attribute\\.[a-z0-9_]{1,100})/(?=.)${value}|\\*)$`, "u");
/** Google documents these for the pools of GKE, and no others. */
const kubernetesSelectors = new RegExp(
    `^(?:subject/(?=.)${value}|namespace/[a-z0-9-]{1,63}|kubernetes\\.cluster/https://container\\.googleapis\\.com/v1/projects/[a-z0-9.:-]+/locations/[a-z0-9-]+/clusters/[a-z0-9-]+|kubernetes\\.serviceaccount\\.uid/[0-9a-f-]+|\\*)$`,
    "u",
);
const workloadPoolId = /^(?!gcp-)[a-z0-9-]{4,32}$/;
const workforcePoolId = /^[a-z0-9-]{1,63}$/;
const clusterPool = /^[a-z0-9.:-]+\.svc\.id\.goog$/;
const accountSet =
    /^principalSet:\/\/cloudresourcemanager\.googleapis\.com\/(project|folder|organization)s\/[1-9]\d*\/type\/ServiceAccount$/;
const forms = "subject/SUBJECT (principal://), group/GROUP, attribute.NAME/VALUE or * (principalSet://)";
const kubernetesForms =
    "subject/SUBJECT or kubernetes.serviceaccount.uid/UID (principal://), namespace/NAMESPACE, kubernetes.cluster/CLUSTER or * (principalSet://)";

/** All identities of which a principal is, such as "every identity of the pool"; undefined if someone chose which ones. */
export function unchosenIdentities(principal: string): string | undefined {
    if (/^principalSet:\/\/iam\.googleapis\.com\/.+\/\*$/.test(principal))
        return "every identity of the pool";
    const resource = accountSet.exec(principal)?.[1];
    return resource === undefined ? undefined : `every service account of the ${resource}`;
}

/**
 * The mistake in a principal without an address, with what was probably meant.
 *
 * @param principal `principal://…` or `principalSet://…`
 * @param didYouMean formats the suggestion of a principal, if it is one; it can be an empty string
 * @returns a message that continues after the value; undefined if an allow policy of a repository takes the principal
 *
 * @see https://cloud.google.com/iam/docs/principal-identifiers
 * @see https://cloud.google.com/artifact-registry/docs/reference/rpc/google.iam.v1
 */
export function federatedMistake(
    principal: string,
    didYouMean: (principal: string) => string,
): string | undefined {
    const [, scheme = "", host = "", path = ""] =
        /^(principal|principalSet):\/\/([^/]+)\/(.+)$/s.exec(principal) ?? [];
    if (accountSet.test(principal)) return undefined;
    if (host === "cloudresourcemanager.googleapis.com") {
        return "is not a set of service accounts. Allowed with this host: principalSet://, and projects/NUMBER/type/ServiceAccount after it, also with folders/ or organizations/.";
    }
    if (host !== "iam.googleapis.com") {
        const [, type, address] = /^(subject|group)\/([^/]+@[^/]+)$/.exec(path) ?? [];
        const meant =
            host === "goog" && type !== undefined ? `${type === "group" ? type : "user"}:${address}` : "";
        return `has an unknown host. Allowed: iam.googleapis.com, with a pool, and cloudresourcemanager.googleapis.com, with all service accounts of a project.${didYouMean(meant)}`;
    }
    const { project, pool, selector } = (workloadPool.exec(path) ?? workforcePool.exec(path))?.groups ?? {};
    if (pool === undefined) {
        const account = /^projects\/-\/serviceAccounts\/([^/]+@[^/]+)$/.exec(path)?.[1];
        return `is not in a pool. Allowed: projects/NUMBER/locations/global/workloadIdentityPools/POOL/… or locations/global/workforcePools/POOL/… after the host.${didYouMean(account === undefined ? "" : `serviceAccount:${account}`)}`;
    }
    if (project !== undefined && !/^[1-9]\d{0,18}$/.test(project)) {
        const id = /^[a-z][a-z0-9.:-]+$/.test(project) ? project : "PROJECT";
        return `has a project id. Allowed: the project number after projects/, which this command prints: gcloud projects describe ${id} --format='value(projectNumber)'`;
    }
    const poolPath = selector === undefined ? path : path.slice(0, path.length - selector.length - 1);
    if (selector === undefined || selector === "") {
        return `is a pool without a selector. Allowed after the pool: ${forms}.${didYouMean(`principalSet://${host}/${poolPath}/*`)}`;
    }
    const afterProvider = /^providers\/[^/]+(?:\/(?<rest>.+))?$/.exec(selector);
    if (afterProvider) {
        const rest = afterProvider.groups?.["rest"] ?? "*";
        return `names a provider. Allowed: the pool alone, because a grant is to identities of a pool.${didYouMean(`${schemeFor(rest)}://${host}/${poolPath}/${rest}`)}`;
    }
    if (pool.includes("*") || (selector !== "*" && selector.includes("*"))) {
        return "has a wildcard, which matches nothing. Allowed: * only as the last part, for all identities of the pool.";
    }
    const isGke = project !== undefined && clusterPool.test(pool);
    if (!(isGke ? kubernetesSelectors : selectors).test(selector)) {
        return !isGke && kubernetesSelectors.test(selector)
            ? "has a selector of GKE. Allowed: only with a pool PROJECT_ID.svc.id.goog."
            : `has an unknown selector. Allowed after the pool: ${isGke ? kubernetesForms : forms}.`;
    }
    if (scheme !== schemeFor(selector)) {
        return `has the scheme of ${scheme === "principal" ? "one identity, but names a set" : "a set, but names one identity"}. Allowed: ${isGke ? "principal:// with subject/ and kubernetes.serviceaccount.uid/, principalSet:// with namespace/, kubernetes.cluster/" : "principal:// with subject/, principalSet:// with group/, attribute."} and *.${didYouMean(`${schemeFor(selector)}://${host}/${path}`)}`;
    }
    if (!isGke && !(project === undefined ? workforcePoolId : workloadPoolId).test(pool)) {
        return `has a pool with a name that Google does not allow. Allowed: ${project === undefined ? "lowercase letters, digits and hyphens" : "4 to 32 lowercase letters, digits and hyphens, without gcp- at the start; for GKE, PROJECT_ID.svc.id.goog"}.`;
    }
    const subject = /^subject\/(.*)$/.exec(selector)?.[1];
    if (subject !== undefined && Buffer.byteLength(subject) > 127) {
        return `has a subject of ${Buffer.byteLength(subject)} bytes. Allowed: at most 127, because Google refuses tokens with a longer one.`;
    }
    return undefined;
}

function schemeFor(selector: string): string {
    return oneIdentity.test(selector) ? "principal" : "principalSet";
}
