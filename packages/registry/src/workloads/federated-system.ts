import { type Eventful, events } from "../validation/workloads";

// What is known about a system that signs tokens. Its claims are read in CEL.

/** A comparison of a claim with the value that a workload has. */
export interface ClaimMatch {
    /** The claim as a CEL expression, such as `assertion.repository_id`. */
    readonly claim: string;
    readonly value: string;
}

/** One of the claims that identify a workload. An attribute is composed of them. */
export interface SelectedClaim {
    /** Its part of the attribute's name. */
    readonly name?: string;
    readonly claim: string;
    /** undefined: the workload accepts every value. */
    readonly value: string | undefined;
}

/** A CI system, or another system that signs tokens with known claims. `W` is an entry of `workloads` of its type. */
export interface FederatedSystem<W> {
    /** Short name, in lowercase letters. It is the id of the provider if the system has one issuer for everyone. */
    readonly name: string;
    /** Recognizes the issuers of the system, in canonical spelling. */
    readonly issuers: RegExp;
    /**
     * The issuer, exactly as in the claim `iss`, unless the workload has one of its own: one for all customers of the system, or
     * one for each organization.
     */
    readonly issuer: string | ((workload: W) => string);
    /** The audiences of the tokens if they cannot be the name of the provider. */
    readonly audiences?: (workload: W) => readonly string[];
    /** The tokens' subject as a CEL expression of short claims, for Google's logs. No grant names it. */
    readonly subject: string;
    /** The id of the tenant, if it is not the unit: tokens of other tenants are refused. */
    readonly tenant?: (workload: W) => ClaimMatch;
    /** The repository, project or pipeline that the token is for. */
    readonly unit: (workload: W) => SelectedClaim & ClaimMatch;
    /** The claims that identify a workload of that unit, in the order in which the attribute has them. */
    readonly select?: (workload: W) => readonly SelectedClaim[];
    /**
     * CEL expressions that are all true if a token comes from code that was accepted, and from a run that no stranger can start.
     * They follow from the attribute that the workload selects and from its `events`. Without a claim, one of them is false: if it
     * had no value, Google would refuse the token, also as a reader.
     *
     * @param workload one that can upload
     */
    readonly trusted: (workload: W) => readonly string[];
}

/** The events that can start a run that uploads. */
export function acceptedEvents(type: Eventful, added: readonly string[] = []): readonly string[] {
    return [...events[type].always, ...[...added].sort()];
}

/** A claim that not every token has, as a CEL expression. An attribute that cannot be computed would refuse the token. */
export function optional(claim: string): string {
    return `(${literal(claim)} in assertion ? assertion[${literal(claim)}] : "")`;
}

/** A CEL expression: whether a claim, which not every token has, is the full ref of a branch or tag. */
export function isBranchOrTag(claim: string): string {
    return `has(${claim}) && (${claim}.startsWith("refs/heads/") || ${claim}.startsWith("refs/tags/"))`;
}

/**
 * A CEL literal of a string without control characters, or of a list of such strings.
 *
 * @see https://github.com/google/cel-spec/blob/master/doc/langdef.md#string-and-bytes-values
 */
export function literal(value: string | readonly string[]): string {
    return typeof value === "string" ? JSON.stringify(value) : `[${value.map(literal).join(", ")}]`;
}
