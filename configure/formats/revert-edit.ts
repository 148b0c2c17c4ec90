import { diffArrays } from "diff";
import type { LineSyntax } from "./merge";

/** A file without the lines that we added to it. */
export interface RevertedFile {
    readonly content: Buffer;
    /** How many of our lines stay, because the user changed them or because a line of the user's depends on them. */
    readonly left: number;
}

/**
 * Applies the reverse of our change, `original` to `written`, to what the user has made of the file since.
 *
 * Line by line: lines that we put in go, also where they were moved; lines that we replaced or took away come back at
 * their place; everything that the user did stays, also right beside ours, where a three-way merge would see a conflict.
 * Line endings are no part of a line, so that a converted file is still recognised.
 */
export function revertEdit(
    original: Buffer,
    written: Buffer,
    current: Buffer,
    syntax: LineSyntax,
): RevertedFile {
    const versions: Versions = [linesOf(original), linesOf(written), linesOf(current)];
    const exact = reversed(versions, syntax, ({ text }) => text);
    if (exact.missing === 0) return exact;
    // A tool may have changed indentation and spaces, or added a byte-order mark.
    const loose = reversed(versions, syntax, ({ text }) =>
        syntax.normalized(text.replace(/^\xef\xbb\xbf|[ \t]+/g, "")),
    );
    return loose.missing < exact.missing ? loose : exact;
}

/** A file's lines before our edit, after it, and now. */
type Versions = readonly [original: Line[], written: Line[], current: Line[]];

interface Line {
    readonly text: string;
    readonly ending: "" | "\n" | "\r\n";
}

/** A line of the user's, new or from before, or one of ours that goes unless something hangs on it. */
interface Placed extends Line {
    readonly whose: "new" | "old" | "ours";
}

/** Bytes as characters of the same number, so that any content survives. */
function linesOf(content: Buffer): Line[] {
    return (content.toString("latin1").match(/[^\n]*\n|[^\n]+$/g) ?? []).map((line) => {
        const ending = line.endsWith("\r\n") ? "\r\n" : line.endsWith("\n") ? "\n" : "";
        return { text: line.slice(0, line.length - ending.length), ending };
    });
}

function reversed([original, written, current]: Versions, syntax: LineSyntax, key: (line: Line) => string) {
    const { replaced, removed, kept } = changeBetween(original, written);
    const steps = aligned(written.map(key), current.map(key));
    const moved = movedLines(steps, (from) => replaced.has(from), written.map(key), current.map(key));

    const placed: Placed[] = [];
    const ending = onlyEnding(current);
    const comesBack = (lines: readonly Line[] = []) => {
        for (const line of lines) {
            placed.push({ ...line, ending: line.ending && (ending ?? line.ending), whose: "old" });
        }
    };
    let missing = 0;
    let left = 0;
    let changed = 0;
    for (const { from, to } of steps) {
        if (from !== undefined) comesBack(removed.get(from));
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
            placed.push({ ...line, whose: "ours" });
            comesBack(replaced.get(ours));
        } else {
            // Ours may have given the last line an ending, which is another line's where several read the same.
            const before = from === undefined ? undefined : kept.get(from)?.ending;
            const wasChanged = before && from !== undefined && at(written, from).ending === line.ending;
            placed.push({
                ...line,
                ...(wasChanged && { ending: before }),
                whose: from === undefined ? "new" : "old",
            });
            // Of what stands in the place of lines of ours, that many lines are those lines, changed.
            if (from === undefined && changed > 0) {
                changed--;
                left++;
            }
        }
    }
    comesBack(removed.get(written.length));

    const held = heldLines(placed, syntax);
    const stays = placed.filter((line, index) => line.whose !== "ours" || held.has(index));
    const text = joined(stays, ending ?? "\n", endsOpen(original, written, placed, stays));
    return { content: Buffer.from(text, "latin1"), left: left + held.size, missing };
}

/** A line in both texts, or in one only, by its numbers. */
interface Step {
    readonly from: number | undefined;
    readonly to: number | undefined;
}

/** Where lines stand in the other text. Between two that are in both, those that went come before those that are new. */
function aligned(from: string[], to: string[]): Step[] {
    let [i, j] = [0, 0];
    return diffArrays(from, to).flatMap(({ added, removed, count }) =>
        Array.from({ length: count }, () => ({
            from: added ? undefined : i++,
            to: removed ? undefined : j++,
        })),
    );
}

/**
 * What we did. `replaced`: each of our lines, by its number in the written file, with the lines of the original whose
 * place it took. `removed`: lines that we only took away, by the number of the line that they stood before. `kept`: the
 * others, by their number in the written file, as they were in the original.
 */
function changeBetween(original: Line[], written: Line[]) {
    const text = ({ text }: Line) => text;
    const replaced = new Map<number, Line[]>();
    const removed = new Map<number, Line[]>();
    const kept = new Map<number, Line>();
    let went: Line[] = [];
    let came: number[] = [];
    let next = 0;
    const settle = () => {
        for (const each of came) replaced.set(each, []);
        if (came.length === 0) removed.set(next, went);
        // The first for the first, and so on, so that a new line of the user's between two of ours keeps its place.
        else went.forEach((line, n) => replaced.get(at(came, Math.min(n, came.length - 1)))?.push(line));
        [went, came] = [[], []];
    };
    for (const { from, to } of aligned(original.map(text), written.map(text))) {
        if (to === undefined) went.push(at(original, from ?? 0));
        else {
            if (from !== undefined) {
                settle();
                kept.set(to, at(original, from));
            } else came.push(to);
            next = to + 1;
        }
    }
    settle();
    return { replaced, removed, kept };
}

/** Lines of ours that are not in their place, and new lines that read the same: number by number, both ways. */
function movedLines(steps: Step[], isOurs: (from: number) => boolean, written: string[], current: string[]) {
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
function heldLines(lines: readonly Placed[], { isInsignificant, isHeader, isList }: LineSyntax): Set<number> {
    const isAside = ({ text }: Line) => isInsignificant(text);
    /** -1 for a header, otherwise the indentation. */
    const depthOf = ({ text }: Line) => (isHeader(text) ? -1 : text.search(/\S|$/));
    const held = new Set<number>();
    lines.forEach((line, index) => {
        if (line.whose !== "new" || isAside(line)) return;
        let depth = depthOf(line);
        for (let above = index - 1; above >= 0 && depth > -1; above--) {
            const parent = at(lines, above);
            if (isAside(parent) || depthOf(parent) >= depth) continue;
            if (parent.whose !== "ours") return;
            held.add(above);
            depth = depthOf(parent);
            const end = lines.findIndex((each, n) => n > index && depthOf(each) <= depth && !isAside(each));
            const last = lines[end];
            if (last?.whose === "ours" && isList(parent.text, last.text)) held.add(end);
        }
    });
    return held;
}

/** The ending of all lines; undefined where they differ or where there is none. */
function onlyEnding(lines: readonly Line[]): Line["ending"] | undefined {
    const endings = new Set(lines.map(({ ending }) => ending).filter((ending) => ending !== ""));
    return endings.size === 1 ? [...endings][0] : undefined;
}

/** Whether the last line, as the original's, is to have no ending: it has one only on account of ours. */
function endsOpen(original: Line[], written: Line[], placed: readonly Placed[], stays: readonly Placed[]) {
    const last = stays.at(-1);
    if (original.at(-1)?.ending !== "" || last === undefined) return false;
    return last !== placed.at(-1) || (last.whose === "old" && written.at(-1)?.ending !== "");
}

function joined(lines: readonly Line[], ending: string, open: boolean): string {
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
