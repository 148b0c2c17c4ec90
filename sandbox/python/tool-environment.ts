import { execa } from "execa";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { systemCommands } from "./system-commands";

/** What a tool did: its exit code and all that it printed. */
export interface ToolResult {
    readonly exitCode: number;
    readonly output: string;
}

/** What a workstation has. */
export interface WorkstationOptions {
    /** Directories with the commands, first one first. */
    readonly path: readonly string[];
    /** What is in the environment beside the bare necessities. */
    readonly environment?: Readonly<Record<string, string>>;
    /** pip.conf, put at its ordinary place. */
    readonly pipConf?: string;
    /** `.pypirc`, put at its ordinary place. */
    readonly pypirc?: string;
    /** Other files, by their path below home. */
    readonly files?: Readonly<Record<string, string>>;
    /** Commands of its own, by their path below home; a directory of them can be in `path`, relative to home. */
    readonly executables?: Readonly<Record<string, string>>;
    /** A service account's key file, named by GOOGLE_APPLICATION_CREDENTIALS. */
    readonly keyFile?: string;
}

/**
 * A person's or a pipeline's computer as the tools see it: an empty home with the given files at the places where the
 * tools look for them, and an environment that inherits nothing.
 */
export class Workstation implements AsyncDisposable {
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
    }: WorkstationOptions): Promise<Workstation> {
        const home = await mkdtemp(join(tmpdir(), "python-registry-home-"));
        const workstation = new Workstation(home, {
            HOME: home,
            PATH: [...path.map((directory) => resolve(home, directory)), await systemCommands()].join(
                delimiter,
            ),
            LANG: "C.UTF-8",
            TMPDIR: home,
            PIP_DISABLE_PIP_VERSION_CHECK: "1",
            // A machine in Google Cloud has an account of its own, which gcloud would find.
            CLOUDSDK_CORE_CHECK_GCE_METADATA: "false",
            // A cache would hide what the index answers.
            PIP_NO_CACHE_DIR: "1",
            ...environment,
            ...(keyFile === undefined ? {} : { GOOGLE_APPLICATION_CREDENTIALS: join(home, "key.json") }),
        });
        await workstation.#put(".config/pip/pip.conf", pipConf);
        await workstation.#put(".pypirc", pypirc);
        await workstation.#put("key.json", keyFile);
        for (const [path, text] of Object.entries({ ...files, ...executables })) {
            await workstation.#put(path, text);
        }
        for (const path of Object.keys(executables)) {
            await chmod(join(home, path), 0o700);
        }
        return workstation;
    }

    /** Runs a command at home, to its end. */
    run(command: string, ...args: string[]): Promise<ToolResult> {
        return this.runIn(".", command, ...args);
    }

    /** Runs a command in a directory below home, to its end. */
    async runIn(directory: string, command: string, ...args: string[]): Promise<ToolResult> {
        const result = await execa(command, args, {
            cwd: join(this.home, directory),
            extendEnv: false,
            env: this.#environment,
            // The command is looked up on the workstation's PATH, not on ours.
            preferLocal: false,
            reject: false,
            all: true,
            stdin: "ignore",
            timeout: 120_000,
        });
        // twine colours its output for a pipe too, and no variable keeps it from that.
        return { exitCode: result.exitCode ?? -1, output: stripVTControlCharacters(result.all) };
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
