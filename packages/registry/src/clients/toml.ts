/**
 * Renders text as a TOML basic string.
 *
 * @throws RangeError if the text has a control character, such as a line break, or half of a surrogate pair
 * @see https://toml.io/en/v1.0.0#string
 */
export function tomlString(text: string): string {
    if (/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u.test(text)) {
        // The text can be a credential, so the message does not contain it.
        throw new RangeError(
            "this text cannot be written to a TOML file: it has a control character or a line break",
        );
    }
    // In the remaining text, JSON escapes only quotation marks and backslashes, in the same way as TOML.
    return JSON.stringify(text);
}

/**
 * Renders texts as a TOML array of basic strings, on one line.
 *
 * @throws RangeError for the same texts as `tomlString`
 */
export function tomlArray(texts: readonly string[]): string {
    return `[${texts.map(tomlString).join(", ")}]`;
}

/**
 * Renders text as a TOML key: bare if possible, otherwise quoted.
 *
 * @throws RangeError for the same texts as `tomlString`
 */
export function tomlKey(text: string): string {
    return /^[A-Za-z0-9_-]+$/.test(text) ? text : tomlString(text);
}
