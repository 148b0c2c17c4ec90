import { execa } from "execa";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { environments } from "./python-tools";
import { systemCommands } from "./system-commands";

const timeoutSeconds = 600;

/** The result of a command: its exit code and everything that it printed. */
export interface ToolResult {
    readonly exitCode: number;
    readonly output: string;
}

/** What a tool finds in its environment. */
export interface ToolEnvironmentOptions {
    /** Directories with the commands, first one first. Before them is one with the system's ordinary commands and its `python3`. */
    readonly path: readonly string[];
    /** Environment variables, in addition to the necessary ones. */
    readonly environment?: Readonly<Record<string, string>>;
    /** Text of pip.conf, written to its usual place. */
    readonly pipConf?: string;
    /** Text of `.pypirc`, written to its usual place. */
    readonly pypirc?: string;
    /** Other files, by their path in the home directory. */
    readonly files?: Readonly<Record<string, string>>;
    /** Additional commands, by their path in the home directory. `path` can name their directory, relative to it. */
    readonly executables?: Readonly<Record<string, string>>;
    /** Text of a service account's key file; GOOGLE_APPLICATION_CREDENTIALS gets its path. */
    readonly keyFile?: string;
}

/**
 * What Python's tools see of a developer's or a pipeline's machine: an empty home directory with the given files where
 * the tools look for them, and environment variables that inherit nothing from this process.
 */
export class ToolEnvironment implements AsyncDisposable {
    /** Home directory. */
    readonly home: string;
    readonly #environment: Record<string, string>;

    private constructor(home: string, environment: Record<string, string>) {
        this.home = home;
        this.#environment = environment;
    }

    static async open({
        path,
        environment,
        pipConf,
        pypirc,
        files = {},
        executables = {},
        keyFile,
    }: ToolEnvironmentOptions): Promise<ToolEnvironment> {
        const home = await mkdtemp(join(tmpdir(), "python-registry-home-"));
        const toolEnvironment = new ToolEnvironment(home, {
            HOME: home,
            PATH: [await systemCommands(), ...path.map((directory) => resolve(home, directory))].join(
                delimiter,
            ),
            LANG: "C.UTF-8",
            TMPDIR: home,
            PIP_DISABLE_PIP_VERSION_CHECK: "1",
            // On a machine in Google Cloud, gcloud would use the account of the machine.
            CLOUDSDK_CORE_CHECK_GCE_METADATA: "false",
            // A cache would hide the answers of the index.
            PIP_NO_CACHE_DIR: "1",
            // What virtualenv, and so poetry, PDM, hatch and Pipenv put into each environment: unpacked and compiled once.
            VIRTUALENV_OVERRIDE_APP_DATA: join(environments, "virtualenv"),
            VIRTUALENV_SYMLINK_APP_DATA: "1",
            ...environment,
            ...(keyFile === undefined ? {} : { GOOGLE_APPLICATION_CREDENTIALS: join(home, "key.json") }),
        });
        await toolEnvironment.#put(".config/pip/pip.conf", pipConf);
        await toolEnvironment.#put(".pypirc", pypirc);
        await toolEnvironment.#put("key.json", keyFile);
        for (const [path, text] of Object.entries({ ...files, ...executables })) {
            await toolEnvironment.#put(path, text);
        }
        for (const path of Object.keys(executables)) {
            await chmod(join(home, path), 0o700);
        }
        return toolEnvironment;
    }

    /** Runs a command in the home directory and waits for its end. */
    run(command: string, ...args: string[]): Promise<ToolResult> {
        return this.runIn(".", command, ...args);
    }

    /** Runs a command in a directory of the home directory and waits for its end. */
    async runIn(directory: string, command: string, ...args: string[]): Promise<ToolResult> {
        const running = execa(command, args, {
            cwd: join(this.home, directory),
            extendEnv: false,
            env: this.#environment,
            // Look up the command on the PATH given here, not on the one of this process.
            preferLocal: false,
            reject: false,
            all: true,
            stdin: "ignore",
            // For a tool that would wait for ever, such as for an answer to a prompt.
            timeout: timeoutSeconds * 1000,
        });
        running.once("exit", (_code, signal) => {
            if (signal === null) return;
            // The tool that a killed shell has started would keep the pipes open.
            running.stdout.destroy();
            running.stderr.destroy();
        });
        const result = await running;
        const ending = result.timedOut ? `\n${command} did not end within ${timeoutSeconds} s` : "";
        // twine prints colors into a pipe too, and no variable turns that off.
        return { exitCode: result.exitCode ?? -1, output: stripVTControlCharacters(result.all) + ending };
    }

    async [Symbol.asyncDispose](): Promise<void> {
        await rm(this.home, { recursive: true, force: true });
    }

    async #put(path: string, text: string | undefined): Promise<void> {
        if (text !== undefined) {
            const file = join(this.home, path);
            await mkdir(dirname(file), { recursive: true });
            await writeFile(file, text, { mode: 0o600 });
        }
    }
}
