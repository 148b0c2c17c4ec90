/** One `key = value` line. A list becomes a multi-line value, with one indented line for each element. */
export type IniEntry = readonly [key: string, value: string | readonly string[]];

/** A section with its entries, in the order of the file. */
export interface IniSection {
    readonly name: string;
    readonly entries: readonly IniEntry[];
}

/** The delimiter between a key and a single-line value. By convention, pip.conf uses ` = ` and `.pypirc` uses `: `. */
export type IniDelimiter = " = " | ": ";

/**
 * Renders sections in the format of Python's `RawConfigParser`: without quotes, escapes and interpolation. The npm package `ini`
 * cannot be used: it quotes values and has no multi-line values, so Python would read other values.
 *
 * @throws RangeError if Python would read a name or value differently, for example because of a line break, or if a name occurs
 *   twice. So no value can add a line, a key or a section to a client file.
 * @see https://docs.python.org/3/library/configparser.html#supported-ini-file-structure
 */
export function renderIni(sections: readonly IniSection[], delimiter: IniDelimiter): string {
    requireUnique(
        "section",
        sections.map(({ name }) => name),
    );
    return sections
        .map(({ name, entries }) => {
            validated("section", name, sectionName);
            requireUnique(
                "key",
                entries.map(([key]) => key),
            );
            return `[${name}]\n${entries.map(([key, value]) => renderEntry(key, value, delimiter)).join("")}`;
        })
        .join("\n");
}

function renderEntry(key: string, value: string | readonly string[], delimiter: IniDelimiter): string {
    validated("key", key, keyName);
    if (typeof value === "string") {
        return `${key}${delimiter}${validated("value", value, singleLine)}\n`;
    }
    const lines = value.map((line) => `    ${validated("value", line, continuationLine)}\n`);
    return `${key} =\n${lines.join("")}`;
}

// Python splits lines at more characters than \n, removes white space around values, and treats a line that starts with # or ;
// as a comment. So only printable text without leading and trailing white space is safe.
const singleLine = /^(?:[^\s\p{C}\p{Z}](?:[^\p{C}\p{Zl}\p{Zp}]*[^\s\p{C}\p{Z}])?)?$/u;
const continuationLine = /^[^\s\p{C}\p{Z}#;](?:[^\p{C}\p{Zl}\p{Zp}]*[^\s\p{C}\p{Z}])?$/u;
// Python applies the entries of a section DEFAULT to all other sections.
const sectionName = /^(?!DEFAULT$)[^\s\p{C}\p{Z}[\]]+$/u;
const keyName = /^[a-z][a-z_-]*$/;

function validated(kind: string, text: string, allowed: RegExp): string {
    if (!allowed.test(text)) {
        // The text can be a credential, so the message does not contain it.
        throw new RangeError(
            `this ${kind} cannot be written to an INI file: it has a line break or another character that Python reads differently`,
        );
    }
    return text;
}

/** Checks that no name occurs twice: Python refuses such a file. */
function requireUnique(kind: string, names: readonly string[]): void {
    if (new Set(names).size < names.length) {
        throw new RangeError(
            `this ${kind} cannot be written to an INI file twice: Python refuses such a file`,
        );
    }
}
