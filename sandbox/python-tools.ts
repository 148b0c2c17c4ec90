import { execa } from "execa";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { lock } from "proper-lockfile";

const root = join(__dirname, "..");

/** Two virtual environments with the released tools, in the versions of requirements.txt. */
export interface PythonTools {
    /** Directory of the commands: pip, twine, keyring with its Google backend, build. */
    readonly bin: string;
    /** Directory with nothing but Python and pip, whose pip finds no keyring of its own to import. */
    readonly bareBin: string;
}

/**
 * Makes the environments on first use and keeps them until the requirements change.
 *
 * @throws Error that says what is missing: Python 3, its venv module, or a way to PyPI
 */
export async function pythonTools(onProgress?: (line: string) => void): Promise<PythonTools> {
    const requirements = await readFile(join(__dirname, "requirements.txt"), "utf8");
    const pinnedPip = requirements.split("\n").find((line) => line.startsWith("pip==")) ?? "pip";
    const [bin, bareBin] = await Promise.all([
        environmentWith(requirements, onProgress),
        environmentWith(pinnedPip),
    ]);
    return { bin, bareBin };
}

/** Environments that are being made: whoever asks for the same one waits for it. */
const making = new Map<string, Promise<string>>();

/**
 * A virtual environment with these packages, made on first use and kept.
 *
 * @param requirements text of a requirements file
 * @returns the directory of its commands
 */
export async function environmentWith(
    requirements: string,
    onProgress?: (line: string) => void,
): Promise<string> {
    const python = await findPython();
    const wanted = createHash("sha256")
        .update(requirements)
        .update(python.version)
        .update(root)
        .digest("hex")
        .slice(0, 12);
    const directory = join(root, ".venv", wanted);
    const made = making.get(directory) ?? make(directory, python.command, requirements, onProgress);
    making.set(directory, made);
    return made;
}

async function make(
    directory: string,
    python: string,
    requirements: string,
    onProgress?: (line: string) => void,
): Promise<string> {
    const bin = join(directory, "bin");
    const ready = join(directory, "ready");
    if (existsSync(ready)) {
        return bin;
    }
    // Another process may need the same one at the same time.
    await mkdir(dirname(directory), { recursive: true });
    const unlock = await lock(directory, { realpath: false, retries: { forever: true, maxTimeout: 1000 } });
    try {
        if (!existsSync(ready)) {
            onProgress?.("Installing the Python tools from PyPI, once");
            await install(directory, python, requirements);
            await writeFile(ready, "");
        }
        return bin;
    } finally {
        await unlock();
    }
}

async function install(directory: string, python: string, requirements: string): Promise<void> {
    const list = join(directory, "requirements.txt");
    await rm(directory, { recursive: true, force: true });
    await run(python, ["-m", "venv", directory], "making a virtual environment");
    await writeFile(list, requirements);
    await run(
        join(directory, "bin", "python"),
        ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", list],
        "installing from PyPI",
    );
}

async function findPython(): Promise<{ command: string; version: string }> {
    for (const command of [
        "python3",
        "python",
        "python3.14",
        "python3.13",
        "python3.12",
        "python3.11",
        "python3.10",
    ]) {
        const found = await execa(
            command,
            ["-c", "import sys; print(sys.executable, sys.version); sys.exit(sys.version_info < (3, 10))"],
            { reject: false },
        );
        if (found.exitCode === 0) {
            return { command, version: found.stdout };
        }
    }
    throw new Error("Python 3.10 or newer is missing: nothing like it is on PATH");
}

async function run(command: string, args: readonly string[], doing: string): Promise<void> {
    const result = await execa(command, args, { reject: false, stdin: "ignore", all: true });
    if (result.exitCode !== 0) {
        throw new Error(`${doing} failed: ${command} ${args.join(" ")}\n${result.all}`);
    }
}
