import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { planFile, planTool } from "../../packages/configure/src/tools/tool-plan";
import { configurable } from "../../packages/configure/src/tools/configurable";
import { findCredential } from "../../packages/configure/src/registry/credential";
import { JournalReader } from "../../packages/configure/src/journal/journal";
import { parseOutputs } from "../../packages/configure/src/registry/outputs";
import { fileToPrint, type PrintOptions } from "../../packages/configure/src/print";
import type { System } from "../../packages/configure/src/machine/system";
import { forms } from "../../packages/registry/src/clients/credential";
import { tools } from "../../packages/registry/src/clients/tools";
import { repositoryUrls } from "../../packages/registry/src/names/urls";

const coordinates = { project: "acme-tools", location: "europe-west1", repository: "python" };
const { indexUrl, uploadUrl } = repositoryUrls(coordinates);
const email = "ci-reader@acme-tools.iam.gserviceaccount.com";
const keyFile = JSON.stringify({
    type: "service_account",
    client_email: email,
    private_key: "-----BEGIN PRIVATE KEY-----\n????>>>>\n-----END PRIVATE KEY-----\n",
});
const token = "ya29.c.b0Aaekm1-an_access~token.of/40+characters=";
const outputs = JSON.stringify({
    repository: {
        id: "python",
        name: "projects/acme-tools/locations/europe-west1/repositories/python",
        project: "acme-tools",
        location: "europe-west1",
        indexUrl,
        uploadUrl,
    },
    pipConf: `[global]\nextra-index-url = ${indexUrl}\n`,
    internalPackages: ["acme-app", "acme-core"],
    serviceAccounts: { "ci-reader": { email } },
    credentials: { "ci-reader": { keyFile } },
});
const oneTool =
    "--print needs exactly one tool. Use --tool with one of pip, uv, twine, poetry, pdm, hatch, pipenv, netrc, environment, dockerfile";
const registry = parseOutputs(outputs, "the test");

describe("configure --print", () => {
    let home: string;
    let system: System;
    beforeEach(async () => {
        home = await mkdtemp(join(tmpdir(), "python-registry-print-"));
        await writeFile(join(home, "outputs.json"), outputs);
        system = {
            kind: "linux",
            environment: { GOOGLE_OAUTH_ACCESS_TOKEN: token, VIRTUAL_ENV: join(home, "venv") },
            home,
            workingDirectory: home,
            exists: existsSync,
        };
    });
    afterEach(() => rm(home, { recursive: true }));

    const file = (options: Partial<PrintOptions>, on: System = system) =>
        fileToPrint(
            { outputs: join(home, "outputs.json"), auth: "keyring", scope: "user", print: true, ...options },
            on,
        );
    const text = async (options: Partial<PrintOptions>, on?: System) => (await file(options, on)).file.text;

    describe("prints exactly what configure writes to a new file, or the same problem:", () => {
        for (const auth of forms) {
            for (const scope of ["user", "venv", "project"] as const) {
                it(`--auth ${auth} --scope ${scope}`, async () => {
                    await mkdir(join(home, "venv"));
                    if (scope === "project") {
                        await writeFile(join(home, "pyproject.toml"), "");
                        await writeFile(join(home, "Pipfile"), "");
                    }
                    const credentialOptions = { form: auth, account: undefined, file: undefined };
                    const { credential } = await findCredential(credentialOptions, registry, system);
                    const journal = new JournalReader(join(home, "state"));
                    let compared = 0;
                    for (const tool of configurable) {
                        const named = (print: string | true) => file({ tool: [tool], auth, scope, print });
                        const request = { tool, registry, credential, scope, system };
                        const plan = await planTool(request, journal);
                        if ("problem" in plan) {
                            // configure refuses an empty Pipfile: this registry would be its only source.
                            if (tool === "pipenv" && scope === "project") continue;
                            await assert.rejects(named(true), { message: plan.problem });
                            continue;
                        }
                        for (const [path, edit] of plan.edits) {
                            const { after } = await planFile(journal, path, { add: [edit] });
                            const only = plan.edits.size === 1;
                            const found = await named(only ? true : basename(path));
                            assert.equal(found.file.text, after?.toString(), path);
                            assert.equal(found.secret, edit.secret, path);
                            compared++;
                        }
                    }
                    assert.ok(compared > 0);
                });
            }
        }
    });

    it("prints the complete file if one part is for installing and another for publishing", async () => {
        assert.match(await text({ tool: ["pdm"] }), /^\[pypi\.python\]\n[^]*\n\n\[repository\.python\]\n/);
    });

    it("knows which files contain a credential", async () => {
        for (const [options, secret] of [
            [{ tool: ["pip"] }, false],
            [{ tool: ["pip"], auth: "token" }, true],
            [{ tool: ["twine"], auth: "key" }, true],
            [{ tool: ["poetry"], auth: "token", print: "auth.toml" }, true],
            [{ tool: ["poetry"], auth: "token", print: "config.toml" }, false],
            [{ tool: ["uv"], auth: "key", scope: "project", print: "pyproject.toml" }, false],
            [{ tool: ["environment"], auth: "key" }, true],
            [{ tool: ["dockerfile"], auth: "key", scope: "project" }, false],
        ] as const satisfies readonly [Partial<PrintOptions>, boolean][]) {
            const found = await file(options);
            assert.equal(found.secret, secret, JSON.stringify(options));
            const held = [token, Buffer.from(keyFile).toString("base64")].some(
                (password) =>
                    found.file.text.includes(password) ||
                    found.file.text.includes(encodeURIComponent(password)),
            );
            assert.equal(held, secret, JSON.stringify(options));
        }
    });

    it("needs no project, and reads nothing from one", async () => {
        const projectFiles = [
            [{ tool: ["uv"] }, /^\[tool\.uv\]\n[^]*acme-app/],
            [{ tool: ["poetry"] }, /^\[\[tool\.poetry\.source\]\]\n/],
            [{ tool: ["pipenv"] }, /^\[\[source\]\]\n/],
        ] as const satisfies readonly [Partial<PrintOptions>, RegExp][];
        const printed: string[] = [];
        for (const [options, expected] of projectFiles) {
            printed.push(await text({ ...options, scope: "project" }));
            assert.match(printed.at(-1)!, expected);
        }
        // What configure takes account of: the project's own name, its dependencies, a Pipfile without a source.
        const project = '[project]\nname = "acme-app"\nversion = "1"\ndependencies = ["acme-core"]\n';
        await writeFile(join(home, "pyproject.toml"), project);
        await writeFile(join(home, "Pipfile"), "[packages]\n");
        for (const [index, [options]] of projectFiles.entries()) {
            assert.equal(await text({ ...options, scope: "project" }), printed[index]);
        }
        assert.equal(await readFile(join(home, "pyproject.toml"), "utf8"), project);
        assert.deepEqual((await readdir(home)).sort(), ["Pipfile", "outputs.json", "pyproject.toml"]);
    });

    it("also supports the tools that configure does not set up", async () => {
        for (const tool of ["dockerfile", "environment"] as const) {
            const client = tools[tool].client(registry.index, { form: "keyring" });
            assert.equal(await text({ tool: [tool], scope: "project" }), client.install[0]?.text);
        }
    });

    it("accepts a file's name on this system", async () => {
        const windows: System = { ...system, kind: "windows", exists: () => false };
        assert.equal(
            await text({ tool: ["pip"], print: "pip.ini" }, windows),
            await text({ tool: ["pip"], print: "pip.conf" }),
        );
    });

    describe("says what to do:", () => {
        const several = "Use --print auth.toml or --print config.toml";
        for (const [what, options, message] of [
            ["without a tool", {}, oneTool],
            ["with two tools", { tool: ["pip", "uv"] }, oneTool],
            [
                "if the tool has several files",
                { tool: ["poetry"], auth: "token" },
                `poetry has several files for --scope user. ${several}`,
            ],
            [
                "if it has no file with that name in that case",
                { tool: ["poetry"], auth: "token", print: "Auth.toml" },
                `poetry has no file named Auth.toml for --scope user. ${several}`,
            ],
            [
                "if its only file has a different name",
                { tool: ["pip"], print: "pip.ini" },
                "pip has no file named pip.ini for --scope user. Use --print pip.conf",
            ],
            [
                "if a project's tool also needs a file of the user's",
                { tool: ["pipenv"], auth: "token", scope: "project" },
                "pipenv has several files for --scope project. Use --print Pipfile or --print .netrc",
            ],
            [
                "for a form that the tool does not support",
                { tool: ["netrc"] },
                "netrc does not support --auth keyring. Use --auth token or --auth key",
            ],
            [
                "for a scope that the tool does not support",
                { tool: ["twine"], scope: "venv" },
                "twine has no files for --scope venv. Use --scope user",
            ],
            [
                "if a keyring is used with a credential",
                { tool: ["pip"], credentialFile: "x" },
                "--account and --credential-file need --auth token or --auth key: a keyring uses neither",
            ],
            [
                "if the outputs file does not exist",
                { tool: ["pip"], outputs: "none.json" },
                "none.json cannot be read: ENOENT",
            ],
        ] as const satisfies readonly [string, Partial<PrintOptions>, string][]) {
            it(what, async () => {
                await assert.rejects(file(options), { message });
            });
        }
    });
});
