import { normalizedName } from "../../src/names/package-names";
import {
    type MergeResult,
    type Merge,
    NameConflictError,
    UnsupportedFileError,
    withoutUserInfo,
} from "./merge";
import {
    dataOf,
    type Document,
    type Item,
    lineOf,
    parseDocument,
    type Path,
    same,
    type Table,
    type Tables,
    type Toml,
    type TomlTable,
    withoutByteOrderMark,
} from "./toml";
import { braced, entriesOf, keyText, keyValues, sourceOf, TomlEditor } from "./toml-editor";

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
 * @throws UnsupportedFileError if the existing text is not valid TOML, or has something else where ours belongs
 * @throws NameConflictError if it gives our name to another registry
 */
export const mergeToml: Merge = (existing, ours) => {
    const body = withoutByteOrderMark(existing);
    const merging = new TomlMerger(parseDocument(body));
    merging.mergeTable([], parseDocument(withoutByteOrderMark(ours).replaceAll("\r\n", "\n")));
    return merging.merge(existing.slice(0, existing.length - body.length));
};

/** Decides what an existing document gains from ours. */
class TomlMerger {
    readonly #notices: string[] = [];
    readonly #editor: TomlEditor;

    constructor(existing: Document) {
        this.#editor = new TomlEditor(existing);
    }

    merge(mark: string): MergeResult {
        return { text: mark + this.#editor.document.text, notices: this.#notices };
    }

    mergeTable(path: Path, ours: Document, table: Table = ours.root): void {
        for (const [key, item] of table.entries) {
            this.#mergeItem([...path, key], ours, item);
        }
    }

    #mergeItem(path: Path, ours: Document, item: Item): void {
        const theirs = this.#editor.itemAt(path);
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
                this.#editor.put(path, item.data, source);
            } else {
                throw new UnsupportedFileError(lineOf(theirs), "a table stands where a value belongs");
            }
        } else {
            if (theirs === undefined) {
                this.#editor.addTable(path, ours, item);
            } else if (theirs.kind !== "table") {
                throw new UnsupportedFileError(lineOf(theirs), "something else stands where a table belongs");
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
            const theirs = this.#editor.itemAt(path);
            if (theirs?.kind !== "value" || theirs.node.type !== "TOMLArray" || !Array.isArray(theirs.data))
                return;
            const data: readonly Toml[] = theirs.data;
            if (!data.includes(text)) {
                this.#editor.addElement(path, [...data, text], theirs.node, false, () =>
                    JSON.stringify(text),
                );
            }
        }
    }

    #mergeEntries(path: Path, ours: Document, { elements }: Tables): void {
        // uv takes a package from the first index that has it, so that only a private index in front of the user's
        // others keeps its names to itself; one with `default = true` comes last wherever it stands.
        const first = ["index", "tool.uv.index"].includes(path.join("."));
        for (const element of first ? elements.toReversed() : elements) {
            const theirs = entriesOf(this.#editor.itemAt(path));
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
                this.#editor.addEntry(path, ours, element, first);
            } else {
                refuseOtherRegistry(name ?? "", element, named);
                const more = new Map([...element.entries].filter(([key]) => key !== "name"));
                this.mergeTable([...path, index], ours, { ...element, entries: more });
            }
        }
    }

    #mergePins(path: Path, ours: Document, pins: Table): void {
        for (const [name, pin] of pins.entries) {
            const table = this.#editor.itemAt(path);
            const names = table?.kind === "table" ? [...table.entries.keys()] : [];
            const key = names.find((theirs) => normalizedName(theirs) === normalizedName(name)) ?? name;
            const place = [...path, key];
            const theirs = this.#editor.itemAt(place);
            if (theirs === undefined) {
                this.#editor.put(place, dataOf(pin), sourceOf(ours, pin));
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
                    this.#editor.put([...place, key], dataOf(item), sourceOf(ours, item));
                }
            }
            return true;
        }
        if (theirs.kind === "value" && typeof theirs.data === "string") {
            const own = new Map([...pin.entries].filter(([key]) => key !== "version"));
            const more = { ...pin, entries: own };
            const version = `version = ${sourceOf(this.#editor.document, theirs)}`;
            const data = { version: theirs.data, ...(dataOf(more) as TomlTable) };
            this.#editor.put(place, data, braced([version, ...keyValues(ours, more)], " "));
            return true;
        }
        return false;
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
        throw new NameConflictError(name);
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
