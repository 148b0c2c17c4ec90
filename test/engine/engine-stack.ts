import { execa } from "execa";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findPulumi, type PulumiCli, PulumiEngine } from "../../sandbox/engines/pulumi-engine";
import { type Sandbox, startSandbox } from "../../sandbox/sandbox";

const root = join(__dirname, "..", "..");

export const project = "sandbox-project";

/** The CLI, or the end of the tests that need it. */
export async function needCli(context: Mocha.Context): Promise<PulumiCli> {
    const found = await findPulumi();
    if ("missing" in found) {
        console.log(`    skipped: this machine lacks ${found.missing}`);
        return context.skip();
    }
    return found;
}

/** A stack of the program under the real engine, with a sandbox and a folder of its own. */
export class EngineStack implements AsyncDisposable {
    readonly name = "engine";
    /** Where the provider sends its calls: the sandbox, unless a test puts something in between. */
    endpoints: Readonly<Record<string, string>>;

    private constructor(
        private readonly cli: PulumiCli,
        private readonly directory: string,
        readonly sandbox: Sandbox,
        readonly engine: PulumiEngine,
    ) {
        this.endpoints = sandbox.providerConfig;
    }

    static async open(cli: PulumiCli): Promise<EngineStack> {
        const directory = await mkdtemp(join(tmpdir(), "python-registry-engine-"));
        const sandbox = await startSandbox({ project });
        return new EngineStack(cli, directory, sandbox, new PulumiEngine(cli, directory));
    }

    /** The program's own settings, beside a project and a location. */
    configuration(own: Readonly<Record<string, unknown>>) {
        return {
            stack: this.name,
            config: {
                "gcp:project": project,
                ...this.endpoints,
                "python-registry:location": "europe-west1",
                ...Object.fromEntries(
                    Object.entries(own).map(([key, value]) => [
                        `python-registry:${key}`,
                        typeof value === "string" ? value : JSON.stringify(value),
                    ]),
                ),
            },
        };
    }

    init(own: Readonly<Record<string, unknown>>): Promise<void> {
        return this.engine.init(this.configuration(own));
    }

    configure(own: Readonly<Record<string, unknown>>): Promise<void> {
        return this.engine.configure(this.configuration(own));
    }

    /** Runs the CLI; what it printed. */
    pulumi(command: string, ...args: string[]): Promise<string> {
        return this.engine.run([command, ...args, "--stack", this.name]);
    }

    up(...args: string[]): Promise<string> {
        return this.pulumi("up", "--yes", "--skip-preview", ...args);
    }

    /** Runs `up` until `killed` is settled, then kills it and all that it has started. */
    async upKilled(killed: Promise<unknown>): Promise<void> {
        const [file, ...first] = this.cli.command;
        const args = ["up", "--yes", "--skip-preview", "--non-interactive", "--stack", this.name];
        const running = execa(file, [...first, ...args], {
            cwd: this.directory,
            env: { ...this.cli.environment, ...this.engine.environment },
            stdin: "ignore",
            detached: true,
            reject: false,
        });
        await Promise.race([
            killed,
            running.then(({ stdout, stderr }) => {
                throw new Error(`up ended before it was killed:\n${stdout}\n${stderr}`);
            }),
        ]);
        process.kill(-(running.pid ?? 0), "SIGKILL");
        await running;
    }

    /** Runs the command `recover`. */
    async recover(): Promise<{ exitCode: number | undefined; output: string }> {
        const main = join(root, "recover", "main.ts");
        const options = ["--require", join(root, "typescript.cjs"), main, "--stack", this.name];
        const result = await execa(process.execPath, options, {
            cwd: this.directory,
            env: {
                ...this.cli.environment,
                ...this.engine.environment,
                NODE_PATH: join(root, "node_modules"),
                TS_NODE_PROJECT: join(root, "tsconfig.json"),
            },
            reject: false,
            all: true,
            stdin: "ignore",
        });
        return { exitCode: result.exitCode, output: result.all };
    }

    async [Symbol.asyncDispose](): Promise<void> {
        await this.sandbox.close();
        await rm(this.directory, { recursive: true });
    }
}
