import assert from "node:assert/strict";
import { chmod, mkdir, readdir, readFile, stat, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { runProgram } from "../../packages/sandbox/src/engines/in-process-engine";
import { stackConfig } from "../../packages/sandbox/src/engines/stack-config";
import { startSandbox } from "../../packages/sandbox/src/sandbox";
import { type ToolResult, ToolEnvironment } from "../../packages/sandbox/src/python/tool-environment";
import { build } from "../../packages/configure/build.cjs";

const bin = build();

/** The outputs of a stack. */
export interface StackOutputs {
    readonly repository: { readonly id: string; readonly name: string; readonly indexUrl: string };
    readonly pipConf: string;
    readonly pypirc: string;
    readonly credentials: Record<string, { keyFile: string; pipConf: string; pypirc: string }>;
    readonly serviceAccounts: Record<string, { email: string }>;
}

const known = new Map<string, Promise<StackOutputs>>();

/** Runs the program in process, once for each stack, and returns what `pulumi stack output --json --show-secrets` prints. */
export function getOutputs(
    configuration: Record<string, unknown> = {},
    project = "acme-tools",
): Promise<StackOutputs> {
    const key = JSON.stringify([configuration, project]);
    const outputs = known.get(key) ?? runStack(configuration, project);
    known.set(key, outputs);
    return outputs;
}

async function runStack(configuration: Record<string, unknown>, project: string): Promise<StackOutputs> {
    await using sandbox = await startSandbox({ project });
    const { outputs } = await runProgram({
        stack: "configure",
        config: {
            "gcp:project": project,
            ...sandbox.providerConfig,
            ...stackConfig({ location: "europe-west1", ...configuration }),
        },
    });
    return Object.fromEntries(
        Object.entries(outputs).map(([name, { value }]) => [name, value]),
    ) as unknown as StackOutputs;
}

/** The outputs as `pulumi stack output --json` prints them. */
export function withoutSecrets(outputs: StackOutputs): object {
    return { ...outputs, credentials: "[secret]" };
}

/** A user's computer on which configure runs. */
export class Machine implements AsyncDisposable {
    private constructor(readonly toolEnvironment: ToolEnvironment) {}

    /** @param files by their path in the home directory */
    static async open(
        files: Record<string, string> = {},
        environment: Record<string, string> = {},
        path: readonly string[] = [],
    ): Promise<Machine> {
        return new Machine(
            await ToolEnvironment.open({ path: [...path, dirname(process.execPath)], environment, files }),
        );
    }

    async [Symbol.asyncDispose](): Promise<void> {
        await this.toolEnvironment[Symbol.asyncDispose]();
    }

    /** Runs the command in the home directory. */
    configure(...args: string[]): Promise<ToolResult> {
        return this.toolEnvironment.run("node", bin, ...args);
    }

    /** Runs the command with these outputs in a file. */
    async with(outputs: object, ...args: string[]): Promise<ToolResult> {
        await this.put("outputs.json", JSON.stringify(outputs));
        return this.configure("--outputs", "outputs.json", ...args);
    }

    /** Runs a line of sh in the home directory; node "$configure" is the command. */
    shell(line: string): Promise<ToolResult> {
        return this.toolEnvironment.run("sh", "-c", `configure=$1; ${line}`, "sh", bin);
    }

    path(file: string): string {
        return join(this.toolEnvironment.home, file);
    }

    read(file: string): Promise<string> {
        return readFile(this.path(file), "utf8");
    }

    async mode(file: string): Promise<number> {
        return (await stat(this.path(file))).mode & 0o777;
    }

    async put(file: string, content: string, mode = 0o600): Promise<void> {
        await mkdir(dirname(this.path(file)), { recursive: true });
        await writeFile(this.path(file), content);
        await chmod(this.path(file), mode);
    }

    /** The files in the home directory with their content, without the compiler's caches. */
    async everything(): Promise<Record<string, string>> {
        const entries = await readdir(this.toolEnvironment.home, { recursive: true, withFileTypes: true });
        const files = entries
            .filter((entry) => entry.isFile() && !/v8-compile-cache|\.cache\/swc-/.test(entry.parentPath))
            .map((entry) => join(entry.parentPath, entry.name));
        return Object.fromEntries(
            await Promise.all(
                files
                    .sort()
                    .map(async (file) => [
                        file.slice(this.toolEnvironment.home.length + 1),
                        await readFile(file, "latin1"),
                    ]),
            ),
        ) as Record<string, string>;
    }

    /** Sets a file's time to long ago, so that a later write is noticed. */
    async age(file: string): Promise<void> {
        await utimes(this.path(file), 1, 1);
    }

    async isAged(file: string): Promise<boolean> {
        return (await stat(this.path(file))).mtimeMs === 1000;
    }
}

export function assertDone({ exitCode, output }: ToolResult): void {
    assert.equal(exitCode, 0, output);
}
