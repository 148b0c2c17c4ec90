import assert from "node:assert/strict";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { dirname, join } from "node:path";
import {
    allWell,
    check,
    type CheckOptions,
    describe as described,
    type Finding,
} from "../../packages/configure/src/check/check";
import type { RegistryOutputs } from "../../packages/configure/src/registry/outputs";
import type { ConfigurableTool } from "../../packages/configure/src/tools/configurable";
import { type System, thisSystem } from "../../packages/configure/src/machine/system";
import { environmentWith } from "../../packages/sandbox/src/python/python-tools";
import type {
    ToolEnvironment,
    ToolEnvironmentOptions,
} from "../../packages/sandbox/src/python/tool-environment";
import type { ClientFile } from "../../packages/registry/src/clients/client";
import type { Credential } from "../../packages/registry/src/clients/credential";
import { type Tool, tools } from "../../packages/registry/src/clients/tools";
import { itInRelease } from "../release";
import { accountsPath, createKey, ok } from "../sandbox/client";
import { keyMaterial } from "./key-material";
import { project, reader, useRegistry, writer } from "./registry";
import { getFiles, PinnedTool } from "./tools/tool";

// `configure check` with the real pip, twine, keyring and its Google backend. Each test makes one fault on purpose.

/** A program that makes a source distribution whose code creates the file `ran` in the home directory. */
function makeSdist(name: string, version = "99.0.0"): string {
    return `
import io, tarfile
with tarfile.open("${name}-${version}.tar.gz", "w:gz") as archive:
    for path, text in {
        "pyproject.toml": '[build-system]\\nrequires = []\\nbuild-backend = "backend"\\nbackend-path = ["."]\\n',
        "backend.py": "import os\\nopen(os.path.expanduser('~/ran'), 'w').close()\\n",
        "PKG-INFO": "Metadata-Version: 2.1\\nName: ${name}\\nVersion: ${version}\\n",
    }.items():
        info = tarfile.TarInfo("${name}-${version}/" + path)
        info.size = len(text)
        archive.addfile(info, io.BytesIO(text.encode()))
`;
}

describe("configure check", () => {
    const person = "dev@example.com";
    const registry = useRegistry({
        readers: [`user:${person}`],
        serviceAccounts: { "key-loser": { access: "reader", keys: ["first"] } },
    });

    /** The registry as `configure` knows it. */
    function outputs(keyring: RegistryOutputs["index"]["keyring"] = "auto"): RegistryOutputs {
        const { id, indexUrl, uploadUrl } = registry().outputs.repository;
        return {
            name: `projects/${project}/locations/europe-west1/repositories/${id}`,
            from: "the test",
            index: { name: id, indexUrl, uploadUrl, keyring, publicPackages: "pypi", internalPackages: [] },
            accounts: {},
            keyFiles: undefined,
            principals: [],
        };
    }

    const getKeyFile = (id: string) => registry().outputs.credentials[id]!.keyFile;
    const getEmail = (id: string) => (JSON.parse(getKeyFile(id)) as { client_email: string }).client_email;
    const getKey = (id: string): Credential => ({
        form: "key",
        keyBase64: Buffer.from(getKeyFile(id)).toString("base64"),
    });

    /** A tool's generated files, for a tool environment. */
    function files(tool: Tool, credential: Credential, keyring?: RegistryOutputs["index"]["keyring"]) {
        const client = tools[tool].client(outputs(keyring).index, credential);
        const all: ClientFile[] = [...(client?.install ?? []), ...(client?.publish ?? [])];
        // A file can come in two parts, or twice.
        const placed = (["user", "project"] as const).flatMap((scope) =>
            all.flatMap((file) => Object.entries(getFiles([file], scope))),
        );
        const whole = Map.groupBy(placed, ([path]) => path);
        return Object.fromEntries(
            [...whole].map(([path, parts]) => [path, [...new Set(parts.map(([, text]) => text))].join("\n")]),
        );
    }

    /** gcloud with an account, or without one. */
    const gcloud = (account?: string, token?: string) => ({
        "bin/gcloud": [
            "#!/bin/sh",
            ...(account === undefined
                ? ["exit 1"]
                : [
                      'case "$*" in',
                      `"config get account"*) echo ${account} ;;`,
                      `*config-helper*) echo '${JSON.stringify({ credential: { access_token: token, token_expiry: "2100-01-01T00:00:00Z" } })}' ;;`,
                      "*) exit 1 ;;",
                      "esac",
                  ]),
            "",
        ].join("\n"),
    });

    /** A tool environment without faults, except what is given here. */
    function at(options: Partial<ToolEnvironmentOptions>): Promise<ToolEnvironment> {
        const { clientEnvironment } = registry().sandbox;
        return registry().at({
            executables: gcloud(),
            ...options,
            path: ["bin", ...(options.path ?? [registry().tools.bin])],
            files: { "project/.keep": "", ...options.files },
            environment: { ...clientEnvironment, NO_GCE_CHECK: "true", ...options.environment },
        });
    }

    /** Checks, and asserts that no finding contains a credential. */
    async function findings(
        toolEnvironment: ToolEnvironment,
        wanted: readonly ConfigurableTool[] | undefined,
        given: RegistryOutputs = outputs(),
        options: Pick<CheckOptions, "packageName" | "offline"> = {},
    ): Promise<readonly Finding[]> {
        const { output } = await toolEnvironment.run("env");
        const environment = Object.fromEntries(
            output.split("\n").map((line) => /^([^=]+)=(.*)$/.exec(line)?.slice(1, 3) ?? ["", ""]),
        ) as Record<string, string>;
        const system: System = {
            ...thisSystem(),
            environment,
            home: toolEnvironment.home,
            workingDirectory: join(toolEnvironment.home, "project"),
        };
        const found = await check({
            registry: given,
            ...(wanted !== undefined && { tools: wanted }),
            ...options,
            system,
        });
        const keyFiles = Object.values(registry().outputs.credentials).map(({ keyFile }) => keyFile);
        for (const json of [true, false]) {
            const text = described(found, { json, colours: true });
            assert.deepEqual(keyMaterial(text, keyFiles), []);
        }
        return found;
    }

    /** The warnings and problems. */
    const faults = (found: readonly Finding[]) =>
        found.filter(({ status }) => status === "warning" || status === "problem");

    /** Asserts that there is one fault, with this message and fix. */
    function assertOneFault(
        found: readonly Finding[],
        expected: Partial<Finding>,
        message: RegExp,
        fix: RegExp,
    ) {
        const [fault, ...others] = faults(found);
        assert.deepEqual(others, [], JSON.stringify(found, null, 2));
        assert.ok(fault !== undefined, JSON.stringify(found, null, 2));
        const { message: said, fix: advice = "", ...rest } = fault;
        assert.deepEqual(rest, { status: "problem", ...expected });
        assert.match(said, message);
        assert.match(advice, fix);
        assert.equal(allWell(found), false);
    }

    const withKeyring = (id = reader): Partial<ToolEnvironmentOptions> => ({
        keyFile: getKeyFile(id),
        files: files("pip", { form: "keyring" }),
    });

    describe("without faults", () => {
        /** The files in the home directory, where the directory for temporary files is too. uv locks its store of logins, whatever it does. */
        async function listFiles(toolEnvironment: ToolEnvironment): Promise<string> {
            const notLocks = ["!", "-name", "credentials.toml.lock"];
            return (await toolEnvironment.run("find", ".", "-type", "f", ...notLocks)).output;
        }

        it("with pip and twine by the keyring, found on PATH", async () => {
            await using toolEnvironment = await at({
                keyFile: getKeyFile(writer),
                files: { ...files("pip", { form: "keyring" }), ...files("twine", { form: "keyring" }) },
            });
            const before = await listFiles(toolEnvironment);
            const found = await findings(toolEnvironment, undefined);
            assert.equal(allWell(found), true);
            assert.equal(await listFiles(toolEnvironment), before);
            const email = getEmail(writer);
            assert.deepEqual(
                found.map(({ tool = "", status, subject }) => `${tool} ${subject} ${status}`),
                [" network ok", " identity ok", "pip index ok", "twine publish skipped"],
            );
            const [, identity, pip, twine] = found.map(({ message }) => message);
            assert.ok(
                identity!.includes(email) && identity!.includes("GOOGLE_APPLICATION_CREDENTIALS"),
                identity,
            );
            assert.equal(pip, "pip finds ready-made 1.0.0 in the registry");
            assert.match(
                twine!,
                new RegExp(
                    `^Configured in .*\\.pypirc\\. The registry accepts the login of ${email}\\. Not tried: only an upload`,
                ),
            );
        });

        for (const tool of ["pip", "uv", "poetry", "pdm", "hatch", "pipenv"] as const) {
            itInRelease(`with ${tool} by the keyring, and by a login in its files`, async () => {
                const token = registry().sandbox.issueToken(`user:${person}`);
                const { bin } = tool === "pip" ? registry().tools : await PinnedTool.install(tool);
                // Both are a user name and a password to a tool. pip and uv write them differently.
                const logins = tool === "pip" || tool === "uv" ? [{ form: "token", token } as const] : [];
                const credentials: Credential[] = [{ form: "keyring" }, ...logins, getKey(writer)];
                for (const credential of credentials) {
                    const byKeyring = credential.form === "keyring";
                    await using toolEnvironment = await at({
                        ...(byKeyring && { keyFile: getKeyFile(writer) }),
                        path: [bin, registry().tools.bin],
                        files: files(tool, credential),
                        environment:
                            tool === "pipenv" && byKeyring ? { PIPENV_KEYRING_PROVIDER: "subprocess" } : {},
                    });
                    const before = await listFiles(toolEnvironment);
                    const found = await findings(toolEnvironment, [tool]);
                    assert.deepEqual(faults(found), [], credential.form);
                    assert.deepEqual(
                        found.filter((finding) => finding.tool === tool && finding.status === "ok"),
                        [
                            {
                                tool,
                                status: "ok",
                                subject: "index",
                                message: `${tool} finds ready-made 1.0.0 in the registry`,
                            },
                        ],
                    );
                    assert.equal(await listFiles(toolEnvironment), before);
                }
            });
        }

        for (const tool of ["twine", "netrc"] as const) {
            it(`with ${tool} by a token and by a key, which are not tried`, async () => {
                const token = registry().sandbox.issueToken(`user:${person}`);
                for (const [credential, who] of [
                    [getKey(reader), getEmail(reader)],
                    [{ form: "token", token }, person],
                ] as const) {
                    await using toolEnvironment = await at({ files: files(tool, credential) });
                    const found = await findings(toolEnvironment, [tool]);
                    assert.deepEqual(faults(found), []);
                    const [own, ...others] = found.filter((finding) => finding.tool === tool);
                    assert.deepEqual(others, []);
                    assert.equal(own?.status, "skipped");
                    assert.ok(
                        own.message.includes(`The registry accepts the login of ${who}. Not tried: `),
                        own.message,
                    );
                }
            });
        }

        itInRelease("with a user's gcloud account, where there is nothing else", async () => {
            await using toolEnvironment = await at({
                files: files("pip", { form: "keyring" }),
                executables: gcloud(person, registry().sandbox.issueToken(`user:${person}`)),
            });
            const found = await findings(toolEnvironment, ["pip"]);
            assert.deepEqual(faults(found), []);
            assert.equal(
                found.find(({ subject }) => subject === "identity")?.message,
                `The keyring uses gcloud's account ${person}`,
            );
        });
    });

    describe("the configuration", () => {
        it("is missing", async () => {
            await using toolEnvironment = await at({ keyFile: getKeyFile(reader) });
            const found = await findings(toolEnvironment, ["twine"]);
            assertOneFault(
                found,
                { tool: "twine", subject: "configuration" },
                /none of its files/,
                /--tool twine/,
            );
        });

        it("is overridden by a variable", async () => {
            await using toolEnvironment = await at({
                ...withKeyring(),
                environment: { PIP_EXTRA_INDEX_URL: "https://example.com/simple/" },
            });
            assertOneFault(
                await findings(toolEnvironment, ["pip"]),
                { tool: "pip", subject: "configuration" },
                /pip\.conf, but extra-index-url from PIP_EXTRA_INDEX_URL overrides it$/,
                /does not combine its files/,
            );
        });

        itInRelease("has no effect on the requirements files of the project", async () => {
            await using toolEnvironment = await at(withKeyring());
            await writeFile(
                join(toolEnvironment.home, "project/requirements.txt"),
                "--index-url https://pypi.org/simple\nready-made\n",
            );
            const found = await findings(toolEnvironment, ["pip"]);
            assertOneFault(
                found,
                { tool: "pip", status: "warning", subject: "configuration" },
                /requirements\.txt:1 has --index-url: with this file, pip ignores the index/,
                /Remove the option/,
            );
            assert.ok(found.some(({ tool, status }) => tool === "pip" && status === "ok"));
        });

        it("cannot be read", async () => {
            await using toolEnvironment = await at({ files: { ".pypirc": "[python]\nno sense\n" } });
            assertOneFault(
                await findings(toolEnvironment, ["twine"]),
                { tool: "twine", subject: "configuration" },
                /\.pypirc: line 2: /,
                /Correct the file/,
            );
        });
    });

    itInRelease("agrees with pip on a file in a different encoding", async () => {
        const text = `# caf\u00e9\n${files("pip", { form: "keyring" })[".config/pip/pip.conf"]!}`;
        await using toolEnvironment = await at({ keyFile: getKeyFile(reader) });
        const file = join(toolEnvironment.home, ".config/pip/pip.conf");
        await mkdir(dirname(file), { recursive: true });
        for (const [encoding, isRead] of [
            ["latin1", false],
            ["utf8", true],
        ] as const) {
            await writeFile(file, text, encoding);
            const run = await registry().install(toolEnvironment);
            assert.equal(run.exitCode === 0, isRead, run.output);
            const found = await findings(toolEnvironment, ["pip"]);
            if (isRead) assert.deepEqual(faults(found), []);
            else
                assertOneFault(
                    found,
                    { tool: "pip", subject: "configuration" },
                    /pip\.conf: .*UTF-8/,
                    /Correct the file/,
                );
        }
    });

    describe("the keyring", () => {
        it("is missing", async () => {
            await using toolEnvironment = await at({ ...withKeyring(), path: [registry().tools.bareBin] });
            assertOneFault(
                await findings(toolEnvironment, ["pip"]),
                { tool: "pip", subject: "keyring" },
                /^There is no keyring in pip's own environment or on PATH/,
                /^pip install keyring keyrings\.google-artifactregistry-auth$/,
            );
        });

        itInRelease("has no Google backend", async () => {
            const bin = await environmentWith("pip==26.3\nkeyring==25.7.0\n");
            await using toolEnvironment = await at({ ...withKeyring(), path: [bin] });
            assertOneFault(
                await findings(toolEnvironment, ["pip"]),
                { tool: "pip", subject: "keyring" },
                /has no backend for Artifact Registry/,
                /keyrings\.google-artifactregistry-auth/,
            );
        });

        itInRelease("is not asked by pip under no-input with the provider auto", async () => {
            await using toolEnvironment = await at({ ...withKeyring(), environment: { PIP_NO_INPUT: "1" } });
            assertOneFault(
                await findings(toolEnvironment, ["pip"]),
                { tool: "pip", subject: "index" },
                /^pip does not find ready-made\. The registry accepts the login of .*\. pip says: .*\(from versions: none\)/,
                /^Check keyring-provider and no-input .*pip install ready-made$/,
            );
        });

        itInRelease(
            "is asked by pip under no-input with import, and with subprocess outside pip's environment",
            async () => {
                for (const [provider, path] of [
                    ["import", [registry().tools.bin]],
                    ["subprocess", [registry().tools.bareBin, registry().tools.bin]],
                ] as const) {
                    await using toolEnvironment = await at({
                        keyFile: getKeyFile(reader),
                        files: files("pip", { form: "keyring" }, provider),
                        path,
                        environment: { PIP_NO_INPUT: "1" },
                    });
                    assert.deepEqual(faults(await findings(toolEnvironment, ["pip"])), []);
                }
            },
        );

        itInRelease("is asked by pip after the index rejects a default login in .netrc", async () => {
            const options = withKeyring();
            await using toolEnvironment = await at({
                ...options,
                files: { ...options.files, ".netrc": "default login anonymous password me@example.com\n" },
            });
            const run = await registry().install(toolEnvironment);
            assert.equal(run.exitCode, 0, run.output);
            const found = await findings(toolEnvironment, undefined);
            assert.deepEqual(
                faults(found).filter(({ tool }) => tool === "pip"),
                [],
            );
            assert.ok(found.every(({ tool }) => tool !== "netrc"));
        });

        itInRelease(
            "is asked by pipenv, and not by uv, after the index rejects a login in .netrc",
            async () => {
                const { hostname } = new URL(outputs().index.indexUrl);
                const netrc = `machine ${hostname} login anonymous password me@example.com\n`;
                for (const tool of ["pipenv", "uv"] as const) {
                    const { bin } = await PinnedTool.install(tool);
                    await using toolEnvironment = await at({
                        keyFile: getKeyFile(writer),
                        path: [bin, registry().tools.bin],
                        files: { ...files(tool, { form: "keyring" }), ".netrc": netrc },
                        environment: tool === "pipenv" ? { PIPENV_KEYRING_PROVIDER: "subprocess" } : {},
                    });
                    const found = await findings(toolEnvironment, [tool]);
                    if (tool === "pipenv") assert.deepEqual(faults(found), []);
                    else assertOneFault(found, { tool, subject: "login" }, /\.netrc \(401\)$/, /user names/);
                }
            },
        );

        itInRelease(
            "is not asked by pip where it is in pip's own environment only, with subprocess",
            async () => {
                await using toolEnvironment = await at({
                    keyFile: getKeyFile(reader),
                    files: files("pip", { form: "keyring" }, "subprocess"),
                });
                assertOneFault(
                    await findings(toolEnvironment, ["pip"]),
                    { tool: "pip", subject: "index" },
                    /^pip does not find ready-made\. The registry accepts the login of /,
                    /^Check keyring-provider/,
                );
            },
        );
    });

    describe("pip before 26.2", () => {
        itInRelease("asks a keyring that is only a command if the index has a user name", async () => {
            const bin = await environmentWith("pip==25.3\n");
            for (const [provider, fault] of [
                ["auto", /^pip does not find ready-made\. The registry accepts/],
                ["subprocess", undefined],
            ] as const) {
                await using toolEnvironment = await at({
                    keyFile: getKeyFile(reader),
                    files: files("pip", { form: "keyring" }, provider),
                    path: [bin, registry().tools.bin],
                });
                const run = await registry().install(toolEnvironment);
                const found = await findings(toolEnvironment, ["pip"]);
                // The check agrees with pip.
                assert.equal(run.exitCode === 0, fault === undefined, run.output);
                if (fault === undefined) assert.deepEqual(faults(found), []);
                else
                    assertOneFault(
                        found,
                        { tool: "pip", subject: "index" },
                        fault,
                        /pip before 26\.2 .* subprocess/,
                    );
            }
        });
    });

    describe("a switch", () => {
        /** What stops a tool that is configured, and does not stop it. */
        type Case = readonly [
            what: string,
            expected: RegExp | "ok" | "skipped",
            options: Partial<ToolEnvironmentOptions>,
        ];
        const notAsked = (tool: string) =>
            new RegExp(`^${tool} does not find ready-made\\. The registry accepts the login`);
        const projectFile = (tool: Tool) => files(tool, { form: "keyring" })["project/pyproject.toml"]!;
        const pypi = '[[source]]\nname = "pypi"\nurl = "https://pypi.org/simple"\nverify_ssl = true\n';
        const cases = {
            pip: (): readonly Case[] => [
                [
                    "the provider disabled",
                    notAsked("pip"),
                    { environment: { PIP_KEYRING_PROVIDER: "disabled" } },
                ],
                [
                    "a variable in pip.conf",
                    /^pip does not replace \$\{GAR_TOKEN\} in .*pip\.conf with the variable$/,
                    {
                        files: {
                            ".config/pip/pip.conf": `[global]\nextra-index-url = ${outputs().index.indexUrl.replace("://", "://oauth2accesstoken:${GAR_TOKEN}@")}\n`,
                        },
                        environment: { GAR_TOKEN: registry().sandbox.issueToken(`user:${person}`) },
                    },
                ],
                ["no index", /^no-index from PIP_NO_INDEX stops pip/, { environment: { PIP_NO_INDEX: "1" } }],
                [
                    "no configuration",
                    /^The registry is in none/,
                    { environment: { PIP_CONFIG_FILE: "/dev/null" } },
                ],
            ],
            uv: (): readonly Case[] => [
                [
                    "the variable that disables the keyring",
                    notAsked("uv"),
                    { environment: { UV_KEYRING_PROVIDER: "disabled" } },
                ],
                [
                    "the project, which disables the keyring that the user enabled",
                    notAsked("uv"),
                    { files: { "project/pyproject.toml": '[tool.uv]\nkeyring-provider = "disabled"\n' } },
                ],
                [
                    "the project's uv.toml, which disables it",
                    notAsked("uv"),
                    {
                        files: {
                            "project/pyproject.toml": "[project]\n",
                            "project/uv.toml": 'keyring-provider = "disabled"\n',
                        },
                    },
                ],
                [
                    "the project, with the keyring that the variable enables",
                    "ok",
                    {
                        files: { "project/pyproject.toml": '[tool.uv]\nkeyring-provider = "disabled"\n' },
                        environment: { UV_KEYRING_PROVIDER: "subprocess" },
                    },
                ],
                [
                    "no network",
                    /^uv does not find ready-made\. .*network was disabled/,
                    { environment: { UV_OFFLINE: "1" } },
                ],
                [
                    "no configuration",
                    /^uv does not find ready-made\. /,
                    { environment: { UV_NO_CONFIG: "1" } },
                ],
                [
                    "an explicit index, and a project that does not name the package yet",
                    "ok",
                    {
                        files: {
                            ".config/uv/uv.toml": "",
                            "project/pyproject.toml": `[project]\nname = "ready-made"\n${projectFile("uv")}explicit = true\n`,
                        },
                    },
                ],
                [
                    "a folder of the project with links",
                    "skipped",
                    { files: { "project/pyproject.toml": '[tool.uv]\nfind-links = ["./wheels"]\n' } },
                ],
                [
                    "a workspace that has the package",
                    "skipped",
                    {
                        files: {
                            "project/pyproject.toml":
                                "[tool.uv.sources]\nReady_Made = { workspace = true }\n",
                        },
                    },
                ],
                [
                    "a source for an extra of the project",
                    "ok",
                    {
                        files: {
                            "project/pyproject.toml": `[project]\nname = "demo"\nversion = "1"\n[project.optional-dependencies]\ncpu = ["ready-made"]\n[tool.uv.sources]\nReady_Made = [{ index = "python", extra = "cpu" }]\n${projectFile("uv")}`,
                        },
                    },
                ],
                [
                    "a check of the lock file, which does not matter",
                    "ok",
                    { environment: { UV_LOCKED: "1" } },
                ],
            ],
            poetry: (): readonly Case[] => [
                [
                    "config.toml, which disables the keyring",
                    notAsked("poetry"),
                    { files: { ".config/pypoetry/config.toml": "[keyring]\nenabled = false\n" } },
                ],
                [
                    "a source in a form that poetry refuses",
                    /^poetry does not find ready-made\. /,
                    {
                        files: {
                            "project/pyproject.toml": `${projectFile("poetry")}secondary = true\n`,
                        },
                    },
                ],
                [
                    "the variable that disables it",
                    notAsked("poetry"),
                    { environment: { POETRY_KEYRING_ENABLED: "false" } },
                ],
                [
                    "poetry.toml, which disables it",
                    notAsked("poetry"),
                    { files: { "project/poetry.toml": "[keyring]\nenabled = false\n" } },
                ],
                ...(
                    [
                        '[tool.poetry.group.dev.dependencies]\nready_made = { version = "^1", source = "python" }\n',
                        '[tool.poetry.dependencies]\nReady-Made = [{ version = "1.0.0", python = ">=3", source = "python" }]\n',
                        '[project]\nname = "demo"\nversion = "1"\nrequires-python = ">=3.10"\ndependencies = ["Ready.Made[extra] >= 1"]\n[tool.poetry.dependencies]\nready-made = { source = "python" }\n',
                        '[project]\nname = "demo"\nversion = "1"\nrequires-python = ">=3.10"\n[dependency-groups]\ntest = ["ready-made"]\n',
                        "",
                    ] as const
                ).map((declared): Case => [
                    `an explicit source, and ${declared}`,
                    // The group in the standard form names no source.
                    declared.includes("[dependency-groups]") ? /^poetry does not find/ : "ok",
                    {
                        files: {
                            "project/pyproject.toml": `${declared}${projectFile("poetry").replace('"primary"', '"explicit"')}`,
                        },
                    },
                ]),
                [
                    "a dependency in a folder",
                    "skipped",
                    {
                        files: {
                            "project/pyproject.toml": `[tool.poetry.dependencies]\nReady_Made = { path = "./lib" }\n${projectFile("poetry")}`,
                        },
                    },
                ],
            ],
            pdm: (): readonly Case[] => [
                [
                    "config.toml, whose indexes pdm ignores",
                    /^pdm does not find ready-made\. /,
                    {
                        files: { "project/pyproject.toml": "" },
                        environment: { PDM_IGNORE_STORED_INDEX: "1" },
                    },
                ],
                [
                    "a source that excludes the package",
                    /^pdm does not find ready-made\. /,
                    {
                        files: {
                            "project/pyproject.toml": `${projectFile("pdm")}exclude_packages = ["ready-*"]\n`,
                            ".config/pdm/config.toml": "",
                        },
                    },
                ],
                [
                    "a dependency in a folder",
                    "skipped",
                    {
                        files: {
                            "project/pyproject.toml": `[project]\ndependencies = ["Ready_Made @ file:///\${PROJECT_ROOT}/lib"]\n${projectFile("pdm")}`,
                        },
                    },
                ],
                [
                    "the project's pdm.toml, which enables uv",
                    /^pdm does not find ready-made\. /,
                    { files: { "project/pdm.toml": "use_uv = true\n" } },
                ],
            ],
            hatch: (): readonly Case[] => [
                [
                    "the installer pip, which reads no uv.toml",
                    /^hatch does not find ready-made\. /,
                    { files: { "project/pyproject.toml": projectFile("hatch").replace('"uv"', '"pip"') } },
                ],
                [
                    "hatch.toml, which selects pip",
                    /^hatch does not find ready-made\. /,
                    { files: { "project/hatch.toml": '[envs.default]\ninstaller = "pip"\n' } },
                ],
                [
                    "a variable of the environment",
                    notAsked("hatch"),
                    {
                        files: {
                            "project/pyproject.toml": `${projectFile("hatch")}\n[tool.hatch.envs.default.env-vars]\nUV_KEYRING_PROVIDER = "disabled"\n`,
                        },
                    },
                ],
            ],
            pipenv: (): readonly Case[] => [
                ["no variable that enables the keyring", notAsked("pipenv"), {}],
                [
                    "a dependency in a folder",
                    "skipped",
                    {
                        files: {
                            "project/Pipfile": `${pypi}${files("pipenv", { form: "keyring" })["project/Pipfile"]!}[packages]\nReady_Made = { path = "./lib" }\n`,
                        },
                    },
                ],
                [
                    "a mirror, which replaces only PyPI",
                    "ok",
                    {
                        files: {
                            "project/Pipfile": `${pypi}${files("pipenv", { form: "keyring" })["project/Pipfile"]!}`,
                        },
                        environment: {
                            PIPENV_KEYRING_PROVIDER: "subprocess",
                            PIPENV_PYPI_MIRROR: "https://mirror.example/simple",
                        },
                    },
                ],
            ],
        };
        for (const tool of ["pip", "uv", "poetry", "pdm", "hatch", "pipenv"] as const) {
            itInRelease(`decides what ${tool} does, and what the check says`, async () => {
                const { bin } = tool === "pip" ? registry().tools : await PinnedTool.install(tool);
                for (const [what, expected, options] of cases[tool]()) {
                    await using toolEnvironment = await at({
                        keyFile: getKeyFile(reader),
                        path: [bin, registry().tools.bin],
                        ...options,
                        files: { ...files(tool, { form: "keyring" }), ...options.files },
                    });
                    const found = (await findings(toolEnvironment, [tool])).filter(
                        (finding) => finding.tool === tool,
                    );
                    const reason = `${tool}, ${what}: ${JSON.stringify(found, null, 2)}`;
                    const ticks = found.filter(({ status }) => status === "ok");
                    assert.equal(ticks.length, expected === "ok" ? 1 : 0, reason);
                    if (typeof expected === "string") assert.deepEqual(faults(found), [], reason);
                    else
                        assert.ok(
                            faults(found).some(
                                ({ status, message }) => status === "problem" && expected.test(message),
                            ),
                            reason,
                        );
                }
            });
        }
    });

    describe("the identity", () => {
        it("has no role (403)", async () => {
            const { file, email } = await createKey(registry().sandbox, "no-role");
            await using toolEnvironment = await at({ ...withKeyring(), keyFile: JSON.stringify(file) });
            assertOneFault(
                await findings(toolEnvironment, ["pip"]),
                { tool: "pip", subject: "index" },
                new RegExp(`^403: ${email} is signed in, but has no role on this repository$`),
                new RegExp(`Add serviceAccount:${email} to .*readers`),
            );
        });

        itInRelease("has a role in the stack, but not in the policy (403)", async () => {
            const { file, email } = await createKey(registry().sandbox, "created-again");
            await using toolEnvironment = await at({ ...withKeyring(), keyFile: JSON.stringify(file) });
            assertOneFault(
                await findings(toolEnvironment, ["pip"], {
                    ...outputs(),
                    principals: [`serviceAccount:${email}`],
                }),
                { tool: "pip", subject: "index" },
                new RegExp(`^403: the stack gives ${email} a role, but .* deleted and created again$`),
                /^Run pulumi up --refresh$/,
            );
        });

        itInRelease("is a machine's, without the scope cloud-platform (403)", async () => {
            const server = await registry().sandbox.startMetadataServer(
                `serviceAccount:${getEmail(reader)}`,
                ["https://www.googleapis.com/auth/devstorage.read_only"],
            );
            await using toolEnvironment = await at({
                files: files("pip", { form: "keyring" }),
                environment: { ...server, NO_GCE_CHECK: "false" },
            });
            assertOneFault(
                await findings(toolEnvironment, ["pip"]),
                { tool: "pip", subject: "index" },
                new RegExp(`^403: the token of ${getEmail(reader)} does not have the scope cloud-platform$`),
                /set the access scope cloud-platform/,
            );
        });

        itInRelease("is not gcloud's account, because of Application Default Credentials", async () => {
            await using toolEnvironment = await at({
                ...withKeyring(),
                executables: gcloud(person, registry().sandbox.issueToken(`user:${person}`)),
            });
            assertOneFault(
                await findings(toolEnvironment, ["pip"]),
                { status: "warning", subject: "identity" },
                new RegExp(
                    `^The keyring uses ${reader}@.* by Application Default Credentials .*not gcloud's account ${person}$`,
                ),
                /unset GOOGLE_APPLICATION_CREDENTIALS/,
            );
        });

        itInRelease("is gcloud's account, because Application Default Credentials do not work", async () => {
            await using toolEnvironment = await at({
                files: files("pip", { form: "keyring" }),
                environment: { GOOGLE_APPLICATION_CREDENTIALS: "/nowhere/key.json" },
                executables: gcloud(person, registry().sandbox.issueToken(`user:${person}`)),
            });
            assertOneFault(
                await findings(toolEnvironment, ["pip"]),
                { status: "warning", subject: "identity" },
                new RegExp(
                    `/nowhere/key\\.json does not exist\\. gcloud's account ${person} is used instead`,
                ),
                /Correct or unset GOOGLE_APPLICATION_CREDENTIALS/,
            );
        });

        it("is missing", async () => {
            await using toolEnvironment = await at({ files: files("pip", { form: "keyring" }) });
            const found = faults(await findings(toolEnvironment, ["pip"]));
            assert.deepEqual(
                found.map(({ status, subject, message }) => [
                    status,
                    subject,
                    message.replace(/ \(.*\)/, ""),
                ]),
                [
                    [
                        "problem",
                        "identity",
                        "There are no Application Default Credentials, and gcloud has no account",
                    ],
                    [
                        "problem",
                        "keyring",
                        "The keyring in pip's own environment returned no token: it found no credentials",
                    ],
                ],
            );
        });
    });

    describe("a credential in a file", () => {
        it("is a token that has expired", async () => {
            const token = registry().sandbox.issueToken(`user:${person}`, 0);
            await using toolEnvironment = await at({ files: files("pip", { form: "token", token }) });
            const found = await findings(toolEnvironment, ["pip"]);
            assert.equal(found.filter(({ subject }) => subject === "token").length, 1);
            assertOneFault(
                found,
                { tool: "pip", subject: "token" },
                /pip\.conf has expired \(401\)$/,
                /--auth token again/,
            );
        });

        itInRelease("is a token that expires soon", async () => {
            const token = registry().sandbox.issueToken(`user:${person}`, 599);
            await using toolEnvironment = await at({ files: files("twine", { form: "token", token }) });
            assertOneFault(
                await findings(toolEnvironment, ["twine"]),
                { tool: "twine", status: "warning", subject: "token" },
                new RegExp(`^The access token of ${person} in .*\\.pypirc expires in \\d minutes$`),
                /--auth token again/,
            );
        });

        itInRelease("is a key that was deleted (401)", async () => {
            const id = "key-loser";
            await using byFile = await at({ files: files("pip", getKey(id)) });
            await using byKeyring = await at(withKeyring(id));
            assert.deepEqual(faults(await findings(byFile, ["pip"])), []);
            const { client_email: email, private_key_id: key } = JSON.parse(getKeyFile(id)) as Record<
                string,
                string
            >;
            await ok(registry().sandbox, "DELETE", `${accountsPath}/${email!}/keys/${key!}`);
            const refused = await findings(byFile, ["pip"]);
            assert.equal(refused.filter(({ subject }) => subject === "key").length, 1);
            assertOneFault(
                refused,
                { tool: "pip", subject: "key" },
                new RegExp(`^The index rejected the key of ${email!} .*\\(401\\)`),
                /--auth key again/,
            );
            const found = faults(await findings(byKeyring, ["pip"]));
            assert.deepEqual(
                found.map(({ subject }) => subject),
                ["keyring"],
            );
            assert.match(found[0]?.message ?? "", /invalid_grant/);
            // If gcloud has an account, the keyring silently uses that one.
            await using beside = await at({
                ...withKeyring(id),
                executables: gcloud(person, registry().sandbox.issueToken(`user:${person}`)),
            });
            assertOneFault(
                await findings(beside, ["pip"]),
                { status: "warning", subject: "identity" },
                new RegExp(
                    `do not work: Google rejects them .*\\. gcloud's account ${person} is used instead$`,
                ),
                /Correct or unset GOOGLE_APPLICATION_CREDENTIALS/,
            );
        });

        it("can be read by others", async () => {
            await using toolEnvironment = await at({ files: files("pip", getKey(reader)) });
            const file = join(toolEnvironment.home, ".config/pip/pip.conf");
            await chmod(file, 0o644);
            assertOneFault(
                await findings(toolEnvironment, ["pip"]),
                { tool: "pip", subject: "file-mode" },
                /others can read it \(mode 644\)$/,
                new RegExp(`^chmod 600 '${file}'$`),
            );
        });

        itInRelease(
            "is the key file of the Application Default Credentials, which others can read",
            async () => {
                await using toolEnvironment = await at(withKeyring());
                await chmod(join(toolEnvironment.home, "key.json"), 0o640);
                assertOneFault(
                    await findings(toolEnvironment, ["pip"]),
                    { subject: "file-mode" },
                    /key\.json holds a credential, and others can read it \(mode 640\)$/,
                    /^chmod 600 /,
                );
            },
        );
    });

    describe("the index", () => {
        it("has no such repository (404)", async () => {
            const { name, index, ...rest } = outputs();
            const elsewhere = (text: string) => text.replace(/python(?=\/|$)/, "pythno");
            const wrong: RegistryOutputs = {
                ...rest,
                name: elsewhere(name),
                index: {
                    ...index,
                    indexUrl: elsewhere(index.indexUrl),
                    uploadUrl: elsewhere(index.uploadUrl),
                },
            };
            await using toolEnvironment = await at({ keyFile: getKeyFile(reader) });
            await writeFile(
                join(toolEnvironment.home, ".pypirc"),
                `[distutils]\nindex-servers = pythno\n[pythno]\nrepository: ${wrong.index.uploadUrl}\n`,
            );
            assertOneFault(
                await findings(toolEnvironment, ["twine"], wrong),
                { tool: "twine", subject: "index" },
                /^404: there is no such repository: .*pythno$/,
                /stack's outputs/,
            );
        });

        itInRelease("is behind a proxy that is down", async () => {
            // A port that was free a moment ago.
            const server = createServer().listen(0, "127.0.0.1");
            await once(server, "listening");
            const { port } = server.address() as AddressInfo;
            await once(server.close(), "close");
            const proxy = `http://user:proxy-password@127.0.0.1:${port}`;
            await using toolEnvironment = await at({
                files: files("pip", getKey(reader)),
                environment: { HTTPS_PROXY: proxy, https_proxy: proxy },
            });
            const found = await findings(toolEnvironment, ["pip"]);
            assertOneFault(
                found,
                { subject: "network" },
                new RegExp(`^There is no connection to the proxy 127\\.0\\.0\\.1:${port} `),
                /HTTPS_PROXY/,
            );
            assert.doesNotMatch(JSON.stringify(found), /proxy-password/);
        });

        itInRelease("has a certificate that is not trusted", async () => {
            await using toolEnvironment = await at({
                files: files("pip", getKey(reader)),
                environment: { PIP_CERT: "", REQUESTS_CA_BUNDLE: "", CURL_CA_BUNDLE: "", SSL_CERT_FILE: "" },
            });
            assertOneFault(
                await findings(toolEnvironment, ["pip"]),
                { subject: "network" },
                /^The certificate of europe-west1-python\.pkg\.dev is not trusted/,
                /REQUESTS_CA_BUNDLE/,
            );
        });
    });

    describe("the package", () => {
        const messages = (found: readonly Finding[], subject: Finding["subject"] = "index") =>
            found
                .filter((finding) => finding.subject === subject)
                .map(({ status, message }) => `${status} ${message}`);

        itInRelease("is the one of --package, which has to be in the registry", async () => {
            await registry().putOnIndex({ name: "other-one", version: "3.0.0" });
            await using toolEnvironment = await at(withKeyring());
            const ask = (packageName: string) =>
                findings(toolEnvironment, ["pip"], outputs(), { packageName });
            assert.deepEqual(messages(await ask("Other_One")), [
                "ok pip finds other-one 3.0.0 in the registry",
            ]);
            assert.deepEqual(messages(await ask("no-such-package")), [
                "problem The registry has no package named no-such-package",
                messages(await ask("no-such-package"))[1],
            ]);
            assert.match(messages(await ask("no-such-package"))[1] ?? "", /^skipped .*Not tried: /);
        });

        itInRelease("is an internal one before others, and has a wheel", async () => {
            const { files: stored } = registry().repository;
            await registry().putOnIndex({ name: "acme-source", version: "1.0.0" });
            for (const name of [...stored.keys()]) if (/^acme_source.*whl$/.test(name)) stored.delete(name);
            await registry().putOnIndex({ name: "zebra", version: "2.0.0" });
            await using toolEnvironment = await at(withKeyring());
            const given = outputs();
            const internal = { ...given, index: { ...given.index, internalPackages: ["acme-*", "zebra"] } };
            assert.deepEqual(messages(await findings(toolEnvironment, ["pip"], internal)), [
                "ok pip finds zebra 2.0.0 in the registry",
            ]);
            const [only] = messages(
                await findings(toolEnvironment, ["pip"], given, { packageName: "acme-source" }),
            );
            assert.match(only ?? "", /^skipped .*Not tried: no package was found that has a wheel/);
        });

        itInRelease("cannot be chosen if the registry is empty", async () => {
            const { files: stored } = registry().repository;
            const before = [...stored];
            stored.clear();
            try {
                await using toolEnvironment = await at(withKeyring());
                const found = await findings(toolEnvironment, ["pip"]);
                assert.match(
                    messages(found)[0] ?? "",
                    /^skipped Configured in .*pip\.conf\. .*Not tried: the registry has no packages yet$/,
                );
                assert.equal(allWell(found), true);
            } finally {
                for (const [name, file] of before) stored.set(name, file);
            }
        });

        it("comes from a different index: the attacker's, with a higher version", async () => {
            const packageName = "attacked";
            await registry().putOnIndex({ name: packageName, version: "1.0.0" });
            for (const path of await registry().build({ name: packageName, version: "99.0.0" })) {
                await registry().publishPublic(packageName, path);
            }
            const { bin } = await PinnedTool.install("uv");
            await using toolEnvironment = await at({
                ...withKeyring(),
                path: [bin, registry().tools.bin],
                files: { ...files("pip", { form: "keyring" }), ...files("uv", { form: "keyring" }) },
            });
            const found = await findings(toolEnvironment, ["pip", "uv"], outputs(), {
                packageName,
            });
            assertOneFault(
                found,
                { tool: "pip", subject: "index" },
                /^pip takes attacked 99\.0\.0 from pypi\.org instead of the registry$/,
                /dependency-confusion/,
            );
            assert.deepEqual(messages(found.filter(({ tool }) => tool === "uv")), [
                "ok uv finds attacked 1.0.0 in the registry",
            ]);
        });

        itInRelease("is each internal one, and not only the first, for pip, uv and pdm", async () => {
            await registry().putOnIndex({ name: "aaa-first", version: "1.0.0" });
            await registry().putOnIndex({ name: "taken", version: "1.0.0" });
            for (const path of await registry().build({ name: "taken", version: "99.0.0" })) {
                await registry().publishPublic("taken", path);
            }
            const given = outputs();
            const internal = {
                ...given,
                index: { ...given.index, internalPackages: ["aaa-first", "taken"] },
            };
            for (const [tool, change] of [
                ["pip", {}],
                ["uv", { UV_INDEX_STRATEGY: "unsafe-best-match" }],
                ["pdm", {}],
            ] as const) {
                const { bin } = tool === "pip" ? registry().tools : await PinnedTool.install(tool);
                await using machine = await at({
                    keyFile: getKeyFile(reader),
                    path: [bin, registry().tools.bin],
                    files: files(tool, { form: "keyring" }),
                    environment: change,
                });
                const found = await findings(machine, [tool], internal);
                assert.match(
                    messages(found).join("\n"),
                    new RegExp(`^problem ${tool} takes taken 99\\.0\\.0 from pypi\\.org`),
                );
                assert.deepEqual(messages(found, "names"), [
                    "notice PyPI has taken too: yours, or someone else's",
                    "notice PyPI does not have aaa-first: anyone can register it there",
                ]);
            }
        });

        itInRelease(
            "is taken with its dependencies as the project's file says, by poetry and pipenv",
            async () => {
                await registry().putOnIndex({ name: "needed", version: "1.0.0" });
                await registry().putOnIndex({
                    name: "a-needs-it",
                    version: "1.0.0",
                    dependencies: ["needed"],
                });
                for (const path of await registry().build({ name: "needed", version: "99.0.0" })) {
                    await registry().publishPublic("needed", path);
                }
                const given = outputs();
                const internal = {
                    ...given,
                    index: { ...given.index, internalPackages: ["a-needs-it", "needed"] },
                };
                const mirror =
                    '[[tool.poetry.source]]\nname = "mirror"\nurl = "https://mirror.example/simple/"\n';
                const pypi =
                    '[[source]]\nname = "pypi"\nurl = "https://pypi.org/simple"\nverify_ssl = true\n';
                const poetry = `${files("poetry", { form: "keyring" })["project/pyproject.toml"]!}${mirror}`;
                const pipfile = `${pypi}${files("pipenv", { form: "keyring" })["project/Pipfile"]!}`;
                for (const [tool, file, own, pin] of [
                    [
                        "poetry",
                        "pyproject.toml",
                        poetry,
                        '[tool.poetry.dependencies]\nneeded = { version = "*", source = "python" }\n',
                    ],
                    [
                        "pipenv",
                        "Pipfile",
                        pipfile,
                        '[packages]\nneeded = { version = "*", index = "python" }\n',
                    ],
                ] as const) {
                    const { bin } = await PinnedTool.install(tool);
                    for (const pinned of [true, false]) {
                        await using machine = await at({
                            keyFile: getKeyFile(reader),
                            path: [bin, registry().tools.bin],
                            files: { [`project/${file}`]: `${own}${pinned ? pin : ""}` },
                            environment: { PIPENV_KEYRING_PROVIDER: "subprocess" },
                        });
                        const [first] = messages(await findings(machine, [tool], internal));
                        assert.match(
                            first ?? "",
                            pinned
                                ? new RegExp(`^ok ${tool} finds a-needs-it 1\\.0\\.0 in the registry`)
                                : new RegExp(`^problem ${tool} takes needed 99\\.0\\.0 from `),
                        );
                    }
                }
            },
        );

        itInRelease(
            "comes from a different index without a wheel, which pip, hatch and pdm would build",
            async () => {
                const packageName = "only-source";
                await registry().putOnIndex({ name: packageName, version: "1.0.0" });
                await using builder = await at({});
                for (const [versions, isTaken] of [
                    [["0.9.0", "99.0.0rc1"], false],
                    [["99.0.0"], true],
                ] as const) {
                    for (const version of versions) {
                        await builder.run("python3", "-c", makeSdist(packageName, version));
                        const filename = `${packageName}-${version}.tar.gz`;
                        registry().sandbox.publishPublic({
                            project: packageName,
                            filename,
                            content: await readFile(join(builder.home, filename)),
                        });
                    }
                    for (const tool of isTaken ? (["pip", "hatch", "pdm"] as const) : (["pip"] as const)) {
                        const { bin } = tool === "pip" ? registry().tools : await PinnedTool.install(tool);
                        await using machine = await at({
                            keyFile: getKeyFile(reader),
                            path: [bin, registry().tools.bin],
                            files: {
                                ...files(tool, { form: "keyring" }),
                                ...(tool === "hatch" && {
                                    ...files("pip", { form: "keyring" }),
                                    "project/pyproject.toml":
                                        '[project]\nname = "demo"\nversion = "1"\n[tool.hatch.envs.default]\ninstaller = "pip"\n',
                                }),
                            },
                        });
                        assert.match(
                            messages(await findings(machine, [tool], outputs(), { packageName })).join("\n"),
                            isTaken
                                ? new RegExp(
                                      `problem ${tool} takes ${packageName} 99\\.0\\.0 from pypi\\.org`,
                                  )
                                : new RegExp(`ok ${tool} finds ${packageName} 1\\.0\\.0`),
                            `${tool}, ${versions.join()}`,
                        );
                        assert.doesNotMatch((await machine.run("ls")).output, /^ran$/m);
                    }
                }
            },
        );

        itInRelease("runs no code, except with poetry where it takes the attacker's package", async () => {
            const packageName = "evil";
            await registry().putOnIndex({ name: packageName, version: "1.0.0" });
            await using toolEnvironment = await at({ path: [registry().tools.bin] });
            const made = await toolEnvironment.run("python3", "-c", makeSdist(packageName));
            assert.equal(made.exitCode, 0, made.output);
            registry().sandbox.publishPublic({
                project: packageName,
                filename: `${packageName}-99.0.0.tar.gz`,
                content: await readFile(join(toolEnvironment.home, `${packageName}-99.0.0.tar.gz`)),
            });
            for (const tool of ["pip", "uv", "poetry", "pdm", "hatch", "pipenv"] as const) {
                const { bin } = tool === "pip" ? registry().tools : await PinnedTool.install(tool);
                const own = files(tool, { form: "keyring" });
                const mirror =
                    '[[tool.poetry.source]]\nname = "mirror"\nurl = "https://mirror.example/simple/"\n';
                await using machine = await at({
                    keyFile: getKeyFile(reader),
                    path: [bin, registry().tools.bin],
                    files: {
                        ...own,
                        ...(tool === "poetry" && {
                            "project/pyproject.toml": `${own["project/pyproject.toml"]!}${mirror}`,
                        }),
                    },
                    environment: { PIPENV_KEYRING_PROVIDER: "subprocess" },
                });
                await findings(machine, [tool], outputs(), { packageName });
                const { output } = await machine.run("sh", "-c", 'ls "$HOME"');
                assert.equal(/^ran$/m.test(output), tool === "poetry", `${tool}: ${output}`);
            }
        });

        itInRelease(
            "is restricted to the registry, unless a setting of the project takes it from elsewhere",
            async () => {
                const { bin } = await PinnedTool.install("uv");
                const project = (order: readonly string[]) =>
                    `[project]\nname = "demo"\n${order.map((url, at) => `[[tool.uv.index]]\nname = "i${at}"\nurl = "${url}"\n`).join("")}`;
                const { indexUrl } = outputs().index;
                const own = indexUrl.replace("://", "://oauth2accesstoken@");
                const mirror = "https://mirror.example/simple/";
                for (const [order, expected] of [
                    [[own, mirror], []],
                    [[mirror, own], [/^uv asks the index "i0" in .*pyproject\.toml before this registry/]],
                ] as const) {
                    await using toolEnvironment = await at({
                        keyFile: getKeyFile(reader),
                        path: [bin, registry().tools.bin],
                        files: { "project/pyproject.toml": project(order) },
                        environment: { UV_KEYRING_PROVIDER: "subprocess" },
                    });
                    const given = {
                        ...outputs(),
                        index: { ...outputs().index, internalPackages: ["ready-made"] },
                    };
                    const found = faults(await findings(toolEnvironment, ["uv"], given));
                    assert.equal(found.length, expected.length, JSON.stringify(found, null, 2));
                    for (const [at, pattern] of expected.entries()) {
                        assert.equal(found[at]!.status, "warning");
                        assert.match(found[at]!.message, pattern);
                    }
                }
            },
        );

        it("is not asked for offline: nothing is", async () => {
            const token = registry().sandbox.issueToken(`user:${person}`, 0);
            await using toolEnvironment = await at({
                ...withKeyring(),
                files: {
                    ...files("pip", { form: "token", token }),
                    ...files("twine", { form: "keyring" }),
                },
                executables: { ...gcloud(), "bin/keyring": '#!/bin/sh\ntouch "$HOME/started"\n' },
            });
            const before = registry().sandbox.requests.length;
            const found = await findings(toolEnvironment, undefined, outputs(), { offline: true });
            assert.deepEqual(registry().sandbox.requests.slice(before), []);
            assert.match((await toolEnvironment.run("ls")).output, /^(?!.*started)/);
            assert.deepEqual(
                found.map(({ tool = "", status, subject }) => `${tool} ${subject} ${status}`),
                ["pip index skipped", "twine publish skipped"],
            );
            assert.match(messages(found)[0] ?? "", /pip\.conf\. Not tried: --offline$/);
        });
    });

    it("passes no credential to a program as an argument", async () => {
        const script = '#!/bin/sh\necho "$0 $*" >> "$HOME/arguments"\nexec "$REAL/keyring" "$@"\n';
        await using toolEnvironment = await at({
            ...withKeyring(),
            path: [registry().tools.bareBin],
            executables: { ...gcloud(), "bin/keyring": script },
            environment: { REAL: registry().tools.bin },
        });
        assert.deepEqual(faults(await findings(toolEnvironment, ["pip"])), []);
        const { output } = await toolEnvironment.run("cat", "arguments");
        assert.match(
            output,
            /--list-backends\n.* get https:\/\/europe-west1-python\.pkg\.dev\/\S+ oauth2accesstoken\n.* --mode=creds/,
        );
        assert.deepEqual(keyMaterial(output, [getKeyFile(reader)]), []);
    });
});
