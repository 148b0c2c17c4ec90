import assert from "node:assert/strict";
import type { Client } from "../../../src/clients/client";
import type { Credential } from "../../../src/clients/credential";
import { netrcClient } from "../../../src/clients/netrc";
import { answers } from "../registry";
import { type Bench, filesOf, type Operation, proves, script, type Setting } from "./tool";

export function netrc() {
    for (const form of ["token", "key"] as const) {
        proves("netrc", form, "install", async ({ bench, tool }) => {
            for (const credential of bench.credentials(form, "install")) {
                const client = clientOf(bench, credential);
                await using toolEnvironment = await open({ bench, tool }, credential, "install");
                const environment = "export PIP_TARGET=site\n";
                const run = await bench.runScript(
                    toolEnvironment,
                    environment + script(client.commands.install, "ready-made"),
                );
                const granted = `GET 200 ${bench.principal(form, "install")}`;
                assert.equal(run.exitCode, 0, run.output);
                assert.match(run.output, /^Successfully installed ready-made-1\.0\.0$/m);
                assert.deepEqual(answers(run), [granted, granted]);

                const url = `${bench.index.indexUrl}ready-made/`;
                const byCurl = await bench.registry.run(toolEnvironment, "curl", "-sSfn", url);
                assert.deepEqual([byCurl.exitCode, answers(byCurl)], [0, [granted]], byCurl.output);
            }
        });

        proves("netrc", form, "publish", async ({ bench, tool }) => {
            for (const [turn, credential] of bench.credentials(form, "publish").entries()) {
                const client = clientOf(bench, credential);
                await using toolEnvironment = await open(
                    { bench, tool },
                    credential,
                    "publish",
                    await bench.registry.build({ name: `netrc-${form}-${turn}`, version: "1.0.0" }),
                );
                const run = await bench.runScript(toolEnvironment, script(client.commands.publish));
                assert.equal(run.exitCode, 0, run.output);
                const uploaded = `POST 200 ${bench.principal(form, "publish")}`;
                assert.deepEqual(
                    answers(run).filter((answer) => answer !== "GET 401 nobody"),
                    [uploaded, uploaded],
                );
            }
        });
    }
}

function open(
    { bench, tool }: Setting,
    credential: Credential,
    operation: Operation,
    distributions: readonly string[] = [],
) {
    return bench.toolEnvironment(credential.form, operation, {
        path: [tool.bin],
        files: filesOf(clientOf(bench, credential)[operation], "user"),
        distributions,
    });
}

function clientOf(bench: Bench, credential: Credential): Client {
    const client = netrcClient(bench.index, credential);
    assert.ok(client !== undefined);
    return client;
}
