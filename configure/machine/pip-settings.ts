import { readFile } from "node:fs/promises";
import { readIni } from "../formats/ini";
import { UnsupportedFileError } from "../formats/merge";
import { pathsOf, type System, variable } from "./system";

/** A value that pip takes, and the file or variable that it comes from. */
export interface PipValue {
    readonly value: string;
    readonly from: string;
    /** Undefined for a variable. */
    readonly file?: string;
}

/** pip's settings for `pip install`, from all its files and variables. */
export interface PipSettings {
    /** What is in force for a key such as `extra-index-url`; undefined where nothing is. */
    value(key: string): PipValue | undefined;
    /** What every file says of a key, in force or not. */
    everywhere(key: string): readonly PipValue[];
    /** Files that cannot be read, with the reason. */
    readonly problems: readonly { readonly file: string; readonly reason: string }[];
}

/**
 * Reads pip's settings as pip merges them: the machine's, the person's, the environment's, PIP_CONFIG_FILE's; then
 * `[install]` before `[global]`, and variables before both. A later value replaces an earlier one as a whole, lists too.
 *
 * @param prefix of pip's Python, where an environment's own pip.conf lies; undefined if not known
 * @see https://pip.pypa.io/en/stable/topics/configuration/
 */
export async function pipSettings(system: System, prefix: string | undefined): Promise<PipSettings> {
    const sections = new Map<string, Map<string, PipValue>>([
        ["global", new Map()],
        ["install", new Map()],
    ]);
    const all: [key: string, value: PipValue][] = [];
    const problems: { file: string; reason: string }[] = [];
    for (const file of filesOf(system, prefix)) {
        if (!system.exists(file)) continue;
        try {
            for (const [name, entries] of readIni(withoutMark(await readFile(file, "utf8"), "pip"))) {
                for (const [key, value] of entries) {
                    const found: PipValue = { value, from: file, file };
                    sections.get(name)?.set(normalized(key), found);
                    if (sections.has(name)) all.push([normalized(key), found]);
                }
            }
        } catch (error) {
            problems.push({ file, reason: reasonOf(error) });
        }
    }
    const inForce = (key: string): PipValue | undefined => {
        const name = `PIP_${key.toUpperCase().replaceAll("-", "_")}`;
        const set = variable(system, name);
        const candidates = [
            set === undefined ? undefined : { value: set, from: name },
            sections.get("install")?.get(key),
            sections.get("global")?.get(key),
        ];
        // pip passes over an empty value.
        return candidates.find((found) => found !== undefined && found.value !== "");
    };
    return {
        value: inForce,
        everywhere: (key) => all.flatMap(([name, found]) => (name === key ? [found] : [])),
        problems,
    };
}

/** Whether pip takes a value for yes. */
export function isYes(setting: PipValue | undefined): boolean {
    return /^(y|yes|t|true|on|1)$/i.test(setting?.value ?? "");
}

/**
 * The text, which has no byte-order mark.
 *
 * @throws UnsupportedFileError if it has: Python's parser refuses it
 */
export function withoutMark(text: string, tool: string): string {
    if (text.startsWith("\uFEFF")) {
        throw new UnsupportedFileError(
            1,
            `${tool} refuses a file that starts with a byte-order mark: save it without`,
        );
    }
    return text;
}

/** Why a file cannot be read, without a word of what it says. */
export function reasonOf(error: unknown): string {
    const { code, line, message } = error as Error & { code?: unknown; line?: unknown };
    if (typeof code === "string") return `cannot be read (${code})`;
    return typeof line === "number" ? `line ${line}: ${message}` : message;
}

/** Lowest first. */
function filesOf(system: System, prefix: string | undefined): string[] {
    const paths = pathsOf(system);
    const { kind, home } = system;
    const name = kind === "windows" ? "pip.ini" : "pip.conf";
    const named = variable(system, "PIP_CONFIG_FILE");
    if (named === "/dev/null" || (kind === "windows" && named?.toLowerCase() === "nul")) return [];
    const apple = paths.join(home, "Library/Application Support/pip");
    const config = variable(system, "XDG_CONFIG_HOME") ?? paths.join(home, ".config");
    const user: Record<System["kind"], string[]> = {
        linux: [paths.join(home, ".pip", name), paths.join(config, "pip", name)],
        macos: [
            paths.join(home, ".pip", name),
            paths.join(system.exists(apple) ? apple : paths.join(home, ".config/pip"), name),
        ],
        windows: [
            paths.join(home, "pip", name),
            paths.join(variable(system, "APPDATA") ?? paths.join(home, "AppData", "Roaming"), "pip", name),
        ],
    };
    const site: Record<System["kind"], string[]> = {
        linux: [
            ...(variable(system, "XDG_CONFIG_DIRS") ?? "/etc/xdg")
                .split(":")
                .filter(Boolean)
                .map((directory) => paths.join(directory, "pip", name)),
            "/etc/pip.conf",
        ],
        macos: ["/Library/Application Support/pip/pip.conf"],
        windows: [paths.join(variable(system, "ProgramData") ?? "C:\\ProgramData", "pip", name)],
    };
    const own = named === undefined ? undefined : paths.resolve(system.workingDirectory, named);
    return [
        ...site[kind],
        // A file of PIP_CONFIG_FILE that is there stands in for the person's.
        ...(own !== undefined && system.exists(own) ? [] : user[kind]),
        ...(prefix === undefined ? [] : [paths.join(prefix, name)]),
        ...(own === undefined ? [] : [own]),
    ];
}

function normalized(key: string): string {
    return key.toLowerCase().replaceAll("_", "-").replace(/^--/, "");
}
