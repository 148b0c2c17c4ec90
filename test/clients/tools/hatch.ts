import assert from "node:assert/strict";
import type { Client } from "../../../src/clients/client";
import { forms, loginOf } from "../../../src/clients/credential";
import { hatchClient } from "../../../src/clients/hatch";
import { pipClient } from "../../../src/clients/pip";
import { answers, publicRequests } from "../registry";
import { attacks, type Bench, filesOf, internal, pasted, proves, script, waysToAsk } from "./tool";

/** A project with an environment that inherits from the default one, where the generated part stands. */
function own(dependency: string): string {
    return [
        '[project]\nname = "own"\nversion = "1.0.0"\n',
        // It is not to be built: uv would ask PyPI for its build backend.
        `[tool.hatch.envs.own]\nskip-install = true\ndependencies = ["${dependency}"]\n`,
    ].join("\n");
}

/**
 * hatch publishes past any proxy, and only the proxy leads to the registry: a tunnel through it, below hatch, in the way
 * that a network would do it.
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
                    // The project's part has no credential: with one at hand, the person's file is needed.
                    ...(loginOf(credential) === undefined ? [project(client)] : []),
                    // A project is for all, whatever form its part was made for.
                    { ...user, ...project(hatchClient(bench.index, { form: "keyring" })) },
                    { ...user, ...project(hatchClient(bench.index, { form: "token" })) },
                ]) {
                    await using workstation = await bench.workstation(form, "install", {
                        path: [tool.bin],
                        environment: environment(bench),
                        files,
                    });
                    const run = await bench.runInProject(
                        workstation,
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
                await using workstation = await bench.workstation(form, "publish", {
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
                const run = await bench.runInProject(workstation, script(client.commands.publish));
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
            "pyproject.toml, which has uv install",
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
            "pip.conf, which counts when pip installs",
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
                await using workstation = await bench.workstation("keyring", "install", {
                    path: [tool.bin],
                    environment: environment(bench),
                    files: filesFor(bench, wanted),
                });
                const commands = script(client.commands.install, internal);
                const run = await bench.runInProject(workstation, commands);
                if (installs === "internal" && asked === "directly") {
                    // Without a credential the name is nobody's.
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

/** The environment that hatch takes is the project's own one. */
function environment(bench: Bench): Record<string, string> {
    return { ...bench.registry.sandbox.clientEnvironment, HATCH_ENV: "own" };
}
