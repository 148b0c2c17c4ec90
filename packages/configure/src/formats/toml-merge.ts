import type { AST } from "toml-eslint-parser";
import { isDeepStrictEqual } from "node:util";
import { isAmong, normalizedName } from "python-registry/names/package-names";
import { daysToWait, isCooldown } from "./cooldown";
import {
    keepByteOrderMark,
    NameConflictError,
    UnsupportedFileError,
    withoutByteOrderMark,
    withoutUserInfo,
} from "./merge";
import {
    asTable,
    getData,
    type Document,
    type Item,
    findLine,
    parseDocument,
    type Path,
    readToml,
    sameData,
    type Table,
    type Tables,
    textsIn,
    type Toml,
    type TomlTable,
} from "./toml";
import { getEntries, inlineTableText, keyText, keyValues, getSource, TomlEditor } from "./toml-editor";

/**
 * Adds generated TOML to an existing file (uv.toml, pyproject.toml, Pipfile, a tool's config.toml). It only inserts text
 * or replaces a value that must change, so that every other byte stays the same.
 *
 * - Tables in an array are matched by `name`, other tables by their path. Our keys are set, other keys stay.
 * - A cooldown that is longer than ours stays.
 * - A list of strings gets those that it lacks.
 * - A table of pins lists packages, each with its index or source. A package that already has a different source is kept,
 *   with a notice. A version that the user requires stays.
 *
 * - An entry of ours named `pypi` takes the place of PyPI.
 *
 * @throws UnsupportedFileError if the existing text is not valid TOML, or has a value of a different type
 * @throws NameConflictError if it uses our name for another registry
 */
export const mergeToml = keepByteOrderMark((existing, ours) => {
    const mine = parseDocument(withoutByteOrderMark(ours).replaceAll("\r\n", "\n"));
    const merger = new TomlMerger(parseDocument(existing), mine);
    merger.mergeTable([], mine.root);
    return { text: merger.text, notices: merger.notices };
});

class TomlMerger {
    readonly notices: string[] = [];
    readonly #editor: TomlEditor;

    constructor(
        existing: Document,
        private readonly ours: Document,
    ) {
        this.#editor = new TomlEditor(existing);
    }

    get text(): string {
        return this.#editor.document.text;
    }

    mergeTable(path: Path, table: Table): void {
        for (const [key, item] of table.entries) {
            this.#mergeItem([...path, key], item);
        }
    }

    #mergeItem(path: Path, item: Item): void {
        const theirs = this.#editor.itemAt(path);
        if (item.kind === "tables") {
            this.#mergeEntries(path, item);
        } else if (item.kind === "value") {
            if (theirs?.kind === "value" && theirs.node.type === "TOMLArray" && Array.isArray(item.data)) {
                this.#extend(path, item.data as readonly Toml[]);
                return;
            }
            const source = getSource(this.ours, item);
            if (theirs?.kind === "value" && this.#keepsCooldown(path, theirs.data, item.data, source)) return;
            this.#editor.set(path, item.data, source);
            if (theirs && !sameData(theirs, item) && !addressKeys.has(String(path.at(-1)))) {
                this.notices.push(
                    `${path.map(keyText).join(".")} had a different value; it is now ${source}`,
                );
            }
        } else {
            if (theirs === undefined) {
                this.#editor.addTable(path, this.ours, item);
            } else if (theirs.kind !== "table") {
                throw new UnsupportedFileError(
                    findLine(theirs),
                    "there is something else where a table belongs",
                );
            }
            if (isPinTable(getData(item))) {
                this.#mergePins(path, item);
            } else {
                assertSameRegistry(String(path.at(-1)), item, theirs);
                this.mergeTable(path, item);
            }
        }
    }

    /** Whether a cooldown of theirs stays, because it is not shorter than ours, or in a form that nobody can compare. */
    #keepsCooldown(path: Path, theirs: Toml, ours: Toml, source: string): boolean {
        if (!isCooldown(path.at(-1), ours) || isDeepStrictEqual(theirs, ours)) return false;
        const [wanted = 0, found] = [daysToWait(ours), daysToWait(theirs)];
        if (found !== undefined && found < wanted) return false;
        // The same in other words.
        if (found === wanted) return true;
        const name = path.map(keyText).join(".");
        this.notices.push(
            found === undefined
                ? `${name} has a value that cannot be compared with the cooldown of this registry, ${source}. It was kept: set it to that, or more`
                : `${name} makes the tool wait longer than the cooldown of this registry, ${source}. It was kept`,
        );
        return true;
    }

    /** Adds the strings that a list lacks. */
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

    #mergeEntries(path: Path, { elements }: Tables): void {
        // uv takes a package from the first index that has it. So the private index must come before the user's other
        // ones to protect its names. An index with `default = true` is always last.
        const first = ["index", "tool.uv.index"].includes(path.join("."));
        for (const element of first ? elements.toReversed() : elements) {
            const theirs = getEntries(this.#editor.itemAt(path));
            const name = stringAt(element, "name");
            const index = theirs.findIndex((entry) =>
                name === undefined ? sameData(entry, element) : hasName(entry, name, path),
            );
            const named = theirs[index];
            if (named === undefined) {
                if (
                    theirs.some((entry) => findAddress(entry) === findAddress(element) && findAddress(entry))
                ) {
                    this.notices.push(
                        `the registry ${name ?? ""} is also in this file under a different name; that entry was kept`,
                    );
                }
                this.#editor.addEntry(path, this.ours, element, first);
            } else {
                assertSameRegistry(name ?? "", element, named);
                this.mergeTable([...path, index], withoutKey(element, "name"));
            }
        }
    }

    #mergePins(path: Path, pins: Table): void {
        for (const [name, pin] of pins.entries) {
            const table = this.#editor.itemAt(path);
            const names = table?.kind === "table" ? [...table.entries.keys()] : [];
            const key = names.find((theirs) => normalizedName(theirs) === normalizedName(name)) ?? name;
            const place = [...path, key];
            const theirs = this.#editor.itemAt(place);
            if (theirs === undefined) {
                this.#editor.set(place, getData(pin), getSource(this.ours, pin));
            } else if (!sameData(theirs, pin) && !this.#pinExisting(place, theirs, pin)) {
                this.notices.push(`${name} has a different source in this file, which was kept`);
            }
        }
    }

    /** @returns whether the package now comes from our registry; the user's version and extras stay */
    #pinExisting(place: Path, theirs: Item, pin: Item): boolean {
        if (pin.kind !== "table") {
            return false;
        }
        switch (theirs.kind) {
            case "table":
                return this.#pinTable(place, theirs, pin);
            case "tables":
                // The constraints for different environments. Each of them is a dependency of its own.
                return theirs.elements
                    .map((_, index) => [...place, index])
                    .map((path) => this.#pinExisting(path, this.#editor.itemAt(path) ?? theirs, pin))
                    .every(Boolean);
            case "value":
                return this.#pinValue(place, theirs, pin);
        }
    }

    #pinTable(place: Path, theirs: Table, pin: Table): boolean {
        const origins = [...theirs.entries].filter(([key]) => originKeys.has(key));
        if (origins.length > 0) {
            return origins.every(([key, item]) => sameData(pin.entries.get(key), item));
        }
        // uv's sources contain nothing but a package's origin.
        if (place.includes("sources")) {
            return false;
        }
        for (const [key, item] of pin.entries) {
            if (!theirs.entries.has(key)) {
                this.#editor.set([...place, key], getData(item), getSource(this.ours, item));
            }
        }
        return true;
    }

    /** Pins a version, or a list of versions. */
    #pinValue(place: Path, { node, data }: Extract<Item, { kind: "value" }>, pin: Table): boolean {
        const more = withoutKey(pin, "version");
        const { text } = this.#editor.document;
        const pinned = (version: AST.TOMLNode) =>
            inlineTableText(
                [`version = ${text.slice(...version.range)}`, ...keyValues(this.ours, more)],
                " ",
            );
        const withPin = (version: Toml) => ({ version, ...(getData(more) as TomlTable) });
        if (typeof data === "string") {
            this.#editor.set(place, withPin(data), pinned(node));
            return true;
        }
        if (node.type !== "TOMLArray" || !Array.isArray(data)) return false;
        const versions = data as readonly Toml[];
        if (!versions.every((version) => typeof version === "string")) return false;
        const source = node.elements.reduceRight(
            (list, element) =>
                list.slice(0, element.range[0] - node.range[0]) +
                pinned(element) +
                list.slice(element.range[1] - node.range[0]),
            text.slice(...node.range),
        );
        this.#editor.set(place, versions.map(withPin), source);
        return versions.length > 0;
    }
}

function withoutKey(table: Table, key: string): Table {
    return { ...table, entries: new Map([...table.entries].filter(([name]) => name !== key)) };
}

/** Whether a table has nothing but pins: packages, each with its index or source. */
function isPinTable(table: Toml): boolean {
    const pins = Object.values(asTable(table) ?? {}).map(asTable);
    return pins.length > 0 && pins.every((pin) => typeof (pin?.["index"] ?? pin?.["source"]) === "string");
}

/** The packages, and the prefixes with their asterisk, that one generated text restricts to the registry and a later one does not. */
export function unrestrictedPackages(before: string, after: string): string[] {
    const restricted = pinsIn(readToml(after));
    return [...new Set(pinsIn(readToml(before)))].filter((name) => !isAmong(name, restricted));
}

function pinsIn(value: Toml): string[] {
    if (Array.isArray(value)) return (value as readonly Toml[]).flatMap(pinsIn);
    return Object.entries(asTable(value) ?? {}).flatMap(([key, below]) => {
        if (key === "include_packages") return textsIn(below);
        return isPinTable(below) ? Object.keys(below).map(normalizedName) : pinsIn(below);
    });
}

/** The keys with which poetry, uv and pipenv define a package's source. */
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

/** Where our registry is and how to log in. A run changes these without a notice. */
const addressKeys = new Set(["url", "publish-url", "username", "password", "user", "auth", "UV_INDEX"]);

/** Whether an entry has this name; poetry ignores case. */
function hasName(entry: Table, name: string, path: Path): boolean {
    const theirs = stringAt(entry, "name");
    return path.join(".") === "tool.poetry.source"
        ? theirs?.toLowerCase() === name.toLowerCase()
        : theirs === name;
}

function assertSameRegistry(name: string, ours: Table, theirs: Table | undefined): void {
    const address = theirs && findAddress(theirs);
    if (theirs !== undefined && findAddress(ours) !== undefined && replacesPypi(name, theirs)) {
        // Otherwise, the tool would send us that password.
        if (theirs.entries.has("password") && !ours.entries.has("password"))
            throw new NameConflictError(name);
        return;
    }
    if (address !== undefined && findAddress(ours) !== undefined && address !== findAddress(ours)) {
        throw new NameConflictError(name);
    }
}

/** Whether an entry is PyPI itself, under the name that pdm and pipenv have for it. An entry of ours with this name replaces it. */
export function replacesPypi(name: string, theirs: Table): boolean {
    const address = findAddress(theirs);
    return name === "pypi" && (address === undefined || /^https:\/\/pypi\.org\/simple$/.test(address));
}

export function findAddress(table: Table): string | undefined {
    const url = stringAt(table, "url") ?? stringAt(table, "repository");
    return url === undefined ? undefined : withoutUserInfo(url);
}

export function stringAt(table: Table, key: string): string | undefined {
    const item = table.entries.get(key);
    return item?.kind === "value" && typeof item.data === "string" ? item.data : undefined;
}
