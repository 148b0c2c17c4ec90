import { keyUsername, tokenUsername } from "../../src/clients/credential";
import { readIni } from "../formats/ini";
import { type Format, UnsupportedFileError } from "../formats/merge";
import { readToml, type Toml } from "../formats/toml";

// Credentials, ours and other people's, in texts that are shown.

const mask = "********";
/** How settings end that hold a secret. */
const names = "(?:\\bpass|pwd|password|passwd|passphrase|secret|token|credentials?|auth|api[-_]?key)";
const secretName = new RegExp(`${names}$`, "i");
/** Where poetry keeps passwords by the repository's name. */
const secretTables = ["pypi-token", "http-basic"];
/** Tokens that are known by their beginning. */
const knownTokens = /\b(?:pypi-[\w-]{16,}|ya29\.[\w.~+/-]{16,}=*|gh[pousr]_\w{20,}|glpat-[\w-]{16,})/g;
/** `user:password@` in an address; some services take a token in the user's place. */
const userInfo = /(:\/\/)([^\s/:@"'<>]*:[^\s"'<>]*|[^\s/@"'<>]+)@/g;
const ourUsers: readonly string[] = [keyUsername, tokenUsername];
/** `password = …`, `"token": …`, `API_KEY=…`, in a file that no parser understands. */
const assigned = new RegExp(
    `((?<!://\\S*)${names}["']?[ \\t]*[=:][ \\t]*(?:\\r?\\n[ \\t]+)?)(?!\\$|\\*{8})(\\S[^\\r\\n]*)`,
    "gi",
);
/** netrc's way. */
const spoken = /\b(?:password|account)\s+("(?:[^"\\]|\\.)*"|(?!["=:])\S+)/gi;
const isNetrc = /\b(?:machine|login)\s+\S/i;

/** Whether a file's text seems to hold a credential, of whomever. */
export function holdsCredential(text: string, format?: Format): boolean {
    return maskCredentials(text, format) !== text;
}

/**
 * A file's text with every credential masked: the given ones, and what else it holds.
 *
 * @param before the file as it was: a credential that is not in there is marked as new
 */
export function maskCredentials(
    text: string,
    format?: Format,
    credentials: readonly string[] = [],
    before: string = text,
): string {
    const secrets = [...credentials, ...credentials.map(encodeURIComponent), ...secretsIn(text, format)];
    const longestFirst = [...new Set(secrets)].sort((one, other) => other.length - one.length);
    return longestFirst
        .reduce(
            (rest, secret) => rest.replaceAll(secret, before.includes(secret) ? mask : `${mask} (new)`),
            text,
        )
        .replace(userInfo, (whole, start: string, info: string) => {
            const [user = "", password] = info.split(/:(.*)/s);
            if (password !== undefined) return isVariable(password) ? whole : `${start}${user}:${mask}@`;
            return ourUsers.includes(user) || isVariable(user) ? whole : `${start}${mask}@`;
        })
        .replace(assigned, (_, start: string) => start + mask);
}

/** What another program printed, fit to be shown: without credentials and control characters. */
export function printable(text: string): string {
    return maskCredentials(text.trim()).replace(/(?!\n)\p{Cc}/gu, "");
}

/** Passwords in a file, line by line where they have several. */
function secretsIn(text: string, format: Format | undefined): string[] {
    const inAddresses = [...text.matchAll(userInfo)].map(([, , info = ""]) => info.split(/:(.*)/s)[1] ?? "");
    const inNetrc =
        format === "netrc" || isNetrc.test(text)
            ? [...text.matchAll(spoken)].map(([, word = ""]) => word.replace(/^"(.*)"$/s, "$1"))
            : [];
    return (
        [...inAddresses, ...inNetrc, ...(text.match(knownTokens) ?? []), ...namedSecrets(text, format)]
            .flatMap((secret) => secret.split(/\r?\n/))
            .map((secret) => secret.trim())
            // Shorter ones are masked where they stand, not wherever they occur.
            .filter((secret) => secret.length >= 4 && !isVariable(secret) && !secret.startsWith(mask))
    );
}

/** Values of the settings that are called like a secret. */
function namedSecrets(text: string, format: Format | undefined): string[] {
    try {
        if (format === "ini") {
            return [...readIni(text).values()].flatMap((section) =>
                [...section].filter(([key]) => secretName.test(key)).map(([, value]) => value),
            );
        }
        return format === "toml" ? namedInToml(readToml(text), false) : [];
    } catch (error) {
        if (error instanceof UnsupportedFileError) return [];
        throw error;
    }
}

function namedInToml(value: Toml, secret: boolean): string[] {
    if (typeof value === "string") return secret ? [value] : [];
    if (Array.isArray(value)) return value.flatMap((item: Toml) => namedInToml(item, secret));
    if (typeof value !== "object" || value instanceof Date) return [];
    return Object.entries(value).flatMap(([key, item]: [string, Toml]) =>
        key === "username"
            ? []
            : namedInToml(item, secret || secretName.test(key) || secretTables.includes(key)),
    );
}

function isVariable(text: string): boolean {
    return text.startsWith("$");
}
