import { execa } from "execa";
import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { pathToFileURL } from "node:url";
import { parse } from "yaml";
import type { PulumiCli } from "../../packages/operations/src/pulumi-cli";
import { type Sandbox, startSandbox } from "../../packages/sandbox/src/sandbox";
import { needCli, project } from "./engine-stack";

// `pulumi new` with the template, and a preview of the project that it makes.

const root = join(__dirname, "..", "..");

describe("a project from pulumi new", () => {
    let cli: PulumiCli;
    let sandbox: Sandbox;
    let directory: string;
    before(async function () {
        cli = await needCli(this);
    });
    beforeEach(async () => {
        sandbox = await startSandbox({ project });
        directory = await mkdtemp(join(tmpdir(), "python-registry-new-"));
    });
    afterEach(async () => {
        await sandbox.close();
        await rm(directory, { recursive: true });
    });

    it("has a stack with the answers, passes its tests, and previews under any name", async () => {
        const [template, made, state, bin] = ["template", "acme", "state", "bin"].map((name) =>
            join(directory, name),
        ) as [string, string, string, string];
        const main = join(root, "packages/operations/src/template/main.ts");
        await execa(
            process.execPath,
            ["--conditions=source", "--require", join(root, "typescript.cjs"), main, template],
            {
                cwd: root,
            },
        );
        for (const folder of [made, state, bin]) await mkdir(folder);
        // The packages are installed already, so the installation is a link.
        const npm = (await execa("sh", ["-c", "command -v npm"])).stdout;
        await writeFile(
            join(bin, "npm"),
            `#!/bin/sh
case "$1" in
  install) exec ln -s '${join(root, "node_modules")}' node_modules ;;
  *) exec '${npm}' "$@" ;;
esac
`,
        );
        await chmod(join(bin, "npm"), 0o755);
        const environment = {
            ...cli.environment,
            PATH: [bin, cli.environment["PATH"]].join(delimiter),
            PULUMI_BACKEND_URL: pathToFileURL(state).href,
            PULUMI_CONFIG_PASSPHRASE: "passphrase",
        };
        const pulumi = async (...args: string[]) =>
            (
                await execa("pulumi", [...args, "--non-interactive", "--color", "never"], {
                    cwd: made,
                    env: environment,
                    stdin: "ignore",
                })
            ).stdout;

        const answers = { "gcp:project": project, "acme-python:location": "europe-west1" };
        const printed = await pulumi(
            ...["new", template, "--yes", "--name", "acme-python", "--stack", "dev"],
            ...Object.entries(answers).flatMap(([key, value]) => ["--config", `${key}=${value}`]),
        );
        assert.match(printed, /Your new project is ready to go!/);
        assert.match(printed, /pulumi config set --path 'readers\[0\]'/);
        const stackFile = parse(await readFile(join(made, "Pulumi.dev.yaml"), "utf8")) as {
            config: Record<string, unknown>;
        };
        assert.deepEqual(stackFile.config, { ...answers, "acme-python:repository": "python" });
        const read = (name: string) => readFile(join(made, name), "utf8");
        assert.doesNotMatch(await read("Pulumi.yaml"), /^template:/m);
        assert.match(await read("README.md"), /^ {2}acme-python:workloads:$/m);

        const test = await execa("npm", ["test"], { cwd: made, reject: false, all: true, stdin: "ignore" });
        assert.equal(test.exitCode, 0, test.all);

        for (const [key, value] of Object.entries(sandbox.providerConfig)) {
            await pulumi("config", "set", "--secret", key, value, "--stack", "dev");
        }
        const preview = await pulumi("preview", "--stack", "dev", "--show-full-output");
        assert.match(preview, /https:\/\/europe-west1-python\.pkg\.dev\/sandbox-project\/python\/simple\//);

        // The update, as docs/new-project.md describes it.
        const [readme, ownStack] = await Promise.all([read("README.md"), read("Pulumi.dev.yaml")]);
        await writeFile(join(made, "README.md"), "changed");
        await pulumi("new", template, "--force", "--generate-only", "--yes", "--name", "acme-python");
        assert.equal(await read("README.md"), readme);
        assert.equal(await read("Pulumi.dev.yaml"), ownStack);
    });
});
