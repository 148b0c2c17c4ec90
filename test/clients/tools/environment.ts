import assert from "node:assert/strict";
import type { ToolEnvironment } from "../../../packages/sandbox/src/python/tool-environment";
import type { PythonIndex } from "../../../packages/registry/src/clients/client";
import { type Credential, type Form, forms } from "../../../packages/registry/src/clients/credential";
import { tools } from "../../../packages/registry/src/clients/tools";
import { answers, type ToolRun } from "../registry";
import {
    testAttack,
    testOnlyIndex,
    getFiles,
    internal,
    type Operation,
    testOperation,
    script,
    type TestContext,
    waysToAsk,
} from "./tool";

const byPip = "pip install --no-input --target site";
const byUv = "uv pip install --target site";

export function environment() {
    for (const form of forms) {
        testOperation("environment", form, "install", async (context, { credential, turn }) => {
            const { commands, install } = tools.environment.client(context.fixture.index, credential);
            const lines = script(commands.install, "ready-made");
            const file = install[0]?.path.linux.replace("~/", "../");
            for (const asked of [
                lines.replace("pip install", byPip),
                lines.replace("pip install", byUv),
                // uv reads the file as a dotenv file, if it has everything.
                ...(lines.includes("gcloud")
                    ? []
                    : [`uv run --no-project --env-file ${file} ${byPip} ready-made`]),
            ]) {
                await using toolEnvironment = await open(context, credential, "install");
                const run = await context.fixture.runInProject(toolEnvironment, asked);
                assert.equal(run.exitCode, 0, run.output);
                assert.match(run.output, /ready-made(-|==)1\.0\.0/);
                const granted = new Set(answers(run).filter((answer) => !answer.endsWith(" 401 nobody")));
                const principal = context.fixture.principal(form, "install");
                assert.ok(granted.delete(`GET 200 ${principal}`));
                granted.delete(`HEAD 200 ${principal}`);
                assert.deepEqual([...granted], []);
            }
            if (form === "token" && turn > 0) {
                await assertNoWayRound(context);
            }
        });

        testOperation("environment", form, "publish", async (context, { credential, turn }) => {
            const lines = script(
                tools.environment.client(context.fixture.index, credential).commands.publish,
            );
            for (const tool of ["twine", "uv"]) {
                const name = `environment-${form}-${turn}-${tool}`;
                const files = await context.fixture.registry.build({ name, version: "1.0.0" });
                await using toolEnvironment = await open(context, credential, "publish", files);
                const run = await context.fixture.runInProject(
                    toolEnvironment,
                    tool === "uv" ? lines.replace("twine upload dist/*", "uv publish") : lines,
                );
                assert.equal(run.exitCode, 0, run.output);
                const uploaded = `POST 200 ${context.fixture.principal(form, "publish")}`;
                assert.deepEqual(
                    answers(run).filter((answer) => answer.startsWith("POST")),
                    [uploaded, uploaded],
                );
            }
        });
    }

    for (const [asked, wanted] of waysToAsk) {
        // pip has no order between indexes; uv takes a package from the first one that has it.
        testAttack("environment", { file: ".env, pip", asked, installs: "public" }, (context) =>
            attacked(context, byPip, wanted),
        );
        testAttack("environment", { file: ".env, uv", asked, installs: "internal" }, (context) =>
            attacked(context, byUv, wanted),
        );
    }

    for (const [file, install] of [
        [".env, pip", byPip],
        [".env, uv", byUv],
    ] as const) {
        testOnlyIndex("environment", file, (context, index, packages) =>
            installWith(context, install, packages.join(" "), "keyring", index),
        );
    }
}

/** Installs, and returns the version of the internal package that was installed. */
async function attacked(context: TestContext, install: string, wanted: string): Promise<string | undefined> {
    return (await installWith(context, install, wanted, "token")).version;
}

async function installWith(
    context: TestContext,
    install: string,
    wanted: string,
    form: Form,
    index: PythonIndex = context.fixture.index,
): Promise<ToolRun & { readonly version: string | undefined }> {
    const credential = context.fixture.credential(form, "install");
    const { commands } = tools.environment.client(index, credential);
    await using toolEnvironment = await open(context, credential, "install", [], index);
    const lines = script(commands.install, wanted).replace("pip install", install);
    const run = await context.fixture.runInProject(toolEnvironment, lines);
    const version = /\bacme-core(?:-|==)([\d.]+\d)$/m.exec(run.output.replaceAll(/ /g, "\n"))?.[1];
    return { ...run, version };
}

/** Asserts that uv takes no package from PyPI while the registry refuses the token. */
async function assertNoWayRound(context: TestContext): Promise<void> {
    const { commands } = tools.environment.client(context.fixture.index, { form: "token" });
    await using toolEnvironment = await open(context, { form: "token" }, "install");
    const lines = script(commands.install, internal).replace("pip install", byUv);
    const run = await context.fixture.runInProject(toolEnvironment, `gcloud() { echo expired; }\n${lines}`);
    assert.notEqual(run.exitCode, 0);
    assert.deepEqual(new Set(answers(run)), new Set(["GET 401 nobody"]));
}

/** A tool environment with a keyring command and the generated file. */
function open(
    { fixture, tool }: TestContext,
    credential: Credential,
    operation: Operation,
    distributions: readonly string[] = [],
    index: PythonIndex = fixture.index,
): Promise<ToolEnvironment> {
    const { install } = tools.environment.client(index, credential);
    return fixture.toolEnvironment(credential.form, operation, {
        // pip does not run the keyring command of its own environment.
        path: [tool.bin, fixture.registry.tools.bin],
        files: { ...getFiles(install, "user"), ...getFiles(install, "project"), "project/empty": "" },
        distributions,
    });
}
