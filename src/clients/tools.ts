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

/** All supported tools, with the function that creates the files and commands of each. */
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

/** The name of a supported tool. */
export type Tool = keyof typeof tools;

/** A client file and its form of credential. */
export interface FormFile extends ClientFile {
    readonly form: Form;
}

/** The files and commands of one tool, in several forms of credential. */
export interface ToolClients {
    /** Files that the tool needs to install packages. */
    readonly install: readonly FormFile[];
    /** Files that the tool needs to publish packages. */
    readonly publish: readonly FormFile[];
    /** Commands by form of credential, for the forms that the tool supports. */
    readonly commands: Readonly<Partial<Record<Form, Client["commands"]>>>;
}

/** The files and commands of every tool for an index, in each given form of credential that the tool supports. */
export function clientsOf(index: PythonIndex, credentials: readonly Credential[]): Record<Tool, ToolClients> {
    const forTool = (clientOf: ClientOf): ToolClients => {
        const clients = credentials.flatMap((credential) => {
            const client = clientOf(index, credential);
            return client === undefined ? [] : [{ form: credential.form, client }];
        });
        const files = (purpose: "install" | "publish") =>
            clients.flatMap(({ form, client }) => client[purpose].map((file) => ({ form, ...file })));
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

/** The text of each file, by tool and then by file name. */
export type FilesByTool = Readonly<Record<string, Readonly<Record<string, string>>>>;

/**
 * The files of all tools in one form of credential, without paths and commands: the value of the output `clients`. Tools that do
 * not support the form are left out. pip and twine are also left out, because their files are separate outputs.
 */
export function filesByTool(index: PythonIndex, credential: Credential): FilesByTool {
    const files = Object.entries<ClientOf>(tools)
        .filter(([tool]) => tool !== "pip" && tool !== "twine")
        .map(([tool, clientOf]) => {
            const client = clientOf(index, credential);
            const named = namedFiles([...(client?.install ?? []), ...(client?.publish ?? [])]);
            // Hatch installs with uv and reads uv's own file, which is already in the entry of uv.
            if (tool === "hatch") delete named["uv.toml"];
            return [tool, named] as const;
        });
    return Object.fromEntries(files.filter(([, named]) => Object.keys(named).length > 0));
}

/** Texts by file name. If a file has one part to install and one to publish, both are joined to one text. */
function namedFiles(files: readonly ClientFile[]): Record<string, string> {
    const parts = new Map<string, Set<string>>();
    for (const { path, text } of files) {
        const name = basename(path.linux);
        parts.set(name, (parts.get(name) ?? new Set()).add(text));
    }
    return Object.fromEntries([...parts].map(([name, texts]) => [name, [...texts].join("\n")]));
}
