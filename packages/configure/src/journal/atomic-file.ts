import { lstat, open, readFile, readlink, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";

// The package write-file-atomic (7.0.1) does not fit: it does not tell the name of its temporary file in advance, does
// not fsync the directory, does not check how much of the content was written, continues if the owner cannot be kept,
// and replaces a dangling link by a file.

/** Why a file cannot be read or written, and what to do. The message names the path and nothing of the content. */
export class FileError extends Error {
    constructor(path: string, reason: string, options?: ErrorOptions) {
        super(`${path}: ${reason}`, options);
    }
}

export interface FileSnapshot {
    readonly content: Buffer;
    readonly mode: number;
    readonly uid: number;
    readonly gid: number;
    /** How many names the file has: more than one if it has hard links. */
    readonly hardLinks: number;
}

/**
 * A path with its symbolic links resolved. The file and directories above it may be missing. A link to a missing file is
 * accepted only if the target's directory exists: otherwise a disk or a checkout is probably missing.
 *
 * @throws FileError
 */
export async function resolveLinks(path: string): Promise<string> {
    return withFileErrors(path, async () => {
        const whole = await ignoreMissing(realpath(path));
        if (whole !== undefined) return whole;
        const directory = await resolveLinks(dirname(resolve(path)));
        const entry = await ignoreMissing(lstat(path));
        if (!entry?.isSymbolicLink()) return join(directory, basename(path));
        const target = resolve(directory, await readlink(path));
        if ((await ignoreMissing(stat(dirname(target)))) === undefined) {
            throw new FileError(
                path,
                `this is a link to ${target}, but the directory of that file is missing`,
            );
        }
        return resolveLinks(target);
    });
}

/**
 * A file's content and attributes; undefined if there is no file.
 *
 * @throws FileError also if there is something other than a file
 */
export async function findFile(path: string): Promise<FileSnapshot | undefined> {
    return withFileErrors(path, async () => {
        const stats = await ignoreMissing(stat(path));
        if (stats === undefined) return undefined;
        if (stats.isDirectory()) throw new FileError(path, reasons.EISDIR);
        if (!stats.isFile())
            throw new FileError(path, "this is a device, a pipe or a socket, not a regular file");
        const { mode, uid, gid, nlink } = stats;
        return { content: await readFile(path), mode: mode & 0o7777, uid, gid, hardLinks: nlink };
    });
}

/**
 * Writes the file that will replace `path`. On return, all of it is on disk.
 *
 * @param temporary an unused path in the same directory
 * @param like the file whose permission bits and owner are copied; without it, the file belongs to the user and has the
 *     bits of `mode` that the umask permits
 * @throws FileError
 */
export async function writeTemporary(
    path: string,
    temporary: string,
    content: Buffer,
    mode: number,
    like?: Pick<FileSnapshot, "mode" | "uid" | "gid">,
): Promise<void> {
    await withFileErrors(path, async () => {
        const file = await open(temporary, "wx", like === undefined ? mode : 0o600);
        try {
            await file.writeFile(content);
            if (like !== undefined && process.platform !== "win32") {
                const { uid, gid } = await file.stat();
                if (uid !== like.uid || gid !== like.gid) {
                    await file.chown(like.uid, like.gid).catch((cause: unknown) => {
                        const reason =
                            "the file would get a different owner or group: run this command as its owner";
                        throw new FileError(path, reason, { cause });
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

/** Replaces `path` by the temporary file in one step, and syncs the directory. */
export async function replaceFile(path: string, temporary: string): Promise<void> {
    await withFileErrors(path, async () => {
        await rename(temporary, path);
        await syncDirectory(dirname(path));
    });
}

/** Removes a file if it exists, and syncs the directory. */
export async function removeFile(path: string): Promise<void> {
    await withFileErrors(path, async () => {
        await rm(path, { force: true });
        await syncDirectory(dirname(path));
    });
}

/**
 * Does work on a path, and turns an error of the system into one that says what the user can do.
 *
 * @throws FileError
 */
export async function withFileErrors<T>(path: string, work: () => Promise<T>): Promise<T> {
    try {
        return await work();
    } catch (cause) {
        const code = cause instanceof Error && "code" in cause ? String(cause.code) : undefined;
        if (code === undefined || cause instanceof FileError) throw cause;
        const reason: string | undefined = (reasons as Record<string, string>)[code];
        throw new FileError(path, reason ?? `the operating system reports ${code}`, { cause });
    }
}

/** A promise's value; undefined if it fails because a file is missing. */
export async function ignoreMissing<T>(promise: Promise<T>): Promise<T | undefined> {
    return promise.catch((error: unknown) => {
        if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
        throw error;
    });
}

const notPermitted =
    "permission denied: check the owner and the permissions of the file and of its directory";

const reasons = {
    ENOSPC: "the disk is full: free some space and run again",
    EDQUOT: "your disk quota is used up: free some space and run again",
    EACCES: notPermitted,
    EPERM: notPermitted,
    EROFS: "the file system is read-only",
    EISDIR: "this is a directory, not a file: move it or use a different path",
    ENOTDIR: "a part of the path is a file, not a directory: move it or use a different path",
    EEXIST: "something else already has this path: move it or use a different path",
    ELOCKED: "another configure run has not finished after five minutes. Find out what it is waiting for",
    ELOOP: "this link points to itself",
    ENAMETOOLONG: "the name is too long",
    EBUSY: "the file cannot be replaced: it is in use, or mounted by itself, as in a container",
};

async function syncDirectory(path: string): Promise<void> {
    try {
        const directory = await open(path, "r");
        await directory.sync().finally(() => directory.close());
    } catch {
        // Not every system can open a directory (Windows) or sync it. The change itself is done.
    }
}
