import { accessSync, constants, existsSync, statSync } from "node:fs";
import { homedir } from "node:os";
import * as path from "node:path";
import type { Path } from "python-registry/clients/client";

/** The parts of a machine that decide where files are. It is an argument so that tests can run for any system on any system. */
export interface System {
    readonly kind: keyof Path;
    readonly environment: Readonly<Record<string, string | undefined>>;
    readonly home: string;
    /** The directory in which the command was started. */
    readonly workingDirectory: string;
    exists(file: string): boolean;
}

export function thisSystem(): System {
    const { env, platform } = process;
    return {
        kind: platform === "win32" ? "windows" : platform === "darwin" ? "macos" : "linux",
        environment: env,
        home: homedir(),
        // npm runs a script in the package's directory. INIT_CWD is where npm was started.
        workingDirectory:
            (env["npm_lifecycle_event"] === "configure" ? env["INIT_CWD"] : undefined) ?? process.cwd(),
        exists: existsSync,
    };
}

/** The path functions for a system. */
export function getPathSyntax({ kind }: System): path.PlatformPath {
    return kind === "windows" ? path.win32 : path.posix;
}

/** An environment variable; an empty one counts as not set. Windows ignores case. */
export function variable({ kind, environment }: System, name: string): string | undefined {
    const found =
        kind === "windows"
            ? Object.entries(environment).find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1]
            : environment[name];
    return found === "" ? undefined : found;
}

/** XDG_CONFIG_HOME without a trailing slash; undefined if it is not set, or relative. */
export function xdgConfigHome(system: System): string | undefined {
    const path = variable(system, "XDG_CONFIG_HOME");
    return path?.startsWith("/") === true ? path.replace(/\/$/, "") : undefined;
}

/**
 * The executable of a command on PATH; undefined if there is none.
 *
 * @param isSearched whether to look in a directory of PATH; by default in all
 */
export function onPath(
    system: System,
    command: string,
    isSearched: (directory: string) => boolean = () => true,
): string | undefined {
    const directories = (variable(system, "PATH") ?? "")
        .split(getPathSyntax(system).delimiter)
        .filter((directory) => directory !== "" && isSearched(directory));
    const endings =
        system.kind === "windows" ? (variable(system, "PATHEXT") ?? ".COM;.EXE;.BAT;.CMD").split(";") : [""];
    return directories
        .flatMap((directory) =>
            endings.map((ending) => getPathSyntax(system).join(directory, command + ending.toLowerCase())),
        )
        .find((file) => isExecutable(file));
}

function isExecutable(file: string): boolean {
    try {
        accessSync(file, constants.X_OK);
        return statSync(file).isFile();
    } catch {
        return false;
    }
}
