import assert from "node:assert/strict";
import { execa } from "execa";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { recording, recordingFile } from "./recorded-previews";

// The command `npm run review`, as a process.

const root = join(__dirname, "..", "..");

describe("npm run review", () => {
    let directory: string;
    beforeEach(async () => {
        directory = await mkdtemp(join(tmpdir(), "python-registry-review-"));
    });
    afterEach(() => rm(directory, { recursive: true }));

    const review = (...args: string[]) =>
        execa(
            process.execPath,
            [
                "--conditions=source",
                "--require",
                "./typescript.cjs",
                "packages/operations/src/review/main.ts",
                ...args,
            ],
            {
                cwd: root,
                reject: false,
                stdin: "ignore",
            },
        );

    it("prints the comment on recorded previews, and nothing else, to standard output", async () => {
        const { exitCode, stdout, stderr } = await review("--from", recordingFile("readers"));
        assert.deepEqual([exitCode, stderr], [0, ""]);
        assert.equal(`${stdout}\n`, await readFile(recordingFile("readers").replace(/jsonl$/, "md"), "utf8"));
    });

    it("writes files if asked, and names the file of what does not fit", async () => {
        const [output, details] = [join(directory, "comment.md"), join(directory, "review.md")];
        const files = ["--output", output, "--details", details];
        const { exitCode, stdout } = await review(
            "--from",
            recordingFile("replaced"),
            ...files,
            "--limit",
            "2000",
        );
        assert.deepEqual([exitCode, stdout], [0, ""]);
        const comment = await readFile(output, "utf8");
        assert.ok(comment.length <= 2000 && comment.includes(details), comment);
        assert.equal(
            await readFile(details, "utf8"),
            await readFile(recordingFile("replaced").replace(/jsonl$/, "md"), "utf8"),
        );
    });

    it("has the exit code 1 and the message in the comment if a preview failed", async () => {
        const { exitCode, stdout } = await review(
            "--from",
            recordingFile("readers"),
            "--from",
            recordingFile("invalid"),
        );
        assert.equal(exitCode, 1);
        assert.match(stdout, /### Failed[^]*readers\[0\]: "nobody" is not an IAM principal/);
    });

    it("has the exit code 2 if something is not shown, and 3 if something changes that is not expected to", async () => {
        const file = join(directory, "dev.json");
        const events = (await recording("unchanged")).split("\n");
        await writeFile(
            file,
            events
                .filter((line) => !line.includes('"gcp:artifactregistry/repository:Repository"'))
                .join("\n"),
        );
        const cut = await review("--from", file, "--expect-no-changes");
        assert.equal(cut.exitCode, 2);
        assert.match(cut.stdout, /### Not shown\n\n- \*\*The events are incomplete\.\*\*/);
        const codes = ["unchanged", "readers"].map(async (name) => {
            const { exitCode } = await review("--from", recordingFile(name), "--expect-no-changes");
            return exitCode;
        });
        assert.deepEqual(await Promise.all(codes), [0, 3]);
        const { stdout: help } = await review("--help");
        assert.match(help, /--policy-pack-config/);
        for (const code of [0, 1, 2, 3]) assert.match(help, new RegExp(`^ {2}${code} {2}`, "m"));
    });

    it("prints an error on one line that is no command of a runner", async () => {
        const { exitCode, stderr } = await review(
            "--from",
            join(directory, "a\n::error::x\u001b[31m##[error]y"),
        );
        assert.equal(exitCode, 1);
        assert.doesNotMatch(stderr, /^::|##\[/m);
        assert.ok(!stderr.includes("\u001b"));
    });

    it("takes the name of a stack without events from its file", async () => {
        const empty = join(directory, "prod.json");
        await writeFile(empty, "");
        const { exitCode, stdout } = await review("--from", empty);
        assert.equal(exitCode, 1);
        assert.match(
            stdout,
            /## Preview of `prod`\n\n### Failed\n\n- The preview failed, and the engine gave no reason\./,
        );
    });

    it("reads events after other lines, as of a CLI that warns", async () => {
        const file = join(directory, "dev.json");
        await writeFile(
            file,
            `warning: a new version of Pulumi is available\n${await recording("unchanged")}`,
        );
        assert.equal((await review("--from", file)).stdout, "No changes: `dev`.");
    });

    it("says in one message what is wrong with the command line", async () => {
        const digest = join(directory, "dev.json");
        await writeFile(digest, '{\n    "steps": []\n}\n');
        const cases: readonly (readonly [args: readonly string[], message: RegExp])[] = [
            [[], /Name the stacks with --stack, or recorded previews with --from$/],
            [
                ["--from", digest],
                /is not a recorded preview\. Record it with: PULUMI_ENABLE_STREAMING_JSON_PREVIEW=true/,
            ],
            [["--from", join(directory, "none")], /ENOENT/],
            [["--stack", "dev", "--from", digest], /cannot be used with/],
            [["--stack", "dev", "--limit", "12"], /a number from 2000 on/],
        ];
        for (const [args, message] of cases) {
            const { exitCode, stdout, stderr } = await review(...args);
            assert.deepEqual([exitCode, stdout], [1, ""], args.join(" "));
            assert.match(stderr, message);
            assert.equal(stderr.split("\n").length, 1, stderr);
        }
    });
});
