import { type KeyCredential, keyUsername, tokenUsername } from "./credential";
import { type IniEntry, renderIni } from "./ini";

/** Which keyring provider a pip.conf asks for; `auto` says nothing and leaves pip its own default. */
export type KeyringProvider = "auto" | "import" | "subprocess";

/**
 * pip.conf without a credential: pip asks the keyring.
 *
 * With `subprocess` the user name stands in the URL, without which pip before 26.2 does not ask a keyring that is
 * only a command.
 *
 * @param indexUrl the repository's simple index, `https://…/simple/`
 * @see https://pip.pypa.io/en/stable/topics/authentication/#keyring-support
 */
export function pipConfWithKeyring(indexUrl: string, keyring: KeyringProvider): string {
    const url = keyring === "subprocess" ? withUserInfo(indexUrl, tokenUsername) : indexUrl;
    const provider: IniEntry[] = keyring === "auto" ? [] : [["keyring-provider", keyring]];
    return pipConf(url, provider);
}

/**
 * pip.conf with a service account's key in the URL, percent-encoded: base64's `+`, `/` and `=` mean something else
 * there. The text is a credential.
 *
 * @param indexUrl the repository's simple index, `https://…/simple/`
 * @see https://cloud.google.com/artifact-registry/docs/python/authentication#sa-key
 */
export function pipConfWithKey(indexUrl: string, { keyBase64 }: KeyCredential): string {
    return pipConf(withUserInfo(indexUrl, `${keyUsername}:${encodeURIComponent(keyBase64)}`));
}

function pipConf(url: string, more: readonly IniEntry[] = []): string {
    return renderIni([{ name: "global", entries: [["extra-index-url", url], ...more] }], " = ");
}

function withUserInfo(url: string, userInfo: string): string {
    return url.replace(/^https:\/\//, `https://${userInfo}@`);
}
