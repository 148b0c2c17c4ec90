import { FILE_HEADERS_ONLY, createTwoFilesPatch } from "diff";
import { styleText } from "node:util";
import { keyUsername, tokenUsername } from "../src/clients/credential";
import type { Plan } from "./journal";
import type { System } from "./system";

/** What is done to a file, in a word. */
export function deed({ before, after }: Pick<Plan, "before" | "after">) {
    if (before === undefined) return after === undefined ? "unchanged" : "created";
    if (after === undefined) return "removed";
    return before.equals(after) ? "unchanged" : "changed";
}

/**
 * A plan as a unified diff, without any credential.
 *
 * @param credentials texts that must not show, whatever they stand in
 */
export function unifiedDiff({ path, before, after }: Plan, credentials: readonly string[]): string {
    const [from, to] = [before, after].map((content) => content?.toString() ?? "");
    const patch = createTwoFilesPatch(
        before === undefined ? "/dev/null" : path,
        after === undefined ? "/dev/null" : path,
        from ?? "",
        to ?? "",
        undefined,
        undefined,
        { headerOptions: FILE_HEADERS_ONLY },
    );
    // After the comparison, so that a new password shows as a changed line.
    return withoutCredentials(patch, credentials);
}

/** Whether a text seems to hold a credential, of whomever. */
export function holdsCredential(text: string): boolean {
    return withoutCredentials(text, []) !== text;
}

const mask = "********";
const known: readonly string[] = [keyUsername, tokenUsername];
/** `user:password@` in an address; some services take a token in the user's place. */
const userInfo = /(:\/\/)([^\s/:@"'<>]*:[^\s"'<>]*|[^\s/@"'<>]+)@/g;
/** `password = …`, `"token": …`, `API_KEY=…`; the value may begin on the next, indented line. */
const assigned =
    /((?<!:\/\/\S*)(?:\bpass|pwd|password|passwd|passphrase|secret|token|credentials?|auth|api[-_]?key)["']?[ \t]*[=:][ \t]*(?:\r?\n[-+ ]?[ \t]+)?)(?!\$)(\S[^\r\n]*)/gi;
/** netrc's way, on one line or on two, in a diff too. */
const spoken = /(\b(?:password|account)(?:[ \t]+|[ \t]*\r?\n[-+ ]?[ \t]*))(?![=:])(\S+)/gi;
const isNetrc = /\b(?:machine|login)[ \t\r\n]+\S/i;

/** The text with every credential masked: the given ones, and what else looks like one. */
export function withoutCredentials(text: string, credentials: readonly string[]): string {
    const masked = credentials
        .flatMap((secret) => [secret, encodeURIComponent(secret)])
        .reduce((rest, secret) => rest.replaceAll(secret, mask), text)
        .replace(userInfo, (_, start: string, info: string) => {
            const [user = "", password] = info.split(/:(.*)/s);
            if (password !== undefined) return `${start}${user}:${/^\$/.test(password) ? password : mask}@`;
            return `${start}${known.includes(user) || user.startsWith("$") ? user : mask}@`;
        })
        .replace(assigned, (_, start: string) => start + mask);
    return isNetrc.test(masked) ? masked.replace(spoken, (_, start: string) => start + mask) : masked;
}

/** Warns of a credential, whosever it is, in a file that we wrote and others can read. */
export function warnIfReadable({ path, after, mode = 0o600 }: Plan, { kind }: System): void {
    if (kind !== "windows" && (mode & 0o077) !== 0 && holdsCredential(after?.toString() ?? "")) {
        say("yellow", "warning", `${path} holds a credential, and others can read it: chmod 600 '${path}'`);
    }
}

/** What was done goes to the standard output, all else to the other one. */
export function line(text: string): void {
    console.log(text);
}
export function note(text: string): void {
    say("dim", "note", text);
}
export function problem(text: string): void {
    say("red", "error", text);
}

function say(style: "dim" | "yellow" | "red", what: string, text: string): void {
    console.error(`${styleText(style, `${what}:`, { stream: process.stderr })} ${text}`);
}
