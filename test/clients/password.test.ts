import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { answers, assertInstalled, reader, tokenAnswers, useRegistry, writer } from "./registry";

// Real pip and twine with the files that the program generates, in the form that holds a service account's key.

describe("the password form", () => {
    const registry = useRegistry();

    it("lets pip install, without a keyring and under --no-input", async () => {
        await using workstation = await registry().at({
            ...registry().files("password", reader),
            path: [registry().tools.bareBin],
        });
        const run = await registry().install(workstation, "--no-input");
        assertInstalled(run, reader);
        assert.deepEqual(tokenAnswers(run), [], "the key itself is the password");
    });

    it("lets twine upload a wheel and an sdist", async () => {
        const files = await registry().build({ name: "with-password", version: "1.0.0" });
        await using workstation = await registry().at(registry().files("password", writer));
        const run = await registry().upload(workstation, files, "--non-interactive");
        assert.equal(run.exitCode, 0, run.output);
        assert.deepEqual(answers(run), [`POST 200 ${writer}`, `POST 200 ${writer}`]);
        assert.deepEqual(tokenAnswers(run), [], "the key itself is the password");
        for (const file of files) {
            assert.ok(registry().repository.files.has(basename(file)));
        }
    });

    it("lets the writer install too", async () => {
        await using workstation = await registry().at(registry().files("password", writer));
        assertInstalled(await registry().install(workstation), writer);
    });

    it("works from a virtual environment's own pip.conf", async () => {
        await using workstation = await registry().at();
        await registry().run(workstation, "python", "-m", "venv", "--without-pip", "env");
        await writeFile(
            join(workstation.home, "env", "pip.conf"),
            registry().files("password", reader).pipConf!,
        );
        const run = await registry().run(
            workstation,
            "pip",
            "--python",
            join(workstation.home, "env"),
            "install",
            "ready-made",
        );
        assertInstalled(run, reader);
    });
});
