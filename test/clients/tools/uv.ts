import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { PythonIndex } from "../../../src/clients/client";
import { type Credential, type Form, forms, loginOf } from "../../../src/clients/credential";
import { uvClient } from "../../../src/clients/uv";
import type { ToolEnvironment } from "../../../sandbox/python/tool-environment";
import { answers, publicRequests, type ToolRun } from "../registry";
import {
    attacks,
    type Bench,
    type BenchOptions,
    filesOf,
    internal,
    type Operation,
    pasted,
    proves,
    script,
    type Setting,
    waysToAsk,
} from "./tool";

/** A project like one from `uv init`. */
const own = '[project]\nname = "own"\nversion = "0.1.0"\nrequires-python = ">=3.10"\ndependencies = []\n';

export function uv() {
    for (const form of forms) {
        proves("uv", form, "install", async (setting) => {
            for (const { credential, files } of settled(setting.bench, form, "install")) {
                const { commands } = uvClient(setting.bench.index, credential);
                await using toolEnvironment = await open(setting, form, "install", { files });
                // The keyring comes from the public index, although uv.toml names a different one.
                const setup = await setting.bench.runScript(toolEnvironment, script(commands.setup));
                assert.deepEqual(answers(setup), []);
                assert.deepEqual(
                    new Set(publicRequests(setup).map(({ status }) => status)),
                    new Set(form === "keyring" ? [404] : []),
                );
                const run = await setting.bench.runInProject(
                    toolEnvironment,
                    script(commands.install, "ready-made"),
                );
                assert.equal(version(run, "ready-made"), "1.0.0", run.output);
                const principal = setting.bench.principal(form, "install");
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
            }
        });

        proves("uv", form, "publish", async (setting) => {
            for (const [turn, { credential, files }] of settled(setting.bench, form, "publish").entries()) {
                const { commands } = uvClient(setting.bench.index, credential);
                await using toolEnvironment = await open(setting, form, "publish", {
                    files,
                    distributions: await setting.bench.registry.build({
                        name: `uv-${form}`,
                        version: `1.0.${turn}`,
                    }),
                });
                const run = await setting.bench.runInProject(toolEnvironment, script(commands.publish));
                assert.equal(run.exitCode, 0, run.output);
                const principal = setting.bench.principal(form, "publish");
                const uploaded = `POST 200 ${principal}`;
                assert.deepEqual(
                    answers(run).filter((answer) => answer.startsWith("POST")),
                    [uploaded, uploaded],
                );
                // Before each upload, uv asks whether the index has the file.
                assert.ok(answers(run).every((answer) => answer.endsWith(` ${principal}`)));
            }
        });
    }

    for (const [asked, wanted] of waysToAsk) {
        attacks("uv", { file: "uv.toml", asked, installs: "internal" }, async (setting) => {
            const files = userFiles(setting.bench, { form: "keyring" });
            await using toolEnvironment = await open(setting, "keyring", "install", { files });
            await setting.bench.publishPublic("not-internal", "99.0.0");
            const run = await setting.bench.runScript(
                toolEnvironment,
                `uv venv venv\nVIRTUAL_ENV=venv uv pip install ${wanted} not-internal`,
            );
            // A public package still comes from the public index.
            assert.equal(version(run, "not-internal"), "99.0.0", run.output);

            const asTool = await setting.bench.registry.run(
                toolEnvironment,
                "uv",
                ...["tool", "run", "--from", wanted, "python", "-c"],
                `import importlib.metadata as m; print(m.version("${internal}"))`,
            );
            assert.match(asTool.output, /^1\.0\.0$/m);
            await assertRefused(
                setting,
                "uv.toml",
                `uv venv venv\nVIRTUAL_ENV=venv uv pip install ${wanted}`,
            );
            return version(run, internal);
        });

        for (const [file, internalPackages] of [
            ["pyproject.toml", undefined],
            ["pyproject.toml with the prefix acme-*", ["acme-*"]],
        ] as const) {
            attacks("uv", { file, asked, installs: "internal" }, async (setting) => {
                const index = { ...setting.bench.index, ...(internalPackages && { internalPackages }) };
                const files = projectFiles(index);
                await using toolEnvironment = await open(setting, "keyring", "install", { files });
                await setting.bench.publishPublic("not-internal", "99.0.0");
                const run = await setting.bench.runInProject(
                    toolEnvironment,
                    `uv add ${wanted} not-internal`,
                );
                assert.equal(version(run, "not-internal"), "99.0.0", run.output);
                await assertRefused(setting, file, `uv add ${wanted}`, index);
                return version(run, internal);
            });
        }
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
            attacks("uv", { file, asked, installs: "public" }, async (setting) => {
                const { bench } = setting;
                await bench.publishPublic(missing, "99.0.0");
                await bench.registry.putOnIndex({
                    name: "acme-dependent",
                    version: "1.0.0",
                    dependencies: [missing],
                });
                const files = internalPackages
                    ? projectFiles({ ...bench.index, internalPackages })
                    : userFiles(bench, { form: "keyring" });
                await using toolEnvironment = await open(setting, "keyring", "install", { files });
                const run = await setting.bench.runInProject(toolEnvironment, `uv add ${wanted}`);

                const exact = projectFiles({ ...bench.index, internalPackages: ["acme-dependent", missing] });
                await using pinned = await open(setting, "keyring", "install", { files: exact });
                const failed = await setting.bench.runInProject(pinned, `uv add ${wanted}`);
                assert.notEqual(failed.exitCode, 0);
                assert.match(failed.output, /acme-unpublished was not found in the package registry/);
                assert.deepEqual(publicRequests(failed), []);
                return version(run, missing);
            });
        }
    }
}

/** The credentials of a form, each with the files of the user, and with those of the project. */
function settled(bench: Bench, form: Form, operation: Operation) {
    return bench.credentials(form, operation).flatMap((credential) => {
        const user = userFiles(bench, credential);
        const project = projectFiles(bench.index, credential);
        // The project's part has no credential; uv takes the one in the user's file.
        return [user, loginOf(credential) === undefined ? project : { ...user, ...project }].map((files) => ({
            credential,
            files,
        }));
    });
}

function userFiles({ index }: Bench, credential: Credential): Record<string, string> {
    return { "project/pyproject.toml": own, ...filesOf(uvClient(index, credential).install, "user") };
}

function projectFiles(
    index: PythonIndex,
    credential: Credential = { form: "keyring" },
): Record<string, string> {
    return { "project/pyproject.toml": pasted(own, uvClient(index, credential), "pyproject.toml") };
}

function open(
    { bench, tool }: Setting,
    form: Form,
    operation: Operation,
    options: BenchOptions,
): Promise<ToolEnvironment> {
    return bench.toolEnvironment(form, operation, { path: [tool.bin], ...options });
}

/** Asserts that uv asks the public index for nothing if the private one refuses the login. */
async function assertRefused(
    setting: Setting,
    file: string,
    lines: string,
    index: PythonIndex = setting.bench.index,
): Promise<void> {
    const { sandbox } = setting.bench.registry;
    for (const [status, token] of [
        ["401 nobody", sandbox.issueToken("user:dev@example.com", 0)],
        ["403 user:stranger@example.com", sandbox.issueToken("user:stranger@example.com")],
    ] as const) {
        const credential = { form: "token", token } as const;
        const user = userFiles(setting.bench, credential);
        const files = file === "uv.toml" ? user : { ...user, ...projectFiles(index, credential) };
        await using toolEnvironment = await open(setting, "token", "install", { files });
        const run = await setting.bench.runInProject(toolEnvironment, lines);
        assert.notEqual(run.exitCode, 0, run.output);
        assert.deepEqual([...new Set(answers(run))], [`GET ${status}`]);
        assert.deepEqual(publicRequests(run), []);
    }
}

/** The version of a package that was installed. */
function version({ output }: ToolRun, name: string): string | undefined {
    return new RegExp(`^ \\+ ${name}==(\\S+)$`, "m").exec(output)?.[1];
}
