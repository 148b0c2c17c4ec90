import assert from "node:assert/strict";
import { chmod, writeFile } from "node:fs/promises";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { allWell, check, describe as described, type Finding } from "../../configure/check/check";
import type { RegistryOutputs } from "../../configure/registry/outputs";
import { type System, thisSystem } from "../../configure/machine/system";
import { environmentWith } from "../../sandbox/python/python-tools";
import type { ToolEnvironment, ToolEnvironmentOptions } from "../../sandbox/python/tool-environment";
import type { ClientFile } from "../../src/clients/client";
import type { Credential } from "../../src/clients/credential";
import { type Tool, tools } from "../../src/clients/tools";
import { accountsPath, createKey, ok } from "../sandbox/client";
import { keyMaterial } from "./key-material";
import { project, reader, useRegistry, writer } from "./registry";
import { filesOf, PinnedTool } from "./tools/tool";

// `configure check` with the real pip, twine, keyring and its Google backend. Each test makes one fault on purpose.

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
            index: { name: id, indexUrl, uploadUrl, keyring, internalPackages: [] },
            accounts: {},
            keyFiles: undefined,
        };
    }

    const keyFileOf = (id: string) => registry().outputs.credentials[id]!.keyFile;
    const emailOf = (id: string) => (JSON.parse(keyFileOf(id)) as { client_email: string }).client_email;
    const keyOf = (id: string): Credential => ({
        form: "key",
        keyBase64: Buffer.from(keyFileOf(id)).toString("base64"),
    });

    /** A tool's generated files, for a tool environment. */
    function files(tool: Tool, credential: Credential, keyring?: RegistryOutputs["index"]["keyring"]) {
        const client = tools[tool].client(outputs(keyring).index, credential);
        const all: ClientFile[] = [...(client?.install ?? []), ...(client?.publish ?? [])];
        // A file can come in two parts, or twice.
        const placed = (["user", "project"] as const).flatMap((scope) =>
            all.flatMap((file) => Object.entries(filesOf([file], scope))),
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
        wanted: readonly string[] | undefined,
        given: RegistryOutputs = outputs(),
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
        keyFile: keyFileOf(id),
        files: files("pip", { form: "keyring" }),
    });

    describe("without faults", () => {
        it("with pip and twine by the keyring, found on PATH", async () => {
            await using toolEnvironment = await at({
                keyFile: keyFileOf(writer),
                files: { ...files("pip", { form: "keyring" }), ...files("twine", { form: "keyring" }) },
            });
            const found = await findings(toolEnvironment, undefined);
            assert.deepEqual(
                found.filter(({ status }) => status !== "ok"),
                [],
            );
            assert.equal(allWell(found), true);
            const email = emailOf(writer);
            assert.deepEqual(
                found.map(({ tool = "", subject }) => `${tool} ${subject}`),
                [
                    " network",
                    " identity",
                    " file-mode",
                    ...["pip configuration", "pip provider", "pip keyring", "pip index"],
                    ...["twine configuration", "twine keyring", "twine index"],
                ],
            );
            const identity = found.find(({ subject }) => subject === "identity")?.message ?? "";
            assert.ok(
                identity.includes(email) && identity.includes("GOOGLE_APPLICATION_CREDENTIALS"),
                identity,
            );
            for (const { message } of found.filter(({ subject }) => subject === "index")) {
                assert.ok(message.startsWith(`${email} can read`), message);
            }
        });

        const byCommand = ["configuration", "provider", "keyring", "index"];
        const byImport = ["configuration", "keyring", "index"];
        for (const [tool, subjects] of [
            ["uv", byCommand],
            ["poetry", byImport],
            ["pdm", byImport],
            // It installs with uv, and publishes by itself.
            ["hatch", [...byCommand, "keyring", "index"]],
            ["pipenv", byCommand],
        ] as const) {
            it(`with ${tool} by the keyring`, async () => {
                const { bin } = await PinnedTool.install(tool);
                await using toolEnvironment = await at({
                    keyFile: keyFileOf(writer),
                    path: [bin, registry().tools.bin],
                    files: files(tool, { form: "keyring" }),
                    environment: tool === "pipenv" ? { PIPENV_KEYRING_PROVIDER: "subprocess" } : {},
                });
                const found = await findings(toolEnvironment, [tool]);
                assert.deepEqual(
                    found.filter(({ status }) => status !== "ok"),
                    [],
                );
                assert.deepEqual(
                    found.flatMap((finding) => (finding.tool === tool ? [finding.subject] : [])),
                    subjects,
                );
            });
        }

        for (const tool of ["pip", "twine", "uv", "poetry", "pdm", "hatch", "netrc"] as const) {
            it(`with ${tool} by a key and by a token in its files`, async () => {
                const token = registry().sandbox.issueToken(`user:${person}`);
                for (const [credential, who] of [
                    [keyOf(reader), emailOf(reader)],
                    [{ form: "token", token }, person],
                ] as const) {
                    await using toolEnvironment = await at({
                        files: files(tool, credential),
                        executables: { ...gcloud(), [`bin/${tool}`]: "#!/bin/sh\nexit 1\n" },
                    });
                    const found = await findings(toolEnvironment, [tool]);
                    assert.deepEqual(
                        found.filter(({ status }) => status !== "ok"),
                        [],
                    );
                    const own = found.filter(({ subject }) => subject === credential.form);
                    assert.equal(own.length > 0 && own.every(({ message }) => message.includes(who)), true);
                    const answer = found.find(({ subject }) => subject === "index")?.message ?? "";
                    assert.ok(answer.startsWith(`${who} can read`), answer);
                }
            });
        }

        it("with a user's gcloud account, where there is nothing else", async () => {
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
            await using toolEnvironment = await at({ keyFile: keyFileOf(reader) });
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

        it("has no Google backend", async () => {
            const bin = await environmentWith("pip==26.3\nkeyring==25.7.0\n");
            await using toolEnvironment = await at({ ...withKeyring(), path: [bin] });
            assertOneFault(
                await findings(toolEnvironment, ["pip"]),
                { tool: "pip", subject: "keyring" },
                /has no backend for Artifact Registry/,
                /keyrings\.google-artifactregistry-auth/,
            );
        });

        it("is not asked by pip under no-input with the provider auto", async () => {
            await using toolEnvironment = await at({ ...withKeyring(), environment: { PIP_NO_INPUT: "1" } });
            assertOneFault(
                await findings(toolEnvironment, ["pip"]),
                { tool: "pip", subject: "provider" },
                /^no-input from PIP_NO_INPUT is set\. .* never asks a keyring$/,
                /keyring-provider import/,
            );
        });

        it("is asked by pip under no-input with import, and with subprocess outside pip's environment", async () => {
            for (const [provider, path] of [
                ["import", [registry().tools.bin]],
                ["subprocess", [registry().tools.bareBin, registry().tools.bin]],
            ] as const) {
                await using toolEnvironment = await at({
                    keyFile: keyFileOf(reader),
                    files: files("pip", { form: "keyring" }, provider),
                    path,
                    environment: { PIP_NO_INPUT: "1" },
                });
                assert.deepEqual(faults(await findings(toolEnvironment, ["pip"])), []);
            }
        });

        it("is asked by pip after the index rejects a default login in .netrc", async () => {
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

        it("is asked by pipenv, and not by uv, after the index rejects a login in .netrc", async () => {
            const { hostname } = new URL(outputs().index.indexUrl);
            const netrc = `machine ${hostname} login anonymous password me@example.com\n`;
            for (const tool of ["pipenv", "uv"] as const) {
                const { bin } = await PinnedTool.install(tool);
                await using toolEnvironment = await at({
                    keyFile: keyFileOf(writer),
                    path: [bin, registry().tools.bin],
                    files: { ...files(tool, { form: "keyring" }), ".netrc": netrc },
                    environment: tool === "pipenv" ? { PIPENV_KEYRING_PROVIDER: "subprocess" } : {},
                });
                const found = await findings(toolEnvironment, [tool]);
                if (tool === "pipenv") assert.deepEqual(faults(found), []);
                else assertOneFault(found, { tool, subject: "login" }, /\.netrc \(401\)$/, /user names/);
            }
        });

        it("is not asked by pip where it is in pip's own environment only, with subprocess", async () => {
            await using toolEnvironment = await at({
                keyFile: keyFileOf(reader),
                files: files("pip", { form: "keyring" }, "subprocess"),
            });
            assertOneFault(
                await findings(toolEnvironment, ["pip"]),
                { tool: "pip", subject: "keyring" },
                /^There is no keyring on PATH outside pip's own environment/,
                /^pipx install keyring/,
            );
        });
    });

    describe("pip before 26.2", () => {
        it("asks a keyring that is only a command if the index has a user name", async () => {
            const bin = await environmentWith("pip==25.3\n");
            for (const [provider, fault] of [
                ["auto", /^pip 25\.3 asks a keyring command only for a user name/],
                ["subprocess", undefined],
            ] as const) {
                await using toolEnvironment = await at({
                    keyFile: keyFileOf(reader),
                    files: files("pip", { form: "keyring" }, provider),
                    path: [bin, registry().tools.bin],
                });
                const run = await registry().install(toolEnvironment);
                const found = await findings(toolEnvironment, ["pip"]);
                // The check agrees with pip.
                assert.equal(run.exitCode === 0, fault === undefined, run.output);
                if (fault === undefined) assert.deepEqual(faults(found), []);
                else assertOneFault(found, { tool: "pip", subject: "provider" }, fault, /subprocess/);
            }
        });
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

        it("is not gcloud's account, because of Application Default Credentials", async () => {
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

        it("is gcloud's account, because Application Default Credentials do not work", async () => {
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

        it("is a token that expires soon", async () => {
            const token = registry().sandbox.issueToken(`user:${person}`, 599);
            await using toolEnvironment = await at({ files: files("twine", { form: "token", token }) });
            assertOneFault(
                await findings(toolEnvironment, ["twine"]),
                { tool: "twine", status: "warning", subject: "token" },
                new RegExp(`^The access token of ${person} in .*\\.pypirc expires in \\d minutes$`),
                /--auth token again/,
            );
        });

        it("is a key that was deleted (401)", async () => {
            const id = "key-loser";
            await using byFile = await at({ files: files("pip", keyOf(id)) });
            await using byKeyring = await at(withKeyring(id));
            assert.deepEqual(faults(await findings(byFile, ["pip"])), []);
            const { client_email: email, private_key_id: key } = JSON.parse(keyFileOf(id)) as Record<
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
            await using toolEnvironment = await at({ files: files("pip", keyOf(reader)) });
            const file = join(toolEnvironment.home, ".config/pip/pip.conf");
            await chmod(file, 0o644);
            assertOneFault(
                await findings(toolEnvironment, ["pip"]),
                { tool: "pip", subject: "file-mode" },
                /others can read it \(mode 644\)$/,
                new RegExp(`^chmod 600 '${file}'$`),
            );
        });

        it("is the key file of the Application Default Credentials, which others can read", async () => {
            await using toolEnvironment = await at(withKeyring());
            await chmod(join(toolEnvironment.home, "key.json"), 0o640);
            assertOneFault(
                await findings(toolEnvironment, ["pip"]),
                { subject: "file-mode" },
                /key\.json holds a credential, and others can read it \(mode 640\)$/,
                /^chmod 600 /,
            );
        });
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
            await using toolEnvironment = await at({ keyFile: keyFileOf(reader) });
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

        it("is behind a proxy that is down", async () => {
            // A port that was free a moment ago.
            const server = createServer().listen(0, "127.0.0.1");
            await once(server, "listening");
            const { port } = server.address() as AddressInfo;
            await once(server.close(), "close");
            const proxy = `http://user:proxy-password@127.0.0.1:${port}`;
            await using toolEnvironment = await at({
                files: files("pip", keyOf(reader)),
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

        it("has a certificate that is not trusted", async () => {
            await using toolEnvironment = await at({
                files: files("pip", keyOf(reader)),
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
            /--list-backends\n.* get https:\/\/europe-west1-python\.pkg\.dev\/\S+ oauth2accesstoken$/,
        );
        assert.deepEqual(keyMaterial(output, [keyFileOf(reader)]), []);
    });
});
