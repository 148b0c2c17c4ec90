import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { connect } from "node:net";
import { platform, tmpdir } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { eventually, within } from "../deadline";

export const root = join(__dirname, "..", "..");

/** Whether the environment and the command line of processes can be read on this machine. */
export const seesProcesses = platform() === "linux";

/**
 * A user with the project, an empty home directory and a separate temporary directory, by which the processes that they
 * start, directly or indirectly, are recognized.
 */
export class User implements AsyncDisposable {
    readonly home: string;
    readonly environment: NodeJS.ProcessEnv;
    readonly #temporary: string;
    readonly #started: Started[] = [];

    private constructor(private readonly directory: string) {
        this.home = join(directory, "home");
        this.#temporary = join(directory, "tmp");
        // The tests themselves may run under npm and mocha.
        const machine = Object.entries(process.env).filter(
            ([name]) => !/^(npm|node|mocha)_|^(force_color|no_color|init_cwd)$/i.test(name),
        );
        this.environment = { ...Object.fromEntries(machine), HOME: this.home, TMPDIR: this.#temporary };
    }

    static async create(): Promise<User> {
        const user = new User(await mkdtemp(join(tmpdir(), "python-registry-start-")));
        await Promise.all([user.home, user.#temporary].map((directory) => mkdir(directory)));
        return user;
    }

    /** Starts a command in the project's folder and, as a terminal does, in a separate process group. */
    start(command: string, ...args: string[]): Started {
        const child = spawn(command, args, {
            cwd: root,
            env: this.environment,
            stdio: ["ignore", "pipe", "pipe"],
            detached: true,
        });
        const started = new Started(child);
        this.#started.push(started);
        return started;
    }

    npmStart(...args: string[]): Started {
        return this.start("npm", "start", "--", "--engine", "in-process", ...args);
    }

    /** The command lines of this user's processes. */
    processes(): string[] {
        return this.#pids().flatMap((pid) => read(`/proc/${pid}/cmdline`)?.replaceAll("\0", " ") ?? []);
    }

    /** The entries of the temporary directory, except npm's cache of compiled code. */
    async leftovers(): Promise<string[]> {
        const entries = await readdir(this.#temporary);
        return entries.filter((name) => !/^(node|v8)-compile-cache/.test(name));
    }

    async [Symbol.asyncDispose](): Promise<void> {
        for (const started of this.#started) {
            started.signal("SIGKILL");
        }
        this.#pids().forEach((pid) => {
            kill(pid, "SIGKILL");
        });
        await Promise.all(this.#started.map((started) => started.ended()));
        await eventually("the end of killed processes", () => this.#pids().length === 0);
        await rm(this.directory, { recursive: true, force: true });
    }

    #pids(): number[] {
        if (!seesProcesses) {
            return [];
        }
        return readdirSync("/proc")
            .filter((name) => /^\d+$/.test(name))
            .filter((pid) => read(`/proc/${pid}/environ`)?.includes(this.#temporary))
            .map(Number);
    }
}

/** A command that runs, or has run. */
export class Started {
    /** Everything that was printed so far. */
    output = "";
    readonly #exitCode: Promise<number | undefined>;

    constructor(private readonly child: ChildProcess) {
        for (const stream of [child.stdout, child.stderr]) {
            stream?.setEncoding("utf8").on("data", (text: string) => (this.output += text));
        }
        this.#exitCode = once(child, "exit").then(([code]) => (code as number | null) ?? undefined);
    }

    /** Waits for its end: the exit code, undefined if a signal ended it. */
    ended(): Promise<number | undefined> {
        return within(`the end of: ${this.child.spawnargs.join(" ")}`, this.#exitCode);
    }

    get pid(): number {
        return this.child.pid ?? 0;
    }

    /** What was printed, without escape codes. */
    get text(): string {
        return stripVTControlCharacters(this.output);
    }

    /** Waits until something is printed. */
    async says(text: string): Promise<void> {
        let over = false;
        void this.#exitCode.then(() => (over = true));
        await eventually(`the output "${text}"`, () => {
            if (this.text.includes(text)) return true;
            if (over) throw new Error(`ended without saying "${text}":\n${this.output}`);
            return false;
        });
    }

    /** Sends a signal to the whole process group, as Ctrl-C in a terminal does. */
    signal(signal: NodeJS.Signals): void {
        kill(-this.pid, signal);
    }
}

/** Whether a process listens on a port of this machine. */
export async function listens(port: number): Promise<boolean> {
    const socket = connect({ port, host: "127.0.0.1" });
    try {
        await once(socket, "connect");
        return true;
    } catch {
        return false;
    } finally {
        socket.destroy();
    }
}

export function kill(pid: number, signal: NodeJS.Signals): void {
    try {
        process.kill(pid, signal);
    } catch {
        // It has already ended.
    }
}

function read(file: string): string | undefined {
    try {
        return readFileSync(file, "utf8");
    } catch {
        return undefined; // It has ended, or belongs to a different user.
    }
}
