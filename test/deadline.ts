/**
 * Waits for something that may never come, and names it if it does not: mocha's own time-out comes much later and names
 * nothing. The limit is no measure of speed, it is far above what a slow machine takes.
 *
 * @param what ends the sentence "waited for"
 * @throws Error that names what was waited for
 */
export async function within<T>(seconds: number, what: string, awaited: Promise<T>): Promise<T> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
        reject(new Error(`waited ${seconds} s for ${what}`));
    }, seconds * 1000);
    try {
        return await Promise.race([awaited, late]);
    } finally {
        clearTimeout(timer);
    }
}
