import { mkdir, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ToolEnvironment } from "../../packages/sandbox/src/python/tool-environment";
import { eventually } from "../deadline";

/** A command that runs again and again, with files that are replaced meanwhile. */
export interface LoopOptions {
    readonly path: readonly string[];
    readonly environment: Readonly<Record<string, string>>;
    /** By their path in the home directory. */
    readonly files: Readonly<Record<string, string>>;
    /** A script for sh. It runs in the home directory. */
    readonly script: string;
}

/** A machine that installs all the time. */
export class InstallLoop implements AsyncDisposable {
    /** Runs that ended well. */
    runs = 0;
    /** What the runs printed that failed. */
    readonly failures: string[] = [];
    #ending = false;
    readonly #running: Promise<void>;

    private constructor(
        private readonly home: ToolEnvironment,
        private readonly script: string,
    ) {
        this.#running = this.#loop();
    }

    static async start({ path, environment, files, script }: LoopOptions): Promise<InstallLoop> {
        const home = await ToolEnvironment.open({ path, environment, files });
        return new InstallLoop(home, script);
    }

    /** Replaces files. A run finds the old one or the new one, but never a part of it. */
    async replace(files: Readonly<Record<string, string>>): Promise<void> {
        for (const [path, text] of Object.entries(files)) {
            const file = join(this.home.home, path);
            await mkdir(dirname(file), { recursive: true });
            await writeFile(`${file}.new`, text, { mode: 0o600 });
            await rename(`${file}.new`, file);
        }
    }

    /** Waits until so many runs that start after this call have ended. */
    async more(count: number): Promise<void> {
        // The run that is in progress does not count.
        const enough = this.runs + this.failures.length + count + 1;
        await eventually(`${count} more installations`, () => this.runs + this.failures.length >= enough);
    }

    /** One run after the end. */
    once(): Promise<{ exitCode: number; output: string }> {
        return this.home.run("sh", "-ec", this.script);
    }

    async end(): Promise<void> {
        this.#ending = true;
        await this.#running;
    }

    async [Symbol.asyncDispose](): Promise<void> {
        await this.end();
        await this.home[Symbol.asyncDispose]();
    }

    async #loop(): Promise<void> {
        while (!this.#ending) {
            const { exitCode, output } = await this.once();
            if (exitCode === 0) this.runs += 1;
            else this.failures.push(output);
        }
    }
}
