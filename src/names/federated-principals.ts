// Principals of workload and workforce identity pools: principal://iam.googleapis.com/… and principalSet://….

const workloadPool =
    /^projects\/(?<project>[^/]+)\/locations\/global\/workloadIdentityPools\/(?<pool>[^/]+)(?:\/(?<selector>.*))?$/;
const workforcePool = /^locations\/global\/workforcePools\/(?<pool>[^/]+)(?:\/(?<selector>.*))?$/;

/** The selectors that name one identity. All others name a set. */
const oneIdentity = /^(?:subject|kubernetes\.serviceaccount\.uid)\//;
const selectors = /^(?:subject\/.+|group\/.+|attribute\.[a-z0-9_]+\/.+|\*)$/;
/** Google documents these for the pools of GKE only. */
const kubernetesSelectors =
    /^(?:namespace\/[^/]+|kubernetes\.cluster\/https:\/\/.+|kubernetes\.serviceaccount\.uid\/[^/]+)$/;
const forms = "subject/SUBJECT (principal://), group/GROUP, attribute.NAME/VALUE or * (principalSet://)";

/** Whether a principal is all identities of a pool. */
export function isWholePool(principal: string): boolean {
    return /^principalSet:\/\/iam\.googleapis\.com\/.+\/\*$/.test(principal);
}

/**
 * The mistake in a federated principal, with what was probably meant.
 *
 * @param principal `principal://…` or `principalSet://…`, without spaces
 * @returns a message that continues after the value; undefined if the form is valid. Hosts other than iam.googleapis.com
 *   have forms of their own, which are not checked.
 *
 * @see https://cloud.google.com/iam/docs/principal-identifiers
 */
export function federatedMistake(principal: string): string | undefined {
    const [, scheme = "", host, path = ""] =
        /^(principal|principalSet):\/\/([^/]+)\/(.+)$/.exec(principal) ?? [];
    if (host !== "iam.googleapis.com") return undefined;
    const { project, pool, selector } = (workloadPool.exec(path) ?? workforcePool.exec(path))?.groups ?? {};
    if (pool === undefined) {
        return "is not in a pool. Allowed: projects/NUMBER/locations/global/workloadIdentityPools/POOL/… or locations/global/workforcePools/POOL/… after the host.";
    }
    if (project !== undefined && !/^\d+$/.test(project)) {
        return `has a project id. Allowed: the project number after projects/, which this command prints: gcloud projects describe ${project} --format='value(projectNumber)'`;
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
    const isGke = project !== undefined && pool.endsWith(".svc.id.goog");
    if (!selectors.test(selector)) {
        const known = kubernetesSelectors.test(selector);
        if (!known || !isGke) {
            return known
                ? "has a selector of GKE. Allowed: only with a pool PROJECT_ID.svc.id.goog."
                : `has an unknown selector. Allowed after the pool: ${forms}.`;
        }
    }
    if (scheme !== schemeFor(selector)) {
        return `has the scheme of ${scheme === "principal" ? "one identity, but names a set" : "a set, but names one identity"}. Allowed: principal:// with subject/${isGke ? " and kubernetes.serviceaccount.uid/" : ""}, principalSet:// with group/, attribute.${isGke ? ", namespace/, kubernetes.cluster/" : ""} and *.${didYouMean(`${schemeFor(selector)}://${host}/${path}`)}`;
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

function didYouMean(principal: string): string {
    return ` Did you mean ${JSON.stringify(principal)}?`;
}
