import { fork } from "node:child_process";
import { once } from "node:events";
import type { Socket } from "node:net";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import type { DeployedResource, Deployment, DeploymentResult, Engine, EngineOutput } from "./engine";

/** What the engine sends to the process that runs the program. */
export interface ProgramRun {
    readonly stack: string;
    readonly config: Readonly<Record<string, string>>;
    readonly secretKeys: readonly string[];
    readonly preview: boolean;
    /** The program's main module. */
    readonly program: string;
}

/** What that process sends back: each resource when it is created, then the outputs. */
export type ProgramEvent =
    | { readonly kind: "resource"; readonly resource: DeployedResource }
    | ({ readonly kind: "outputs" } & ProgramOutputs)
    | { readonly kind: "error"; readonly message: string };

/** The result of a run, as its process sends it. */
interface ProgramOutputs {
    readonly outputs: Readonly<Record<string, EngineOutput>>;
    /** Names of the outputs that a preview cannot know yet. */
    readonly unknown: readonly string[];
    /** Paths of the modules that the program loaded, without those that its process loads at its start, such as the Pulumi SDK. */
    readonly modules: readonly string[];
    /** The peak memory use of the process since its start. */
    readonly peakMiB: number;
}

const root = join(__dirname, "..", "..", "..", "..");

/**
 * Runs a program in a separate process on the SDK's test runtime, and carries out each registration against the APIs.
 * There is no plan, no diff and no state: use it to try and test the program where the Pulumi CLI is not available.
 */
export const inProcessEngine: Engine = {
    description: "in process: no plan, no diff, no state",
    up: (deployment) => runProgram(deployment, { ownProcess: true }),
};

/** Options beyond a plain `up`. */
export interface ProgramOptions {
    /** Create nothing; the outputs lack what a real preview does not know yet. */
    readonly preview?: boolean;
    /** Path of a program to run instead of this project's own. */
    readonly program?: string;
    readonly secretKeys?: readonly string[];
    /**
     * Run the program in a process that starts and ends with it, as under Pulumi. Otherwise it can run in one that has run others.
     * Everything except the Pulumi SDK is then loaded again, and the environment and the working directory are as at first. What a
     * program sets on global objects stays, and what it does after its outputs can disturb the next one.
     */
    readonly ownProcess?: boolean;
}

/** The result of a run. */
export type ProgramResult = DeploymentResult & ProgramOutputs;

/** Processes that wait for a run. They neither outlive this process nor keep it from ending. */
const waiting: ProgramProcess[] = [];

/** @throws Error with the message of the program or the API */
export async function runProgram(
    { stack, config, onProgress }: Deployment,
    { preview = false, program = root, secretKeys = [], ownProcess = false }: ProgramOptions = {},
): Promise<ProgramResult> {
    const idle = ownProcess ? undefined : waiting.pop();
    const runner = idle?.isConnected ? idle : new ProgramProcess();
    const result = await runner.run({ stack, config, secretKeys, preview, program }, onProgress);
    if (ownProcess) await runner.end();
    else waiting.push(runner);
    return result;
}

/** A process that runs programs, one after the other, until one fails. */
class ProgramProcess {
    readonly #child = fork(join(__dirname, "in-process-program.ts"), {
        cwd: root,
        execArgv: ["--conditions=source", "--require", "./typescript.cjs"],
        stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    readonly #closed = once(this.#child, "close") as Promise<[number | null]>;
    /** What the running program has printed. */
    #said = "";

    constructor() {
        // Before the temporary files are removed, or the child might create them again.
        const kill = () => this.#child.kill("SIGKILL");
        process.prependListener("exit", kill);
        this.#child.once("close", () => process.off("exit", kill));
        for (const stream of this.#streams) {
            stream.setEncoding("utf8").on("data", (text: string) => (this.#said += text));
        }
    }

    /** Whether it can run a program. An unhandled rejection ends it, even after the outputs. */
    get isConnected(): boolean {
        return this.#child.connected;
    }

    get #streams(): Socket[] {
        return [this.#child.stdout as Socket, this.#child.stderr as Socket];
    }

    /** @throws Error with the message of the program or the API; the process has then ended */
    async run(run: ProgramRun, onProgress: Deployment["onProgress"]): Promise<ProgramResult> {
        const resources: DeployedResource[] = [];
        let failure: string | undefined;
        this.#said = "";
        this.#keepAlive(true);
        const { promise: done, resolve } = Promise.withResolvers<ProgramOutputs>();
        const receive = (event: ProgramEvent) => {
            if (event.kind === "resource") {
                resources.push(event.resource);
                onProgress?.(`${event.resource.type}  ${event.resource.name}`);
            } else if (event.kind === "outputs") {
                resolve(event);
            } else {
                failure ??= event.message;
            }
        };
        this.#child.on("message", receive);
        this.#child.send(run);
        const ended = await Promise.race([done, this.#closed]);
        if (Array.isArray(ended)) {
            throw new Error(
                failure ?? (this.#said.trim() || `the program ended with ${ended[0] ?? "a signal"}`),
            );
        }
        this.#child.off("message", receive);
        // What the program printed is in the pipes before the event is sent, but can be read after it.
        await setImmediate();
        await setImmediate();
        this.#keepAlive(false);
        for (const line of this.#said.trim().split("\n").filter(Boolean)) {
            onProgress?.(line);
        }
        const { outputs, unknown, modules, peakMiB } = ended;
        return { resources, outputs, unknown, modules, peakMiB };
    }

    /** Whether this process waits for the other one before it exits. */
    #keepAlive(wanted: boolean): void {
        for (const each of [this.#child, this.#child.channel, ...this.#streams]) {
            if (wanted) each?.ref();
            else each?.unref();
        }
    }

    async end(): Promise<void> {
        this.#keepAlive(true);
        this.#child.kill("SIGKILL");
        await this.#closed;
    }
}
