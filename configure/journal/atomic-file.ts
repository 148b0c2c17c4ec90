import { lstat, open, readFile, readlink, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";

// Our own and not the package write-file-atomic (7.0.1), which does not say the name of its temporary file before that
// is there, does not fsync the directory, does not look at how much of the content was written, goes on where the owner
// cannot be kept, and puts a file in the place of a dangling link.

/** Why a file cannot be read or written, and what to do. The message names the path and nothing of the content. */
export class FileProblem extends Error {
    constructor(path: string, reason: string, options?: ErrorOptions) {
        super(`${path}: ${reason}`, options);
    }
}

/** A file as it is. */
export interface Found {
    readonly content: Buffer;
    /** Permission bits. */
    readonly mode: number;
    readonly uid: number;
    readonly gid: number;
    /** How many names the file has: more than one where it has hard links. */
    readonly names: number;
}

/**
 * The file that is meant by a path: links are followed. It may be absent, and so may directories above it. A link may
 * point to what is absent only if the directory of that is there: what is missing otherwise is a disk or a checkout.
 *
 * @throws FileProblem
 */
export async function resolveLinks(path: string): Promise<string> {
    return explained(path, async () => {
        const whole = await unlessAbsent(realpath(path));
        if (whole !== undefined) return whole;
        const directory = await resolveLinks(dirname(resolve(path)));
        const entry = await unlessAbsent(lstat(path));
        if (!entry?.isSymbolicLink()) return join(directory, basename(path));
        const target = resolve(directory, await readlink(path));
        if ((await unlessAbsent(stat(dirname(target)))) === undefined) {
            throw new FileProblem(path, `a link to ${target}, whose directory is missing`);
        }
        return resolveLinks(target);
    });
}

/**
 * A file's content and attributes; undefined if there is none.
 *
 * @throws FileProblem also where something other than a file is in its place
 */
export async function findFile(path: string): Promise<Found | undefined> {
    return explained(path, async () => {
        const stats = await unlessAbsent(stat(path));
        if (stats === undefined) return undefined;
        if (stats.isDirectory()) throw new FileProblem(path, reasons.EISDIR);
        if (!stats.isFile()) throw new FileProblem(path, "a device, pipe or socket, not a file for settings");
        const { mode, uid, gid, nlink } = stats;
        return { content: await readFile(path), mode: mode & 0o7777, uid, gid, names: nlink };
    });
}

/**
 * Writes what is to take the place of `path`. On return it is on disk, whole.
 *
 * @param temporary a path in the same directory where nothing is yet
 * @param like the file whose permission bits and owner it gets; without it, it is ours with the bits of `mode` that
 *     the umask permits
 * @throws FileProblem
 */
export async function writeTemporary(
    path: string,
    temporary: string,
    content: Buffer,
    mode: number,
    like?: Pick<Found, "mode" | "uid" | "gid">,
): Promise<void> {
    await explained(path, async () => {
        const file = await open(temporary, "wx", like === undefined ? mode : 0o600);
        try {
            await file.writeFile(content);
            if (like !== undefined && process.platform !== "win32") {
                const { uid, gid } = await file.stat();
                if (uid !== like.uid || gid !== like.gid) {
                    await file.chown(like.uid, like.gid).catch((cause: unknown) => {
                        throw new FileProblem(path, "its owner or group would be lost: run as its owner", {
                            cause,
                        });
                    });
                }
                await file.chmod(like.mode);
            }
            await file.sync();
        } finally {
            await file.close();
        }
    });
}

/** Puts what was written in its place, at once and for good. */
export async function moveInto(path: string, temporary: string): Promise<void> {
    await explained(path, async () => {
        await rename(temporary, path);
        await syncDirectory(dirname(path));
    });
}

/** Removes a file, if it is there, for good. */
export async function removeFile(path: string): Promise<void> {
    await explained(path, async () => {
        await rm(path, { force: true });
        await syncDirectory(dirname(path));
    });
}

/**
 * Does what concerns a path, and turns what the system says when it fails into what the user can do.
 *
 * @throws FileProblem
 */
export async function explained<T>(path: string, work: () => Promise<T>): Promise<T> {
    try {
        return await work();
    } catch (cause) {
        const code = cause instanceof Error && "code" in cause ? String(cause.code) : undefined;
        if (code === undefined || cause instanceof FileProblem) throw cause;
        const reason: string | undefined = (reasons as Record<string, string>)[code];
        throw new FileProblem(path, reason ?? `the system refused (${code})`, { cause });
    }
}

/** What a promise gives; undefined where what it is about does not exist. */
export async function unlessAbsent<T>(promise: Promise<T>): Promise<T | undefined> {
    return promise.catch((error: unknown) => {
        if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
        throw error;
    });
}

const notPermitted = "not permitted: look at who owns it and its directory, and what they allow";

const reasons = {
    ENOSPC: "the disk is full: make room and run again",
    EDQUOT: "your quota of disk space is used up: make room and run again",
    EACCES: notPermitted,
    EPERM: notPermitted,
    EROFS: "it is on a file system that is read-only",
    EISDIR: "a directory is in the place of the file: move it away or give another path",
    ENOTDIR: "a part of the path is a file and not a directory: move it away or give another path",
    EEXIST: "something else is in the way: move it away or give another path",
    ELOOP: "a link that leads to itself",
    ENAMETOOLONG: "the name is too long",
    EBUSY: "in use, or mounted by itself as containers do with single files, so that it cannot be replaced",
};

async function syncDirectory(path: string): Promise<void> {
    try {
        const directory = await open(path, "r");
        await directory.sync().finally(() => directory.close());
    } catch {
        // Not everywhere can a directory be opened (Windows) or synced; what was done is done all the same.
    }
}
