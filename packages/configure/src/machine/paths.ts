import { type System, variable, xdgConfigHome } from "./system";

/** A path with the home directory and variables filled in. */
export function expandPath(path: string, system: System): string {
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

/** `expandPath` for a file among a user's configuration, whose folder XDG_CONFIG_HOME replaces, except on Windows. */
export function expandConfigPath(path: string, system: System): string {
    const folder = system.kind === "windows" ? undefined : xdgConfigHome(system);
    const ordinary =
        system.kind === "macos" ? /^~\/(\.config|Library\/Application Support)\// : /^~\/\.config\//;
    return expandPath(folder === undefined ? path : path.replace(ordinary, () => `${folder}/`), system);
}

/** The directory of the active virtual environment; undefined if none is active. */
export function virtualEnvironment(system: System): string | undefined {
    return variable(system, "VIRTUAL_ENV") ?? variable(system, "CONDA_PREFIX");
}
