import { UnsupportedFileError, withoutByteOrderMark } from "./merge";

/**
 * The sections of a file as Python's `RawConfigParser` reads them, each with its keys (in lower case) and values.
 * A section inherits the values of `DEFAULT`; `DEFAULT` itself is listed only if it has any. A byte-order mark is
 * ignored.
 *
 * @throws UnsupportedFileError if Python would refuse the file
 */
export function readIni(text: string): ReadonlyMap<string, ReadonlyMap<string, string>> {
    const { sections } = parseIni(withoutByteOrderMark(text), lowerCase);
    const defaults = [...(sections.get(defaultSection)?.entries.values() ?? [])];
    return new Map(
        [...sections.values()]
            .filter(({ name, entries }) => name !== defaultSection || entries.size > 0)
            .map(({ name, entries }) => [
                name,
                new Map([...defaults, ...entries.values()].map(({ key, value }) => [key, value])),
            ]),
    );
}

// Editing: each edit returns a new file, parsed from its text.

/** Sets a key's value in its line, or adds the key at the section's end. */
export function setValue(file: IniFile, sectionName: string, entry: Entry): IniFile {
    if (entry.source.length > 1) {
        throw new UnsupportedFileError(undefined, "a value of several lines can only be added to a list");
    }
    const old = file.sections.get(sectionName)?.entries.get(entry.key);
    if (old === undefined) {
        return add(file, sectionName, entry.source);
    }
    const [text] = old.source;
    const before = text.slice(0, old.from);
    const gap = old.from === text.length && /[=:]$/.test(before) && entry.value !== "" ? " " : "";
    const changed = before + gap + entry.value + text.slice(old.to);
    const gone = new Set(old.lines.slice(1));
    return edited(
        file,
        file.lines
            .map((line, index) => (index === old.lines[0] ? { ...line, text: changed } : line))
            .filter((_, index) => !gone.has(index)),
    );
}

/**
 * Adds an item to a list, or replaces the items that are the same. If the section has no list, this is the list in
 * DEFAULT, which Python then reads; without either, the section gets a new list at its end.
 */
export function addToList(
    file: IniFile,
    sectionName: string,
    entry: Entry,
    item: string,
    same: (a: string, b: string) => boolean,
): IniFile {
    if (/^[#;]/.test(item)) {
        throw new UnsupportedFileError(
            undefined,
            "an item that Python would read as a comment cannot be added to a list",
        );
    }
    const list = effectiveEntry(file, sectionName, entry.key);
    if (list === undefined) {
        return add(file, sectionName, entry.source);
    }
    if (words(list.value).some((word) => same(word, item))) {
        const parts = new Set(list.lines);
        return edited(
            file,
            file.lines.map((line, index) => {
                if (!parts.has(index)) {
                    return line;
                }
                const from = index === list.lines[0] ? list.from : 0;
                const items = line.text.slice(from).replace(word, (old) => (same(old, item) ? item : old));
                return { ...line, text: line.text.slice(0, from) + items };
            }),
        );
    }
    const continued = list.source.slice(1).at(-1);
    const indent = continued === undefined ? `${list.indent}    ` : getIndent(continued);
    return inserted(file, list.lines.at(-1) ?? list.lines[0], [indent + item]);
}

/** Removes the lines of an entry; comments and empty lines between them stay. */
export function removeEntry(file: IniFile, { lines }: Entry): IniFile {
    return removeLines(file, new Set(lines));
}

/** Removes lines by their numbers. */
export function removeLines(file: IniFile, gone: ReadonlySet<number>): IniFile {
    return edited(
        file,
        file.lines.filter((_, index) => !gone.has(index)),
    );
}

/** Replaces the first item of a list that is `item`, or removes it if there is no replacement, with its line if that is empty then. */
export function replaceItem(file: IniFile, list: Entry, item: string, replacement = ""): IniFile {
    for (const line of list.lines) {
        const from = line === list.lines[0] ? list.from : 0;
        const { text = "", end = "" } = file.lines[line] ?? {};
        const found = [...text.slice(from).matchAll(word)].find(([each]) => each === item);
        if (found === undefined) continue;
        const before = text.slice(0, from + found.index);
        const after = text.slice(from + found.index + item.length);
        const isAlone = strip(before) === "" && strip(after) === "";
        if (replacement === "" && isAlone) return removeLines(file, new Set([line]));
        const changed =
            replacement !== ""
                ? before + replacement + after
                : strip(before) === ""
                  ? before + after.slice(getIndent(after).length)
                  : stripEnd(before) + after;
        return edited(file, file.lines.with(line, { text: changed, end }));
    }
    return file;
}

/** Adds an entry's lines at the end of its section, or a new section at the end of the file. */
function add(file: IniFile, sectionName: string, texts: readonly string[]): IniFile {
    const section = file.sections.get(sectionName);
    if (section === undefined) {
        const last = file.lines.at(-1);
        const gap = last === undefined || strip(last.text) === "" ? [] : [""];
        return inserted(file, file.lines.length - 1, [...gap, `[${sectionName}]`, ...texts]);
    }
    const neighbour = [...section.entries.values()].at(-1);
    const after = neighbour?.lines.at(-1) ?? section.line;
    return inserted(
        file,
        after,
        texts.map((text) => (neighbour?.indent ?? indentWithin(file, section)) + text),
    );
}

/** The indentation that the first entry of an empty section needs, so that a header below is not read as its value. */
function indentWithin(file: IniFile, section: Section): string {
    const next = file.lines.slice(section.line + 1).find(({ text }) => !isBlankOrComment(strip(text)));
    const below = next === undefined ? "" : getIndent(next.text);
    return below.length > section.indent.length ? below : section.indent;
}

/** Inserts lines after the one with this number. */
export function inserted(file: IniFile, after: number, texts: readonly string[]): IniFile {
    const end = usualEnd(file);
    const before = file.lines.slice(0, after + 1);
    const added = texts.map((text) => ({ text, end }));
    const last = before.at(-1);
    // If the last line has no line end, it gets one, and our new last line has none.
    if (last?.end === "") {
        before.splice(-1, 1, { ...last, end });
        added.splice(-1, 1, { text: texts.at(-1) ?? "", end: "" });
    }
    return edited(file, [...before, ...added, ...file.lines.slice(after + 1)]);
}

/** The most frequent line end; the first one if two are equally frequent. */
function usualEnd({ lines }: IniFile): LineEnd {
    const counts = new Map<LineEnd, number>();
    for (const { end } of lines.filter(({ end }) => end !== "")) {
        counts.set(end, (counts.get(end) ?? 0) + 1);
    }
    return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0] ?? "\n";
}

function edited({ getKey }: IniFile, lines: readonly Line[]): IniFile {
    return parseIni(render({ lines }), getKey);
}

/** The text of a file. */
export function render({ lines }: Pick<IniFile, "lines">): string {
    return lines
        .map(({ text, end }, index) =>
            // After a lone \r, the \n of an empty line would be read as a part of that line end.
            text === "" && end === "\n" && lines[index - 1]?.end === "\r" ? "\r\n" : text + end,
        )
        .join("");
}

// Reading, as Python's configparser does in versions 3.10 to 3.14

type KeyOf = (written: string) => string;
type LineEnd = "\n" | "\r\n" | "\r" | "";

/** A parsed file. Line numbers are indices: 0 for the first. */
export interface IniFile {
    readonly lines: readonly Line[];
    readonly sections: ReadonlyMap<string, Section>;
    readonly getKey: KeyOf;
}

interface Line {
    readonly text: string;
    readonly end: LineEnd;
}

export interface Section {
    readonly name: string;
    readonly line: number;
    readonly indent: string;
    readonly entries: ReadonlyMap<string, Entry>;
}

export interface Entry {
    readonly key: string;
    readonly value: string;
    readonly indent: string;
    /** Where the value starts and ends on the line with the key; an empty one is at the end of the line. */
    readonly from: number;
    readonly to: number;
    /** The lines that belong to it: the line with the key and those that continue the value, no empty ones. */
    readonly lines: readonly [number, ...number[]];
    readonly source: readonly [string, ...string[]];
}

export const defaultSection = "DEFAULT";

// White space for Python's str.strip(), str.split() and \s. JavaScript's differs a little.
const whitespace = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const leading = new RegExp(`^[${whitespace}]*`);
const word = new RegExp(`[^${whitespace}]+`, "g");

/** Parses a text without a byte-order mark. `getKey` maps a key in the text to its name. */
export function parseIni(text: string, getKey: KeyOf): IniFile {
    const lines = split(text);
    const sections = new Map<string, Section & { entries: Map<string, Entry> }>();
    let section: (Section & { entries: Map<string, Entry> }) | undefined;
    let entry:
        (Entry & { value: string; lines: [number, ...number[]]; source: [string, ...string[]] }) | undefined;
    for (const [line, { text }] of lines.entries()) {
        const refused = (reason: string) => new UnsupportedFileError(line + 1, reason);
        const content = strip(text);
        if (isBlankOrComment(content)) {
            // An empty line can be part of a value, a comment cannot.
            if (entry !== undefined && content === "") {
                entry.value += "\n";
            }
            continue;
        }
        const indent = getIndent(text);
        if (entry !== undefined && indent.length > entry.indent.length) {
            entry.value += `\n${content}`;
            entry.lines.push(line);
            entry.source.push(text);
            continue;
        }
        const name = /^\[(.+)\]/s.exec(content)?.[1];
        if (name !== undefined) {
            if (name.includes("]")) {
                throw refused("this section's name contains a ], which Python versions read differently");
            }
            section = sections.get(name);
            if (section !== undefined && name !== defaultSection) {
                throw refused("this section is in the file twice");
            }
            section ??= { name, line, indent, entries: new Map() };
            sections.set(name, section);
            entry = undefined;
            continue;
        }
        if (section === undefined) {
            throw refused("there is no section header above this line");
        }
        const delimiter = content.search(/[=:]/);
        if (delimiter === -1) {
            throw refused("this line is neither a section header nor a key with = or :");
        }
        const key = getKey(strip(content.slice(0, delimiter)));
        if (key === "") {
            throw refused("there is no key before the delimiter");
        }
        if (section.entries.has(key)) {
            throw refused("this key is in its section twice");
        }
        const value = strip(content.slice(delimiter + 1));
        const from = value === "" ? text.length : indent.length + content.length - value.length;
        entry = { key, value, indent, from, to: from + value.length, lines: [line], source: [text] };
        section.entries.set(key, entry);
    }
    for (const { entries } of sections.values()) {
        for (const [key, entry] of entries) {
            entries.set(key, { ...entry, value: stripEnd(entry.value) });
        }
    }
    return { lines, sections, getKey };
}

/** Splits lines as Python does for a text file: only \n, \r\n and \r end a line. */
function split(text: string): Line[] {
    return [...text.matchAll(/([^\r\n]*)(\r\n|\r|\n)|[^\r\n]+$/g)].map(([whole, text = whole, end = ""]) => ({
        text,
        end: end as LineEnd,
    }));
}

/** The entry that Python finds for a key: in the section, or else in DEFAULT. */
export function effectiveEntry({ sections }: IniFile, sectionName: string, key: string): Entry | undefined {
    const section = sections.get(sectionName);
    return section && (section.entries.get(key) ?? sections.get(defaultSection)?.entries.get(key));
}

function isBlankOrComment(content: string): boolean {
    return /^(?:$|[#;])/.test(content);
}

function getIndent(text: string): string {
    return leading.exec(text)?.[0] ?? "";
}

/** The words of a value, as Python splits it. */
export function words(value: string): string[] {
    return value.match(word) ?? [];
}

function strip(text: string): string {
    return stripEnd(text.slice(getIndent(text).length));
}

function stripEnd(text: string): string {
    // Not with /[…]+$/, which takes quadratic time on long white space.
    let end = text.length;
    while (end > 0 && getIndent(text.charAt(end - 1)) !== "") {
        end -= 1;
    }
    return text.slice(0, end);
}

export function lowerCase(written: string): string {
    return written.toLowerCase();
}
