import { type Eventful, events } from "../validation/workloads";

// What is known about a system that signs tokens. Its claims are read in CEL.

/** A comparison of a claim with the value that a workload has. */
export interface ClaimMatch {
    /** The claim as a CEL expression, such as `assertion.repository_id`. */
    readonly claim: string;
    readonly value: string;
}

/** What a workload must be, in terms of its tokens. */
export interface Selection {
    /** Name of the attribute that is composed of the claims, without what is added for writers. */
    readonly attribute: string;
    /** The claims that identify the workload, in the order in which the attribute has them. */
    readonly claims: readonly ClaimMatch[];
}

/** A CI system, or another system that signs tokens with known claims. `W` is an entry of `workloads` of its type. */
export interface FederatedSystem<W> {
    /** Short name, in lowercase letters. It is the id of the provider if the system has one issuer for everyone. */
    readonly name: string;
    /** Recognizes the issuers of the system, in canonical spelling. */
    readonly issuers: RegExp;
    /** The issuer, exactly as in the claim `iss`. */
    issuer(workload: W): string;
    /** The issuer that all customers of the system share; undefined if each organization has its own. */
    readonly sharedIssuer?: string;
    /** The audiences of the tokens if they cannot be the name of the provider. */
    audiences?(workload: W): readonly string[];
    /** The tokens' subject as a CEL expression of short claims, for Google's logs. No grant names it. */
    readonly subject: string;
    /** The id of the tenant: tokens of other tenants are refused. */
    tenant(workload: W): ClaimMatch;
    /** The repository, project or pipeline that the token is for. */
    unit(workload: W): ClaimMatch;
    select(workload: W): Selection;
    /**
     * CEL expressions that are all true if a token comes from code that was accepted, and from a run that no stranger can start.
     * They follow from the attribute that the workload selects and from its `events`.
     *
     * @param workload one that can upload
     */
    trusted(workload: W): readonly string[];
}

/** The events that can start a run that uploads. */
export function acceptedEvents(type: Eventful, added: readonly string[] = []): readonly string[] {
    return [...events[type].always, ...[...added].sort()];
}

/** A claim that not every token has, as a CEL expression. An attribute that cannot be computed would refuse the token. */
export function optional(claim: string): string {
    return `(${literal(claim)} in assertion ? assertion[${literal(claim)}] : "")`;
}

/** A CEL expression: whether a claim is the full ref of a branch or tag. */
export function isBranchOrTag(claim: string): string {
    return `(${claim}.startsWith("refs/heads/") || ${claim}.startsWith("refs/tags/"))`;
}

/**
 * A CEL literal of a string without control characters, or of a list of such strings.
 *
 * @see https://github.com/google/cel-spec/blob/master/doc/langdef.md#string-and-bytes-values
 */
export function literal(value: string | readonly string[]): string {
    return typeof value === "string" ? JSON.stringify(value) : `[${value.map(literal).join(", ")}]`;
}
