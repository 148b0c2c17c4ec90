import assert from "node:assert/strict";
import type { Client, PythonIndex } from "../../../packages/registry/src/clients/client";
import { forms, findLogin } from "../../../packages/registry/src/clients/credential";
import { hatchClient } from "../../../packages/registry/src/clients/hatch";
import { pipClient } from "../../../packages/registry/src/clients/pip";
import { answers, publicRequests } from "../registry";
import { testCooldown, testCooldownCheck, versionsIn } from "./cooldown";
import {
    testAttack,
    testOnlyIndex,
    type ToolFixture,
    getFiles,
    internal,
    pasted,
    testOperation,
    script,
    waysToAsk,
} from "./tool";

/** A project with an environment that inherits from the default one, which the generated part configures. */
function own(...dependencies: readonly string[]): string {
    return [
        '[project]\nname = "own"\nversion = "1.0.0"\n',
        // Without skip-install, uv would request the build backend of the project from PyPI.
        `[tool.hatch.envs.own]\nskip-install = true\ndependencies = ${JSON.stringify(dependencies)}\n`,
    ].join("\n");
}

/**
 * hatch ignores proxies when it publishes, but the registry is reachable only through the proxy. So Python's sockets open
 * a tunnel through the proxy, without hatch's knowledge.
 */
const tunnel = {
    "network/sitecustomize.py": `import os
import socket
from urllib.parse import urlsplit

direct = socket.create_connection


def create_connection(address, *args, **kwargs):
    proxy = urlsplit(os.environ["HTTPS_PROXY"])
    connection = direct((proxy.hostname, proxy.port), *args, **kwargs)
    if address != (proxy.hostname, proxy.port):
        host, port = address
        connection.sendall(f"CONNECT {host}:{port} HTTP/1.1\\r\\nHost: {host}:{port}\\r\\n\\r\\n".encode())
        answer = b""
        while not answer.endswith(b"\\r\\n\\r\\n"):
            answer += connection.recv(1)
        assert b" 200 " in answer, answer
    return connection


socket.create_connection = create_connection
`,
};

export function hatch() {
    for (const form of forms) {
        testOperation(
            "hatch",
            form,
            "install",
            async ({ fixture, tool }, { credential, variant }) => {
                const client = hatchClient(fixture.index, credential);
                const user = getFiles(client.install, "user");
                const project = (part: Client) => ({
                    "project/pyproject.toml": pasted(own("ready-made"), part, "pyproject.toml"),
                });
                const files = [
                    // The project's part has no credential, so with a login in the file, the user's file is necessary.
                    findLogin(credential) === undefined ? project(client) : { ...user, ...project(client) },
                    { ...user, ...project(client) },
                    // The project's part works for every form.
                    { ...user, ...project(hatchClient(fixture.index, { form: "keyring" })) },
                    { ...user, ...project(hatchClient(fixture.index, { form: "token" })) },
                ][variant]!;
                await using toolEnvironment = await fixture.toolEnvironment(form, "install", {
                    path: [tool.bin],
                    environment: environment(fixture),
                    files,
                });
                const run = await fixture.runInProject(
                    toolEnvironment,
                    script(client.commands.install, "ready-made"),
                );
                assert.equal(run.exitCode, 0, run.output);
                assert.match(run.output, /^1\.0\.0$/m);
                assert.deepEqual(
                    [...new Set(answers(run).filter((answer) => answer.startsWith("GET 200")))],
                    [`GET 200 ${fixture.principal(form, "install")}`],
                );
            },
            4,
        );

        testOperation("hatch", form, "publish", async ({ fixture, tool }, { credential, turn }) => {
            const client = hatchClient(fixture.index, credential);
            await using toolEnvironment = await fixture.toolEnvironment(form, "publish", {
                path: [tool.bin],
                environment: { ...environment(fixture), PYTHONPATH: "../network" },
                files: {
                    ...tunnel,
                    ...getFiles(client.publish, "user"),
                    "project/pyproject.toml": own("ready-made"),
                },
                distributions: await fixture.registry.build({
                    name: `hatch-${form}`,
                    version: `1.0.${turn}`,
                }),
            });
            const run = await fixture.runInProject(toolEnvironment, script(client.commands.publish));
            assert.equal(run.exitCode, 0, run.output);
            const uploaded = `POST 200 ${fixture.principal(form, "publish")}`;
            assert.deepEqual(
                answers(run).filter((answer) => answer.startsWith("POST ")),
                [uploaded, uploaded],
            );
        });
    }

    for (const [file, installs, filesFor] of [
        [
            "pyproject.toml, with the installer uv",
            "internal",
            (fixture: ToolFixture, wanted: string) => ({
                "project/pyproject.toml": pasted(
                    own(wanted),
                    hatchClient(fixture.index, { form: "keyring" }),
                    "pyproject.toml",
                ),
            }),
        ],
        [
            "pip.conf, with the installer pip",
            "public",
            (fixture: ToolFixture, wanted: string) => ({
                "project/pyproject.toml": own(wanted),
                ...getFiles(pipClient(fixture.index, { form: "keyring" }).install, "user"),
            }),
        ],
    ] as const) {
        for (const [asked, wanted] of waysToAsk) {
            testAttack("hatch", { file, asked, installs }, async ({ fixture, tool }) => {
                const client = hatchClient(fixture.index, fixture.credential("keyring", "install"));
                await using toolEnvironment = await fixture.toolEnvironment("keyring", "install", {
                    path: [tool.bin],
                    environment: environment(fixture),
                    files: filesFor(fixture, wanted),
                });
                const commands = script(client.commands.install, internal);
                const run = await fixture.runInProject(toolEnvironment, commands);
                if (installs === "internal" && asked === "directly") {
                    // Without a credential, the package comes from nowhere.
                    await using stranger = await fixture.registry.at({
                        path: [tool.bin],
                        environment: environment(fixture),
                        files: filesFor(fixture, wanted),
                    });
                    const refused = await fixture.runInProject(stranger, commands);
                    assert.notEqual(refused.exitCode, 0, refused.output);
                    assert.deepEqual(
                        publicRequests(refused).filter(({ path }) => path.includes(internal)),
                        [],
                    );
                }
                return /^(\d\S*)$/m.exec(run.output)?.[1];
            });
        }
    }

    for (const [file, installer, installs] of [
        [
            "pyproject.toml, with the installer uv",
            "uv",
            { "with times": "known", "without times": "nothing" },
        ],
        ["pip.conf, with the installer pip", "pip", { "with times": "fresh", "without times": "fresh" }],
    ] as const) {
        if (installer === "uv") {
            testCooldownCheck(
                "hatch",
                { "with times": "ok", "without times": "skipped" },
                "pyproject.toml",
                (index) => onlyIndexFiles("uv", index, ["ready-made"]),
            );
        }
        testCooldown("hatch", file, installs, async ({ fixture, tool }, index, packages) => {
            await using toolEnvironment = await fixture.toolEnvironment("keyring", "install", {
                path: [tool.bin],
                environment: environment(fixture),
                files: onlyIndexFiles(installer, index, packages),
            });
            const run = await fixture.runInProject(toolEnvironment, printVersions(packages));
            return {
                ...run,
                versions: versionsIn((name) => new RegExp(`^${name} (\\d\\S*)$`, "m").exec(run.output)?.[1]),
            };
        });

        testOnlyIndex("hatch", file, async ({ fixture, tool }, index, packages) => {
            const { commands } = hatchClient(index, { form: "keyring" });
            await using toolEnvironment = await fixture.toolEnvironment("keyring", "install", {
                path: [tool.bin],
                environment: environment(fixture),
                files: onlyIndexFiles(installer, index, packages),
            });
            const run = await fixture.runInProject(toolEnvironment, script(commands.install, internal));
            return { ...run, version: /^(\d\S*)$/m.exec(run.output)?.[1] };
        });
    }
}

/** The files of a project whose environments are installed by uv or by pip, with the files for this index. */
function onlyIndexFiles(
    installer: "uv" | "pip",
    index: PythonIndex,
    wanted: readonly string[],
): Record<string, string> {
    return installer === "uv"
        ? {
              "project/pyproject.toml": pasted(
                  own(...wanted),
                  hatchClient(index, { form: "keyring" }),
                  "pyproject.toml",
              ),
          }
        : {
              "project/pyproject.toml": own(...wanted),
              ...getFiles(pipClient(index, { form: "keyring" }).install, "user"),
          };
}

function printVersions(packages: readonly string[]): string {
    return `hatch run python -c "from importlib.metadata import version; [print(n, version(n)) for n in '${packages.join(" ")}'.split()]"`;
}

/** Makes hatch use the environment `own` of the project. */
function environment(fixture: ToolFixture): Record<string, string> {
    return { ...fixture.registry.sandbox.clientEnvironment, HATCH_ENV: "own" };
}
