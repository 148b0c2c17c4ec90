import { strict as assert } from "node:assert";
import { execFile, execFileSync, spawnSync } from "node:child_process";
import {
    chmodSync,
    chownSync,
    cpSync,
    mkdirSync,
    mkdtempSync,
    readdirSync,
    readFileSync,
    rmSync,
    writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { itInRelease } from "../release";
import {
    ageLocks,
    applyRun,
    assertTidy,
    getEdit,
    plannedText,
    type Run,
    skipWithout,
    temporaryFiles,
    findText,
} from "./journal-fixture";

// The journal in separate processes: killed, many at once, as another user, on a full or read-only disk.

const isRoot = process.getuid?.() === 0;
/** A user that is not root, and its group. */
const nobody = 65534;
const all = { remove: "all" };

let directory: string;
let state: string;
let path: string;

async function run(what: Partial<Run>): Promise<void> {
    await applyRun({ state, path, ...what });
}

function text(file = path): string | undefined {
    return findText(file);
}

const program = [
    "--conditions=source",
    "-r",
    join(__dirname, "..", "..", "typescript.cjs"),
    join(__dirname, "killable-run.ts"),
];

/** Whether root can act as nobody, and all folders above a folder let that user in. */
function nobodyReaches(folder: string): boolean {
    const options = { cwd: "/", uid: nobody, gid: nobody };
    return spawnSync("/bin/sh", ["-c", 'cd "$0"', folder], options).status === 0;
}

/** Does a run in its own process. Returns its exit code or signal, and its standard error. */
function inProcess(what: Run): Promise<{ code: number | string | null; stderr: string }> {
    return new Promise((resolve) => {
        const child = execFile(process.execPath, program, (_error, _out, stderr) => {
            resolve({ code: child.exitCode ?? child.signalCode, stderr });
        });
        child.stdin?.end(JSON.stringify(what));
    });
}

const a = getEdit("a", "a = 1\n");
const b = getEdit("b", "b = 2\nshared = b\n");

describe("the journal, in several processes", () => {
    beforeEach(() => {
        ({ directory, state, path } = temporaryFiles());
    });
    afterEach(() => {
        rmSync(directory, { recursive: true, force: true });
    });

    describe("what cannot be written", () => {
        /** Asserts that the run fails with a message and changes nothing. */
        async function refused(what: Partial<Run>, message: RegExp): Promise<void> {
            const before = text();
            await assert.rejects(run(what), (error: Error) => {
                assert.match(error.message, message);
                return true;
            });
            assert.equal(text(), before);
            assertTidy(directory);
        }

        it("is a file that would get a different owner, or that cannot be read", function () {
            skipWithout(this, isRoot, "only root can act for two users");
            chmodSync(directory, 0o777);
            skipWithout(this, nobodyReaches(directory), `user ${nobody} cannot reach files in ${tmpdir()}`);
            writeFileSync(path, "x = 1\n");
            chmodSync(path, 0o644);
            const asUser = (what: Partial<Run>) =>
                asNobody({ state: join(directory, "other-state"), path, ...what });
            assert.match(asUser({ add: [a] }), /pip\.conf: the file would get a different owner or group/);
            chmodSync(path, 0);
            assert.match(asUser({ add: [a] }), /pip\.conf: permission denied/);
            chmodSync(path, 0o644);
            assert.equal(text(), "x = 1\n");
            assertTidy(directory);
        });

        it("is a file in a read-only directory", async function () {
            const closed = join(directory, "closed");
            mkdirSync(closed);
            writeFileSync(join(closed, "pip.conf"), "x = 1\n");
            chmodSync(directory, 0o777);
            chmodSync(closed, 0o555);
            skipWithout(
                this,
                !isRoot || nobodyReaches(closed),
                `user ${nobody} cannot reach files in ${tmpdir()}`,
            );
            const what = { state: join(directory, "other-state"), path: join(closed, "pip.conf"), add: [a] };
            if (isRoot) {
                chownSync(join(closed, "pip.conf"), nobody, nobody);
                assert.match(asNobody(what), /closed.pip\.conf: permission denied/);
                assert.match(
                    asNobody({ ...what, path: join(closed, "x", "y") }),
                    /closed.x: permission denied/,
                );
            } else {
                await assert.rejects(applyRun(what), /closed.pip\.conf: permission denied/);
            }
            chmodSync(closed, 0o755);
            assert.deepEqual(readdirSync(closed), ["pip.conf"]);
            assert.deepEqual(readdirSync(what.state), []);
        });

        it("is larger than the limit at which the system kills Node", async () => {
            writeFileSync(path, "x = 1\n");
            const large = getEdit("a", `a = ${"1".repeat(9000)}\n`);
            const limited = ["-c", 'ulimit -f 2 && exec "$0" "$@"', process.execPath, ...program];
            const input = JSON.stringify({ state, path, add: [large] });
            assert.equal(spawnSync("sh", limited, { input }).signal, "SIGXFSZ");
            assert.equal(text(), "x = 1\n");
            ageLocks(state);
            await run(all);
            assertTidy(directory);
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
                const large = getEdit("b", `b = ${"1".repeat(100_000)}\n`);
                const room = join(disk, "room");
                await refused({ path: full, add: [large] }, /x.pip\.conf: the disk is full: free some space/);
                assert.deepEqual([readdirSync(disk), readdirSync(state)], [[], []]);
                await run({ path: full, add: [a] });
                // With the state directory on the full disk too.
                const inside = join(disk, "state");
                await run({ state: inside, path: join(disk, "y"), add: [a] });
                spawnSync("sh", ["-c", 'cat /dev/zero > "$0" 2>&1', room]);
                await refused({ state: inside, path: join(disk, "y"), add: [b] }, /the disk is full/);
                await refused({ path: full, add: [b] }, /the disk is full/);
                assertTidy(directory);
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
                await refused(
                    { path: join(disk, "pip.conf"), add: [a] },
                    /pip\.conf: the file system is read-only/,
                );
                await refused(
                    { add: [a] },
                    /pip\.conf: the file cannot be replaced: it is in use, or mounted by itself/,
                );
                assert.deepEqual(readdirSync(state), []);
            } finally {
                for (const mounted of [disk, path]) spawnSync("umount", [mounted]);
            }
        });

        /** The standard error of a run as another user. */
        function asNobody(what: Run): string {
            const input = JSON.stringify({ ...what, user: nobody });
            return spawnSync(process.execPath, program, { encoding: "utf8", input }).stderr;
        }
    });

    describe("when killed at any step", () => {
        interface Scene {
            readonly title: string;
            readonly prepare: () => Promise<void>;
            readonly what: Pick<Run, "add" | "remove">;
            /** The file before the run, after it, and after everything is undone. */
            readonly texts: readonly [string | undefined, string | undefined, string | undefined];
            /** Relative to the directory. */
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
            // npm test kills an undo that removes the file.
            const test = title === "of an undo that removes the file" ? it : itInRelease;
            test(`${title}, leaves the old or the new file, and everything can be undone`, async () => {
                const [before, after, original] = texts;
                path = join(directory, file);
                await prepare();
                const kept = mkdtempSync(join(tmpdir(), "configure-"));
                const restore = (from: string) => {
                    rmSync(directory, { recursive: true });
                    cpSync(from, directory, { recursive: true });
                    ageLocks(state);
                };
                try {
                    const [start, killed] = [join(kept, "start"), join(kept, "killed")];
                    cpSync(directory, start, { recursive: true });
                    let ends: (number | string | null)[] = [];
                    for (let step = 1; ends.at(-1) !== 0; step++) {
                        restore(start);
                        const { code, stderr } = await inProcess({ state, path, ...what, killAt: step });
                        ends = [...ends, code];
                        assert.ok(code === "SIGKILL" || code === 0, stderr);
                        const now = text();
                        assert.ok(now === before || now === after, `at step ${step}: ${now}`);
                        ageLocks(state);
                        rmSync(killed, { recursive: true, force: true });
                        cpSync(directory, killed, { recursive: true });

                        // The same run again.
                        assert.equal(
                            await plannedText({ state, path, ...what }),
                            after ?? "(none)",
                            `at step ${step}`,
                        );
                        await run(what);
                        assert.equal(text(), after, `at step ${step}`);
                        assertTidy(directory);
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
                            assertTidy(directory);
                        }

                        // A run on another file cleans up.
                        restore(killed);
                        await run({ path: join(directory, "other"), add: [a] });
                        assertTidy(directory);
                    }
                    assert.ok(ends.length > 10, `only ${ends.length} steps`);
                } finally {
                    rmSync(kept, { recursive: true, force: true });
                }
            });
        }
    });

    itInRelease("undoes everything even if the run that recovers a killed undo is killed too", async () => {
        writeFileSync(path, "shared = mine");
        await run({ add: [b] });
        const kept = mkdtempSync(join(tmpdir(), "configure-"));
        const copy = (from: string, to: string) => {
            rmSync(to, { recursive: true, force: true });
            cpSync(from, to, { recursive: true });
            ageLocks(state);
        };
        const record = join(state, readdirSync(state)[0]!);
        const [start, killed] = [join(kept, "start"), join(kept, "killed")];
        copy(directory, start);
        try {
            // Until the file is about to be renamed.
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
                ageLocks(state);
                await run(all);
                assert.equal(text(), "# edited\nshared = mine", `at step ${step}`);
                assertTidy(directory);
            }
        } finally {
            rmSync(kept, { recursive: true, force: true });
        }
    });

    it("loses no edit of twenty processes at once, even if a killed one has left its lock", async () => {
        writeFileSync(path, "mine = 0");
        mkdirSync(join(state, "lock.lock"), { recursive: true });
        ageLocks(state);
        const numbers = Array.from({ length: 20 }, (_, n) => n);
        const ended = await Promise.all(
            numbers.map((n) => inProcess({ state, path, add: [getEdit(String(n), `key${n} = ${n}\n`)] })),
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
        assertTidy(directory);
    });
});
