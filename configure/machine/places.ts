import type { ClientFile } from "../../src/clients/client";
import { pathsOf, type System, variable } from "./system";

/** A client file's path on a machine, or why it has none. */
export type FilePlace = { readonly path: string } | { readonly problem: string };

/** A variable that names the file or its directory, and overrides the default path. */
interface Override {
    readonly variable: string;
    readonly is: "file" | "folder";
}

/** The key is the file's path on Linux. */
const overrides: Readonly<Record<string, Override>> = {
    "~/.config/pip/pip.conf": { variable: "PIP_CONFIG_FILE", is: "file" },
    "~/.config/uv/uv.toml": { variable: "UV_CONFIG_FILE", is: "file" },
    "~/.config/pypoetry/config.toml": { variable: "POETRY_CONFIG_DIR", is: "folder" },
    "~/.config/pypoetry/auth.toml": { variable: "POETRY_CONFIG_DIR", is: "folder" },
    "~/.config/pdm/config.toml": { variable: "PDM_CONFIG_FILE", is: "file" },
    "~/.config/hatch/config.toml": { variable: "HATCH_CONFIG", is: "file" },
    "~/.netrc": { variable: "NETRC", is: "file" },
    Pipfile: { variable: "PIPENV_PIPFILE", is: "file" },
};

/** Another path where a tool looks, and whether it looks there first. */
interface Alternative {
    readonly path: string;
    readonly first: boolean;
}

const legacyPip = { path: "~/.pip/pip.conf", first: false };
const alternatives: Readonly<Record<string, Partial<Record<System["kind"], Alternative>>>> = {
    "~/.config/pip/pip.conf": {
        linux: legacyPip,
        macos: legacyPip,
        windows: { path: "%USERPROFILE%\\pip\\pip.ini", first: false },
    },
    // pip and curl read this one. git and others read the older `_netrc`.
    "~/.netrc": { windows: { path: "%USERPROFILE%\\.netrc", first: true } },
};

/**
 * Finds the path of a client file.
 *
 * @see https://pip.pypa.io/en/stable/topics/configuration/#location
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
        const folder = virtualEnvironment(system);
        if (folder === undefined) {
            return {
                problem: "no virtual environment is active. Activate one first (VIRTUAL_ENV is not set)",
            };
        }
        if (!system.exists(folder)) {
            return { problem: `the active virtual environment does not exist: ${folder}` };
        }
    }
    const ordinary = expandPath(ordinaryPath(key, file, system), system);
    const { path, first } = alternatives[key]?.[system.kind] ?? {};
    const other = path === undefined ? undefined : expandPath(path, system);
    const isOther =
        other !== undefined && system.exists(other) && (first === true || !system.exists(ordinary));
    return { path: isOther ? other : ordinary };
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

/** macOS uses XDG_CONFIG_HOME too, except that pip uses Apple's directory if it exists. */
function ordinaryPath(key: string, file: ClientFile, system: System): string {
    const ordinary = file.path[system.kind];
    const isUv = key === "~/.config/uv/uv.toml";
    if (system.kind === "macos" && key === "~/.config/pip/pip.conf") {
        const folder = expandPath("~/Library/Application Support/pip", system);
        return system.exists(folder) ? `${folder}/pip.conf` : ordinary;
    }
    const configuration = variable(system, "XDG_CONFIG_HOME");
    if (configuration === undefined || !configuration.startsWith("/") || system.kind === "windows") {
        return ordinary;
    }
    const folder = system.kind === "linux" || isUv ? "~/.config/" : "~/Library/Application Support/";
    return ordinary.startsWith(folder)
        ? `${configuration.replace(/\/$/, "")}/${ordinary.slice(folder.length)}`
        : ordinary;
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
