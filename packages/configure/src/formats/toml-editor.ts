import { isDeepStrictEqual } from "node:util";
import type { AST } from "toml-eslint-parser";
import { tomlKey } from "python-registry/clients/toml";
import { UnsupportedFileError } from "./merge";
import {
    getData,
    type Document,
    type Item,
    itemAt,
    findLine,
    parseDocument,
    type Path,
    type Table,
    getTable,
    type Toml,
    withValue,
} from "./toml";

/**
 * Edits a TOML document: inserts text, or replaces a value, and keeps every other byte. Each edit is checked: the
 * document is parsed again and must contain exactly its earlier data and the new value.
 */
export class TomlEditor {
    readonly #eol: string;
    #document: Document;

    constructor(existing: Document) {
        this.#document = existing;
        const lines = existing.text.split("\n").slice(0, -1);
        const returns = lines.filter((line) => line.endsWith("\r")).length;
        this.#eol = returns * 2 > lines.length ? "\r\n" : "\n";
    }

    get document(): Document {
        return this.#document;
    }

    itemAt(path: Path): Item | undefined {
        return itemAt(this.#document.root, path);
    }

    /** Sets a key of an existing table to `data`, whose text is `source`. */
    set(path: Path, data: Toml, source: string): void {
        const theirs = itemAt(this.#document.root, path);
        const table = itemAt(this.#document.root, path.slice(0, -1));
        if (theirs?.kind === "value") {
            if (!isDeepStrictEqual(theirs.data, data)) {
                this.#change(path, data, theirs.node.range, source);
            }
        } else if (table?.kind === "table" && theirs === undefined) {
            this.#addKey(path, data, table, source);
        } else {
            throw new UnsupportedFileError(
                theirs && findLine(theirs),
                "there is a table where a value belongs",
            );
        }
    }

    #addKey(path: Path, data: Toml, table: Table, source: string): void {
        const keyValue = `${keyText(path.at(-1))} = ${source}`;
        const dotted = table.dotted.at(-1);
        const [section] = table.sections;
        if (table.inline !== undefined) {
            const last = table.inline.body.at(-1);
            const at = last?.range[1] ?? table.inline.range[0] + 1;
            const end = this.#document.text[at] === "}" ? " " : "";
            this.#change(path, data, [at, at], last === undefined ? ` ${keyValue}${end}` : `, ${keyValue}`);
        } else if (table.header !== undefined) {
            const last = table.header.body.at(-1) ?? table.header;
            this.#addLine(path, data, endOfBody(this.#document, last), keyValue, last);
        } else if (dotted !== undefined) {
            const { keyValue: last, depth } = dotted;
            const prefix = this.#document.text.slice(last.key.range[0], last.key.keys[depth - 1]?.range[1]);
            if (table.closed) {
                const at = last.range[1];
                this.#change(path, data, [at, at], `, ${prefix}.${keyValue}`);
            } else {
                const at = lineEnd(this.#document.text, last.range[1]);
                this.#addLine(path, data, at, `${prefix}.${keyValue}`, last);
            }
        } else if (section !== undefined) {
            const header = `[${path.slice(0, -1).map(keyText).join(".")}]`;
            this.#addSection(path, data, getStart(this.#document, section), `${header}\n${keyValue}`);
        } else {
            this.#addTopLevelKey(path, data, keyValue);
        }
    }

    /** Adds a key before the first header, to whose table it would otherwise belong. */
    #addTopLevelKey(path: Path, data: Toml, keyValue: string): void {
        const { body } = this.#document.ast.body[0];
        const last = body.findLast((node) => node.type === "TOMLKeyValue");
        const header = body.find((node) => node.type === "TOMLTable");
        if (last !== undefined) {
            this.#addLine(path, data, endOfBody(this.#document, last), keyValue, last);
        } else if (header === undefined) {
            this.#addLine(path, data, this.#document.text.length, keyValue);
        } else {
            this.#addSection(path, data, getStart(this.#document, header), keyValue);
        }
    }

    /** Adds a table and its body, without the tables that have a header of their own. */
    addTable(path: Path, ours: Document, table: Table): void {
        if (this.#addToInlineTable(path, getData(table), getSource(ours, table))) {
            return;
        }
        const body = [...table.entries].filter(
            ([, item]) => item.kind === "value" || item.inline !== undefined,
        );
        const at = this.#positionOfTable(path);
        if (table.header !== undefined) {
            const data = getData(getTable(table.header.body));
            this.#addSection(path, data, at, getSection(ours, table.header));
        } else if (body.length > 0) {
            const own = { ...table, entries: new Map(body) };
            const lines = [`[${path.map(keyText).join(".")}]`, ...keyValues(ours, own)];
            this.#addSection(path, getData(own), at, lines.join("\n"));
        }
    }

    addEntry(path: Path, ours: Document, entry: Table, first: boolean): void {
        const theirs = itemAt(this.#document.root, path);
        const inline =
            theirs?.kind === "tables" ? theirs.inline : theirs?.kind === "value" ? theirs.node : undefined;
        const elements = getEntries(theirs);
        const all = first ? [entry, ...elements] : [...elements, entry];
        const data = all.map(getData);
        if (inline?.type === "TOMLArray") {
            this.addElement(path, data, inline, first, (pad) => inlineText(ours, entry, pad));
        } else if (!this.#addToInlineTable(path, data, `[${getSource(ours, entry)}]`)) {
            const section =
                entry.header === undefined
                    ? [`[[${path.map(keyText).join(".")}]]`, ...keyValues(ours, entry)].join("\n")
                    : getSection(ours, entry.header);
            const edge = first ? elements[0]?.header : elements.at(-1)?.sections.at(-1);
            const side = first ? getStart : endOfBody;
            const at = edge === undefined ? this.#positionOfTable(path) : side(this.#document, edge);
            this.#addSection(path, data, at, section);
        }
    }

    /** Adds an element to an array in brackets: on its own line if the others are. */
    addElement(
        path: Path,
        data: Toml,
        array: AST.TOMLArray,
        first: boolean,
        render: (pad: string) => string,
    ): void {
        const { text, ast } = this.#document;
        const edge = first ? array.elements[0] : array.elements.at(-1);
        if (edge === undefined) {
            const at = array.range[0] + 1;
            this.#change(path, data, [at, at], render(" "));
            return;
        }
        const element = render(/^\{\S/.test(text.slice(edge.range[0])) ? "" : " ");
        const indent = indentation(this.#document, edge);
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
            // The new line comes after a comment on this line.
            const at = lineEnd(text, end.range[1]);
            const rest = text.slice(edge.range[1], at);
            const line = `${indent}${element}${end === edge ? "" : ","}${this.#eol}`;
            this.#change(path, data, [edge.range[1], at], `${end === edge ? "," : ""}${rest}${line}`);
        }
    }

    /**
     * Adds a value inside a table in braces.
     *
     * @returns whether there is such a table on this path
     */
    #addToInlineTable(path: Path, data: Toml, source: string): boolean {
        let depth = path.length - 1;
        while (itemAt(this.#document.root, path.slice(0, depth)) === undefined) {
            depth -= 1;
        }
        const table = itemAt(this.#document.root, path.slice(0, depth));
        if (table?.kind !== "table" || !table.closed) {
            return false;
        }
        const missing = path.slice(depth + 1);
        const nested = missing.reduceRight<string>((text, key) => `{ ${keyText(key)} = ${text} }`, source);
        const value = missing.reduceRight<Toml>((inner, key) => ({ [key]: inner }), data);
        this.#addKey(path.slice(0, depth + 1), value, table, nested);
        return true;
    }

    /** The position for a new table: after those of the same parent, or at the end. */
    #positionOfTable(path: Path): number {
        const parent = path.slice(0, -1);
        const table = itemAt(this.#document.root, parent);
        // Tables of other tools in [tool] are unrelated.
        const neighbours = parent.join(".") !== "tool" && parent.length > 0 && table?.kind === "table";
        const last = neighbours ? table.sections.at(-1) : undefined;
        return last === undefined ? this.#document.text.length : endOfBody(this.#document, last);
    }

    /** Inserts lines with empty lines around them. */
    #addSection(path: Path, data: Toml, at: number, section: string): void {
        const { text } = this.#document;
        const before = text.slice(0, at);
        const after = text.slice(at);
        const start = before === "" || before.endsWith("\n") ? "" : this.#eol;
        const blank = /^\s*$/.test(before) || /\n[ \t]*\r?\n$/.test(before + start) ? "" : this.#eol;
        // If the file's last line has no line end, neither has the new one.
        const end = after === "" && start !== "" ? "" : this.#eol;
        const set = /^[ \t]*(?:\r?\n|$)/.test(after) ? "" : this.#eol;
        const lines = section.replaceAll("\n", this.#eol);
        this.#change(path, data, [at, at], start + blank + lines + end + set);
    }

    /** Inserts a line with the indentation of the one before. */
    #addLine(path: Path, data: Toml, at: number, line: string, before?: AST.HasLocs): void {
        const { text } = this.#document;
        const indented =
            (before ? indentation(this.#document, before) : "") + line.replaceAll("\n", this.#eol);
        const unended = at > 0 && text[at - 1] !== "\n";
        this.#change(path, data, [at, at], unended ? this.#eol + indented : indented + this.#eol);
    }

    /**
     * Replaces a range of the text.
     *
     * @throws UnsupportedFileError if the document would then not have `data` at this path, or would change elsewhere
     */
    #change(path: Path, data: Toml, [start, end]: AST.Range, inserted: string): void {
        const { text, data: before } = this.#document;
        const after = text.slice(0, start) + inserted + text.slice(end);
        try {
            this.#document = parseDocument(after);
        } catch {
            throw new UnsupportedFileError(undefined, "our settings cannot be added to this TOML file");
        }
        if (!isDeepStrictEqual(this.#document.data, withValue(before, path, data))) {
            throw new UnsupportedFileError(undefined, "our settings cannot be added to this TOML file");
        }
    }
}

/** The tables of an array; none if it does not exist or is empty. */
export function getEntries(item: Item | undefined): readonly Table[] {
    if (item === undefined || (item.kind === "value" && isDeepStrictEqual(item.data, []))) {
        return [];
    }
    if (item.kind !== "tables") {
        throw new UnsupportedFileError(
            findLine(item),
            "there is something else where an array of tables belongs",
        );
    }
    return item.elements;
}

/** An item's text; in braces and brackets if it is written with headers. */
export function getSource(ours: Document, item: Item): string {
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
    return inlineTableText(keyValues(ours, table), pad);
}

/** The lines `key = value` of a table. */
export function keyValues(ours: Document, table: Table): string[] {
    return [...table.entries].map(([key, item]) => `${keyText(key)} = ${getSource(ours, item)}`);
}

export function inlineTableText(parts: readonly string[], pad: string): string {
    return parts.length === 0 ? "{}" : `{${pad}${parts.join(", ")}${pad}}`;
}

export function keyText(key: string | number | undefined): string {
    return tomlKey(String(key));
}

/** A header with its body and comments, without the last line break. */
function getSection(document: Document, header: AST.TOMLTable): string {
    return document.text.slice(getStart(document, header), endOfBody(document, header)).replace(/\n$/, "");
}

/** The start of a header, including the comments directly above it. */
function getStart({ text, ast }: Document, header: AST.TOMLTable): number {
    const { body } = ast.body[0];
    const previous = body[body.indexOf(header) - 1];
    const end = previous === undefined ? 0 : lineEnd(text, previous.range[1]);
    let start = lineStart(text, header.range[0]);
    while (start > end && /^[ \t]*#/.test(text.slice(lineStart(text, start - 1), start))) {
        start = lineStart(text, start - 1);
    }
    return start;
}

/** The end of a table's last key, including the comments directly below it unless they belong to what follows. */
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

/** The offset after the line break. */
function lineEnd(text: string, offset: number): number {
    const end = text.indexOf("\n", offset);
    return end === -1 ? text.length : end + 1;
}
