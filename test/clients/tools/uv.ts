import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { PythonIndex } from "../../../src/clients/client";
import { type Credential, type Form, forms, loginOf } from "../../../src/clients/credential";
import { uvClient } from "../../../src/clients/uv";
import type { Workstation } from "../../../sandbox/python/workstation";
import { answers, type ToolRun } from "../registry";
import {
    attacks,
    type Bench,
    type BenchOptions,
    dependent,
    filesOf,
    internal,
    type Operation,
    pasted,
    proves,
    script,
    type Setting,
} from "./tool";

/** A project as `uv init` makes it. */
const own = '[project]\nname = "own"\nversion = "0.1.0"\nrequires-python = ">=3.10"\ndependencies = []\n';

export function uv() {
    for (const form of forms) {
        proves("uv", form, "install", async (setting) => {
            for (const { credential, files } of settled(setting.bench, form, "install")) {
                const { commands } = uvClient(setting.bench.index, credential);
                await using workstation = await open(setting, form, "install", { files });
                // The keyring comes from the public index, where uv.toml names another already.
                const setup = await setting.bench.registry.run(
                    workstation,
                    "sh",
                    "-ec",
                    script(commands.setup),
                );
                assert.deepEqual(answers(setup), []);
                assert.deepEqual(new Set(publicAnswers(setup)), new Set(form === "keyring" ? [404] : []));
                const run = await inProject(setting, workstation, script(commands.install, "ready-made"));
                assert.equal(version(run, "ready-made"), "1.0.0", run.output);
                const principal = setting.bench.principal(form, "install");
                assert.deepEqual(
                    new Set(answers(run)),
                    new Set([`GET 200 ${principal}`, `HEAD 200 ${principal}`]),
                );
                // What goes into version control has no credential, wherever uv found it.
                for (const file of ["pyproject.toml", "uv.lock"]) {
                    assert.doesNotMatch(await readFile(join(workstation.home, "project", file), "utf8"), /@/);
                }
            }
        });

        proves("uv", form, "publish", async (setting) => {
            for (const [turn, { credential, files }] of settled(setting.bench, form, "publish").entries()) {
                const { commands } = uvClient(setting.bench.index, credential);
                await using workstation = await open(setting, form, "publish", {
                    files,
                    distributions: await setting.bench.registry.build({
                        name: `uv-${form}`,
                        version: `1.0.${turn}`,
                    }),
                });
                const run = await inProject(setting, workstation, script(commands.publish));
                assert.equal(run.exitCode, 0, run.output);
                const principal = setting.bench.principal(form, "publish");
                const uploaded = `POST 200 ${principal}`;
                assert.deepEqual(
                    answers(run).filter((answer) => answer.startsWith("POST")),
                    [uploaded, uploaded],
                );
                // Before each file, uv asks whether the index has it.
                assert.ok(answers(run).every((answer) => answer.endsWith(` ${principal}`)));
            }
        });
    }

    for (const [asked, wanted] of [
        ["directly", internal],
        ["by a dependency", dependent.name],
    ] as const) {
        attacks("uv", { file: "uv.toml", asked, installs: "internal" }, async (setting) => {
            const files = userFiles(setting.bench, { form: "keyring" });
            await using workstation = await open(setting, "keyring", "install", { files });
            await publishPublicly(setting.bench, "not-internal");
            const run = await setting.bench.registry.run(
                workstation,
                "sh",
                "-ec",
                `uv venv venv\nVIRTUAL_ENV=venv uv pip install ${wanted} not-internal`,
            );
            // What is not internal still comes from the public index.
            assert.equal(version(run, "not-internal"), "99.0.0", run.output);

            const asTool = await setting.bench.registry.run(
                workstation,
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
                await using workstation = await open(setting, "keyring", "install", { files });
                await publishPublicly(setting.bench, "not-internal");
                const run = await inProject(setting, workstation, `uv add ${wanted} not-internal`);
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
                await publishPublicly(bench, missing);
                await bench.registry.putOnIndex({
                    name: "acme-dependent",
                    version: "1.0.0",
                    dependencies: [missing],
                });
                const files = internalPackages
                    ? projectFiles({ ...bench.index, internalPackages })
                    : userFiles(bench, { form: "keyring" });
                await using workstation = await open(setting, "keyring", "install", { files });
                const run = await inProject(setting, workstation, `uv add ${wanted}`);

                const exact = projectFiles({ ...bench.index, internalPackages: ["acme-dependent", missing] });
                await using pinned = await open(setting, "keyring", "install", { files: exact });
                const failed = await inProject(setting, pinned, `uv add ${wanted}`);
                assert.notEqual(failed.exitCode, 0);
                assert.match(failed.output, /acme-unpublished was not found in the package registry/);
                assert.deepEqual(publicAnswers(failed), []);
                return version(run, missing);
            });
        }
    }
}

/** The ways in which a credential and the files of one form can lie: for the person, and in the project. */
function settled(bench: Bench, form: Form, operation: Operation) {
    const person = bench.principal(form, operation);
    const credentials: Credential[] = [
        bench.credential(form, operation),
        ...(form === "token" ? [{ form, token: bench.registry.sandbox.issueToken(person) }] : []),
    ];
    return credentials.flatMap((credential) => {
        const user = userFiles(bench, credential);
        const project = projectFiles(bench.index, credential);
        // The project's part has no credential: it takes the one in the person's file.
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
): Promise<Workstation> {
    return bench.workstation(form, operation, { path: [tool.bin], ...options });
}

function inProject({ bench }: Setting, workstation: Workstation, lines: string): Promise<ToolRun> {
    return bench.registry.run(workstation, "sh", "-ec", `cd project\n${lines}`);
}

/** Where the index refuses whoever asks, nothing is asked of the public one. */
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
        await using workstation = await open(setting, "token", "install", { files });
        const run = await inProject(setting, workstation, lines);
        assert.notEqual(run.exitCode, 0, run.output);
        assert.deepEqual([...new Set(answers(run))], [`GET ${status}`]);
        assert.deepEqual(publicAnswers(run), []);
    }
}

function publicAnswers({ requests }: ToolRun): number[] {
    return requests.filter(({ plane }) => plane === "public").map(({ status }) => status);
}

/** A package on the public index only, in a version that no internal package has. */
async function publishPublicly({ registry }: Bench, name: string): Promise<void> {
    for (const path of await registry.build({ name, version: "99.0.0" })) {
        await registry.publishPublic(name, path);
    }
}

/** The version that was installed of a package. */
function version({ output }: ToolRun, name: string): string | undefined {
    return new RegExp(`^ \\+ ${name}==(\\S+)$`, "m").exec(output)?.[1];
}
