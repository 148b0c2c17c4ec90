/** How a client file is written. */
export type Format = "ini" | "toml" | "netrc";

/** An existing file with our text worked into it. */
export interface Merge {
    readonly text: string;
    /** What the user should know, such as a setting of theirs that was left as it is. */
    readonly notices: readonly string[];
}

/** Works `ours`, a generated client file, into the text of an existing one. */
export type Merging = (existing: string, ours: string) => Merge;

/** Why a file is left alone. The message never repeats what the file says: it may be a credential. */
export class NotUnderstood extends Error {
    /** @param line 1 for the first; undefined where it is about the file as a whole */
    constructor(
        readonly line: number | undefined,
        reason: string,
    ) {
        super(reason);
    }
}

/** The name that our text gives to the registry stands for another registry in this file. */
export class NameTaken extends Error {
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
