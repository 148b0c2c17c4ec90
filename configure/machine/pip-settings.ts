import { readFile } from "node:fs/promises";
import { readIni } from "../formats/ini";
import { UnsupportedFileError } from "../formats/merge";
import { pipFiles } from "./pip-files";
import { pathsOf, type System, variable } from "./system";

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
    readonly problems: readonly { readonly file: string; readonly reason: string }[];
}

/**
 * Reads pip's settings as pip merges them. Files from low to high precedence: the machine's, the user's, the virtual
 * environment's, PIP_CONFIG_FILE. `[install]` overrides `[global]`, and variables override both. A value replaces the one
 * that it overrides completely, even a list.
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
    const problems: { file: string; reason: string }[] = [];
    for (const file of configurationFiles(system, prefix)) {
        if (!system.exists(file)) continue;
        try {
            for (const [name, entries] of readIni(withoutMark(await readFile(file, "utf8"), "pip"))) {
                for (const [key, value] of entries) {
                    const found: PipValue = { value, from: file, file };
                    sections.get(name)?.set(normalizedKey(key), found);
                    if (sections.has(name)) all.push([normalizedKey(key), found]);
                }
            }
        } catch (error) {
            problems.push({ file, reason: reasonOf(error) });
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
        problems,
    };
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
export function withoutMark(text: string, tool: string): string {
    if (text.startsWith("\uFEFF")) {
        throw new UnsupportedFileError(
            1,
            `${tool} does not accept a file that starts with a byte-order mark. Save the file without it`,
        );
    }
    return text;
}

/** Why a file cannot be read, without any of its content. */
export function reasonOf(error: unknown): string {
    const { code, line, message } = error as Error & { code?: unknown; line?: unknown };
    if (typeof code === "string") return `cannot be read (${code})`;
    return typeof line === "number" ? `line ${line}: ${message}` : message;
}

/** From low to high precedence. */
function configurationFiles(system: System, prefix: string | undefined): string[] {
    const paths = pathsOf(system);
    const { kind } = system;
    const named = variable(system, "PIP_CONFIG_FILE");
    if (named === "/dev/null" || (kind === "windows" && named?.toLowerCase() === "nul")) return [];
    const { global, user } = pipFiles(system);
    const own = named === undefined ? undefined : paths.resolve(system.workingDirectory, named);
    return [
        ...global,
        // If the file that PIP_CONFIG_FILE names exists, it replaces the user's files.
        ...(own !== undefined && system.exists(own) ? [] : user),
        ...(prefix === undefined ? [] : [paths.join(prefix, kind === "windows" ? "pip.ini" : "pip.conf")]),
        ...(own === undefined ? [] : [own]),
    ];
}

function normalizedKey(key: string): string {
    return key.toLowerCase().replaceAll("_", "-").replace(/^--/, "");
}
