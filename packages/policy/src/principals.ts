// Principals that are many identities, some of which nobody chose.

/** The kinds of broad principals that a parameter can name. */
export type BroadKind = "domain" | "pool" | "project" | "group";

const kinds: Readonly<Record<BroadKind, { readonly pattern: RegExp; readonly means: string }>> = {
    domain: {
        pattern: /^domain:|^principalSet:\/\/goog\/cloudIdentityCustomerId\//i,
        means: "everyone in the domain",
    },
    pool: {
        // In the last form, it is the pool of a GKE cluster as older clusters write it.
        pattern:
            /^principalSet:\/\/.*(?:\/\*$|\/kubernetes\.cluster\/)|\.svc\.id\.goog:\/allAuthenticatedUsers\/$/i,
        means: "every identity of the pool or cluster",
    },
    project: {
        pattern:
            /^project(?:Owner|Editor|Viewer):|^principalSet:\/\/cloudresourcemanager\.googleapis\.com\//i,
        means: "everyone with a role on the project, or all its service accounts",
    },
    group: { pattern: /^group:|^principalSet:\/\/goog\/group\//i, means: "every member of the group" },
};

export const broadKinds = Object.keys(kinds) as BroadKind[];
export const defaultBroadKinds: readonly BroadKind[] = ["domain", "pool", "project"];

/** https://cloud.google.com/iam/docs/principal-identifiers. A principal set is chosen by a value of its attribute. */
const chosen =
    /^(?:user|serviceAccount|deleted):|^principal:\/\/|^principalSet:\/\/iam\.googleapis\.com\/.+\/(?:group|namespace|attribute\.[^/]+)\/./i;

const everyone: Readonly<Record<string, string>> = {
    allusers: "everyone on the internet",
    allauthenticatedusers: "everyone with a Google account",
    "principalset://goog/public:all": "everyone on the internet",
};

/** The people for whom `allUsers` and `allAuthenticatedUsers` are; undefined for all other principals. */
export function publicPrincipal(principal: string): string | undefined {
    return everyone[principal.toLowerCase()];
}

/**
 * The many identities that a principal is, for messages; undefined if it is a chosen one or public. A principal in a form that is
 * not known here counts as broad.
 *
 * @param refused the kinds that count as broad
 */
export function broadPrincipal(principal: string, refused: readonly string[]): string | undefined {
    const kind = broadKinds.find((each) => kinds[each].pattern.test(principal));
    if (kind !== undefined) return refused.includes(kind) ? kinds[kind].means : undefined;
    if (chosen.test(principal) || publicPrincipal(principal) !== undefined) return undefined;
    return "everyone whom this principal names, which is in a form that the rule does not know,";
}
