import { type ReportViolation, UnknownValueError } from "@pulumi/policy";

/** What an IAM resource grants a role on. */
export type GrantLevel = "repository" | "account" | "above";

/** The IAM resources of the Google provider, by what they grant a role on: a binding, a member, or a whole policy. */
const iamResources: Readonly<Record<GrantLevel, RegExp>> = {
    repository: /^gcp:artifactregistry\/repositoryIam(?:Binding|Member|Policy):/,
    account: /^gcp:serviceaccount\/iAM(?:Binding|Member|Policy):/,
    above: /^gcp:(?:projects|folder|organizations)\/iAM(?:Binding|Member|Policy):/,
};

/** Whether a resource type grants roles, and on what. */
export function grantLevel(type: string): GrantLevel | undefined {
    return (Object.keys(iamResources) as GrantLevel[]).find((level) => iamResources[level].test(type));
}

/** A role of one principal. A preview may not know one of the two yet: reading it then throws `UnknownValueError`. */
export interface Grant {
    readonly role: string;
    readonly principal: string;
}

/** The properties of the IAM resources. Each type has `member`, `members` or `policyData`. */
export interface IamProperties {
    readonly role?: string;
    readonly member?: string;
    readonly members?: readonly string[];
    /** An allow policy as JSON text. */
    readonly policyData?: string;
}

/** What an IAM resource grants. */
export function grantsOf(props: IamProperties): Grant[] {
    if ("policyData" in props) return grantsOfPolicy(props.policyData ?? "");
    const grant = (principal: () => string | undefined): Grant => ({
        get role() {
            return props.role ?? "";
        },
        get principal() {
            return principal() ?? "";
        },
    });
    if ("member" in props) return [grant(() => props.member)];
    // With a list that a preview does not know, there is one grant, to a principal that it does not know.
    const count = known(() => (props.members ?? []).length) ?? 1;
    return Array.from({ length: count }, (_, index) => grant(() => props.members?.[index]));
}

function grantsOfPolicy(policyData: string): Grant[] {
    let policy: { bindings?: { role: string; members?: string[] }[] };
    try {
        policy = JSON.parse(policyData) as typeof policy;
    } catch {
        // The provider reports the mistake.
        return [];
    }
    return (policy.bindings ?? []).flatMap(({ role, members = [] }) =>
        members.map((principal) => ({ role, principal })),
    );
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
 * Reports the violations among the grants of an IAM resource.
 *
 * @param violation the message, or undefined if the grant is fine
 * @throws UnknownValueError if the rule needs a value that a preview does not know yet; the grants that are known are checked
 *   before
 */
export function checkGrants(
    props: IamProperties,
    report: ReportViolation,
    violation: (grant: Grant) => string | undefined,
): void {
    let unknown: unknown;
    for (const grant of grantsOf(props)) {
        try {
            const message = violation(grant);
            if (message !== undefined) report(message);
        } catch (error) {
            if (!(error instanceof UnknownValueError)) throw error;
            unknown ??= error;
        }
    }
    if (unknown !== undefined) throw unknown as Error;
}

/** The object of a grant, for messages: `the repository python`, `the project acme`. */
export function grantedOn(type: string, props: object): string {
    const [, module = "resource"] = /^gcp:([^/]+)/.exec(type) ?? [];
    const [noun, property] = {
        artifactregistry: ["repository", "repository"],
        serviceaccount: ["service account", "serviceAccountId"],
        projects: ["project", "project"],
        folder: ["folder", "folder"],
        organizations: ["organization", "orgId"],
    }[module] ?? [module, ""];
    const id = known(() => (props as Record<string, unknown>)[property ?? ""]);
    return typeof id === "string" ? `the ${noun} ${id.replace(/^.*\//, "")}` : `the ${noun}`;
}
