import { createHash, randomBytes } from "node:crypto";
import { isUtf8 } from "node:buffer";
import { chmod, lstat, mkdir, readdir, rmdir, stat } from "node:fs/promises";
import { dirname, join, sep } from "node:path";
import { isDeepStrictEqual } from "node:util";
import * as v from "valibot";
import {
    explained,
    FileProblem,
    findFile,
    moveInto,
    removeFile,
    resolveLinks,
    unlessAbsent,
    writeTemporary,
} from "./atomic-file";
import { hold } from "./journal-lock";
import { type FileFormat, type Format, type Merging, NotUnderstood } from "../formats/merge";
import { revertEdit } from "../formats/revert-edit";

// What was there before us is remembered as what would be there without us: as long as nobody else edits the file that
// is its first content, and with each run of ours it takes in what the user has edited since.
//
// A commit writes, each on disk before the next: the record with the name of the temporary file; that file; the record
// with what is intended; the file, by renaming the temporary one; the record with what is. Whoever finds the record of
// a killed run knows from the temporary file's being there or not whether the renaming took place, whatever the user
// has done to the file in the meantime.

/** Who contributes to a file. An owner has one contribution to a file. */
export interface Owner {
    /** The registry's full resource name. */
    readonly registry: string;
    readonly tool: string;
    readonly scope: string;
}

/** A generated text that is worked into a file. */
export interface Contribution {
    readonly owner: Owner;
    readonly format: Format;
    readonly text: string;
    /** Whether the text holds a credential. */
    readonly secret: boolean;
}

/** What is to become of a file's contributions: first some go, then others come or take their owner's place. */
export interface Change {
    readonly remove?: (owner: Owner) => boolean;
    readonly add?: readonly Contribution[];
}

/** A change to a file, worked out but not made. */
export interface Plan {
    /** The file itself, without links. */
    readonly path: string;
    /** Undefined where there is no file. */
    readonly before: Buffer | undefined;
    /** Undefined where there will be no file. Equal to `before` where there is nothing to do. */
    readonly after: Buffer | undefined;
    /** Permission bits of the file as it is, which stay; undefined where there is none. */
    readonly mode: number | undefined;
    /** All contributions that are in the file now, and those that will be. */
    readonly had: readonly Contribution[];
    readonly contributions: readonly Contribution[];
    /** Whether the file will hold a credential of ours. */
    readonly secret: boolean;
    /** What the user should know, of the contributions that are added and of lines that cannot be taken out. */
    readonly notices: readonly string[];
    /** What the file would be without us. */
    readonly base: Buffer | undefined;
}

/** What was done to files, read from a state directory. Writes nothing, needs no lock and no such directory. */
export interface JournalReader {
    /**
     * Works out a change to a file.
     *
     * @throws FileProblem if the file or its record cannot be read
     * @throws NotUnderstood, NameTaken as the merging does
     */
    plan(path: string, change: Change, formatOf: (format: Format) => FileFormat): Promise<Plan>;
    /**
     * The files that have contributions, without links, and whose those are.
     *
     * @throws FileProblem if a record cannot be read
     */
    files(): Promise<{ path: string; owners: Owner[] }[]>;
}

export interface Journal extends JournalReader {
    /**
     * Makes a planned change. The file is the old or the new one at any moment, also if the process is killed.
     *
     * @throws FileProblem if it cannot be made, or the file is no longer as it was when planned. The file is unchanged.
     */
    commit(plan: Plan): Promise<void>;
}

/** For a look at what would be done. */
export function readJournal(stateDirectory: string): JournalReader {
    return new StoredJournal(stateDirectory, () => undefined);
}

/**
 * Does work on the journal while no other process does, and finishes what a killed one has left.
 *
 * @param stateDirectory holds credentials; made, for the user alone
 * @param waiting called once if another process is at work. A killed one is waited for too, for ten seconds
 * @throws FileProblem also if the other process is not done after five minutes
 */
export async function withJournal<T>(
    stateDirectory: string,
    work: (journal: Journal) => Promise<T>,
    waiting: () => void = () => undefined,
): Promise<T> {
    await explained(stateDirectory, async () => {
        await mkdir(stateDirectory, { recursive: true, mode: 0o700 });
        await chmod(stateDirectory, 0o700);
    });
    const { stillHeld, release } = await hold(stateDirectory, waiting);
    try {
        const journal = new StoredJournal(stateDirectory, stillHeld);
        await journal.recover();
        return await work(journal);
    } finally {
        await release();
    }
}

const bytesSchema = v.nullable(
    v.pipe(
        v.string(),
        v.base64(),
        v.transform((text): Buffer => Buffer.from(text, "base64")),
    ),
);
const contributionSchema = v.strictObject({
    // Version 1 of the record has tool and scope in one string, with a space between.
    owner: v.pipe(
        v.strictObject({ registry: v.string(), tool: v.pipe(v.string(), v.regex(/^\S+ \S+$/)) }),
        v.transform(({ registry, tool: both }): Owner => {
            const [tool = "", scope = ""] = both.split(" ");
            return { registry, tool, scope };
        }),
    ),
    format: v.picklist(["ini", "toml", "netrc"]),
    text: v.string(),
    secret: v.boolean(),
});
const stateSchema = v.strictObject({
    /** What the file would be without us; null for no file. So in `content`. */
    base: bytesSchema,
    content: bytesSchema,
    contributions: v.array(contributionSchema),
});
const recordSchema = v.strictObject({
    version: v.literal(1),
    path: v.string(),
    /** Directories that we had to make, the outermost first. */
    directories: v.array(v.string()),
    /** As we last left the file. */
    state: stateSchema,
    /** As we are about to leave it. */
    intended: v.optional(stateSchema),
    /** The name of the temporary file, in the file's directory. */
    temporary: v.optional(v.pipe(v.string(), v.regex(/^\.[^/\\]+$/))),
});

type State = v.InferOutput<typeof stateSchema>;
type FileRecord = v.InferOutput<typeof recordSchema>;

class StoredJournal implements Journal {
    readonly #directory: string;
    readonly #checkLock: () => void;

    constructor(directory: string, checkLock: () => void) {
        this.#directory = directory;
        this.#checkLock = checkLock;
    }

    async plan(path: string, change: Change, formatOf: (format: Format) => FileFormat): Promise<Plan> {
        const file = await resolveLinks(path);
        const found = await findFile(file);
        const before = found?.content;
        const record = await this.#read(this.#recordPath(file));
        const state = record && (await outcome(record, before)).state;
        const had = state?.contributions ?? [];
        const { remove = () => false, add = [] } = change;
        const stay = had.filter(({ owner }) => !remove(owner));
        const contributions = add.reduce(withContribution, stay);
        const plan = { path: file, before, mode: found?.mode, had, contributions };
        const secret = contributions.some((each) => each.secret);
        if (add.length === 0 && stay.length === had.length) {
            return { ...plan, contributions: had, after: before, base: before, secret, notices: [] };
        }
        const { base, left } = withoutOurs(state, before, formatOf);
        const notices: string[] = [];
        let after = base;
        for (const each of contributions) {
            const merge = merged(after, each, formatOf(each.format).merge);
            after = merge.content;
            if (add.includes(each)) notices.push(...merge.notices);
        }
        if (left > 0) notices.push(`${left} lines that stay were put in by an earlier run and edited since`);
        if (found !== undefined && found.names > 1) {
            notices.push("the file has other names (hard links), under which it stays as it is");
        }
        return { ...plan, after, base, secret, notices };
    }

    async files(): Promise<{ path: string; owners: Owner[] }[]> {
        const names = (await this.#names()).filter((name) => name.endsWith(recordEnding));
        const records = await Promise.all(names.map((name) => this.#read(join(this.#directory, name))));
        return records.flatMap((record) => {
            if (record === undefined) return [];
            // A killed run may have done what it intended.
            const { path, state, intended } = record;
            const owners = [state, intended].flatMap((each) =>
                (each?.contributions ?? []).map(({ owner }) => owner),
            );
            return owners.length === 0 ? [] : { path, owners };
        });
    }

    async commit({ path, before, after, base, had, contributions, secret }: Plan): Promise<void> {
        if (contributions === had) return;
        const old = await this.#recovered(this.#recordPath(path));
        const found = await findFile(path);
        if (!same(found?.content, before)) throw new FileProblem(path, editedSince);
        const intended: State = {
            base: base ?? null,
            content: after ?? null,
            contributions: [...contributions],
        };
        const directories = await this.#madeAbove(path);
        const record: FileRecord = {
            version: 1,
            path,
            directories,
            state: old?.state ?? { base: before ?? null, content: before ?? null, contributions: [] },
        };
        if (same(before, after)) {
            if (!isDeepStrictEqual(intended, record.state)) await this.#settle(record, intended);
            return;
        }
        const temporary = `.python-registry.${randomBytes(6).toString("hex")}`;
        const missing = await missingDirectories(dirname(path));
        const begun = { ...record, directories: [...directories, ...missing], temporary };
        try {
            await this.#save(begun);
            for (const each of missing)
                await explained(each, () => mkdir(each, { recursive: true, mode: 0o700 }));
            if (after !== undefined) {
                // Bits that let others read were the user's choice only if the file was.
                const ours = base === undefined && secret;
                const like = found && { ...found, mode: ours ? found.mode & 0o600 : found.mode };
                const mode = secret ? 0o600 : 0o644;
                await writeTemporary(path, join(dirname(path), temporary), after, mode, like);
            }
            await this.#save({ ...begun, intended });
            if (!same((await findFile(path))?.content, before)) throw new FileProblem(path, editedSince);
            this.#checkLock();
            if (after === undefined) await removeFile(path);
            else await moveInto(path, join(dirname(path), temporary));
        } catch (error) {
            // What this cannot do, on a full disk for one, the next run does.
            await this.#recovered(this.#recordPath(path)).catch(() => undefined);
            throw error;
        }
        // Without this the record says both what was and what is, from which the next run goes on as well.
        await this.#settle(begun, intended).catch(() => undefined);
    }

    /** Finishes what killed runs have left, of every file. */
    async recover(): Promise<void> {
        const names = await this.#names();
        // Half a record stands in the way of a whole one: it goes first.
        for (const name of names.filter((each) => each.endsWith(unfinished))) {
            await removeFile(join(this.#directory, name));
        }
        for (const name of names.filter((each) => each.endsWith(recordEnding))) {
            // A file or record that cannot be read is said to be so where it is asked for: others are not held up.
            await this.#recovered(join(this.#directory, name)).catch(ignoreProblem);
        }
    }

    /** The record as it is when nothing of a killed run is left; undefined if there is none. */
    async #recovered(recordPath: string): Promise<FileRecord | undefined> {
        const record = await this.#read(recordPath);
        if (record?.temporary === undefined) return record;
        const { state, done } = await outcome(record, (await findFile(record.path))?.content);
        const { intended, ...begun } = record;
        // While it says what is intended, the temporary file's absence would say that this was done.
        if (intended !== undefined && !done) await this.#save(begun);
        await removeFile(join(dirname(record.path), record.temporary)).catch(ignoreProblem);
        return this.#settle(record, state);
    }

    /** Records how the file is now, or forgets it once nothing of ours is in it. */
    async #settle(record: FileRecord, state: State): Promise<FileRecord | undefined> {
        this.#checkLock();
        const { version, path, directories } = record;
        if (state.contributions.length > 0) {
            const settled = { version, path, directories, state };
            await this.#save(settled);
            return settled;
        }
        for (const each of directories.toReversed()) {
            // Not empty, or gone already.
            await rmdir(each).catch(() => undefined);
        }
        await removeFile(this.#recordPath(path));
        return undefined;
    }

    async #save(record: FileRecord): Promise<void> {
        this.#checkLock();
        const path = this.#recordPath(record.path);
        const text = JSON.stringify({
            ...record,
            state: stored(record.state),
            ...(record.intended && { intended: stored(record.intended) }),
        });
        try {
            await writeTemporary(path, path + unfinished, Buffer.from(text), 0o600);
            await moveInto(path, path + unfinished);
        } catch (error) {
            await removeFile(path + unfinished).catch(ignoreProblem);
            throw error;
        }
    }

    /** @throws FileProblem if the record is damaged */
    async #read(path: string): Promise<FileRecord | undefined> {
        const text = (await findFile(path))?.content.toString();
        if (text === undefined) return undefined;
        const result = v.safeParse(recordSchema, parsedJson(text));
        if (result.success && this.#recordPath(result.output.path) === path) return result.output;
        throw new FileProblem(
            path,
            "this record of what was put into a file is damaged, or of another version. Nothing was done. " +
                "Bring it back from a backup; or take out by hand what was put in, then remove it",
        );
    }

    /** Directories that we had to make above a file, also for another one: the last that goes takes them with it. */
    async #madeAbove(path: string): Promise<string[]> {
        const made = new Set<string>();
        for (const name of await this.#names()) {
            if (!name.endsWith(recordEnding)) continue;
            const record = await this.#read(join(this.#directory, name)).catch(ignoreProblem);
            for (const each of record?.directories ?? []) if (path.startsWith(each + sep)) made.add(each);
        }
        return [...made].sort((one, other) => one.length - other.length);
    }

    /** Names in the state directory; none if there is no such directory. */
    async #names(): Promise<string[]> {
        return explained(this.#directory, async () => (await unlessAbsent(readdir(this.#directory))) ?? []);
    }

    #recordPath(path: string): string {
        return join(this.#directory, createHash("sha256").update(path).digest("hex") + recordEnding);
    }
}

const recordEnding = ".json";
const unfinished = ".new";
const editedSince = "edited by somebody else in this moment: nothing was written. Run again";

/** How a file was left: as intended, if the record is of a run that was killed after that was done. */
async function outcome(
    record: FileRecord,
    content: Buffer | undefined,
): Promise<{ state: State; done: boolean }> {
    const { path, state, intended, temporary } = record;
    if (intended === undefined) return { state, done: false };
    if (same(content, intended.content)) return { state: intended, done: true };
    if (temporary === undefined || intended.content === null || same(content, state.content)) {
        // To find out whether a removal was done there is only the file's absence. Taking lines of ours out of what
        // somebody else put there since does no harm.
        return { state, done: false };
    }
    const entry = await explained(path, () => unlessAbsent(lstat(join(dirname(path), temporary))));
    return entry === undefined ? { state: intended, done: true } : { state, done: false };
}

/** What the file would be without our contributions, and how many lines of ours cannot be taken out. */
function withoutOurs(
    state: State | undefined,
    content: Buffer | undefined,
    formatOf: (format: Format) => FileFormat,
): { base: Buffer | undefined; left: number } {
    const format = state?.contributions[0]?.format;
    if (state === undefined || format === undefined || content === undefined)
        return { base: content, left: 0 };
    if (same(content, state.content)) return { base: state.base ?? undefined, left: 0 };
    if (same(content, state.base)) return { base: content, left: 0 };
    const { syntax } = formatOf(format);
    const reverted = revertEdit(state.base ?? empty, state.content ?? empty, content, syntax);
    const isOurs = state.base === null && reverted.content.length === 0;
    return { base: isOurs ? undefined : reverted.content, left: reverted.left };
}

const empty = Buffer.alloc(0);

/** In the place of its owner's earlier one, otherwise at the end. */
function withContribution(contributions: readonly Contribution[], added: Contribution): Contribution[] {
    const isEarlier = ({ owner }: Contribution) => isDeepStrictEqual(owner, added.owner);
    return contributions.some(isEarlier)
        ? contributions.map((each) => (isEarlier(each) ? added : each))
        : [...contributions, added];
}

/**
 * A contribution worked into a file's bytes.
 *
 * @throws NotUnderstood if they are no text
 */
function merged(content: Buffer = empty, { text, format }: Contribution, merging: Merging) {
    const isText = !content.includes(0) && (isUtf8(content) || format !== "toml");
    if (!isText) throw new NotUnderstood(undefined, "not encoded in UTF-8");
    // Python reads the other formats in older encodings too. All that we know extend ASCII, and ours is ASCII.
    const encoding = isUtf8(content) ? "utf8" : "latin1";
    const merge = merging(content.toString(encoding), text);
    return { content: Buffer.from(merge.text, encoding), notices: merge.notices };
}

function stored({ base, content, contributions }: State) {
    return {
        base: base?.toString("base64") ?? null,
        content: content?.toString("base64") ?? null,
        contributions: contributions.map(({ owner: { registry, tool, scope }, ...contribution }) => ({
            owner: { registry, tool: `${tool} ${scope}` },
            ...contribution,
        })),
    };
}

function same(one: Buffer | null | undefined, other: Buffer | null | undefined): boolean {
    return one && other ? one.equals(other) : !one && !other;
}

function parsedJson(text: string): unknown {
    try {
        return JSON.parse(text);
    } catch {
        return undefined;
    }
}

function ignoreProblem(error: unknown): undefined {
    if (!(error instanceof FileProblem)) throw error;
}

/** The directories on the way to a directory that are not there, the outermost first. */
async function missingDirectories(path: string): Promise<string[]> {
    const isThere = (await explained(path, () => unlessAbsent(stat(path)))) !== undefined;
    return isThere ? [] : [...(await missingDirectories(dirname(path))), path];
}
