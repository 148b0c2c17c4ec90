import { statSync } from "node:fs";
import { join } from "node:path";
import { lock } from "proper-lockfile";
import { explained, FileProblem } from "./atomic-file";

/** A lock that this process has. */
export interface Held {
    /** @throws FileProblem if another process has taken it over */
    readonly stillHeld: () => void;
    readonly release: () => Promise<void>;
}

/**
 * Takes the lock on a directory, or waits for it. One that a killed process has left is taken over after ten seconds.
 *
 * @param waiting called once if it must be waited for
 * @throws FileProblem also if it is not free after five minutes
 */
export async function hold(directory: string, waiting: () => void): Promise<Held> {
    const path = join(directory, "lock");
    let wasWaiting = false;
    const once = () => {
        if (!wasWaiting) waiting();
        wasWaiting = true;
    };
    // Two that find a dead process's lock at once could both take it over: the second may remove what the first has
    // made. So only who is at the door looks at the lock. For the case that a process dies there, and for one that
    // was stopped longer than its lock lasts, every write makes sure that the lock is still the same.
    const leaveDoor = await lockPath(join(directory, "door"), once);
    try {
        const release = await lockPath(path, once);
        const identity = lockIdentity(path);
        const stillHeld = () => {
            if (lockIdentity(path) === identity) return;
            throw new FileProblem(directory, "another run took over while this one stood still. Run again");
        };
        return { stillHeld, release };
    } finally {
        await leaveDoor();
    }
}

async function lockPath(path: string, waiting: () => void): Promise<() => Promise<void>> {
    // Whoever holds it finds out that it was lost when writing.
    const options = { realpath: false, stale: 10_000, onCompromised: () => undefined };
    const isHeld = (error: unknown) => error instanceof Error && "code" in error && error.code === "ELOCKED";
    const retries = { retries: 1200, factor: 1.2, minTimeout: 20, maxTimeout: 250, randomize: true };
    const release = await explained(path, async () => {
        try {
            return await lock(path, options);
        } catch (error) {
            if (!isHeld(error)) throw error;
            waiting();
            return await lock(path, { ...options, retries }).catch((last: unknown) => {
                if (!isHeld(last)) throw last;
                throw new FileProblem(
                    path,
                    "another run has been at work for five minutes: look what it waits for",
                );
            });
        }
    });
    return () => release().catch(() => undefined);
}

/** Tells a lock from one that was made later in its place. */
function lockIdentity(path: string): string | undefined {
    const stats = statSync(`${path}.lock`, { bigint: true, throwIfNoEntry: false });
    return stats && `${String(stats.ino)} ${String(stats.birthtimeNs)}`;
}
