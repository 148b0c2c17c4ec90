import { FILE_HEADERS_ONLY, createTwoFilesPatch } from "diff";
import { styleText } from "node:util";
import type { Plan } from "./journal/journal";
import { holdsCredential, maskCredentials } from "./registry/masking";
import type { Format } from "./formats/merge";
import type { System } from "./machine/system";

/** What is done to a file, in a word. */
export function action({ before, after }: Pick<Plan, "before" | "after">) {
    if (before === undefined) return after === undefined ? "unchanged" : "created";
    if (after === undefined) return "removed";
    return before.equals(after) ? "unchanged" : "changed";
}

/**
 * A plan as a unified diff, without any credential.
 *
 * @param credentials texts that must not show, whatever they stand in
 */
export function unifiedDiff(plan: Plan, credentials: readonly string[]): string {
    const { path, before, after } = plan;
    const format = formatOf(plan);
    const [from, to] = [before?.toString() ?? "", after?.toString() ?? ""];
    return createTwoFilesPatch(
        before === undefined ? "/dev/null" : path,
        after === undefined ? "/dev/null" : path,
        maskCredentials(from, format, credentials),
        maskCredentials(to, format, credentials, from),
        undefined,
        undefined,
        { headerOptions: FILE_HEADERS_ONLY },
    );
}

/** Warns of a credential, whosever it is, in a file that we wrote and others can read. */
export function warnIfReadable(plan: Plan, { kind }: System): void {
    const { path, after, mode = 0o600 } = plan;
    const readable = kind !== "windows" && (mode & 0o077) !== 0;
    if (readable && holdsCredential(after?.toString() ?? "", formatOf(plan))) {
        printLabelled(
            "yellow",
            "warning",
            `${path} holds a credential, and others can read it: chmod 600 '${path}'`,
        );
    }
}

/** All edits to a file are of one format. */
function formatOf({ previousEdits, edits }: Plan): Format | undefined {
    return [...edits, ...previousEdits][0]?.format;
}

/** Warns of a credential of ours that stays in a file though it should go: somebody has edited around it. */
export function warnIfCredentialRemains({ path, after, previousEdits, edits }: Plan): void {
    const words = (text: string) => text.split(/[\s:@"']+/).filter((word) => word.length >= longWord);
    const wanted = new Set(edits.flatMap(({ text }) => words(text)));
    const gone = previousEdits.filter(({ secret }) => secret).flatMap(({ text }) => words(text));
    if (gone.some((word) => !wanted.has(word) && after?.includes(word) === true)) {
        printLabelled(
            "yellow",
            "warning",
            `${path} still holds a credential of an earlier run: take it out by hand`,
        );
    }
}

/** Tokens have more than a hundred characters, keys thousands; nothing else of ours has so many without a break. */
const longWord = 80;

/** What was done goes to the standard output, all else to the other one. */
export function printLine(text: string): void {
    console.log(text);
}
export function printNote(text: string): void {
    printLabelled("dim", "note", text);
}
export function printError(text: string): void {
    printLabelled("red", "error", text);
}

function printLabelled(style: "dim" | "yellow" | "red", what: string, text: string): void {
    console.error(`${styleText(style, `${what}:`, { stream: process.stderr })} ${text}`);
}
