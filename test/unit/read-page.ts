import { strict as assert } from "node:assert";
import type { Form } from "../../packages/registry/src/clients/credential";
import type { ToolDefinition } from "../../packages/registry/src/clients/tool";
import { type Tool, type ToolClients, tools } from "../../packages/registry/src/clients/tools";

// Follows the page for developers, so that tests can compare what its reader gets with the generated clients.

/** What to do for one tool in one form: files by their place on Linux, and commands. */
export interface Instructions {
    readonly files: Readonly<Record<string, string>>;
    readonly setup: readonly string[];
    readonly install: readonly string[];
    readonly publish: readonly string[];
}

export type Steps = Readonly<Record<"keyring" | "token", Readonly<Record<string, Instructions>>>>;

/** Reads the page; for the token, changes the keyring's files and commands as the page says. */
export function readPage(page: string): Steps {
    const [withKeyring = "", withToken = ""] = page.split(/^## With a token .*$/m);
    const keyring = Object.fromEntries(
        sections("##", withKeyring).flatMap(([heading, text]) => {
            const files = Object.fromEntries(
                [...text.matchAll(/^In [^`]*`([^`]+)`.*:\n\n```(?:toml|ini)\n([^]*?)^```$/gm)].map(
                    ([, path, file]) => [path ?? "", file ?? ""],
                ),
            );
            return Object.keys(files).length === 0
                ? []
                : [[heading.toLowerCase(), { files, ...commandsIn(text) }] as const];
        }),
    );
    const token = Object.fromEntries(
        sections("###", withToken).map(([heading, text]) => {
            const tool = heading.toLowerCase();
            const as = keyring[tool];
            assert.ok(as !== undefined, heading);
            const given = commandsIn(text);
            const after = (variables: readonly string[], commands: readonly string[]) =>
                commands.length === 0
                    ? []
                    : [...variables, ...commands.filter((line) => !line.startsWith("export "))];
            const files = Object.entries(as.files).map(([path, file]) => [path, changed(file, path, text)]);
            return [
                tool,
                {
                    files: Object.fromEntries(files) as Record<string, string>,
                    setup: given.setup,
                    install: after(given.install, as.install),
                    publish: after(given.publish, as.publish),
                },
            ];
        }),
    );
    return { keyring, token };
}

const definitions: Readonly<Record<string, ToolDefinition>> = tools;

/** The tools of the page: files for machines are not on it. */
export function forPeople(
    clients: Readonly<Record<Tool, ToolClients>>,
): [tool: string, client: ToolClients][] {
    return Object.entries(clients).filter(([tool]) => definitions[tool]?.guide !== undefined);
}

/** What the page must say: everything that was generated for people and projects. */
export function getSteps(clients: Readonly<Record<Tool, ToolClients>>): Steps {
    const inForm = (form: Form) =>
        Object.fromEntries(
            forPeople(clients).map(([tool, { install, publish, commands }]) => {
                const files: Record<string, string> = {};
                for (const { path, scope, text, ...file } of [...install, ...publish]) {
                    if (file.form !== form || !["user", "project"].includes(scope)) continue;
                    if (definitions[tool]?.sharedFiles?.includes(path.linux) === true) continue;
                    const earlier = files[path.linux];
                    if (earlier === text) continue;
                    files[path.linux] = earlier === undefined ? text : `${earlier}\n${text}`;
                }
                const lines = (step: "setup" | "install" | "publish") =>
                    commands[form]?.[step].posix.filter((line) => !line.startsWith("#")) ?? [];
                return [
                    tool,
                    {
                        files,
                        setup: lines("setup"),
                        install: lines("install"),
                        publish: lines("publish"),
                    },
                ];
            }),
        ) as Record<string, Instructions>;
    return { keyring: inForm("keyring"), token: inForm("token") };
}

/** Steps without blank lines in files: a line that is left out leaves those around it. */
export function withoutBlankLines(steps: Record<string, Instructions>): Record<string, Instructions> {
    return Object.fromEntries(
        Object.entries(steps).map(([tool, { files, ...commands }]) => [
            tool,
            {
                files: Object.fromEntries(
                    Object.entries(files).map(([path, text]) => [path, text.replace(/^\n/gm, "")]),
                ),
                ...commands,
            },
        ]),
    );
}

function sections(level: "##" | "###", text: string): [heading: string, text: string][] {
    return [...text.matchAll(new RegExp(`^${level} (.*)\\n([^]*?)(?=^${level} |(?![^]))`, "gm"))].map(
        ([, heading, content]) => [heading ?? "", content ?? ""],
    );
}

/** The commands of each step: one in its line, or several in a block. */
function commandsIn(text: string): Pick<Instructions, "setup" | "install" | "publish"> {
    const steps = [
        ...text.matchAll(/^(?:- )?(Once|Install|Publish|To )(.*): `([^`]+)`$/gm),
        ...text.matchAll(/^(Once|Install|Publish|To )(.*):\n\n```sh\n([^]*?)\n```$/gm),
    ].map(([, verb = "", rest = "", lines = ""]) => ({ title: verb + rest, lines: lines.split("\n") }));
    const of = (title: RegExp) => {
        const found = steps.filter((step) => title.test(step.title));
        assert.ok(found.length < 2, `${title.source} is there twice:\n${text}`);
        return found[0]?.lines ?? [];
    };
    return {
        setup: of(/^Once/),
        install: of(/^Install|^To install/),
        publish: of(/^Publish|^To publish|^To install and to publish$/),
    };
}

/** The file with the changes that the text names for it: a line replaces the one with its key in its table, or is added. */
function changed(file: string, path: string, text: string): string {
    const name = path.split("/").at(-1);
    // A table each, with its heading; first the lines without one.
    const tables = file.split(/^(?=\[)/m).map((table) => table.trimEnd().split("\n"));
    if (file.startsWith("[")) {
        tables.unshift([""]);
    }
    for (const [, heading, of, what = ""] of text.matchAll(/^- In (?:`([^`]+)` of )?`([^`]+)`: (.*)$/gm)) {
        if (of !== name) continue;
        const out = [...what.matchAll(/leave out ((?:`[^`]+`(?: and )?)+)/g)].flatMap(([, lines]) =>
            codes(lines),
        );
        const given = codes(what.replace(/leave out .*$/, ""));
        const named = heading ?? out.find((line) => line.startsWith("["));
        const at = tables.filter((lines) => (named === undefined ? lines === tables[0] : lines[0] === named));
        assert.equal(at.length, 1, `${named} of ${path}`);
        const lines = at[0] ?? [];
        for (const line of out) {
            assert.ok(lines.includes(line), `${path} has no ${line}`);
            lines.splice(lines.indexOf(line), 1);
        }
        for (const line of given) {
            const key = /^[\w-]+/.exec(line)?.[0] ?? "";
            const same = lines.findIndex((other) => /^[\w-]+/.exec(other)?.[0] === key);
            lines.splice(same === -1 ? lines.length : same, same === -1 ? 0 : 1, line);
        }
    }
    return tables.map((lines) => lines.map((line) => `${line}\n`).join("")).join("\n");
}

function codes(text = ""): string[] {
    return [...text.matchAll(/`([^`]+)`/g)].map(([, code]) => code ?? "");
}
