import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { ToolEnvironment } from "../../../packages/sandbox/src/python/tool-environment";
import { type Credential, forms } from "../../../packages/registry/src/clients/credential";
import { pipenvClient } from "../../../packages/registry/src/clients/pipenv";
import { answers } from "../registry";
import { testCooldown, testCooldownCheck } from "./cooldown";
import {
    testAttack,
    testOnlyIndex,
    dependent,
    getFiles,
    internal,
    pasted,
    testOperation,
    script,
    type TestContext,
} from "./tool";

/** The Pipfile that pipenv writes in a new project. */
const own = '[[source]]\nurl = "https://pypi.org/simple"\nverify_ssl = true\nname = "pypi"\n';

export function pipenv() {
    for (const form of forms) {
        testOperation("pipenv", form, "install", async ({ fixture, tool }, { credential, turn }) => {
            const principal = fixture.principal(form, "install");
            const { install, commands } = pipenvClient(fixture.index, credential);
            await using toolEnvironment = await project({ fixture, tool }, credential);
            const run = await fixture.runInProject(toolEnvironment, script(commands.install, "ready-made"));
            assert.equal(run.exitCode, 0, run.output);
            assert.equal(await lockedVersion(toolEnvironment, "ready-made"), "==1.0.0");
            const known = answers(run).filter((answer) => answer !== "GET 401 nobody");
            assert.ok(known.includes(`GET 200 ${principal}`), known.join());
            assert.deepEqual(new Set(known.map((answer) => answer.slice(8))), new Set([principal]));
            // The Pipfile still has the generated part, and the files to commit have no credential.
            const pipfile = await toolEnvironment.runIn("project", "cat", "Pipfile");
            assert.ok(pipfile.output.includes(install[0]?.text.trimEnd() ?? "?"), pipfile.output);
            const lock = await toolEnvironment.runIn("project", "cat", "Pipfile.lock");
            for (const secret of await getSecrets(toolEnvironment, credential)) {
                assert.ok(![pipfile, lock, run].some(({ output }) => output.includes(secret)));
            }
            if (form === "token" && turn > 0) {
                await assertNoWayRound({ fixture, tool });
            }
        });
    }

    testAttack("pipenv", { file: "Pipfile", asked: "directly", installs: "internal" }, (context) =>
        attacked(context, internal),
    );
    // pipenv takes from PyPI what the Pipfile does not name, as docs/clients.md warns.
    testAttack("pipenv", { file: "Pipfile", asked: "by a dependency", installs: "public" }, (context) =>
        attacked(context, dependent.name),
    );
    testAttack(
        "pipenv",
        { file: "Pipfile, both names installed together", asked: "by a dependency", installs: "internal" },
        (context) => attacked(context, `${internal} ${dependent.name}`),
    );

    testCooldownCheck("pipenv", { "with times": "ok", "without times": "problem" }, "Pipfile", (index) => ({
        "project/Pipfile": pasted(own, pipenvClient(index, { form: "keyring" }), "Pipfile"),
    }));
    testCooldown(
        "pipenv",
        "Pipfile",
        // pipenv fails open: `configure check` warns of it.
        { "with times": "known", "without times": "fresh" },
        async (context, index, [publicPackage = "", ownPackage = ""]) => {
            const credential = context.fixture.credential("keyring", "install");
            const client = pipenvClient(index, credential);
            const listed = `${own}\n[packages]\n${publicPackage} = "*"\n`;
            const files = { "project/Pipfile": pasted(listed, client, "Pipfile") };
            await using toolEnvironment = await project(context, credential, files);
            const lines = script(client.commands.install, ownPackage);
            const run = await context.fixture.runInProject(toolEnvironment, lines);
            const versions = await Promise.all(
                [publicPackage, ownPackage].map(async (name) => [
                    name,
                    (await lockedVersion(toolEnvironment, name))?.replace("==", ""),
                ]),
            );
            return { ...run, versions: Object.fromEntries(versions) as Record<string, string | undefined> };
        },
    );

    testOnlyIndex("pipenv", "Pipfile", async (context, index, packages) => {
        const credential = context.fixture.credential("keyring", "install");
        const client = pipenvClient(index, credential);
        const files = { "project/Pipfile": pasted("", client, "Pipfile") };
        await using toolEnvironment = await project(context, credential, files);
        const lines = script(client.commands.install, packages.join(" "));
        const run = await context.fixture.runInProject(toolEnvironment, lines);
        const version = run.exitCode === 0 ? await lockedVersion(toolEnvironment, internal) : undefined;
        return { ...run, version: version?.replace("==", "") };
    });
}

/** Asserts that a package of the registry does not come from PyPI while the registry refuses the token. */
async function assertNoWayRound({ fixture, tool }: TestContext): Promise<void> {
    const { commands } = pipenvClient(fixture.index, { form: "token" });
    await using toolEnvironment = await project({ fixture, tool }, { form: "token" });
    const lines = `gcloud() { echo expired; }\n${script(commands.install, internal)}`;
    const run = await fixture.runInProject(toolEnvironment, lines);
    assert.notEqual(run.exitCode, 0);
    assert.deepEqual(answers(run), ["GET 401 nobody"]);
    assert.equal(await lockedVersion(toolEnvironment, internal), undefined);
}

/** Installs, and returns the version of the internal package that was installed. */
async function attacked({ fixture, tool }: TestContext, packages: string): Promise<string | undefined> {
    const credential = fixture.credential("keyring", "install");
    await using toolEnvironment = await project({ fixture, tool }, credential);
    const { commands } = pipenvClient(fixture.index, credential);
    const run = await fixture.runInProject(toolEnvironment, script(commands.install, packages));
    assert.equal(run.exitCode, 0, run.output);
    return (await lockedVersion(toolEnvironment, internal))?.replace("==", "");
}

async function getSecrets(toolEnvironment: ToolEnvironment, credential: Credential): Promise<string[]> {
    switch (credential.form) {
        case "keyring":
            return [];
        case "key":
            return [credential.keyBase64, encodeURIComponent(credential.keyBase64)];
        case "token":
            return [credential.token ?? (await toolEnvironment.run("gcloud")).output.trim()];
    }
}

/** A tool environment with a project, into whose Pipfile the generated part is pasted. */
function project(
    { fixture, tool }: TestContext,
    credential: Credential,
    changed: Readonly<Record<string, string>> = {},
): Promise<ToolEnvironment> {
    const client = pipenvClient(fixture.index, credential);
    return fixture.toolEnvironment(credential.form, "install", {
        path: [tool.bin],
        files: {
            ...getFiles(client.install, "user"),
            "project/Pipfile": pasted(own, client, "Pipfile"),
            ...changed,
        },
        environment: {
            ...fixture.registry.sandbox.clientEnvironment,
            PIPENV_VENV_IN_PROJECT: "1",
            PIPENV_NOSPIN: "1",
            // Otherwise virtualenv starts a process in the background that looks for newer versions of pip.
            VIRTUALENV_NO_PERIODIC_UPDATE: "1",
            // Unpack the pip of the environments only once, and link it: copying takes two seconds.
            VIRTUALENV_OVERRIDE_APP_DATA: join(tool.bin, "..", "virtualenv"),
            VIRTUALENV_SYMLINK_APP_DATA: "1",
        },
    });
}

async function lockedVersion({ home }: ToolEnvironment, name: string): Promise<string | undefined> {
    const lock = JSON.parse(await readFile(join(home, "project", "Pipfile.lock"), "utf8")) as {
        default: Record<string, { version?: string }>;
    };
    return lock.default[name]?.version;
}
