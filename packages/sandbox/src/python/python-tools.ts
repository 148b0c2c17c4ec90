import { execa } from "execa";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { lock } from "proper-lockfile";

const root = join(__dirname, "..", "..", "..", "..");
/** Folder of the environments with the tools, and of what they keep. */
export const environments = join(root, ".venv");
/** How long an index may send nothing. The defaults of pip and uv are too short for a slow one. */
const silenceSeconds = 300;
/** Installs the tools. */
const uvRequirement = "uv==0.13.9\n";

/** Two virtual environments with the released tools, in the versions of requirements.txt. */
export interface PythonTools {
    /** Directory of the commands: pip, twine, keyring with its Google backend, build. */
    readonly bin: string;
    /** Directory of Python and pip only; this pip has no keyring to import. */
    readonly bareBin: string;
}

/**
 * Creates the environments on first use and keeps them until the requirements change.
 *
 * @throws Error that names what is missing: Python 3, its venv module, or access to PyPI
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

/**
 * Marks a folder as a policy pack. Before each preview, Pulumi searches all folders below the program for packages with plugins, and
 * skips only policy packs. These environments have some 10,000 files.
 */
async function hideFromPulumi(folder: string): Promise<void> {
    await mkdir(folder, { recursive: true });
    await writeFile(
        join(folder, "PulumiPolicy.yaml"),
        "# So that Pulumi does not search this folder for plugins\n",
    );
}

/** Environments that this process creates or has created, by directory. */
const environmentsByDirectory = new Map<string, Promise<string>>();

/**
 * A virtual environment with these packages, created on first use and kept.
 *
 * @param requirements text of a requirements file
 * @returns the directory of its commands
 */
export async function environmentWith(
    requirements: string,
    onProgress?: (line: string) => void,
): Promise<string> {
    return environment(requirements, installWithUv, onProgress);
}

type Install = (directory: string, python: string, requirements: string) => Promise<void>;

async function environment(
    requirements: string,
    install: Install,
    onProgress?: (line: string) => void,
): Promise<string> {
    const python = await systemPython();
    const wanted = createHash("sha256")
        .update(requirements)
        .update(python.version)
        .update(root)
        .digest("hex")
        .slice(0, 12);
    const directory = join(environments, wanted);
    const created =
        environmentsByDirectory.get(directory) ??
        create(directory, () => install(directory, python.command, requirements), onProgress);
    environmentsByDirectory.set(directory, created);
    return created;
}

async function create(
    directory: string,
    install: () => Promise<void>,
    onProgress?: (line: string) => void,
): Promise<string> {
    const bin = join(directory, "bin");
    const ready = join(directory, "ready");
    if (existsSync(ready)) {
        return bin;
    }
    // Another process may create the same one at the same time.
    await hideFromPulumi(environments);
    const unlock = await lock(directory, {
        realpath: false,
        // Far longer than a slow machine keeps the process that installs from renewing its lock.
        stale: 120_000,
        retries: { forever: true, maxTimeout: 1000 },
    });
    try {
        if (!existsSync(ready)) {
            onProgress?.("Installing the Python tools from PyPI (first run only)");
            await rm(directory, { recursive: true, force: true });
            await install();
            await writeFile(ready, "");
        }
        return bin;
    } finally {
        await unlock();
    }
}

/** Installs with uv, which takes a tenth of pip's time, or with pip if uv fails. */
async function installWithUv(directory: string, python: string, requirements: string): Promise<void> {
    const uvBin = await environment(uvRequirement, installWithPip).catch((error: unknown) => {
        // uv does not support every platform.
        if (/No matching distribution found/.test((error as Error).message)) return undefined;
        throw error;
    });
    if (uvBin !== undefined) {
        const uv = join(uvBin, "uv");
        const options = {
            reject: false,
            stdin: "ignore",
            env: {
                UV_NO_CONFIG: "1",
                UV_CACHE_DIR: join(environments, "uv-cache"),
                UV_HTTP_TIMEOUT: String(silenceSeconds),
                ...(await (uvSettings ??= pipSettingsForUv(uvBin))),
            },
        } as const;
        const venv = await execa(uv, ["venv", "--python", python, directory], options);
        const list = await requirementsFile(directory, requirements);
        const args = ["pip", "install", "--python", directory, "--requirements", list];
        if (venv.exitCode === 0 && (await execa(uv, args, options)).exitCode === 0) return;
        await rm(directory, { recursive: true, force: true });
    }
    await installWithPip(directory, python, requirements);
}

/** Read once: they are the same for every environment. */
let uvSettings: Promise<Record<string, string>> | undefined;

/**
 * The user's settings for pip (a mirror, a certificate authority), as environment variables for uv.
 *
 * @see https://docs.astral.sh/uv/reference/environment/
 */
async function pipSettingsForUv(uvBin: string): Promise<Record<string, string>> {
    const { stdout } = await execa(join(uvBin, "python"), ["-m", "pip", "config", "list"], { reject: false });
    const settings = new Map<string, string>();
    // The section of a command overrides the global one, and an environment variable overrides both.
    for (const section of ["global", "install", ":env:"]) {
        for (const [, key = "", value = ""] of stdout.matchAll(
            new RegExp(String.raw`^${section}\.([\w-]+)='(.*)'$`, "gm"),
        )) {
            settings.set(key, value.replaceAll("\\n", " ").trim());
        }
    }
    const variables: Readonly<Record<string, string>> = {
        "index-url": "UV_DEFAULT_INDEX",
        "extra-index-url": "UV_INDEX",
        "find-links": "UV_FIND_LINKS",
        "trusted-host": "UV_INSECURE_HOST",
        cert: "SSL_CERT_FILE",
        proxy: "ALL_PROXY",
    };
    const found: Record<string, string> = { UV_SYSTEM_CERTS: "true", UV_INDEX_STRATEGY: "unsafe-best-match" };
    for (const [key, variable] of Object.entries(variables)) {
        const value = settings.get(key);
        if (value !== undefined) found[variable] = value;
    }
    return found;
}

async function installWithPip(directory: string, python: string, requirements: string): Promise<void> {
    await run(python, ["-m", "venv", directory], "creating a virtual environment");
    await run(
        join(directory, "bin", "python"),
        [
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            `--timeout=${silenceSeconds}`,
            "-r",
            await requirementsFile(directory, requirements),
        ],
        "installing from PyPI",
    );
}

async function requirementsFile(directory: string, requirements: string): Promise<string> {
    const list = join(directory, "requirements.txt");
    await mkdir(directory, { recursive: true });
    await writeFile(list, requirements);
    return list;
}

/** A Python of this machine. */
export interface Python {
    /** Path of its executable. */
    readonly command: string;
    readonly version: string;
}

/** Searched only once: the command on PATH may be the launcher of a version manager, which is slow. */
let foundPython: Promise<Python> | undefined;

/**
 * The Python of this machine from which the environments are made.
 *
 * @throws Error if there is none
 */
export function systemPython(): Promise<Python> {
    return (foundPython ??= findPython());
}

async function findPython(): Promise<Python> {
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
            [
                "-c",
                "import sys; print(sys.executable); print(sys.version); sys.exit(sys.version_info < (3, 10))",
            ],
            { reject: false },
        );
        if (found.exitCode === 0) {
            return { command: found.stdout.split("\n")[0] ?? command, version: found.stdout };
        }
    }
    throw new Error("Python 3.10 or newer is missing: it is not on PATH");
}

async function run(command: string, args: readonly string[], doing: string): Promise<void> {
    const result = await execa(command, args, { reject: false, stdin: "ignore", all: true });
    if (result.exitCode !== 0) {
        throw new Error(`${doing} failed: ${command} ${args.join(" ")}\n${result.all}`);
    }
}
