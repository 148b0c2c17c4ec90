/** How a client file is written. */
export type Format = "ini" | "toml" | "netrc";

/** An existing file with our text worked into it. */
export interface MergeResult {
    readonly text: string;
    /** What the user should know, such as a setting of theirs that was left as it is. */
    readonly notices: readonly string[];
}

/** Adds `ours`, a generated client file, to the text of an existing one. */
export type Merge = (existing: string, ours: string) => MergeResult;

/** What the lines of a format mean, as far as reverting an edit depends on it. A line comes without its ending. */
export interface LineSyntax {
    /** Whether the line is blank or a comment: it then means the same in any place. */
    readonly isInsignificant: (line: string) => boolean;
    /** Whether the line starts a section or entry, to which the lines below it belong. */
    readonly isHeader: (line: string) => boolean;
    /** Whether the line `open` starts a list that the line `close` ends. */
    readonly isList: (open: string, close: string) => boolean;
    /** The line in the one form that a parser writes, where the format has several; blanks are removed already. */
    readonly normalized: (line: string) => string;
}

/** What a format's own module tells the journal. */
export interface FileFormat {
    readonly merge: Merge;
    readonly syntax: LineSyntax;
}

/** Why a file is left alone. The message never repeats what the file says: it may be a credential. */
export class UnsupportedFileError extends Error {
    /** @param line 1 for the first; undefined where it is about the file as a whole */
    constructor(
        readonly line: number | undefined,
        reason: string,
    ) {
        super(reason);
    }
}

/** The name that our text gives to the registry stands for another registry in this file. */
export class NameConflictError extends Error {
    constructor(readonly registryName: string) {
        super(`the name ${registryName} stands for another registry here`);
    }
}

/**
 * The address without user information and last slash: what tells one registry from another. A password may hold slashes
 * where it was not percent-encoded, as gcloud writes a key.
 */
export function withoutUserInfo(url: string): string {
    return url.replace(/^(https?:\/\/)(?:[^\s/:@]*:.*@|[^/@]*@)/i, "$1").replace(/\/$/, "");
}
