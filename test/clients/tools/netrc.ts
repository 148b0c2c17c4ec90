import assert from "node:assert/strict";
import { type Client, inEveryShell } from "../../../packages/registry/src/clients/client";
import type { Credential } from "../../../packages/registry/src/clients/credential";
import { netrcClient } from "../../../packages/registry/src/clients/netrc";
import { answers } from "../registry";
import {
    getFiles,
    type Operation,
    script,
    type TestContext,
    testOnlyIndex,
    testOperation,
    type ToolFixture,
} from "./tool";

export function netrc() {
    for (const form of ["token", "key"] as const) {
        testOperation("netrc", form, "install", async ({ fixture, tool }, { credential }) => {
            const client = getClient(fixture, credential);
            await using toolEnvironment = await open({ fixture, tool }, credential, "install");
            const environment = "export PIP_TARGET=site\n";
            const run = await fixture.runScript(
                toolEnvironment,
                environment + script(client.commands.install, "ready-made"),
            );
            const granted = `GET 200 ${fixture.principal(form, "install")}`;
            assert.equal(run.exitCode, 0, run.output);
            assert.match(run.output, /^Successfully installed ready-made-1\.0\.0$/m);
            assert.deepEqual(answers(run), [granted, granted]);

            const url = `${fixture.index.indexUrl}ready-made/`;
            const byCurl = await fixture.registry.run(toolEnvironment, "curl", "-sSfn", url);
            assert.deepEqual([byCurl.exitCode, answers(byCurl)], [0, [granted]], byCurl.output);
        });

        testOperation("netrc", form, "publish", async ({ fixture, tool }, { credential, turn }) => {
            const client = getClient(fixture, credential);
            await using toolEnvironment = await open(
                { fixture, tool },
                credential,
                "publish",
                await fixture.registry.build({ name: `netrc-${form}-${turn}`, version: "1.0.0" }),
            );
            const run = await fixture.runScript(toolEnvironment, script(client.commands.publish));
            assert.equal(run.exitCode, 0, run.output);
            const uploaded = `POST 200 ${fixture.principal(form, "publish")}`;
            assert.deepEqual(
                answers(run).filter((answer) => answer !== "GET 401 nobody"),
                [uploaded, uploaded],
            );
        });
    }

    testOnlyIndex("netrc", ".netrc, with the option of the command", async (context, index, packages) => {
        const { fixture } = context;
        const credential = fixture.credential("key", "install");
        await using toolEnvironment = await open(context, credential, "install");
        const command = script(
            netrcClient(index, credential)?.commands.install ?? inEveryShell(),
            packages.join(" "),
        );
        const run = await fixture.runScript(toolEnvironment, `export PIP_TARGET=site\n${command}`);
        return { ...run, version: /^Successfully installed .*\bacme-core-(\S+)/m.exec(run.output)?.[1] };
    });
}

function open(
    { fixture, tool }: TestContext,
    credential: Credential,
    operation: Operation,
    distributions: readonly string[] = [],
) {
    return fixture.toolEnvironment(credential.form, operation, {
        path: [tool.bin],
        files: getFiles(getClient(fixture, credential)[operation], "user"),
        distributions,
    });
}

function getClient(fixture: ToolFixture, credential: Credential): Client {
    const client = netrcClient(fixture.index, credential);
    assert.ok(client !== undefined);
    return client;
}
