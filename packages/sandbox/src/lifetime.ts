import { mkdtempSync, rmSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { onExit } from "signal-exit";

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Makes this process clean up however it ends: temporary files go to a private folder, which is removed at the exit.
 * Signals lead to an orderly exit, and so does the end of the parent process, which may be killed with SIGKILL and then
 * cannot stop its children.
 *
 * Child processes that were started with execa end with this process.
 */
export function leaveNothingBehind(): void {
    const temporary = mkdtempSync(join(tmpdir(), "python-registry-"));
    process.env["TMPDIR"] = temporary;
    // Last, and with retries: execa stops the tools only when this process exits, and until then they write files.
    const remove = () => {
        rmSync(temporary, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
    };
    onExit(remove, { alwaysLast: true });
    for (const signal of signals) {
        process.on(signal, () => process.exit(128 + constants.signals[signal]));
    }
    // Node has no event for the end of the parent process: check twice a second.
    const parent = process.ppid;
    setInterval(() => {
        if (process.ppid !== parent) {
            process.exit(128 + constants.signals.SIGHUP);
        }
    }, 500).unref();
}

/** Waits for a signal that would end this process. The caller then ends it. */
export function untilInterrupted(): Promise<void> {
    return new Promise((resolve) => {
        // A pending promise does not keep a process alive; a timer does.
        const alive = setInterval(() => undefined, 60_000);
        for (const signal of signals) {
            process.removeAllListeners(signal);
            // With npm, Ctrl-C arrives twice. Without a handler, the second one would end this process before it has
            // cleaned up.
            process.on(signal, () => {
                clearInterval(alive);
                resolve();
            });
        }
    });
}
