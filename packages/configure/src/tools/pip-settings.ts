import { readFile } from "node:fs/promises";
import type { PythonIndex } from "python-registry/clients/client";
import { readIni } from "../formats/ini";
import { pipKey } from "../formats/ini-merge";
import { errorReason, refuseByteOrderMark, withoutUserInfo } from "../formats/merge";
import { decodeText } from "./encoding";
import { expandConfigPath, expandPath } from "../machine/paths";
import { getPathSyntax, type System, variable } from "../machine/system";

/** A value that pip uses, and the file or variable that it comes from. */
export interface PipValue {
    readonly value: string;
    readonly from: string;
    /** Undefined for a variable. */
    readonly file?: string;
}

/** pip's settings for `pip install`, from all its files and variables. */
export interface PipSettings {
    /** The effective value of a key such as `extra-index-url`; undefined if it has none. */
    value(key: string): PipValue | undefined;
    /** The values of a key in all files, effective or not. */
    everywhere(key: string): readonly PipValue[];
    /** Files that cannot be read, with the reason. */
    readonly errors: readonly { readonly file: string; readonly reason: string }[];
}

/**
 * Reads pip's settings as pip merges them. Files from low to high precedence: the machine's, the user's, the virtual
 * environment's, PIP_CONFIG_FILE. `[install]` overrides `[global]`, and variables override both. A value replaces the one
 * that it overrides completely, even a list.
 *
 * `pip config debug` and `list` cannot tell this: they stop at the first file that pip refuses and print its line, they
 * print lists and values of several lines without quoting, they do not say which value counts, and they need pip.
 *
 * @param prefix of pip's Python, where a virtual environment has its pip.conf; undefined if not known
 * @see https://pip.pypa.io/en/stable/topics/configuration/
 */
export async function pipSettings(system: System, prefix: string | undefined): Promise<PipSettings> {
    const settings: { section: string; key: string; found: PipValue }[] = [];
    const errors: { file: string; reason: string }[] = [];
    for (const file of pipFiles(system, prefix).filter((each) => system.exists(each))) {
        try {
            const sections = readIni(refuseByteOrderMark(decodeText(await readFile(file), system), "pip"));
            for (const section of ["global", "install"]) {
                for (const [key, value] of sections.get(section) ?? []) {
                    settings.push({ section, key: pipKey(key), found: { value, from: file, file } });
                }
            }
        } catch (error) {
            errors.push({ file, reason: errorReason(error) });
        }
    }
    const inFiles = (key: string) => settings.filter((each) => each.key === key);
    return {
        value: (key) => {
            const name = `PIP_${key.toUpperCase().replaceAll("-", "_")}`;
            const set = variable(system, name);
            if (set !== undefined) return { value: set, from: name };
            // pip ignores an empty value.
            return ["install", "global"]
                .map((section) => inFiles(key).findLast((each) => each.section === section)?.found)
                .find((found) => found !== undefined && found.value !== "");
        },
        everywhere: (key) => inFiles(key).map(({ found }) => found),
        errors,
    };
}

/**
 * The files that pip reads, the least important first.
 *
 * @param prefix of pip's Python, where an environment's own pip.conf lies; undefined if not known
 * @see https://pip.pypa.io/en/stable/topics/configuration/#location
 */
function pipFiles(system: System, prefix: string | undefined): string[] {
    const { kind, workingDirectory } = system;
    const paths = getPathSyntax(system);
    const named = variable(system, "PIP_CONFIG_FILE");
    if (named === "/dev/null" || (kind === "windows" && named?.toLowerCase() === "nul")) return [];
    const own = named === undefined ? undefined : paths.resolve(workingDirectory, named);
    return [
        ...machineFiles(system),
        // PIP_CONFIG_FILE replaces the user's files if it names one that exists.
        ...(own !== undefined && system.exists(own) ? [] : userFiles(system)),
        ...(prefix === undefined ? [] : [paths.join(prefix, kind === "windows" ? "pip.ini" : "pip.conf")]),
        ...(own === undefined ? [] : [own]),
    ];
}

function machineFiles(system: System): string[] {
    switch (system.kind) {
        case "linux":
            return [
                ...(variable(system, "XDG_CONFIG_DIRS") ?? "/etc/xdg")
                    .split(":")
                    .filter(Boolean)
                    .map((folder) => getPathSyntax(system).join(folder, "pip/pip.conf")),
                "/etc/pip.conf",
            ];
        case "macos":
            return ["/Library/Application Support/pip/pip.conf"];
        case "windows":
            return [expandPath("%ProgramData%\\pip\\pip.ini", system)];
    }
}

/** The place that pip used in former versions and still reads, and the current one. */
export function userFiles(system: System): [former: string, current: string] {
    switch (system.kind) {
        case "linux":
            return [
                expandPath("~/.pip/pip.conf", system),
                expandConfigPath("~/.config/pip/pip.conf", system),
            ];
        case "macos": {
            const folder = expandPath("~/Library/Application Support/pip", system);
            const current = system.exists(folder) ? folder : expandPath("~/.config/pip", system);
            return [expandPath("~/.pip/pip.conf", system), `${current}/pip.conf`];
        }
        case "windows":
            return [
                expandPath("%USERPROFILE%\\pip\\pip.ini", system),
                expandPath("%APPDATA%\\pip\\pip.ini", system),
            ];
    }
}

/** The settings in force with which pip asks other indexes than the only one. */
export function otherIndexes(
    settings: PipSettings,
    { indexUrl }: Pick<PythonIndex, "indexUrl">,
): { readonly key: "extra-index-url" | "index-url"; readonly found: PipValue }[] {
    return (["extra-index-url", "index-url"] as const).flatMap((key) => {
        const found = settings.value(key);
        const isOther = (url: string) => url !== "" && withoutUserInfo(url) !== withoutUserInfo(indexUrl);
        return found?.value.split(/\s+/).some(isOther) === true ? [{ key, found }] : [];
    });
}

/** Whether pip reads a value as true. */
export function isYes(setting: PipValue | undefined): boolean {
    return /^(y|yes|t|true|on|1)$/i.test(setting?.value ?? "");
}
