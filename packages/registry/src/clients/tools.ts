import { basename } from "node:path/posix";
import type { Client, ClientFile, ClientOf, PythonIndex } from "./client";
import type { Credential, Form } from "./credential";
import { dockerfile } from "./dockerfile";
import { environmentFor } from "./environment";
import { hatch } from "./hatch";
import { netrc } from "./netrc";
import { pdm } from "./pdm";
import { pip } from "./pip";
import { pipenv } from "./pipenv";
import { poetry } from "./poetry";
import type { ToolDefinition } from "./tool";
import { twine } from "./twine";
import { uv } from "./uv";

/** The tools, in the order of the page for developers and of the file of variables. */
const pythonTools = { pip, uv, twine, poetry, pdm, hatch, pipenv, netrc };

/** All supported tools, and the files that are for several of them. */
export const tools = {
    ...pythonTools,
    environment: environmentFor(Object.values<ToolDefinition>(pythonTools)),
    dockerfile,
} satisfies Record<string, ToolDefinition>;

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
export function renderClients(
    index: PythonIndex,
    credentials: readonly Credential[],
): Record<Tool, ToolClients> {
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
        Object.entries(tools).map(([name, { client }]) => [name, forTool(client)]),
    ) as Record<Tool, ToolClients>;
}

/** The text of each file, by tool and then by file name. */
export type FilesByTool = Record<string, Record<string, string>>;

/**
 * The files of all tools in one form of credential, without paths and commands: the value of the output `clients`. Tools that do
 * not support the form are left out. Tools whose files are separate outputs are also left out.
 */
export function filesByTool(index: PythonIndex, credential: Credential): FilesByTool {
    const files = Object.entries<ToolDefinition>(tools)
        .filter(([, { hasOwnOutputs }]) => hasOwnOutputs !== true)
        .map(([tool, { client: clientOf, sharedFiles = [] }]) => {
            const client = clientOf(index, credential);
            const all = [...(client?.install ?? []), ...(client?.publish ?? [])];
            const own = all.filter(({ path }) => !sharedFiles.includes(path.linux));
            return [tool, joinParts(own).map(({ path, text }) => [basename(path.linux), text])] as const;
        });
    return Object.fromEntries(
        files.flatMap(([tool, named]) => (named.length === 0 ? [] : [[tool, Object.fromEntries(named)]])),
    );
}

/** Each file once. If a file has one part to install and one to publish, both are joined to one text. */
export function joinParts<F extends ClientFile>(files: readonly F[]): F[] {
    return [...new Set(files.map(({ path }) => path.linux))].map((linux) => {
        const parts = files.filter(({ path }) => path.linux === linux) as [F, ...F[]];
        return { ...parts[0], text: [...new Set(parts.map(({ text }) => text))].join("\n") };
    });
}
