import { type ChildProcess, execFile } from "node:child_process";
import type { System } from "./system";

/** How a program ended, and what it printed. The output may contain a credential: never print it. */
export interface ProcessResult {
    /** Undefined if the program could not be started, or timed out. */
    readonly exitCode: number | undefined;
    readonly stdout: string;
    readonly stderr: string;
}

const running = new Set<ChildProcess>();

/** Ends the programs that still run, for a process that ends now. */
export function endPrograms(): void {
    for (const child of running) child.kill("SIGKILL");
}

/** Runs a program with the system's environment and empty standard input, and waits for it to end. Never throws. */
export function run(
    system: System,
    command: string,
    args: readonly string[],
    timeoutSeconds = 60,
): Promise<ProcessResult> {
    // Windows needs a shell to start a .cmd file, and the shell splits a path at its spaces.
    const shell = system.kind === "windows" && /\.(cmd|bat)$/i.test(command);
    if (shell && !args.every((arg) => /^[\w.:/@=+-]+$/.test(arg))) {
        const stderr = "an argument contains a special character of the Windows shell";
        return Promise.resolve({ exitCode: undefined, stdout: "", stderr });
    }
    return new Promise((resolve) => {
        const child = execFile(
            shell ? `"${command}"` : command,
            args,
            {
                env: { ...system.environment, PYTHONIOENCODING: "utf-8" },
                cwd: system.workingDirectory,
                timeout: timeoutSeconds * 1000,
                killSignal: "SIGKILL",
                maxBuffer: 1 << 24,
                windowsHide: true,
                shell,
            },
            (error, stdout, stderr) => {
                running.delete(child);
                const exitCode = error === null ? 0 : typeof error.code === "number" ? error.code : undefined;
                resolve({ exitCode, stdout, stderr });
            },
        );
        running.add(child);
        child.stdin?.on("error", () => undefined).end();
    });
}
