import { statSync } from "node:fs";
import { join } from "node:path";
import { lock } from "proper-lockfile";
import { FileError, withFileErrors } from "./atomic-file";

/** A lock that this process holds. */
export interface Lock {
    /** @throws FileError if another process has taken over the lock */
    readonly assertHeld: () => void;
    readonly release: () => Promise<void>;
}

// Node has no lock on a file that the operating system releases when a process ends. A lock is a directory, which its
// process keeps recent.

/**
 * Takes the lock on a directory, or waits for it. The lock of a killed process is taken over after ten seconds.
 *
 * @param onWait called once if another process has the lock
 * @throws FileError also if the lock is not free after five minutes
 */
export async function acquireLock(directory: string, onWait: () => void): Promise<Lock> {
    const path = join(directory, "lock");
    let hasWaited = false;
    const once = () => {
        if (!hasWaited) onWait();
        hasWaited = true;
    };
    // If two processes find the lock of a killed one at the same time, both could take it over: the second may remove
    // the lock that the first has just created. So a process first takes a lock named door. A process may be killed
    // while it has the door, or be suspended for longer than its lock lasts: so every write checks the lock again.
    const releaseDoor = await lockPath(join(directory, "door"), once);
    try {
        const release = await lockPath(path, once);
        const identity = lockIdentity(path);
        const assertHeld = () => {
            if (lockIdentity(path) === identity) return;
            throw new FileError(
                directory,
                "another run took over the lock while this one was suspended. Run again",
            );
        };
        return { assertHeld, release };
    } finally {
        await releaseDoor();
    }
}

async function lockPath(path: string, onWait: () => void): Promise<() => Promise<void>> {
    // A process that lost its lock notices this before its next write.
    const options = { realpath: false, stale: 10_000, onCompromised: () => undefined };
    const retries = { retries: 1200, factor: 1.2, minTimeout: 20, maxTimeout: 250, randomize: true };
    const release = await withFileErrors(path, async () => {
        try {
            return await lock(path, options);
        } catch (error) {
            // Only then, because a retry would also repeat what can never succeed.
            if (!(error instanceof Error && "code" in error && error.code === "ELOCKED")) throw error;
            onWait();
            return await lock(path, { ...options, retries });
        }
    });
    return () => release().catch(() => undefined);
}

/** Differs for a lock that was created later under the same name. */
function lockIdentity(path: string): string | undefined {
    const stats = statSync(`${path}.lock`, { bigint: true, throwIfNoEntry: false });
    return stats && `${String(stats.ino)} ${String(stats.birthtimeNs)}`;
}
