// Claims of tokens in CEL. https://github.com/google/cel-spec/blob/master/doc/langdef.md

/** A claim that not every token has, as a CEL expression. An attribute that cannot be computed would refuse the token. */
export function optional(claim: string): string {
    return `(${literal(claim)} in assertion ? assertion[${literal(claim)}] : "")`;
}

/** A CEL expression: whether a claim, which not every token has, is the full ref of a branch or tag. */
export function isBranchOrTag(claim: string): string {
    return `has(${claim}) && (${claim}.startsWith("refs/heads/") || ${claim}.startsWith("refs/tags/"))`;
}

/** The events that can start a run that uploads: some always, others if a workload adds them. */
export interface Events {
    readonly always: readonly string[];
    readonly more: readonly string[];
}

/** A CEL expression: whether a claim, which not every token has, is one of the events that can start a run that uploads. */
export function isAcceptedEvent(claim: string, { always }: Events, added: readonly string[] = []): string {
    return `${optional(claim)} in ${literal([...always, ...[...added].sort()])}`;
}

/**
 * A CEL literal of a string without control characters, or of a list of such strings.
 *
 * @see https://github.com/google/cel-spec/blob/master/doc/langdef.md#string-and-bytes-values
 */
export function literal(value: string | readonly string[]): string {
    return typeof value === "string" ? JSON.stringify(value) : `[${value.map(literal).join(", ")}]`;
}
