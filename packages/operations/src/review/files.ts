import { createTwoFilesPatch, FILE_HEADERS_ONLY, OMIT_HEADERS } from "diff";
import type { Preview } from "./events";
import { type Entry, line } from "./entry";
import { list, say } from "./sentence";
import { isRecord, type Properties, serialize } from "./values";

/** Outputs that other entries are about. */
const shown = ["pipConf", "pypirc", "clients", "ci", "access", "serviceAccounts"];

/** The client files and CI snippets that change, as unified diffs. The files of a new stack are together in one diff. */
export function clientFileChanges({ outputs }: Preview): Entry[] {
    if (outputs.new === undefined) return [];
    const [before, after] = [getFiles(outputs.old ?? {}), getFiles(outputs.new)];
    if (before.size === 0 && after.size > 1) {
        const patches = [...after].map(([name, text]) =>
            createTwoFilesPatch("/dev/null", name, "", text, undefined, undefined, {
                headerOptions: FILE_HEADERS_ONLY,
            }),
        );
        const text = say`The stack's first files: ${list([...after.keys()])}`;
        return [{ kind: "diff", text, hunks: patches.join("") }];
    }
    return [...new Set([...before.keys(), ...after.keys()])].flatMap((name): Entry[] => {
        const [from, to] = [before.get(name), after.get(name)];
        if (from === to) return [];
        const hunks = createTwoFilesPatch(name, name, from ?? "", to ?? "", undefined, undefined, {
            headerOptions: OMIT_HEADERS,
        });
        const what = from === undefined ? say` is new` : to === undefined ? say` is removed` : [];
        return [{ kind: "diff", text: say`${name}${what}`, hunks }];
    });
}

/** The other outputs that change. Their values are not shown. */
export function otherOutputs({ outputs: { old, new: next } }: Preview): Entry[] {
    if (old === undefined || next === undefined) return [];
    const changed = [...new Set([...Object.keys(old), ...Object.keys(next)])].filter(
        (name) => !shown.includes(name) && serialize(old[name]) !== serialize(next[name]),
    );
    return changed.length === 0 ? [] : [line(say`Also changes in the outputs: ${list(changed.sort())}`)];
}

/** The client files that are no text. A text that is hidden is a hidden output. */
export function unreadableFiles({ outputs: { old, new: next } }: Preview): Entry[] {
    const all = [...unreadable(old ?? {}), ...unreadable(next ?? {})];
    return [...new Set(all)].map((name) => line(say`The output for the file ${name} is not a text.`));
}

function unreadable(outputs: Properties): string[] {
    return filesIn(outputs).flatMap(([name, value]) =>
        typeof value === "string" || typeof value === "symbol" ? [] : [name],
    );
}

/** The files by name: a tool's file as TOOL/FILE. */
function getFiles(outputs: Properties): Map<string, string> {
    return new Map(
        filesIn(outputs).flatMap(([name, value]) => (typeof value === "string" ? [[name, value]] : [])),
    );
}

function filesIn({ pipConf, pypirc, clients, ci }: Properties): [name: string, value: unknown][] {
    const all: [string, unknown][] = [
        ["pip.conf", pipConf],
        [".pypirc", pypirc],
        ...getEntries("clients", clients).flatMap(([tool, files]) => getEntries(tool, files)),
        ...getEntries("ci", ci),
    ];
    return all.filter(([, value]) => value !== undefined);
}

/** The values in a map, each with its path; a value that is no map is one itself. */
function getEntries(path: string, value: unknown): [string, unknown][] {
    if (!isRecord(value)) return [[path, value]];
    return Object.entries(value).map(([key, each]) => [path === "clients" ? key : `${path}/${key}`, each]);
}
