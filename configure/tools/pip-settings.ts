import { readFile } from "node:fs/promises";
import { readIni } from "../formats/ini";
import { UnsupportedFileError } from "../formats/merge";
import { expandConfigPath, expandPath } from "../machine/paths";
import { pathsOf, type System, variable } from "../machine/system";

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
 * that it overrides completely, even a list. (`pip config debug` fails at the first file that pip refuses, and needs pip.)
 *
 * @param prefix of pip's Python, where a virtual environment has its pip.conf; undefined if not known
 * @see https://pip.pypa.io/en/stable/topics/configuration/
 */
export async function pipSettings(system: System, prefix: string | undefined): Promise<PipSettings> {
    const sections = new Map<string, Map<string, PipValue>>([
        ["global", new Map()],
        ["install", new Map()],
    ]);
    const all: [key: string, value: PipValue][] = [];
    const errors: { file: string; reason: string }[] = [];
    for (const file of pipFiles(system, prefix)) {
        if (!system.exists(file)) continue;
        try {
            for (const [name, entries] of readIni(refuseByteOrderMark(await readFile(file, "utf8"), "pip"))) {
                for (const [key, value] of entries) {
                    const found: PipValue = { value, from: file, file };
                    sections.get(name)?.set(normalizedKey(key), found);
                    if (sections.has(name)) all.push([normalizedKey(key), found]);
                }
            }
        } catch (error) {
            errors.push({ file, reason: errorReason(error) });
        }
    }
    const effectiveValue = (key: string): PipValue | undefined => {
        const name = `PIP_${key.toUpperCase().replaceAll("-", "_")}`;
        const set = variable(system, name);
        const candidates = [
            set === undefined ? undefined : { value: set, from: name },
            sections.get("install")?.get(key),
            sections.get("global")?.get(key),
        ];
        // pip ignores an empty value.
        return candidates.find((found) => found !== undefined && found.value !== "");
    };
    return {
        value: effectiveValue,
        everywhere: (key) => all.flatMap(([name, found]) => (name === key ? [found] : [])),
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
    const paths = pathsOf(system);
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
                    .map((folder) => pathsOf(system).join(folder, "pip/pip.conf")),
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

/** Whether pip reads a value as true. */
export function isYes(setting: PipValue | undefined): boolean {
    return /^(y|yes|t|true|on|1)$/i.test(setting?.value ?? "");
}

/**
 * Returns the text unchanged.
 *
 * @throws UnsupportedFileError if it starts with a byte-order mark, which Python's parser refuses
 */
export function refuseByteOrderMark(text: string, tool: string): string {
    if (text.startsWith("\uFEFF")) {
        throw new UnsupportedFileError(
            1,
            `${tool} does not accept a file that starts with a byte-order mark. Save the file without it`,
        );
    }
    return text;
}

/** Why a file cannot be read, without any of its content. */
export function errorReason(error: unknown): string {
    const { code, line, message } = error as Error & { code?: unknown; line?: unknown };
    if (typeof code === "string") return `cannot be read (${code})`;
    return typeof line === "number" ? `line ${line}: ${message}` : message;
}

function normalizedKey(key: string): string {
    return key.toLowerCase().replaceAll("_", "-").replace(/^--/, "");
}
