import { isDeepStrictEqual } from "node:util";
import type { AST } from "toml-eslint-parser";
import {
    addedBlankLines,
    type AppliedEdit,
    changedNotice,
    endLike,
    extendedNotice,
    ignoreByteOrderMark,
    type MergeResult,
    UnsupportedFileError,
} from "./merge";
import {
    getData,
    type Document,
    type Item,
    itemAt,
    parseDocument,
    type Path,
    sameData,
    type Table,
    type Tables,
    type Toml,
    withValue,
} from "./toml";
import { findAddress, replacesPypi, stringAt } from "./toml-merge";
import { keyText, getSource } from "./toml-editor";

/**
 * Removes from a TOML file what `mergeToml` added. The entries that carry our address are tables with its URL. A table without
 * one, as in poetry's auth.toml, is ours if it has our password. After each change, the text is parsed again and must contain
 * exactly the other data.
 */
export const revertToml = ignoreByteOrderMark((current, edit) => {
    const reverter = new TomlReverter(current, edit);
    return reverter.isPresent() ? reverter.revert() : undefined;
});

class TomlReverter {
    readonly #before: Document;
    readonly #after: Document;
    /** The entries of ours that carry our address. */
    readonly #entries: readonly (readonly [path: Path, entry: Table])[];
    #document: Document;
    readonly #blank: ReadonlySet<number>;
    readonly #changed: string[] = [];
    readonly #extended: string[] = [];

    constructor(
        readonly current: string,
        { before, after, ours }: AppliedEdit,
    ) {
        this.#before = parseDocument(before);
        this.#after = parseDocument(after);
        this.#entries = ours.flatMap((text) => entriesIn(parseDocument(text).root, []));
        this.#document = parseDocument(current);
        this.#blank = addedBlankLines(before, after);
    }

    isPresent(): boolean {
        return this.#entries.some(([path, entry]) => {
            const item = this.#itemAt(path);
            return item?.kind === "tables"
                ? item.elements.some((each) => isSameEntry(each, entry))
                : item?.kind === "table" && isSameEntry(item, entry);
        });
    }

    revert(): MergeResult {
        this.#revertTable([], this.#before.root, this.#after.root);
        return {
            text: endLike(this.#document.text, this.current),
            notices: [
                ...extendedNotice(this.#extended),
                ...changedNotice(this.#changed),
                ...this.#danglingNotices(),
            ],
        };
    }

    /** What the user has pinned to an index that is no longer in the file: the tool then refuses the file. */
    #danglingNotices(): string[] {
        const { root } = this.#document;
        const left = entriesIn(root, []).map(([, entry]) => stringAt(entry, "name"));
        const removed = this.#entries
            .map(([, entry]) => stringAt(entry, "name"))
            .filter((name) => name !== undefined && !left.includes(name));
        return [...new Set(removed)].flatMap((name) => {
            const paths = referencesTo(name, root, []).map(getText);
            return paths.length === 0
                ? []
                : [
                      `these settings still name ${name}, which is no longer in this file: ${paths.join(", ")}. Remove them`,
                  ];
        });
    }

    #itemAt(path: Path): Item | undefined {
        return itemAt(this.#document.root, path);
    }

    #revertTable(path: Path, before: Table | undefined, after: Table): void {
        for (const [key, item] of after.entries) {
            this.#revertItem([...path, key], before?.entries.get(key), item);
        }
        const current = this.#itemAt(path);
        if (current?.kind !== "table" || path.length === 0) return;
        if (current.inline !== undefined && before === undefined && current.entries.size === 0) {
            this.#removeValue(path, current.inline, after);
        } else if (
            after.header !== undefined &&
            before?.header === undefined &&
            current.header?.body.length === 0
        ) {
            const { header, entries } = current;
            // Tables below it have headers of their own.
            if (entries.size === 0) this.#removeLines(path, header, after.header);
            else if (header.kind === "standard")
                this.#removeLines(path, header, after.header, getData(current));
        }
    }

    #revertItem(path: Path, before: Item | undefined, after: Item): void {
        const current = this.#itemAt(path);
        if (current === undefined || sameData(before, after) || sameData(before, current)) return;
        if (after.kind === "tables" && before !== undefined && !after.elements.some(findAddress)) {
            this.#revertPins(path, before, after, current);
        } else if (after.kind === "tables") {
            const former = before?.kind === "tables" ? before.elements : [];
            for (const element of after.elements) {
                const name = stringAt(element, "name") ?? "";
                const old =
                    former.find((each) => isSameEntry(each, element)) ??
                    former.find((each) => stringAt(each, "name") === name && replacesPypi(name, each));
                const theirs = this.#itemAt(path);
                if (theirs?.kind !== "tables" || sameData(old, element)) continue;
                const index = theirs.elements.findIndex((each) => isSameEntry(each, element));
                if (index !== -1) this.#revertEntry([...path, index], old, element);
            }
            const left = this.#itemAt(path);
            if (before === undefined && left?.kind === "value" && isDeepStrictEqual(left.data, []))
                this.#removeValue(path, left.node, after);
        } else if (after.kind === "table" && current.kind === "table") {
            if (before?.kind === "value") this.#revertPin(path, before, after, current);
            else if (!this.#entries.some(([each]) => isDeepStrictEqual(each, path)))
                this.#revertTable(path, asTable(before), after);
            else if (isSameEntry(current, after)) this.#revertEntry(path, asTable(before), after);
        } else if (after.kind === "value" && Array.isArray(after.data)) {
            this.#revertList(path, before, after);
        } else if (after.kind !== "value" || current.kind !== "value" || !sameData(current, after)) {
            this.#changed.push(getText(path));
        } else if (before === undefined) {
            this.#removeValue(path, current.node, after);
        } else if (before.kind === "value") {
            this.#replace(path, current.node, before);
        }
    }

    /** A table, ours or with keys of ours. If it is ours and the user has added keys to it, it keeps what these depend on. */
    #revertEntry(path: Path, before: Table | undefined, after: Table): void {
        const current = this.#itemAt(path);
        if (current?.kind !== "table") return;
        const isExtended =
            before === undefined &&
            [...current.entries].some(([key, item]) => !sameData(after.entries.get(key), item));
        const kept = new Map([...after.entries].filter(([key]) => identityKeys.has(key)));
        if (!isExtended || kept.size === 0) {
            this.#revertTable(path, before, after);
            return;
        }
        const url = current.entries.get("url");
        const address = stringAt(current, "url");
        if (url?.kind === "value" && address !== undefined && sameData(url, kept.get("url"))) {
            const bare = address.replace(/^(https?:\/\/).*@/, "$1");
            this.#change([...path, "url"], bare, [[...url.node.range, JSON.stringify(bare)]]);
        }
        this.#revertTable(path, { ...after, entries: kept }, after);
        this.#extended.push(stringAt(after, "name") ?? getText(path));
    }

    /** A dependency that was a version and got a source. */
    #revertPin(path: Path, before: Item & { kind: "value" }, after: Table, current: Table): void {
        if (sameData(current, after) && current.inline !== undefined) {
            this.#replace(path, current.inline, before);
        } else {
            this.#revertTable(path, { ...after, entries: new Map([["version", before]]) }, after);
        }
    }

    /** A dependency with several constraints, each of which got a source. */
    #revertPins(path: Path, before: Item, after: Tables, current: Item): void {
        if (current.kind !== "tables" || current.elements.length !== after.elements.length) {
            this.#changed.push(getText(path));
        } else if (before.kind === "tables") {
            for (const [index, element] of after.elements.entries())
                this.#revertItem([...path, index], before.elements[index], element);
        } else if (before.kind === "value" && current.inline !== undefined && sameData(current, after)) {
            this.#replace(path, current.inline, before);
        } else {
            this.#changed.push(getText(path));
        }
    }

    #revertList(path: Path, before: Item | undefined, after: Item): void {
        const former = getItems(before);
        for (const item of getItems(after)) {
            const at = former.findIndex((each) => isDeepStrictEqual(each, item));
            if (at !== -1) {
                former.splice(at, 1);
                continue;
            }
            const current = this.#itemAt(path);
            const items = getItems(current);
            const index = items.findIndex((each) => isDeepStrictEqual(each, item));
            if (index === -1 || current?.kind !== "value" || current.node.type !== "TOMLArray") continue;
            const element = current.node.elements[index];
            if (items.length === 1 && before === undefined) this.#removeValue(path, current.node, after);
            else if (element !== undefined) this.#removeElement(path, items.toSpliced(index, 1), element);
        }
    }

    #replace(path: Path, { range }: AST.TOMLNode, before: Item & { kind: "value" }): void {
        this.#change(path, before.data, [[...range, getSource(this.#before, before)]]);
    }

    /** Removes a key with its value, or a table in braces from an array. */
    #removeValue(path: Path, node: AST.TOMLContentNode, after: Item): void {
        const { parent } = node;
        if (parent.type === "TOMLArray") {
            const array = this.#itemAt(path.slice(0, -1));
            const elements = array?.kind === "tables" ? array.elements.map(getData) : [];
            this.#removeElement(path.slice(0, -1), elements.toSpliced(Number(path.at(-1)), 1), node);
        } else if (parent.parent.type === "TOMLInlineTable") {
            this.#removeElement(path, undefined, parent);
        } else {
            this.#removeLines(path, parent, (after.kind === "value" ? after.node : after.inline)?.parent);
        }
    }

    /** Removes an element of an array or of a table in braces, with one comma. */
    #removeElement(path: Path, data: Toml | undefined, node: AST.TOMLNode): void {
        const { text, ast } = this.#document;
        const [start, end] = node.range;
        const next = ast.tokens.find(({ range }) => range[0] >= end);
        const previous = ast.tokens.findLast(({ range }) => range[1] <= start);
        const [from, to] = lineRange(text, [start, next?.value === "," ? next.range[1] : end]);
        const cuts: Cut[] = [];
        if (next?.value === ",") {
            const isFirst = previous?.value !== ",";
            const space = from === start ? (/^[ \t]*/.exec(text.slice(to))?.[0].length ?? 0) : 0;
            const before =
                from === start && !isFirst ? (/[ \t]*$/.exec(text.slice(0, start))?.[0].length ?? 0) : 0;
            cuts.push([from - before, to + (isFirst ? space : 0), ""]);
        } else if (previous?.value === ",") {
            if (from < start || to > end) cuts.push([...previous.range, ""], [from, to, ""]);
            else cuts.push([previous.range[0], end, ""]);
        } else cuts.push([from, to, ""]);
        this.#change(path, data, cuts);
    }

    /** Removes the line of a key or of a header, and the blank lines around it that came with it. A comment on the line stays. */
    #removeLines(
        path: Path,
        { range }: AST.TOMLNode,
        after: AST.TOMLNode | null | undefined,
        data?: Toml,
    ): void {
        const { text } = this.#document;
        let [start, end] = lineRange(text, range);
        if (after) {
            const { start: first, end: last } = after.loc;
            const above = /(?:^|\n)([ \t]*\r?\n)$/.exec(text.slice(0, start))?.[1];
            const below = /^[ \t]*\r?\n/.exec(text.slice(end))?.[0];
            if (this.#blank.has(first.line - 2) && above !== undefined) start -= above.length;
            if (after.type === "TOMLKeyValue" && this.#blank.has(last.line) && below !== undefined)
                end += below.length;
        }
        this.#change(path, data, [[start, end, ""]]);
    }

    /**
     * Replaces parts of the text.
     *
     * @param data the new data at this path; undefined if there is none
     * @throws UnsupportedFileError if the document would then have other data
     */
    #change(path: Path, data: Toml | undefined, cuts: readonly Cut[]): void {
        const text = cuts
            .toSorted(([one], [other]) => other - one)
            .reduce(
                (rest, [start, end, by]) => rest.slice(0, start) + by + rest.slice(end),
                this.#document.text,
            );
        const expected =
            data === undefined
                ? without(this.#document.data, path)
                : withValue(this.#document.data, path, data);
        const refusal = new UnsupportedFileError(
            undefined,
            "our settings cannot be removed from this TOML file",
        );
        try {
            this.#document = parseDocument(text);
        } catch {
            throw refusal;
        }
        if (!isDeepStrictEqual(compact(this.#document.data), compact(expected))) throw refusal;
    }
}

type Cut = readonly [start: number, end: number, by: string];

/** The keys without which a table of an index has no meaning. */
const identityKeys = new Set(["name", "url", "repository"]);

/** The tables with an address or a password, and their paths, without positions in arrays. */
function entriesIn(table: Table, path: readonly string[]): (readonly [Path, Table])[] {
    return [
        ...(findAddress(table) !== undefined || table.entries.has("password")
            ? [[path, table] as const]
            : []),
        ...[...table.entries].flatMap(([key, item]) =>
            item.kind === "table"
                ? entriesIn(item, [...path, key])
                : item.kind === "tables"
                  ? item.elements.flatMap((element) => entriesIn(element, [...path, key]))
                  : [],
        ),
    ];
}

/** The paths of the settings with which dependencies name an index. */
function referencesTo(name: string | undefined, item: Item, path: Path): Path[] {
    if (item.kind === "tables")
        return item.elements.flatMap((each, n) => referencesTo(name, each, [...path, n]));
    if (item.kind === "table")
        return [...item.entries].flatMap(([key, each]) => referencesTo(name, each, [...path, key]));
    return (path.at(-1) === "index" || path.at(-1) === "source") && item.data === name ? [path] : [];
}

/** Whether a table is the entry that another one is: by its name and its address, or without an address, by its password. */
function isSameEntry(one: Table, other: Table): boolean {
    const identity = (table: Table) => [
        stringAt(table, "name"),
        findAddress(table) ?? stringAt(table, "password"),
    ];
    return isDeepStrictEqual(identity(one), identity(other));
}

function asTable(item: Item | undefined): Table | undefined {
    return item?.kind === "table" ? item : undefined;
}

function getItems(item: Item | undefined): Toml[] {
    return item?.kind === "value" && Array.isArray(item.data) ? [...(item.data as readonly Toml[])] : [];
}

function getText(path: Path): string {
    return path.map(keyText).join(".");
}

/** A range, extended to its lines if there is nothing else on them. A comment stays, without the space before it. */
function lineRange(text: string, [from, to]: AST.Range): [start: number, end: number] {
    const before = /[ \t]*$/.exec(text.slice(0, from))?.[0] ?? "";
    const start = from - before.length;
    if (start > 0 && text[start - 1] !== "\n") return [from, to];
    const [after = ""] = /^[ \t]*(?:\r?\n|$|(?=#))/.exec(text.slice(to)) ?? [];
    if (after === "" && to < text.length && text[to] !== "#") return [from, to];
    return [start, to + after.length];
}

/** A copy of the data without what is at a path. */
function without(data: Toml | undefined, path: Path): Toml {
    const parent = path.slice(0, -1);
    const key = path.at(-1);
    const below = parent.reduce<Toml | undefined>(
        (value, each) => (value as Record<string | number, Toml> | undefined)?.[each],
        data,
    );
    const rest: Toml = Array.isArray(below)
        ? (below as readonly Toml[]).toSpliced(Number(key), 1)
        : Object.fromEntries(Object.entries(below ?? {}).filter(([name]) => name !== key));
    return withValue(data, parent, rest);
}

/** The data without empty tables and arrays, which a header may or may not have made. */
function compact(data: Toml): Toml {
    if (Array.isArray(data)) return (data as readonly Toml[]).map(compact);
    if (typeof data !== "object" || data instanceof Date) return data;
    return Object.fromEntries(
        Object.entries(data)
            .map(([key, value]) => [key, compact(value)] as const)
            .filter(
                ([, value]) =>
                    typeof value !== "object" || value instanceof Date || Object.keys(value).length > 0,
            ),
    );
}
