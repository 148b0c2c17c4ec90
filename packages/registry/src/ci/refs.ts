/** A branch or a tag. */
export interface Ref {
    readonly kind: "branch" | "tag";
    readonly name: string;
}

/** Parses a full ref, such as `refs/heads/main`. */
export function parseRef(ref: string): Ref {
    return ref.startsWith("refs/tags/")
        ? { kind: "tag", name: ref.slice("refs/tags/".length) }
        : { kind: "branch", name: ref.replace(/^refs\/heads\//, "") };
}

// Characters that have a meaning of their own in the patterns, the strings or the variables of a CI system.
const special = /[^\p{L}\p{N}._/@-]+/u;

/** Whether a name means itself in every CI system. */
export function isPlain(name: string): boolean {
    return !special.test(name);
}

/**
 * A name as a pattern, with `*` for special characters. It can match other names too. A pattern only decides what starts:
 * Google decides who gets in.
 */
export function asPattern(name: string): string {
    return name.split(special).join("*");
}

/** A name as a regular expression between slashes, which can match other names too. */
export function asRegExp(name: string): string {
    const parts = name.split(special).map((part) => part.replace(/[./]/g, "\\$&"));
    return `/^${parts.join(".+")}$/`;
}
