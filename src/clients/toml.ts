/**
 * Text as a TOML basic string.
 *
 * @throws RangeError if the text has a control character, a line break above all, or half of a surrogate pair, which
 *   no TOML file can hold
 * @see https://toml.io/en/v1.0.0#string
 */
export function tomlString(text: string): string {
    if (/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u.test(text)) {
        // The text may be a credential: it is not repeated.
        throw new RangeError(
            "this text cannot stand in a TOML file: it has a control character or a line break",
        );
    }
    // JSON escapes only the quotation mark and the backslash of what is left, both as TOML does.
    return JSON.stringify(text);
}

/** Texts as a TOML array of basic strings, on one line. Throws like `tomlString`. */
export function tomlArray(texts: readonly string[]): string {
    return `[${texts.map(tomlString).join(", ")}]`;
}

/** Text as one key: bare where it can be, else quoted. Throws like `tomlString`. */
export function tomlKey(text: string): string {
    return /^[A-Za-z0-9_-]+$/.test(text) ? text : tomlString(text);
}
