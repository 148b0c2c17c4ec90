import { strict as assert } from "node:assert";
import { createHash } from "node:crypto";
import { execFile, execFileSync, spawnSync } from "node:child_process";
import {
    chmodSync,
    chownSync,
    cpSync,
    existsSync,
    linkSync,
    lstatSync,
    mkdirSync,
    mkdtempSync,
    readdirSync,
    readFileSync,
    readlinkSync,
    rmSync,
    statSync,
    symlinkSync,
    utimesSync,
    writeFileSync,
} from "node:fs";
import promises from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Context } from "mocha";
import fc from "fast-check";
import { formats } from "../../configure/formats/formats";
import { readJournal, withJournal } from "../../configure/journal/journal";
import { carryOut, changeOf, contribution, look, lineFormat, type Run } from "./configure-run";

const isRoot = process.getuid?.() === 0;
const all = { remove: "all" };

let directory: string;
let state: string;
let path: string;

beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "configure-"));
    state = join(directory, "state");
    path = join(directory, "pip.conf");
});

afterEach(() => {
    rmSync(directory, { recursive: true, force: true });
});

async function run(what: Partial<Run>): Promise<void> {
    await carryOut({ state, path, ...what });
}

function text(file = path): string | undefined {
    return existsSync(file) ? readFileSync(file, "latin1") : undefined;
}

function modeOf(file: string): string {
    return (statSync(file).mode & 0o7777).toString(8);
}

/** What a run must not leave behind. */
function assertTidy(root = directory): void {
    const names = readdirSync(root, { recursive: true }).map(String);
    assert.deepEqual(
        names.filter((name) => /\.python-registry|\.new$|\.lock$/.test(name)),
        [],
    );
}

/** Lets the lock of a killed run be as old as one that is taken over. */
function ageLocks(): void {
    for (const name of ["lock.lock", "door.lock"]) {
        const lock = join(state, name);
        if (existsSync(lock)) utimesSync(lock, 0, 0);
    }
}

function skipWithout(context: Context, condition: boolean, what: string): void {
    if (condition) return;
    console.log(`    skipped: ${what}`);
    context.skip();
}

const program = ["-r", join(__dirname, "..", "..", "typescript.cjs"), join(__dirname, "configure-run.ts")];

/** A run in its own process: how it ended, and what it said. */
function inProcess(what: Run): Promise<{ code: number | string | null; said: string }> {
    return new Promise((resolve) => {
        const child = execFile(process.execPath, program, (_error, _out, said) => {
            resolve({ code: child.exitCode ?? child.signalCode, said });
        });
        child.stdin?.end(JSON.stringify(what));
    });
}

const a = contribution("a", "a = 1\n");
const b = contribution("b", "b = 2\nshared = b\n");

describe("the journal", () => {
    it("works a contribution in and restores what was there", async () => {
        writeFileSync(path, "mine = 0\nshared = mine");
        await run({ add: [b] });
        assert.equal(text(), "mine = 0\nshared = b\nb = 2\n");
        await run(all);
        assert.equal(text(), "mine = 0\nshared = mine");
        assertTidy();
        assert.deepEqual(readdirSync(state), []);
    });

    it("knows of a run that was killed while it settled, and of half a record beside it", async () => {
        writeFileSync(path, "mine = 0\n");
        await run({ add: [a] });
        const [name = ""] = readdirSync(state);
        const record = JSON.parse(readFileSync(join(state, name), "utf8")) as { state: object };
        const base = Buffer.from("mine = 0\n").toString("base64");
        const killed = {
            ...record,
            state: { base, content: base, contributions: [] },
            intended: record.state,
            temporary: ".python-registry.abcdefabcdef",
        };
        writeFileSync(join(state, name), JSON.stringify(killed));
        writeFileSync(join(state, `${name}.new`), '{"ver');
        const owners = [{ registry: "a", tool: "pip", scope: "user" }];
        // Also to a look that may finish nothing.
        assert.deepEqual(await readJournal(state).files(), [{ path, owners }]);
        await withJournal(state, async (journal) => {
            assert.deepEqual(await journal.files(), [{ path, owners }]);
        });
        assertTidy();
        await run(all);
        assert.equal(text(), "mine = 0\n");
    });

    it("reads the records of earlier releases, which have tool and scope in one string", async () => {
        const [before, written] = ["# mine\n", "# mine\na = 1\n"];
        const contributions = [
            { owner: { registry: "a", tool: "pip user" }, format: "ini", text: "a = 1\n", secret: false },
        ];
        const [base, content] = [before, written].map((each) => Buffer.from(each).toString("base64"));
        const record = { version: 1, path, directories: [], state: { base, content, contributions } };
        const name = `${createHash("sha256").update(path).digest("hex")}.json`;
        mkdirSync(state);
        writeFileSync(join(state, name), JSON.stringify(record));
        writeFileSync(path, written);

        const owners = [{ registry: "a", tool: "pip", scope: "user" }];
        assert.deepEqual(await readJournal(state).files(), [{ path, owners }]);
        // The same run again takes the place of the earlier one, in the same form of record.
        await run({ add: [a] });
        assert.deepEqual(JSON.parse(readFileSync(join(state, name), "utf8")), record);
        await run({ add: [b] });
        await run(all);
        assert.equal(text(), before);
        assert.deepEqual(readdirSync(state), []);
    });

    it("keeps the contributions of several owners apart", async () => {
        writeFileSync(path, "shared = mine\n");
        await run({ add: [a, b] });
        await run({ remove: "a" });
        assert.equal(text(), "shared = b\nb = 2\n");
        await run({ add: [a] });
        await run({ remove: "b" });
        assert.equal(text(), "shared = mine\na = 1\n");
        await run({ add: [contribution("a", "new = 1\n")] });
        assert.equal(text(), "shared = mine\nnew = 1\n");
        assert.deepEqual(await readJournal(state).files(), [
            { path, owners: [{ registry: "a", tool: "pip", scope: "user" }] },
        ]);
        await run({ remove: "a" });
        assert.equal(text(), "shared = mine\n");
        assert.deepEqual(await readJournal(state).files(), []);
    });

    it("writes nothing where nothing changes", async () => {
        await run({ add: [a] });
        utimesSync(path, 1000, 1000);
        const [record] = readdirSync(state);
        utimesSync(join(state, record!), 1000, 1000);
        await run({ add: [a] });
        await run({ remove: "nobody" });
        assert.equal(statSync(path).mtimeMs, 1_000_000);
        assert.equal(statSync(join(state, record!)).mtimeMs, 1_000_000);
    });

    it("keeps what the user edits between runs, and where a removal removes nothing", async () => {
        writeFileSync(path, "mine = 0\nshared = mine\n");
        await run({ add: [b] });
        writeFileSync(path, `first = 1\n${text()!}last = 1\n`);
        await run({ remove: "nobody" });
        await run({ add: [a] });
        writeFileSync(path, `zeroth = 1\n${text()!}`);
        await run({ add: [b] });
        await run(all);
        assert.equal(text(), "zeroth = 1\nfirst = 1\nmine = 0\nshared = mine\nlast = 1\n");
    });

    it("takes what was there already for the user's", async () => {
        writeFileSync(path, "a = 1\n");
        await run({ add: [a] });
        await run(all);
        assert.equal(text(), "a = 1\n");
        assert.deepEqual(readdirSync(state), []);
    });

    it("leaves a file away that the user removed", async () => {
        writeFileSync(path, "mine = 0\n");
        await run({ add: [a] });
        rmSync(path);
        await run(all);
        assert.equal(text(), undefined);
        assert.deepEqual(readdirSync(state), []);
    });

    it("removes the file and the directories that it made, the last file's run those that several share", async () => {
        const [one, other] = ["one", "other"].map((name) => join(directory, "x", "y", name));
        await run({ path: one!, add: [a] });
        await run({ path: other!, add: [a] });
        assert.equal(modeOf(join(directory, "x")), "700");
        await run({ path: one!, ...all });
        assert.ok(existsSync(other!));
        await run({ path: other!, ...all });
        assert.deepEqual(readdirSync(directory), ["state"]);
    });

    it("leaves a directory in which somebody has put something", async () => {
        const file = join(directory, "x", "y", "pip.conf");
        await run({ path: file, add: [a] });
        writeFileSync(join(directory, "x", "mine"), "");
        await run({ path: file, ...all });
        assert.deepEqual(readdirSync(join(directory, "x")), ["mine"]);
    });

    it("plans without a state directory, and writes nothing", async () => {
        assert.equal(await look({ state, path, add: [a] }), "a = 1\n");
        assert.deepEqual(readdirSync(directory), []);
    });

    it("tells what a plan adds, of it and of lines that stay", async () => {
        const formatOf = () => lineFormat;
        const reader = readJournal(state);
        const secret = contribution("s", "s = 1\n", true);
        writeFileSync(path, "x = 1\n", { mode: 0o640 });
        chmodSync(path, 0o640);
        await run({ add: [a] });
        const plan = await reader.plan(path, { add: [secret] }, formatOf);
        assert.equal(plan.mode, 0o640);
        assert.equal(plan.secret, true);
        assert.deepEqual([plan.had, plan.contributions], [[a], [a, secret]]);
        assert.deepEqual(plan.notices, ["merged 6"]);
        writeFileSync(path, "x = 1\na = 2\n");
        const { notices } = await reader.plan(path, { remove: () => true }, formatOf);
        assert.equal(notices.length, 1);
        assert.match(notices[0]!, /^1 lines that stay/);
    });

    it("keeps its state from others", async () => {
        mkdirSync(state, { mode: 0o755 });
        await run({ add: [contribution("a", "password = 1\n", true)] });
        assert.equal(modeOf(state), "700");
        assert.deepEqual(
            readdirSync(state).map((name) => modeOf(join(state, name))),
            ["600"],
        );
    });

    for (const [what, damage] of [
        ["cut off", (record: string) => record.slice(0, -20)],
        ["with a path that is another's", (record: string) => record.replace("pip.conf", "pip.toml")],
        ["with a temporary file elsewhere", (record: string) => record.replace("{", '{"temporary":"../x",')],
        ["of another version", (record: string) => record.replace('"version":1', '"version":2')],
    ] as const) {
        it(`refuses a record ${what}, and touches nothing`, async () => {
            await run({ add: [contribution("a", "password = hidden\n", true)] });
            const record = join(state, readdirSync(state)[0]!);
            const damaged = damage(readFileSync(record, "utf8"));
            writeFileSync(record, damaged);
            for (const what of [all, { add: [b] }]) {
                await assert.rejects(run(what), (error: Error) => {
                    assert.match(error.message, /damaged, or of another version/);
                    assert.ok(error.message.startsWith(record) && !error.message.includes("hidden"));
                    return true;
                });
            }
            assert.equal(text(), "password = hidden\n");
            assert.equal(readFileSync(record, "utf8"), damaged);
            await run({ path: join(directory, "other"), add: [a] });
        });
    }

    it("refuses to overwrite what somebody wrote after the plan", async () => {
        writeFileSync(path, "mine = 0\n");
        await withJournal(state, async (journal) => {
            const plan = await journal.plan(path, changeOf({ add: [a] }), () => lineFormat);
            writeFileSync(path, "mine = 1\n");
            await assert.rejects(journal.commit(plan), /pip\.conf: edited by somebody else/);
        });
        assert.equal(text(), "mine = 1\n");
        assertTidy();
        assert.deepEqual(readdirSync(state), []);
    });

    it("refuses to overwrite what somebody writes while it gets ready", async () => {
        writeFileSync(path, "mine = 0\n");
        const { rename } = promises;
        try {
            promises.rename = async (...args) => {
                writeFileSync(path, "mine = 1\n");
                await rename(...args);
            };
            await assert.rejects(run({ add: [a] }), /pip\.conf: edited by somebody else/);
        } finally {
            promises.rename = rename;
        }
        assert.equal(text(), "mine = 1\n");
        assertTidy();
        assert.deepEqual(readdirSync(state), []);
    });

    it("does not write once another run has taken its lock over", async () => {
        await withJournal(state, async (journal) => {
            const plan = await journal.plan(path, changeOf({ add: [a] }), () => lineFormat);
            // Stopped so long that its lock has expired.
            ageLocks();
            await run({ add: [b] });
            await assert.rejects(
                journal.commit({ ...plan, before: readFileSync(path) }),
                /another run took over/,
            );
        });
        assert.equal(text(), "b = 2\nshared = b\n");
    });

    describe("an undo", () => {
        const bytes = fc
            .array(
                fc.constantFrom(
                    "a = 0",
                    "b",
                    "c = 1",
                    "shared = 2",
                    "",
                    "  x",
                    "\xe9\xff",
                    "# \xc3\xa9",
                    "\r",
                ),
            )
            .chain((lines) =>
                fc.tuple(fc.constantFrom("\n", "\r\n"), fc.boolean()).map(([ending, closed]) => {
                    return Buffer.from(lines.join(ending) + (closed ? ending : ""), "latin1");
                }),
            );
        const edit = fc.array(fc.constantFrom("# one\n", "# two\r\n", "#\xff\n"), { maxLength: 3 });

        it("gives the user's edits applied to the original", async () => {
            await fc.assert(
                fc.asyncProperty(fc.option(bytes), edit, edit, async (original, first, second) => {
                    rmSync(path, { force: true });
                    if (original !== null) writeFileSync(path, original);
                    await run({ add: [a] });
                    writeFileSync(path, first.join("") + text()!, "latin1");
                    await run({ add: [b] });
                    writeFileSync(path, second.join("") + text()!, "latin1");
                    await run({ remove: "a" });
                    await run({ remove: "b" });
                    const edits = second.join("") + first.join("");
                    const expected = edits + (original?.toString("latin1") ?? "");
                    assert.equal(text(), original === null && edits === "" ? undefined : expected);
                    assert.deepEqual(readdirSync(state), []);
                }),
                {
                    numRuns: 60,
                    // Our ending on the last line, which reads like another one that ends otherwise.
                    examples: [[Buffer.from("shared = 2\nshared = 2"), ["# two\r\n"], ["# one\n"]]],
                },
            );
        });

        it("gives the bytes that were there, whatever they are", async () => {
            const anything = fc.oneof(
                bytes,
                fc.uint8Array({ maxLength: 40 }).map((each) => Buffer.from(each)),
            );
            await fc.assert(
                fc.asyncProperty(anything, async (original) => {
                    writeFileSync(path, original);
                    if (original.includes(0)) {
                        await assert.rejects(run({ add: [a] }), /UTF-8/);
                    } else {
                        await run({ add: [a, b] });
                        await run(all);
                    }
                    assert.ok(readFileSync(path).equals(original));
                    assert.deepEqual(readdirSync(state), []);
                }),
                { numRuns: 60 },
            );
        });

        it("restores real files after real merges", async () => {
            const ini = "[global]\nextra-index-url = https://ours.example/simple/\n";
            const toml =
                '[[tool.uv.index]]\nname = "ours"\nurl = "https://ours.example/simple/"\nexplicit = true\n';
            const pip =
                "\n; mine\r\n[install]\r\nno-deps = 1\r\n[global]\r\nextra-index-url=https://x/simple";
            const project =
                '[project]\nname = "x" # why\n\n[[tool.uv.index]]\nname = "b"\nurl = "https://b"\n\n[tool.ruff]\nline-length = 99';
            for (const [original, ours, format] of [
                [pip, ini, "ini"],
                [project, toml, "toml"],
            ] as const) {
                writeFileSync(path, original);
                const add = [{ ...contribution("r", ours), format }];
                await withJournal(state, async (journal) => {
                    await journal.commit(await journal.plan(path, { add }, () => formats[format]));
                });
                assert.ok(text()!.includes("ours.example"));
                writeFileSync(path, `# new\n${text()!}`);
                await run(all);
                assert.equal(text(), `# new\n${original}`);
            }
        });
    });

    describe("permissions and links", () => {
        for (const mode of [0o600, 0o640, 0o644]) {
            it(`keep the bits ${mode.toString(8)}, also for a credential`, async () => {
                writeFileSync(path, "x = 1\n");
                chmodSync(path, mode);
                await run({ add: [contribution("a", "password = 1\n", true)] });
                assert.equal(modeOf(path), mode.toString(8));
                await run(all);
                assert.equal(modeOf(path), mode.toString(8));
            });
        }

        it("make a new file readable for others, unless it holds a credential", async () => {
            await run({ add: [a] });
            const umask = parseInt(execFileSync("sh", ["-c", "umask"], { encoding: "utf8" }), 8);
            assert.equal(modeOf(path), (0o644 & ~umask).toString(8));
            await run({ add: [contribution("s", "password = 1\n", true)] });
            assert.equal(modeOf(path), "600");
        });

        it("keep the owner", async function () {
            skipWithout(this, isRoot, "only root can give a file away");
            writeFileSync(path, "x = 1\n");
            chownSync(path, 12345, 54321);
            await run({ add: [a] });
            const { uid, gid } = statSync(path);
            assert.deepEqual([uid, gid], [12345, 54321]);
        });

        it("follow links and leave them", async () => {
            const real = join(directory, "real", "pip.conf");
            mkdirSync(join(directory, "real"));
            writeFileSync(real, "x = 1\n");
            symlinkSync("real/pip.conf", path);
            const second = join(directory, "second");
            symlinkSync(path, second);
            await run({ path: second, add: [a] });
            await run({ add: [b] });
            assert.equal(text(real), "x = 1\na = 1\nb = 2\nshared = b\n");
            assert.deepEqual([readlinkSync(path), readlinkSync(second)], ["real/pip.conf", path]);
            await run({ path: real, ...all });
            assert.equal(text(), "x = 1\n");
        });

        it("write where a dangling link points to", async () => {
            mkdirSync(join(directory, "real"));
            symlinkSync("real/pip.conf", path);
            await run({ add: [a] });
            assert.equal(text(join(directory, "real", "pip.conf")), "a = 1\n");
            await run(all);
            assert.deepEqual(readdirSync(join(directory, "real")), []);
            assert.ok(lstatSync(path).isSymbolicLink());
        });

        it("refuse a link into a directory that is missing", async () => {
            symlinkSync("away/real/pip.conf", path);
            symlinkSync("away/real", join(directory, "x"));
            await assert.rejects(run({ add: [a] }), /pip\.conf: a link to .*, whose directory is missing/);
            await assert.rejects(
                run({ path: join(directory, "x", "y"), add: [a] }),
                /x: a link to .* is missing/,
            );
            assert.ok(!existsSync(join(directory, "away")));
        });

        it("say that hard links are cut", async () => {
            writeFileSync(path, "x = 1\n");
            linkSync(path, join(directory, "again"));
            const { notices } = await readJournal(state).plan(path, changeOf({ add: [a] }), () => lineFormat);
            assert.match(notices.at(-1)!, /hard links/);
        });
    });

    describe("what cannot be written", () => {
        /** The run fails with a message, and everything is as it was. */
        async function refused(what: Partial<Run>, message: RegExp): Promise<void> {
            const before = text();
            await assert.rejects(run(what), (error: Error) => {
                assert.match(error.message, message);
                return true;
            });
            assert.equal(text(), before);
            assertTidy();
        }

        it("is a directory, a device, and what is below a file", async () => {
            mkdirSync(path);
            await assert.rejects(run({ add: [a] }), /pip\.conf: a directory is in the place of the file/);
            await assert.rejects(run({ path: "/dev/null", add: [a] }), /\/dev\/null: a device/);
            const file = join(directory, "file");
            writeFileSync(file, "");
            await assert.rejects(
                run({ path: join(file, "x"), add: [a] }),
                /file.x: a part of the path is a file/,
            );
            await assert.rejects(
                run({ path: join(file, "x", "y"), add: [a] }),
                /a part of the path is a file/,
            );
            assert.deepEqual(readdirSync(state), []);
        });

        it("is a link to itself", async () => {
            symlinkSync("pip.conf", path);
            await assert.rejects(run({ add: [a] }), /pip\.conf: a link that leads to itself/);
        });

        it("is a file whose owner would be lost, or that cannot be read", function () {
            skipWithout(this, isRoot, "only root can act for two users");
            chmodSync(directory, 0o777);
            writeFileSync(path, "x = 1\n");
            const asUser = (what: Partial<Run>) =>
                asNobody({ state: join(directory, "other-state"), path, ...what });
            assert.match(asUser({ add: [a] }), /pip\.conf: its owner or group would be lost/);
            chmodSync(path, 0);
            assert.match(asUser({ add: [a] }), /pip\.conf: not permitted/);
            chmodSync(path, 0o644);
            assert.equal(text(), "x = 1\n");
            assertTidy();
        });

        it("is a file in a directory that is read-only", async function () {
            const closed = join(directory, "closed");
            mkdirSync(closed);
            writeFileSync(join(closed, "pip.conf"), "x = 1\n");
            chmodSync(directory, 0o777);
            chmodSync(closed, 0o555);
            const what = { state: join(directory, "other-state"), path: join(closed, "pip.conf"), add: [a] };
            if (isRoot) {
                chownSync(join(closed, "pip.conf"), 65534, 65534);
                assert.match(asNobody(what), /closed.pip\.conf: not permitted/);
                assert.match(asNobody({ ...what, path: join(closed, "x", "y") }), /closed.x: not permitted/);
            } else {
                await assert.rejects(carryOut(what), /closed.pip\.conf: not permitted/);
            }
            chmodSync(closed, 0o755);
            assert.deepEqual(readdirSync(closed), ["pip.conf"]);
            assert.deepEqual(readdirSync(what.state), []);
        });

        it("is larger than files may be, for which the system kills Node", async () => {
            writeFileSync(path, "x = 1\n");
            const large = contribution("a", `a = ${"1".repeat(9000)}\n`);
            const limited = ["-c", 'ulimit -f 2 && exec "$0" "$@"', process.execPath, ...program];
            const input = JSON.stringify({ state, path, add: [large] });
            assert.equal(spawnSync("sh", limited, { input }).signal, "SIGXFSZ");
            assert.equal(text(), "x = 1\n");
            ageLocks();
            await run(all);
            assertTidy();
            assert.equal(text(), "x = 1\n");
            assert.deepEqual(readdirSync(state), []);
        });

        it("is on a full disk", async function () {
            const disk = join(directory, "disk");
            mkdirSync(disk);
            const mount = spawnSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", disk]);
            skipWithout(this, mount.status === 0, "no small disk can be mounted here");
            try {
                const full = join(disk, "x", "pip.conf");
                const large = contribution("b", `b = ${"1".repeat(100_000)}\n`);
                const room = join(disk, "room");
                await refused({ path: full, add: [large] }, /x.pip\.conf: the disk is full: make room/);
                assert.deepEqual([readdirSync(disk), readdirSync(state)], [[], []]);
                await run({ path: full, add: [a] });
                // The state on the full disk too, with no room at all.
                const inside = join(disk, "state");
                await run({ state: inside, path: join(disk, "y"), add: [a] });
                spawnSync("sh", ["-c", 'cat /dev/zero > "$0" 2>&1', room]);
                await refused({ state: inside, path: join(disk, "y"), add: [b] }, /the disk is full/);
                await refused({ path: full, add: [b] }, /the disk is full/);
                assertTidy();
                assert.equal(text(join(disk, "y")), "a = 1\n");
                assert.equal(text(full), "a = 1\n");
                rmSync(room);
                await run({ state: inside, path: join(disk, "y"), ...all });
                await run({ path: full, ...all });
                assert.deepEqual(readdirSync(disk), ["state"]);
            } finally {
                execFileSync("umount", [disk]);
            }
        });

        it("is on a read-only file system, or mounted by itself", async function () {
            const disk = join(directory, "disk");
            mkdirSync(disk);
            writeFileSync(join(disk, "pip.conf"), "x = 1\n");
            writeFileSync(path, "x = 1\n");
            const mounts = [
                ["--bind", disk, disk],
                ["-o", "remount,bind,ro", disk],
                ["--bind", path, path],
            ];
            const failed = mounts.some((args) => spawnSync("mount", args).status !== 0);
            try {
                skipWithout(this, !failed, "nothing can be mounted here");
                await refused({ path: join(disk, "pip.conf"), add: [a] }, /pip\.conf: .* read-only/);
                await refused({ add: [a] }, /pip\.conf: in use, or mounted by itself/);
                assert.deepEqual(readdirSync(state), []);
            } finally {
                for (const mounted of [disk, path]) spawnSync("umount", [mounted]);
            }
        });

        /** What a run as another user says. */
        function asNobody(what: Run): string {
            const { stderr } = spawnSync(process.execPath, program, {
                uid: 65534,
                gid: 65534,
                encoding: "utf8",
                input: JSON.stringify(what),
            });
            return stderr;
        }
    });

    describe("when killed at any step", function () {
        this.timeout(300_000);

        interface Scene {
            readonly title: string;
            readonly prepare: () => Promise<void>;
            readonly what: Pick<Run, "add" | "remove">;
            /** The file before and after the run, and once all is undone. */
            readonly texts: readonly [string | undefined, string | undefined, string | undefined];
            /** Below the directory. */
            readonly file?: string;
        }
        const file = join("x", "y", "pip.conf");
        const scenes: Scene[] = [
            {
                title: "of the first run",
                prepare: () => Promise.resolve(),
                what: { add: [a] },
                texts: [undefined, "a = 1\n", undefined],
                file,
            },
            {
                title: "of a run on a file with the user's edits",
                prepare: async () => {
                    writeFileSync(path, "shared = mine");
                    await run({ add: [a] });
                    writeFileSync(path, `${text()!}new = 1\n`);
                },
                what: { add: [b] },
                texts: [
                    "shared = mine\na = 1\nnew = 1\n",
                    "shared = b\nnew = 1\na = 1\nb = 2\n",
                    "shared = mine\nnew = 1\n",
                ],
            },
            {
                title: "of an undo",
                prepare: async () => {
                    writeFileSync(path, "shared = mine");
                    await run({ add: [a, b] });
                },
                what: all,
                texts: ["shared = b\na = 1\nb = 2\n", "shared = mine", "shared = mine"],
            },
            {
                title: "of an undo that removes the file",
                prepare: () => run({ path: join(directory, file), add: [a] }),
                what: all,
                texts: ["a = 1\n", undefined, undefined],
                file,
            },
        ];
        for (const { title, prepare, what, texts, file = "pip.conf" } of scenes) {
            it(`${title}, leaves one file or the other, and all can be undone`, async () => {
                const [before, after, original] = texts;
                path = join(directory, file);
                await prepare();
                const kept = mkdtempSync(join(tmpdir(), "configure-"));
                const restore = (from: string) => {
                    rmSync(directory, { recursive: true });
                    cpSync(from, directory, { recursive: true });
                    ageLocks();
                };
                try {
                    const [start, killed] = [join(kept, "start"), join(kept, "killed")];
                    cpSync(directory, start, { recursive: true });
                    let ends: (number | string | null)[] = [];
                    for (let step = 1; ends.at(-1) !== 0; step++) {
                        restore(start);
                        const { code, said } = await inProcess({ state, path, ...what, killAt: step });
                        ends = [...ends, code];
                        assert.ok(code === "SIGKILL" || code === 0, said);
                        const now = text();
                        assert.ok(now === before || now === after, `at step ${step}: ${now}`);
                        ageLocks();
                        rmSync(killed, { recursive: true, force: true });
                        cpSync(directory, killed, { recursive: true });

                        // The same run again.
                        assert.equal(
                            await look({ state, path, ...what }),
                            after ?? "(none)",
                            `at step ${step}`,
                        );
                        await run(what);
                        assert.equal(text(), after, `at step ${step}`);
                        assertTidy();
                        await run(all);
                        assert.equal(text(), original, `at step ${step}`);
                        assert.deepEqual(readdirSync(state), []);
                        if (file !== "pip.conf") assert.deepEqual(readdirSync(directory), ["state"]);

                        // The user edits first, then undoes.
                        restore(killed);
                        if (now !== undefined) {
                            writeFileSync(path, `# edited\n${now}`);
                            await run(all);
                            assert.equal(text(), `# edited\n${original ?? ""}`, `edited at step ${step}`);
                            assertTidy();
                        }

                        // Another file's run tidies up.
                        restore(killed);
                        await run({ path: join(directory, "other"), add: [a] });
                        assertTidy();
                    }
                    assert.ok(ends.length > 10, `only ${ends.length} steps`);
                } finally {
                    rmSync(kept, { recursive: true, force: true });
                }
            });
        }
    });

    it("undoes all though the run that finishes a killed undo is killed too", async function () {
        this.timeout(300_000);
        writeFileSync(path, "shared = mine");
        await run({ add: [b] });
        const kept = mkdtempSync(join(tmpdir(), "configure-"));
        const copy = (from: string, to: string) => {
            rmSync(to, { recursive: true, force: true });
            cpSync(from, to, { recursive: true });
            ageLocks();
        };
        const record = join(state, readdirSync(state)[0]!);
        const [start, killed] = [join(kept, "start"), join(kept, "killed")];
        copy(directory, start);
        try {
            // Until everything is ready for the file to be renamed.
            for (let step = 1; !readFileSync(record, "utf8").includes('"intended"'); step++) {
                copy(start, directory);
                await inProcess({ state, path, ...all, killAt: step });
            }
            assert.equal(text(), "shared = b\nb = 2\n");
            copy(directory, killed);
            let code: number | string | null = null;
            for (let step = 1; code !== 0; step++) {
                copy(killed, directory);
                const other = { state, path: join(directory, "other"), remove: "nobody", killAt: step };
                ({ code } = await inProcess(other));
                writeFileSync(path, `# edited\n${text()!}`);
                ageLocks();
                await run(all);
                assert.equal(text(), "# edited\nshared = mine", `at step ${step}`);
                assertTidy();
            }
        } finally {
            rmSync(kept, { recursive: true, force: true });
        }
    });

    it("loses no contribution of twenty processes at once, though a killed one has left its lock", async function () {
        this.timeout(300_000);
        writeFileSync(path, "mine = 0");
        mkdirSync(join(state, "lock.lock"), { recursive: true });
        ageLocks();
        const numbers = Array.from({ length: 20 }, (_, n) => n);
        const ended = await Promise.all(
            numbers.map((n) =>
                inProcess({ state, path, add: [contribution(String(n), `key${n} = ${n}\n`)] }),
            ),
        );
        assert.deepEqual(
            ended.filter(({ code }) => code !== 0),
            [],
        );
        const lines = text()!.trimEnd().split("\n");
        assert.deepEqual(lines.sort(), ["mine = 0", ...numbers.map((n) => `key${n} = ${n}`)].sort());
        await Promise.all(numbers.slice(10).map((n) => inProcess({ state, path, remove: String(n) })));
        assert.equal(text()!.trimEnd().split("\n").length, 11);
        await run(all);
        assert.equal(text(), "mine = 0");
        assertTidy();
    });

    it("says that it waits for another run", async () => {
        let waited = 0;
        let second: Promise<void> | undefined;
        await withJournal(state, async () => {
            await new Promise<void>((resolve) => {
                second = withJournal(
                    state,
                    () => Promise.resolve(),
                    () => {
                        waited++;
                        resolve();
                    },
                );
            });
        });
        await second;
        assert.equal(waited, 1);
    });
});
