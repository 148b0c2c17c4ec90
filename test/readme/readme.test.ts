import assert from "node:assert/strict";
import { execa } from "execa";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { pathToFileURL } from "node:url";
import { parse, stringify } from "yaml";
import { runProgram } from "../../packages/sandbox/src/engines/in-process-engine";
import { findPulumi } from "../../packages/operations/src/pulumi-cli";
import { writeProject } from "../../packages/sandbox/src/engines/pulumi-engine";
import { pythonTools } from "../../packages/sandbox/src/python/python-tools";
import { buildPackage } from "../../packages/sandbox/src/python/sample-package";
import { type Sandbox, startSandbox } from "../../packages/sandbox/src/sandbox";
import { ToolEnvironment } from "../../packages/sandbox/src/python/tool-environment";
import { parseSettings } from "../../src/settings";
import { itInRelease } from "../release";

// The commands and examples of the README and of the pages in docs/, run as they are.

const root = join(__dirname, "..", "..");

/** The code blocks in this language: the README's in order, then those of each page in docs/. */
async function blocks(language: "sh" | "ts" | "yaml"): Promise<string[]> {
    const pages = (await readdir(join(root, "docs"))).sort().map((name) => join("docs", name));
    const texts = await Promise.all(
        ["README.md", ...pages].map((page) => readFile(join(root, page), "utf8")),
    );
    return [...texts.join("\n").matchAll(/^ *```(\w+)\n([^]*?)^ *```$/gm)].flatMap(([, of, block = ""]) =>
        of === language ? [block] : [],
    );
}

/** The lines of the shell blocks. Commands that need something that is not emulated are in blocks of `bash`. */
async function commands(): Promise<string[]> {
    return (await blocks("sh"))
        .flatMap((block) => block.replaceAll(/\\\n/g, "").split("\n"))
        .map((line) => line.trim())
        .filter((line) => line !== "");
}

const isNpm = (line: string) => line.startsWith("npm ");

/** A key of the publisher that the stack made, as a pipeline's identity. */
async function publisherKey(sandbox: Sandbox): Promise<string> {
    const account = "projects/my-project/serviceAccounts/python-publisher@my-project.iam.gserviceaccount.com";
    const response = await fetch(`${sandbox.apiUrl}/iam/v1/${account}/keys`, {
        method: "POST",
        headers: { authorization: `Bearer ${sandbox.accessToken}`, "content-type": "application/json" },
        body: "{}",
    });
    const { privateKeyData } = (await response.json()) as { privateKeyData: string };
    return Buffer.from(privateKeyData, "base64").toString();
}

describe("the README and the pages in docs/", () => {
    it("names npm commands that are there", async () => {
        assert.deepEqual((await commands()).filter(isNpm), [
            "npm ci && npm start",
            "npm ci && npm test",
            "npm start -- --help",
            "npm start -- --keep",
            "npm run configure -- --help",
            "npm run recover -- --help",
            "npm run review -- --help",
            "npm run bench",
            "npm run configure -- --stack team-dev",
            "npm run configure -- --stack team-dev --tool uv,poetry --scope project --dry-run",
            "npm run --silent configure -- --stack team-dev --tool poetry --auth token --print auth.toml",
            "npm run configure -- check --stack team-dev",
            "npm run configure -- --undo",
            "npm run configure -- --outputs https://packages.example.com/prod.json --project acme-prod",
            'npm run --silent touched-stacks -- --base "$(git merge-base origin/main HEAD)"',
            "npm run recover -- --stack team-dev",
            "npm run cleanup-preview -- --stack dev",
            "npm run promote -- --from dev --to prod acme-core==1.2.3 acme-http==2.0",
            "npm run try-download-rules -- --project my-project --location europe-west1",
            "npm run review -- --stack dev --stack prod",
            "npm run review -- --stack prod --refresh --expect-no-changes --output drift.md",
        ]);
        const { scripts } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as {
            scripts: Record<string, string>;
        };
        const names = (await commands()).flatMap((line) =>
            [...line.matchAll(/npm (?:run (?:--silent )?)?(?!ci\b|run\b)([\w:-]+)/g)].map(
                ([, name = ""]) => name,
            ),
        );
        assert.deepEqual(
            [...new Set(names)].filter((name) => scripts[name] === undefined),
            [],
        );
    });

    // test/start/start.test.ts runs npm start, and tests of the other commands run their files.
    itInRelease("names npm commands that explain their options", async () => {
        for (const [name, options] of [
            ["configure", /--stack[^]*--tool[^]*--scope[^]*--dry-run[^]*--print[^]*--undo[^]*check/],
            ["recover", /pulumi cancel[^]*--stack/],
            ["review", /--stack[^]*--from[^]*--refresh[^]*--expect-no-changes[^]*--output/],
            ["touched-stacks", /--base[^]*--all[^]*--gitlab/],
            ["bench", /--quick/],
        ] as const) {
            assert.match((await execa("npm", ["run", name, "--", "--help"], { cwd: root })).stdout, options);
        }
    });

    it("has parts of stack files that are valid", async () => {
        const examples = (await blocks("yaml")).filter((block) => block.startsWith("config:"));
        assert.equal(examples.length, 12);
        for (const example of examples) {
            const { config } = parse(example) as { config: Record<string, unknown> };
            const asText = Object.entries(config).map(([key, value]) => [
                key,
                typeof value === "string" ? value : JSON.stringify(value),
            ]);
            const parsed = parseSettings({
                "gcp:project": "my-project",
                "python-registry:location": "europe-west1",
                ...(Object.fromEntries(asText) as Record<string, string>),
            });
            assert.deepEqual("mistakes" in parsed ? parsed.mistakes : [], []);
        }
    });

    it("has a program that creates a registry with the components", async () => {
        const program = (await blocks("ts")).find((block) => block.includes("new Registry("));
        assert.ok(program !== undefined);
        const folder = await mkdtemp(join(tmpdir(), "python-registry-program-"));
        try {
            await writeFile(
                join(folder, "index.ts"),
                program.replace("../python-registry/", `${root.replaceAll("\\", "/")}/`),
            );
            const { outputs } = await runProgram(
                { stack: "other", config: {} },
                { program: folder, preview: true },
            );
            assert.equal(
                outputs["indexUrl"]?.value,
                "https://europe-west1-python.pkg.dev/acme-tools/python/simple/",
            );
        } finally {
            await rm(folder, { recursive: true });
        }
    });

    it("leads from nothing to pip install, and to an upload from CI", async function () {
        const cli = await findPulumi();
        if ("missing" in cli) {
            console.log(`    skipped: this machine lacks ${cli.missing}`);
            this.skip();
        }
        const tools = await pythonTools();
        await using sandbox = await startSandbox({ project: "my-project" });
        await using developer = await ToolEnvironment.open({ path: [tools.bin] });
        const { home } = developer;
        const project = await mkdtemp(join(tmpdir(), "python-registry-readme-"));
        const stackFile = join(project, "Pulumi.team-dev.yaml");
        const atProject = {
            cwd: project,
            env: {
                ...cli.environment,
                PULUMI_BACKEND_URL: pathToFileURL(project).href,
                PULUMI_CONFIG_PASSPHRASE: "readme",
                PULUMI_SKIP_CONFIRMATIONS: "true",
                VIRTUAL_ENV: home,
            },
        };
        const work = join(home, "work");
        const atWork = {
            cwd: work,
            extendEnv: false,
            env: {
                ...sandbox.clientEnvironment,
                HOME: home,
                PATH: [tools.bin, "/usr/bin", "/bin"].join(delimiter),
                GOOGLE_APPLICATION_CREDENTIALS: join(home, "key.json"),
                // What activating a virtual environment there comes to.
                PIP_CONFIG_FILE: join(home, "pip.conf"),
                PIP_TARGET: join(home, "site"),
            },
        };
        const upload = () => execa("bash", ["-c", "twine upload -r python dist/*"], atWork);

        try {
            await writeProject(project);
            for (const line of (await commands()).filter((command) => !isNpm(command))) {
                if (line.startsWith("pip install keyring ")) {
                    // From PyPI, which is not emulated. The tools' environment was made with the same packages.
                    const requirements = await readFile(
                        join(root, "sandbox", "python", "requirements.txt"),
                        "utf8",
                    );
                    line.split(" ")
                        .slice(2)
                        .forEach((name) => {
                            assert.ok(requirements.includes(`\n${name}==`), name);
                        });
                } else if (line.includes("pulumi ")) {
                    // The user's own ~/.pypirc is not touched, while the CLI keeps its home.
                    await execa("bash", ["-c", line.replace("$HOME", home)], atProject);
                } else {
                    await execa("bash", ["-c", line], atWork);
                }

                if (line === "pulumi stack init team-dev") {
                    const made = parse(await readFile(stackFile, "utf8")) as object;
                    await writeFile(stackFile, stringify({ ...made, config: sandbox.providerConfig }));
                } else if (line === "pulumi up") {
                    await writeFile(join(home, "key.json"), await publisherKey(sandbox), { mode: 0o600 });
                } else if (line.startsWith("pip install keyring ")) {
                    // Somebody has published the package that the next step installs.
                    await mkdir(work);
                    await buildPackage(developer, work, { name: "my-package", version: "1.0.0" });
                    const pypirc = await execa("pulumi", ["stack", "output", "pypirc"], atProject);
                    await writeFile(join(home, ".pypirc"), pypirc.stdout);
                    await upload();
                    await rm(work, { recursive: true });
                    await buildPackage(developer, work, { name: "my-package", version: "1.1.0" });
                }
            }
        } finally {
            await rm(project, { recursive: true });
        }

        const keyFile = join(home, "key.json");
        assert.match(await readFile(keyFile, "utf8"), /"client_email": "python-publisher@my-project\./);
        assert.equal((await stat(keyFile)).mode & 0o777, 0o600);
        const files = [...sandbox.cloud.project("my-project").repositories.values()][0]?.files.keys() ?? [];
        assert.deepEqual(
            [...files].filter((file) => file.includes("-1.1.0")).map((file) => file.replace(/^.*\./, "")),
            ["whl", "gz"],
            "the README's upload",
        );
        assert.match(
            await readFile(join(home, "site", "my_package.py"), "utf8"),
            /1\.0\.0/,
            "its installation",
        );
    });
});
