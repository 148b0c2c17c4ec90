import { type KeyCredential, keyUsername } from "./credential";
import { type IniEntry, renderIni } from "./ini";

/** Where a `.pypirc` section uploads to. */
export interface UploadTarget {
    /** Section name, for `twine upload -r NAME`: the repository id. */
    readonly name: string;
    /** The repository's upload URL, `https://…/`. */
    readonly uploadUrl: string;
}

/**
 * `.pypirc` without a credential: twine asks the keyring.
 *
 * @see https://packaging.python.org/en/latest/specifications/pypirc/
 */
export function pypircWithKeyring(target: UploadTarget): string {
    return pypirc(target, []);
}

/** `.pypirc` with a service account's key as the password. The text is a credential. */
export function pypircWithKey(target: UploadTarget, { keyBase64 }: KeyCredential): string {
    return pypirc(target, [
        ["username", keyUsername],
        ["password", keyBase64],
    ]);
}

function pypirc({ name, uploadUrl }: UploadTarget, credential: readonly IniEntry[]): string {
    return renderIni(
        [
            { name: "distutils", entries: [["index-servers", [name]]] },
            { name, entries: [["repository", uploadUrl], ...credential] },
        ],
        ": ",
    );
}
