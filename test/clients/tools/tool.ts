import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { cp } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Context } from "mocha";
import { environmentWith, type PythonTools } from "../../../packages/sandbox/src/python/python-tools";
import type { SamplePackage } from "../../../packages/sandbox/src/python/sample-package";
import type {
    ToolEnvironment,
    ToolEnvironmentOptions,
} from "../../../packages/sandbox/src/python/tool-environment";
import type {
    Client,
    ClientFile,
    Commands,
    PublicPackages,
    PythonIndex,
} from "../../../packages/registry/src/clients/client";
import type { Credential, Form } from "../../../packages/registry/src/clients/credential";
import type { RegistryBehavior } from "../../../packages/sandbox/src/python/registry-behavior";
import { itInRelease, itInReleaseUnless } from "../../release";
import { answers, needTools, publicRequests, reader, TestRegistry, type ToolRun, writer } from "../registry";

// What the tests of all tools share: one registry, an attacker's package on the public index, and a list of what they prove, from which
// docs/clients.md is written.

export type Operation = "install" | "publish";

/** The command whose tests these are. */
export type Command = "npm test" | "npm run test:release";

/** That an operation works: a word of docs/clients.md. */
export interface ProvedOperation {
    readonly tool: string;
    readonly form: Form;
    readonly operation: Operation;
    readonly by: Command;
}

/** Which of two packages with the same name a tool installs: a line of docs/clients.md. */
export interface ProvedAttack {
    readonly tool: string;
    readonly by: Command;
    /** The tool's file, with its variant: `uv.toml`, `pyproject.toml with the prefix acme-*`. */
    readonly file: string;
    /** Whether the project asks for the internal name itself, or for a package that depends on it. */
    readonly asked: "directly" | "by a dependency";
    readonly installs: "internal" | "public";
    /** The setting with which the file was made. */
    readonly publicPackages: PublicPackages;
}

type Attack = Omit<ProvedAttack, "tool" | "by" | "publicPackages">;

/** On the private index as 1.0.0, and on the public one, by an attacker, as 99.0.0. */
export const internal = "acme-core";
/** On the private index only; depends on `internal`. */
export const dependent: SamplePackage = { name: "acme-app", version: "1.0.0", dependencies: [internal] };
/** The two ways in which a project comes to ask for `internal`, and the package that it names. */
export const waysToAsk = [
    ["directly", internal],
    ["by a dependency", dependent.name],
] as const;
/** The internal names in the generated files. */
export const internalPackages = ["acme-core", "acme-app", "ready-made"];

/** What a tool environment has in addition to the credential. */
export interface FixtureOptions extends Partial<ToolEnvironmentOptions> {
    /** Files to publish, copied into `dist/` in the home directory and in `project/`. */
    readonly distributions?: readonly string[];
}

/** A registry, an attacker, and users and accounts with the least permissions. */
export class ToolFixture implements AsyncDisposable {
    private constructor(readonly registry: TestRegistry) {}

    /** @param kind the behavior of a registry with a mirror, or the public index beside one without; undefined for one with times */
    static async open(tools: PythonTools, kind?: RegistryBehavior | Index): Promise<ToolFixture> {
        const behavior = typeof kind === "object" ? kind : undefined;
        const registry = await TestRegistry.up(
            tools,
            {
                readers: ["user:dev@example.com"],
                writers: ["user:maintainer@example.com"],
                ...(behavior && { publicPackages: "mirror", internalPackages }),
            },
            { ...behavior, uploadTimes: kind !== "without times" },
        );
        await registry.putOnIndex({ name: internal, version: "1.0.0" });
        await registry.putOnIndex(dependent);
        const fixture = new ToolFixture(registry);
        await fixture.publishPublic(internal, "99.0.0");
        return fixture;
    }

    async [Symbol.asyncDispose](): Promise<void> {
        await this.registry[Symbol.asyncDispose]();
    }

    /** The registry as a client file takes it. */
    get index(): PythonIndex {
        const { id, indexUrl, uploadUrl } = this.registry.outputs.repository;
        return { name: id, indexUrl, uploadUrl, keyring: "auto", publicPackages: "pypi", internalPackages };
    }

    /** The same, as a client file takes it that names only the registry. */
    get onlyIndex(): PythonIndex {
        return { ...this.index, publicPackages: "none" };
    }

    /** A credential of the account that may do no more than the operation needs. */
    credential(form: Form, operation: Operation): Credential {
        const account = operation === "install" ? reader : writer;
        if (form === "key") {
            return { form, keyBase64: Buffer.from(this.#keyFile(account)).toString("base64") };
        }
        // The token stays out of the files: the commands ask gcloud for it.
        return { form };
    }

    /** The same and, for a token, a second one with the token in the files. */
    credentials(form: Form, operation: Operation): Credential[] {
        const credential = this.credential(form, operation);
        return form === "token"
            ? [credential, { form, token: this.registry.sandbox.issueToken(this.principal(form, operation)) }]
            : [credential];
    }

    /** A tool environment with what the credential needs beside the files: gcloud for a token, a key file for the keyring. */
    async toolEnvironment(
        form: Form,
        operation: Operation,
        { distributions = [], ...options }: FixtureOptions = {},
    ): Promise<ToolEnvironment> {
        const person = operation === "install" ? "user:dev@example.com" : "user:maintainer@example.com";
        const token = this.registry.sandbox.issueToken(person);
        const path = options.path ?? [];
        const toolEnvironment = await this.registry.at({
            ...options,
            path: form === "token" ? ["bin", ...path] : path,
            ...(form === "keyring"
                ? { keyFile: this.#keyFile(operation === "install" ? reader : writer) }
                : {}),
            executables: {
                ...(form === "token" ? { "bin/gcloud": `#!/bin/sh\necho '${token}'\n` } : {}),
                ...options.executables,
            },
        });
        for (const file of distributions) {
            for (const directory of ["dist", "project/dist"]) {
                await cp(file, join(toolEnvironment.home, directory, basename(file)));
            }
        }
        return toolEnvironment;
    }

    /** The principal that the index must have authenticated, as `answers` names it. */
    principal(form: Form, operation: Operation): string {
        if (form === "token") {
            return operation === "install" ? "user:dev@example.com" : "user:maintainer@example.com";
        }
        return operation === "install" ? reader : writer;
    }

    /** Runs shell commands in the home directory, up to the first that fails. */
    runScript(toolEnvironment: ToolEnvironment, lines: string): Promise<ToolRun> {
        return this.registry.run(toolEnvironment, "sh", "-ec", lines);
    }

    /** Runs shell commands in `project/`, up to the first that fails. */
    runInProject(toolEnvironment: ToolEnvironment, lines: string): Promise<ToolRun> {
        return this.runScript(toolEnvironment, `cd project\n${lines}`);
    }

    /** Publishes a package on the public index only. */
    async publishPublic(name: string, version: string): Promise<void> {
        for (const path of await this.registry.build({ name, version })) {
            await this.registry.publishPublic(name, path);
        }
    }

    #keyFile(account: string): string {
        const credential = this.registry.outputs.credentials[account];
        assert.ok(credential !== undefined);
        return credential.keyFile;
    }
}

function readRequirements(name: string): string {
    return readFileSync(join(__dirname, `${name}.txt`), "utf8");
}

/** The version of a tool that its requirements file pins. A file of several tools, such as .netrc, is tested with all of them. */
export function pinnedVersion(name: string): string {
    const pins = [...readRequirements(name).matchAll(/^(\S+)==(\S+)$/gm)];
    return (
        pins.find(([, pinned]) => pinned === name)?.[2] ??
        pins.map(([, pinned, version]) => `${pinned} ${version}`).join(", ")
    );
}

/** A tool in a separate virtual environment, in the version that its requirements file pins. */
export class PinnedTool {
    private constructor(
        readonly name: string,
        /** Directory of its commands. */
        readonly bin: string,
    ) {}

    /** @param name of the tool, of its requirements file beside this one, and of its package on PyPI */
    static async install(name: string): Promise<PinnedTool> {
        return new PinnedTool(name, await environmentWith(readRequirements(name)));
    }
}

/** What the service may do with a package that a rule of the mirror denies: nothing says which it does. */
export const behaviors: readonly RegistryBehavior[] = (["listed", "hidden"] as const).flatMap(
    (deniedPackages) =>
        (["honoured", "ignored"] as const).map((virtualRules) => ({ deniedPackages, virtualRules })),
);

/** What a tool installs of an internal package behind a mirror, attacked by a public one: a line of docs/clients.md. */
export interface ProvedMirror extends RegistryBehavior {
    readonly tool: string;
    readonly file: string;
    readonly by: Command;
    readonly installs: "internal" | "public" | "nothing";
}

/** What a test works with. */
export interface TestContext {
    readonly fixture: ToolFixture;
    readonly tool: PinnedTool;
}

/** Whether the public index says when its files were uploaded, as PyPI does. */
export type Index = "with times" | "without times";

const opened = new Map<RegistryBehavior | Index, Promise<ToolFixture>>();
const mirrors: ProvedMirror[] = [];
const operations: ProvedOperation[] = [];
const attacks: ProvedAttack[] = [];

/** One fixture for all tests, created by the first one; and one for each behavior of a mirror, and for an index without times. */
export async function contextFor(
    test: Context,
    name: string,
    kind: RegistryBehavior | Index = "with times",
): Promise<TestContext> {
    const tools = await needTools(test);
    const fixture = opened.get(kind) ?? ToolFixture.open(tools, kind);
    opened.set(kind, fixture);
    return { fixture: await fixture, tool: await PinnedTool.install(name) };
}

/** Closes what the tests share. */
export async function closeFixture(): Promise<void> {
    for (const fixture of opened.values()) await (await fixture)[Symbol.asyncDispose]();
    opened.clear();
}

/** A way in which a tool's files can be set up for a form. */
export interface Way {
    readonly credential: Credential;
    /** Which of a tool's variants of the files. */
    readonly variant: number;
    /** How many ways were tried before. */
    readonly turn: number;
}

/**
 * Defines tests that an operation works with a tool's generated files, unmodified, in this form. `npm test` tries the first way of the
 * first form that the tool supports, which is the keyring unless the tool has none.
 *
 * @param variants how many variants of the files there are for each credential
 */
export function testOperation(
    tool: string,
    form: Form,
    operation: Operation,
    body: (context: TestContext, way: Way) => Promise<void>,
    variants = 1,
): void {
    const tryWays = (start: number, end?: number) =>
        async function (this: Context) {
            const context = await contextFor(this, tool);
            const [credential, ...others] = context.fixture.credentials(form, operation);
            const ways = [
                ...Array.from({ length: variants }, (_, variant) => ({ credential: credential!, variant })),
                // In the second variant, the project's part has no credential, so the user's file must have it.
                ...others.map((other) => ({ credential: other, variant: Math.min(1, variants - 1) })),
            ];
            for (const [index, way] of ways.slice(start, end).entries()) {
                await body(context, { ...way, turn: start + index });
            }
        };
    const inRelease = operations.some((each) => each.tool === tool && each.operation === operation);
    operations.push({ tool, form, operation, by: inRelease ? "npm run test:release" : "npm test" });
    if (inRelease) {
        itInRelease(`${form}: ${operation}`, tryWays(0));
        return;
    }
    it(`${form}: ${operation}`, tryWays(0, 1));
    if (form === "token" || variants > 1) {
        itInRelease(`${form}: ${operation}, in every other way`, tryWays(1));
    }
}

/**
 * Defines a test of an attack: a public package with an internal name, in a higher version. `npm test` tries the first on each tool.
 *
 * @param body installs what the project asks for, and returns the version of the internal name that was installed
 */
export function testAttack(
    tool: string,
    attack: Attack,
    body: (context: TestContext) => Promise<string | undefined>,
    publicPackages: PublicPackages = "pypi",
): void {
    const { file, asked, installs } = attack;
    // pip is safe with one value of publicPackages only.
    const isTried = attacks.some(
        (each) => each.tool === tool && (each.publicPackages === publicPackages || tool !== "pip"),
    );
    const by = isTried ? "npm run test:release" : "npm test";
    attacks.push({ tool, by, ...attack, publicPackages });
    itInReleaseUnless(
        by === "npm test",
        `attacked through ${file}, publicPackages: ${publicPackages}, asked for ${asked}: installs the ${installs} package`,
        async function () {
            const version = await body(await contextFor(this, tool));
            assert.equal(version, installs === "internal" ? "1.0.0" : "99.0.0");
        },
    );
}

/** Installs packages with a tool whose files name only the registry, in a new environment. */
type OnlyIndexInstall = (
    context: TestContext,
    index: PythonIndex,
    packages: readonly string[],
) => Promise<ToolRun & { readonly version: string | undefined }>;

/**
 * Defines tests of a tool with the file that `publicPackages: none` gives: it installs from the registry, does not find a package that
 * is only public, and installs the internal package in spite of the attack. It sends no request to the public index. The first file of
 * a tool is also tested behind a mirror, where the internal package is asked for directly. Here, it then comes by a dependency.
 *
 * @param install installs packages, and returns the version of `internal` that was installed
 */
export function testOnlyIndex(tool: string, file: string, install: OnlyIndexInstall): void {
    const isMirrored =
        !runsOther.has(tool) && !attacks.some((each) => each.tool === tool && each.publicPackages === "none");
    const [asked, wanted] = waysToAsk[isMirrored ? 1 : 0];
    if (isMirrored) {
        for (const behavior of behaviors) testMirror(tool, file, install, behavior);
    }
    testAttack(
        tool,
        { file, asked, installs: "internal" },
        async (context) => {
            const { fixture } = context;
            const run = await install(context, fixture.onlyIndex, [wanted]);
            assert.equal(run.exitCode, 0, run.output);
            assert.deepEqual(publicRequests(run), [], run.output);
            await fixture.publishPublic("public-only", "1.0.0");
            const refused = await install(context, fixture.onlyIndex, ["public-only"]);
            assert.notEqual(refused.exitCode, 0, refused.output);
            assert.ok(
                answers(refused).some((answer) => answer.startsWith("GET 404 ")),
                refused.output,
            );
            assert.deepEqual(publicRequests(refused), [], refused.output);
            return run.version;
        },
        "none",
    );
}

/**
 * Defines a test that the keyring comes from the public index, although the tool's file names only the registry.
 *
 * @param environment with which the tool looks for the keyring although this machine has it
 */
export function testSetup(
    tool: string,
    client: (index: PythonIndex, credential: Credential) => Client,
    environment: Readonly<Record<string, string>> = {},
): void {
    itInRelease("keyring: set up from the public index, publicPackages: none", async function () {
        const { fixture, tool: pinned } = await contextFor(this, tool);
        const { install, commands } = client(fixture.onlyIndex, { form: "keyring" });
        await using toolEnvironment = await fixture.toolEnvironment("keyring", "install", {
            path: [pinned.bin],
            files: getFiles(install, "user"),
            environment: { ...fixture.registry.sandbox.clientEnvironment, ...environment },
        });
        const run = await fixture.runScript(toolEnvironment, script(commands.setup));
        assert.deepEqual(answers(run), []);
        assert.deepEqual(new Set(publicRequests(run).map(({ status }) => status)), new Set([404]));
    });
}

/** Files with which pip and uv run, which have tests of their own. */
const runsOther: ReadonlySet<string> = new Set(["netrc", "environment", "dockerfile"]);

/**
 * Defines a test of the same files with a mirror, which passes on a public package. If the rules of the mirror hold, no tool installs the
 * attacker's package: it installs the internal one, or nothing if the index lists a version that it then cannot download.
 */
function testMirror(tool: string, file: string, install: OnlyIndexInstall, behavior: RegistryBehavior): void {
    const { deniedPackages, virtualRules } = behavior;
    const installs =
        virtualRules === "ignored" ? "public" : deniedPackages === "hidden" ? "internal" : "nothing";
    const by = tool === "pip" && installs === "internal" ? "npm test" : "npm run test:release";
    mirrors.push({ tool, file, by, installs, ...behavior });
    itInReleaseUnless(
        by === "npm test",
        `attacked through ${file} behind a mirror, denied packages ${deniedPackages}, rules ${virtualRules}: installs ${installs}`,
        async function () {
            const context = await contextFor(this, tool, behavior);
            const { fixture } = context;
            const run = await install(context, fixture.onlyIndex, [internal]);
            const direct = publicRequests(run).filter(
                ({ principal }) => principal?.includes("gcp-sa-") !== true,
            );
            assert.deepEqual(direct, [], run.output);
            const expected = { internal: "1.0.0", public: "99.0.0", nothing: undefined }[installs];
            assert.equal(run.exitCode === 0 ? run.version : undefined, expected, run.output);
            if (installs !== "nothing") return;
            await fixture.publishPublic("public-only", "1.0.0");
            const others = await install(context, fixture.onlyIndex, [`${internal}==1.0.0`, "public-only"]);
            assert.equal(others.version, "1.0.0", others.output);
        },
    );
}

/** What the tests that were defined prove. */
export const proved = { operations, attacks, mirrors } as const;

/** The generated files of one scope, by their path in the home directory; a project's files are in `project/`. */
export function getFiles(files: readonly ClientFile[], scope: ClientFile["scope"]): Record<string, string> {
    return Object.fromEntries(
        files
            .filter((file) => file.scope === scope)
            .map(({ path, text }) => [
                scope === "project" ? join("project", path.linux) : path.linux.replace(/^~\//, ""),
                text,
            ]),
    );
}

/** A project's file with the generated part appended, as a developer pastes it. */
export function pasted(own: string, client: Client, file: string): string {
    const part = [...client.install, ...client.publish].find(
        ({ scope, path }) => scope === "project" && path.linux === file,
    );
    assert.ok(part !== undefined, `there is no ${file} among the generated files`);
    return `${own}\n${part.text}`;
}

/** The generated command lines for a package, as a script for `sh -e -c`. */
export function script(commands: Commands, packageName = ""): string {
    return commands.posix.map((line) => line.replaceAll("PACKAGE", packageName)).join("\n");
}
