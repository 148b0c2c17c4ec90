import { setTimeout } from "node:timers/promises";

/**
 * How long a test waits for one thing, in seconds. It is no measure of speed: it is far above what a slow machine with a slow
 * network takes, so only what never comes ends here, by its name. Mocha's limit in .mocharc.json, which names only the test
 * or the hook, is higher.
 */
export const limitSeconds = 600;

/**
 * Waits for something that may never come.
 *
 * @param what ends the sentence "waited for"
 * @throws Error that names what was waited for
 */
export async function within<T>(what: string, awaited: Promise<T>): Promise<T> {
    const arrived = new AbortController();
    const late = setTimeout(limitSeconds * 1000, undefined, arrived).then(() => {
        throw new Error(`waited ${limitSeconds} s for ${what}`);
    });
    try {
        return await Promise.race([awaited, late]);
    } finally {
        late.catch(() => undefined);
        arrived.abort();
    }
}

/** Waits until a condition holds. See within. */
export async function eventually(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
    let waiting = true;
    const wait = async () => {
        while (waiting && !(await holds())) await setTimeout(20);
    };
    try {
        await within(what, wait());
    } finally {
        waiting = false;
    }
}
