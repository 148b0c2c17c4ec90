import assert from "node:assert/strict";
import { forms } from "../../../src/clients/credential";
import { twineClient } from "../../../src/clients/twine";
import { answers } from "../registry";
import { filesOf, proves, script } from "./tool";

export function twine() {
    for (const form of forms) {
        proves("twine", form, "publish", async ({ bench, tool }) => {
            const client = twineClient(bench.index, bench.credential(form, "publish"));
            await using toolEnvironment = await bench.toolEnvironment(form, "publish", {
                path: [tool.bin],
                files: filesOf(client.publish, "user"),
                distributions: await bench.registry.build({ name: `twine-${form}`, version: "1.0.0" }),
            });
            const run = await bench.runScript(toolEnvironment, script(client.commands.publish));
            assert.equal(run.exitCode, 0, run.output);
            const uploaded = `POST 200 ${bench.principal(form, "publish")}`;
            assert.deepEqual(answers(run), [uploaded, uploaded]);
        });
    }
}
