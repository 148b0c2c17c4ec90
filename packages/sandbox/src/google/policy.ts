import * as v from "valibot";
import { GoogleError, newEtag } from "./google-api";
import { type Permission, predefinedRoles } from "./roles";

/** Who has which role on one resource. https://cloud.google.com/iam/docs/reference/rest/v1/Policy */
export interface Policy {
    readonly version: 1;
    /** Changes with every write; a write that names a different one is refused. */
    readonly etag: string;
    readonly bindings: readonly Binding[];
    /** What Cloud Audit Logs records; in the policy of a project only. */
    readonly auditConfigs?: readonly AuditConfig[];
}

export interface Binding {
    readonly role: string;
    /** IAM principals, such as `user:dev@example.com`. */
    readonly members: readonly string[];
}

/** Which accesses to a service are logged. https://cloud.google.com/logging/docs/audit/configure-data-access */
export interface AuditConfig {
    readonly service: string;
    readonly auditLogConfigs: readonly {
        readonly logType: string;
        readonly exemptedMembers?: readonly string[];
    }[];
}

/** Who makes a request. */
export interface Caller {
    /** The one that logs and messages name, such as `user:dev@example.com`. */
    readonly principal: string;
    /**
     * Everything by which a policy can name the caller. A federated identity has many: its subject, and a set for each of
     * its attributes.
     */
    readonly identities: readonly string[];
}

/** A caller with one identity: a person or a service account. */
export function googleAccount(principal: string): Caller {
    return { principal, identities: [principal] };
}

/** Group address → its members, as principals. IAM looks them up in Google Groups, the sandbox in this map. */
export type Groups = ReadonlyMap<string, ReadonlySet<string>>;

/** Who is in which group, and what a role permits. */
export interface Directory {
    readonly groups: Groups;
    /** By full name, such as `projects/P/roles/ID`. */
    readonly customRoles: ReadonlyMap<string, readonly Permission[]>;
}

const allPrincipals = ["allUsers", "allAuthenticatedUsers"];
const member = v.union(
    [
        v.picklist(allPrincipals),
        v.pipe(v.string(), v.regex(/^(user|group|serviceAccount):[^\s@:]+@[^\s@:]+$/)),
        v.pipe(v.string(), v.regex(/^domain:[^\s@:]+\.[^\s@:]+$/)),
        v.pipe(v.string(), v.regex(/^serviceAccount:[^\s[\]]+\.svc\.id\.goog\[[^\s/[\]]+\/[^\s/[\]]+\]$/)),
        v.pipe(v.string(), v.check(isFederatedMember)),
        v.pipe(v.string(), v.regex(/^deleted:\S+$/)),
    ],
    (issue) => `Invalid member: ${issue.received}.`,
);

const poolMember =
    /^(principal|principalSet):\/\/iam\.googleapis\.com\/projects\/\d+\/locations\/global\/workloadIdentityPools\/([^/\s]+)\/(\S+)$/;

/**
 * Whether a member has one of the forms of federated identities: the project is given by its number, and `principal` is
 * only for one subject.
 * https://cloud.google.com/iam/docs/principal-identifiers
 */
function isFederatedMember(member: string): boolean {
    if (/^principal(Set)?:\/\/iam\.googleapis\.com\/locations\/global\/workforcePools\/\S+$/.test(member))
        return true;
    const [, scheme, pool = "", selector = ""] = poolMember.exec(member) ?? [];
    const clusters = pool.endsWith(".svc.id.goog");
    const one = clusters ? /^(subject|kubernetes\.serviceaccount\.uid)\/./ : /^subject\/./;
    const many = clusters
        ? /^(\*|namespace\/.+|kubernetes\.cluster\/.+)$/
        : /^(\*|group\/.+|attribute\.[a-z0-9_]+\/.+)$/;
    return scheme === "principal" ? one.test(selector) : scheme === "principalSet" && many.test(selector);
}

/** The policy in the body of a setIamPolicy. Conditions are refused: the sandbox could not enforce them. */
export const policySchema = v.strictObject({
    version: v.optional(v.picklist([0, 1, 2, 3])),
    etag: v.optional(v.string()),
    bindings: v.optional(
        v.array(
            v.strictObject({
                role: v.pipe(
                    v.string(),
                    v.regex(
                        /^((projects|organizations)\/[^/]+\/)?roles\/[\w.]+$/,
                        (issue) => `Invalid role: ${issue.received}.`,
                    ),
                ),
                members: v.optional(v.array(member), []),
            }),
        ),
        [],
    ),
});

/** The policy of a project, which has audit configurations too. */
export const projectPolicySchema = v.strictObject({
    ...policySchema.entries,
    auditConfigs: v.exactOptional(
        v.array(
            v.strictObject({
                service: v.string(),
                auditLogConfigs: v.array(
                    v.strictObject({
                        logType: v.picklist(["ADMIN_READ", "DATA_READ", "DATA_WRITE"]),
                        exemptedMembers: v.exactOptional(v.array(member)),
                    }),
                ),
            }),
        ),
    ),
});

/** The policy that IAM returns for a resource without one. */
export const emptyPolicy: Policy = { version: 1, etag: "ACAB", bindings: [] };

/** A policy in JSON: without grants, `bindings` is absent. */
export function policyJson({ version, etag, bindings, auditConfigs = [] }: Policy): object {
    return {
        version,
        etag,
        ...(bindings.length > 0 && { bindings }),
        ...(auditConfigs.length > 0 && { auditConfigs }),
    };
}

/**
 * The policy after a setIamPolicy: one binding for each role, no principal twice, a new etag.
 * @throws GoogleError ABORTED for a stale etag, INVALID_ARGUMENT for more principals than IAM allows
 */
export function replacedPolicy(
    current: Policy,
    wanted: { readonly etag?: string | undefined; readonly bindings: readonly Binding[] },
): Policy {
    if (wanted.etag && wanted.etag !== current.etag) {
        throw new GoogleError(
            "ABORTED",
            "There were concurrent policy changes. Please retry the whole read-modify-write with exponential " +
                `backoff. The request's ETag '${wanted.etag}' did not match the current policy's ETag '${current.etag}'.`,
        );
    }
    const members = new Map<string, Set<string>>();
    for (const binding of wanted.bindings) {
        if (binding.members.length === 0) continue;
        members.set(binding.role, new Set([...(members.get(binding.role) ?? []), ...binding.members]));
    }
    const bindings = [...members].map(([role, set]) => ({ role, members: [...set] }));
    refuseTooMany(bindings.flatMap((binding) => binding.members));
    return { version: 1, etag: newEtag(), bindings };
}

/** https://cloud.google.com/iam/quotas#limits */
function refuseTooMany(members: readonly string[]) {
    // Every occurrence counts, except that a group counts once.
    const groups = new Set(members.filter((each) => each.startsWith("group:"))).size;
    const domains = members.filter((each) => each.startsWith("domain:")).length;
    if (members.length > 1500 || groups + domains > 250) {
        throw new GoogleError(
            "INVALID_ARGUMENT",
            `The policy has ${members.length} principals, ${groups + domains} of them groups and domains: ` +
                "at most 1500 and 250 are allowed.",
        );
    }
}

/**
 * Checks that Artifact Registry supports the bindings on a repository.
 * @throws GoogleError INVALID_ARGUMENT
 */
export function checkRepositoryBindings(bindings: readonly Binding[]) {
    for (const { role, members } of bindings) {
        if (role.startsWith("roles/artifactregistry.") && !predefinedRoles.has(role)) {
            throw new GoogleError("INVALID_ARGUMENT", `Role ${role} is not supported for this resource.`);
        }
        const everyone = members.find((each) => allPrincipals.includes(each));
        if (everyone !== undefined && role !== "roles/artifactregistry.reader") {
            throw new GoogleError(
                "INVALID_ARGUMENT",
                `${everyone} can only be granted reading, not ${role}.`,
            );
        }
    }
}

/**
 * The policy that IAM keeps when a service account is deleted: its grants stay, for a deleted principal, so that a new
 * account with the same name gets nothing.
 * https://cloud.google.com/iam/docs/principal-identifiers#deleted-principals
 */
export function withoutServiceAccount(policy: Policy, email: string, uniqueId: string): Policy {
    const gone = `serviceaccount:${email}`.toLowerCase();
    const mark = (each: string) =>
        each.toLowerCase() === gone ? `deleted:serviceAccount:${email}?uid=${uniqueId}` : each;
    const held = policy.bindings.some(({ members }) => members.some((each) => mark(each) !== each));
    if (!held) return policy;
    const bindings = policy.bindings.map(({ role, members }) => ({ role, members: members.map(mark) }));
    return { ...policy, etag: newEtag(), bindings };
}

/** Whether `policy` gives a caller (undefined: a request without credentials) a permission on its resource. */
export function grants(
    policy: Policy,
    permission: Permission,
    caller: Caller | undefined,
    { groups, customRoles }: Directory,
): boolean {
    return policy.bindings.some(
        ({ role, members }) =>
            (predefinedRoles.get(role) ?? customRoles.get(role))?.includes(permission) &&
            members.some((each) => includes(each, caller, groups)),
    );
}

/** Whether a policy's member includes a caller. Like IAM, ignores the case of addresses, but not of federated identities. */
function includes(member: string, caller: Caller | undefined, groups: Groups): boolean {
    if (member === "allUsers") return true;
    if (caller === undefined) return false;
    const { principal } = caller;
    const isFederated = principal.startsWith("principal:");
    // Google accounts only. https://cloud.google.com/iam/docs/principals-overview#all-authenticated-users
    if (member === "allAuthenticatedUsers") return !isFederated;
    if (isFederated) return caller.identities.includes(member);
    return includesAccount(member.toLowerCase(), principal.toLowerCase(), groups);
}

/** Whether a member, which may be a group or a domain, includes a Google account; both in lower case. */
function includesAccount(wanted: string, caller: string, groups: Groups): boolean {
    if (wanted.startsWith("group:")) {
        return [...groups]
            .filter(([address]) => `group:${address.toLowerCase()}` === wanted)
            .some(([, people]) => [...people].some((each) => each.toLowerCase() === caller));
    }
    if (wanted.startsWith("domain:")) {
        return caller.startsWith("user:") && caller.endsWith(`@${wanted.slice("domain:".length)}`);
    }
    return wanted === caller;
}
