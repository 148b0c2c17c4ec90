import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { keyMaterial } from "../clients/key-material";
import { needTools } from "../clients/registry";
import { eventually } from "../deadline";
import { itInRelease, itInReleaseUnless } from "../release";
import { kill, listens, root, seesProcesses, type Started, User } from "./user";

// npm start as a user runs it.

const filesDirectory = join(root, ".sandbox", "files");
/** The ports of both servers, from the first lines. */
const ports = ({ text }: Started) =>
    [...text.matchAll(/http:\/\/127\.0\.0\.1:(\d+)/g)].map(([, port]) => Number(port));

async function assertNothingLeft(user: User, started: Started): Promise<void> {
    const used = ports(started);
    assert.equal(new Set(used.slice(0, 2)).size, 2);
    const left = async () => [
        ...user.processes(),
        ...(await user.leftovers()),
        ...(
            await Promise.all(used.map(async (port) => ((await listens(port)) ? [`port ${port}`] : [])))
        ).flat(),
    ];
    await eventually("the end of all processes and files", async () => (await left()).length === 0).catch(
        async () => {
            assert.deepEqual(await left(), []);
        },
    );
}

describe("npm start", () => {
    before(async function () {
        await needTools(this);
    });

    describe("to its end", () => {
        let user: User;
        let run: Started;
        let exitCode: number | undefined;
        const seen = new Set<string>();
        before(async () => {
            user = await User.create();
            run = user.npmStart();
            const sampling = setInterval(() => {
                user.processes().forEach((command) => seen.add(command));
            }, 10);
            exitCode = await run.ended();
            clearInterval(sampling);
        });
        after(() => user[Symbol.asyncDispose]());

        it("ends with 0, a line for each check, and the engine's name", () => {
            assert.equal(exitCode, 0, run.output);
            assert.match(run.text, /^Deployment \(in process: no plan, no diff, no state\)$/m);
            assert.deepEqual(run.text.match(/^ {2}[✔✘] .*$/gm), [
                "  ✔ python-publisher uploads a wheel and an sdist with twine (.pypirc, keyring)",
                "  ✔ python-installer installs the package with pip (pip.conf, keyring)",
                "  ✔ python-installer installs the package with pip (pip.conf, key as the password)",
                "  ✔ python-installer cannot upload (403)",
                "  ✔ a stranger cannot install (401)",
            ]);
            assert.match(run.text, /^All checks passed$/m);
        });

        it("writes the files, those with credentials for their owner only", async () => {
            const expected = {
                ".pypirc": "644",
                "pip.conf": "644",
                "README.md": "644",
                "outputs.json": "644",
                ...Object.fromEntries(
                    ["python-installer", "python-publisher"].flatMap((id) =>
                        [".pypirc", "key.json", "pip.conf"].map((file) => [join(id, file), "600"]),
                    ),
                ),
            };
            const entries = await readdir(filesDirectory, { recursive: true, withFileTypes: true });
            const written = entries
                .filter((entry) => entry.isFile())
                .map(({ parentPath, name }) => join(parentPath, name).slice(filesDirectory.length + 1));
            const modes = await Promise.all(
                written.map(async (path) => [path, (await mode(path)).toString(8)] as const),
            );
            assert.deepEqual(Object.fromEntries(modes), expected);
            assert.equal(await mode(""), 0o700);
            for (const path of written) {
                assert.ok(run.text.includes(`  .sandbox/files/${path}`));
            }
        });
        const mode = async (path: string) => (await stat(join(filesDirectory, path))).mode & 0o777;

        it("prints no key", async () => {
            const keyFiles = await Promise.all(
                ["python-installer", "python-publisher"].map((id) =>
                    readFile(join(filesDirectory, id, "key.json"), "utf8"),
                ),
            );
            assert.deepEqual(keyMaterial(run.output, keyFiles), []);
            assert.match(run.text, /^ {2}credentials: \[secret\]$/m);
        });

        it("passes no key on a command line", function () {
            if (!seesProcesses) {
                console.log(
                    "        skipped: command lines of processes are read from /proc, which Linux has",
                );
                this.skip();
            }
            for (const tool of [
                "twine upload",
                "pip install",
                "packages/sandbox/src/main.ts",
                "in-process-program.ts",
            ]) {
                assert.ok(
                    [...seen].some((command) => command.includes(tool)),
                    `${tool} was not seen among:\n${[...seen].join("\n")}`,
                );
            }
            assert.deepEqual(keyMaterial([...seen].join("\n")), []);
        });

        it("prints no escape codes where there is no terminal", () => {
            assert.ok(!run.output.includes("\x1b"));
        });

        it("leaves nothing", () => assertNothingLeft(user, run));
    });

    it("explains its options with --help", async () => {
        await using user = await User.create();
        const run = user.npmStart("--help");
        assert.equal(await run.ended(), 0);
        for (const said of [
            /--keep\s+keep the sandbox running until you press\s+Ctrl-C/,
            /--engine <engine>/,
            /"in-process"/,
        ]) {
            assert.match(run.text, said);
        }
        assert.deepEqual(await user.leftovers(), []);
    });

    itInRelease("refuses an option that it does not know", async () => {
        await using user = await User.create();
        const run = user.npmStart("--kep");
        assert.equal(await run.ended(), 1);
        assert.match(run.text, /unknown option '--kep'\n\(Did you mean --keep\?\)/);
    });

    it("ends with 1 if checks fail, and shows the output of the tools, without a key", async () => {
        await using user = await User.create();
        const run = user.start(
            "node",
            "--conditions=source",
            ...["./typescript.cjs", "./test/start/refuse-uploads.ts"].flatMap((module) => [
                "--require",
                module,
            ]),
            "packages/sandbox/src/main.ts",
            "--engine=in-process",
        );
        assert.equal(await run.ended(), 1, run.output);
        assert.match(
            run.text,
            /^ {2}✘ python-publisher uploads .*\n {2}exit code 1\n(.*\n)*.*403 Forbidden/m,
        );
        assert.match(
            run.text,
            /^ {2}✘ python-installer installs .*\n {2}exit code 1\n(.*\n)*.*No matching distribution/m,
        );
        assert.match(run.text, /^ {2}✔ python-installer cannot upload/m);
        assert.match(run.text, /^3 checks failed$/m);
        assert.ok(!run.output.includes("\x1b"), "nor escape codes of the tools'");
        assert.deepEqual(keyMaterial(run.output), []);
        await assertNothingLeft(user, run);
    });

    it("keeps running with --keep, and can be used as it says, until Ctrl-C", async () => {
        await using user = await User.create();
        const run = user.npmStart("--keep");
        await run.says("Press Ctrl-C to stop it.");
        for (const port of ports(run).slice(0, 2)) {
            assert.ok(await listens(port));
        }

        // The commands that it prints, pasted into another terminal.
        const script = run.text.match(/^(export|pip) .*$/gm)!.join("\n");
        await using other = await User.create();
        const terminal = other.start("sh", "-c", script);
        assert.equal(await terminal.ended(), 0, terminal.output);
        assert.match(terminal.text, /^Successfully installed sandbox-sample-1\.0\.0$/m);

        run.signal("SIGINT");
        await run.ended();
        await assertNothingLeft(user, run);
    });

    itInRelease("leaves nothing on SIGTERM", async () => {
        await using user = await User.create();
        const run = user.npmStart();
        await run.says("Checks");
        run.signal("SIGTERM");
        assert.notEqual(await run.ended(), 0);
        await assertNothingLeft(user, run);
    });

    for (const [moment, said] of [
        ["while it deploys", "Deployment"],
        ["while it verifies the files", "Checks"],
    ] as const) {
        itInReleaseUnless(said === "Checks", `leaves nothing when npm is killed ${moment}`, async () => {
            await using user = await User.create();
            const run = user.npmStart("--keep");
            await run.says(said);
            kill(run.pid, "SIGKILL");
            assert.equal(await run.ended(), undefined);
            await assertNothingLeft(user, run);
        });
    }

    itInRelease("leaves nothing when a script that runs it is killed", async () => {
        await using user = await User.create();
        const script = `
            const child = require("node:child_process").spawn(
                process.execPath,
                ["--conditions=source", "--require", "./typescript.cjs", "packages/sandbox/src/main.ts", "--keep", "--engine", "in-process"],
                { stdio: "inherit" },
            );
            console.log("child", child.pid);`;
        const run = user.start("node", "-e", script);
        await run.says("Press Ctrl-C to stop it.");
        const pid = Number(/^child (\d+)$/m.exec(run.text)?.[1]);
        process.kill(pid, 0);
        kill(run.pid, "SIGKILL");
        await eventually("the end of npm start", () => {
            try {
                process.kill(pid, 0);
                return false;
            } catch {
                return true;
            }
        });
        await assertNothingLeft(user, run);
    });

    // The terminal sends SIGHUP.
    itInRelease("uses colors in a terminal, and leaves nothing when that is closed", async function () {
        if (spawnSync("python3", ["-c", "import pty"]).status !== 0) {
            console.log("      skipped: python3 with its pty module is missing, which emulates the terminal");
            this.skip();
        }
        await using user = await User.create();
        user.environment["TERM"] = "xterm-256color";
        delete user.environment["CI"];
        const terminal = user.start(
            "python3",
            "-c",
            'import pty; pty.spawn("npm start -- --engine in-process".split())',
        );
        await terminal.says("Checks");
        assert.ok(terminal.output.includes("\x1b[1mSandbox\x1b[22m"), terminal.output);
        kill(terminal.pid, "SIGKILL");
        await terminal.ended();
        await assertNothingLeft(user, terminal);
    });
});
