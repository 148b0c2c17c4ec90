import { closest, distance } from "fastest-levenshtein";

/** The repository roles that a stack grants, by the names that its configuration uses; each includes those before it. */
export const Role = { reader: "reader", writer: "writer", admin: "admin" } as const;
export type Role = (typeof Role)[keyof typeof Role];
export const roles: readonly Role[] = Object.values(Role);

/** The roles' names in IAM. */
export const roleNames: Readonly<Record<Role, string>> = {
    reader: "roles/artifactregistry.reader",
    writer: "roles/artifactregistry.writer",
    admin: "roles/artifactregistry.repoAdmin",
};

/** The principals that hold each role. */
export interface PrincipalsByRole {
    readonly reader: string[];
    readonly writer: string[];
    readonly admin: string[];
}

/** How many principals one allow policy takes, and how many of them may be groups and domains. */
export const policyLimits = { principals: 1500, groupsAndDomains: 250 } as const;

/** The forms of principal that are accepted, for messages. */
export const principalForms =
    "user:, group: or serviceAccount: and an e-mail address, domain: and a domain, principal://… or principalSet://…";

const addressTypes = ["user", "group", "serviceAccount", "domain"] as const;
const federatedTypes = ["principal", "principalSet"];
const everyone = ["allUsers", "allAuthenticatedUsers"];

const domain = /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/i;
const localPart = /^[^\s\p{C}@:/]{1,64}$/u;
/** A Kubernetes account of a GKE cluster's workload identity, in the older spelling: PROJECT.svc.id.goog[NAMESPACE/NAME]. */
const kubernetesAccount = /^[a-z0-9.:-]+\.svc\.id\.goog\[[a-z0-9-]+\/[a-z0-9.-]+\]$/;
const serviceAccountAddress = /[.@](?:iam\.|developer\.|appspot\.)?gserviceaccount\.com$/i;
const federated = /^principal(?:Set)?:\/\/[^\s\p{C}/]+\/[^\s\p{C}]+$/u;

/** Whether the principal stands for everyone, or for everyone who has signed in. */
export function isPublic(principal: string): boolean {
    return everyone.includes(principal);
}

/**
 * The one spelling of a principal. IAM compares addresses without regard to case and stores them in lower case;
 * federated identities are compared as they are.
 */
export function canonicalPrincipal(principal: string): string {
    const [type, address] = splitOnce(principal);
    return address !== undefined && isAddressType(type) ? `${type}:${address.toLowerCase()}` : principal;
}

/**
 * What is wrong with a principal's form, as a sentence fragment that follows the value, with the likely meant value
 * where there is one; undefined if nothing is.
 *
 * @see https://cloud.google.com/iam/docs/principal-identifiers
 */
export function principalMistake(principal: string): string | undefined {
    if (isPublic(principal) || federated.test(principal)) {
        return undefined;
    }
    const [type, address] = splitOnce(principal);
    if (address === undefined) {
        return `is not an IAM principal. Allowed: ${principalForms}.${meant(likelyWithoutPrefix(principal))}`;
    }
    if (!isAddressType(type)) {
        if (federatedTypes.includes(type)) {
            return `does not name a federated identity. Allowed: ${type}:// and a path, as in ${type}://iam.googleapis.com/….`;
        }
        const known = closest(type.toLowerCase(), [...addressTypes, ...federatedTypes]);
        const near = distance(type.toLowerCase(), known.toLowerCase()) <= 3 ? [`${known}:${address}`] : [];
        const valid = near.filter((likely) => principalMistake(likely) === undefined);
        return `has an unknown type. Allowed: ${principalForms}.${meant(valid)}`;
    }
    if (type === "domain") {
        return domain.test(address)
            ? undefined
            : `does not name a domain. Allowed: domain: and a domain, as in domain:example.com.`;
    }
    if (type === "serviceAccount" && kubernetesAccount.test(address)) {
        return undefined;
    }
    if (!isEmail(address)) {
        return `does not have a valid e-mail address. Allowed: ${type}: and an address, as in ${type}:name@example.com.`;
    }
    if (type !== "serviceAccount" && serviceAccountAddress.test(address)) {
        return `is a service account's address, which IAM takes only as serviceAccount:.${meant([`serviceAccount:${address}`])}`;
    }
    return undefined;
}

/**
 * Counts a policy's principals as IAM does for its limits: every appearance of a principal or a domain counts, a
 * group counts once however often it appears.
 *
 * @see https://cloud.google.com/iam/quotas#limits
 */
export function countPrincipals(policy: PrincipalsByRole): { principals: number; groupsAndDomains: number } {
    const all = roles.flatMap((role) => policy[role]).map(canonicalPrincipal);
    const groups = new Set(all.filter((principal) => principal.startsWith("group:")));
    const domains = all.filter((principal) => principal.startsWith("domain:"));
    return { principals: all.length, groupsAndDomains: groups.size + domains.length };
}

/**
 * The e-mail address of a project's own service account, which follows from its id.
 *
 * @see https://cloud.google.com/iam/docs/service-account-types#user-managed
 */
export function serviceAccountEmail(project: string, id: string): string {
    // A domain-scoped project, example.com:tools, is turned around: tools.example.com.
    const [domain, name] = splitOnce(project);
    return `${id}@${name === undefined ? project : `${name}.${domain}`}.iam.gserviceaccount.com`;
}

/** Who is to hold each role: the principals that are listed, then the project's dedicated accounts. */
export function principalsByRole({
    project,
    readers = [],
    writers = [],
    admins = [],
    serviceAccounts = {},
}: {
    readonly project: string;
    readonly readers?: readonly string[];
    readonly writers?: readonly string[];
    readonly admins?: readonly string[];
    readonly serviceAccounts?: Readonly<Record<string, { readonly access: Role }>>;
}): PrincipalsByRole {
    const accounts = (role: Role) =>
        Object.entries(serviceAccounts)
            .filter(([, account]) => account.access === role)
            .map(([id]) => `serviceAccount:${serviceAccountEmail(project, id)}`);
    return {
        reader: [...readers, ...accounts("reader")],
        writer: [...writers, ...accounts("writer")],
        admin: [...admins, ...accounts("admin")],
    };
}

function likelyWithoutPrefix(value: string): string[] {
    if (isEmail(value)) {
        return serviceAccountAddress.test(value)
            ? [`serviceAccount:${value}`]
            : [`user:${value}`, `group:${value}`];
    }
    if (domain.test(value)) {
        return [`domain:${value}`];
    }
    const known = closest(value, everyone);
    return distance(value.toLowerCase(), known.toLowerCase()) <= 2 ? [known] : [];
}

function meant(values: readonly string[]): string {
    return values.length === 0
        ? ""
        : ` Did you mean ${values.map((value) => JSON.stringify(value)).join(" or ")}?`;
}

function isEmail(text: string): boolean {
    const at = text.indexOf("@");
    return at >= 0 && localPart.test(text.slice(0, at)) && domain.test(text.slice(at + 1));
}

function isAddressType(type: string): type is (typeof addressTypes)[number] {
    return (addressTypes as readonly string[]).includes(type);
}

function splitOnce(text: string): [string, string | undefined] {
    const colon = text.indexOf(":");
    return colon < 0 ? [text, undefined] : [text.slice(0, colon), text.slice(colon + 1)];
}
