import assert from "node:assert/strict";
import { execa } from "execa";
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { parse } from "yaml";
import { parseOutputs } from "../../packages/configure/src/registry/outputs";
import { bash, getScript, getSteps, stub } from "../deploy/workflows";
import { type EngineStack, openForEachTest, project } from "./engine-stack";

// The commands of the workflows, with the real engine and the policy pack. What the runner does around them (installing,
// signing in) is not part of it.

const root = join(__dirname, "..", "..");

describe("the commands of the workflows, with the real engine", () => {
    let stack: EngineStack;
    let bin: string;
    openForEachTest((opened) => (stack = opened));
    beforeEach(async () => {
        bin = await mkdtemp(join(tmpdir(), "python-registry-deploy-"));
        const npm = (await execa("sh", ["-c", "command -v npm"])).stdout;
        // npm puts the launcher in front of the CLI; the environment of the CLI does not.
        const env = stack.cli.environment;
        const pulumi = (await execa("sh", ["-c", "command -v pulumi"], { env })).stdout;
        // npm runs a script in the folder of package.json. A review previews the stack of the folder that it is started in.
        const review = `'${process.execPath}' --conditions=source --require '${root}/typescript.cjs' '${root}/packages/operations/src/review/main.ts'`;
        await stub(
            bin,
            "npm",
            `case "$*" in
  ci) ;;
  # In the folder of the stack, which is the repository here.
  *touched-stacks*) shift 4; exec '${process.execPath}' --conditions=source -r '${root}/typescript.cjs' '${root}/packages/operations/src/deploy/touched-stacks.ts' "$@" ;;
  "run --silent review -- "*) shift 4; exec ${review} "$@" ;;
  *) exec '${npm}' --prefix '${root}' "$@" ;;
esac`,
        );
        await stub(bin, "pulumi", `exec '${pulumi}' "$@"`);
    });
    afterEach(() => rm(bin, { recursive: true }));

    const git = async (...args: string[]) => {
        const identity = ["-c", "user.name=Test", "-c", "user.email=test@example.com"];
        return (await execa("git", [...identity, ...args], { cwd: stack.directory })).stdout;
    };

    /** Commits the stack file and the policies, here and on `main` of the remote repository. */
    async function push(): Promise<void> {
        await git("add", `Pulumi.${stack.name}.yaml`, "packages/policy");
        await git("commit", "--quiet", "--allow-empty", "--message", "A change");
        await git("push", "--quiet", "origin", "HEAD:main");
        await git("fetch", "--quiet");
    }

    /** Makes the folder of the stack a repository with the policies. */
    async function openRepository(): Promise<void> {
        await cp(join(root, "packages", "policy"), join(stack.directory, "packages", "policy"), {
            recursive: true,
            filter: (path) => !path.endsWith("node_modules"),
        });
        await symlink(join(root, "node_modules"), join(stack.directory, "node_modules"));
        await git("init", "--quiet", "--initial-branch=main");
        await git("init", "--quiet", "--bare", "--initial-branch=main", "remote.git");
        await git("remote", "add", "origin", "remote.git");
        await push();
    }

    /** Runs commands as a job does, in the folder of the stack. */
    function inJob(script: string, more: Readonly<Record<string, string>> = {}) {
        const { PATH = "" } = stack.cli.environment;
        return bash(script, stack.directory, {
            ...stack.cli.environment,
            ...stack.engine.environment,
            PATH: [bin, PATH].join(delimiter),
            STACK: stack.name,
            ...more,
        });
    }

    async function run(name: "preview.yml" | "update-stack.yml" | "drift.yml" | "gitlab", job: string) {
        const steps =
            name === "gitlab"
                ? [(await getScript(job)).replace('export PATH="$PWD/node_modules/.bin:$PATH"', "")]
                : await getSteps(name, job);
        const approved = await git("rev-parse", "HEAD");
        let all = "";
        for (const step of steps) {
            const result = await inJob(step, {
                GITHUB_SHA: approved,
                CI_COMMIT_SHA: approved,
                CI_DEFAULT_BRANCH: "main",
                WORKLOAD_IDENTITY_PROVIDER: "providers/gitlab",
                GOOGLE_ID_TOKEN: "token",
                PULUMI_ENABLE_STREAMING_JSON_PREVIEW: "true",
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
        await openRepository();
        const updated = await run("update-stack.yml", "update");
        assert.equal(updated.exitCode, 0, updated.all);
        const published = await readFile(join(stack.directory, "outputs", `${stack.name}.json`), "utf8");
        const { value } = (await stack.outputs())["credentials"] ?? {};
        assert.match(JSON.stringify(value), /PRIVATE KEY/);
        assert.doesNotMatch(published, /PRIVATE KEY|\[secret\]|_json_key|someone@example\.com/);
        assert.equal(parseOutputs(published, "outputs").index.name, "python");

        const calm = await run("drift.yml", "drift");
        assert.equal(calm.exitCode, 0, await readFile(join(bin, "summary.md"), "utf8"));
        assert.match(calm.all, /^No drift in engine\.$/m);

        const [repository] = stack.sandbox.cloud.project(project).repositories.values();
        assert.ok(repository !== undefined);
        repository.settings = { ...repository.settings, description: "Changed by hand\n~~~~\n::error::x" };
        const bindings = repository.policy.bindings.map(({ role, members }) => ({
            role,
            members: role.endsWith("reader") ? [...members, "user:stray@example.com"] : members,
        }));
        repository.policy = { ...repository.policy, bindings };
        const before = stack.sandbox.requests.length;
        const drifted = await run("drift.yml", "drift");
        assert.equal(drifted.exitCode, 3, drifted.all);
        assert.match(drifted.all, /^::error::The stack engine drifted/m);
        // The log says nothing that someone set at the service.
        assert.doesNotMatch(drifted.all, /by hand|stray/);
        const summary = await readFile(join(bin, "summary.md"), "utf8");
        assert.match(summary, /`Changed by hand⏎~~~~⏎::error::x`/);
        assert.match(summary, /user:stray@example\.com/);
        assert.doesNotMatch(summary, /PRIVATE KEY/);
        // The check only reads.
        assert.deepEqual(
            stack.sandbox.requests.slice(before).filter(({ method }) => method !== "GET"),
            [],
        );
    });

    for (const [system, preview, update] of [
        ["GitHub", ["preview.yml", "preview"], ["update-stack.yml", "update"]],
        ["GitLab", ["gitlab", ".preview"], ["gitlab", ".update"]],
    ] as const) {
        it(`stop the preview and the update at ${system} at what a policy refuses`, async () => {
            await stack.init({ readers: ["user:someone@example.com"] });
            await openRepository();
            await stack.configure({ readers: ["allUsers"], allowPublic: true });
            // A change that also removes the rule is still compared with the policies of main.
            await git("checkout", "--quiet", "-b", "change");
            const policies = join(stack.directory, "packages", "policy", "config.json");
            await writeFile(policies, '{ "no-public-access": "disabled" }\n');
            await git("commit", "--quiet", "--all", "--message", "A change");
            const previewed = await run(preview[0], preview[1]);
            assert.notEqual(previewed.exitCode, 0, previewed.all);
            const recorded = join(stack.directory, "previews", `${stack.name}.json`);
            const comment = await execa(
                process.execPath,
                [
                    "--conditions=source",
                    "-r",
                    join(root, "typescript.cjs"),
                    join(root, "packages/operations/src/review/main.ts"),
                    "--from",
                    recorded,
                ],
                { reject: false },
            );
            assert.equal(comment.exitCode, 1);
            assert.match(comment.stdout, /\*\*mandatory\*\*: `?no-public-access/);

            await writeFile(policies, "{}\n");
            await push();
            const before = stack.sandbox.requests.length;
            const updated = await run(update[0], update[1]);
            assert.notEqual(updated.exitCode, 0, updated.all);
            assert.match(updated.all, /no-public-access/);
            assert.deepEqual(
                stack.sandbox.requests
                    .slice(before)
                    .filter(({ path, method }) => method !== "GET" && /setIamPolicy|repositories/.test(path)),
                [],
            );
        });
    }

    it("stop a run of the Kubernetes operator at what a policy refuses", async () => {
        await stack.init({ readers: ["allUsers"], allowPublic: true });
        await openRepository();
        const file = join(root, "examples", "kubernetes-operator", "every-stack.yaml");
        const { spec } = parse(await readFile(file, "utf8")) as {
            spec: { workspaceTemplate: { spec: { env: { name: string; value: string }[] } } };
        };
        const variables = spec.workspaceTemplate.spec.env.map(({ name, value }) => [name, value]);
        for (const command of ["preview", "up --yes --skip-preview"]) {
            const { exitCode, all } = await inJob(
                `pulumi ${command} --non-interactive --stack "$STACK"`,
                Object.fromEntries(variables) as Record<string, string>,
            );
            assert.notEqual(exitCode, 0, all);
            assert.match(all, /\[mandatory\].*no-public-access/);
        }
    });
});
