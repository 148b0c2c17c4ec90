import { readdirSync, readFileSync } from "node:fs";
import { isOnlyIndex, type PythonIndex } from "python-registry/clients/client";
import { indexOption, indexVariable } from "python-registry/clients/pip";
import { withoutUserInfo } from "../formats/merge";
import { getPathSyntax, type System, variable } from "../machine/system";

type Index = Pick<PythonIndex, "indexUrl" | "publicPackages">;

/**
 * An option in a requirements file that makes pip drop the indexes of its configuration, its variables and its command line; or that
 * adds an index to the only one.
 */
export interface IndexOverride {
    /** The file with the option, with its path. */
    readonly file: string;
    /** 1 for the first. */
    readonly line: number;
    readonly option: "--index-url" | "--extra-index-url" | "--no-index";
    /** The program that wrote the file, if its header names one. */
    readonly generator?: keyof typeof generators;
}

/** The programs that name themselves in the file that they write, and how they then leave the option out. */
const generators = {
    "pip-compile": "Compile it again with pip-compile --no-emit-index-url",
    "uv pip compile": "Compile it again without --emit-index-url",
    "pdm export": "Move the source pypi above the others in pyproject.toml, and export it again",
} as const;

/**
 * Finds the options through which `pip install -r` does not ask an index, in the requirements files of the working directory.
 * pip resets its list of indexes at `--index-url`, and what follows in the files is added to the new list.
 *
 * Only text is read: no file from the network, and no file that pip itself could not read.
 *
 * @see https://pip.pypa.io/en/stable/reference/requirements-file-format/
 */
export function findIndexOverrides(system: System, index: Index): IndexOverride[] {
    const found = requirementsFiles(system).flatMap((file) => {
        const indexes: Indexes = { isAsked: true, isOff: false };
        readRequirements(file, indexes, {
            system,
            wanted: withoutUserInfo(index.indexUrl),
            isOnly: isOnlyIndex(index),
            including: [],
        });
        return indexes.override === undefined ? [] : [indexes.override];
    });
    // Several files can include the same one.
    return [...new Map(found.map((each) => [`${each.file}:${each.line}`, each])).values()];
}

/** What an override does, and what to do about it. */
export function describeIndexOverride(
    { file, line, option, generator }: IndexOverride,
    index: Index,
): { readonly message: string; readonly fix: string } {
    const where = `${file}:${line}`;
    if (option === "--no-index") {
        return {
            message: `${where} has --no-index: with this file, pip asks no index`,
            fix: "Remove the option, or install from the files that --find-links names",
        };
    }
    if (option === "--extra-index-url") {
        return {
            message: `${where} has --extra-index-url: with this file, pip asks another index beside this registry, and takes the highest version`,
            fix: "Remove the option",
        };
    }
    const remove = generator === undefined ? "Remove the option" : generators[generator];
    return {
        message: `${where} has --index-url: with this file, pip ignores the index in pip.conf, in ${indexVariable(index)} and on the command line`,
        fix:
            `${remove}. ` +
            (isOnlyIndex(index)
                ? ""
                : "If you need that index, move it to pip.conf: pip config set global.index-url URL. ") +
            `Or add a line after the option: --${indexOption(index)} ${index.indexUrl}`,
    };
}

/** The files that people and their tools name as requirements, in the working directory and in its folder `requirements`. */
function requirementsFiles(system: System): string[] {
    const { workingDirectory } = system;
    const paths = getPathSyntax(system);
    const named = (directory: string, pattern: RegExp) =>
        directoryEntries(directory)
            .filter((name) => pattern.test(name))
            .map((name) => paths.join(directory, name));
    return [
        ...named(
            workingDirectory,
            /^(?:.*[-_.])?(?:requirements?|reqs?|constraints?)(?:[-_.].*)?\.(?:txt|in|pip)$/i,
        ),
        ...named(paths.join(workingDirectory, "requirements"), /\.(?:txt|in|pip)$/i),
    ];
}

function directoryEntries(directory: string): string[] {
    try {
        return readdirSync(directory).sort();
    } catch {
        return [];
    }
}

/** What pip knows about its indexes after the lines that it has read. */
interface Indexes {
    /** Whether the wanted index is among them. */
    isAsked: boolean;
    /** Whether `--no-index` has turned all of them off, for good. */
    isOff: boolean;
    /** The option that has dropped the wanted index, or added another one to it. */
    override?: IndexOverride;
}

interface Reading {
    readonly system: System;
    /** The wanted index, as `withoutUserInfo` writes it. */
    readonly wanted: string;
    /** Whether no other index may be asked. */
    readonly isOnly: boolean;
    /** The files that include this one, the outermost first. */
    readonly including: readonly string[];
}

function readRequirements(file: string, indexes: Indexes, reading: Reading): void {
    const { system, wanted, isOnly, including } = reading;
    const text = readText(file);
    // pip refuses a file that includes itself.
    if (text === undefined || including.includes(file)) return;
    const generator = findGenerator(text);
    for (const { line, text: content } of logicalLines(text)) {
        const options = parseOptions(expandVariables(content, system));
        const [included] = [...(options["requirement"] ?? []), ...(options["constraint"] ?? [])];
        if ("editable" in options) continue;
        if (included !== undefined) {
            if (/^\w{2,}:/.test(included)) continue;
            const paths = getPathSyntax(system);
            const path = paths.resolve(system.workingDirectory, paths.dirname(file), included);
            readRequirements(path, indexes, { ...reading, including: [...including, file] });
            continue;
        }
        const override = (option: IndexOverride["option"]) => {
            indexes.isAsked = false;
            indexes.override = { file, line, option, ...(generator && { generator }) };
        };
        // In this order, independent of the order in the line.
        if ("no-index" in options) {
            indexes.isOff = true;
            override("--no-index");
        }
        // pip ignores an empty one.
        const url = (options["index-url"] ?? options["pypi-url"])?.at(-1) || undefined;
        if (url !== undefined && !indexes.isOff && withoutUserInfo(url) !== wanted) override("--index-url");
        const extra = (options["extra-index-url"] ?? []).filter((each) => each !== "");
        const added = [...(url === undefined ? [] : [url]), ...extra];
        // Beside another index, the only one is not the only one any more. After it, only an --index-url makes it that again.
        const isRestored = (each: string) => withoutUserInfo(each) === wanted && (!isOnly || each === url);
        if (!indexes.isOff && added.some(isRestored)) {
            indexes.isAsked = true;
            delete indexes.override;
        }
        if (isOnly && indexes.isAsked && extra.some((each) => withoutUserInfo(each) !== wanted)) {
            override("--extra-index-url");
        }
    }
}

function readText(file: string): string | undefined {
    try {
        const bytes = readFileSync(file);
        const mark = bytes.subarray(0, 2).toString("hex");
        const encodings: Readonly<Record<string, string>> = { fffe: "utf-16le", feff: "utf-16be" };
        return new TextDecoder(encodings[mark] ?? "utf-8").decode(bytes);
    } catch {
        return undefined;
    }
}

/** The program that wrote a file, after its first lines. */
function findGenerator(text: string): keyof typeof generators | undefined {
    const [, program = ""] =
        /^# ?This file (?:is|was) (?:auto|@)generated by (pip-compile|uv|PDM)\b/m.exec(text.slice(0, 1000)) ??
        [];
    const names: Readonly<Record<string, keyof typeof generators>> = {
        "pip-compile": "pip-compile",
        uv: "uv pip compile",
        PDM: "pdm export",
    };
    return names[program];
}

const comment = /(?:^|\s+)#.*$/;
/** What ends a line for Python's `splitlines`. */
// eslint-disable-next-line no-control-regex
const lineEnd = /\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/;

/** The lines that pip sees, each with the number of its first line: without comments, and joined after a backslash. */
function logicalLines(text: string): { readonly line: number; readonly text: string }[] {
    const lines: { line: number; text: string }[] = [];
    let open: { line: number; text: string } | undefined;
    for (const [number, content] of text.split(lineEnd).entries()) {
        // A backslash in a comment joins nothing.
        const isComment = /^\s*#/.test(content);
        const joined = (open?.text ?? "") + (isComment ? " " : "") + content.replace(/\\+$/, "");
        const entry = { line: open?.line ?? number + 1, text: joined };
        if (content.endsWith("\\") && !isComment) {
            open = entry;
        } else {
            open = undefined;
            lines.push(entry);
        }
    }
    if (open !== undefined) lines.push(open);
    return lines
        .map(({ line, text: whole }) => ({ line, text: whole.replace(comment, "").trim() }))
        .filter(({ text: content }) => content !== "");
}

/** pip expands variables in requirements files only if they are in braces and upper case. */
function expandVariables(text: string, system: System): string {
    return text.replace(/\$\{([A-Z0-9_]+)\}/g, (whole, name: string) => variable(system, name) ?? whole);
}

/** pip's options in a requirements file, and whether each takes a value. An option can be written as any unique prefix. */
const longOptions: Readonly<Record<string, boolean>> = {
    "index-url": true,
    "pypi-url": true,
    "extra-index-url": true,
    "no-index": false,
    constraint: true,
    requirement: true,
    editable: true,
    "find-links": true,
    "no-binary": true,
    "only-binary": true,
    "prefer-binary": false,
    "require-hashes": false,
    "no-require-hashes": false,
    pre: false,
    "all-releases": true,
    "only-final": true,
    "trusted-host": true,
    "use-feature": true,
    hash: true,
    "config-settings": true,
};
const shortOptions: Readonly<Record<string, string>> = {
    i: "index-url",
    r: "requirement",
    c: "constraint",
    e: "editable",
    f: "find-links",
    C: "config-settings",
};

/** The options of a line with their values, as Python's optparse reads them; none for a line with a requirement. */
function parseOptions(line: string): Readonly<Partial<Record<string, readonly string[]>>> {
    if (!line.startsWith("-")) return {};
    const options: Record<string, string[]> = {};
    const words = splitWords(line);
    for (let word = words.shift(); word !== undefined; word = words.shift()) {
        if (word === "--") break;
        const [, name, long, short = "", rest] = /^-(?:-([^=]+)(?:=(.*))?|(\w)(.*))$/s.exec(word) ?? [];
        const option = name === undefined ? shortOptions[short] : completeOption(name);
        if (option === undefined) continue;
        const attached = long ?? (rest === "" ? undefined : rest);
        const value = longOptions[option] === false ? "" : (attached ?? words.shift() ?? "");
        (options[option] ??= []).push(value);
    }
    return options;
}

function completeOption(name: string): string | undefined {
    if (Object.hasOwn(longOptions, name)) return name;
    const [option, ...others] = Object.keys(longOptions).filter((each) => each.startsWith(name));
    return others.length > 0 ? undefined : option;
}

/** The words of a line as a POSIX shell splits them. */
function splitWords(line: string): string[] {
    return [...line.matchAll(/(?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^\s'"\\])+/gs)].map(([word]) =>
        word.replace(
            /'([^']*)'|"((?:\\.|[^"\\])*)"|\\(.)/gs,
            (_, single?: string, double?: string, escaped?: string) =>
                single ?? double?.replace(/\\(["\\])/g, "$1") ?? escaped ?? "",
        ),
    );
}
