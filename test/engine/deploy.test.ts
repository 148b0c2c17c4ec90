import assert from "node:assert/strict";
import { execa } from "execa";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { parseOutputs } from "../../configure/registry/outputs";
import { bash, stepsOf, stub } from "../deploy/workflows";
import { type EngineStack, openForEachTest, project } from "./engine-stack";

// The commands of the workflows `update` and `drift`, with the real engine. What the runner does around them (installing,
// signing in) is not part of it.

const root = join(__dirname, "..", "..");

describe("the commands of the workflows, with the real engine", function () {
    this.timeout(300_000);
    let stack: EngineStack;
    let bin: string;
    openForEachTest((opened) => (stack = opened));
    beforeEach(async () => {
        bin = await mkdtemp(join(tmpdir(), "python-registry-deploy-"));
        const npm = (await execa("sh", ["-c", "command -v npm"])).stdout;
        const [file, ...first] = stack.cli.command;
        const pulumi =
            first.length > 0
                ? [file, ...first]
                : // npm puts the launcher in front of the CLI; the environment of the CLI does not.
                  [(await execa("sh", ["-c", "command -v pulumi"], { env: stack.cli.environment })).stdout];
        await stub(bin, "npm", `[ "$*" = ci ] || exec '${npm}' --prefix '${root}' "$@"`);
        await stub(bin, "pulumi", `exec '${pulumi.join("' '")}' "$@"`);
    });
    afterEach(() => rm(bin, { recursive: true }));

    async function run(name: "update-stack.yml" | "drift.yml", job: string) {
        const { PATH = "" } = stack.cli.environment;
        let all = "";
        for (const step of await stepsOf(name, job)) {
            const result = await bash(step, stack.directory, {
                ...stack.cli.environment,
                ...stack.engine.environment,
                PATH: [bin, PATH].join(delimiter),
                STACK: stack.name,
                GITHUB_PATH: join(bin, "path.txt"),
                GITHUB_STEP_SUMMARY: join(bin, "summary.md"),
            });
            all += result.all;
            if (result.exitCode !== 0) return { exitCode: result.exitCode, all };
        }
        return { exitCode: 0, all };
    }

    it("update a stack, publish its outputs without a secret, and find what drifted", async () => {
        await stack.init({
            description: "As reviewed",
            readers: ["user:someone@example.com"],
            serviceAccounts: { "python-publisher": { access: "writer", keys: ["first"] } },
        });
        const updated = await run("update-stack.yml", "update");
        assert.equal(updated.exitCode, 0, updated.all);
        const published = await readFile(join(stack.directory, "outputs", `${stack.name}.json`), "utf8");
        const { value } = (await stack.outputs())["credentials"] ?? {};
        assert.match(JSON.stringify(value), /PRIVATE KEY/);
        assert.doesNotMatch(published, /PRIVATE KEY|\[secret\]|_json_key|someone@example\.com/);
        assert.equal(parseOutputs(published, "outputs").index.name, "python");

        const calm = await run("drift.yml", "drift");
        assert.equal(calm.exitCode, 0, calm.all);
        assert.match(calm.all, /^No drift in engine\.$/m);

        const [repository] = stack.sandbox.cloud.project(project).repositories.values();
        assert.ok(repository !== undefined);
        repository.settings = { ...repository.settings, description: "Changed by hand" };
        const bindings = repository.policy.bindings.map(({ role, members }) => ({
            role,
            members: role.endsWith("reader") ? [...members, "user:stray@example.com"] : members,
        }));
        repository.policy = { ...repository.policy, bindings };
        const before = stack.sandbox.requests.length;
        const drifted = await run("drift.yml", "drift");
        assert.equal(drifted.exitCode, 1, drifted.all);
        assert.match(drifted.all, /^::error::The stack engine drifted/m);
        const summary = await readFile(join(bin, "summary.md"), "utf8");
        assert.match(summary, /Changed by hand/);
        assert.match(summary, /user:stray@example\.com/);
        assert.doesNotMatch(summary, /PRIVATE KEY/);
        // The check only reads.
        assert.deepEqual(
            stack.sandbox.requests.slice(before).filter(({ method }) => method !== "GET"),
            [],
        );
    });
});
