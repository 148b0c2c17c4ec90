import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
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
    | {
          readonly kind: "outputs";
          readonly outputs: Readonly<Record<string, EngineOutput>>;
          readonly unknown: readonly string[];
          readonly peakMiB: number;
      }
    | { readonly kind: "error"; readonly message: string };

const root = join(__dirname, "..", "..", "..", "..");

/**
 * Runs a program in a separate process on the SDK's test runtime, and carries out each registration against the APIs.
 * There is no plan, no diff and no state: use it to try and test the program where the Pulumi CLI is not available.
 */
export const inProcessEngine: Engine = {
    description: "in process: no plan, no diff, no state",
    up: (deployment) => runProgram(deployment),
};

/** Options beyond a plain `up`. */
export interface ProgramOptions {
    /** Create nothing; the outputs lack what a real preview does not know yet. */
    readonly preview?: boolean;
    /** Path of a program to run instead of this project's own. */
    readonly program?: string;
    readonly secretKeys?: readonly string[];
}

/** The result of a run. */
export interface ProgramResult extends DeploymentResult {
    /** Names of the outputs that a preview cannot know yet. */
    readonly unknown: readonly string[];
    /** The peak memory use of the program's process. */
    readonly peakMiB: number;
}

/** @throws Error with the message of the program or the API */
export async function runProgram(
    { stack, config, onProgress }: Deployment,
    options: ProgramOptions = {},
): Promise<ProgramResult> {
    const child = fork(join(__dirname, "in-process-program.ts"), {
        cwd: root,
        execArgv: ["--conditions=source", "--require", "./typescript.cjs"],
        stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    // Before the temporary files are removed, or the child might create them again.
    const endChild = () => child.kill("SIGKILL");
    process.prependListener("exit", endChild);
    let said = "";
    for (const stream of [child.stdout, child.stderr]) {
        stream?.setEncoding("utf8").on("data", (text: string) => (said += text));
    }
    const resources: DeployedResource[] = [];
    let done: Extract<ProgramEvent, { kind: "outputs" }> | undefined;
    let failure: string | undefined;
    child.on("message", (event: ProgramEvent) => {
        if (event.kind === "resource") {
            resources.push(event.resource);
            onProgress?.(`${event.resource.type}  ${event.resource.name}`);
        } else if (event.kind === "outputs") {
            done = event;
        } else {
            failure ??= event.message;
        }
    });
    const run: ProgramRun = {
        stack,
        config,
        secretKeys: options.secretKeys ?? [],
        preview: options.preview ?? false,
        program: options.program ?? root,
    };
    child.send(run);
    const [code] = (await once(child, "close")) as [number | null];
    process.off("exit", endChild);
    if (code !== 0 || done === undefined) {
        throw new Error(failure ?? (said.trim() || `the program ended with ${code ?? "a signal"}`));
    }
    for (const line of said.trim().split("\n").filter(Boolean)) {
        onProgress?.(line);
    }
    return { resources, outputs: done.outputs, unknown: done.unknown, peakMiB: done.peakMiB };
}
