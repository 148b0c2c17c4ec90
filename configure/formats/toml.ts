import { isDeepStrictEqual } from "node:util";
import { type AST, parseTOML, ParseError } from "toml-eslint-parser";
import { tomlKey } from "../../src/clients/toml";
import { normalizedName } from "../../src/names/package-names";
import {
    type LineSyntax,
    type Merge,
    type Merging,
    NameTaken,
    NotUnderstood,
    withoutUserInfo,
} from "./merge";

/** What a TOML text says. An integer that a number cannot hold is a bigint, every date and time a Date. */
export type Toml = string | number | bigint | boolean | Date | readonly Toml[] | TomlTable;
export interface TomlTable {
    readonly [key: string]: Toml;
}

/**
 * Reads a TOML text.
 *
 * @throws NotUnderstood if it is not valid TOML
 */
export function readToml(text: string): TomlTable {
    return understood(withoutMark(text)).data;
}

/** A value as the table that it is; undefined for any other. */
export function asTable(value: Toml | undefined): TomlTable | undefined {
    return typeof value === "object" && !Array.isArray(value) && !(value instanceof Date)
        ? (value as TomlTable)
        : undefined;
}

/**
 * Works generated TOML into an existing file (uv.toml, pyproject.toml, Pipfile, a tool's config.toml): text is only
 * inserted, or put in the place of a value that must change, so that all else stays as it is, byte for byte.
 *
 * - An entry of an array of tables is known by its `name`, a table by its place; what ours says of it is set, what
 *   it says beyond that stays.
 * - A list of texts gains those that it lacks.
 * - `sources`, `dependencies` and `packages` name packages: one that comes from elsewhere already is left, with a
 *   notice, and a version of the user's stays.
 *
 * @throws NotUnderstood if the existing text is not valid TOML, or has something else where ours belongs
 * @throws NameTaken if it gives our name to another registry
 */
export const mergeToml: Merging = (existing, ours) => {
    const body = withoutMark(existing);
    const merging = new TomlMerging(understood(body));
    merging.mergeTable([], parsed(withoutMark(ours).replaceAll("\r\n", "\n")));
    return merging.merge(existing.slice(0, existing.length - body.length));
};

export const tomlSyntax: LineSyntax = {
    isInsignificant: (line) => /^\s*(#|$)/.test(line),
    isHeader: (line) => line.startsWith("["),
    isList: (open, close) => /[[{]\s*$/.test(open) && /^\s*[\]}]/.test(close),
    normalized: (line) => line,
};

/** Keys and indexes from the top. */
type Path = readonly (string | number)[];

/** A table, however it is written. */
interface Table {
    readonly kind: "table";
    readonly entries: Map<string, Item>;
    /** `[table]`, or `[[table]]` for an element of an array. */
    header?: AST.TOMLTable;
    /** `{ … }` */
    readonly inline?: AST.TOMLInlineTable;
    /** The keys of which the first `depth` names lead here: `table.key = …`. */
    readonly dotted: { readonly keyValue: AST.TOMLKeyValue; readonly depth: number }[];
    /** The headers of this table and of all below it. */
    readonly sections: AST.TOMLTable[];
    /** Within `{ … }`, to which no header can add. */
    readonly closed: boolean;
}

/** An array of tables: `[[array]]` for each, or `array = [{ … }, { … }]`. */
interface Tables {
    readonly kind: "tables";
    readonly elements: Table[];
    readonly inline?: AST.TOMLArray;
}

interface Value {
    readonly kind: "value";
    readonly node: AST.TOMLValue | AST.TOMLArray;
    readonly data: Toml;
}

type Item = Table | Tables | Value;

interface Document {
    readonly text: string;
    readonly ast: AST.TOMLProgram;
    readonly root: Table;
    readonly data: TomlTable;
}

class TomlMerging {
    readonly #eol: string;
    readonly #notices: string[] = [];
    #existing: Document;

    constructor(existing: Document) {
        this.#existing = existing;
        const lines = existing.text.split("\n").slice(0, -1);
        const returns = lines.filter((line) => line.endsWith("\r")).length;
        this.#eol = returns * 2 > lines.length ? "\r\n" : "\n";
    }

    merge(mark: string): Merge {
        return { text: mark + this.#existing.text, notices: this.#notices };
    }

    mergeTable(path: Path, ours: Document, table: Table = ours.root): void {
        for (const [key, item] of table.entries) {
            this.#mergeItem([...path, key], ours, item);
        }
    }

    #mergeItem(path: Path, ours: Document, item: Item): void {
        const theirs = itemAt(this.#existing.root, path);
        if (item.kind === "tables") {
            this.#mergeEntries(path, ours, item);
        } else if (item.kind === "value") {
            if (theirs?.kind === "value" && theirs.node.type === "TOMLArray" && Array.isArray(item.data)) {
                this.#extend(path, item.data as readonly Toml[]);
            } else if (theirs === undefined || theirs.kind === "value") {
                const source = sourceOf(ours, item);
                if (theirs && !same(theirs, item) && !addressKeys.has(String(path.at(-1)))) {
                    const name = path.map(keyText).join(".");
                    this.#notices.push(`${name} was set to something else; it is ${source} now`);
                }
                this.#put(path, item.data, source);
            } else {
                throw new NotUnderstood(lineOf(theirs), "a table stands where a value belongs");
            }
        } else {
            if (theirs === undefined) {
                this.#addTable(path, ours, item);
            } else if (theirs.kind !== "table") {
                throw new NotUnderstood(lineOf(theirs), "something else stands where a table belongs");
            }
            const name = String(path.at(-1));
            if (["sources", "dependencies", "packages"].includes(name)) {
                this.#mergePins(path, ours, item);
            } else {
                refuseOtherRegistry(name, item, theirs);
                this.mergeTable(path, ours, item);
            }
        }
    }

    /** Adds to a list of texts those that it lacks. */
    #extend(path: Path, texts: readonly Toml[]): void {
        for (const text of texts) {
            const theirs = itemAt(this.#existing.root, path);
            if (theirs?.kind !== "value" || theirs.node.type !== "TOMLArray" || !Array.isArray(theirs.data))
                return;
            const data: readonly Toml[] = theirs.data;
            if (!data.includes(text)) {
                this.#addElement(path, [...data, text], theirs.node, false, () => JSON.stringify(text));
            }
        }
    }

    #mergeEntries(path: Path, ours: Document, { elements }: Tables): void {
        // uv takes a package from the first index that has it, so that only a private index in front of the user's
        // others keeps its names to itself; one with `default = true` comes last wherever it stands.
        const first = ["index", "tool.uv.index"].includes(path.join("."));
        for (const element of first ? elements.toReversed() : elements) {
            const theirs = entriesOf(itemAt(this.#existing.root, path));
            const name = stringAt(element, "name");
            const index = theirs.findIndex((entry) =>
                name === undefined ? same(entry, element) : isCalled(entry, name, path),
            );
            const named = theirs[index];
            if (named === undefined) {
                if (theirs.some((entry) => addressOf(entry) === addressOf(element) && addressOf(entry))) {
                    this.#notices.push(
                        `the registry ${name ?? ""} is here under another name too; that entry is left as it is`,
                    );
                }
                this.#addEntry(path, ours, element, first);
            } else {
                refuseOtherRegistry(name ?? "", element, named);
                const more = new Map([...element.entries].filter(([key]) => key !== "name"));
                this.mergeTable([...path, index], ours, { ...element, entries: more });
            }
        }
    }

    #mergePins(path: Path, ours: Document, pins: Table): void {
        for (const [name, pin] of pins.entries) {
            const table = itemAt(this.#existing.root, path);
            const names = table?.kind === "table" ? [...table.entries.keys()] : [];
            const key = names.find((theirs) => normalizedName(theirs) === normalizedName(name)) ?? name;
            const place = [...path, key];
            const theirs = itemAt(this.#existing.root, place);
            if (theirs === undefined) {
                this.#put(place, dataOf(pin), sourceOf(ours, pin));
            } else if (!same(theirs, pin) && !this.#pinTheirs(place, theirs, ours, pin)) {
                this.#notices.push(`${name} comes from elsewhere in this file; it is left as it is`);
            }
        }
    }

    /** @returns whether the package comes from our registry now; a version or extra that they ask for stays */
    #pinTheirs(place: Path, theirs: Item, ours: Document, pin: Item): boolean {
        if (pin.kind !== "table") {
            return false;
        }
        if (theirs.kind === "table") {
            const origins = [...theirs.entries].filter(([key]) => originKeys.has(key));
            if (origins.length > 0) {
                return origins.every(([key, item]) => same(pin.entries.get(key), item));
            }
        }
        // What uv is told of a package is nothing but its origin.
        if (place.at(-2) === "sources") {
            return false;
        }
        if (theirs.kind === "table") {
            for (const [key, item] of pin.entries) {
                if (!theirs.entries.has(key)) {
                    this.#put([...place, key], dataOf(item), sourceOf(ours, item));
                }
            }
            return true;
        }
        if (theirs.kind === "value" && typeof theirs.data === "string") {
            const own = new Map([...pin.entries].filter(([key]) => key !== "version"));
            const more = { ...pin, entries: own };
            const version = `version = ${sourceOf(this.#existing, theirs)}`;
            const data = { version: theirs.data, ...(dataOf(more) as TomlTable) };
            this.#put(place, data, braced([version, ...keyValues(ours, more)], " "));
            return true;
        }
        return false;
    }

    /** Sets a key of a table that is there, to a value written as `source`. */
    #put(path: Path, data: Toml, source: string): void {
        const theirs = itemAt(this.#existing.root, path);
        const table = itemAt(this.#existing.root, path.slice(0, -1));
        if (theirs?.kind === "value") {
            if (!isDeepStrictEqual(theirs.data, data)) {
                this.#change(path, data, theirs.node.range, source);
            }
        } else if (table?.kind === "table" && theirs === undefined) {
            this.#addKey(path, data, table, source);
        } else {
            throw new NotUnderstood(theirs && lineOf(theirs), "something else stands where a value belongs");
        }
    }

    #addKey(path: Path, data: Toml, table: Table, source: string): void {
        const keyValue = `${keyText(path.at(-1))} = ${source}`;
        const dotted = table.dotted.at(-1);
        const [section] = table.sections;
        if (table.inline !== undefined) {
            const last = table.inline.body.at(-1);
            const at = last?.range[1] ?? table.inline.range[0] + 1;
            const end = this.#existing.text[at] === "}" ? " " : "";
            this.#change(path, data, [at, at], last === undefined ? ` ${keyValue}${end}` : `, ${keyValue}`);
        } else if (table.header !== undefined) {
            const last = table.header.body.at(-1) ?? table.header;
            this.#addLine(path, data, endOfBody(this.#existing, last), keyValue, last);
        } else if (dotted !== undefined) {
            const { keyValue: last, depth } = dotted;
            const prefix = this.#existing.text.slice(last.key.range[0], last.key.keys[depth - 1]?.range[1]);
            if (table.closed) {
                const at = last.range[1];
                this.#change(path, data, [at, at], `, ${prefix}.${keyValue}`);
            } else {
                const at = lineEnd(this.#existing.text, last.range[1]);
                this.#addLine(path, data, at, `${prefix}.${keyValue}`, last);
            }
        } else if (section !== undefined) {
            const header = `[${path.slice(0, -1).map(keyText).join(".")}]`;
            this.#addSection(path, data, startOf(this.#existing, section), `${header}\n${keyValue}`);
        } else {
            this.#addTopLevelKey(path, data, keyValue);
        }
    }

    /** Before the first header: what comes after one belongs to it. */
    #addTopLevelKey(path: Path, data: Toml, keyValue: string): void {
        const { body } = this.#existing.ast.body[0];
        const last = body.findLast((node) => node.type === "TOMLKeyValue");
        const header = body.find((node) => node.type === "TOMLTable");
        if (last !== undefined) {
            this.#addLine(path, data, endOfBody(this.#existing, last), keyValue, last);
        } else if (header === undefined) {
            this.#addLine(path, data, this.#existing.text.length, keyValue);
        } else {
            this.#addSection(path, data, startOf(this.#existing, header), keyValue);
        }
    }

    /** Adds a table with all that it has in its body; what has a header of its own comes later. */
    #addTable(path: Path, ours: Document, table: Table): void {
        if (this.#addToClosed(path, dataOf(table), sourceOf(ours, table))) {
            return;
        }
        const body = [...table.entries].filter(
            ([, item]) => item.kind === "value" || item.inline !== undefined,
        );
        const at = this.#placeBelow(path);
        if (table.header !== undefined) {
            const data = dataOf(tableOf(table.header.body));
            this.#addSection(path, data, at, sectionOf(ours, table.header));
        } else if (body.length > 0) {
            const own = { ...table, entries: new Map(body) };
            const lines = [`[${path.map(keyText).join(".")}]`, ...keyValues(ours, own)];
            this.#addSection(path, dataOf(own), at, lines.join("\n"));
        }
    }

    #addEntry(path: Path, ours: Document, entry: Table, first: boolean): void {
        const theirs = itemAt(this.#existing.root, path);
        const inline =
            theirs?.kind === "tables" ? theirs.inline : theirs?.kind === "value" ? theirs.node : undefined;
        const elements = entriesOf(theirs);
        const all = first ? [entry, ...elements] : [...elements, entry];
        const data = all.map(dataOf);
        if (inline?.type === "TOMLArray") {
            this.#addElement(path, data, inline, first, (pad) => inlineText(ours, entry, pad));
        } else if (!this.#addToClosed(path, data, `[${sourceOf(ours, entry)}]`)) {
            const section =
                entry.header === undefined
                    ? [`[[${path.map(keyText).join(".")}]]`, ...keyValues(ours, entry)].join("\n")
                    : sectionOf(ours, entry.header);
            const edge = first ? elements[0]?.header : elements.at(-1)?.sections.at(-1);
            const side = first ? startOf : endOfBody;
            const at = edge === undefined ? this.#placeBelow(path) : side(this.#existing, edge);
            this.#addSection(path, data, at, section);
        }
    }

    /** Adds an element to an array written in brackets, on a line of its own where the others are. */
    #addElement(
        path: Path,
        data: Toml,
        array: AST.TOMLArray,
        first: boolean,
        render: (pad: string) => string,
    ): void {
        const { text, ast } = this.#existing;
        const edge = first ? array.elements[0] : array.elements.at(-1);
        if (edge === undefined) {
            const at = array.range[0] + 1;
            this.#change(path, data, [at, at], render(" "));
            return;
        }
        const element = render(/^\{\S/.test(text.slice(edge.range[0])) ? "" : " ");
        const indent = indentation(this.#existing, edge);
        const ownLine = lineStart(text, edge.range[0]) + indent.length === edge.range[0];
        const comma = ast.tokens.find(({ range }) => range[0] >= edge.range[1]);
        const end = comma?.value === "," ? comma : edge;
        if (first && ownLine) {
            const at = lineEnd(text, array.range[0]);
            this.#change(path, data, [at, at], `${indent}${element},${this.#eol}`);
        } else if (first) {
            this.#change(path, data, [edge.range[0], edge.range[0]], `${element}, `);
        } else if (!ownLine || array.loc.end.line === end.loc.end.line) {
            this.#change(path, data, [edge.range[1], edge.range[1]], `, ${element}`);
        } else {
            // A comment may follow on the line: the new line comes after it.
            const at = lineEnd(text, end.range[1]);
            const rest = text.slice(edge.range[1], at);
            const line = `${indent}${element}${end === edge ? "" : ","}${this.#eol}`;
            this.#change(path, data, [edge.range[1], at], `${end === edge ? "," : ""}${rest}${line}`);
        }
    }

    /**
     * Adds below a table that is written in braces.
     *
     * @returns whether there is one on the way to this path
     */
    #addToClosed(path: Path, data: Toml, source: string): boolean {
        let depth = path.length - 1;
        while (itemAt(this.#existing.root, path.slice(0, depth)) === undefined) {
            depth -= 1;
        }
        const table = itemAt(this.#existing.root, path.slice(0, depth));
        if (table?.kind !== "table" || !table.closed) {
            return false;
        }
        const missing = path.slice(depth + 1);
        const nested = missing.reduceRight<string>((text, key) => `{ ${keyText(key)} = ${text} }`, source);
        const value = missing.reduceRight<Toml>((inner, key) => ({ [key]: inner }), data);
        this.#addKey(path.slice(0, depth + 1), value, table, nested);
        return true;
    }

    /** Where a new table goes: behind those of the same parent, or at the end. */
    #placeBelow(path: Path): number {
        const parent = path.slice(0, -1);
        const table = itemAt(this.#existing.root, parent);
        // [tool] is no one's table: what other tools have there is no neighbour.
        const neighbours = parent.join(".") !== "tool" && parent.length > 0 && table?.kind === "table";
        const last = neighbours ? table.sections.at(-1) : undefined;
        return last === undefined ? this.#existing.text.length : endOfBody(this.#existing, last);
    }

    /** Inserts lines set off by empty ones. */
    #addSection(path: Path, data: Toml, at: number, section: string): void {
        const { text } = this.#existing;
        const before = text.slice(0, at);
        const after = text.slice(at);
        const start = before === "" || before.endsWith("\n") ? "" : this.#eol;
        const blank = /^\s*$/.test(before) || /\n[ \t]*\r?\n$/.test(before + start) ? "" : this.#eol;
        // A last line without an end stays the kind of last line that the file has.
        const end = after === "" && start !== "" ? "" : this.#eol;
        const set = /^[ \t]*(?:\r?\n|$)/.test(after) ? "" : this.#eol;
        const lines = section.replaceAll("\n", this.#eol);
        this.#change(path, data, [at, at], start + blank + lines + end + set);
    }

    /** Inserts a line, as far in as the one before. */
    #addLine(path: Path, data: Toml, at: number, line: string, before?: AST.HasLocs): void {
        const { text } = this.#existing;
        const indented =
            (before ? indentation(this.#existing, before) : "") + line.replaceAll("\n", this.#eol);
        const unended = at > 0 && text[at - 1] !== "\n";
        this.#change(path, data, [at, at], unended ? this.#eol + indented : indented + this.#eol);
    }

    /**
     * Puts text in a range.
     *
     * @throws NotUnderstood if the document would not say `data` at this path then, and what it did elsewhere
     */
    #change(path: Path, data: Toml, [start, end]: AST.Range, inserted: string): void {
        const { text, data: before } = this.#existing;
        const after = text.slice(0, start) + inserted + text.slice(end);
        try {
            this.#existing = parsed(after);
        } catch {
            throw new NotUnderstood(undefined, "our settings do not fit into this TOML file");
        }
        if (!isDeepStrictEqual(this.#existing.data, withValue(before, path, data))) {
            throw new NotUnderstood(undefined, "our settings do not fit into this TOML file");
        }
    }
}

/** The keys by which poetry, uv and pipenv are told where a package comes from. */
const originKeys = new Set([
    "source",
    "index",
    "path",
    "file",
    "url",
    "git",
    "hg",
    "svn",
    "bzr",
    "workspace",
]);

/** What says where our registry is and how to log in: to change that is what a run is for. */
const addressKeys = new Set(["url", "publish-url", "username", "password", "user", "auth", "UV_INDEX"]);

/** Whether an entry has this name; poetry's sources are told apart without regard to case. */
function isCalled(entry: Table, name: string, path: Path): boolean {
    const theirs = stringAt(entry, "name");
    return path.join(".") === "tool.poetry.source"
        ? theirs?.toLowerCase() === name.toLowerCase()
        : theirs === name;
}

function refuseOtherRegistry(name: string, ours: Table, theirs: Table | undefined): void {
    const address = theirs && addressOf(theirs);
    if (address !== undefined && addressOf(ours) !== undefined && address !== addressOf(ours)) {
        throw new NameTaken(name);
    }
}

function addressOf(table: Table): string | undefined {
    const url = stringAt(table, "url") ?? stringAt(table, "repository");
    return url === undefined ? undefined : withoutUserInfo(url);
}

function stringAt(table: Table, key: string): string | undefined {
    const item = table.entries.get(key);
    return item?.kind === "value" && typeof item.data === "string" ? item.data : undefined;
}

function entriesOf(item: Item | undefined): readonly Table[] {
    if (item === undefined || (item.kind === "value" && isDeepStrictEqual(item.data, []))) {
        return [];
    }
    if (item.kind !== "tables") {
        throw new NotUnderstood(lineOf(item), "something else stands where an array of tables belongs");
    }
    return item.elements;
}

/** An item as it is written, or in braces and brackets where it has headers. */
function sourceOf(ours: Document, item: Item): string {
    const node = item.kind === "value" ? item.node : item.inline;
    if (node !== undefined) {
        return ours.text.slice(...node.range);
    }
    const tables = item.kind === "tables" ? item.elements : [];
    return item.kind === "table"
        ? inlineText(ours, item, " ")
        : `[${tables.map((table) => inlineText(ours, table, " ")).join(", ")}]`;
}

function inlineText(ours: Document, table: Table, pad: string): string {
    return braced(keyValues(ours, table), pad);
}

function keyValues(ours: Document, table: Table): string[] {
    return [...table.entries].map(([key, item]) => `${keyText(key)} = ${sourceOf(ours, item)}`);
}

function braced(parts: readonly string[], pad: string): string {
    return parts.length === 0 ? "{}" : `{${pad}${parts.join(", ")}${pad}}`;
}

function keyText(key: string | number | undefined): string {
    return tomlKey(String(key));
}

/** A header with its body and comments, without the last line break. */
function sectionOf(document: Document, header: AST.TOMLTable): string {
    return document.text.slice(startOf(document, header), endOfBody(document, header)).replace(/\n$/, "");
}

/** Where a header starts, with the comments right above it. */
function startOf({ text, ast }: Document, header: AST.TOMLTable): number {
    const { body } = ast.body[0];
    const previous = body[body.indexOf(header) - 1];
    const end = previous === undefined ? 0 : lineEnd(text, previous.range[1]);
    let start = lineStart(text, header.range[0]);
    while (start > end && /^[ \t]*#/.test(text.slice(lineStart(text, start - 1), start))) {
        start = lineStart(text, start - 1);
    }
    return start;
}

/** Behind a table's last key, and the comments right under it unless they lead to what comes next. */
function endOfBody({ text }: Document, last: AST.TOMLTable | AST.TOMLKeyValue): number {
    const end = lineEnd(text, last.range[1]);
    const [comments = ""] = /^(?:[ \t]*#[^\n]*(?:\n|$))*/.exec(text.slice(end)) ?? [];
    return /^[ \t]*(?:\r?\n|$)/.test(text.slice(end + comments.length)) ? end + comments.length : end;
}

function indentation({ text }: Document, { range }: AST.HasLocs): string {
    return /^[ \t]*/.exec(text.slice(lineStart(text, range[0])))?.[0] ?? "";
}

function lineStart(text: string, offset: number): number {
    return text.lastIndexOf("\n", offset - 1) + 1;
}

/** Behind the line break. */
function lineEnd(text: string, offset: number): number {
    const end = text.indexOf("\n", offset);
    return end === -1 ? text.length : end + 1;
}

function withoutMark(text: string): string {
    return text.replace(/^\uFEFF/, "");
}

function understood(text: string): Document {
    try {
        return parsed(text);
    } catch (error) {
        throw new NotUnderstood(error instanceof ParseError ? error.lineNumber : undefined, "not valid TOML");
    }
}

function parsed(text: string): Document {
    const ast = parseTOML(text);
    const root = emptyTable(false);
    for (const node of ast.body[0].body) {
        if (node.type === "TOMLKeyValue") {
            define(root, node);
        } else {
            defineSection(root, node);
        }
    }
    return { text, ast, root, data: dataOf(root) as TomlTable };
}

function emptyTable(closed: boolean): Table {
    return { kind: "table", entries: new Map(), dotted: [], sections: [], closed };
}

function tableOf(body: readonly AST.TOMLKeyValue[], inline?: AST.TOMLInlineTable): Table {
    const table: Table = { ...emptyTable(inline !== undefined), ...(inline && { inline }) };
    for (const keyValue of body) {
        define(table, keyValue);
    }
    return table;
}

function define(table: Table, keyValue: AST.TOMLKeyValue): void {
    const names = keyValue.key.keys.map(nameOf);
    let parent = table;
    for (const [index, name] of names.slice(0, -1).entries()) {
        parent = below(parent, name);
        parent.dotted.push({ keyValue, depth: index + 1 });
    }
    parent.entries.set(names.at(-1) ?? "", itemOf(keyValue.value));
}

function defineSection(root: Table, header: AST.TOMLTable): void {
    const names = header.key.keys.map(nameOf);
    const last = names.pop() ?? "";
    let parent = root;
    for (const name of names) {
        parent = below(parent, name);
        parent.sections.push(header);
    }
    if (header.kind === "array") {
        const tables = parent.entries.get(last) ?? { kind: "tables", elements: [] };
        parent.entries.set(last, tables);
        if (tables.kind === "tables") {
            tables.elements.push(emptyTable(false));
        }
    }
    const table = below(parent, last);
    table.sections.push(header);
    table.header = header;
    for (const keyValue of header.body) {
        define(table, keyValue);
    }
}

/** The table of this name, the last one of an array, or a new one. */
function below(parent: Table, name: string): Table {
    const item = parent.entries.get(name);
    const table = item?.kind === "tables" ? item.elements.at(-1) : item;
    if (table?.kind === "table") {
        return table;
    }
    const added = emptyTable(parent.closed);
    parent.entries.set(name, added);
    return added;
}

function nameOf(key: AST.TOMLBare | AST.TOMLQuoted): string {
    return key.type === "TOMLBare" ? key.name : key.value;
}

function itemOf(node: AST.TOMLContentNode): Item {
    if (node.type === "TOMLInlineTable") {
        return tableOf(node.body, node);
    }
    if (node.type === "TOMLArray") {
        const items = node.elements.map(itemOf);
        const elements = items.filter((item) => item.kind === "table");
        return elements.length > 0 && elements.length === items.length
            ? { kind: "tables", elements, inline: node }
            : { kind: "value", node, data: items.map(dataOf) };
    }
    if (node.kind === "integer" && !Number.isSafeInteger(node.value)) {
        return { kind: "value", node, data: node.bigint };
    }
    return { kind: "value", node, data: node.value };
}

function dataOf(item: Item): Toml {
    if (item.kind === "value") {
        return item.data;
    }
    // Not by assignment: a key may be __proto__.
    return item.kind === "tables"
        ? item.elements.map(dataOf)
        : Object.fromEntries([...item.entries].map(([key, below]) => [key, dataOf(below)]));
}

function same(one: Item | undefined, other: Item | undefined): boolean {
    return isDeepStrictEqual(one && dataOf(one), other && dataOf(other));
}

function withValue(data: Toml | undefined, [key, ...rest]: Path, value: Toml): Toml {
    if (key === undefined) {
        return value;
    }
    if (typeof key === "number") {
        const elements = data as readonly Toml[];
        return elements.with(key, withValue(elements[key], rest, value));
    }
    const table = (data ?? {}) as TomlTable;
    return { ...table, [key]: withValue(table[key], rest, value) };
}

function itemAt(table: Table, path: Path): Item | undefined {
    let item: Item | undefined = table;
    for (const key of path) {
        item =
            item?.kind === "table"
                ? item.entries.get(String(key))
                : item?.kind === "tables"
                  ? item.elements[Number(key)]
                  : undefined;
    }
    return item;
}

function lineOf(item: Item): number | undefined {
    if (item.kind === "tables") {
        return item.inline?.loc.start.line ?? item.elements[0]?.header?.loc.start.line;
    }
    const node =
        item.kind === "value"
            ? item.node
            : (item.header ?? item.inline ?? item.dotted[0]?.keyValue ?? item.sections[0]);
    return node?.loc.start.line;
}
