import { mkdtempSync, rmSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { onExit } from "signal-exit";

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Sees to it that this process leaves nothing behind, however it ends: temporary files go to a private folder that is
 * removed at the end, signals end it in order, and so does the loss of its parent, which may have been killed too hard
 * to tell its children.
 *
 * Child processes that were started with execa end with it.
 */
export function leaveNothingBehind(): void {
    const temporary = mkdtempSync(join(tmpdir(), "python-registry-"));
    process.env["TMPDIR"] = temporary;
    // Last of all, and after a moment if need be: execa ends the tools only when this process exits, and until then they
    // still write.
    const remove = () => {
        rmSync(temporary, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
    };
    onExit(remove, { alwaysLast: true });
    for (const signal of signals) {
        process.on(signal, () => process.exit(128 + constants.signals[signal]));
    }
    // The operating system gives no notice of a lost parent that Node could wait for: look twice a second.
    const parent = process.ppid;
    setInterval(() => {
        if (process.ppid !== parent) {
            process.exit(128 + constants.signals.SIGHUP);
        }
    }, 500).unref();
}

/** Waits for the signal that ends this process; it is then up to the caller to end it. */
export function untilInterrupted(): Promise<void> {
    return new Promise((resolve) => {
        // A pending promise keeps no process alive; a timer does.
        const alive = setInterval(() => undefined, 60_000);
        for (const signal of signals) {
            process.removeAllListeners(signal);
            // Not only once: under npm a Ctrl-C arrives twice, and without a handler the second would end this process
            // before it has cleaned up.
            process.on(signal, () => {
                clearInterval(alive);
                resolve();
            });
        }
    });
}
