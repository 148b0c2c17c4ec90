import type { ClientFile } from "../../src/clients/client";
import { pipFiles } from "./pip-files";
import { pathsOf, type System, variable, xdgConfigHome } from "./system";

/** A client file's path on a machine, or why it has none. */
export type FilePlace = { readonly path: string } | { readonly problem: string };

/** A variable that names the file or its directory, and overrides the default path. */
interface Override {
    readonly variable: string;
    readonly is: "file" | "directory";
}

/** The key is the file's path on Linux. */
const overrides: Readonly<Record<string, Override>> = {
    "~/.config/pip/pip.conf": { variable: "PIP_CONFIG_FILE", is: "file" },
    "~/.config/uv/uv.toml": { variable: "UV_CONFIG_FILE", is: "file" },
    "~/.config/pypoetry/config.toml": { variable: "POETRY_CONFIG_DIR", is: "directory" },
    "~/.config/pypoetry/auth.toml": { variable: "POETRY_CONFIG_DIR", is: "directory" },
    "~/.config/pdm/config.toml": { variable: "PDM_CONFIG_FILE", is: "file" },
    "~/.config/hatch/config.toml": { variable: "HATCH_CONFIG", is: "file" },
    "~/.netrc": { variable: "NETRC", is: "file" },
    Pipfile: { variable: "PIPENV_PIPFILE", is: "file" },
};

/**
 * Finds the path of a client file.
 *
 * @see https://docs.astral.sh/uv/concepts/configuration-files/
 * @see https://platformdirs.readthedocs.io/ for poetry, pdm and hatch
 */
export function placeOf(file: ClientFile, system: System): FilePlace {
    const key = file.path.linux;
    const override = overrides[key];
    const value = override && variable(system, override.variable);
    if (override !== undefined && value !== undefined) {
        return overridePlace(override, value, file, system);
    }
    if (file.scope === "project") {
        return nearestFile(file.path[system.kind], system);
    }
    if (file.scope === "venv") {
        const directory = virtualEnvironment(system);
        if (directory === undefined) {
            return {
                problem: "no virtual environment is active. Activate one first (VIRTUAL_ENV is not set)",
            };
        }
        if (!system.exists(directory)) {
            return { problem: `the active virtual environment does not exist: ${directory}` };
        }
    }
    if (key === "~/.config/pip/pip.conf") {
        const [legacy, current] = pipFiles(system).user;
        return { path: system.exists(legacy) && !system.exists(current) ? legacy : current };
    }
    // On Windows, pip and curl read .netrc; git and others read the older _netrc.
    const netrc = pathsOf(system).join(system.home, ".netrc");
    const isNetrc = key === "~/.netrc" && system.exists(netrc);
    return { path: isNetrc ? netrc : expandPath(defaultPath(key, file, system), system) };
}

function overridePlace(
    { variable: name, is }: Override,
    value: string,
    file: ClientFile,
    system: System,
): FilePlace {
    const paths = pathsOf(system);
    const target = paths.resolve(system.workingDirectory, expandPath(value, system));
    if (/^(\/dev\/null|nul)$/i.test(value)) {
        return { problem: `${name} turns off the tool's configuration (${value}). Unset it first` };
    }
    return { path: is === "file" ? target : paths.join(target, basename(file.path[system.kind])) };
}

/** The file's path, in XDG_CONFIG_HOME if that is set. It also applies to macOS, except for pip. */
function defaultPath(key: string, file: ClientFile, system: System): string {
    const path = file.path[system.kind];
    const configHome = xdgConfigHome(system);
    if (configHome === undefined || system.kind === "windows") return path;
    const isUv = key === "~/.config/uv/uv.toml";
    const directory = system.kind === "linux" || isUv ? "~/.config/" : "~/Library/Application Support/";
    return path.startsWith(directory) ? `${configHome}/${path.slice(directory.length)}` : path;
}

/** The nearest file of that name, from the working directory upwards. */
function nearestFile(name: string, system: System): FilePlace {
    const paths = pathsOf(system);
    let directory = system.workingDirectory;
    for (;;) {
        const candidate = paths.join(directory, name);
        if (system.exists(candidate)) {
            return { path: candidate };
        }
        const parent = paths.dirname(directory);
        if (parent === directory) {
            return {
                problem: `there is no ${name} in this directory or its parents. Run this command in the project's directory`,
            };
        }
        directory = parent;
    }
}

function virtualEnvironment(system: System): string | undefined {
    return variable(system, "VIRTUAL_ENV") ?? variable(system, "CONDA_PREFIX");
}

/** A path with the home directory and variables filled in. */
function expandPath(path: string, system: System): string {
    const { home } = system;
    const folders: Readonly<Record<string, string>> = {
        userprofile: home,
        appdata: variable(system, "APPDATA") ?? `${home}\\AppData\\Roaming`,
        localappdata: variable(system, "LOCALAPPDATA") ?? `${home}\\AppData\\Local`,
        programdata: variable(system, "ProgramData") ?? "C:\\ProgramData",
        virtual_env: virtualEnvironment(system) ?? "",
    };
    return path
        .replace(/^~(?=[\\/])/, () => home)
        .replace(/%(\w+)%/g, (whole, name: string) => folders[name.toLowerCase()] ?? whole)
        .replace(/\$VIRTUAL_ENV\b/, () => folders["virtual_env"] ?? "");
}

/** The last part of a path, for the path rules of any system. */
export function basename(path: string): string {
    return path.split(/[\\/]/).at(-1) ?? path;
}
