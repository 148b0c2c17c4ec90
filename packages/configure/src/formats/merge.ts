import { diffArrays } from "diff";

/** The format of a client file. */
export type Format = "ini" | "toml" | "netrc";

/** An existing file with our text added. */
export interface MergeResult {
    readonly text: string;
    /** What the user should know, such as a setting of theirs that was kept. */
    readonly notices: readonly string[];
}

/** Adds `ours`, a generated client file, to the text of an existing one. */
export type Merge = (existing: string, ours: string) => MergeResult;

/** The text without a byte-order mark at its start. */
export function withoutByteOrderMark(text: string): string {
    return text.replace(/^\uFEFF/, "");
}

/**
 * Returns the text unchanged.
 *
 * @throws UnsupportedFileError if it starts with a byte-order mark, which Python's parsers refuse
 */
export function refuseByteOrderMark(text: string, reader: string): string {
    if (withoutByteOrderMark(text) === text) return text;
    const reason = `${reader} does not accept a file that starts with a byte-order mark. Save the file without it`;
    throw new UnsupportedFileError(1, reason);
}

/**
 * Merges into the text after a byte-order mark, and keeps the mark.
 *
 * @param refusal the notice to add if the file's readers refuse a mark
 */
export function keepByteOrderMark(merge: Merge, refusal?: (ours: string) => string): Merge {
    return (existing, ours) => {
        const body = withoutByteOrderMark(existing);
        const { text, notices } = merge(body, ours);
        if (body === existing) return { text, notices };
        const mark = existing.slice(0, existing.length - body.length);
        return { text: mark + text, notices: [...(refusal ? [refusal(ours)] : []), ...notices] };
    };
}

/** A generated text that was added to a file, as the file was before and after. */
export interface AppliedEdit {
    readonly before: string;
    readonly after: string;
    /** The text. After an update of this program, several texts: it is not known which one added what. */
    readonly ours: readonly string[];
}

/**
 * Removes from `current` what an edit added, and restores what it replaced: only settings that are where the edit put them and
 * still have its values.
 *
 * @returns undefined if `current` has none of the entries that carry our address. Then nothing in it is ours
 * @throws UnsupportedFileError as the format's merge does
 */
export type Revert = (current: string, edit: AppliedEdit) => MergeResult | undefined;

/** Reverts in the texts after their byte-order marks, and keeps the mark of `current`. */
export function ignoreByteOrderMark(revert: Revert): Revert {
    return (current, { before, after, ours }) => {
        const body = withoutByteOrderMark(current);
        const texts = { before: withoutByteOrderMark(before), after: withoutByteOrderMark(after), ours };
        const result = revert(body, texts);
        if (result === undefined || (result.text === "" && before === "")) return result;
        return { ...result, text: current.slice(0, current.length - body.length) + result.text };
    };
}

/** How the journal handles a format. */
export interface FileFormat {
    readonly merge: Merge;
    readonly revert: Revert;
}

/** The numbers of the blank lines, 0 for the first, that an edit added to a text. */
export function addedBlankLines(before: string, after: string): Set<number> {
    const lines = (text: string) =>
        (text.match(/[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+$/g) ?? []).map((line) => line.trimEnd());
    const added = new Set<number>();
    let line = 0;
    for (const change of diffArrays(lines(before), lines(after))) {
        if (change.removed) continue;
        if (change.added) change.value.forEach((text, n) => text === "" && added.add(line + n));
        line += change.count;
    }
    return added;
}

/** Ends a text like another one: without a line end if that has none. */
export function endLike(text: string, other: string): string {
    return /[\r\n]$/.test(other) ? text : text.replace(/(?:\r\n|\r|\n)$/, "");
}

/** What the user should know about settings that they have changed since an edit added them. */
export function changedNotice(settings: readonly string[]): string[] {
    return settings.length === 0
        ? []
        : [`you have changed these settings, so they stay: ${settings.join(", ")}`];
}

/** What the user should know about entries of ours to which they have added settings. */
export function extendedNotice(names: readonly string[]): string[] {
    return names.map(
        (name) =>
            `you have added settings to ${name}, so these stay, with its name and address. If you do not need it, remove it by hand`,
    );
}

/** A file that we do not edit. The message never contains the file's content, which may be a credential. */
export class UnsupportedFileError extends Error {
    /** @param line 1 for the first; undefined if the reason concerns the whole file */
    constructor(
        readonly line: number | undefined,
        reason: string,
    ) {
        super(reason);
    }
}

/** Why a file cannot be read, without any of its content. */
export function errorReason(error: unknown): string {
    const { code, line, message } = error as Error & { code?: unknown; line?: unknown };
    if (typeof code === "string") return `cannot be read (${code})`;
    return typeof line === "number" ? `line ${line}: ${message}` : message;
}

/** The registry's name is already used for another registry in this file. */
export class NameConflictError extends Error {
    constructor(readonly registryName: string) {
        super(`"${registryName}" is already used for another registry in this file`);
    }
}

/**
 * A URL without user information and trailing slash, to compare registries. A password may contain slashes if it is not
 * percent-encoded: gcloud writes a key like that.
 */
export function withoutUserInfo(url: string): string {
    return url.replace(/^(https?:\/\/)(?:[^\s/:@]*:.*@|[^/@]*@)/i, "$1").replace(/\/$/, "");
}
