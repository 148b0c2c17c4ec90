import assert from "node:assert/strict";
import { execa } from "execa";
import { mkdir, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { parse } from "yaml";
import { runProgram } from "../../packages/sandbox/src/engines/in-process-engine";
import { stackConfig } from "../../packages/sandbox/src/engines/stack-config";
import type { Claims } from "../../packages/sandbox/src/issuers/ci-system";
import { githubActions } from "../../packages/sandbox/src/issuers/github-actions";
import { gitlabCi, gitlabEnvironment } from "../../packages/sandbox/src/issuers/gitlab-ci";
import { environmentWith, type PythonTools } from "../../packages/sandbox/src/python/python-tools";
import { pythonFile } from "../../packages/sandbox/src/python/simple-index";
import { buildPackage } from "../../packages/sandbox/src/python/sample-package";
import { ToolEnvironment } from "../../packages/sandbox/src/python/tool-environment";
import { type Sandbox, startSandbox } from "../../packages/sandbox/src/sandbox";
import { githubCredentials } from "../access/snippet-login";
import { needTools } from "../clients/registry";
import { Repository, root } from "../deploy/repository";
import { bash, getText, stub, workflow } from "../deploy/workflows";
import { itInRelease } from "../release";

// The workflows that promote packages: their commands, run by bash in a clone of a bare repository, with two stacks whose workloads
// are those of docs/promoting.md. Google's side is the sandbox, which checks the token of each job.

const projects = { dev: "acme-dev", prod: "acme-prod" } as const;
type StackName = keyof typeof projects;

/** The settings of a stack in the section of a system, from the page. The page shows those of `dev`. */
async function getWorkloads(system: "GitHub" | "GitLab", stack: StackName): Promise<object> {
    const page = await readFile(join(root, "docs", "promoting.md"), "utf8");
    const [, section = ""] = page.split(`\n### At ${system}\n`);
    const [, block = ""] = /```yaml\n([^]*?)```/.exec(section) ?? [];
    assert.match(block, /access: reader/);
    const text = stack === "dev" ? block : block.replace("access: reader", "access: writer");
    return (parse(text) as { config: Record<string, object> }).config["python-registry:workloads"]!;
}

/** The commands of the page that set the variables in the section of a system. */
async function getVariableCommands(system: "GitHub" | "GitLab"): Promise<string> {
    const page = await readFile(join(root, "docs", "promoting.md"), "utf8");
    const [, section = ""] = page.split(`\n### At ${system}\n`);
    const blocks = [...section.matchAll(/```bash\n([^]*?)```/g)].map(([, block = ""]) => block);
    const found = blocks.find((block) => block.includes("variable set"));
    assert.ok(found !== undefined);
    return found;
}

describe("the workflows that promote packages", () => {
    let tools: PythonTools;
    let sandbox: Sandbox;
    let repository: Repository;
    let bin: string;
    const closers: (() => Promise<void>)[] = [];
    before(async function () {
        tools = await needTools(this);
        sandbox = await startSandbox({ project: projects.dev, projectNumber: "111111111111" });
        closers.push(() => sandbox.close());
        sandbox.cloud.addProject(projects.prod, "222222222222", "user:operator@example.com");
        repository = await Repository.open({
            "package.json": await readFile(join(root, "package.json"), "utf8"),
        });
        closers.push(() => repository[Symbol.asyncDispose]());
        await repository.install();
        bin = join(repository.directory, "bin");
        await mkdir(bin);
        const npm = (await execa("sh", ["-c", "command -v npm"])).stdout;
        await stub(bin, "npm", `case "$*" in ci) ;; *) exec '${npm}' "$@" ;; esac`);
        await stub(bin, "apt-get", "");
        // A virtual environment whose pip installs nothing: the tools are there already.
        await stub(
            bin,
            "python3",
            `[ "$1 $2" = "-m venv" ] || exit 1
mkdir -p "$3/bin"
ln -s '${tools.bin}/twine' '${tools.bin}/keyring' "$3/bin/"
printf '#!/bin/sh\\necho "pip $*" >> "$CALLS"\\n' > "$3/bin/pip"
chmod +x "$3/bin/pip"`,
        );
        for (const client of ["gh", "glab"]) await stub(bin, client, `echo "$*" >> "$VARIABLES"`);
    });
    after(async () => {
        for (const close of closers) await close();
    });

    /** Creates the registries with the workloads of a system, and returns the variables of its workflow. */
    async function deploy(system: "GitHub" | "GitLab"): Promise<Record<string, string>> {
        const outputs = join(repository.directory, `outputs-${system}`);
        await mkdir(outputs);
        for (const stack of ["dev", "prod"] as const) {
            const { outputs: made } = await runProgram({
                stack,
                config: {
                    "gcp:project": projects[stack],
                    ...sandbox.providerConfig,
                    ...stackConfig({
                        location: "europe-west1",
                        repository: system.toLowerCase(),
                        serviceAccounts: {},
                        workloads: await getWorkloads(system, stack),
                    }),
                },
            });
            for (const name of ["ci", "repository"]) {
                await writeFile(join(outputs, `${name}.${stack}.json`), JSON.stringify(made[name]?.value));
            }
        }
        const variables = join(outputs, "variables.txt");
        // pulumi stack output NAME --stack STACK --json
        await stub(bin, "pulumi", 'cat "$OUTPUTS/$3.$5.json"');
        const set = await bash(await getVariableCommands(system), repository.clone, {
            PATH: [bin, process.env["PATH"] ?? ""].join(delimiter),
            OUTPUTS: outputs,
            VARIABLES: variables,
        });
        assert.equal(set.exitCode, 0, set.all);
        return Object.fromEntries(
            (await readFile(variables, "utf8"))
                .trim()
                .split("\n")
                .map((line): [string, string] => {
                    const [, name, value] =
                        /^variable set (\w+) (?:--env promote-prod --body )?(projects\/\S+)$/.exec(line) ??
                        [];
                    assert.ok(name !== undefined && value !== undefined, line);
                    return [name, value];
                }),
        );
    }

    const files = (stack: StackName, system: "GitHub" | "GitLab") => {
        const { cloud } = sandbox;
        return cloud.repository(cloud.project(projects[stack]), "europe-west1", system.toLowerCase()).files;
    };

    async function publish(system: "GitHub" | "GitLab"): Promise<string[]> {
        await using builder = await ToolEnvironment.open({ path: [tools.bin] });
        for (const [name, version] of [
            ["acme-core", "1.2.3"],
            ["acme-http", "2.0"],
        ] as const) {
            for (const path of await buildPackage(builder, join(builder.home, name), { name, version })) {
                const file = pythonFile(name, path.slice(path.lastIndexOf("/") + 1), await readFile(path));
                files("dev", system).set(file.filename, file);
            }
        }
        return [...files("dev", system).keys()].sort();
    }

    const calls = () => join(repository.directory, "calls.txt");
    const packages = "acme-core==1.2.3 acme-http==2.0";

    /** The environment of a job, on a new machine. */
    const jobEnvironment = (machine: string): Record<string, string> => ({
        PATH: [bin, process.env["PATH"] ?? ""].join(delimiter),
        HOME: repository.directory,
        TMPDIR: repository.directory,
        CALLS: calls(),
        RUNNER_TEMP: machine,
        GITHUB_PATH: join(machine, "path.txt"),
        NO_GCE_CHECK: "true",
        CLOUDSDK_CORE_CHECK_GCE_METADATA: "false",
        ...sandbox.clientEnvironment,
    });

    /** Runs the job of GitHub, with the values of its expressions and the files of its action. */
    async function runGithub(variables: Record<string, string>, claims: Claims) {
        const job = (await workflow("promote.yml")).jobs["promote"];
        assert.ok(job?.steps !== undefined);
        const contexts: Record<string, string> = {
            "inputs.packages": packages,
            ...Object.fromEntries(Object.entries(variables).map(([name, value]) => [`vars.${name}`, value])),
        };
        const evaluate = (text: string) =>
            text.replaceAll(/\$\{\{ (\S+) \}\}/g, (_, name: string) => {
                assert.ok(contexts[name] !== undefined, name);
                return contexts[name];
            });
        const request = sandbox.issuers.githubTokenRequest(claims);
        const environment = jobEnvironment(await mkdtemp(join(repository.directory, "runner-")));
        let path = "";
        let all = "";
        for (const { uses, run, id = "", env = {}, with: inputs = {} } of job.steps) {
            if (uses?.startsWith("google-github-actions/auth@")) {
                assert.equal(inputs["export_environment_variables"], false);
                const provider = evaluate(String(inputs["workload_identity_provider"]));
                const file = join(repository.clone, `gha-creds-${id}.json`);
                const credentials = githubCredentials(`workload_identity_provider: ${provider}`, {
                    url: request.ACTIONS_ID_TOKEN_REQUEST_URL,
                    bearer: request.ACTIONS_ID_TOKEN_REQUEST_TOKEN,
                });
                await writeFile(file, JSON.stringify(credentials));
                contexts[`steps.${id}.outputs.credentials_file_path`] = file;
            }
            if (run === undefined) continue;
            const result = await bash(run, repository.clone, {
                ...environment,
                PATH: [path, environment["PATH"]].filter(Boolean).join(delimiter),
                ...Object.fromEntries(Object.entries(env).map(([name, value]) => [name, evaluate(value)])),
            });
            all += result.all;
            if (result.exitCode !== 0) return { exitCode: result.exitCode, all };
            path = (await readFile(environment["GITHUB_PATH"] ?? "", "utf8").catch(() => "")).trim();
        }
        return { exitCode: 0, all };
    }

    /** Runs the job of GitLab, with its tokens. */
    async function runGitlab(variables: Record<string, string>, claims: Claims) {
        const jobs = parse(await getText("gitlab/promote.yml")) as {
            readonly promote: {
                readonly id_tokens: Readonly<Record<string, { readonly aud: string }>>;
                readonly script: readonly string[];
            };
        };
        const tokens = await Promise.all(
            Object.entries(jobs.promote.id_tokens).map(async ([name, { aud }]): Promise<[string, string]> => {
                const audience = aud.replace(/\$(\w+)/, (_, variable: string) => variables[variable] ?? "");
                return [name, await sandbox.issuers.issue(gitlabCi.issuer, claims, { audience })];
            }),
        );
        const script = jobs.promote.script.join("\n");
        const result = await bash(`${script}\nrm -r "$work"`, repository.clone, {
            ...jobEnvironment(repository.directory),
            ...variables,
            ...Object.fromEntries(tokens),
            PACKAGES: packages,
        });
        for (const [, token] of tokens) assert.ok(!result.all.includes(token));
        return { exitCode: result.exitCode, all: result.all };
    }

    const approved: Readonly<Record<"GitHub" | "GitLab", Claims>> = {
        GitHub: { ...githubActions.claims, event_name: "workflow_dispatch", environment: "promote-prod" },
        GitLab: {
            ...gitlabCi.claims,
            project_id: "3003",
            pipeline_source: "web",
            ...gitlabEnvironment,
            environment: "promote-prod",
        },
    };
    const { environment: _, ...unapproved } = approved.GitHub;
    // What else a provider refuses is tested in test/access/.
    const strangers: Readonly<Record<"GitHub" | "GitLab", readonly Claims[]>> = {
        GitHub: [unapproved, { ...approved.GitHub, ref: "refs/heads/feature" }],
        GitLab: [
            { ...approved.GitLab, environment: "prod" },
            { ...approved.GitLab, environment_protected: "false" },
        ],
    };

    for (const [system, run] of [
        ["GitHub", runGithub],
        ["GitLab", runGitlab],
    ] as const) {
        itInRelease(
            `promote at ${system} with the identities of an approved job, and with no other`,
            async () => {
                const variables = await deploy(system);
                const expected = await publish(system);
                const numbers = { PROMOTE_FROM: "111111111111", PROMOTE_TO: "222222222222" };
                for (const [name, number] of Object.entries(numbers)) {
                    const stack = name === "PROMOTE_FROM" ? "dev" : "prod";
                    assert.equal(
                        variables[name],
                        `projects/${projects[stack]}/locations/europe-west1/repositories/${system.toLowerCase()}`,
                    );
                    assert.match(
                        variables[`${name}_PROVIDER`] ?? "",
                        new RegExp(`^projects/${number}/.*/providers/`),
                    );
                }
                for (const claims of strangers[system]) {
                    const refused = await run(variables, claims);
                    assert.equal(refused.exitCode, 1, JSON.stringify(claims));
                    assert.match(refused.all, /give no access token|roles\/artifactregistry\./);
                    assert.equal(files("prod", system).size, 0);
                }
                const before = sandbox.requests.length;
                const { exitCode, all } = await run(variables, approved[system]);
                assert.equal(exitCode, 0, all);
                assert.match(all, /^Done: 4 files uploaded, 0 already there$/m);
                assert.deepEqual([...files("prod", system).keys()].sort(), expected);
                const used = sandbox.requests
                    .slice(before)
                    .filter(({ plane }) => plane === "data")
                    .map(
                        ({ principal = "", path }) =>
                            `${/projects\/\d+/.exec(principal)?.[0] ?? ""} ${path.split("/")[1] ?? ""}`,
                    );
                assert.deepEqual([...new Set(used)].sort(), [
                    `projects/111111111111 ${projects.dev}`,
                    `projects/222222222222 ${projects.prod}`,
                ]);
                // No key, and no service account.
                assert.ok(
                    sandbox.requests
                        .slice(before)
                        .every(({ host }) => host !== "iamcredentials.googleapis.com"),
                );
                const installed = await readFile(calls(), "utf8");
                assert.match(
                    installed,
                    /^(?:pip install --quiet --require-hashes --requirement packages\/operations\/promote-requirements\.txt\n)+$/,
                );
                const again = await run(variables, approved[system]);
                assert.match(again.all, /^Done: 0 files uploaded, 4 already there$/m);
            },
        );
    }

    itInRelease("install the tested twine, in exact versions with hashes", async () => {
        const requirements = await getText("promote-requirements.txt");
        const lines = requirements
            .replaceAll("\\\n", "")
            .split("\n")
            .filter((line) => !/^(?:#.*)?$/.test(line));
        assert.ok(lines.length > 20);
        for (const line of lines)
            assert.match(line, /^[a-z0-9-]+==[\w.]+(?: ; [^;]*?)?(?:\s+--hash=sha256:[0-9a-f]{64})+$/);
        const tested = await readFile(join(root, "packages/sandbox/src/python/requirements.txt"), "utf8");
        for (const name of ["twine", "keyring", "keyrings.google-artifactregistry-auth"]) {
            const [pinned = ""] = new RegExp(`^${name}==\\S+$`, "m").exec(tested) ?? [];
            assert.ok(requirements.includes(`\n${pinned.replace("keyrings.", "keyrings-")} `), name);
        }
        const installed = await environmentWith(requirements);
        const { stdout } = await execa(join(installed, "twine"), ["--version"]);
        assert.match(stdout, /^twine version 7\.0\.0 /);
    });

    it("ask for approval, and start on main only", async () => {
        const job = (await workflow("promote.yml")).jobs["promote"];
        assert.equal(job?.environment, "promote-prod");
        assert.equal(job.if, "github.ref == 'refs/heads/main'");
        const gitlab = parse(await getText("gitlab/promote.yml")) as {
            promote: { environment: object; rules: { if: string; when: string }[]; script: string[] };
        };
        assert.deepEqual(gitlab.promote.environment, { name: "promote-prod", action: "start" });
        assert.deepEqual(
            gitlab.promote.rules.map((rule) => [rule.if, rule.when]),
            [
                [
                    '$CI_PIPELINE_SOURCE == "web" && $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH && $PACKAGES',
                    "manual",
                ],
            ],
        );
    });
});
