import assert from "node:assert/strict";
import type { Client } from "../../../src/clients/client";
import { forms, loginOf } from "../../../src/clients/credential";
import { hatchClient } from "../../../src/clients/hatch";
import { pipClient } from "../../../src/clients/pip";
import { answers, publicRequests } from "../registry";
import { attacks, type Bench, filesOf, internal, pasted, proves, script, waysToAsk } from "./tool";

/** A project with an environment that inherits from the default one, which the generated part configures. */
function own(dependency: string): string {
    return [
        '[project]\nname = "own"\nversion = "1.0.0"\n',
        // Without skip-install, uv would request the build backend of the project from PyPI.
        `[tool.hatch.envs.own]\nskip-install = true\ndependencies = ["${dependency}"]\n`,
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
        proves("hatch", form, "install", async ({ bench, tool }) => {
            for (const credential of bench.credentials(form, "install")) {
                const client = hatchClient(bench.index, credential);
                const user = filesOf(client.install, "user");
                const project = (part: Client) => ({
                    "project/pyproject.toml": pasted(own("ready-made"), part, "pyproject.toml"),
                });
                for (const files of [
                    { ...user, ...project(client) },
                    // The project's part has no credential, so with a login in the file, the user's file is necessary.
                    ...(loginOf(credential) === undefined ? [project(client)] : []),
                    // The project's part works for every form.
                    { ...user, ...project(hatchClient(bench.index, { form: "keyring" })) },
                    { ...user, ...project(hatchClient(bench.index, { form: "token" })) },
                ]) {
                    await using toolEnvironment = await bench.toolEnvironment(form, "install", {
                        path: [tool.bin],
                        environment: environment(bench),
                        files,
                    });
                    const run = await bench.runInProject(
                        toolEnvironment,
                        script(client.commands.install, "ready-made"),
                    );
                    assert.equal(run.exitCode, 0, run.output);
                    assert.match(run.output, /^1\.0\.0$/m);
                    assert.deepEqual(
                        [...new Set(answers(run).filter((answer) => answer.startsWith("GET 200")))],
                        [`GET 200 ${bench.principal(form, "install")}`],
                    );
                }
            }
        });

        proves("hatch", form, "publish", async ({ bench, tool }) => {
            for (const [turn, credential] of bench.credentials(form, "publish").entries()) {
                const client = hatchClient(bench.index, credential);
                await using toolEnvironment = await bench.toolEnvironment(form, "publish", {
                    path: [tool.bin],
                    environment: { ...environment(bench), PYTHONPATH: "../network" },
                    files: {
                        ...tunnel,
                        ...filesOf(client.publish, "user"),
                        "project/pyproject.toml": own("ready-made"),
                    },
                    distributions: await bench.registry.build({
                        name: `hatch-${form}`,
                        version: `1.0.${turn}`,
                    }),
                });
                const run = await bench.runInProject(toolEnvironment, script(client.commands.publish));
                assert.equal(run.exitCode, 0, run.output);
                const uploaded = `POST 200 ${bench.principal(form, "publish")}`;
                assert.deepEqual(
                    answers(run).filter((answer) => answer.startsWith("POST ")),
                    [uploaded, uploaded],
                );
            }
        });
    }

    for (const [file, installs, filesFor] of [
        [
            "pyproject.toml, with the installer uv",
            "internal",
            (bench: Bench, wanted: string) => ({
                "project/pyproject.toml": pasted(
                    own(wanted),
                    hatchClient(bench.index, { form: "keyring" }),
                    "pyproject.toml",
                ),
            }),
        ],
        [
            "pip.conf, with the installer pip",
            "public",
            (bench: Bench, wanted: string) => ({
                "project/pyproject.toml": own(wanted),
                ...filesOf(pipClient(bench.index, { form: "keyring" }).install, "user"),
            }),
        ],
    ] as const) {
        for (const [asked, wanted] of waysToAsk) {
            attacks("hatch", { file, asked, installs }, async ({ bench, tool }) => {
                const client = hatchClient(bench.index, bench.credential("keyring", "install"));
                await using toolEnvironment = await bench.toolEnvironment("keyring", "install", {
                    path: [tool.bin],
                    environment: environment(bench),
                    files: filesFor(bench, wanted),
                });
                const commands = script(client.commands.install, internal);
                const run = await bench.runInProject(toolEnvironment, commands);
                if (installs === "internal" && asked === "directly") {
                    // Without a credential, the package comes from nowhere.
                    await using stranger = await bench.registry.at({
                        path: [tool.bin],
                        environment: environment(bench),
                        files: filesFor(bench, wanted),
                    });
                    const refused = await bench.runInProject(stranger, commands);
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
}

/** Makes hatch use the environment `own` of the project. */
function environment(bench: Bench): Record<string, string> {
    return { ...bench.registry.sandbox.clientEnvironment, HATCH_ENV: "own" };
}
