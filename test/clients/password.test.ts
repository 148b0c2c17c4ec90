import assert from "node:assert/strict";
import { basename } from "node:path";
import { itInRelease } from "../release";
import { answers, assertInstalled, reader, tokenAnswers, useRegistry, writer } from "./registry";

// Real pip and twine with the files that the program generates, in the form that holds a service account's key.

describe("the password form", () => {
    const registry = useRegistry();

    it("lets pip install, without a keyring and under --no-input", async () => {
        await using toolEnvironment = await registry().at({
            ...registry().files("password", reader),
            path: [registry().tools.bareBin],
        });
        const run = await registry().install(toolEnvironment, "--no-input");
        assertInstalled(run, reader);
        assert.deepEqual(tokenAnswers(run), [], "the key itself is the password");
    });

    itInRelease("lets twine upload a wheel and an sdist", async () => {
        const files = await registry().build({ name: "with-password", version: "1.0.0" });
        await using toolEnvironment = await registry().at(registry().files("password", writer));
        const run = await registry().upload(toolEnvironment, files, "--non-interactive");
        assert.equal(run.exitCode, 0, run.output);
        assert.deepEqual(answers(run), [`POST 200 ${writer}`, `POST 200 ${writer}`]);
        assert.deepEqual(tokenAnswers(run), [], "the key itself is the password");
        for (const file of files) {
            assert.ok(registry().repository.files.has(basename(file)));
        }
    });
});
