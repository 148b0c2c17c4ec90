/**
 * A piece of a sentence. `words` are our own and printed as they are. A `name` is a text that comes from the stack or the
 * engine. It is printed as code, in which nothing has a meaning. A `value` is a name whose end may be cut.
 */
export type Piece =
    | { readonly words: string }
    | { readonly name: string }
    | { readonly value: string }
    | { readonly strong: Sentence };

/** A sentence of the review. */
export type Sentence = readonly Piece[];

/**
 * Builds a sentence. Every interpolated text becomes a name, so a text that comes from the stack is never one of our words.
 *
 * @example say`Deletes the repository ${id}`
 */
export function say(
    words: TemplateStringsArray,
    ...values: readonly (string | number | Sentence)[]
): Sentence {
    return words.flatMap((text, index) => {
        const value = values[index];
        const own: Sentence = text === "" ? [] : [{ words: text }];
        if (value === undefined) return own;
        if (typeof value === "number") return [...own, { words: String(value) }];
        return typeof value === "string" ? [...own, { name: value }] : [...own, ...value];
    });
}

/** In bold. */
export function strong(sentence: Sentence): Sentence {
    return [{ strong: sentence }];
}

/** Names, separated by commas. */
export function list(names: readonly string[]): Sentence {
    return names.flatMap((name, index) => (index === 0 ? say`${name}` : say`, ${name}`));
}
