import type { Client, ClientFile, ClientOf, PythonIndex, Scope } from "../../src/clients/client";
import { type Credential, loginOf } from "../../src/clients/credential";
import { type Tool, tools } from "../../src/clients/tools";
import { readFileSync } from "node:fs";
import { decodeText } from "./encoding";
import type { JournalReader, Plan } from "../journal/journal";
import type { ManagedEdit } from "../journal/record";
import { formats } from "../formats/formats";
import { type Format, NameConflictError, UnsupportedFileError } from "../formats/merge";
import type { RegistryOutputs } from "../registry/outputs";
import { configurable, type ConfigurableTool, descriptors } from "./descriptors";
import { placeOf } from "./places";
import { clientForProject, projectProblem, readProject } from "./project";
import { onPath, type System } from "../machine/system";

/** What to set up for one tool. */
export interface ToolRequest {
    readonly tool: ConfigurableTool;
    readonly registry: RegistryOutputs;
    readonly credential: Credential;
    readonly scope: Scope;
    readonly system: System;
}

/** The edits for a tool, by file, and what else to tell the user. */
export interface ToolPlan {
    readonly tool: ConfigurableTool;
    /** The registry's name in these files. */
    readonly name: string;
    readonly client: Client;
    readonly edits: ReadonlyMap<string, ManagedEdit>;
    /** Files of this tool and scope that an earlier run with a different form of credential may have changed. */
    readonly otherForms: readonly string[];
}

/** Why a tool is skipped. */
export interface SkippedTool {
    readonly tool: ConfigurableTool;
    /** A message that names the tool. */
    readonly problem: string;
}

/** The tool's executable; undefined if it is not on PATH, and for netrc, which has none. */
export function launcherOf(tool: ConfigurableTool, system: System): string | undefined {
    return descriptors[tool].commands
        .map((command) => onPath(system, command))
        .find((file) => file !== undefined);
}

/** The installed tools: those whose command is on PATH. */
export function installedTools(system: System): ConfigurableTool[] {
    return configurable.filter((tool) => launcherOf(tool, system) !== undefined);
}

/**
 * Plans a tool's edits, with a name for the registry that is not used for another one in these files.
 *
 * @throws Error as `planFile` does
 */
export async function planTool(
    request: ToolRequest,
    journal: JournalReader,
): Promise<ToolPlan | SkippedTool> {
    const { tool, registry } = request;
    const names = candidateNames(registry);
    for (const name of names) {
        const plan = buildPlan(request, { ...registry.index, name });
        if ("problem" in plan) return plan;
        if (await isNameFree(plan, journal)) return plan;
    }
    return {
        tool,
        problem: `${tool}: the names ${names.join(", ")} are already used for other registries in its files`,
    };
}

/** The repository's name, then longer names in case it is already used for another registry. */
function candidateNames({ name, index }: RegistryOutputs): string[] {
    const [, project = "", , location = ""] = name.split("/");
    const plain = project.toLowerCase().replace(/[^a-z0-9]+/g, "-");
    return [index.name, `${plain}-${index.name}`, `${plain}-${location}-${index.name}`];
}

function buildPlan(request: ToolRequest, index: PythonIndex): ToolPlan | SkippedTool {
    const { tool, registry, credential, scope, system } = request;
    const descriptor = descriptors[tool];
    const { client } = tools[tool];
    const clientOf = scope === "project" ? clientForProject(client, descriptor, readProject(system)) : client;
    const found = filesOf({ tool, clientOf, index, credential, scope });
    if ("problem" in found) return { tool, ...found };
    const files = found.files.map(({ file }) => file);
    const conflict = projectProblem(descriptor, files, system);
    if (conflict !== undefined) return { tool, problem: `${tool}: ${conflict}` };
    const edits = new Map<string, ManagedEdit>();
    for (const { file, secret } of found.files) {
        const place = placeOf(file, system);
        if ("problem" in place) return { tool, problem: `${tool}: ${place.problem}` };
        const unreadable = unreadableProblem(place.path, system);
        if (unreadable !== undefined) return { tool, problem: `${tool}: ${unreadable}` };
        edits.set(place.path, {
            owner: { registry: registry.name, tool, scope },
            format: formatOfFile(file),
            text: file.text,
            secret,
        });
    }
    const otherForms = sampleCredentials.flatMap((other) =>
        filesInScope(clientOf(index, other), scope, other).flatMap(({ file }) => {
            const place = placeOf(file, system);
            return "problem" in place ? [] : [place.path];
        }),
    );
    return { tool, name: index.name, client: found.client, edits, otherForms };
}

/** Why Python could not read an existing file, before and after an edit. */
function unreadableProblem(path: string, system: System): string | undefined {
    try {
        if (system.exists(path)) decodeText(readFileSync(path), system);
    } catch (error) {
        if (error instanceof UnsupportedFileError)
            return `${path}:${error.line ?? 1}: ${error.message}. The file was not changed`;
        // Such as a directory: the edit fails, and says why.
    }
    return undefined;
}

/** A complete file of a tool. */
export interface ScopeFile {
    readonly file: ClientFile;
    /** Whether the text contains a credential. */
    readonly secret: boolean;
}

/** What `filesOf` needs to know. */
export interface FilesRequest extends Pick<ToolRequest, "credential" | "scope"> {
    readonly tool: Tool;
    readonly clientOf: ClientOf;
    readonly index: PythonIndex;
}

/** A tool's complete files in a scope, or why there are none. */
export function filesOf({
    tool,
    clientOf,
    index,
    credential,
    scope,
}: FilesRequest):
    { readonly client: Client; readonly files: readonly ScopeFile[] } | Pick<SkippedTool, "problem"> {
    const client = clientOf(index, credential);
    const options = (name: string, values: readonly string[]) =>
        [...new Set(values)].map((value) => `--${name} ${value}`).join(" or ");
    if (client === undefined) {
        const supported = sampleCredentials.filter((other) => clientOf(index, other) !== undefined);
        const forms = supported.map(({ form }) => form);
        return {
            problem: `${tool} does not support --auth ${credential.form}. Use ${options("auth", forms)}`,
        };
    }
    const scopes = [...client.install, ...client.publish].map((file) => file.scope);
    if (!scopes.includes(scope)) {
        return { problem: `${tool} has no files for --scope ${scope}. Use ${options("scope", scopes)}` };
    }
    const files = new Map<string, ScopeFile>();
    for (const { file, secret } of filesInScope(client, scope, credential)) {
        const earlier = files.get(file.path.linux);
        // One file can have a part for installing and another for publishing.
        const text = earlier === undefined ? file.text : joinTexts(earlier.file.text, file.text);
        files.set(file.path.linux, {
            file: { ...file, text },
            secret: secret || earlier?.secret === true,
        });
    }
    return { client, files: [...files.values()] };
}

/** A credential of each form, to find out which files a tool has. Their values are never written. */
export const sampleCredentials: readonly Credential[] = [
    { form: "keyring" },
    { form: "token", token: "ya29-nobodys" },
    { form: "key", keyBase64: "bm9ib2R5cw==" },
];

/**
 * A tool's files in a scope. A project's files contain no credential: the user's files that contain it belong to the
 * project scope too.
 */
function filesInScope(client: Client | undefined, scope: Scope, credential: Credential): ScopeFile[] {
    const login = loginOf(credential);
    return [...(client?.install ?? []), ...(client?.publish ?? [])]
        .map((file) => ({
            file,
            secret: login !== undefined && file.text.includes(percentSafePrefix(login.password)),
        }))
        .filter(({ file, secret }) => file.scope === scope || (scope === "project" && secret));
}

/** The beginning of a password, up to the first character that is percent-encoded in a URL. */
function percentSafePrefix(password: string): string {
    return /^[\w.-]*/.exec(password)?.[0] ?? "";
}

function joinTexts(one: string, other: string): string {
    return one === other ? one : `${one}\n${other}`;
}

/** The format of a client file. */
export function formatOfFile({ path }: ClientFile): Format {
    if (path.linux.endsWith("netrc")) return "netrc";
    return /\.toml$|Pipfile$/.test(path.linux) ? "toml" : "ini";
}

async function isNameFree({ edits }: ToolPlan, journal: JournalReader): Promise<boolean> {
    try {
        for (const [path, edit] of edits) {
            await planFile(journal, path, { add: [edit] });
        }
        return true;
    } catch (error) {
        if (error instanceof NameConflictError) return false;
        throw error;
    }
}

/**
 * Plans a change to one file.
 *
 * @throws Error as the journal does; of an unsupported file, with its path and line
 */
export async function planFile(
    journal: JournalReader,
    path: string,
    change: Parameters<JournalReader["plan"]>[1],
): Promise<Plan> {
    try {
        return await journal.plan(path, change, (format) => formats[format]);
    } catch (error) {
        if (!(error instanceof UnsupportedFileError)) throw error;
        const where = error.line === undefined ? path : `${path}:${error.line}`;
        throw new Error(`${where}: ${error.message}. The file was not changed`, { cause: error });
    }
}
