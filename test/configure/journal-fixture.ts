import { strict as assert } from "node:assert";
import { existsSync, mkdtempSync, readdirSync, readFileSync, statSync, utimesSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Context } from "mocha";
import type { Change } from "../../packages/configure/src/journal/journal";
import type { ManagedEdit } from "../../packages/configure/src/journal/record";
import { JournalReader, withJournal } from "../../packages/configure/src/journal/journal";
import type { FileFormat, Merge, Revert } from "../../packages/configure/src/formats/merge";

/** Creates a directory, and returns paths in it for the state directory and for a file. Neither exists yet. */
export function temporaryFiles(): { directory: string; state: string; path: string } {
    const directory = mkdtempSync(join(tmpdir(), "configure-"));
    return { directory, state: join(directory, "state"), path: join(directory, "pip.conf") };
}

/** One run of `configure` on one file. */
export interface Run {
    readonly state: string;
    readonly path: string;
    readonly add?: readonly ManagedEdit[];
    /** The registry whose edits to remove, or `all`. */
    readonly remove?: string;
    /** The user and group as whom the run's own process acts. It starts as root. */
    readonly user?: number;
    /**
     * The step at which the run's own process is killed, 1 for the first: before the step, or after half of a write.
     */
    readonly killAt?: number;
}

/** Merges lines `key = value`: each replaces the line with its key, or is added at the end. */
const mergeLines: Merge = (existing, ours) => {
    const ending = existing.includes("\r\n") ? "\r\n" : "\n";
    let text = existing;
    for (const line of ours.split("\n").filter((each) => each !== "")) {
        const [key = ""] = line.split(" ");
        const lines = text.split(/(?<=\n)/);
        const at = lines.findIndex((each) => each.startsWith(`${key} `));
        const there = lines[at];
        if (there === undefined) {
            if (text !== "" && !text.endsWith("\n")) text += ending;
            text += line + ending;
        } else {
            lines[at] = line + (/\r?\n$/.exec(there)?.[0] ?? "");
            text = lines.join("");
        }
    }
    return { text, notices: [`merged ${String(ours.length)}`] };
};

/** Removes such lines, and restores those that they replaced. The first line of ours is the entry. */
const revertLines: Revert = (current, { before, after, ours }) => {
    const getLines = (text: string) => text.split(/(?<=\n)/);
    const body = (line = "") => line.replace(/\r?\n$/, "");
    const isIn = (text: string, line: string) => getLines(text).some((each) => body(each) === line);
    if (!ours.some((text) => isIn(current, text.split("\n")[0] ?? ""))) return undefined;
    const added = ours
        .flatMap((text) => text.split("\n"))
        .filter((line) => line !== "" && isIn(after, line) && !isIn(before, line));
    const lines = getLines(current).flatMap((line) => {
        if (!added.includes(body(line))) return [line];
        const old = getLines(before).find((each) => each.startsWith(line.replace(/ .*/s, " ")));
        return old === undefined ? [] : [body(old) + line.slice(body(line).length)];
    });
    const isLast = added.includes(body(getLines(current).at(-1)));
    const ending = before.includes("\r\n") ? /\r\n$/ : /\n$/;
    const isOpen = isLast && !/(?:^|\n)$/.test(before);
    const text = lines.join("");
    return { text: isOpen ? text.replace(ending, "") : text, notices: ["reverted"] };
};

/** The format of such lines. */
export const lineFormat: FileFormat = { merge: mergeLines, revert: revertLines };

/** An edit of a registry by pip, in the scope of the user. */
export function getEdit(registry: string, text: string, secret = false): ManagedEdit {
    return { owner: { registry, tool: "pip", scope: "user" }, format: "ini", text, secret };
}

/** The change that a run makes. */
export function getChange({ add = [], remove }: Pick<Run, "add" | "remove">): Change {
    return { add, remove: ({ registry }) => remove === "all" || remove === registry };
}

/** Does a run in this process. */
export async function applyRun(run: Run): Promise<void> {
    await withJournal(run.state, async (journal) => {
        const plan = await journal.plan(run.path, getChange(run), () => lineFormat);
        await journal.commit(plan);
    });
}

/** The text that a file would have after a change; `(none)` for no file. */
export async function plannedText(run: Run): Promise<string> {
    const { after } = await new JournalReader(run.state).plan(run.path, getChange(run), () => lineFormat);
    return after?.toString("latin1") ?? "(none)";
}

/** A file's bytes as characters of the same number; undefined where there is no file. */
export function findText(file: string): string | undefined {
    return existsSync(file) ? readFileSync(file, "latin1") : undefined;
}

/** A file's permission bits in octal. */
export function getMode(file: string): string {
    return (statSync(file).mode & 0o7777).toString(8);
}

/** Asserts that a run left no temporary file and no lock. */
export function assertTidy(directory: string): void {
    const names = readdirSync(directory, { recursive: true }).map(String);
    assert.deepEqual(
        names.filter((name) => /\.python-registry|\.new$|\.lock$/.test(name)),
        [],
    );
}

/** Makes the lock of a killed run so old that the next run takes it over. */
export function ageLocks(state: string): void {
    for (const name of ["lock.lock", "door.lock"]) {
        const lock = join(state, name);
        if (existsSync(lock)) utimesSync(lock, 0, 0);
    }
}

/** Skips a test, and prints what is missing, unless the condition holds. */
export function skipWithout(context: Context, condition: boolean, what: string): void {
    if (condition) return;
    console.log(`    skipped: ${what}`);
    context.skip();
}
