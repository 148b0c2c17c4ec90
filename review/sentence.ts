/**
 * A piece of a sentence: our own words, or a text that comes from the stack. Only `words` may contain Markdown's characters
 * by their meaning. A `name` is printed as code, where nothing in it has a meaning.
 */
export type Piece = { readonly words: string } | { readonly name: string } | { readonly strong: Sentence };

/** A sentence of the review. */
export type Sentence = readonly Piece[];

/**
 * Builds a sentence. Every interpolated text becomes a name, so that a text of the stack cannot get among our own words.
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
