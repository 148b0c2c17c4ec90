import assert from "node:assert/strict";
import { pipClient } from "../../../packages/registry/src/clients/pip";
import { forms } from "../../../packages/registry/src/clients/credential";
import { answers } from "../registry";
import { testCooldown, versionsIn } from "./cooldown";
import { getFiles, script, testAttack, testOnlyIndex, testOperation, testSetup, waysToAsk } from "./tool";

export function pip() {
    for (const form of forms) {
        testOperation("pip", form, "install", async ({ fixture, tool }, { credential }) => {
            const client = pipClient(fixture.index, credential);
            await using toolEnvironment = await fixture.toolEnvironment(form, "install", {
                path: [tool.bin],
                files: getFiles(client.install, "user"),
                environment: { ...fixture.registry.sandbox.clientEnvironment, PIP_TARGET: "site" },
            });
            const run = await fixture.runScript(
                toolEnvironment,
                script(client.commands.install, "ready-made"),
            );
            assert.equal(run.exitCode, 0, run.output);
            assert.match(run.output, /^Successfully installed ready-made-1\.0\.0$/m);
            assert.equal(answers(run).at(-1), `GET 200 ${fixture.principal(form, "install")}`);
        });
    }

    for (const [asked, wanted] of waysToAsk) {
        // extra-index-url sets no order of indexes, as docs/clients.md warns.
        testAttack("pip", { file: "pip.conf", asked, installs: "public" }, async ({ fixture, tool }) => {
            const client = pipClient(fixture.index, fixture.credential("keyring", "install"));
            await using toolEnvironment = await fixture.toolEnvironment("keyring", "install", {
                path: [tool.bin],
                files: getFiles(client.install, "user"),
            });
            const { output } = await fixture.registry.run(
                toolEnvironment,
                "pip",
                "install",
                "--target",
                "site",
                wanted,
            );
            return /^Successfully installed .*\bacme-core-(\S+)/m.exec(output)?.[1];
        });
    }

    testSetup("pip", pipClient, { PIP_IGNORE_INSTALLED: "1" });
    testCooldown(
        "pip",
        "pip.conf",
        { "with times": "fresh", "without times": "fresh" },
        async ({ fixture, tool }, index, packages) => {
            const files = getFiles(pipClient(index, { form: "keyring" }).install, "user");
            await using toolEnvironment = await fixture.toolEnvironment("keyring", "install", {
                path: [tool.bin],
                files,
            });
            const args = ["install", "--target", "site", ...packages];
            const run = await fixture.registry.run(toolEnvironment, "pip", ...args);
            // With its own option, it would install nothing.
            const refused = await fixture.registry.run(
                toolEnvironment,
                "pip",
                ...args,
                "--uploaded-prior-to=P7D",
            );
            assert.notEqual(refused.exitCode, 0, refused.output);
            assert.match(refused.output, /does not provide upload-time metadata/);
            return {
                ...run,
                versions: versionsIn(
                    (name) =>
                        new RegExp(`^Successfully installed .*\\b${name}-(\\d\\S*)`, "m").exec(
                            run.output,
                        )?.[1],
                ),
            };
        },
    );

    testOnlyIndex("pip", "pip.conf", async ({ fixture, tool }, index, packages) => {
        const client = pipClient(index, fixture.credential("keyring", "install"));
        await using toolEnvironment = await fixture.toolEnvironment("keyring", "install", {
            path: [tool.bin],
            files: getFiles(client.install, "user"),
        });
        const args = ["install", "--target", "site", ...packages];
        const run = await fixture.registry.run(toolEnvironment, "pip", ...args);
        return { ...run, version: /^Successfully installed .*\bacme-core-(\S+)/m.exec(run.output)?.[1] };
    });
}
