import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { endPrograms } from "./run";

const endings = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
const open = new Set<string>();

/** A directory that only the user can read. It is removed at the end, also if a signal ends this process first. */
export class TemporaryDirectory implements AsyncDisposable {
    private constructor(readonly path: string) {}

    static async create(): Promise<TemporaryDirectory> {
        const path = await mkdtemp(join(tmpdir(), "python-registry-"));
        if (open.size === 0) for (const signal of endings) process.on(signal, removeAll);
        open.add(path);
        return new TemporaryDirectory(path);
    }

    async [Symbol.asyncDispose](): Promise<void> {
        await rm(this.path, { recursive: true, force: true, maxRetries: 3 });
        open.delete(this.path);
        if (open.size === 0) stopListening();
    }
}

function stopListening(): void {
    for (const signal of endings) process.off(signal, removeAll);
}

/** Removes the directories, and lets the signal do what it does by default. */
function removeAll(signal: NodeJS.Signals): void {
    // They could write into the directories again.
    endPrograms();
    for (const path of open) rmSync(path, { recursive: true, force: true, maxRetries: 3 });
    stopListening();
    process.kill(process.pid, signal);
}
