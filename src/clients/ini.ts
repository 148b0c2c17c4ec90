/** One `key = value` line; a list becomes a continued value, one indented line an element. */
export type IniEntry = readonly [key: string, value: string | readonly string[]];

/** A section with its entries, in the order in which they are written. */
export interface IniSection {
    readonly name: string;
    readonly entries: readonly IniEntry[];
}

/** How a single-line value is set off: pip.conf is customarily written with ` = `, `.pypirc` with `: `. */
export type IniDelimiter = " = " | ": ";

/**
 * Renders sections as Python's `RawConfigParser` reads them back: no quotes, no escapes, no interpolation.
 * (npm's `ini` package quotes values and knows no continued ones, so Python would read something else.)
 *
 * @throws RangeError if a name or value would be read back differently, a line break above all, or a name stands
 *   twice: nothing that reaches a client file can add a line, a key or a section to it.
 * @see https://docs.python.org/3/library/configparser.html#supported-ini-file-structure
 */
export function renderIni(sections: readonly IniSection[], delimiter: IniDelimiter): string {
    once(
        "section",
        sections.map(({ name }) => name),
    );
    return sections
        .map(({ name, entries }) => {
            checked("section", name, sectionName);
            once(
                "key",
                entries.map(([key]) => key),
            );
            return `[${name}]\n${entries.map(([key, value]) => renderEntry(key, value, delimiter)).join("")}`;
        })
        .join("\n");
}

function renderEntry(key: string, value: string | readonly string[], delimiter: IniDelimiter): string {
    checked("key", key, keyName);
    if (typeof value === "string") {
        return `${key}${delimiter}${checked("value", value, singleLine)}\n`;
    }
    const lines = value.map((line) => `    ${checked("value", line, continuationLine)}\n`);
    return `${key} =\n${lines.join("")}`;
}

// Python splits lines at more characters than \n, strips white space around values, and takes a line that
// starts with # or ; for a comment: only printable text without white space at its ends is safe.
const singleLine = /^(?:[^\s\p{C}\p{Z}](?:[^\p{C}\p{Zl}\p{Zp}]*[^\s\p{C}\p{Z}])?)?$/u;
const continuationLine = /^[^\s\p{C}\p{Z}#;](?:[^\p{C}\p{Zl}\p{Zp}]*[^\s\p{C}\p{Z}])?$/u;
// A section DEFAULT would be read into every other one.
const sectionName = /^(?!DEFAULT$)[^\s\p{C}\p{Z}[\]]+$/u;
const keyName = /^[a-z][a-z_-]*$/;

function checked(what: string, text: string, allowed: RegExp): string {
    if (!allowed.test(text)) {
        // The text may be a credential: it is not repeated.
        throw new RangeError(
            `this ${what} cannot stand in an INI file: it has a line break or another character that Python would not read back`,
        );
    }
    return text;
}

/** Python refuses a file that has a name twice. */
function once(what: string, names: readonly string[]): void {
    if (new Set(names).size < names.length) {
        throw new RangeError(`this ${what} cannot stand in an INI file twice: Python would refuse the file`);
    }
}
