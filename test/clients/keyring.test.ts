import assert from "node:assert/strict";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { itInRelease } from "../release";
import {
    answers,
    assertInstalled,
    assertNotInstalled,
    reader,
    tokenAnswers,
    useRegistry,
    writer,
} from "./registry";

// Real pip, twine and keyring with the files that the program generates, in the form without a credential.

describe("the keyring form", () => {
    describe("keyring: auto", () => {
        const registry = useRegistry({ readers: ["group:developers@example.com"] });

        it("has the Google backend", async () => {
            await using toolEnvironment = await registry().at();
            const { exitCode, output } = await registry().run(toolEnvironment, "keyring", "--list-backends");
            assert.equal(exitCode, 0);
            assert.match(output, /^keyrings\.gauth\.GooglePythonAuth \(priority: 9\)$/m);
        });

        it("lets pip install", async () => {
            await using toolEnvironment = await registry().at(registry().files("keyring", reader));
            const run = await registry().install(toolEnvironment);
            assertInstalled(run, reader);
            assert.equal(answers(run)[0], "GET 401 nobody", "pip asks the keyring only when it must");
            assert.deepEqual(tokenAnswers(run), [200]);
        });

        it("is not asked by pip under --no-input", async () => {
            await using toolEnvironment = await registry().at(registry().files("keyring", reader));
            const run = await registry().install(toolEnvironment, "--no-input");
            assertNotInstalled(run);
            assert.deepEqual(answers(run), ["GET 401 nobody"]);
            assert.deepEqual(tokenAnswers(run), []);
        });

        itInRelease("lets twine upload a wheel and an sdist", async () => {
            const files = await registry().build({ name: "with-keyring", version: "1.0.0" });
            await using toolEnvironment = await registry().at(registry().files("keyring", writer));
            const run = await registry().upload(toolEnvironment, files, "--non-interactive");
            assert.equal(run.exitCode, 0, run.output);
            assert.deepEqual(answers(run), [`POST 200 ${writer}`, `POST 200 ${writer}`]);
            assert.deepEqual(
                files.map((file) => basename(file)),
                ["with_keyring-1.0.0-py2.py3-none-any.whl", "with_keyring-1.0.0.tar.gz"],
            );
            for (const file of files) {
                assert.ok(registry().repository.files.has(basename(file)));
            }
        });

        it("lets a person install, as gcloud's account, once in a group that may", async () => {
            const person = "user:dev@example.com";
            await using toolEnvironment = await registry().at({
                pipConf: registry().outputs.pipConf,
                // The second below home, where the tools are run.
                path: [registry().tools.bin, "bin"],
            });
            // What `gcloud auth login` leaves: a gcloud that gives a token.
            const credential = {
                access_token: registry().sandbox.issueToken(person),
                token_expiry: "2100-01-01T00:00:00Z",
            };
            const gcloud = join(toolEnvironment.home, "bin", "gcloud");
            await mkdir(join(toolEnvironment.home, "bin"));
            await writeFile(gcloud, `#!/bin/sh\necho '${JSON.stringify({ credential })}'\n`);
            await chmod(gcloud, 0o700);

            const outside = await registry().install(toolEnvironment);
            assertNotInstalled(outside);
            assert.deepEqual(answers(outside), ["GET 401 nobody", `GET 403 ${person}`]);

            registry().sandbox.cloud.groups.set("developers@example.com", new Set([person]));
            assertInstalled(await registry().install(toolEnvironment), person);
        });
    });

    describe("keyring: import", () => {
        const registry = useRegistry({ keyring: "import" });

        it("lets pip install under --no-input", async () => {
            await using toolEnvironment = await registry().at(registry().files("keyring", reader));
            const run = await registry().install(toolEnvironment, "--no-input");
            assertInstalled(run, reader);
            assert.deepEqual(tokenAnswers(run), [200]);
        });

        itInRelease("needs the keyring in pip's own environment", async () => {
            await using toolEnvironment = await registry().at({
                ...registry().files("keyring", reader),
                path: [registry().tools.bareBin, registry().tools.bin],
            });
            const run = await registry().install(toolEnvironment, "--no-input");
            assertNotInstalled(run);
            assert.deepEqual(answers(run), ["GET 401 nobody"]);
        });
    });

    describe("keyring: subprocess", () => {
        const registry = useRegistry({ keyring: "subprocess" });

        it("lets pip without a keyring of its own install under --no-input", async () => {
            await using toolEnvironment = await registry().at({
                ...registry().files("keyring", reader),
                path: [registry().tools.bareBin, registry().tools.bin],
            });
            const run = await registry().install(toolEnvironment, "--no-input");
            assertInstalled(run, reader);
            assert.deepEqual(tokenAnswers(run), [200]);
        });

        itInRelease("needs a keyring command on PATH", async () => {
            await using toolEnvironment = await registry().at({
                ...registry().files("keyring", reader),
                path: [registry().tools.bareBin],
            });
            const run = await registry().install(toolEnvironment, "--no-input");
            assertNotInstalled(run);
            assert.deepEqual([...new Set(answers(run))], ["GET 401 nobody"]);
            assert.deepEqual(tokenAnswers(run), []);
        });

        itInRelease("works from a virtual environment's own pip.conf", async () => {
            await using toolEnvironment = await registry().at({
                keyFile: registry().files("keyring", reader).keyFile!,
            });
            await registry().run(toolEnvironment, "python", "-m", "venv", "--without-pip", "env");
            await writeFile(join(toolEnvironment.home, "env", "pip.conf"), registry().outputs.pipConf);
            const run = await registry().run(
                toolEnvironment,
                "pip",
                "--python",
                join(toolEnvironment.home, "env"),
                "install",
                "--no-input",
                "ready-made",
            );
            assertInstalled(run, reader);
        });
    });
});
