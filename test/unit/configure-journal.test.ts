import { strict as assert } from "node:assert";
import {
    chmodSync,
    chownSync,
    existsSync,
    linkSync,
    lstatSync,
    mkdirSync,
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
import { join } from "node:path";
import fc from "fast-check";
import { formats } from "../../packages/configure/src/formats/formats";
import { JournalReader, withJournal } from "../../packages/configure/src/journal/journal";
import {
    ageLocks,
    applyRun,
    assertTidy,
    getChange,
    getEdit,
    lineFormat,
    getMode,
    plannedText,
    type Run,
    skipWithout,
    temporaryFiles,
    findText,
} from "../configure/journal-fixture";

const isRoot = process.getuid?.() === 0;
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

const a = getEdit("a", "a = 1\n");
const b = getEdit("b", "b = 2\nshared = b\n");

describe("the journal", () => {
    beforeEach(() => {
        ({ directory, state, path } = temporaryFiles());
    });
    afterEach(() => {
        rmSync(directory, { recursive: true, force: true });
    });

    it("adds an edit and restores the original", async () => {
        writeFileSync(path, "mine = 0\nshared = mine");
        await run({ add: [b] });
        assert.equal(text(), "mine = 0\nshared = b\nb = 2\n");
        await run(all);
        assert.equal(text(), "mine = 0\nshared = mine");
        assertTidy(directory);
        assert.deepEqual(readdirSync(state), []);
    });

    it("recovers from a run that was killed at its end, and from an unfinished record", async () => {
        writeFileSync(path, "mine = 0\n");
        await run({ add: [a] });
        const [name = ""] = readdirSync(state);
        const record = JSON.parse(readFileSync(join(state, name), "utf8")) as { state: object };
        const base = Buffer.from("mine = 0\n").toString("base64");
        const killed = {
            ...record,
            state: { base, content: base, edits: [] },
            intended: record.state,
            temporary: ".python-registry.abcdefabcdef",
        };
        writeFileSync(join(state, name), JSON.stringify(killed));
        writeFileSync(join(state, `${name}.new`), '{"ver');
        const owners = [{ registry: "a", tool: "pip", scope: "user" }];
        // Also to a look that may finish nothing.
        assert.deepEqual(await new JournalReader(state).files(), [{ path, owners }]);
        await withJournal(state, async (journal) => {
            assert.deepEqual(await journal.files(), [{ path, owners }]);
        });
        assertTidy(directory);
        await run(all);
        assert.equal(text(), "mine = 0\n");
    });

    it("keeps the edits of several owners apart", async () => {
        writeFileSync(path, "shared = mine\n");
        await run({ add: [a, b] });
        await run({ remove: "a" });
        assert.equal(text(), "shared = b\nb = 2\n");
        await run({ add: [a] });
        await run({ remove: "b" });
        assert.equal(text(), "shared = mine\na = 1\n");
        await run({ add: [getEdit("a", "new = 1\n")] });
        assert.equal(text(), "shared = mine\nnew = 1\n");
        assert.deepEqual(await new JournalReader(state).files(), [
            { path, owners: [{ registry: "a", tool: "pip", scope: "user" }] },
        ]);
        await run({ remove: "a" });
        assert.equal(text(), "shared = mine\n");
        assert.deepEqual(await new JournalReader(state).files(), []);
    });

    it("writes nothing if nothing changes", async () => {
        await run({ add: [a] });
        utimesSync(path, 1000, 1000);
        const [record] = readdirSync(state);
        utimesSync(join(state, record!), 1000, 1000);
        await run({ add: [a] });
        await run({ remove: "nobody" });
        assert.equal(statSync(path).mtimeMs, 1_000_000);
        assert.equal(statSync(join(state, record!)).mtimeMs, 1_000_000);
    });

    it("keeps what the user edits between runs, even if a removal removes nothing", async () => {
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

    it("keeps a line that the user already had", async () => {
        writeFileSync(path, "a = 1\n");
        await run({ add: [a] });
        await run(all);
        assert.equal(text(), "a = 1\n");
        assert.deepEqual(readdirSync(state), []);
    });

    it("does not restore a file that the user removed", async () => {
        writeFileSync(path, "mine = 0\n");
        await run({ add: [a] });
        rmSync(path);
        await run(all);
        assert.equal(text(), undefined);
        assert.deepEqual(readdirSync(state), []);
    });

    it("removes the file and the directories that it created; shared directories go with the last file", async () => {
        const [one, other] = ["one", "other"].map((name) => join(directory, "x", "y", name));
        await run({ path: one!, add: [a] });
        await run({ path: other!, add: [a] });
        assert.equal(getMode(join(directory, "x")), "700");
        await run({ path: one!, ...all });
        assert.ok(existsSync(other!));
        await run({ path: other!, ...all });
        assert.deepEqual(readdirSync(directory), ["state"]);
    });

    it("keeps a directory that contains other files", async () => {
        const file = join(directory, "x", "y", "pip.conf");
        await run({ path: file, add: [a] });
        writeFileSync(join(directory, "x", "mine"), "");
        await run({ path: file, ...all });
        assert.deepEqual(readdirSync(join(directory, "x")), ["mine"]);
    });

    it("plans without a state directory, and writes nothing", async () => {
        assert.equal(await plannedText({ state, path, add: [a] }), "a = 1\n");
        assert.deepEqual(readdirSync(directory), []);
    });

    it("reports what a plan adds, and what the format says of a removal", async () => {
        const getFormat = () => lineFormat;
        const reader = new JournalReader(state);
        const secret = getEdit("s", "s = 1\n", true);
        writeFileSync(path, "x = 1\n", { mode: 0o640 });
        chmodSync(path, 0o640);
        await run({ add: [a] });
        const plan = await reader.plan(path, { add: [secret] }, getFormat);
        assert.equal(plan.mode, 0o640);
        assert.equal(plan.secret, true);
        assert.deepEqual([plan.previousEdits, plan.edits], [[a], [a, secret]]);
        assert.deepEqual(plan.notices, ["merged 6"]);
        const { notices } = await reader.plan(path, { remove: () => true }, getFormat);
        assert.deepEqual(notices, []);
        writeFileSync(path, "x = 1\na = 1\ny = 2\n");
        assert.deepEqual((await reader.plan(path, { remove: () => true }, getFormat)).notices, ["reverted"]);
    });

    it("keeps its state unreadable for other users", async () => {
        mkdirSync(state, { mode: 0o755 });
        await run({ add: [getEdit("a", "password = 1\n", true)] });
        assert.equal(getMode(state), "700");
        assert.deepEqual(
            readdirSync(state).map((name) => getMode(join(state, name))),
            ["600"],
        );
    });

    for (const [what, damage] of [
        ["cut off", (record: string) => record.slice(0, -20)],
        ["with the path of another file", (record: string) => record.replace("pip.conf", "pip.toml")],
        ["with a temporary file elsewhere", (record: string) => record.replace("{", '{"temporary":"../x",')],
        ["of another version", (record: string) => record.replace('"version":1', '"version":2')],
    ] as const) {
        it(`refuses a record ${what}, and changes nothing`, async () => {
            await run({ add: [getEdit("a", "password = hidden\n", true)] });
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

    it("refuses to overwrite a file that changed after the plan", async () => {
        writeFileSync(path, "mine = 0\n");
        await withJournal(state, async (journal) => {
            const plan = await journal.plan(path, getChange({ add: [a] }), () => lineFormat);
            writeFileSync(path, "mine = 1\n");
            await assert.rejects(journal.commit(plan), /pip\.conf: The file changed during this run/);
        });
        assert.equal(text(), "mine = 1\n");
        assertTidy(directory);
        assert.deepEqual(readdirSync(state), []);
    });

    it("refuses to overwrite a file that changes during the commit", async () => {
        writeFileSync(path, "mine = 0\n");
        const { rename } = promises;
        try {
            promises.rename = async (...args) => {
                writeFileSync(path, "mine = 1\n");
                await rename(...args);
            };
            await assert.rejects(run({ add: [a] }), /pip\.conf: The file changed during this run/);
        } finally {
            promises.rename = rename;
        }
        assert.equal(text(), "mine = 1\n");
        assertTidy(directory);
        assert.deepEqual(readdirSync(state), []);
    });

    it("does not write after another run has taken over its lock", async () => {
        await withJournal(state, async (journal) => {
            const plan = await journal.plan(path, getChange({ add: [a] }), () => lineFormat);
            // As if this process had been suspended until its lock expired.
            ageLocks(state);
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

        it("returns the user's edits applied to the original", async () => {
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
                    numRuns: 20,
                    // Our ending on the last line, whose text is the same as that of a line with a different ending.
                    examples: [[Buffer.from("shared = 2\nshared = 2"), ["# two\r\n"], ["# one\n"]]],
                },
            );
        });

        it("returns the original bytes, even of a binary file", async () => {
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
                { numRuns: 20 },
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
                const add = [{ ...getEdit("r", ours), format }];
                await withJournal(state, async (journal) => {
                    await journal.commit(await journal.plan(path, { add }, () => formats[format]));
                });
                assert.ok(text()!.includes("ours.example"));
                writeFileSync(path, `# new\n${text()!}`);
                await withJournal(state, async (journal) => {
                    const plan = await journal.plan(path, { remove: () => true }, () => formats[format]);
                    await journal.commit(plan);
                });
                assert.equal(text(), `# new\n${original}`);
            }
        });
    });

    describe("permissions and links", () => {
        for (const mode of [0o600, 0o640, 0o644]) {
            it(`keep the mode ${mode.toString(8)}, also for a credential`, async () => {
                writeFileSync(path, "x = 1\n");
                chmodSync(path, mode);
                await run({ add: [getEdit("a", "password = 1\n", true)] });
                assert.equal(getMode(path), mode.toString(8));
                await run(all);
                assert.equal(getMode(path), mode.toString(8));
            });
        }

        it("let other users read a new file if the umask permits it and it contains no credential", async () => {
            const umask = process.umask(0o027);
            try {
                await run({ add: [a] });
            } finally {
                process.umask(umask);
            }
            assert.equal(getMode(path), "640");
            await run({ add: [getEdit("s", "password = 1\n", true)] });
            assert.equal(getMode(path), "600");
        });

        it("keep the owner", async function () {
            skipWithout(this, isRoot, "only root can give a file away");
            writeFileSync(path, "x = 1\n");
            chownSync(path, 12345, 54321);
            await run({ add: [a] });
            const { uid, gid } = statSync(path);
            assert.deepEqual([uid, gid], [12345, 54321]);
        });

        it("follow links and keep them", async () => {
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

        it("write to the target of a dangling link", async () => {
            mkdirSync(join(directory, "real"));
            symlinkSync("real/pip.conf", path);
            await run({ add: [a] });
            assert.equal(text(join(directory, "real", "pip.conf")), "a = 1\n");
            await run(all);
            assert.deepEqual(readdirSync(join(directory, "real")), []);
            assert.ok(lstatSync(path).isSymbolicLink());
        });

        it("refuse a link to a missing directory", async () => {
            symlinkSync("away/real/pip.conf", path);
            symlinkSync("away/real", join(directory, "x"));
            await assert.rejects(
                run({ add: [a] }),
                /pip\.conf: this is a link to .*, but the directory of that file is missing/,
            );
            await assert.rejects(
                run({ path: join(directory, "x", "y"), add: [a] }),
                /x: this is a link to .* is missing/,
            );
            assert.ok(!existsSync(join(directory, "away")));
        });

        it("report that hard links are not followed", async () => {
            writeFileSync(path, "x = 1\n");
            linkSync(path, join(directory, "again"));
            const { notices } = await new JournalReader(state).plan(
                path,
                getChange({ add: [a] }),
                () => lineFormat,
            );
            assert.match(notices.at(-1)!, /hard links/);
        });
    });

    describe("what cannot be written", () => {
        it("is a directory, a device, or a path below a file", async () => {
            mkdirSync(path);
            await assert.rejects(run({ add: [a] }), /pip\.conf: this is a directory, not a file/);
            await assert.rejects(run({ path: "/dev/null", add: [a] }), /\/dev\/null: this is a device/);
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
            await assert.rejects(run({ add: [a] }), /pip\.conf: this link points to itself/);
        });
    });

    it("reports that it waits for another run", async () => {
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
