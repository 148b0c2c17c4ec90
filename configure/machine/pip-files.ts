import { pathsOf, type System, variable, xdgConfigHome } from "./system";

/** The paths of pip's configuration files on a machine. The files need not exist. */
export interface PipFiles {
    /** For all users, from low to high precedence. */
    readonly global: readonly string[];
    /** For one user. pip reads both; the second one takes precedence. */
    readonly user: readonly [legacy: string, current: string];
}

/** @see https://pip.pypa.io/en/stable/topics/configuration/#location */
export function pipFiles(system: System): PipFiles {
    const { kind, home } = system;
    const paths = pathsOf(system);
    if (kind === "windows") {
        const appData = variable(system, "APPDATA") ?? paths.join(home, "AppData", "Roaming");
        return {
            global: [paths.join(variable(system, "ProgramData") ?? "C:\\ProgramData", "pip", "pip.ini")],
            user: [paths.join(home, "pip", "pip.ini"), paths.join(appData, "pip", "pip.ini")],
        };
    }
    const legacy = paths.join(home, ".pip/pip.conf");
    if (kind === "macos") {
        const library = paths.join(home, "Library/Application Support/pip");
        const directory = system.exists(library) ? library : paths.join(home, ".config/pip");
        return {
            global: ["/Library/Application Support/pip/pip.conf"],
            user: [legacy, paths.join(directory, "pip.conf")],
        };
    }
    const machine = (variable(system, "XDG_CONFIG_DIRS") ?? "/etc/xdg").split(":").filter(Boolean);
    return {
        global: [...machine.map((directory) => paths.join(directory, "pip/pip.conf")), "/etc/pip.conf"],
        user: [legacy, paths.join(xdgConfigHome(system) ?? paths.join(home, ".config"), "pip/pip.conf")],
    };
}
