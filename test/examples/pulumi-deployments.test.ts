import type * as Pulumi from "@pulumi/pulumi";
import { execa } from "execa";
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import ts from "typescript";
import { parse } from "yaml";
import { stacksIn, touchedStacks } from "../../packages/operations/src/deploy/changes";
import { isFileOf, readProject } from "../../examples/pulumi-deployments/stacks";
import { pathFilters } from "../../examples/pulumi-deployments/paths";
import { preRunCommands } from "../../examples/pulumi-deployments/pre-run";
import { GoogleProvider } from "../../packages/sandbox/src/engines/google-provider";
import type { Claims } from "../../packages/sandbox/src/issuers/ci-system";
import { pulumiDeployments } from "../../packages/sandbox/src/issuers/pulumi-deployments";
import { startSandbox, type Sandbox } from "../../packages/sandbox/src/sandbox";
import { credentialConfiguration } from "../../packages/registry/src/ci/credential-configuration";
import { messages } from "../policy/analyze";
import { describeInRelease } from "../release";
import { ok, text, through, type Json } from "../sandbox/client";
import { exchange } from "../sandbox/federation";

// The program in examples/pulumi-deployments/, registered with the SDK's mocks, and what its deployments get from Google.

const root = join(__dirname, "..", "..");
const example = join(root, "examples", "pulumi-deployments");
const poolName = "projects/123456789012/locations/global/workloadIdentityPools/pulumi-deployments";

const page = readFileSync(join(root, "docs", "pulumi-deployments.md"), "utf8");

/** A resource that the program registered. */
interface Registration {
    readonly type: string;
    readonly name: string;
    readonly inputs: Readonly<Record<string, unknown>>;
    /** The names of the resources that it waits for. */
    readonly waitsFor: readonly string[];
}

/** The folder with the example's packages. */
let installed: string;

/**
 * Installs what the lock file of the example says, outside this repository: Pulumi downloads the plugin of every package that it
 * finds below a program, and the registry needs the Google provider only. Skips the tests if npm cannot be reached.
 */
async function install(context: Mocha.Context): Promise<void> {
    installed = await mkdtemp(join(tmpdir(), "python-registry-deployments-"));
    for (const file of ["package.json", "package-lock.json", ".npmrc"])
        await copyFile(join(example, file), join(installed, file));
    const { exitCode, all } = await execa("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], {
        cwd: installed,
        reject: false,
        all: true,
        stdin: "ignore",
    });
    if (exitCode === 0) return;
    const [missing] =
        /\b(?:ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|E[A-Z]+TIMEOUT|EAI_AGAIN|ENETUNREACH)\b/.exec(
            all,
        ) ?? [];
    if (missing === undefined) assert.fail(all);
    console.log(`    skipped: the packages of the example cannot be installed from npm: ${missing}`);
    context.skip();
}

/** The stack files of the copy, unless a test has others. */
const stackFiles: Readonly<Record<string, string>> = {
    "Pulumi.dev.yaml": "config: {'gcp:project': acme-dev}\n",
    "Pulumi.prod.yaml": "config: {'gcp:project': acme-prod}\n",
    "Pulumi.sandbox.yaml": "config: {'gcp:project': sandbox-project}\n",
};

/** A copy of what the program reads, in a temporary folder, with other stack files and as JavaScript. */
async function copy(files: Readonly<Record<string, string>>): Promise<string> {
    const directory = await mkdtemp(join(tmpdir(), "python-registry-deployments-"));
    const sources = readdirSync(example).filter((file) => file.endsWith(".ts"));
    for (const source of [
        "packages/operations/src/deploy/changes.ts",
        ...sources.map((file) => `examples/pulumi-deployments/${file}`),
    ]) {
        const target = join(directory, source.replace(/ts$/, "js"));
        mkdirSync(dirname(target), { recursive: true });
        const { outputText } = ts.transpileModule(readFileSync(join(root, source), "utf8"), {
            compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 },
        });
        writeFileSync(target, outputText);
    }
    symlinkSync(join(installed, "node_modules"), join(directory, "node_modules"));
    for (const [name, content] of Object.entries({ "Pulumi.yaml": "name: python-registry\n", ...files }))
        writeFileSync(join(directory, name), content);
    return directory;
}

/** Runs the program. With a sandbox, the resources of Google are created there. */
async function run({
    files = stackFiles,
    config = {},
    sandbox,
}: {
    files?: Readonly<Record<string, string>>;
    config?: Readonly<Record<string, string>>;
    sandbox?: Sandbox;
} = {}): Promise<Registration[]> {
    const pulumi = createRequire(join(installed, "package.json"))("@pulumi/pulumi") as typeof Pulumi;
    const registrations: Registration[] = [];
    const google = sandbox && new GoogleProvider(sandbox.providerConfig);
    const waits = new Map<string, string[]>();
    const directory = await copy(files);
    pulumi.runtime.setAllConfig({ "deployments:repository": "acme/python-registry", ...config });
    await pulumi.runtime.setMocks(
        {
            call: ({ inputs }) => inputs as object,
            newResource: async ({ type, name, inputs }) => {
                const properties = inputs as Record<string, unknown>;
                registrations.push({
                    type,
                    name,
                    inputs: properties,
                    waitsFor: waits.get(`${type} ${name}`) ?? [],
                });
                if (google && type.startsWith("gcp:"))
                    return google.create(type, { project: "sandbox-project", ...properties });
                return { id: name, state: { name: poolName, ...properties } };
            },
        },
        "deployments",
        "main",
        false,
        "acme",
    );
    const monitor = pulumi.runtime.getMonitor() as unknown as {
        registerResource(
            request: { getType(): string; getName(): string; getDependenciesList(): string[] },
            callback: unknown,
        ): unknown;
    };
    const register = monitor.registerResource.bind(monitor);
    monitor.registerResource = (request, callback) => {
        const names = request.getDependenciesList().map((urn) => urn.slice(urn.lastIndexOf("::") + 2));
        waits.set(`${request.getType()} ${request.getName()}`, [...new Set(names)].sort());
        return register(request, callback);
    };
    try {
        await import(join(directory, "examples", "pulumi-deployments", "index.js"));
        await pulumi.runtime.disconnect();
    } finally {
        pulumi.runtime.setAllConfig({});
        await rm(directory, { recursive: true });
    }
    return registrations;
}

const settingsType = "pulumiservice:index:DeploymentSettings";
const driftType = "pulumiservice:index:DriftSchedule";
const memberType = "gcp:serviceaccount/iAMMember:IAMMember";

const ofType = (registrations: readonly Registration[], type: string) =>
    new Map(registrations.filter((each) => each.type === type).map((each) => [each.name, each]));

interface Settings {
    readonly vcs: Readonly<Record<"previewPullRequests" | "deployCommits", boolean>> & {
        readonly paths: readonly string[];
    };
    readonly operationContext: {
        readonly oidc: {
            readonly gcp: Readonly<
                Record<"projectId" | "workloadPoolId" | "providerId" | "serviceAccount", string>
            >;
        };
    };
}

function getSettings(registrations: readonly Registration[], stack: string): Settings {
    const { inputs } = ofType(registrations, settingsType).get(stack) ?? {};
    assert.ok(inputs, `${stack} has no settings`);
    return inputs as unknown as Settings;
}

describe("examples/pulumi-deployments", () => {
    describe("the files", () => {
        it("reads the stacks of this project", () => {
            const { stacks } = readProject(root);
            assert.deepEqual(
                stacks.map(({ name }) => name),
                stacksIn(readdirSync(root)),
            );
        });

        it("has the versions of the project, a lock file of its own, and needs nothing else to run", () => {
            const manifest = (...path: string[]) =>
                JSON.parse(readFileSync(join(root, ...path), "utf8")) as Record<
                    "dependencies" | "devDependencies",
                    Record<string, string>
                >;
            const { dependencies, devDependencies } = manifest("package.json");
            const own = manifest("examples", "pulumi-deployments", "package.json").dependencies;
            assert.deepEqual(
                own,
                Object.fromEntries(
                    Object.keys(own).map((name) => [
                        name,
                        ["@pulumi/pulumiservice", "ts-node"].includes(name)
                            ? own[name]
                            : { ...dependencies, ...devDependencies }[name],
                    ]),
                ),
            );
            const lock = JSON.parse(readFileSync(join(example, "package-lock.json"), "utf8")) as {
                packages: Record<string, { dependencies: Record<string, string> }>;
            };
            assert.deepEqual(lock.packages[""]?.dependencies, own);

            const imported = (file: string) =>
                [...readFileSync(file, "utf8").matchAll(/ from "([^"]+)"/g)].map(([, module = ""]) => module);
            const modules = readdirSync(example)
                .filter((file) => file.endsWith(".ts"))
                .flatMap((file) => imported(join(example, file)))
                .filter((module) => !module.startsWith("node:") && !module.startsWith("./"));
            const packages = modules.filter((module) => !module.startsWith("."));
            assert.deepEqual(
                packages.filter(
                    (module) => !Object.keys(own).some((name) => `${module}/`.startsWith(`${name}/`)),
                ),
                [],
            );
            assert.deepEqual(
                modules.filter((module) => module.startsWith(".")),
                ["../../packages/operations/src/deploy/changes"],
            );
            assert.deepEqual(imported(join(root, "packages/operations/src/deploy/changes.ts")), []);
        });

        it("has the configuration that the page sets", () => {
            const { config } = parse(readFileSync(join(example, "Pulumi.yaml"), "utf8")) as {
                config: object;
            };
            const set = [...page.matchAll(/pulumi config set (?:--path ')?([\w:]+)/g)].map(([, key]) => key);
            assert.deepEqual(set.sort(), ["gcp:project", ...Object.keys(config)].sort());
        });
    });

    /** How a wildcard of a path filter can be understood: the page does not say whether `*` matches `/`, or a period at the start. */
    const readings: Readonly<Record<string, (glob: string) => RegExp>> = {
        narrow: (glob) =>
            pattern(glob, { "**": String.raw`(?:(?!\.)[^/]*/)*(?!\.)[^/]*`, "*": String.raw`(?!\.)[^/]*` }),
        wide: (glob) => pattern(glob.replace(/^\*\*\//, "**"), { "**": ".*", "*": ".*" }),
    };

    function pattern(glob: string, wildcards: Readonly<Record<"**" | "*", string>>): RegExp {
        const source = glob.replaceAll(/\*\*?|[^\w/-]/g, (found) =>
            found.startsWith("*") ? wildcards[found as "*"] : `\\${found}`,
        );
        return new RegExp(`^${source}$`);
    }

    /** Whether a push that changes a file triggers a deployment: https://www.pulumi.com/docs/deployments/concepts/settings/path-filtering/ */
    function triggers(filters: readonly string[], path: string, matcher: (glob: string) => RegExp): boolean {
        const excludes = filters.filter((filter) => filter.startsWith("!")).map((filter) => filter.slice(1));
        const includes = filters.filter((filter) => !filter.startsWith("!"));
        const matches = (globs: readonly string[]) => globs.some((glob) => matcher(glob).test(path));
        return (includes.length === 0 || matches(includes)) && !matches(excludes);
    }

    describe("the path filters", () => {
        const files = readdirSync(root, { withFileTypes: true })
            .filter(({ name }) => !["node_modules", ".git", ".venv", ".sandbox"].includes(name))
            .flatMap((entry) =>
                entry.isDirectory()
                    ? readdirSync(join(root, entry.name), { recursive: true, encoding: "utf8" }).map((name) =>
                          join(entry.name, name),
                      )
                    : [entry.name],
            )
            .filter((file) => !file.includes("node_modules") && !/^Pulumi\..+\.ya?ml$/.test(file))
            .concat(Object.keys(stackFiles));
        const newFiles = [
            ...[
                "src/new.ts",
                "packages/registry/src/ci/deeper/new.ts",
                "new/code.ts",
                "settings/teams.json",
                "new.ts",
                ".npmrc",
            ],
            ...["docs/new.md", "new/README.md", "NOTES.md", "test/new/a.test.ts", "examples/new/index.ts"],
            ...[".github/workflows/new.yml", ".vscode/settings.json", ".gitlab-ci.yml", ".gitattributes"],
            ...["mydocs/a.ts", "docs.ts", "src/docs/a.ts", "src/LICENSE", "src/Pulumi.dev.yaml", "Pulumi.ts"],
        ];
        const stacks = stacksIn(files);
        const names = Object.keys(stackFiles);
        const byFilters = (path: string, matcher: (glob: string) => RegExp) =>
            stacks.filter((stack) => triggers(pathFilters(stack, names), path, matcher));

        for (const [reading, matcher] of Object.entries(readings)) {
            it(`touch the same stacks as packages/operations/src/deploy/changes.ts, file by file (${reading} wildcards)`, () => {
                assert.ok(files.length > 300);
                const different = [...files, ...newFiles].filter(
                    (path) => String(byFilters(path, matcher)) !== String(touchedStacks([path], stacks)),
                );
                // A hidden file is not excluded by a narrow wildcard: a deployment too many.
                assert.deepEqual(
                    different,
                    reading === "wide" ? [] : different.filter((path) => /(?:^|\/)\./.test(path)),
                );
                for (const path of different) assert.deepEqual(byFilters(path, matcher), stacks, path);
            });

            it(`touch a stack too many and never one too few (${reading} wildcards)`, () => {
                for (const [path, changed] of [
                    // Until the program runs again, the file of a new stack is any new file.
                    ["Pulumi.new.yaml", []],
                    // Settings of tools that this project does not have.
                    [".prettierrc", []],
                    [".mocharc.yaml", []],
                ] as const) {
                    assert.deepEqual(touchedStacks([path], stacks), changed);
                    assert.deepEqual(byFilters(path, matcher), stacks);
                }
            });
        }

        it("let each stack file touch its stack only", () => {
            for (const matcher of Object.values(readings)) {
                assert.deepEqual(byFilters("Pulumi.dev.yaml", matcher), ["dev"]);
                assert.deepEqual(byFilters("Pulumi.prod.yaml", matcher), ["prod"]);
                assert.deepEqual(byFilters("Pulumi.sandbox.yaml", matcher), []);
                assert.deepEqual(byFilters("Pulumi.yaml", matcher), ["dev", "prod"]);
            }
            // One name can be the beginning of another.
            const all = ["Pulumi.prod.yaml", "Pulumi.prod-eu.yaml", "Pulumi.prod.eu.yaml", "Pulumi.pro.yml"];
            for (const file of all)
                for (const stack of stacksIn(all))
                    assert.equal(
                        triggers(pathFilters(stack, all), file, readings["narrow"]!),
                        isFileOf(stack, file),
                        `${file} ${stack}`,
                    );
        });
    });

    // npm installs the packages of the example, which no other test needs.
    describeInRelease("the program", () => {
        before(function () {
            return install(this);
        });
        after(() => rm(installed, { recursive: true }));

        it("has the right types", async () => {
            const directory = await mkdtemp(join(tmpdir(), "python-registry-deployments-"));
            const sources = readdirSync(example).filter((file) => file.endsWith(".ts"));
            for (const file of ["tsconfig.json", "packages/operations/src/deploy/changes.ts"].concat(
                [...sources, "tsconfig.json"].map((file) => `examples/pulumi-deployments/${file}`),
            )) {
                await mkdir(dirname(join(directory, file)), { recursive: true });
                await copyFile(join(root, file), join(directory, file));
            }
            symlinkSync(join(installed, "node_modules"), join(directory, "node_modules"));
            const { all } = await execa(
                process.execPath,
                [
                    ...[join(root, "node_modules", "typescript", "bin", "tsc"), "--types", "node"],
                    ...["--typeRoots", join(root, "node_modules", "@types")],
                    ...["--project", "examples/pulumi-deployments"],
                ],
                { cwd: directory, reject: false, all: true, stdin: "ignore" },
            );
            assert.equal(all, "");
            await rm(directory, { recursive: true });
        });

        it("registers grants, settings and a drift schedule for each stack, and nothing else", async () => {
            const registrations = await run();
            const set = `principalSet://iam.googleapis.com/${poolName}`;
            for (const stack of ["dev", "prod"]) {
                const address = (account: string) => `${account}@acme-${stack}.iam.gserviceaccount.com`;
                const grant = (account: string, attribute: string) => ({
                    type: memberType,
                    name: `${stack}-${account}`,
                    inputs: {
                        serviceAccountId: `projects/acme-${stack}/serviceAccounts/${address(account)}`,
                        role: "roles/iam.workloadIdentityUser",
                        member: `${set}/attribute.${attribute}/python-registry:${stack}`,
                    },
                    waitsFor: ["pulumi-deployments"],
                });
                const identity = { organization: "acme", project: "python-registry", stack };
                assert.deepEqual(
                    registrations
                        .filter(({ name }) => name.startsWith(stack))
                        .sort((a, b) => (`${a.type} ${a.name}` < `${b.type} ${b.name}` ? -1 : 1)),
                    [
                        grant("deployer", "deployment"),
                        grant("previewer", "stack"),
                        {
                            type: settingsType,
                            name: stack,
                            inputs: {
                                ...identity,
                                sourceContext: { git: { branch: "refs/heads/main" } },
                                vcs: {
                                    provider: "github",
                                    repository: "acme/python-registry",
                                    previewPullRequests: true,
                                    deployCommits: true,
                                    pullRequestTemplate: false,
                                    paths: pathFilters(stack, Object.keys(stackFiles)),
                                },
                                operationContext: {
                                    preRunCommands,
                                    environmentVariables: { GITHUB_TOKEN: "none" },
                                    oidc: {
                                        gcp: {
                                            projectId: "123456789012",
                                            workloadPoolId: "pulumi-deployments",
                                            providerId: "pulumi",
                                            serviceAccount: address("previewer"),
                                        },
                                    },
                                    options: { skipInstallDependencies: true },
                                },
                            },
                            waitsFor: [
                                "pulumi",
                                "pulumi-deployments",
                                `${stack}-deployer`,
                                `${stack}-previewer`,
                            ].sort(),
                        },
                        {
                            type: driftType,
                            name: stack,
                            inputs: { ...identity, scheduleCron: "0 3 * * *", autoRemediate: false },
                            waitsFor: [stack],
                        },
                    ],
                );
            }
            assert.equal(
                registrations.filter(({ type }) => type !== "pulumi:pulumi:Stack").length,
                2 + 2 * 4,
            );
        });

        it("follows the stack files", async () => {
            const { "Pulumi.dev.yaml": _, ...remaining } = stackFiles;
            const registrations = await run({
                files: {
                    ...remaining,
                    "Pulumi.team-a.yml": "config: {'gcp:project': 'example.com:tools'}\n",
                },
            });
            for (const type of [settingsType, driftType])
                assert.deepEqual([...ofType(registrations, type).keys()].sort(), ["prod", "team-a"]);
            assert.deepEqual([...ofType(registrations, memberType).keys()].sort(), [
                "prod-deployer",
                "prod-previewer",
                "team-a-deployer",
                "team-a-previewer",
            ]);
            assert.equal(
                getSettings(registrations, "team-a").operationContext.oidc.gcp.serviceAccount,
                "previewer@tools.example.com.iam.gserviceaccount.com",
            );
            assert.ok(getSettings(registrations, "prod").vcs.paths.includes("!Pulumi.team-a.yml"));
        });

        it("leaves a manual stack to a person: no update after a merge, and no preview of unreviewed code", async () => {
            const registrations = await run({ config: { "deployments:manual": '["prod"]' } });
            for (const [stack, automatic] of [
                ["dev", true],
                ["prod", false],
            ] as const) {
                const { previewPullRequests, deployCommits } = getSettings(registrations, stack).vcs;
                assert.deepEqual([previewPullRequests, deployCommits], [automatic, automatic]);
            }
            assert.ok(ofType(registrations, driftType).has("prod"));
        });

        it("reports a manual stack that does not exist, and a stack file without a Google project", async () => {
            await assert.rejects(
                run({ config: { "deployments:manual": '["prod", "prd"]' } }),
                /^.*manual has prd, without a stack file\. Correct or remove the name\.$/,
            );
            for (const content of ["", "config: {}\n", "config: {'gcp:project': {secure: 'v1:abc'}}\n"])
                await assert.rejects(
                    run({ files: { "Pulumi.dev.yaml": content } }),
                    /Pulumi\.dev\.yaml does not set gcp:project\. Set it to the id of a Google project/,
                );
        });

        it("passes the policy on federation with the parameters of the page", async () => {
            const registrations = await run();
            const provider = registrations.find(({ name }) => name === "pulumi");
            assert.ok(provider);
            const check = (parameters: Record<string, unknown>) =>
                messages("federation-condition", { type: provider.type, props: provider.inputs }, parameters);
            assert.equal((await check({})).length, 1);
            const [, parameters = ""] = /^ +`(\{.*stableClaims.*\})`/m.exec(page) ?? [];
            assert.deepEqual(await check(JSON.parse(parameters) as Record<string, unknown>), []);
        });

        describe("a deployment of the example", () => {
            let sandbox: Sandbox;
            let registrations: Registration[];
            let directory: string;
            before(async () => {
                sandbox = await startSandbox();
                const operator = "user:operator@example.com";
                for (const [project, number] of [
                    ["acme-dev", "111111111111"],
                    ["acme-prod", "222222222222"],
                ] as const) {
                    sandbox.cloud.addProject(project, number, operator);
                    for (const account of ["previewer", "deployer"])
                        sandbox.cloud.addServiceAccount(sandbox.cloud.project(project), account, "", "");
                }
                for (const project of ["sandbox-project", "acme-dev", "acme-prod"])
                    await ok(sandbox, "POST", `/serviceusage/v1/projects/${project}/services:batchEnable`, {
                        serviceIds: [
                            "iam.googleapis.com",
                            "sts.googleapis.com",
                            "iamcredentials.googleapis.com",
                        ],
                    });
                registrations = await run({ sandbox });
                directory = await mkdtemp(join(tmpdir(), "python-registry-deployment-"));
            });
            after(async () => {
                await sandbox.close();
                await rm(directory, { recursive: true });
            });

            /** A token that Pulumi Cloud gives a deployment, with some claims changed. */
            const getToken = (stack: string, operation: string, claims: Claims = {}) => {
                const { org, project } = { org: "acme", project: "python-registry", ...claims };
                return sandbox.issuers.issue(pulumiDeployments.issuer, {
                    ...pulumiDeployments.claims,
                    ...{ org, project, stack, operation },
                    sub: `pulumi:deploy:org:${org}:project:${project}:stack:${stack}:operation:${operation}:scope:write`,
                    ...claims,
                });
            };

            /** Runs the second command before an operation, as the executor does, and returns the credentials of the operation. */
            async function findCredentials(stack: string, operation: string) {
                const { projectId, workloadPoolId, providerId, serviceAccount } = getSettings(
                    registrations,
                    stack,
                ).operationContext.oidc.gcp;
                const provided = credentialConfiguration({
                    provider: `projects/${projectId}/locations/global/workloadIdentityPools/${workloadPoolId}/providers/${providerId}`,
                    tokenFile: "/mnt/pulumi/pulumi.oidc",
                    serviceAccount,
                });
                const environment = join(directory, "PULUMI_ENV");
                await writeFile(environment, "");
                const command = preRunCommands[1]!.replaceAll("/PULUMI_ENV", '"$0"');
                const { exitCode, stderr } = await execa("bash", ["-c", command, environment], {
                    env: { GOOGLE_CREDENTIALS: provided, PULUMI_CI_OPERATION: operation, TMPDIR: directory },
                    reject: false,
                });
                const written = await readFile(environment, "utf8");
                const [, file] = /^GOOGLE_CREDENTIALS=(.*)\n$/.exec(written) ?? [];
                assert.equal(file === undefined, written === "");
                if (file !== undefined) {
                    // Nobody else can have made the folder, or open it.
                    assert.equal(dirname(dirname(file)), directory);
                    assert.equal((await stat(dirname(file))).mode & 0o777, 0o700);
                }
                const used = JSON.parse(file === undefined ? provided : await readFile(file, "utf8")) as Json;
                return { exitCode, stderr, provided: JSON.parse(provided) as Json, used };
            }

            /** What Google gives for a token with a credential configuration: the account, or the status of the refusal. */
            async function login(token: string, configuration: Json): Promise<string | number> {
                const { status, json } = await exchange(sandbox, token, {
                    fields: { audience: text(configuration["audience"]) },
                });
                if (status !== 200) return text(json["error"]);
                const url = text(configuration["service_account_impersonation_url"]);
                const reply = await through(sandbox, url, {
                    method: "POST",
                    headers: {
                        Authorization: `Bearer ${text(json["access_token"])}`,
                        "Content-Type": "application/json",
                    },
                    body: Buffer.from(
                        JSON.stringify({ scope: ["https://www.googleapis.com/auth/cloud-platform"] }),
                    ),
                });
                return reply.status === 200
                    ? (/serviceAccounts\/(.*):generateAccessToken$/.exec(url)?.[1] ?? "")
                    : reply.status;
            }

            it("is the deployer for an update, and the previewer for everything else", async () => {
                for (const stack of ["dev", "prod"])
                    for (const [operation, account] of [
                        ["update", "deployer"],
                        ["preview", "previewer"],
                        ["refresh", "previewer"],
                        ["detect-drift", "previewer"],
                    ] as const) {
                        const { exitCode, stderr, provided, used } = await findCredentials(stack, operation);
                        assert.equal(exitCode, 0, stderr);
                        const address = `${account}@acme-${stack}.iam.gserviceaccount.com`;
                        assert.equal(await login(await getToken(stack, operation), used), address);
                        // Nothing but the account differs.
                        assert.deepEqual(
                            JSON.parse(JSON.stringify(used).replaceAll("/deployer@", "/previewer@")),
                            provided,
                        );
                    }
            });

            it("ends before an operation that the previewer must not try", async () => {
                for (const operation of ["destroy", "remediate-drift"]) {
                    const { exitCode, stderr, provided, used } = await findCredentials("dev", operation);
                    assert.deepEqual([exitCode, used], [1, provided]);
                    assert.equal(stderr, `This stack allows no ${operation} here. Run it on your machine.`);
                }
            });

            it("cannot be the deployer with a token of a preview, or of another stack", async () => {
                const { used: deployer } = await findCredentials("prod", "update");
                const { provided: previewer } = await findCredentials("prod", "preview");
                for (const operation of [
                    "preview",
                    "refresh",
                    "destroy",
                    "detect-drift",
                    "remediate-drift",
                    "Update",
                ])
                    assert.equal(await login(await getToken("prod", operation), deployer), 403, operation);
                for (const operation of ["update", "preview"])
                    for (const account of [deployer, previewer])
                        assert.equal(await login(await getToken("dev", operation), account), 403);
                assert.equal(await login(await getToken("none", "update"), deployer), 403);
            });

            it("is refused for other projects and organizations, and so is an environment of Pulumi ESC", async () => {
                const { used: deployer } = await findCredentials("prod", "update");
                for (const claims of [
                    { project: "other" },
                    { org: "other" },
                    { org: "other", aud: "other" },
                    { aud: "other" },
                    { sub: "pulumi:environments:org:acme:env:python-registry/prod" },
                    {
                        sub: "pulumi:environments:org:acme:env:a/b",
                        project: undefined,
                        stack: undefined,
                        operation: undefined,
                    },
                ])
                    assert.match(
                        String(await login(await getToken("prod", "update", claims), deployer)),
                        /^(?:unauthorized_client|invalid_grant)$/,
                        JSON.stringify(claims),
                    );
            });

            it("has an identity also with the longest names", async () => {
                const longest = "s".repeat(100);
                const { used } = await findCredentials("prod", "update");
                const token = await getToken(longest, "remediate-drift");
                const { status, json } = await exchange(sandbox, token, {
                    fields: { audience: text(used["audience"]) },
                });
                assert.equal(status, 200, JSON.stringify(json));
            });
        });
    });
});
