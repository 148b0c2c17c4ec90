import { basename } from "node:path/posix";
import type { Client, ClientFile, ClientOf, PythonIndex } from "./client";
import type { Credential, Form } from "./credential";
import { dockerfileClient } from "./dockerfile";
import { environmentClient } from "./environment";
import { hatchClient } from "./hatch";
import { netrcClient } from "./netrc";
import { pdmClient } from "./pdm";
import { pipClient } from "./pip";
import { pipenvClient } from "./pipenv";
import { poetryClient } from "./poetry";
import { twineClient } from "./twine";
import { uvClient } from "./uv";

/** Every tool that files are made for. */
export const tools = {
    pip: pipClient,
    twine: twineClient,
    uv: uvClient,
    poetry: poetryClient,
    pdm: pdmClient,
    hatch: hatchClient,
    pipenv: pipenvClient,
    netrc: netrcClient,
    environment: environmentClient,
    dockerfile: dockerfileClient,
} satisfies Record<string, ClientOf>;

export type Tool = keyof typeof tools;

/** A client file in one form of credential. */
export interface FormFile extends ClientFile {
    readonly form: Form;
}

/** What a tool needs, in some forms of credential: the value of the output `clients` for it. */
export interface ToolClients {
    readonly install: readonly FormFile[];
    readonly publish: readonly FormFile[];
    readonly commands: Readonly<Partial<Record<Form, Client["commands"]>>>;
}

/** What each tool needs for an index, in those of these forms that the tool knows. */
export function clientsOf(index: PythonIndex, credentials: readonly Credential[]): Record<Tool, ToolClients> {
    const forTool = (clientOf: ClientOf): ToolClients => {
        const clients = credentials.flatMap((credential) => {
            const client = clientOf(index, credential);
            return client === undefined ? [] : [{ form: credential.form, client }];
        });
        const files = (which: "install" | "publish") =>
            clients.flatMap(({ form, client }) => client[which].map((file) => ({ form, ...file })));
        return {
            install: files("install"),
            publish: files("publish"),
            commands: Object.fromEntries(clients.map(({ form, client }) => [form, client.commands])),
        };
    };
    return Object.fromEntries(
        Object.entries(tools).map(([name, clientOf]) => [name, forTool(clientOf)]),
    ) as Record<Tool, ToolClients>;
}

/** Finished files by tool, then by file name. */
export type FilesByTool = Readonly<Record<string, Readonly<Record<string, string>>>>;

/**
 * Every tool's files in one form of credential, without their places and commands: the value of the output `clients`.
 * Left out are a tool that does not support the form, and pip and twine, whose files are outputs of their own.
 */
export function filesByTool(index: PythonIndex, credential: Credential): FilesByTool {
    const files = Object.entries<ClientOf>(tools)
        .filter(([tool]) => tool !== "pip" && tool !== "twine")
        .map(([tool, clientOf]) => {
            const client = clientOf(index, credential);
            const named = namedFiles([...(client?.install ?? []), ...(client?.publish ?? [])]);
            // Hatch installs with uv and reads uv's own file, which is there already.
            if (tool === "hatch") delete named["uv.toml"];
            return [tool, named] as const;
        });
    return Object.fromEntries(files.filter(([, named]) => Object.keys(named).length > 0));
}

/** Texts by file name. Parts of one file, one for installing and one for publishing, become one text. */
function namedFiles(files: readonly ClientFile[]): Record<string, string> {
    const parts = new Map<string, Set<string>>();
    for (const { path, text } of files) {
        const name = basename(path.linux);
        parts.set(name, (parts.get(name) ?? new Set()).add(text));
    }
    return Object.fromEntries([...parts].map(([name, texts]) => [name, [...texts].join("\n")]));
}
