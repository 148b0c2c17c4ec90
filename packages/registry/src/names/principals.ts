import { closest, distance } from "fastest-levenshtein";
import { federatedMistake } from "./federated-principals";

/** The roles that a stack grants on its repository, as named in the configuration. Each role includes those before it. */
export const Role = { reader: "reader", writer: "writer", admin: "admin" } as const;
/** A role that a stack grants on its repository. */
export type Role = (typeof Role)[keyof typeof Role];
/** All roles. Each role includes those before it. */
export const roles: readonly Role[] = Object.values(Role);

/**
 * The IAM name of each role.
 *
 * @see https://cloud.google.com/artifact-registry/docs/access-control#roles
 */
export const roleNames: Readonly<Record<Role, string>> = {
    reader: "roles/artifactregistry.reader",
    writer: "roles/artifactregistry.writer",
    admin: "roles/artifactregistry.repoAdmin",
};

/** The principals that have each role, as IAM writes them: `user:alice@example.com`. */
export interface PrincipalsByRole {
    /** The principals that can download. */
    readonly reader: string[];
    /** The principals that can upload and download. */
    readonly writer: string[];
    /** The principals that can delete packages, upload and download. */
    readonly admin: string[];
}

/**
 * The maximum number of principals in an allow policy, and the maximum number of groups and domains among them.
 *
 * @see https://cloud.google.com/iam/quotas#limits
 */
export const policyLimits = { principals: 1500, groupsAndDomains: 250 } as const;

/** The accepted forms of a principal, for messages. */
export const principalForms =
    "user:, group: or serviceAccount: followed by an email address, domain: followed by a domain, principal://… or principalSet://…";

const addressTypes = ["user", "group", "serviceAccount", "domain"] as const;
const federatedTypes = ["principal", "principalSet"];
const publicPrincipals = ["allUsers", "allAuthenticatedUsers"];

const domain = /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/i;
/** What an address can have before the `@`, without quotes, percent-encoding and wildcards. */
const localPart = /^[a-z0-9!#$&'+=^_`{|}~.-]{1,64}$/i;
/** A Kubernetes service account of a GKE workload identity pool, in the older form PROJECT.svc.id.goog[NAMESPACE/NAME]. */
const kubernetesAccount = /^[a-z0-9.:-]+\.svc\.id\.goog\[[a-z0-9-]+\/[a-z0-9.-]+\]$/;
/** The end of the address of a service account, of a user or of Google. */
const serviceAccountEnd = /[.@]gserviceaccount\.com$/i;
/** Hosts that nobody has as a domain of users. */
const googleHost =
    /(?:^|\.)(?:gserviceaccount\.com|svc\.id\.goog|pkg\.dev|googleapis\.com|cloud\.google\.com)$/i;
const federated = /^principal(?:Set)?:\/\/[^\s\p{C}/]+\/(?=\S)(?:[^\s\p{C}]| )+(?<=\S)$/u;

/** Whether the principal includes everyone, or everyone who is signed in to a Google account. */
export function isPublic(principal: string): boolean {
    return publicPrincipals.includes(principal);
}

/**
 * The canonical spelling of a principal. IAM ignores the case of addresses and stores them in lower case. It compares
 * federated identities with their case.
 */
export function canonicalPrincipal(principal: string): string {
    const [type, address] = splitOnce(principal);
    return address !== undefined && isAddressType(type) ? `${type}:${address.toLowerCase()}` : principal;
}

/**
 * The mistake in the form of a principal, with a suggestion if there is one.
 *
 * @param accepts whether a valid principal can be suggested
 * @returns a message that continues after the value; undefined if the form is valid
 *
 * @see https://cloud.google.com/iam/docs/principal-identifiers
 */
export function principalMistake(
    principal: string,
    accepts: (principal: string) => boolean = () => true,
): string | undefined {
    if (isPublic(principal)) {
        return undefined;
    }
    /** The suggestions as a sentence with a leading space; an empty string if none is valid. */
    const suggestion = (values: readonly string[]): string => {
        const valid = values.filter(
            (value) => accepts(value) && principalMistake(value, () => false) === undefined,
        );
        return valid.length === 0
            ? ""
            : ` Did you mean ${valid.map((value) => JSON.stringify(value)).join(" or ")}?`;
    };
    if (federated.test(principal)) {
        return federatedMistake(principal, (meant) => suggestion([meant]));
    }
    const [type, address] = splitOnce(principal);
    if (address === undefined) {
        return `is not an IAM principal. Allowed: ${principalForms}.${suggestion(principalsIn(principal))}`;
    }
    if (!isAddressType(type)) {
        if (federatedTypes.includes(type)) {
            return `is not a federated identity. Allowed: ${type}:// followed by a path, for example ${type}://iam.googleapis.com/….${suggestion(principalsIn(principal))}`;
        }
        const known = closest(type.toLowerCase(), [...addressTypes, ...federatedTypes]);
        const near = distance(type.toLowerCase(), known.toLowerCase()) <= 3;
        const spelled = `${known}:${address}`;
        // The two federated types differ little, and the rest of the principal says which of them it needs.
        const likely = federatedTypes.includes(known)
            ? [spelled, ...federatedTypes.map((each) => `${each}:${address}`)]
            : [spelled];
        const valid = near
            ? likely.find((each) => principalMistake(each, () => false) === undefined)
            : undefined;
        return `has an unknown type. Allowed: ${principalForms}.${suggestion(valid === undefined ? principalsIn(principal) : [valid])}`;
    }
    if (type === "domain") {
        return domain.test(address)
            ? undefined
            : `is not a valid domain. Allowed: domain: followed by a domain, for example domain:example.com.${suggestion(principalsIn(principal))}`;
    }
    if (type === "serviceAccount" && kubernetesAccount.test(address)) {
        return undefined;
    }
    if (type === "serviceAccount" && isEmail(address) && !isServiceAccountAddress(address)) {
        const others = address.endsWith(".iam")
            ? principalsIn(principal)
            : ["user", "group"]
                  .filter(() => !serviceAccountEnd.test(address))
                  .map((each) => `${each}:${address}`);
        return `does not have the address of a service account. Allowed: serviceAccount: followed by an address, for example serviceAccount:name@project.iam.gserviceaccount.com.${suggestion(others)}`;
    }
    if (!isEmail(address)) {
        return `does not have a valid email address. Allowed: ${type}: followed by an address, for example ${type}:name@example.com.${suggestion(principalsIn(principal))}`;
    }
    if (type !== "serviceAccount" && serviceAccountEnd.test(address)) {
        return `has the address of a service account. Allowed: serviceAccount: followed by the address.${suggestion([`serviceAccount:${address}`])}`;
    }
    return undefined;
}

/**
 * Counts the principals of a policy as IAM does for its limits: a principal or a domain counts at every appearance, but a
 * group counts only once.
 *
 * @see https://cloud.google.com/iam/quotas#limits
 */
export function countPrincipals(policy: PrincipalsByRole): { principals: number; groupsAndDomains: number } {
    const all = roles.flatMap((role) => policy[role]).map(canonicalPrincipal);
    const groups = new Set(all.filter((principal) => principal.startsWith("group:")));
    const domains = all.filter((principal) => principal.startsWith("domain:"));
    return { principals: all.length, groupsAndDomains: groups.size + domains.length };
}

/** A service account in a project. */
export interface AccountCoordinates {
    /** Project id. */
    readonly project: string;
    /** Account id: the part of the email address before the `@`. */
    readonly accountId: string;
}

/**
 * The project and the account id of an account.
 *
 * @param project the project of an account that has no project in its name
 * @param id an account id, or the address of an account of another project
 */
export function accountCoordinates(project: string, id: string): AccountCoordinates {
    const [, accountId, host] = /^([^@]+)@(.+)\.iam\.gserviceaccount\.com$/.exec(id) ?? [];
    if (accountId === undefined || host === undefined) return { project, accountId: id };
    return { project: hostProject(host), accountId };
}

/** The project in the address of a service account; undefined if the address has only its number, or none. */
export function projectOfAccount(address: string): string | undefined {
    const host = /@(.+)\.iam\.gserviceaccount\.com$|^(.+)@appspot\./.exec(address);
    const name = host?.[1] ?? host?.[2];
    return name === undefined ? undefined : hostProject(name);
}

/**
 * The email address of a service account, derived from its project id and its account id.
 *
 * @param id the account id, or already an address
 * @see https://cloud.google.com/iam/docs/service-account-types#user-managed
 */
export function serviceAccountEmail(project: string, id: string): string {
    if (id.includes("@")) return id;
    return `${id}@${projectHost(project)}.iam.gserviceaccount.com`;
}

/** The opposite of `projectHost`. Only a project id with a domain has dots. */
function hostProject(host: string): string {
    const dot = host.indexOf(".");
    return dot < 0 ? host : `${host.slice(dot + 1)}:${host.slice(0, dot)}`;
}

/** A project id as a part of a host name: the domain-scoped project example.com:tools becomes tools.example.com. */
export function projectHost(project: string): string {
    const [domain, name] = splitOnce(project);
    return name === undefined ? project : `${name}.${domain}`;
}

/** The principals to grant each role: first the listed principals, then the dedicated service accounts. */
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

/** The principals that a text can mean: an address with or without what belongs around it, a domain, a pool. */
function principalsIn(text: string): string[] {
    // What IAM writes for a principal that no longer exists.
    if (text.startsWith("deleted:")) return [];
    const [, pool, selector] =
        /(?:^|\/)(projects\/\d+\/locations\/global\/workloadIdentityPools\/[^/\s]+)(?:\/providers\/[^/\s]+)?(?:\/(.+))?$/.exec(
            text,
        ) ?? [];
    if (pool !== undefined) {
        // Without a selector, only the whole pool is known, which is more than a principal of it.
        return selector === undefined
            ? []
            : federatedTypes.map((type) => `${type}://iam.googleapis.com/${pool}/${selector}`);
    }
    const pod = /[a-z0-9.-]+\.svc\.id\.goog\[\S+\]/.exec(text)?.[0];
    if (pod !== undefined) return [`serviceAccount:${pod}`];
    const host = /^(?:domain:)?\s*(?:\*?@|\*\.)?([^\s:/@]+)$/i.exec(text.trim())?.[1];
    if (host !== undefined && domain.test(host)) return googleHost.test(host) ? [] : [`domain:${host}`];
    const [, owner = "googlegroups.com", group] =
        /groups\.google\.com\/(?:a\/([^/\s]+)\/)?g\/([^/?#\s]+)/.exec(text) ?? [];
    const addresses = text.replace(/^-*\w+=/, "").match(/[^\s:<>()/,;"'?]+@[^\s:<>()/,;"'?]+/g) ?? [];
    if (addresses.length > 1) return [];
    const address = group === undefined ? addresses[0]?.replace(/\.$/, "") : `${group}@${owner}`;
    if (address === undefined) {
        const bare = text.replace(/^\w+:/, "").toLowerCase();
        const known = closest(bare, publicPrincipals);
        return distance(bare, known.toLowerCase()) <= 2 ? [known] : [];
    }
    // The address of an account without its usual end.
    const short = /^(?:serviceAccount:)?([a-z0-9-]+@[a-z0-9-]{6,30})(?:\.iam)?$/.exec(text)?.[1];
    if (short !== undefined) return [`serviceAccount:${short}.iam.gserviceaccount.com`];
    if (serviceAccountEnd.test(address)) return [`serviceAccount:${address}`];
    const isGroup =
        group !== undefined || /@googlegroups\.com$/i.test(address) || /\bgroups?\s*[:=]/i.test(text);
    const types = isGroup ? ["group"] : /\busers?\s*[:=]/i.test(text) ? ["user"] : ["user", "group"];
    return types.map((each) => `${each}:${address}`);
}

/** Whether text is the address of a service account, of a user or of Google. */
export function isServiceAccountAddress(text: string): boolean {
    return isEmail(text) && serviceAccountEnd.test(text) && /^[a-z0-9][a-z0-9.-]*@/i.test(text);
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
