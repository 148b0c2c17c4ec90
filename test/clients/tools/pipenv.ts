import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Workstation } from "../../../sandbox/python/tool-environment";
import { type Credential, forms } from "../../../src/clients/credential";
import { pipenvClient } from "../../../src/clients/pipenv";
import { answers } from "../registry";
import { attacks, dependent, filesOf, internal, pasted, proves, script, type Setting } from "./tool";

/** As pipenv makes it in a new project. */
const own = '[[source]]\nurl = "https://pypi.org/simple"\nverify_ssl = true\nname = "pypi"\n';

export function pipenv() {
    for (const form of forms) {
        proves("pipenv", form, "install", async ({ bench, tool }) => {
            const principal = bench.principal(form, "install");
            for (const credential of bench.credentials(form, "install")) {
                const { install, commands } = pipenvClient(bench.index, credential);
                await using workstation = await project({ bench, tool }, credential);
                const run = await bench.runInProject(workstation, script(commands.install, "ready-made"));
                assert.equal(run.exitCode, 0, run.output);
                assert.equal(await lockedVersion(workstation, "ready-made"), "==1.0.0");
                const known = answers(run).filter((answer) => answer !== "GET 401 nobody");
                assert.ok(known.includes(`GET 200 ${principal}`), known.join());
                assert.deepEqual(new Set(known.map((answer) => answer.slice(8))), new Set([principal]));
                // The Pipfile has what was generated, and no credential got into what is committed.
                const pipfile = await workstation.runIn("project", "cat", "Pipfile");
                assert.ok(pipfile.output.includes(install[0]?.text.trimEnd() ?? "?"), pipfile.output);
                const lock = await workstation.runIn("project", "cat", "Pipfile.lock");
                for (const secret of await secretsOf(workstation, credential)) {
                    assert.ok(![pipfile, lock, run].some(({ output }) => output.includes(secret)));
                }
            }
            if (form === "token") {
                await assertNoWayRound({ bench, tool });
            }
        });
    }

    attacks("pipenv", { file: "Pipfile", asked: "directly", installs: "internal" }, (setting) =>
        attacked(setting, internal),
    );
    // pipenv asks PyPI for whatever the Pipfile does not name: what the documentation warns of.
    attacks("pipenv", { file: "Pipfile", asked: "by a dependency", installs: "public" }, (setting) =>
        attacked(setting, dependent.name),
    );
    attacks(
        "pipenv",
        { file: "Pipfile, both names installed together", asked: "by a dependency", installs: "internal" },
        (setting) => attacked(setting, `${internal} ${dependent.name}`),
    );
}

/** A package of the registry's does not come from PyPI while the registry refuses the token. */
async function assertNoWayRound({ bench, tool }: Setting): Promise<void> {
    const { commands } = pipenvClient(bench.index, { form: "token" });
    await using workstation = await project({ bench, tool }, { form: "token" });
    const lines = `gcloud() { echo expired; }\n${script(commands.install, internal)}`;
    const run = await bench.runInProject(workstation, lines);
    assert.notEqual(run.exitCode, 0);
    assert.deepEqual(answers(run), ["GET 401 nobody"]);
    assert.equal(await lockedVersion(workstation, internal), undefined);
}

/** Installs and gives the version of the internal package that came with it. */
async function attacked({ bench, tool }: Setting, packages: string): Promise<string | undefined> {
    const credential = bench.credential("keyring", "install");
    await using workstation = await project({ bench, tool }, credential);
    const { commands } = pipenvClient(bench.index, credential);
    const run = await bench.runInProject(workstation, script(commands.install, packages));
    assert.equal(run.exitCode, 0, run.output);
    return (await lockedVersion(workstation, internal))?.replace("==", "");
}

async function secretsOf(workstation: Workstation, credential: Credential): Promise<string[]> {
    switch (credential.form) {
        case "keyring":
            return [];
        case "key":
            return [credential.keyBase64, encodeURIComponent(credential.keyBase64)];
        case "token":
            return [credential.token ?? (await workstation.run("gcloud")).output.trim()];
    }
}

/** Somebody with a project that has a Pipfile, into which the generated part is pasted. */
function project({ bench, tool }: Setting, credential: Credential): Promise<Workstation> {
    const client = pipenvClient(bench.index, credential);
    return bench.workstation(credential.form, "install", {
        path: [tool.bin],
        files: { ...filesOf(client.install, "user"), "project/Pipfile": pasted(own, client, "Pipfile") },
        environment: {
            ...bench.registry.sandbox.clientEnvironment,
            PIPENV_VENV_IN_PROJECT: "1",
            PIPENV_NOSPIN: "1",
            // Otherwise virtualenv leaves a process behind that looks for newer pips.
            VIRTUALENV_NO_PERIODIC_UPDATE: "1",
            // The pip that each environment gets: unpacked once, and not copied, which takes two seconds.
            VIRTUALENV_OVERRIDE_APP_DATA: join(tool.bin, "..", "virtualenv"),
            VIRTUALENV_SYMLINK_APP_DATA: "1",
        },
    });
}

async function lockedVersion({ home }: Workstation, name: string): Promise<string | undefined> {
    const lock = JSON.parse(await readFile(join(home, "project", "Pipfile.lock"), "utf8")) as {
        default: Record<string, { version?: string }>;
    };
    return lock.default[name]?.version;
}
