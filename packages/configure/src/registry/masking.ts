import { stripVTControlCharacters } from "node:util";
import { keyUsername, tokenUsername } from "python-registry/clients/credential";
import { readIni } from "../formats/ini";
import { type Format, UnsupportedFileError } from "../formats/merge";
import { readToml, type Toml } from "../formats/toml";
import type { ProcessResult } from "../machine/run";

// Masks credentials, ours and others, in texts that are shown.

const mask = "********";
/** Endings of the names of settings that contain a secret. */
const names = "(?:\\bpass|pwd|password|passwd|passphrase|secret|token|credentials?|auth|api[-_]?key)";
const secretName = new RegExp(`${names}$`, "i");
/** Tables in which poetry stores passwords under the repository's name. */
const secretTables = ["pypi-token", "http-basic"];
/** Tokens with a known prefix. */
const knownTokens = /\b(?:pypi-[\w-]{16,}|ya29\.[\w.~+/-]{16,}=*|gh[pousr]_\w{20,}|glpat-[\w-]{16,})/g;
/** `user:password@` in a URL; some services accept a token instead of the user name. */
const userInfo = /(:\/\/)([^\s/:@"'<>]*:[^\s"'<>]*|[^\s/@"'<>]+)@/g;
const ourUsers: readonly string[] = [keyUsername, tokenUsername];
/** `password = …`, `"token": …`, `API_KEY=…`, in a file that no parser of ours can read. */
const assignment = new RegExp(
    `((?<!://\\S*)${names}["']?[ \\t]*[=:][ \\t]*(?:\\r?\\n[ \\t]+)?)(?!\\$|\\*{8})(\\S[^\\r\\n]*)`,
    "gi",
);
/** `password …` in a netrc file. */
const netrcSecret = /\b(?:password|account)\s+("(?:[^"\\]|\\.)*"|(?!["=:])\S+)/gi;
const isNetrc = /\b(?:machine|login)\s+\S/i;

/** Whether a file's text seems to contain a credential, ours or not. */
export function holdsCredential(text: string, format?: Format): boolean {
    return maskCredentials(text, format) !== text;
}

/**
 * Masks every credential in a file's text: the given ones, and all others that it finds.
 *
 * @param before the file's earlier text: a credential that is not in it is marked as new
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
        .replace(assignment, (_, start: string) => start + mask);
}

/** The output of another program, without credentials and control characters. */
export function printable(text: string): string {
    return maskCredentials(text.trim()).replace(/(?!\n)\p{Cc}/gu, "");
}

/** The last lines that another program printed, in one line, without credentials and control characters. */
export function lastLines(output: string): string {
    const lines = printable(stripVTControlCharacters(output))
        .split("\n")
        .map((line) => line.trim())
        .filter((line) => line !== "");
    const last = lines.slice(-4);
    // Whole lines, as long as they are not many.
    while (last.length > 1 && last.join(" / ").length > 400) last.shift();
    return last.join(" / ").slice(0, 400);
}

/** How a program failed, to add to a message. */
export function describeFailure({ exitCode, stderr }: Pick<ProcessResult, "exitCode" | "stderr">): string {
    const how = exitCode === undefined ? "did not start, or timed out" : `exit code ${exitCode}`;
    const output = printable(stderr);
    return output === "" ? `(${how}, no output)` : `(${how}): ${output}`;
}

/** Passwords in a file. A password of several lines gives one item for each. */
function secretsIn(text: string, format: Format | undefined): string[] {
    const inAddresses = [...text.matchAll(userInfo)].map(([, , info = ""]) => info.split(/:(.*)/s)[1] ?? "");
    const inNetrc =
        format === "netrc" || isNetrc.test(text)
            ? [...text.matchAll(netrcSecret)].map(([, word = ""]) => word.replace(/^"(.*)"$/s, "$1"))
            : [];
    return (
        [...inAddresses, ...inNetrc, ...(text.match(knownTokens) ?? []), ...namedSecrets(text, format)]
            .flatMap((secret) => secret.split(/\r?\n/))
            .map((secret) => secret.trim())
            // A shorter one is masked only at its setting, not everywhere in the text.
            .filter((secret) => secret.length >= 4 && !isVariable(secret) && !secret.startsWith(mask))
    );
}

/** Values of the settings that are named like a secret. */
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
