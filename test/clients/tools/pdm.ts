import assert from "node:assert/strict";
import type { ToolEnvironment, ToolResult } from "../../../packages/sandbox/src/python/tool-environment";
import type { Client, PythonIndex } from "../../../packages/registry/src/clients/client";
import { forms, findLogin } from "../../../packages/registry/src/clients/credential";
import { pdmClient } from "../../../packages/registry/src/clients/pdm";
import { answers } from "../registry";
import { testCooldown, testCooldownCheck, versionsIn } from "./cooldown";
import {
    testAttack,
    testOnlyIndex,
    getFiles,
    internal,
    pasted,
    testOperation,
    script,
    type TestContext,
    type ToolFixture,
    waysToAsk,
} from "./tool";

/** A project that is not a package. For a package, pdm would request the build backend from PyPI. */
const own =
    '[project]\nname = "own"\nversion = "1.0.0"\nrequires-python = ">=3.10"\n\n[tool.pdm]\ndistribution = false\n';

export function pdm() {
    for (const form of forms) {
        testOperation(
            "pdm",
            form,
            "install",
            async ({ fixture, tool }, { credential, variant }) => {
                const client = pdmClient(fixture.index, credential);
                const user = getFiles(client.install, "user");
                const shared = pdmClient(fixture.index, { form: "token" });
                const files = [
                    { ...user, "project/pyproject.toml": own },
                    {
                        // The project's part has no credential; the user's configuration has it.
                        ...(findLogin(credential) === undefined ? {} : user),
                        "project/pyproject.toml": pasted(own, client, "pyproject.toml"),
                    },
                    // The project's part with the variable in its URL works for every form.
                    { ...user, "project/pyproject.toml": pasted(own, shared, "pyproject.toml") },
                ][variant]!;
                await using toolEnvironment = await fixture.toolEnvironment(form, "install", {
                    path: [tool.bin],
                    files,
                });
                const run = await fixture.runInProject(
                    toolEnvironment,
                    script(client.commands.install, "ready-made"),
                );
                assert.equal(run.exitCode, 0, run.output);
                assert.equal(installed(run, "ready-made"), "1.0.0", run.output);
                assert.deepEqual(
                    [...new Set(answers(run))].filter((answer) => answer !== "GET 401 nobody"),
                    [`GET 200 ${fixture.principal(form, "install")}`],
                );
            },
            3,
        );

        testOperation("pdm", form, "publish", async ({ fixture, tool }, { credential, turn }) => {
            const client = pdmClient(fixture.index, credential);
            await using toolEnvironment = await fixture.toolEnvironment(form, "publish", {
                path: [tool.bin],
                files: { ...getFiles(client.publish, "user"), "project/pyproject.toml": own },
                distributions: await fixture.registry.build({
                    name: `pdm-${form}`,
                    version: `1.0.${turn}`,
                }),
            });
            const run = await fixture.runInProject(toolEnvironment, script(client.commands.publish));
            assert.equal(run.exitCode, 0, run.output);
            const uploaded = `POST 200 ${fixture.principal(form, "publish")}`;
            assert.deepEqual(answers(run), [uploaded, uploaded]);
        });
    }

    const prefix = ["acme-*"];
    for (const [file, names, scope] of [
        ["config.toml", undefined, "user"],
        ["config.toml with the prefix acme-*", prefix, "user"],
        ["pyproject.toml", undefined, "project"],
        ["pyproject.toml with the prefix acme-*", prefix, "project"],
    ] as const) {
        for (const [asked, wanted] of waysToAsk) {
            testAttack("pdm", { file, asked, installs: "internal" }, async ({ fixture, tool }) => {
                const index: PythonIndex = {
                    ...fixture.index,
                    internalPackages: names ?? fixture.index.internalPackages,
                };
                const client = pdmClient(index, fixture.credential("keyring", "install"));
                const files = filesIn(scope, client);
                await using toolEnvironment = await fixture.toolEnvironment("keyring", "install", {
                    path: [tool.bin],
                    files,
                });
                const run = await add(toolEnvironment, wanted);
                assert.equal(run.exitCode, 0, run.output);
                if (asked === "directly") {
                    await keepsApart(
                        { fixture, tool },
                        toolEnvironment,
                        files,
                        names === undefined ? internal : later,
                    );
                }
                return installed(run, internal);
            });
        }
    }

    for (const [file, scope] of [
        ["config.toml", "user"],
        ["pyproject.toml", "project"],
    ] as const) {
        testOnlyIndex("pdm", file, async ({ fixture, tool }, index, packages) => {
            const client = pdmClient(index, fixture.credential("keyring", "install"));
            await using toolEnvironment = await fixture.toolEnvironment("keyring", "install", {
                path: [tool.bin],
                environment: withoutUpdates(fixture),
                files: filesIn(scope, client),
            });
            const run = await fixture.runInProject(toolEnvironment, `pdm add ${packages.join(" ")}`);
            return { ...run, version: installed(run, internal) };
        });
    }
    testCooldownCheck("pdm", { "with times": "ok", "without times": "skipped" }, "pyproject.toml", (index) =>
        filesIn("project", pdmClient(index, { form: "keyring" })),
    );
    testCooldown(
        "pdm",
        "pyproject.toml",
        { "with times": "known", "without times": "nothing" },
        async ({ fixture, tool }, index, packages) => {
            const client = pdmClient(index, fixture.credential("keyring", "install"));
            await using toolEnvironment = await fixture.toolEnvironment("keyring", "install", {
                path: [tool.bin],
                environment: withoutUpdates(fixture),
                files: filesIn("project", client),
            });
            const run = await fixture.runInProject(toolEnvironment, `pdm add ${packages.join(" ")}`);
            return { ...run, versions: versionsIn((name) => installed(run, name)) };
        },
    );
    // uv ignores the names, which matter only beside another index.
    for (const [publicPackages, installs] of [
        ["pypi", "public"],
        ["none", "internal"],
    ] as const) {
        testAttack(
            "pdm",
            { file: "pyproject.toml, with pdm's use_uv on", asked: "directly", installs },
            async ({ fixture, tool }) => {
                const index = { ...fixture.index, publicPackages };
                const client = pdmClient(index, fixture.credential("token", "install"));
                await using toolEnvironment = await fixture.toolEnvironment("token", "install", {
                    path: [tool.bin],
                    environment: { ...fixture.registry.sandbox.clientEnvironment, PDM_USE_UV: "1" },
                    files: { "project/pyproject.toml": pasted(own, client, "pyproject.toml") },
                });
                const run = await fixture.runInProject(
                    toolEnvironment,
                    script(client.commands.install, internal),
                );
                assert.ok(
                    answers(run).includes(`GET 200 ${fixture.principal("token", "install")}`),
                    run.output,
                );
                return new RegExp(`^ \\+ ${internal}==(\\S+)`, "m").exec(run.output)?.[1];
            },
            publicPackages,
        );
    }
}

/** pdm looks for versions of itself on PyPI, once in a while. */
function withoutUpdates(fixture: ToolFixture): Record<string, string> {
    return { ...fixture.registry.sandbox.clientEnvironment, PDM_CHECK_UPDATE: "false" };
}

/** An internal name that is on the public index, but not yet on the private one. */
const later = "acme-later";

/**
 * Asserts that a public package comes from the public index, and that an internal package comes from nowhere if the
 * private index does not have it or refuses the credential.
 */
async function keepsApart(
    { fixture, tool }: TestContext,
    toolEnvironment: ToolEnvironment,
    files: Record<string, string>,
    missing: string,
): Promise<void> {
    for (const name of ["for-all", later]) {
        await fixture.publishPublic(name, "1.0.0");
    }
    const run = await add(toolEnvironment, "for-all");
    assert.equal(installed(run, "for-all"), "1.0.0", run.output);

    await using stranger = await fixture.registry.at({ path: [tool.bin], files });
    for (const at of missing === later ? [toolEnvironment, stranger] : [stranger]) {
        const refused = await add(at, missing);
        assert.notEqual(refused.exitCode, 0, refused.output);
        assert.match(refused.output, new RegExp(`Unable to find candidates for ${missing}`));
    }
}

function filesIn(scope: "user" | "project", client: Client): Record<string, string> {
    return scope === "user"
        ? { ...getFiles(client.install, "user"), "project/pyproject.toml": own }
        : { "project/pyproject.toml": pasted(own, client, "pyproject.toml") };
}

function add(toolEnvironment: ToolEnvironment, ...packages: string[]): Promise<ToolResult> {
    return toolEnvironment.runIn("project", "pdm", "add", ...packages);
}

/** The version of a package that pdm says it has installed. */
function installed({ output }: ToolResult, name: string): string | undefined {
    return new RegExp(`✔ Install ${name} (\\S+) successful`).exec(output)?.[1];
}
