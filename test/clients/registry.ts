import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Context } from "mocha";
import type { ClientFileOutputs } from "../../packages/sandbox/src/client-files";
import type { Repository } from "../../packages/sandbox/src/google/cloud";
import { runProgram } from "../../packages/sandbox/src/engines/in-process-engine";
import { stackConfig } from "../../packages/sandbox/src/engines/stack-config";
import { type PythonTools, pythonTools } from "../../packages/sandbox/src/python/python-tools";
import type { RegistryBehavior } from "../../packages/sandbox/src/python/registry-behavior";
import { buildPackage, type SamplePackage } from "../../packages/sandbox/src/python/sample-package";
import { type LoggedRequest, type Sandbox, startSandbox } from "../../packages/sandbox/src/sandbox";
import { pythonFile } from "../../packages/sandbox/src/python/simple-index";
import {
    type ToolResult,
    ToolEnvironment,
    type ToolEnvironmentOptions,
} from "../../packages/sandbox/src/python/tool-environment";
import { keyMaterial } from "./key-material";

export const project = "sandbox-project";
export const writer = "python-publisher";
export const reader = "python-installer";
/** A package that every registry has. */
export const ready: SamplePackage = { name: "ready-made", version: "1.0.0" };

/** The two forms of the generated files: with the keyring and a key file, or with the key as the password. */
export type Form = "keyring" | "password";
export const forms: readonly Form[] = ["keyring", "password"];

/** The result of a command, and the requests that the sandbox answered meanwhile. */
export interface ToolRun extends ToolResult {
    readonly requests: readonly LoggedRequest[];
}

/** Requested once: it takes a while to find out that PyPI cannot be reached. */
let tools: Promise<PythonTools> | undefined;

/** The tools. Where they cannot be installed, skips the tests and prints why. */
export async function needTools(context: Context): Promise<PythonTools> {
    try {
        return await (tools ??= pythonTools());
    } catch (error) {
        const { message } = error as Error;
        const missing =
            /Python 3.10 or newer is missing|ensurepip is not\s+available|No module named venv|connection broken by .*|Read timed out/i.exec(
                message,
            );
        if (missing === null) {
            throw error;
        }
        console.log(`    skipped: the Python tools cannot be installed from PyPI: ${missing[0]}`);
        return context.skip();
    }
}

/** A registry for all tests of a suite: created before them, closed after them. Skips them like needTools. */
export function useRegistry(configuration: Record<string, unknown> = {}): () => TestRegistry {
    let registry: TestRegistry | undefined;
    before(async function () {
        registry = await TestRegistry.up(await needTools(this), configuration);
    });
    after(() => registry?.[Symbol.asyncDispose]());
    return () => {
        assert.ok(registry !== undefined);
        return registry;
    };
}

/** The outputs of the program that clients use. */
interface Outputs extends ClientFileOutputs {
    readonly repository: { readonly id: string; readonly indexUrl: string; readonly uploadUrl: string };
    /** Tool → file name → text. */
    readonly clients: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** A registry that the program created in a sandbox, with keys for a writer and a reader. */
export class TestRegistry implements AsyncDisposable {
    private constructor(
        readonly sandbox: Sandbox,
        readonly tools: PythonTools,
        private readonly builder: ToolEnvironment,
        /** The outputs of the program, unmodified. */
        readonly outputs: Outputs,
    ) {}

    /**
     * @param configuration settings of the stack; its accounts are added to the writer and the reader
     * @param behavior what the service is not known to do, and whether the public index says when files were uploaded
     */
    static async up(
        tools: PythonTools,
        { serviceAccounts, ...configuration }: Record<string, unknown> = {},
        behavior: Partial<RegistryBehavior> & { readonly uploadTimes?: boolean } = {},
    ): Promise<TestRegistry> {
        const sandbox = await startSandbox({ project, ...behavior });
        try {
            const keys = ["first"];
            const own = {
                location: "europe-west1",
                serviceAccounts: {
                    [writer]: { access: "writer", keys },
                    [reader]: { access: "reader", keys },
                    ...(serviceAccounts as object | undefined),
                },
                ...configuration,
            };
            const { outputs } = await runProgram({
                stack: "clients",
                config: {
                    "gcp:project": project,
                    ...sandbox.providerConfig,
                    ...stackConfig(own),
                },
            });
            const values = Object.fromEntries(
                Object.entries(outputs).map(([name, { value }]) => [name, value]),
            ) as unknown as Outputs;
            const builder = await ToolEnvironment.open({ path: [tools.bin] });
            const registry = new TestRegistry(sandbox, tools, builder, values);
            await registry.putOnIndex(ready);
            return registry;
        } catch (error) {
            await sandbox.close();
            throw error;
        }
    }

    async [Symbol.asyncDispose](): Promise<void> {
        await this.builder[Symbol.asyncDispose]();
        await this.sandbox.close();
    }

    /** The state of the repository in the sandbox. */
    get repository(): Repository {
        return this.sandbox.cloud.repository(this.sandbox.cloud.project(project), "europe-west1", "python");
    }

    /** A tool environment with nothing but what is given here. */
    at(options: Partial<ToolEnvironmentOptions> = {}): Promise<ToolEnvironment> {
        return ToolEnvironment.open({
            path: [this.tools.bin],
            environment: this.sandbox.clientEnvironment,
            ...options,
        });
    }

    /** The generated files of one service account, unmodified. */
    files(form: Form, id: string): Pick<ToolEnvironmentOptions, "pipConf" | "pypirc" | "keyFile"> {
        const credential = this.outputs.credentials[id];
        assert.ok(credential !== undefined);
        const { pipConf, pypirc, keyFile } = credential;
        return form === "password"
            ? { pipConf, pypirc }
            : { pipConf: this.outputs.pipConf, pypirc: this.outputs.pypirc, keyFile };
    }

    /** Builds a wheel and an sdist. */
    build(sample: SamplePackage): Promise<string[]> {
        return buildPackage(
            this.builder,
            join(this.builder.home, `${sample.name}-${sample.version}`),
            sample,
        );
    }

    /**
     * Runs a tool. Whatever it does, no key may be among its arguments or in what it prints.
     *
     * @param keyFiles further keys that must not show up
     */
    async run(toolEnvironment: ToolEnvironment, command: string, ...args: string[]): Promise<ToolRun> {
        const before = this.sandbox.requests.length;
        const result = await toolEnvironment.run(command, ...args);
        const keyFiles = Object.values(this.outputs.credentials).map(({ keyFile }) => keyFile);
        assert.deepEqual(keyMaterial([...args, result.output].join("\n"), keyFiles), []);
        return { ...result, requests: this.sandbox.requests.slice(before) };
    }

    /** Installs a package with pip into `site` in the home directory. */
    install(toolEnvironment: ToolEnvironment, ...options: string[]): Promise<ToolRun> {
        return this.run(
            toolEnvironment,
            "pip",
            "install",
            "--target",
            join(toolEnvironment.home, "site"),
            ...options,
            ready.name,
        );
    }

    /** Uploads files with twine; the command line has only the section and the files. */
    upload(
        toolEnvironment: ToolEnvironment,
        files: readonly string[],
        ...options: string[]
    ): Promise<ToolRun> {
        return this.run(toolEnvironment, "twine", "upload", ...options, "-r", "python", ...files);
    }

    /** Publishes a distribution file on the public index, now if no time is given. */
    async publishPublic(project: string, path: string, uploaded?: Date): Promise<void> {
        const content = await readFile(path);
        this.sandbox.publishPublic({
            project,
            filename: basename(path),
            content,
            ...(uploaded && { uploaded }),
        });
    }

    /** Adds a package to the index without a tool. */
    async putOnIndex(sample: SamplePackage): Promise<void> {
        for (const path of await this.build(sample)) {
            const file = pythonFile(sample.name, basename(path), await readFile(path));
            this.repository.files.set(file.filename, file);
        }
    }
}

/** The responses of the Python endpoint and who got them, such as `GET 200 python-installer`, oldest first. */
export function answers({ requests }: ToolRun): string[] {
    return requests
        .filter(({ plane }) => plane === "data")
        .map(({ method, status, principal = "nobody" }) => {
            const account = /^serviceAccount:([^@]+)@/.exec(principal)?.[1];
            return `${method} ${status} ${account ?? principal}`;
        });
}

/** The requests to the public index. */
export function publicRequests({ requests }: ToolRun): LoggedRequest[] {
    return requests.filter(({ plane }) => plane === "public");
}

/** The statuses of the requests for an access token. */
export function tokenAnswers({ requests }: ToolRun): number[] {
    return requests.filter(({ plane }) => plane === "token").map(({ status }) => status);
}

/** Asserts that the package was installed, with credentials that the index accepted. */
export function assertInstalled(run: ToolRun, id: string): void {
    assert.equal(run.exitCode, 0, run.output);
    assert.match(run.output, /^Successfully installed ready-made-1\.0\.0$/m);
    assert.deepEqual(
        answers(run).filter((answer) => !answer.endsWith(" 401 nobody")),
        [`GET 200 ${id}`, `GET 200 ${id}`],
    );
}

/** Asserts that nothing was installed. Whatever the reason, pip says only that it found nothing. */
export function assertNotInstalled(run: ToolRun): void {
    assert.notEqual(run.exitCode, 0, run.output);
    assert.match(run.output, /No matching distribution found for ready-made/);
}
