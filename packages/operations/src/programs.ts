import { existsSync, realpathSync } from "node:fs";
import { delimiter, dirname, isAbsolute, join } from "node:path";

/** Endings of the names of programs. */
const endings = process.platform === "win32" ? [".exe", ".cmd", ".bat"] : [""];

/** The path of a program on PATH; undefined if there is none. */
export function onPath(name: string): string | undefined {
    // A relative folder would name a file of the current folder.
    const folders = (process.env["PATH"] ?? "").split(delimiter).filter(isAbsolute);
    return folders.map((folder) => inFolder(folder, name)).find((path) => path !== undefined);
}

/** The path of a program in the environment of another one: of keyring in the environment in which twine is installed. */
export function beside(program: string, name: string): string | undefined {
    // pipx puts links on PATH.
    return inFolder(dirname(realpathSync(program)), name);
}

function inFolder(folder: string, name: string): string | undefined {
    return endings.map((ending) => join(folder, name + ending)).find((path) => existsSync(path));
}
