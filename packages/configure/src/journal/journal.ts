import { createHash, randomBytes } from "node:crypto";
import { chmod, lstat, mkdir, readdir, rmdir, stat } from "node:fs/promises";
import { dirname, join, sep } from "node:path";
import { isDeepStrictEqual } from "node:util";
import {
    FileError,
    findFile,
    ignoreMissing,
    removeFile,
    replaceFile,
    resolveLinks,
    withFileErrors,
    writeTemporary,
} from "./atomic-file";
import { acquireLock } from "./journal-lock";
import type { FileFormat, Format } from "../formats/merge";
import { applyEdit, revertEdits } from "./edits";
import {
    type FileRecord,
    type ManagedEdit,
    type Owner,
    parseRecord,
    serializeRecord,
    type State,
} from "./record";

// The journal stores each file's base: what the file would be without our edits. At first this is the file's original
// content. Each later run adds to it what the user has edited since.
//
// A commit writes these, each to disk before the next one:
// 1. the record, with the name of the temporary file
// 2. the temporary file
// 3. the record, with the intended state
// 4. the file, by renaming the temporary file
// 5. the record, with the new state
// If a run is killed, the next run finds its record. Whether the temporary file exists tells it whether the rename took
// place, even if the user has changed the file since.

/** A change to a file's edits: first some are removed, then others are added or replace their owner's earlier edit. */
export interface Change {
    readonly remove?: (owner: Owner) => boolean;
    readonly add?: readonly ManagedEdit[];
}

/** A change to a file that is planned but not made. */
export interface Plan {
    /** The file's path, with symbolic links resolved. */
    readonly path: string;
    /** Undefined if there is no file. */
    readonly before: Buffer | undefined;
    /** Undefined if there will be no file. Equal to `before` if nothing changes. */
    readonly after: Buffer | undefined;
    /** Permission bits of the existing file, which are kept; undefined if there is none. */
    readonly mode: number | undefined;
    /** Our edits that the file contains now. */
    readonly previousEdits: readonly ManagedEdit[];
    /** Our edits that the file will contain. */
    readonly edits: readonly ManagedEdit[];
    /** Whether our edits contain a credential. */
    readonly secret: boolean;
    /** What the user should know about the added edits and about lines that cannot be removed. */
    readonly notices: readonly string[];
    /** What the file would be without our edits. */
    readonly base: Buffer | undefined;
}

/**
 * Opens the journal under its lock, and first completes or reverts what a killed run left unfinished.
 *
 * @param stateDirectory created if missing, readable by the user only: it contains credentials
 * @param onWait called once if another process has the lock. The lock of a killed process expires after ten seconds
 * @throws FileError also if the lock is not free after five minutes
 */
export async function withJournal<T>(
    stateDirectory: string,
    work: (journal: Journal) => Promise<T>,
    onWait: () => void = () => undefined,
): Promise<T> {
    await withFileErrors(stateDirectory, async () => {
        await mkdir(stateDirectory, { recursive: true, mode: 0o700 });
        await chmod(stateDirectory, 0o700);
    });
    const { assertHeld, release } = await acquireLock(stateDirectory, onWait);
    try {
        const journal = new Journal(stateDirectory, assertHeld);
        await journal.recoverAll();
        return await work(journal);
    } finally {
        await release();
    }
}

/** Reads a state directory, which need not exist. Writes nothing and takes no lock. */
export class JournalReader {
    constructor(protected readonly directory: string) {}

    /**
     * Plans a change to a file.
     *
     * @throws FileError if the file or its record cannot be read
     * @throws UnsupportedFileError, NameConflictError as the format's merge does
     */
    async plan(path: string, change: Change, formatOf: (format: Format) => FileFormat): Promise<Plan> {
        const file = await resolveLinks(path);
        const found = await findFile(file);
        const before = found?.content;
        const record = await this.#find(file);
        const state = record && (await currentState(record, before)).state;
        const previousEdits = state?.edits ?? [];
        const { remove = () => false, add = [] } = change;
        const removed = previousEdits.filter(({ owner }) => remove(owner));
        const plan = { path: file, before, mode: found?.mode, previousEdits };
        const unchanged = { ...plan, edits: previousEdits, after: before, base: before, secret: false };
        if (add.length === 0 && removed.length === 0) return { ...unchanged, notices: [] };
        const reverted = revertEdits(state ?? { base: null, content: null, edits: [] }, before, formatOf);
        const isMissing = (edit: ManagedEdit) => !reverted.found.has(edit);
        const notices: string[] = [];
        const gone = previousEdits.filter(
            (edit) => isMissing(edit) && add.every((each) => !hasSameOwner(each, edit)),
        );
        if (gone.length > 0) {
            const tools = [...new Set(gone.map(({ owner }) => owner.tool))].join(", ");
            notices.push(
                before === undefined
                    ? "this file no longer exists, so there is nothing to remove"
                    : `this file no longer contains the entry that configure added for ${tools}. It was left alone`,
            );
        }
        const edits = add.reduce(
            withEdit,
            previousEdits.filter((edit) => !removed.includes(edit) && !isMissing(edit)),
        );
        if (add.length === 0 && removed.every(isMissing)) {
            if (!(await mayComeBack(file, removed)))
                return { ...plan, edits, after: before, base: reverted.base, secret: false, notices };
            return { ...unchanged, notices: [...notices, comesBack] };
        }
        let after = reverted.base;
        for (const each of edits) {
            const merge = applyEdit(after, each, formatOf);
            after = merge.content;
            if (add.includes(each)) notices.push(...merge.notices);
        }
        if (add.length === 0)
            notices.push(...new Set(removed.flatMap((edit) => reverted.found.get(edit) ?? [])));
        if (found !== undefined && found.hardLinks > 1) {
            notices.push("the file has other hard links: the file under those names does not change");
        }
        const secret = edits.some((each) => each.secret);
        return { ...plan, edits, after, base: reverted.base, secret, notices };
    }

    /** The record of a file, also if a link to the file has replaced the one that the record names. */
    async #find(file: string): Promise<FileRecord | undefined> {
        const own = await this.read(this.recordPath(file));
        if (own !== undefined) return own;
        for (const path of await this.paths(recordEnding)) {
            const record = await this.read(path).catch(ignoreFileError);
            if (record && (await resolveLinks(record.path).catch(ignoreFileError)) === file) return record;
        }
        return undefined;
    }

    /**
     * The files that have edits of ours, with links resolved, and the owners of those edits.
     *
     * @throws FileError if a record cannot be read
     */
    async files(): Promise<{ path: string; owners: Owner[] }[]> {
        const paths = await this.paths(recordEnding);
        const records = await Promise.all(paths.map((path) => this.read(path)));
        return records.flatMap((record) => {
            // A killed run may have reached its intended state.
            const edits = [...(record?.state.edits ?? []), ...(record?.intended?.edits ?? [])];
            if (record === undefined || edits.length === 0) return [];
            return { path: record.path, owners: edits.map(({ owner }) => owner) };
        });
    }

    /** @throws FileError if the record is damaged */
    protected async read(path: string): Promise<FileRecord | undefined> {
        const text = (await findFile(path))?.content.toString();
        if (text === undefined) return undefined;
        const record = parseRecord(text);
        if (record !== undefined && this.recordPath(record.path) === path) return record;
        throw new FileError(
            path,
            "this record of earlier changes to a file is damaged, or of another version. Nothing was changed. " +
                "Restore it from a backup; or remove those changes by hand, then delete it",
        );
    }

    /** The files in the state directory whose names end like this; none if there is no such directory. */
    protected async paths(ending: string): Promise<string[]> {
        const names = await withFileErrors(this.directory, () => ignoreMissing(readdir(this.directory)));
        return (names ?? [])
            .filter((name) => name.endsWith(ending))
            .map((name) => join(this.directory, name));
    }

    protected recordPath(path: string): string {
        return join(this.directory, createHash("sha256").update(path).digest("hex") + recordEnding);
    }
}

/** The journal under its lock. */
export class Journal extends JournalReader {
    constructor(
        directory: string,
        /** @throws FileError if another process has taken over the lock */
        private readonly assertLocked: () => void,
    ) {
        super(directory);
    }

    /**
     * Makes a planned change. The file always has either its old or its new content, even if the process is killed.
     *
     * @throws FileError if the change fails, or the file has changed since it was planned. The file is then unchanged.
     */
    async commit({ path, before, after, base, previousEdits, edits, secret }: Plan): Promise<void> {
        if (edits === previousEdits) return;
        const old = await this.#recoverRecord(this.recordPath(path));
        const found = await findFile(path);
        if (!sameContent(found?.content, before)) throw new FileError(path, changedDuringRun);
        const intended: State = {
            base: base ?? null,
            content: after ?? null,
            edits: [...edits],
        };
        const directories = await this.#directoriesMadeAbove(path);
        const record: FileRecord = {
            version: 1,
            path,
            directories,
            state: old?.state ?? { base: before ?? null, content: before ?? null, edits: [] },
        };
        if (sameContent(before, after)) {
            if (!isDeepStrictEqual(intended, record.state)) await this.#settle(record, intended);
            return;
        }
        const temporary = `.python-registry.${randomBytes(6).toString("hex")}`;
        const missing = await missingDirectories(dirname(path));
        const prepared = { ...record, directories: [...directories, ...missing], temporary };
        try {
            await this.#save(prepared);
            for (const each of missing)
                await withFileErrors(each, () => mkdir(each, { recursive: true, mode: 0o700 }));
            if (after !== undefined) {
                // Permissions for other people are the user's choice only if the user created the file.
                const ours = base === undefined && secret;
                const like = found && { ...found, mode: ours ? found.mode & 0o600 : found.mode };
                const mode = secret ? 0o600 : 0o644;
                await writeTemporary(path, join(dirname(path), temporary), after, mode, like);
            }
            await this.#save({ ...prepared, intended });
            if (!sameContent((await findFile(path))?.content, before))
                throw new FileError(path, changedDuringRun);
            this.assertLocked();
            if (after === undefined) await removeFile(path);
            else await replaceFile(path, join(dirname(path), temporary));
        } catch (error) {
            // If this fails too, for example on a full disk, the next run does it.
            await this.#recoverRecord(this.recordPath(path)).catch(() => undefined);
            throw error;
        }
        // If this fails, the record has the old and the new state, which is enough for the next run.
        await this.#settle(prepared, intended).catch(() => undefined);
    }

    /** Completes or reverts what killed runs left unfinished, for every file. */
    async recoverAll(): Promise<void> {
        // An unfinished record would block the next write.
        for (const path of await this.paths(unfinishedEnding)) await removeFile(path);
        for (const path of await this.paths(recordEnding)) {
            // An unreadable file or record is reported when it is used: the other files go on.
            await this.#recoverRecord(path)
                .then((record) => record && this.#followLink(record))
                .catch(ignoreFileError);
        }
    }

    /** If a link has replaced a file, the record is now for the link's target: the file may have been moved there. */
    async #followLink(record: FileRecord): Promise<void> {
        const path = await resolveLinks(record.path);
        if (path === record.path) return;
        if ((await this.read(this.recordPath(path))) === undefined) await this.#save({ ...record, path });
        await removeFile(this.recordPath(record.path));
    }

    /** Completes or reverts a killed run's change. Returns the resulting record; undefined if there is none. */
    async #recoverRecord(recordPath: string): Promise<FileRecord | undefined> {
        const record = await this.read(recordPath);
        if (record?.temporary === undefined) return record;
        const { state, done } = await currentState(record, (await findFile(record.path))?.content);
        const { intended, ...prepared } = record;
        // Remove the intended state first: with it, a missing temporary file would mean that the rename took place.
        if (intended !== undefined && !done) await this.#save(prepared);
        await removeFile(join(dirname(record.path), record.temporary)).catch(ignoreFileError);
        return this.#settle(record, state);
    }

    /** Stores the file's state, or removes the record if the file has no edits of ours. */
    async #settle(record: FileRecord, state: State): Promise<FileRecord | undefined> {
        this.assertLocked();
        const { version, path, directories } = record;
        if (state.edits.length > 0) {
            const settled = { version, path, directories, state };
            await this.#save(settled);
            return settled;
        }
        for (const each of directories.toReversed()) {
            // It may be in use, or already removed.
            await rmdir(each).catch(() => undefined);
        }
        await removeFile(this.recordPath(path));
        return undefined;
    }

    async #save(record: FileRecord): Promise<void> {
        this.assertLocked();
        const path = this.recordPath(record.path);
        try {
            await writeTemporary(path, path + unfinishedEnding, Buffer.from(serializeRecord(record)), 0o600);
            await replaceFile(path, path + unfinishedEnding);
        } catch (error) {
            await removeFile(path + unfinishedEnding).catch(ignoreFileError);
            throw error;
        }
    }

    /** Directories above a file that we created for any file: they are removed with the last one. */
    async #directoriesMadeAbove(path: string): Promise<string[]> {
        const made = new Set<string>();
        for (const recordPath of await this.paths(recordEnding)) {
            const record = await this.read(recordPath).catch(ignoreFileError);
            for (const each of record?.directories ?? []) if (path.startsWith(each + sep)) made.add(each);
        }
        return [...made].sort((one, other) => one.length - other.length);
    }
}

const recordEnding = ".json";
const unfinishedEnding = ".new";
const changedDuringRun = "The file changed during this run. Nothing was written. Run again";

/** The file's state, which is the intended one if the run was killed after the rename. */
async function currentState(
    record: FileRecord,
    content: Buffer | undefined,
): Promise<{ state: State; done: boolean }> {
    const { path, state, intended, temporary } = record;
    if (intended === undefined) return { state, done: false };
    if (sameContent(content, intended.content)) return { state: intended, done: true };
    if (temporary === undefined || intended.content === null || sameContent(content, state.content)) {
        // Only the file's absence tells that a removal took place. If there is a file again, only entries of ours are removed.
        return { state, done: false };
    }
    const entry = await withFileErrors(path, () => ignoreMissing(lstat(join(dirname(path), temporary))));
    return entry === undefined ? { state: intended, done: true } : { state, done: false };
}

const comesBack = "If the entry comes back, for example with a different git branch, run --undo again";

/** Whether a missing entry may come back: a project has other branches. A record with a credential is not kept for that. */
async function mayComeBack(file: string, edits: readonly ManagedEdit[]): Promise<boolean> {
    return (
        edits.every(({ owner, secret }) => owner.scope === "project" && !secret) &&
        (await ignoreMissing(stat(dirname(file)))) !== undefined
    );
}

function hasSameOwner(one: ManagedEdit, other: ManagedEdit): boolean {
    return isDeepStrictEqual(one.owner, other.owner);
}

/** The edits with one more, which replaces its owner's earlier one. */
function withEdit(edits: readonly ManagedEdit[], added: ManagedEdit): ManagedEdit[] {
    const isEarlier = (edit: ManagedEdit) => hasSameOwner(edit, added);
    return edits.some(isEarlier) ? edits.map((each) => (isEarlier(each) ? added : each)) : [...edits, added];
}

function sameContent(one: Buffer | null | undefined, other: Buffer | null | undefined): boolean {
    return one && other ? one.equals(other) : !one && !other;
}

function ignoreFileError(error: unknown): undefined {
    if (!(error instanceof FileError)) throw error;
}

/** The missing directories on a path, the outermost first. */
async function missingDirectories(path: string): Promise<string[]> {
    const isThere = (await withFileErrors(path, () => ignoreMissing(stat(path)))) !== undefined;
    return isThere ? [] : [...(await missingDirectories(dirname(path))), path];
}
