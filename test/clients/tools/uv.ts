import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { PythonIndex } from "../../../packages/registry/src/clients/client";
import {
    type Credential,
    type Form,
    forms,
    findLogin,
} from "../../../packages/registry/src/clients/credential";
import { uvClient } from "../../../packages/registry/src/clients/uv";
import type { ToolEnvironment } from "../../../packages/sandbox/src/python/tool-environment";
import { answers, publicRequests, type ToolRun } from "../registry";
import { testCooldown, testCooldownCheck, versionsIn } from "./cooldown";
import {
    testAttack,
    testOnlyIndex,
    type ToolFixture,
    type FixtureOptions,
    getFiles,
    internal,
    type Operation,
    pasted,
    testOperation,
    testSetup,
    script,
    type TestContext,
    waysToAsk,
} from "./tool";

/** A project like one from `uv init`. */
const own = '[project]\nname = "own"\nversion = "0.1.0"\nrequires-python = ">=3.10"\ndependencies = []\n';

export function uv() {
    for (const form of forms) {
        testOperation(
            "uv",
            form,
            "install",
            async (context, { credential, variant }) => {
                const files = settled(context.fixture, credential)[variant]!;
                const { commands } = uvClient(context.fixture.index, credential);
                await using toolEnvironment = await open(context, form, "install", { files });
                // The keyring comes from the public index, although uv.toml names a different one.
                const setup = await context.fixture.runScript(toolEnvironment, script(commands.setup));
                assert.deepEqual(answers(setup), []);
                assert.deepEqual(
                    new Set(publicRequests(setup).map(({ status }) => status)),
                    new Set(form === "keyring" ? [404] : []),
                );
                const run = await context.fixture.runInProject(
                    toolEnvironment,
                    script(commands.install, "ready-made"),
                );
                assert.equal(version(run, "ready-made"), "1.0.0", run.output);
                const principal = context.fixture.principal(form, "install");
                assert.deepEqual(
                    new Set(answers(run)),
                    new Set([`GET 200 ${principal}`, `HEAD 200 ${principal}`]),
                );
                // The files for version control have no credential, whichever file uv read it from.
                for (const file of ["pyproject.toml", "uv.lock"]) {
                    assert.doesNotMatch(
                        await readFile(join(toolEnvironment.home, "project", file), "utf8"),
                        /@/,
                    );
                }
            },
            2,
        );

        testOperation(
            "uv",
            form,
            "publish",
            async (context, { credential, variant, turn }) => {
                const files = settled(context.fixture, credential)[variant]!;
                const { commands } = uvClient(context.fixture.index, credential);
                await using toolEnvironment = await open(context, form, "publish", {
                    files,
                    distributions: await context.fixture.registry.build({
                        name: `uv-${form}`,
                        version: `1.0.${turn}`,
                    }),
                });
                const run = await context.fixture.runInProject(toolEnvironment, script(commands.publish));
                assert.equal(run.exitCode, 0, run.output);
                const principal = context.fixture.principal(form, "publish");
                const uploaded = `POST 200 ${principal}`;
                assert.deepEqual(
                    answers(run).filter((answer) => answer.startsWith("POST")),
                    [uploaded, uploaded],
                );
                // Before each upload, uv asks whether the index has the file.
                assert.ok(answers(run).every((answer) => answer.endsWith(` ${principal}`)));
            },
            2,
        );
    }

    for (const [asked, wanted] of waysToAsk) {
        testAttack("uv", { file: "uv.toml", asked, installs: "internal" }, async (context) => {
            const files = userFiles(context.fixture, { form: "keyring" });
            await using toolEnvironment = await open(context, "keyring", "install", { files });
            await context.fixture.publishPublic("not-internal", "99.0.0");
            const run = await context.fixture.runScript(
                toolEnvironment,
                `uv venv venv\nVIRTUAL_ENV=venv uv pip install ${wanted} not-internal`,
            );
            // A public package still comes from the public index.
            assert.equal(version(run, "not-internal"), "99.0.0", run.output);

            const asTool = await context.fixture.registry.run(
                toolEnvironment,
                "uv",
                ...["tool", "run", "--from", wanted, "python", "-c"],
                `import importlib.metadata as m; print(m.version("${internal}"))`,
            );
            assert.match(asTool.output, /^1\.0\.0$/m);
            await assertRefused(
                context,
                "uv.toml",
                `uv venv venv\nVIRTUAL_ENV=venv uv pip install ${wanted}`,
            );
            return version(run, internal);
        });

        for (const [file, internalPackages] of [
            ["pyproject.toml", undefined],
            ["pyproject.toml with the prefix acme-*", ["acme-*"]],
        ] as const) {
            testAttack("uv", { file, asked, installs: "internal" }, async (context) => {
                const index = { ...context.fixture.index, ...(internalPackages && { internalPackages }) };
                const files = projectFiles(index);
                await using toolEnvironment = await open(context, "keyring", "install", { files });
                await context.fixture.publishPublic("not-internal", "99.0.0");
                const run = await context.fixture.runInProject(
                    toolEnvironment,
                    `uv add ${wanted} not-internal`,
                );
                assert.equal(version(run, "not-internal"), "99.0.0", run.output);
                await assertRefused(context, file, `uv add ${wanted}`, index);
                return version(run, internal);
            });
        }
    }

    testSetup("uv", uvClient);
    testOnlyIndex("uv", "uv.toml", async (context, index, packages) => {
        const files = getFiles(uvClient(index, { form: "keyring" }).install, "user");
        await using toolEnvironment = await open(context, "keyring", "install", { files });
        const run = await context.fixture.runScript(
            toolEnvironment,
            `uv venv venv\nVIRTUAL_ENV=venv uv pip install ${packages.join(" ")}`,
        );
        return { ...run, version: version(run, internal) };
    });
    testOnlyIndex("uv", "pyproject.toml", async (context, index, packages) => {
        const files = projectFiles(index);
        await using toolEnvironment = await open(context, "keyring", "install", { files });
        const run = await context.fixture.runInProject(toolEnvironment, `uv add ${packages.join(" ")}`);
        return { ...run, version: version(run, internal) };
    });

    testCooldownCheck(
        "uv",
        { "with times": "ok", "without times": "skipped" },
        "pyproject.toml",
        projectFiles,
    );
    for (const [file, lines] of [
        ["uv.toml", "uv venv venv\nVIRTUAL_ENV=venv uv pip install"],
        ["pyproject.toml", "uv add"],
    ] as const) {
        testCooldown(
            "uv",
            file,
            { "with times": "known", "without times": "nothing" },
            async (context, index, packages) => {
                const files =
                    file === "uv.toml"
                        ? getFiles(uvClient(index, { form: "keyring" }).install, "user")
                        : projectFiles(index);
                await using toolEnvironment = await open(context, "keyring", "install", {
                    files: { "project/pyproject.toml": own, ...files },
                });
                const run = await context.fixture.runInProject(
                    toolEnvironment,
                    `${lines} ${packages.join(" ")}`,
                );
                if (file === "pyproject.toml" && run.exitCode === 0) {
                    const check = "uv lock --check";
                    const same = await context.fixture.runInProject(toolEnvironment, check);
                    assert.equal(same.exitCode, 0, same.output);
                    // A variable names the index without its exemption.
                    const variables = `export UV_INDEX=${index.name}=${index.indexUrl} UV_INDEX_PYTHON_USERNAME=oauth2accesstoken`;
                    const refused = await context.fixture.runInProject(
                        toolEnvironment,
                        `${variables}\nuv lock --upgrade`,
                    );
                    assert.notEqual(refused.exitCode, 0, refused.output);
                    assert.match(refused.output, /missing an upload date/);
                    // The lock file is for everyone, so the cooldown must be too.
                    const without = `sed -i '/^exclude-newer/d' pyproject.toml\n${check}`;
                    const other = await context.fixture.runInProject(toolEnvironment, without);
                    assert.notEqual(other.exitCode, 0, other.output);
                    assert.match(other.output, /lockfile .* needs to be updated/);
                }
                return { ...run, versions: versionsIn((name) => version(run, name)) };
            },
        );
    }

    // A name that the private index does not have: only pins keep out the public package with that name.
    for (const [asked, wanted] of [
        ["directly", "acme-unpublished"],
        ["by a dependency", "acme-dependent"],
    ] as const) {
        const missing = "acme-unpublished";
        for (const [file, internalPackages] of [
            ["uv.toml, a name that the registry does not have", undefined],
            ["pyproject.toml with the prefix acme-*, a name that the registry does not have", ["acme-*"]],
        ] as const) {
            testAttack("uv", { file, asked, installs: "public" }, async (context) => {
                const { fixture } = context;
                await fixture.publishPublic(missing, "99.0.0");
                await fixture.registry.putOnIndex({
                    name: "acme-dependent",
                    version: "1.0.0",
                    dependencies: [missing],
                });
                const files = internalPackages
                    ? projectFiles({ ...fixture.index, internalPackages })
                    : userFiles(fixture, { form: "keyring" });
                await using toolEnvironment = await open(context, "keyring", "install", { files });
                const run = await context.fixture.runInProject(toolEnvironment, `uv add ${wanted}`);

                const exact = projectFiles({
                    ...fixture.index,
                    internalPackages: ["acme-dependent", missing],
                });
                await using pinned = await open(context, "keyring", "install", { files: exact });
                const failed = await context.fixture.runInProject(pinned, `uv add ${wanted}`);
                assert.notEqual(failed.exitCode, 0);
                assert.match(failed.output, /acme-unpublished was not found in the package registry/);
                assert.deepEqual(publicRequests(failed), []);
                return version(run, missing);
            });
        }
    }
}

/** The files of the user, and those of the project. */
function settled(fixture: ToolFixture, credential: Credential): readonly Record<string, string>[] {
    const user = userFiles(fixture, credential);
    const project = projectFiles(fixture.index, credential);
    // The project's part has no credential; uv takes the one in the user's file.
    return [user, findLogin(credential) === undefined ? project : { ...user, ...project }];
}

function userFiles({ index }: ToolFixture, credential: Credential): Record<string, string> {
    return { "project/pyproject.toml": own, ...getFiles(uvClient(index, credential).install, "user") };
}

function projectFiles(
    index: PythonIndex,
    credential: Credential = { form: "keyring" },
): Record<string, string> {
    return { "project/pyproject.toml": pasted(own, uvClient(index, credential), "pyproject.toml") };
}

function open(
    { fixture, tool }: TestContext,
    form: Form,
    operation: Operation,
    options: FixtureOptions,
): Promise<ToolEnvironment> {
    return fixture.toolEnvironment(form, operation, { path: [tool.bin], ...options });
}

/** Asserts that uv asks the public index for nothing if the private one refuses the login. */
async function assertRefused(
    context: TestContext,
    file: string,
    lines: string,
    index: PythonIndex = context.fixture.index,
): Promise<void> {
    const { sandbox } = context.fixture.registry;
    for (const [status, token] of [
        ["401 nobody", sandbox.issueToken("user:dev@example.com", 0)],
        ["403 user:stranger@example.com", sandbox.issueToken("user:stranger@example.com")],
    ] as const) {
        const credential = { form: "token", token } as const;
        const user = userFiles(context.fixture, credential);
        const files = file === "uv.toml" ? user : { ...user, ...projectFiles(index, credential) };
        await using toolEnvironment = await open(context, "token", "install", { files });
        const run = await context.fixture.runInProject(toolEnvironment, lines);
        assert.notEqual(run.exitCode, 0, run.output);
        assert.deepEqual([...new Set(answers(run))], [`GET ${status}`]);
        assert.deepEqual(publicRequests(run), []);
    }
}

/** The version of a package that was installed. */
function version({ output }: ToolRun, name: string): string | undefined {
    return new RegExp(`^ \\+ ${name}==(\\S+)$`, "m").exec(output)?.[1];
}
