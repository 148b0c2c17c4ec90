import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Context } from "mocha";
import type { ClientFileOutputs } from "../../sandbox/client-files";
import type { Repository } from "../../sandbox/google/cloud";
import { runProgram } from "../../sandbox/engines/in-process-engine";
import { stackConfig } from "../../sandbox/engines/stack-config";
import { type PythonTools, pythonTools } from "../../sandbox/python/python-tools";
import { buildPackage, type SamplePackage } from "../../sandbox/python/sample-package";
import { type LoggedRequest, type Sandbox, startSandbox } from "../../sandbox/sandbox";
import { pythonFile } from "../../sandbox/python/simple-index";
import { type ToolResult, Workstation, type WorkstationOptions } from "../../sandbox/python/tool-environment";
import { keyMaterial } from "./key-material";

export const project = "sandbox-project";
export const writer = "python-publisher";
export const reader = "python-installer";
/** On the index from the start, for whoever installs. */
export const ready: SamplePackage = { name: "ready-made", version: "1.0.0" };

/** The two forms of the generated files: with the keyring and a key file, or with the key as the password. */
export type Form = "keyring" | "password";
export const forms: readonly Form[] = ["keyring", "password"];

/** What a tool did, and what the sandbox was asked meanwhile. */
export interface ToolRun extends ToolResult {
    readonly requests: readonly LoggedRequest[];
}

/** Looked for once: to find out that PyPI is out of reach takes a while. */
let tools: Promise<PythonTools> | undefined;

/** The tools. Skips the tests, and says why, on a machine that cannot have them. */
export async function needTools(context: Context): Promise<PythonTools> {
    try {
        return await (tools ??= pythonTools());
    } catch (error) {
        const { message } = error as Error;
        const missing =
            /Python 3.10 or newer is missing|ensurepip is not\s+available|No module named venv|connection broken by .*/i.exec(
                message,
            );
        if (missing === null) {
            throw error;
        }
        console.log(`    skipped, for want of Python tools from PyPI: ${missing[0]}`);
        return context.skip();
    }
}

/** A registry for all tests of a suite: made before them, closed after them, skipped like needTools. */
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

/** The program's outputs, as far as clients use them. */
interface Outputs extends ClientFileOutputs {
    readonly repository: { readonly id: string; readonly indexUrl: string; readonly uploadUrl: string };
}

/** A registry that the program has made in a sandbox, with a writer and a reader who have keys. */
export class TestRegistry implements AsyncDisposable {
    private constructor(
        readonly sandbox: Sandbox,
        readonly tools: PythonTools,
        private readonly builder: Workstation,
        /** As the program gave them. */
        readonly outputs: Outputs,
    ) {}

    /** @param configuration of the stack beside the location; accounts are added to the writer and the reader */
    static async up(
        tools: PythonTools,
        { serviceAccounts, ...configuration }: Record<string, unknown> = {},
    ): Promise<TestRegistry> {
        const sandbox = await startSandbox({ project });
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
            const builder = await Workstation.open({ path: [tools.bin] });
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

    /** The repository as the sandbox has it. */
    get repository(): Repository {
        return this.sandbox.cloud.repository(this.sandbox.cloud.project(project), "europe-west1", "python");
    }

    /** A workstation of somebody who has nothing but what is given here. */
    at(options: Partial<WorkstationOptions> = {}): Promise<Workstation> {
        return Workstation.open({
            path: [this.tools.bin],
            environment: this.sandbox.clientEnvironment,
            ...options,
        });
    }

    /** The generated files of one service account, as they are. */
    files(form: Form, id: string): Pick<WorkstationOptions, "pipConf" | "pypirc" | "keyFile"> {
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
    async run(workstation: Workstation, command: string, ...args: string[]): Promise<ToolRun> {
        const before = this.sandbox.requests.length;
        const result = await workstation.run(command, ...args);
        const keyFiles = Object.values(this.outputs.credentials).map(({ keyFile }) => keyFile);
        assert.deepEqual(keyMaterial([...args, result.output].join("\n"), keyFiles), []);
        return { ...result, requests: this.sandbox.requests.slice(before) };
    }

    /** pip install of a package into `site` at home. */
    install(workstation: Workstation, ...options: string[]): Promise<ToolRun> {
        return this.run(
            workstation,
            "pip",
            "install",
            "--target",
            join(workstation.home, "site"),
            ...options,
            ready.name,
        );
    }

    /** twine upload, and nothing else on the command line than which section and which files. */
    upload(workstation: Workstation, files: readonly string[], ...options: string[]): Promise<ToolRun> {
        return this.run(workstation, "twine", "upload", ...options, "-r", "python", ...files);
    }

    /** Publishes a distribution file on the public index. */
    async publishPublic(project: string, path: string): Promise<void> {
        this.sandbox.publishPublic({ project, filename: basename(path), content: await readFile(path) });
    }

    /** Puts a package on the index, past every tool. */
    async putOnIndex(sample: SamplePackage): Promise<void> {
        for (const path of await this.build(sample)) {
            const file = pythonFile(sample.name, basename(path), await readFile(path));
            this.repository.files.set(file.filename, file);
        }
    }
}

/** What the Python endpoint answered to whom, such as `GET 200 python-installer`, oldest first. */
export function answers({ requests }: ToolRun): string[] {
    return requests
        .filter(({ plane }) => plane === "data")
        .map(({ method, status, principal = "nobody" }) => {
            const account = /^serviceAccount:([^@]+)@/.exec(principal)?.[1];
            return `${method} ${status} ${account ?? principal}`;
        });
}

/** What the public index was asked for. */
export function publicRequests({ requests }: ToolRun): LoggedRequest[] {
    return requests.filter(({ plane }) => plane === "public");
}

/** How often an access token was asked for, by status. */
export function tokenAnswers({ requests }: ToolRun): number[] {
    return requests.filter(({ plane }) => plane === "token").map(({ status }) => status);
}

/** The package was installed, by somebody whom the index knew. */
export function assertInstalled(run: ToolRun, id: string): void {
    assert.equal(run.exitCode, 0, run.output);
    assert.match(run.output, /^Successfully installed ready-made-1\.0\.0$/m);
    assert.deepEqual(
        answers(run).filter((answer) => !answer.endsWith(" 401 nobody")),
        [`GET 200 ${id}`, `GET 200 ${id}`],
    );
}

/** Nothing was installed: pip says only that it found nothing, whatever the reason. */
export function assertNotInstalled(run: ToolRun): void {
    assert.notEqual(run.exitCode, 0, run.output);
    assert.match(run.output, /No matching distribution found for ready-made/);
}
