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

/** What the lines of a format mean, as far as reverting an edit depends on it. A line comes without its ending. */
export interface LineSyntax {
    /** Whether the line is blank or a comment: it then means the same in any place. */
    readonly isInsignificant: (line: string) => boolean;
    /** Whether the line starts a section or entry, to which the lines below it belong. */
    readonly isHeader: (line: string) => boolean;
    /** Whether the line `open` starts a list that the line `close` ends. */
    readonly isList?: (open: string, close: string) => boolean;
    /** The line in the one form that a parser writes, where the format has several; blanks are removed already. */
    readonly normalized?: (line: string) => string;
}

/** How the journal handles a format. */
export interface FileFormat {
    readonly merge: Merge;
    readonly syntax: LineSyntax;
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
