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
        const clone = join(directory, "python-registry");
        const options = ["-c", `safe.directory=${root}`];
        const { stdout } = await execa(
            "git",
            [...options, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            { cwd: root },
        );
        for (const path of stdout.split("\0").filter((each) => /^(?:packages|[^/]+$)/.test(each))) {
            await cp(join(root, path), join(clone, path)).catch((error: unknown) => {
                // Deleted, and not committed yet.
                if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
            });
        }
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
