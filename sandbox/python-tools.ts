import { execa } from "execa";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

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
    const requirements = join(__dirname, "requirements.txt");
    const python = await findPython();
    const wanted = createHash("sha256")
        .update(await readFile(requirements))
        .update(python.version)
        .update(root)
        .digest("hex")
        .slice(0, 12);
    const directory = join(root, ".venv", wanted);
    const complete = join(directory, "complete");
    const tools: PythonTools = {
        bin: join(directory, "tools", "bin"),
        bareBin: join(directory, "bare", "bin"),
    };
    if (existsSync(complete)) {
        return tools;
    }
    onProgress?.("Installing the Python tools from PyPI, once");
    await rm(directory, { recursive: true, force: true });
    await mkdir(directory, { recursive: true });
    await run(python.command, ["-m", "venv", join(directory, "bare")], "making a virtual environment");
    await run(python.command, ["-m", "venv", join(directory, "tools")], "making a virtual environment");
    const pip = (bin: string, ...what: string[]) =>
        run(
            join(bin, "python"),
            ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...what],
            "installing from PyPI",
        );
    const pinnedPip = (await readFile(requirements, "utf8"))
        .split("\n")
        .find((line) => line.startsWith("pip=="));
    await Promise.all([pip(tools.bin, "-r", requirements), pip(tools.bareBin, pinnedPip ?? "pip")]);
    await writeFile(`${complete}.part`, "");
    await rename(`${complete}.part`, complete);
    return tools;
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
