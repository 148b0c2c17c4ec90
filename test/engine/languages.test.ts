import { execa } from "execa";
import assert from "node:assert/strict";
import { cp, mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PulumiCli } from "../../packages/operations/src/pulumi-cli";
import { PulumiEngine } from "../../packages/sandbox/src/engines/pulumi-engine";
import { type Sandbox, startSandbox } from "../../packages/sandbox/src/sandbox";
import { needCli } from "./engine-stack";

// The programs in examples/languages/, each with the SDK that the CLI generates for its language, against the sandbox.

const root = join(__dirname, "..", "..");
const project = "sandbox-project";

/** The commands that each language needs beside the CLI. */
const languages: Readonly<Record<string, readonly string[]>> = {
    yaml: ["pulumi-language-yaml"],
    python: ["pulumi-language-python", "python3"],
    go: ["pulumi-language-go", "go"],
    typescript: ["pulumi-language-nodejs"],
};

describe("the examples in other languages", () => {
    let cli: PulumiCli;
    let sandbox: Sandbox | undefined;
    let directory: string | undefined;
    /** The folder of the plugin: in a clone, because the CLI removes the development dependencies. */
    let plugin: string;
    before(async function () {
        cli = await needCli(this);
        directory = await mkdtemp(join(tmpdir(), "python-registry-languages-"));
        // A commit of what is here, with a tag. For an https address, the CLI clones the repository at the tag.
        const repository = join(directory, "repository.git");
        const clone = join(directory, "clone");
        const git = (...args: string[]) =>
            execa(
                "git",
                [
                    "-c",
                    `safe.directory=${root}`,
                    "-c",
                    "user.name=test",
                    "-c",
                    "user.email=test@example.com",
                    ...args,
                ],
                { cwd: root, env: { GIT_DIR: repository, GIT_WORK_TREE: root } },
            );
        await git("init", "--quiet");
        await git("add", "--all");
        await git("commit", "--quiet", "--no-verify", "--message", "A release");
        await git("tag", "v0.0.0");
        const { GIT_DIR: _d, GIT_WORK_TREE: _w, ...env } = process.env;
        await execa("git", ["clone", "--quiet", "--branch", "v0.0.0", repository, clone], {
            env,
            extendEnv: false,
        });
        plugin = join(clone, "packages", "registry");
    });
    afterEach(() => sandbox?.close());
    after(async () => {
        if (directory !== undefined) await rm(directory, { recursive: true });
    });

    for (const [language, needed] of Object.entries(languages)) {
        it(`make a registry in ${language}, and its pip.conf`, async function () {
            for (const command of needed) {
                const { failed } = await execa("which", [command], { env: cli.environment, reject: false });
                if (!failed) continue;
                console.log(`    skipped: this machine lacks ${command}`);
                this.skip();
            }
            sandbox = await startSandbox({ project });
            assert.ok(directory);
            const folder = join(directory, language);
            await cp(join(root, "examples", "languages", language), folder, { recursive: true });
            const engine = new PulumiEngine(cli, folder);
            await mkdir(join(folder, "state"));
            await engine.configure({
                stack: "dev",
                config: {
                    // The YAML program reads a key of its own, because it can declare no other.
                    ...(language === "yaml" ? { "acme-packages:project": project } : {}),
                    "gcp:project": project,
                    ...sandbox.providerConfig,
                },
            });
            await engine.run(["stack", "init", "dev", "--no-select"]);
            await engine.run(["package", "add", plugin]);
            const up = ["up", "--yes", "--skip-preview", "--stack", "dev"];
            await engine.run(up);
            const { pipConf, access } = await engine.outputs("dev");
            assert.match(
                String(pipConf?.value),
                /^extra-index-url = https:\/\/europe-west1-python\.pkg\.dev\/sandbox-project\/python\/simple\/$/m,
            );
            assert.deepEqual(access?.value, {
                reader: ["group:developers@example.com"],
                writer: [`serviceAccount:python-publisher@${project}.iam.gserviceaccount.com`],
                admin: [],
            });
            if (language !== "yaml") {
                assert.equal(await readFile(join(folder, "pip.conf"), "utf8"), pipConf?.value);
            }
            await engine.run([...up, "--expect-no-changes"]);
        });
    }
});
