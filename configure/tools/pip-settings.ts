import { readFile } from "node:fs/promises";
import { readIni } from "../formats/ini";
import { NotUnderstood } from "../formats/merge";
import { type System, variable } from "../machine/system";
import { pipFiles } from "./pip";

/** A value that pip uses, and the file or variable that it comes from. */
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
    /** What every file says about a key, in force or not. */
    everywhere(key: string): readonly PipValue[];
    /** Files that cannot be read, with the reason. */
    readonly errors: readonly { readonly file: string; readonly reason: string }[];
}

/**
 * Reads pip's settings as pip merges them: files of the machine, the user, the environment, PIP_CONFIG_FILE. `[install]`
 * overrides `[global]`, and variables override both. A later value replaces an earlier one as a whole, also a list.
 * (`pip config debug` fails at the first file that pip refuses, and is missing where pip is.)
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
    const errors: { file: string; reason: string }[] = [];
    for (const file of pipFiles(system, prefix)) {
        if (!system.exists(file)) continue;
        try {
            for (const [name, entries] of readIni(refuseByteOrderMark(await readFile(file, "utf8"), "pip"))) {
                for (const [key, value] of entries) {
                    const found: PipValue = { value, from: file, file };
                    sections.get(name)?.set(normalized(key), found);
                    if (sections.has(name)) all.push([normalized(key), found]);
                }
            }
        } catch (error) {
            errors.push({ file, reason: errorReason(error) });
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
        // pip ignores an empty value.
        return candidates.find((found) => found !== undefined && found.value !== "");
    };
    return {
        value: inForce,
        everywhere: (key) => all.flatMap(([name, found]) => (name === key ? [found] : [])),
        errors,
    };
}

/** Whether pip reads a value as true. */
export function isYes(setting: PipValue | undefined): boolean {
    return /^(y|yes|t|true|on|1)$/i.test(setting?.value ?? "");
}

/**
 * Returns the text as it is.
 *
 * @throws NotUnderstood if it starts with a byte-order mark, which Python's parser refuses
 */
export function refuseByteOrderMark(text: string, tool: string): string {
    if (text.startsWith("\uFEFF")) {
        throw new NotUnderstood(
            1,
            `${tool} refuses a file that starts with a byte-order mark. Save it without one`,
        );
    }
    return text;
}

/** Why a file cannot be read. The text repeats nothing of the file. */
export function errorReason(error: unknown): string {
    const { code, line, message } = error as Error & { code?: unknown; line?: unknown };
    if (typeof code === "string") return `cannot be read (${code})`;
    return typeof line === "number" ? `line ${line}: ${message}` : message;
}

function normalized(key: string): string {
    return key.toLowerCase().replaceAll("_", "-").replace(/^--/, "");
}
