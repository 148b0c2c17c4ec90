import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { type Form, forms } from "../../../packages/registry/src/clients/credential";
import { dockerfileClient } from "../../../packages/registry/src/clients/dockerfile";
import type { PythonIndex } from "../../../packages/registry/src/clients/client";
import type { ToolEnvironment } from "../../../packages/sandbox/src/python/tool-environment";
import { answers, type ToolRun } from "../registry";
import { type TestContext, testOnlyIndex, testOperation, type ToolFixture } from "./tool";

// These tests need no Docker: sh runs the commands of the build, with the secret where a build mounts it, in a separate
// /run. They do not run the mount's options and the build command.

/** Runs a command with a separate file system, if this machine permits that. */
const apart = ["unshare", "--map-root-user", "--mount"] as const;

export function dockerfile() {
    before(function () {
        const [command, ...args] = apart;
        if (spawnSync(command, [...args, "mount", "-t", "tmpfs", "none", "/run"]).status !== 0) {
            console.log("      skipped: nothing can be mounted here, as a build mounts a secret");
            this.skip();
        }
    });

    for (const form of forms) {
        testOperation("dockerfile", form, "install", async (context) => {
            const { fixture } = context;
            const secret = getSecret(fixture, form);
            await using toolEnvironment = await open(context, form, "ready-made");
            const run = await build(context, toolEnvironment, form, fixture.index);
            assert.equal(run.exitCode, 0, run.output);
            assert.match(run.output, /^Successfully installed ready-made-1\.0\.0$/m);
            const granted = `GET 200 ${fixture.principal(form, "install")}`;
            assert.deepEqual(
                answers(run).filter((answer) => answer !== "GET 401 nobody"),
                [granted, granted],
            );

            assert.ok(!run.output.includes(secret));
            // Except in the tool environment's own files: gcloud with the token, and the key file of the keyring form.
            const own = ["--exclude-dir=bin", "--exclude=key.json"];
            const parts =
                form === "token" ? [secret] : [Buffer.from(secret).toString("base64"), "PRIVATE KEY"];
            for (const part of parts) {
                const left = await toolEnvironment.run("grep", "-rlF", ...own, part, ".");
                assert.deepEqual([left.exitCode, left.output], [1, ""], "something of the secret is left");
            }
            const keyring = await toolEnvironment.run("find", ".", "-name", "keyring");
            assert.equal(keyring.output, "");
        });
    }

    testOnlyIndex("dockerfile", "Dockerfile", async (context, index, packages) => {
        await using toolEnvironment = await open(context, "key", packages.join("\n"));
        const run = await build(context, toolEnvironment, "key", index);
        return { ...run, version: /^Successfully installed .*\bacme-core-(\S+)/m.exec(run.output)?.[1] };
    });
}

function open({ fixture, tool }: TestContext, form: Form, requirements: string): Promise<ToolEnvironment> {
    return fixture.toolEnvironment(form, "install", {
        path: ["stand-in", tool.bin],
        // pip-compile, pipenv and others can write the first line.
        files: {
            "requirements.txt": `--index-url https://pypi.org/simple\n${requirements}\n`,
            secret: getSecret(fixture, form),
        },
        executables: { "stand-in/python": pythonWithKeyring(fixture.registry.tools.bin) },
        environment: { ...fixture.registry.sandbox.clientEnvironment, PIP_TARGET: "site" },
    });
}

/** Runs the step of the generated Dockerfile. */
function build(
    { fixture }: TestContext,
    toolEnvironment: ToolEnvironment,
    form: Form,
    index: PythonIndex,
): Promise<ToolRun> {
    const { id, command } = runStep(fixture, form, index);
    const lines = [
        "mount -t tmpfs none /run",
        "mkdir /run/secrets",
        `mv secret /run/secrets/${id}`,
        // A build has only the secret, and not the key file of this tool environment.
        "unset GOOGLE_APPLICATION_CREDENTIALS",
        'exec sh -c "$1"',
    ].join("\n");
    return fixture.registry.run(toolEnvironment, ...apart, "sh", "-ec", lines, "sh", command);
}

/** The shell command of the snippet's RUN instruction, with its lines joined as by Docker, and the secret's id. */
function runStep(fixture: ToolFixture, form: Form, index: PythonIndex): { id: string; command: string } {
    const { text = "" } = dockerfileClient(index, fixture.credential(form, "install")).install[0] ?? {};
    const run = /^RUN --mount=type=secret,id=([a-z0-9-]+),required=true (.+)$/m.exec(
        text.replaceAll("\\\n", ""),
    );
    const [, id, command] = run ?? [];
    assert.ok(id !== undefined && command !== undefined, text);
    return { id, command };
}

function getSecret(fixture: ToolFixture, form: Form): string {
    if (form === "token") {
        return fixture.registry.sandbox.issueToken(fixture.principal(form, "install"));
    }
    const credential = fixture.credential("key", "install");
    assert.ok(credential.form === "key");
    return Buffer.from(credential.keyBase64, "base64").toString();
}

/** Replaces the image's Python, because there is no PyPI: it creates virtual environments that have a keyring. */
function pythonWithKeyring(bin: string): string {
    return [
        "#!/bin/sh",
        'mkdir "$3/bin"',
        `ln -s "${join(bin, "keyring")}" "$3/bin/keyring"`,
        'ln -s /bin/true "$3/bin/pip"',
        "",
    ].join("\n");
}
