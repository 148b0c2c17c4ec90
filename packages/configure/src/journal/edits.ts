import { isUtf8 } from "node:buffer";
import {
    type AppliedEdit,
    type FileFormat,
    type Format,
    type MergeResult,
    UnsupportedFileError,
} from "../formats/merge";
import type { ManagedEdit, State } from "./record";

type FormatOf = (format: Format) => FileFormat;

/** A content without our edits. */
export interface Reverted {
    /** Undefined for no file. */
    readonly base: Buffer | undefined;
    /** The edits whose entries the content had, with what the user should know about their removal. */
    readonly found: ReadonlyMap<ManagedEdit, readonly string[]>;
}

/**
 * Adds an edit to a file's content.
 *
 * @throws UnsupportedFileError, NameConflictError as the format's merge does; also if the content is not text
 */
export function applyEdit(
    content: Buffer = empty,
    { text, format }: ManagedEdit,
    formatOf: FormatOf,
): { content: Buffer; notices: MergeResult["notices"] } {
    const existing = decode(content, format);
    const merge = formatOf(format).merge(existing.text, text);
    return { content: Buffer.from(merge.text, existing.encoding), notices: merge.notices };
}

/**
 * Removes our edits from a file's content, the last one first.
 *
 * @param state the file after our last run
 * @throws UnsupportedFileError as the format's revert does; also if the content is not text
 */
export function revertEdits(
    state: Pick<State, "base" | "content" | "edits">,
    content: Buffer | undefined,
    formatOf: FormatOf,
): Reverted {
    const found = new Map<ManagedEdit, readonly string[]>();
    const [first] = state.edits;
    if (first === undefined || content === undefined) return { base: content, found };
    if (state.content?.equals(content) === true) {
        return { base: state.base ?? undefined, found: new Map(state.edits.map((edit) => [edit, []])) };
    }
    const current = decode(content, first.format);
    let { text } = current;
    for (const { edits, ...applied } of replay(state, first.format, formatOf).toReversed()) {
        const result = formatOf(first.format).revert(text, applied);
        if (result === undefined) continue;
        ({ text } = result);
        for (const edit of edits) found.set(edit, result.notices);
    }
    if (state.base === null && found.size > 0 && text.trim() === "") return { base: undefined, found };
    const base = Buffer.from(text, current.encoding);
    if (base.toString(current.encoding) !== text) throw notUtf8();
    return { base, found };
}

interface Step extends AppliedEdit {
    readonly edits: readonly ManagedEdit[];
}

/** What each edit did to the file. One step for all of them if this version of the program would do it differently. */
function replay({ base, content, edits }: State, format: Format, formatOf: FormatOf): Step[] {
    const start = decode(base ?? empty, format).text;
    const end = decode(content ?? empty, format).text;
    const steps: Step[] = [];
    let before = start;
    try {
        for (const edit of edits) {
            const after = formatOf(format).merge(before, edit.text).text;
            steps.push({ edits: [edit], before, after, ours: [edit.text] });
            before = after;
        }
        if (before === end) return steps;
    } catch {
        // As below.
    }
    return [{ edits, before: start, after: end, ours: edits.map(({ text }) => text) }];
}

/** @throws UnsupportedFileError if the content is not text */
function decode(content: Buffer, format: Format): { text: string; encoding: "utf8" | "latin1" } {
    if (content.includes(0) || (!isUtf8(content) && format === "toml")) throw notUtf8();
    // Python reads the other formats in legacy encodings too. Those extend ASCII, and our text is ASCII.
    const encoding = isUtf8(content) ? "utf8" : "latin1";
    return { text: content.toString(encoding), encoding };
}

function notUtf8(): UnsupportedFileError {
    return new UnsupportedFileError(undefined, "not encoded in UTF-8");
}

const empty = Buffer.alloc(0);
