import assert from "node:assert/strict";
import { execa } from "execa";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { stacksIn, touchedStacks } from "../../packages/operations/src/deploy/changes";
import { Repository, root } from "./repository";

const stackFiles = {
    "Pulumi.yaml": "name: python-registry\n",
    "Pulumi.dev.yaml": "config: {a: 1, b: 2, c: 3, d: 4}\n",
    "Pulumi.prod.yaml": "config: {e: 1, f: 2, g: 3, h: 4}\n",
    "Pulumi.sandbox.yaml": "config: {}\n",
    "index.ts": "export {};\n",
    "src/registry.ts": "export const registry = 1;\nexport const more = 2;\n",
    "README.md": "# Registry\n",
    "docs/keys.md": "# Keys\n",
    "test/unit/a.test.ts": "// A test\n",
};

describe("which stacks a change touches", () => {
    let repository: Repository;
    beforeEach(async () => {
        repository = await Repository.open(stackFiles);
        await repository.git("checkout", "--quiet", "-b", "change");
    });
    afterEach(() => repository[Symbol.asyncDispose]());

    /** Runs the command in the clone. */
    async function run(args: readonly string[], cwd = repository.clone) {
        const command = [
            "-r",
            join(root, "typescript.cjs"),
            join(root, "packages/operations/src/deploy/touched-stacks.ts"),
        ];
        const { exitCode, stdout, stderr } = await execa(process.execPath, [...command, ...args], {
            cwd,
            reject: false,
        });
        return { exitCode, stdout, stderr };
    }

    async function touched(...args: string[]): Promise<unknown> {
        const { exitCode, stdout, stderr } = await run(args.length > 0 ? args : ["--base", "origin/main"]);
        assert.equal(exitCode, 0, stderr);
        return JSON.parse(stdout);
    }

    for (const [what, files, stacks] of [
        ["a stack file: its stack", { "Pulumi.dev.yaml": "config: {a: 2}\n" }, ["dev"]],
        ["a new stack file: its stack", { "Pulumi.new.yaml": "config: {}\n" }, ["new"]],
        [
            "two stack files: both stacks",
            { "Pulumi.dev.yaml": "config: {a: 2}\n", "Pulumi.prod.yaml": "config: {}\n" },
            ["dev", "prod"],
        ],
        ["code: all stacks", { "src/registry.ts": "export {};\n" }, ["dev", "prod"]],
        ["deleted code: all stacks", { "src/registry.ts": undefined }, ["dev", "prod"]],
        ["the project file: all stacks", { "Pulumi.yaml": "name: other\n" }, ["dev", "prod"]],
        ["a new kind of file: all stacks", { "settings/teams.json": "{}" }, ["dev", "prod"]],
        [
            "code and a stack file: all stacks",
            { "index.ts": "\n", "Pulumi.dev.yaml": "config: {}\n" },
            ["dev", "prod"],
        ],
        ["a policy: all stacks", { "packages/policy/src/rules/key-age.ts": "export {};\n" }, ["dev", "prod"]],
        [
            "documentation and tests: no stack",
            {
                "README.md": "",
                "docs/keys.md": undefined,
                "docs/a b\n'$(id).md": "",
                "test/unit/b.test.ts": "",
            },
            [],
        ],
        ["the stack of npm start: no stack", { "Pulumi.sandbox.yaml": "config: {a: 1}\n" }, []],
        ["nothing: no stack", {}, []],
    ] satisfies [string, Record<string, string | undefined>, string[]][]) {
        it(what, async () => {
            await repository.commit(files);
            assert.deepEqual(await touched(), stacks);
        });
    }

    it("a renamed stack file: the new stack, with a note about the old one", async () => {
        await repository.git("mv", "Pulumi.dev.yaml", "Pulumi.development.yaml");
        await repository.commit({});
        const { stdout, stderr } = await run(["--base", "origin/main"]);
        assert.deepEqual(JSON.parse(stdout), ["development"]);
        assert.match(stderr, /^The file of stack dev is gone.*pulumi destroy --stack dev$/m);
    });

    it("a deleted stack file: no stack, with a note", async () => {
        await repository.commit({ "Pulumi.prod.yaml": undefined });
        const { stdout, stderr } = await run(["--base", "origin/main"]);
        assert.deepEqual(JSON.parse(stdout), []);
        assert.match(stderr, /The file of stack prod is gone, but the stack is not/);
    });

    it("code that becomes documentation, and the reverse: all stacks", async () => {
        await repository.git("mv", "src/registry.ts", "docs/registry.ts");
        await repository.commit({});
        assert.deepEqual(await touched(), ["dev", "prod"]);
        await repository.git("checkout", "--quiet", "-B", "reverse", "origin/main");
        await repository.git("mv", "docs/keys.md", "src/keys.ts");
        await repository.commit({});
        assert.deepEqual(await touched(), ["dev", "prod"]);
    });

    it("only what the branch itself changes, when main has gone on", async () => {
        await repository.commit({ "Pulumi.dev.yaml": "config: {a: 2}\n" });
        await repository.git("checkout", "--quiet", "main");
        await repository.commit({ "src/registry.ts": "export {};\n" });
        await repository.git("checkout", "--quiet", "change");
        const since = await repository.git("merge-base", "main", "change");
        assert.deepEqual(await touched("--base", since), ["dev"]);
        // In the merge commit that GitHub makes, of which a clone has two levels.
        await repository.git("checkout", "--quiet", "--detach", "main");
        await repository.git("merge", "--quiet", "--no-edit", "change");
        await repository.git("push", "--quiet", "origin", "HEAD:refs/pull/1/merge");
        assert.deepEqual(await touched("--base", "HEAD^1"), ["dev"]);
        const shallow = join(repository.directory, "shallow");
        await execa("git", ["init", "--quiet", shallow]);
        const url = pathToFileURL(join(repository.directory, "bare.git")).href;
        await execa("git", ["fetch", "--quiet", "--depth=2", url, "refs/pull/1/merge"], { cwd: shallow });
        await execa("git", ["checkout", "--quiet", "FETCH_HEAD"], { cwd: shallow });
        assert.deepEqual(JSON.parse((await run(["--base", "HEAD^1"], shallow)).stdout), ["dev"]);
    });

    it("all stacks, for a new branch or a commit that is gone", async () => {
        await repository.commit({ "docs/keys.md": "" });
        for (const base of ["0".repeat(40), "1".repeat(40), "no-such-branch", "--output=x"]) {
            const { stdout, stderr } = await run([`--base=${base}`]);
            assert.deepEqual(JSON.parse(stdout), ["dev", "prod"]);
            assert.match(stderr, /all stacks count as touched/);
        }
        assert.deepEqual(await touched("--all"), ["dev", "prod"]);
    });

    it("what a branch that was overwritten no longer has", async () => {
        await repository.commit({ "Pulumi.prod.yaml": "config: {a: 2}\n" });
        const before = await repository.git("rev-parse", "HEAD");
        await repository.git("reset", "--quiet", "--hard", "HEAD^");
        assert.deepEqual(await touched("--base", before), ["prod"]);
        await repository.commit({ "Pulumi.dev.yaml": "config: {a: 2}\n" });
        assert.deepEqual(await touched("--base", before), ["dev", "prod"]);
    });

    it("leaves stacks out, and says so", async () => {
        for (const except of ["prod", " prod,other", "prod other"]) {
            const { stdout, stderr } = await run(["--all", "--except", except]);
            assert.deepEqual(JSON.parse(stdout), ["dev"]);
            assert.equal(stderr, "The stack prod is left out (--except)");
        }
        assert.deepEqual(await touched("--all", "--except", ""), ["dev", "prod"]);
    });

    describe("--expect-untouched", () => {
        let approved: string;
        beforeEach(async () => {
            approved = await repository.git("rev-parse", "HEAD");
        });
        const expectUntouched = (stack: string, base = approved) =>
            run(["--base", base, "--expect-untouched", stack]);

        it("passes if nothing that the stack reads has changed", async () => {
            assert.deepEqual(await expectUntouched("prod"), { exitCode: 0, stdout: "", stderr: "" });
            await repository.commit({ "Pulumi.dev.yaml": "config: {a: 2}\n", "docs/keys.md": "" });
            assert.deepEqual(await expectUntouched("prod"), { exitCode: 0, stdout: "", stderr: "" });
            assert.equal((await expectUntouched("dev")).exitCode, 1);
        });

        for (const [what, files] of Object.entries({
            "its file": { "Pulumi.prod.yaml": "config: {}\n" },
            code: { "src/registry.ts": "export {};\n" },
            "a policy": { "packages/policy/config.json": "{}\n" },
            "its file, which is gone": { "Pulumi.prod.yaml": undefined },
        })) {
            it(`fails if the newest commit changes ${what}`, async () => {
                await repository.commit(files);
                const { exitCode, stdout, stderr } = await expectUntouched("prod");
                assert.deepEqual([exitCode, stdout], [1, ""]);
                assert.match(
                    stderr,
                    /error: HEAD \([0-9a-f]{40}\) differs from [0-9a-f]{40} in what the stack prod reads\. .*Approve the update of the newest commit instead$/,
                );
            });
        }

        it("fails if the approved commit is not on the branch any more, or unknown, or the stack is", async () => {
            await repository.commit({ "Pulumi.prod.yaml": "config: {}\n" });
            const dropped = await repository.git("rev-parse", "HEAD");
            await repository.git("reset", "--quiet", "--hard", approved);
            for (const [stack, base] of [
                ["prod", dropped],
                ["prod", "1".repeat(40)],
                ["other", approved],
                ["sandbox", approved],
            ] as const) {
                const { exitCode, stdout } = await expectUntouched(stack, base);
                assert.deepEqual([exitCode, stdout], [1, ""], `${stack} ${base}`);
            }
        });
    });

    it("works for a project in a folder of a larger repository", async () => {
        await repository.commit({
            "infrastructure/Pulumi.yaml": "name: python-registry\n",
            "infrastructure/Pulumi.team.yaml": "config: {}\n",
        });
        const before = await repository.git("rev-parse", "HEAD");
        await repository.commit({ "src/registry.ts": "export {};\n" });
        const folder = join(repository.clone, "infrastructure");
        assert.equal((await run(["--base", before], folder)).stdout, "[]");
        await repository.commit({ "infrastructure/Pulumi.team.yaml": "config: {a: 1}\n" });
        assert.equal((await run(["--base", before], folder)).stdout, '["team"]');
    });

    it("refuses a name that is not one of a stack", async () => {
        for (const name of ["Pulumi.$(id).yaml", "Pulumi.--all.yaml", "Pulumi.a b.yaml"]) {
            assert.throws(() => stacksIn([name]), /is not the file of a stack/);
        }
        await repository.commit({ "Pulumi.`id`.yaml": "config: {}\n" });
        const { exitCode, stdout } = await run(["--all"]);
        assert.deepEqual([exitCode, stdout], [1, ""]);
    });

    it("counts all that the program consists of as code", () => {
        const entries = [
            ...readdirSync(root).map((name) => (name.includes(".") ? name : `${name}/a.ts`)),
            ...readdirSync(join(root, "packages")).map((name) => `packages/${name}/src/a.ts`),
        ];
        const code = entries.filter((path) => touchedStacks([path], ["dev"]).length > 0);
        for (const path of [
            ...["index.ts", "src/a.ts", "package.json", "package-lock.json", "Pulumi.yaml"],
            ...["packages/registry/src/a.ts", "packages/policy/src/a.ts"],
        ]) {
            assert.ok(code.includes(path), path);
        }
        assert.ok(code.includes("tsconfig.json") && code.includes("typescript.cjs"));
        assert.ok(!code.includes("test/a.ts") && !code.includes("README.md"));
    });

    it("prints a pipeline of GitLab, with a limited number of previews at a time", async () => {
        await repository.commit(
            Object.fromEntries(Array.from({ length: 9 }, (_, n) => [`Pulumi.s${n}.yaml`, "config: {}\n"])),
        );
        const pipeline = async (job: string) =>
            (await touched("--base", "origin/main", "--gitlab", job)) as Record<string, object>;
        const previews = await pipeline("preview");
        assert.deepEqual(previews["preview s4"], {
            extends: ".preview",
            variables: { STACK: "s4" },
            resource_group: "preview-1",
        });
        const groups = Object.values(previews).map(
            (job) => (job as { resource_group?: string }).resource_group,
        );
        assert.equal(new Set(groups.filter((group) => group !== undefined)).size, 4);
        assert.deepEqual((await pipeline("update"))["update s4"], {
            extends: ".update",
            variables: { STACK: "s4" },
            resource_group: "update-s4",
            environment: { name: "s4", action: "start" },
        });
        assert.deepEqual(Object.keys((await touched("--base", "HEAD", "--gitlab", "update")) as object), [
            "no stacks",
        ]);
    });
});
