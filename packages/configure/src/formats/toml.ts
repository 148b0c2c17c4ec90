import { isDeepStrictEqual } from "node:util";
import { type AST, ParseError, parseTOML } from "toml-eslint-parser";
import { UnsupportedFileError, withoutByteOrderMark } from "./merge";

/** The data of a TOML text. An integer beyond the safe range is a bigint; dates and times are Date objects. */
export type Toml = string | number | bigint | boolean | Date | readonly Toml[] | TomlTable;
export interface TomlTable {
    readonly [key: string]: Toml;
}

/**
 * Reads a TOML text.
 *
 * @throws UnsupportedFileError if it is not valid TOML
 */
export function readToml(text: string): TomlTable {
    return parseDocument(withoutByteOrderMark(text)).data;
}

/** The value if it is a table, otherwise undefined. */
export function asTable(value: Toml | undefined): TomlTable | undefined {
    return typeof value === "object" && !Array.isArray(value) && !(value instanceof Date)
        ? (value as TomlTable)
        : undefined;
}

/** The texts in a value, at any depth, without keys. */
export function textsIn(value: Toml): string[] {
    if (typeof value === "string") return [value];
    if (Array.isArray(value)) return (value as readonly Toml[]).flatMap(textsIn);
    return Object.values(asTable(value) ?? {}).flatMap(textsIn);
}

/** Keys and indexes from the root. */
export type Path = readonly (string | number)[];

/** A table in any notation. */
export interface Table {
    readonly kind: "table";
    readonly entries: Map<string, Item>;
    /** `[table]`, or `[[table]]` for an element of an array. */
    header?: AST.TOMLTable;
    /** `{ … }` */
    readonly inline?: AST.TOMLInlineTable;
    /** Dotted keys whose first `depth` names are this table: `table.key = …`. */
    readonly dotted: { readonly keyValue: AST.TOMLKeyValue; readonly depth: number }[];
    /** The headers of this table and of all below it. */
    readonly sections: AST.TOMLTable[];
    /** Whether it is inside `{ … }`, to which no header can add. */
    readonly closed: boolean;
}

/** An array of tables: `[[array]]` for each, or `array = [{ … }, { … }]`. */
export interface Tables {
    readonly kind: "tables";
    readonly elements: Table[];
    readonly inline?: AST.TOMLArray;
}

interface Value {
    readonly kind: "value";
    readonly node: AST.TOMLValue | AST.TOMLArray;
    readonly data: Toml;
}

/** A value in a document, with its position in the text. */
export type Item = Table | Tables | Value;

/** A parsed text: its syntax tree, its items by path, and its data. */
export interface Document {
    readonly text: string;
    readonly ast: AST.TOMLProgram;
    readonly root: Table;
    readonly data: TomlTable;
}

/**
 * Parses a document that has no byte-order mark.
 *
 * @throws UnsupportedFileError if it is not valid TOML
 */
export function parseDocument(text: string): Document {
    let ast: AST.TOMLProgram;
    try {
        ast = parseTOML(text);
    } catch (error) {
        throw new UnsupportedFileError(
            error instanceof ParseError ? error.lineNumber : undefined,
            "not valid TOML",
        );
    }
    const root = emptyTable(false);
    for (const node of ast.body[0].body) {
        if (node.type === "TOMLKeyValue") {
            addKeyValue(root, node);
        } else {
            addHeader(root, node);
        }
    }
    return { text, ast, root, data: getData(root) as TomlTable };
}

function emptyTable(closed: boolean): Table {
    return { kind: "table", entries: new Map(), dotted: [], sections: [], closed };
}

/** The table that these keys define. */
export function getTable(body: readonly AST.TOMLKeyValue[], inline?: AST.TOMLInlineTable): Table {
    const table: Table = { ...emptyTable(inline !== undefined), ...(inline && { inline }) };
    for (const keyValue of body) {
        addKeyValue(table, keyValue);
    }
    return table;
}

function addKeyValue(table: Table, keyValue: AST.TOMLKeyValue): void {
    const names = keyValue.key.keys.map(getName);
    let parent = table;
    for (const [index, name] of names.slice(0, -1).entries()) {
        parent = childTable(parent, name);
        parent.dotted.push({ keyValue, depth: index + 1 });
    }
    parent.entries.set(names.at(-1) ?? "", getItem(keyValue.value));
}

function addHeader(root: Table, header: AST.TOMLTable): void {
    const names = header.key.keys.map(getName);
    const last = names.pop() ?? "";
    let parent = root;
    for (const name of names) {
        parent = childTable(parent, name);
        parent.sections.push(header);
    }
    if (header.kind === "array") {
        const tables = parent.entries.get(last) ?? { kind: "tables", elements: [] };
        parent.entries.set(last, tables);
        if (tables.kind === "tables") {
            tables.elements.push(emptyTable(false));
        }
    }
    const table = childTable(parent, last);
    table.sections.push(header);
    table.header = header;
    for (const keyValue of header.body) {
        addKeyValue(table, keyValue);
    }
}

/** The table with this name, the last one of an array, or a new one. */
function childTable(parent: Table, name: string): Table {
    const item = parent.entries.get(name);
    const table = item?.kind === "tables" ? item.elements.at(-1) : item;
    if (table?.kind === "table") {
        return table;
    }
    const added = emptyTable(parent.closed);
    parent.entries.set(name, added);
    return added;
}

function getName(key: AST.TOMLBare | AST.TOMLQuoted): string {
    return key.type === "TOMLBare" ? key.name : key.value;
}

function getItem(node: AST.TOMLContentNode): Item {
    if (node.type === "TOMLInlineTable") {
        return getTable(node.body, node);
    }
    if (node.type === "TOMLArray") {
        const items = node.elements.map(getItem);
        const elements = items.filter((item) => item.kind === "table");
        return elements.length > 0 && elements.length === items.length
            ? { kind: "tables", elements, inline: node }
            : { kind: "value", node, data: items.map(getData) };
    }
    if (node.kind === "integer" && !Number.isSafeInteger(node.value)) {
        return { kind: "value", node, data: node.bigint };
    }
    return { kind: "value", node, data: node.value };
}

export function getData(item: Item): Toml {
    if (item.kind === "value") {
        return item.data;
    }
    // Not by assignment, because a key may be __proto__.
    return item.kind === "tables"
        ? item.elements.map(getData)
        : Object.fromEntries([...item.entries].map(([key, below]) => [key, getData(below)]));
}

/** Whether two items have the same data, in any notation. */
export function sameData(one: Item | undefined, other: Item | undefined): boolean {
    return isDeepStrictEqual(one && getData(one), other && getData(other));
}

/** A copy of the data with a different value at a path. */
export function withValue(data: Toml | undefined, [key, ...rest]: Path, value: Toml): Toml {
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

export function itemAt(table: Table, path: Path): Item | undefined {
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

/** The line on which an item starts, 1 for the first. */
export function findLine(item: Item): number | undefined {
    if (item.kind === "tables") {
        return item.inline?.loc.start.line ?? item.elements[0]?.header?.loc.start.line;
    }
    const node =
        item.kind === "value"
            ? item.node
            : (item.header ?? item.inline ?? item.dotted[0]?.keyValue ?? item.sections[0]);
    return node?.loc.start.line;
}
