import { createTwoFilesPatch, FILE_HEADERS_ONLY, OMIT_HEADERS } from "diff";
import * as v from "valibot";
import type { Preview, Properties } from "./events";
import { type Entry, line } from "./entry";
import { list, say } from "./sentence";

const texts = v.fallback(v.record(v.string(), v.fallback(v.string(), "")), {});
const schema = v.object({
    pipConf: v.fallback(v.optional(v.string()), undefined),
    pypirc: v.fallback(v.optional(v.string()), undefined),
    clients: v.optional(v.fallback(v.record(v.string(), texts), {}), {}),
    ci: v.optional(texts, {}),
});
/** Outputs that other entries are about. */
const shown = ["pipConf", "pypirc", "clients", "ci", "access", "serviceAccounts"];

/** The client files and CI snippets that change, as unified diffs. The files of a new stack are together in one diff. */
export function clientFileChanges({ outputs }: Preview): Entry[] {
    if (outputs.new === undefined) return [];
    const [before, after] = [filesOf(outputs.old ?? {}), filesOf(outputs.new)];
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

/** The files by name: a tool's file as TOOL/FILE. */
function filesOf(outputs: Properties): Map<string, string> {
    const parsed = v.parse(schema, outputs);
    const all: [string, string | undefined][] = [
        ["pip.conf", parsed.pipConf],
        [".pypirc", parsed.pypirc],
        ...Object.entries(parsed.clients).flatMap(([tool, files]) =>
            Object.entries(files).map(([name, text]): [string, string] => [`${tool}/${name}`, text]),
        ),
        ...Object.entries(parsed.ci).map(([workload, text]): [string, string] => [`ci/${workload}`, text]),
    ];
    return new Map(all.flatMap(([name, text]) => (text === undefined ? [] : [[name, text] as const])));
}

/** Symbols, which replace secrets and unknown values, are equal to themselves. */
function serialize(value: unknown): string {
    return JSON.stringify([value], (_, each: unknown) => (typeof each === "symbol" ? String(each) : each));
}
