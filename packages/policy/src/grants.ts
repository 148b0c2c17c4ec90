import { type PolicyResource, type ReportViolation, UnknownValueError } from "@pulumi/policy";
import { type GrantForm, findGrant } from "./resource-types";

/** A role of one principal. A preview may not know one of the two yet: reading it then throws `UnknownValueError`. */
export interface Grant {
    readonly role: string;
    readonly principal: string;
}

/** The properties of the IAM resources. Each type has `member`, `members`, `policyData`, `bindings` or `privilegedAccess`. */
export interface IamProperties {
    readonly role?: string;
    readonly member?: string;
    readonly members?: readonly string[];
    /** An allow policy as JSON text. */
    readonly policyData?: string;
    /** An allow policy, in the package google-native. */
    readonly bindings?: readonly Binding[];
    /** What an entitlement of Privileged Access Manager lets its users request. */
    readonly privilegedAccess?: {
        readonly gcpIamAccess?: { readonly resource?: string; readonly roleBindings?: readonly Binding[] };
    };
    readonly eligibleUsers?: readonly { readonly principals?: readonly string[] }[];
}

interface Binding {
    readonly role?: string;
    readonly members?: readonly string[];
}

/** An allow policy that does not have the form of one. */
class MalformedPolicyError extends Error {}

/**
 * What an IAM resource grants.
 *
 * @throws MalformedPolicyError for an allow policy that cannot be read
 * @throws UnknownValueError for an allow policy that a preview does not know yet
 */
function readGrants(form: GrantForm, props: IamProperties): Grant[] {
    switch (form) {
        case "member":
            return [
                lazyGrant(
                    () => props.role,
                    () => props.member,
                ),
            ];
        case "binding":
            return bindingGrants(() => props);
        case "policy": {
            const bindings = "policyData" in props ? parsePolicy(props.policyData) : (props.bindings ?? []);
            return indexes(() => bindings).flatMap((index) => bindingGrants(() => bindings[index]));
        }
        case "entitlement": {
            const roles = () => props.privilegedAccess?.gcpIamAccess?.roleBindings;
            const users = () => props.eligibleUsers;
            return indexes(roles).flatMap((role) =>
                indexes(users).flatMap((user) =>
                    bindingGrants(() => ({
                        get role() {
                            return roles()?.[role]?.role ?? "";
                        },
                        get members() {
                            return users()?.[user]?.principals ?? [];
                        },
                    })),
                ),
            );
        }
    }
}

function bindingGrants(binding: () => Binding | undefined): Grant[] {
    return indexes(() => binding()?.members).map((index) =>
        lazyGrant(
            () => binding()?.role,
            () => binding()?.members?.[index],
        ),
    );
}

function lazyGrant(role: () => string | undefined, principal: () => string | undefined): Grant {
    return {
        get role() {
            return role() ?? "";
        },
        get principal() {
            return principal() ?? "";
        },
    };
}

/** The indexes of a list. For a list that a preview does not know, there is one, whose element is not known either. */
function indexes(list: () => readonly unknown[] | undefined): number[] {
    const length = known(() => (list() ?? []).length) ?? 1;
    return Array.from({ length }, (_, index) => index);
}

/**
 * The bindings of an allow policy. The provider reads keys without regard to case, so `Bindings` would be read there and not
 * here: a key that is not one of a policy is a mistake.
 */
function parsePolicy(policyData = ""): readonly Binding[] {
    const isBinding = (value: unknown): value is Binding =>
        hasOnlyKeys(value, ["role", "members", "condition"]) &&
        typeof value["role"] === "string" &&
        isList(value["members"] ?? [], (each) => typeof each === "string");
    let policy: unknown;
    try {
        policy = JSON.parse(policyData);
    } catch {
        throw new MalformedPolicyError();
    }
    if (!hasOnlyKeys(policy, ["bindings", "auditConfigs", "etag", "version"]))
        throw new MalformedPolicyError();
    const bindings = policy["bindings"] ?? [];
    if (!isList(bindings, isBinding)) throw new MalformedPolicyError();
    return bindings;
}

function hasOnlyKeys(value: unknown, keys: readonly string[]): value is Record<string, unknown> {
    return (
        typeof value === "object" &&
        value !== null &&
        !Array.isArray(value) &&
        Object.keys(value).every((each) => keys.includes(each))
    );
}

function isList<T>(value: unknown, isItem: (item: unknown) => item is T): value is T[];
function isList(value: unknown, isItem: (item: unknown) => boolean): value is unknown[];
function isList(value: unknown, isItem: (item: unknown) => boolean): boolean {
    return Array.isArray(value) && value.every(isItem);
}

/** A value, or undefined if a preview does not know it yet. */
export function known<T>(read: () => T): T | undefined {
    try {
        return read();
    } catch (error) {
        if (error instanceof UnknownValueError) return undefined;
        throw error;
    }
}

/**
 * Runs a check on each item. Where a preview does not know a value that a check needs, the other items are checked first.
 *
 * @throws UnknownValueError of the first check that needs such a value
 */
export function checkEach<T>(items: readonly T[], check: (item: T) => void): void {
    let unknown: Error | undefined;
    for (const item of items) {
        try {
            check(item);
        } catch (error) {
            if (!(error instanceof UnknownValueError)) throw error;
            unknown ??= error as Error;
        }
    }
    if (unknown !== undefined) throw unknown;
}

/**
 * Reports the violations among the grants of an IAM resource. An allow policy that cannot be read is one.
 *
 * @param violation the message, or undefined if the grant is fine
 * @throws UnknownValueError if the rule needs a value that a preview does not know yet; the grants that are known are checked
 *   before
 */
export function checkGrants(
    { type, props, urn }: Pick<PolicyResource, "type" | "props" | "urn">,
    report: ReportViolation,
    violation: (grant: Grant) => string | undefined,
): void {
    const form = findGrant(type)?.form;
    if (form === undefined) return;
    let grants: readonly Grant[];
    try {
        grants = readGrants(form, props as IamProperties);
    } catch (error) {
        if (!(error instanceof MalformedPolicyError)) throw error;
        report(
            `The allow policy of ${grantedOn(type, props)} cannot be read, so it could grant anything. Write policyData as JSON with bindings, each with role and members, or use getIAMPolicy.`,
            urn,
        );
        return;
    }
    checkEach(grants, (grant) => {
        const message = violation(grant);
        if (message !== undefined) report(message, urn);
    });
}

/** What roles are granted on, by type or resource name, and the properties that name it. */
const objects = [
    { noun: "repository", pattern: /repository/i, properties: ["repository", "repositoryId"] },
    { noun: "identity pool", pattern: /pool/i, properties: ["workloadIdentityPoolId", "workforcePoolId"] },
    { noun: "service account", pattern: /serviceaccount/i, properties: ["serviceAccountId"] },
    { noun: "project", pattern: /project/i, properties: ["project", "resource"] },
    { noun: "folder", pattern: /folder/i, properties: ["folder", "folderId"] },
    { noun: "organization", pattern: /organization/i, properties: ["orgId", "organizationId", "resource"] },
];

/** The object of a grant, for messages: `the repository python`, `the project acme`. */
export function grantedOn(type: string, props: object): string {
    const read = (...path: string[]) =>
        known(() =>
            path.reduce<unknown>(
                (value, key) => (value as Record<string, unknown> | undefined)?.[key],
                props,
            ),
        );
    const requested = read("privilegedAccess", "gcpIamAccess", "resource");
    const collection = typeof requested === "string" ? requested.split("/").at(-2) : undefined;
    const object = objects.find(({ pattern }) => pattern.test(collection ?? type));
    const id =
        requested ?? [...(object?.properties ?? []), "name"].map((each) => read(each)).find((each) => each);
    const name = typeof id === "string" ? ` ${id.replace(/^.*\//, "")}` : "";
    const onRequest = findGrant(type)?.form === "entitlement" ? ", on request" : "";
    return `the ${object?.noun ?? "resource"}${name}${onRequest}`;
}
