import assert from "node:assert/strict";
import type { Client } from "../../../packages/registry/src/clients/client";
import { forms } from "../../../packages/registry/src/clients/credential";
import { poetryClient } from "../../../packages/registry/src/clients/poetry";
import { answers, publicRequests, type ToolRun } from "../registry";
import { testCooldown, testCooldownCheck, testRegistryWithTimes, versionsIn } from "./cooldown";
import {
    dependent,
    getFiles,
    internal,
    pasted,
    script,
    testAttack,
    testOnlyIndex,
    testOperation,
    waysToAsk,
} from "./tool";

export function poetry() {
    for (const form of forms) {
        testOperation("poetry", form, "install", async ({ fixture, tool }, { credential }) => {
            const client = poetryClient(fixture.index, credential);
            await using toolEnvironment = await fixture.toolEnvironment(form, "install", {
                path: [tool.bin],
                files: { ...project(client, "demo"), ...getFiles(client.install, "user") },
            });
            const run = await fixture.runInProject(
                toolEnvironment,
                script(client.commands.install, "ready-made"),
            );
            assert.equal(run.exitCode, 0, run.output);
            assert.equal(installed(run, "ready-made"), "1.0.0", run.output);
            // Every request has the login, and none goes to PyPI.
            assert.deepEqual([...new Set(answers(run))], [`GET 200 ${fixture.principal(form, "install")}`]);
            assert.deepEqual(publicRequests(run), []);
        });

        testOperation("poetry", form, "publish", async ({ fixture, tool }, { credential, turn }) => {
            const name = `poetry-${form}-${turn}`;
            const client = poetryClient(fixture.index, credential);
            await using toolEnvironment = await fixture.toolEnvironment(form, "publish", {
                path: [tool.bin],
                // The source and the repository have the same name, and poetry does not confuse them.
                files: { ...project(client, name), ...getFiles(client.publish, "user") },
                distributions: await fixture.registry.build({ name, version: "1.0.0" }),
            });
            const run = await fixture.runInProject(toolEnvironment, script(client.commands.publish));
            assert.equal(run.exitCode, 0, run.output);
            const uploaded = `POST 200 ${fixture.principal(form, "publish")}`;
            assert.deepEqual(answers(run), [uploaded, uploaded]);
            assert.deepEqual(publicRequests(run), []);
        });
    }

    for (const [asked, wanted] of waysToAsk) {
        testAttack(
            "poetry",
            { file: "pyproject.toml", asked, installs: "internal" },
            async ({ fixture, tool }) => {
                await fixture.publishPublic("public-only", "1.0.0");
                const client = poetryClient(fixture.index, fixture.credential("keyring", "install"));
                await using toolEnvironment = await fixture.toolEnvironment("keyring", "install", {
                    path: [tool.bin],
                    files: project(client, "demo", wanted, "public-only"),
                });
                const run = await fixture.runInProject(toolEnvironment, lockAndInstall);
                assert.equal(run.exitCode, 0, run.output);
                assert.equal(installed(run, "public-only"), "1.0.0", run.output);
                assert.ok(!publicRequests(run).some(({ path }) => path.includes(internal)), run.output);
                return installed(run, internal);
            },
        );
    }

    testCooldownCheck(
        "poetry",
        { "with times": "ok", "without times": "problem" },
        "pyproject.toml",
        (index) => {
            const client = poetryClient(index, { form: "keyring" });
            return { ...getFiles(client.install, "project"), ...project(client, "demo") };
        },
    );
    testRegistryWithTimes("poetry", async ({ fixture, tool }, index, packages) => {
        const client = poetryClient(index, { form: "keyring" });
        await using toolEnvironment = await fixture.toolEnvironment("keyring", "install", {
            path: [tool.bin],
            files: { ...getFiles(client.install, "project"), ...project(client, "demo", ...packages) },
        });
        const run = await fixture.runInProject(toolEnvironment, "poetry lock\npoetry install --no-root");
        return { ...run, versions: versionsIn((name) => installed(run, name)) };
    });
    for (const file of ["poetry.toml", "config.toml"]) {
        testCooldown(
            "poetry",
            file,
            // poetry fails open: `configure check` warns of it.
            { "with times": "known", "without times": "fresh" },
            async ({ fixture, tool }, index, packages) => {
                const client = poetryClient(index, fixture.credential("keyring", "install"));
                const settings = getFiles(client.install, file === "poetry.toml" ? "project" : "user");
                await using toolEnvironment = await fixture.toolEnvironment("keyring", "install", {
                    path: [tool.bin],
                    files: { ...settings, ...project(client, "demo", ...packages) },
                });
                const run = await fixture.runInProject(toolEnvironment, lockAndInstall);
                return { ...run, versions: versionsIn((name) => installed(run, name)) };
            },
        );
    }

    testOnlyIndex("poetry", "pyproject.toml", async ({ fixture, tool }, index, packages) => {
        const client = poetryClient(index, fixture.credential("keyring", "install"));
        await using toolEnvironment = await fixture.toolEnvironment("keyring", "install", {
            path: [tool.bin],
            files: project(client, "demo", ...packages),
        });
        const run = await fixture.runInProject(toolEnvironment, lockAndInstall);
        return { ...run, version: installed(run, internal) };
    });

    testAttack(
        "poetry",
        {
            file: "pyproject.toml, with another primary source",
            asked: "by a dependency",
            installs: "public",
        },
        async ({ fixture, tool }) => {
            const client = poetryClient(fixture.index, fixture.credential("keyring", "install"));
            const files = project(client, "demo", dependent.name);
            const mirror =
                '\n[[tool.poetry.source]]\nname = "mirror"\nurl = "https://mirror.example/simple/"\n';
            await using toolEnvironment = await fixture.toolEnvironment("keyring", "install", {
                path: [tool.bin],
                files: Object.fromEntries(Object.entries(files).map(([path, text]) => [path, text + mirror])),
            });
            return installed(await fixture.runInProject(toolEnvironment, lockAndInstall), internal);
        },
    );

    testAttack(
        "poetry",
        {
            file: "pyproject.toml, login refused, dependency without a source",
            asked: "directly",
            installs: "public",
        },
        async ({ fixture, tool }) => {
            const client = poetryClient(fixture.index, { form: "token", token: "expired" });
            await using toolEnvironment = await fixture.toolEnvironment("token", "install", {
                path: [tool.bin],
                files: { ...project(client, "demo"), ...getFiles(client.install, "user") },
            });

            // The install command takes the package from the index only: if it refuses the login …
            const refused = await fixture.runInProject(
                toolEnvironment,
                script(client.commands.install, internal),
            );
            assert.notEqual(refused.exitCode, 0, refused.output);
            assert.deepEqual([...new Set(answers(refused))], ["GET 401 nobody"]);
            assert.deepEqual(publicRequests(refused), []);
            // … and if it does not have the package yet.
            await fixture.publishPublic("acme-next", "1.0.0");
            const fromGcloud = poetryClient(fixture.index, { form: "token" }).commands.install;
            const early = await fixture.runInProject(toolEnvironment, script(fromGcloud, "acme-next"));
            assert.notEqual(early.exitCode, 0, early.output);
            assert.deepEqual([...new Set(answers(early))], ["GET 404 user:dev@example.com"]);
            assert.deepEqual(publicRequests(early), []);

            // Without a source, poetry treats a refused login like a package that the index does not have, and only warns.
            return installed(await fixture.runInProject(toolEnvironment, `poetry add ${internal}`), internal);
        },
    );
}

/** A project like one from `poetry new`, with the generated part pasted into it. */
function project(client: Client, name: string, ...dependencies: string[]): Record<string, string> {
    const own = [
        "[project]",
        `name = "${name}"`,
        'version = "1.0.0"',
        'requires-python = ">=3.10"',
        `dependencies = ${JSON.stringify(dependencies)}`,
        "",
        "[build-system]",
        'requires = ["poetry-core>=2.0.0,<3.0.0"]',
        'build-backend = "poetry.core.masonry.api"',
        "",
    ];
    return { "project/pyproject.toml": pasted(own.join("\n"), client, "pyproject.toml") };
}

// --no-root, because the project has no code to install.
const lockAndInstall = "poetry lock\npoetry install --no-root";

/** The version of a package that poetry says it has installed. */
function installed({ output }: ToolRun, name: string): string | undefined {
    return new RegExp(`^  - Installing ${name} \\((\\S+)\\)`, "m").exec(output)?.[1];
}
