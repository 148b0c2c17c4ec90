import { diffArrays } from "diff";
import type { LineSyntax } from "./merge";

/** A file without the lines that we added to it. */
export interface RevertedFile {
    readonly content: Buffer;
    /** How many of our lines stay, because the user changed them or because a line of the user's depends on them. */
    readonly left: number;
}

/**
 * Applies the reverse of our edit, from `original` to `written`, to the file that the user has edited since.
 *
 * It compares lines: lines that we added are removed, even if they were moved; lines that we replaced or removed are
 * restored in their place; the user's edits stay, even next to ours, where a three-way merge would report a conflict.
 * Line endings are not compared, so that a converted file is still recognized.
 */
export function revertEdit(
    original: Buffer,
    written: Buffer,
    current: Buffer,
    syntax: LineSyntax,
): RevertedFile {
    const versions: Versions = [linesOf(original), linesOf(written), linesOf(current)];
    const exact = revertLines(versions, syntax, ({ text }) => text);
    if (exact.missing === 0) return exact;
    // A tool may have changed indentation and spaces, or added a byte-order mark.
    const loose = revertLines(versions, syntax, ({ text }) => {
        const words = text.replace(/^\xef\xbb\xbf|[ \t]+/g, "");
        return syntax.normalized?.(words) ?? words;
    });
    return loose.missing < exact.missing ? loose : exact;
}

/** A file's lines before our edit, after it, and now. */
type Versions = readonly [original: Line[], written: Line[], current: Line[]];

interface Line {
    readonly text: string;
    readonly ending: "" | "\n" | "\r\n";
}

/** A line of the user's, new or old, or one of ours, which is removed unless something depends on it. */
interface Placed extends Line {
    readonly origin: "new" | "old" | "ours";
}

/** Each byte becomes one character, so that any content is preserved. */
function linesOf(content: Buffer): Line[] {
    return (content.toString("latin1").match(/[^\n]*\n|[^\n]+$/g) ?? []).map((line) => {
        const ending = line.endsWith("\r\n") ? "\r\n" : line.endsWith("\n") ? "\n" : "";
        return { text: line.slice(0, line.length - ending.length), ending };
    });
}

function revertLines(
    [original, written, current]: Versions,
    syntax: LineSyntax,
    key: (line: Line) => string,
) {
    const { replaced, removed, kept } = ourChange(original, written);
    const steps = alignLines(written.map(key), current.map(key));
    const moved = findMovedLines(steps, (from) => replaced.has(from), written.map(key), current.map(key));

    const placed: Placed[] = [];
    const ending = commonEnding(current);
    const restore = (lines: readonly Line[] = []) => {
        for (const line of lines) {
            placed.push({ ...line, ending: line.ending && (ending ?? line.ending), origin: "old" });
        }
    };
    let missing = 0;
    let left = 0;
    let changed = 0;
    for (const { from, to } of steps) {
        if (from !== undefined) restore(removed.get(from));
        if (from !== undefined && to !== undefined) changed = 0;
        if (to === undefined) {
            if (from !== undefined && replaced.has(from) && !moved.gone.has(from)) {
                missing++;
                changed++;
            }
            continue;
        }
        const line = at(current, to);
        const ours = from !== undefined && replaced.has(from) ? from : moved.found.get(to);
        if (ours !== undefined) {
            placed.push({ ...line, origin: "ours" });
            restore(replaced.get(ours));
        } else {
            // Our edit may have given the last line an ending. Among equal lines, a different one may be paired with it.
            const before = from === undefined ? undefined : kept.get(from)?.ending;
            const wasChanged = before && from !== undefined && at(written, from).ending === line.ending;
            placed.push({
                ...line,
                ...(wasChanged && { ending: before }),
                origin: from === undefined ? "new" : "old",
            });
            // New lines in the place of missing lines of ours count as those lines, changed.
            if (from === undefined && changed > 0) {
                changed--;
                left++;
            }
        }
    }
    restore(removed.get(written.length));

    const held = linesToKeep(placed, syntax);
    const stays = placed.filter((line, index) => line.origin !== "ours" || held.has(index));
    const text = joinLines(stays, ending ?? "\n", hasOpenEnd(original, written, placed, stays));
    return { content: Buffer.from(text, "latin1"), left: left + held.size, missing };
}

/** A line that is in both texts, or only in one, by its line numbers. */
interface Step {
    readonly from: number | undefined;
    readonly to: number | undefined;
}

/** Pairs the lines of two texts. Between two pairs, removed lines come before new ones. */
function alignLines(from: string[], to: string[]): Step[] {
    let [i, j] = [0, 0];
    return diffArrays(from, to).flatMap(({ added, removed, count }) =>
        Array.from({ length: count }, () => ({
            from: added ? undefined : i++,
            to: removed ? undefined : j++,
        })),
    );
}

/**
 * What our edit did. `replaced`: each of our lines, by its number in the written file, with the original lines that it
 * replaced. `removed`: lines that we only removed, by the number of the line that followed them. `kept`: the other
 * lines, by their number in the written file, as they were in the original.
 */
function ourChange(original: Line[], written: Line[]) {
    const text = ({ text }: Line) => text;
    const replaced = new Map<number, Line[]>();
    const removed = new Map<number, Line[]>();
    const kept = new Map<number, Line>();
    let removedLines: Line[] = [];
    let addedLines: number[] = [];
    let next = 0;
    const flush = () => {
        for (const each of addedLines) replaced.set(each, []);
        if (addedLines.length === 0) removed.set(next, removedLines);
        // One by one, so that a new line of the user's between two of ours keeps its place.
        else
            removedLines.forEach((line, n) =>
                replaced.get(at(addedLines, Math.min(n, addedLines.length - 1)))?.push(line),
            );
        [removedLines, addedLines] = [[], []];
    };
    for (const { from, to } of alignLines(original.map(text), written.map(text))) {
        if (to === undefined) removedLines.push(at(original, from ?? 0));
        else {
            if (from !== undefined) {
                flush();
                kept.set(to, at(original, from));
            } else addedLines.push(to);
            next = to + 1;
        }
    }
    flush();
    return { replaced, removed, kept };
}

/** Finds lines of ours that were moved: a missing line of ours and a new line with the same text. */
function findMovedLines(
    steps: Step[],
    isOurs: (from: number) => boolean,
    written: string[],
    current: string[],
) {
    const lost = new Map<string, number[]>();
    for (const { from, to } of steps) {
        if (from === undefined || to !== undefined || !isOurs(from) || at(written, from) === "") continue;
        lost.set(at(written, from), [...(lost.get(at(written, from)) ?? []), from]);
    }
    const found = new Map<number, number>();
    for (const { from, to } of steps) {
        if (from !== undefined || to === undefined) continue;
        const ours = lost.get(at(current, to))?.shift();
        if (ours !== undefined) found.set(to, ours);
    }
    return { found, gone: new Set(found.values()) };
}

/**
 * Our lines that must stay, by number: without a section's header, what the user added below it would belong to the
 * section before; without a key, the line that continues its value would continue a different one.
 */
function linesToKeep(
    lines: readonly Placed[],
    { isInsignificant, isHeader, isList }: LineSyntax,
): Set<number> {
    const isAside = ({ text }: Line) => isInsignificant(text);
    /** -1 for a header, otherwise the indentation. */
    const depthOf = ({ text }: Line) => (isHeader(text) ? -1 : text.search(/\S|$/));
    const held = new Set<number>();
    lines.forEach((line, index) => {
        if (line.origin !== "new" || isAside(line)) return;
        let depth = depthOf(line);
        for (let above = index - 1; above >= 0 && depth > -1; above--) {
            const parent = at(lines, above);
            if (isAside(parent) || depthOf(parent) >= depth) continue;
            if (parent.origin !== "ours") return;
            held.add(above);
            depth = depthOf(parent);
            const end = lines.findIndex((each, n) => n > index && depthOf(each) <= depth && !isAside(each));
            const last = lines[end];
            if (last?.origin === "ours" && isList?.(parent.text, last.text) === true) held.add(end);
        }
    });
    return held;
}

/** The ending that all lines have; undefined if they differ or if there is none. */
function commonEnding(lines: readonly Line[]): Line["ending"] | undefined {
    const endings = new Set(lines.map(({ ending }) => ending).filter((ending) => ending !== ""));
    return endings.size === 1 ? [...endings][0] : undefined;
}

/** Whether the last line must have no ending, as in the original: it has one only because of our edit. */
function hasOpenEnd(original: Line[], written: Line[], placed: readonly Placed[], stays: readonly Placed[]) {
    const last = stays.at(-1);
    if (original.at(-1)?.ending !== "" || last === undefined) return false;
    return last !== placed.at(-1) || (last.origin === "old" && written.at(-1)?.ending !== "");
}

function joinLines(lines: readonly Line[], ending: string, open: boolean): string {
    return lines
        .map((line, index) => {
            const isLast = index === lines.length - 1;
            if (isLast && open) return line.text;
            return line.text + (isLast ? line.ending : line.ending || ending);
        })
        .join("");
}

function at<T>(list: readonly T[], index: number): T {
    const item = list[index];
    if (item === undefined) throw new RangeError(`nothing at ${index}`);
    return item;
}
