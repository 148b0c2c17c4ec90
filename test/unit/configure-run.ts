import { readFileSync } from "node:fs";
import promises, { open } from "node:fs/promises";
import { devNull } from "node:os";
import type { Change, Contribution } from "../../configure/journal/journal";
import { readJournal, withJournal } from "../../configure/journal/journal";
import { iniSyntax } from "../../configure/formats/ini";
import type { FileFormat, Merging } from "../../configure/formats/merge";

// One run of `configure` on one file, in a process that a test can have killed at any of its steps.

export interface Run {
    readonly state: string;
    readonly path: string;
    readonly add?: readonly Contribution[];
    /** A registry, or all. */
    readonly remove?: string;
    /** At which step to be killed: before it, or after half of it where it writes. 1 for the first. */
    readonly killAt?: number;
}

/** Lines `key = value`: one takes the place of a line with its key, or comes last. */
const mergeLines: Merging = (existing, ours) => {
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

/** A format of such lines, which knows no sections. */
export const lineFormat: FileFormat = { merge: mergeLines, syntax: iniSyntax };

export function contribution(registry: string, text: string, secret = false): Contribution {
    return { owner: { registry, tool: "pip", scope: "user" }, format: "ini", text, secret };
}

export function changeOf({ add = [], remove }: Pick<Run, "add" | "remove">): Change {
    return { add, remove: ({ registry }) => remove === "all" || remove === registry };
}

export async function carryOut(run: Run): Promise<void> {
    await withJournal(run.state, async (journal) => {
        const plan = await journal.plan(run.path, changeOf(run), () => lineFormat);
        await journal.commit(plan);
    });
}

/** What a change would make of a file, or a word on what would happen. */
export async function look(run: Run): Promise<string> {
    const { after } = await readJournal(run.state).plan(run.path, changeOf(run), () => lineFormat);
    return after?.toString("latin1") ?? "(none)";
}

type Method = (this: unknown, ...args: unknown[]) => Promise<unknown>;

/** Has the process killed at the n-th call that writes, wherever it comes from. */
async function killAt(n: number): Promise<void> {
    const probe = await open(devNull);
    const handle = Object.getPrototypeOf(probe) as object;
    await probe.close();
    let step = 0;
    const watch = (object: object, name: string) => {
        const methods = object as Record<string, Method>;
        const method = methods[name]!;
        methods[name] = async function (...args) {
            if (++step === n) {
                const [content] = args;
                if (name === "writeFile" && Buffer.isBuffer(content)) {
                    await method.call(this, content.subarray(0, content.length / 2));
                }
                process.kill(process.pid, "SIGKILL");
            }
            return method.apply(this, args);
        };
    };
    for (const name of ["open", "rename", "rm", "rmdir", "mkdir", "chmod"]) watch(promises, name);
    for (const name of ["writeFile", "sync", "chmod", "chown"]) watch(handle, name);
}

if (require.main === module) {
    void (async () => {
        const run = JSON.parse(readFileSync(0, "utf8")) as Run;
        if (run.killAt !== undefined) await killAt(run.killAt);
        await carryOut(run).catch((error: unknown) => {
            console.error(error instanceof Error ? error.message : error);
            process.exitCode = 1;
        });
    })();
}
