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

/** The types of principals that have an address. */
export const addressTypes = ["user", "group", "serviceAccount", "domain"] as const;
/** The principals that include everyone. */
export const publicPrincipals = ["allUsers", "allAuthenticatedUsers"];

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

/** Whether a type of principals has an address. */
export function isAddressType(type: string): type is (typeof addressTypes)[number] {
    return (addressTypes as readonly string[]).includes(type);
}

/** The parts of a text before and after its first colon. */
export function splitOnce(text: string): [string, string | undefined] {
    const colon = text.indexOf(":");
    return colon < 0 ? [text, undefined] : [text.slice(0, colon), text.slice(colon + 1)];
}
