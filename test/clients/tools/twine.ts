import assert from "node:assert/strict";
import { forms } from "../../../packages/registry/src/clients/credential";
import { twineClient } from "../../../packages/registry/src/clients/twine";
import { answers } from "../registry";
import { getFiles, testOperation, script } from "./tool";

export function twine() {
    for (const form of forms) {
        testOperation("twine", form, "publish", async ({ fixture, tool }, { credential, turn }) => {
            const client = twineClient(fixture.index, credential);
            await using toolEnvironment = await fixture.toolEnvironment(form, "publish", {
                path: [tool.bin],
                files: getFiles(client.publish, "user"),
                distributions: await fixture.registry.build({
                    name: `twine-${form}`,
                    version: `1.0.${turn}`,
                }),
            });
            const run = await fixture.runScript(toolEnvironment, script(client.commands.publish));
            assert.equal(run.exitCode, 0, run.output);
            const uploaded = `POST 200 ${fixture.principal(form, "publish")}`;
            assert.deepEqual(answers(run), [uploaded, uploaded]);
        });
    }
}
