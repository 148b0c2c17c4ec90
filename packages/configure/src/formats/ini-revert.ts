import {
    type Entry,
    type IniFile,
    inserted,
    lowerCase,
    parseIni,
    removeEntry,
    removeLines,
    render,
    replaceItem,
    type Section,
    words,
} from "./ini";
import { isPypirc, pipKey, sameUrl } from "./ini-merge";
import {
    addedBlankLines,
    type AppliedEdit,
    changedNotice,
    endLike,
    extendedNotice,
    ignoreByteOrderMark,
    type MergeResult,
} from "./merge";

const lists = ["extra-index-url", "index-servers"];

/**
 * Removes from a pip.conf or .pypirc what `mergeIni` added. The entries that carry our address are the URL in a list of pip's or of
 * its only index, and the section with our repository in a .pypirc.
 */
export const revertIni = ignoreByteOrderMark((current, edit) => {
    const reverter = new IniReverter(current, edit);
    return reverter.isPresent() ? reverter.revert() : undefined;
});

class IniReverter {
    readonly #before: IniFile;
    readonly #after: IniFile;
    readonly #ours: readonly IniFile[];
    #file: IniFile;
    readonly #blank: ReadonlySet<number>;
    readonly #changed: string[] = [];
    readonly #extended: string[] = [];

    constructor(
        readonly current: string,
        { before, after, ours }: AppliedEdit,
    ) {
        const getKey = ours.some(isPypirc) ? lowerCase : pipKey;
        this.#before = parseIni(before, getKey);
        this.#after = parseIni(after, getKey);
        this.#ours = ours.map((text) => parseIni(text, getKey));
        this.#file = parseIni(current, getKey);
        this.#blank = addedBlankLines(before, after);
    }

    isPresent(): boolean {
        return this.#ours.some(({ sections }) =>
            [...sections].some(([name, { entries }]) => {
                const address = entries.get("repository")?.value;
                if (address !== undefined) return this.#has(this.#file, name, "repository", address);
                // The section of a command has our URL too.
                return ["extra-index-url", "index-url"].some((key) =>
                    words(entries.get(key)?.value ?? "").some((url) =>
                        [...this.#after.sections.keys()].some((section) =>
                            [this.#after, this.#file].every((file) => this.#has(file, section, key, url)),
                        ),
                    ),
                );
            }),
        );
    }

    #has(file: IniFile, section: string, key: string, url: string): boolean {
        const value = file.sections.get(section)?.entries.get(key)?.value ?? "";
        return (lists.includes(key) ? words(value) : [value]).some((each) => sameUrl(each, url));
    }

    revert(): MergeResult {
        for (const section of this.#after.sections.values()) this.#revertSection(section);
        return {
            text: endLike(render(this.#file), this.current),
            notices: [...extendedNotice(this.#extended), ...changedNotice(this.#changed)],
        };
    }

    #revertSection({ name, line, entries }: Section): void {
        const before = this.#before.sections.get(name);
        const current = this.#file.sections.get(name);
        const repository = entries.get("repository")?.value;
        if (current === undefined) return;
        if (repository !== undefined && !this.#has(this.#file, name, "repository", repository)) return;
        const isOurs = ({ key, value }: Entry) =>
            !before?.entries.has(key) && entries.get(key)?.value === value;
        const isExtended = before === undefined && ![...current.entries.values()].every(isOurs);
        for (const [key, entry] of entries) {
            const old = before?.entries.get(key);
            if (old?.value === entry.value) continue;
            if (lists.includes(key)) this.#revertList(name, entry, old);
            // Without its address, a section of a .pypirc has no meaning.
            else if (key === "repository" && isExtended) this.#extended.push(`[${name}]`);
            else this.#revertEntry(name, entry, old);
        }
        if (before !== undefined)
            for (const [key, old] of before.entries) {
                if (!entries.has(key) && !current.entries.has(key)) this.#restore(before, old);
            }
        const left = this.#file.sections.get(name);
        if (before !== undefined || left === undefined || left.entries.size > 0) return;
        const isBlank = this.#blank.has(line - 1) && this.#file.lines[left.line - 1]?.text.trim() === "";
        this.#file = removeLines(this.#file, new Set([left.line, ...(isBlank ? [left.line - 1] : [])]));
    }

    #revertEntry(name: string, { key, value }: Entry, old: Entry | undefined): void {
        const current = this.#file.sections.get(name)?.entries.get(key);
        if (current === undefined || current.value === old?.value) return;
        if (current.value !== value) this.#changed.push(`${key} in [${name}]`);
        else {
            this.#file = removeEntry(this.#file, current);
            if (old !== undefined) this.#file = inserted(this.#file, current.lines[0] - 1, old.source);
        }
    }

    #revertList(name: string, { key, value }: Entry, old: Entry | undefined): void {
        const [before, after] = [words(old?.value ?? ""), words(value)];
        const added = without(after, before);
        const find = () => this.#file.sections.get(name)?.entries.get(key);
        const current = find();
        if (current === undefined) return;
        if (old === undefined && without(words(current.value), added).length === 0) {
            this.#file = removeEntry(this.#file, current);
            return;
        }
        const replaced = without(before, after);
        // twine used some sections without a list: in a list that stays, they stay too.
        const mine = this.#ours.flatMap(({ sections }) =>
            [...sections.values()].flatMap(({ entries }) => words(entries.get(key)?.value ?? "")),
        );
        for (const item of added.filter((each) => mine.includes(each))) {
            const list = find();
            const original = replaced.find((each) => sameUrl(each, item));
            if (list !== undefined) this.#file = replaceItem(this.#file, list, item, original);
        }
    }

    /** Restores a removed entry of a section below the line that it followed, if that is still there. */
    #restore({ line: first, name }: Section, old: Entry): void {
        const { lines, sections } = this.#file;
        const header = sections.get(name)?.line ?? 0;
        const next = [...sections.values()].map(({ line }) => line).filter((line) => line > header);
        const rows = lines.slice(0, Math.min(...next, lines.length)).map(({ text }) => text);
        const above = this.#before.lines.slice(first + 1, old.lines[0]).map(({ text }) => text);
        const neighbour = above.findLast((text) => text.trim() !== "" && rows.includes(text, header + 1));
        const at = neighbour === undefined ? header : rows.lastIndexOf(neighbour);
        this.#file = inserted(this.#file, at, old.source);
    }
}

/** The items of a list without those of another one, each as often as it is there. */
function without(items: readonly string[], others: readonly string[]): string[] {
    const left = [...others];
    return items.filter((item) => {
        const at = left.indexOf(item);
        if (at !== -1) left.splice(at, 1);
        return at === -1;
    });
}
