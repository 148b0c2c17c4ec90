import {
    type Client,
    type ClientFile,
    type ClientOf,
    type ClientPlace,
    isOnlyIndex,
    type PythonIndex,
    type Scope,
} from "python-registry/clients/client";
import { type Credential, findLogin, forms } from "python-registry/clients/credential";
import { joinParts, type Tool, tools } from "python-registry/clients/tools";
import { readFileSync } from "node:fs";
import { decodeText } from "./encoding";
import type { JournalReader, Plan } from "../journal/journal";
import type { ManagedEdit, Owner } from "../journal/record";
import { formats } from "../formats/formats";
import { readToml } from "../formats/toml";
import { type Format, NameConflictError, UnsupportedFileError } from "../formats/merge";
import type { RegistryOutputs } from "../registry/outputs";
import { configurable, type ConfigurableTool } from "./configurable";
import { descriptors } from "./descriptors";
import { getPlace } from "./places";
import { clientForProject, findProject, planPins } from "./project";
import type { Project } from "./project-tool";
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
    /** The registry as these files name it. */
    readonly index: PythonIndex;
    readonly client: Client;
    readonly edits: ReadonlyMap<string, ManagedEdit>;
    /** Files of this tool and scope that an earlier run with a different form of credential may have changed. */
    readonly otherForms: readonly string[];
    /** What the user should know about internal packages in this project. */
    readonly notices: readonly string[];
}

/** Why a tool is skipped. */
export interface SkippedTool {
    readonly tool: ConfigurableTool;
    /** A message that names the tool. */
    readonly problem: string;
}

/** The tool's executable; undefined if it is not on PATH, and for netrc, which has none. */
export function findLauncher(tool: ConfigurableTool, system: System): string | undefined {
    return descriptors[tool].commands
        .map((command) => onPath(system, command))
        .find((file) => file !== undefined);
}

/** The installed tools: those whose command is on PATH. */
export function installedTools(system: System): ConfigurableTool[] {
    return configurable.filter((tool) => findLauncher(tool, system) !== undefined);
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
    const { tool, registry, scope } = request;
    const names = candidateNames(registry);
    const project = scope === "project" ? await readProject(request, journal) : undefined;
    if (project !== undefined && "problem" in project)
        return { tool, problem: `${tool}: ${project.problem}` };
    for (const name of names) {
        const plan = buildPlan(request, { ...registry.index, name }, project);
        if ("problem" in plan) return plan;
        const conflict = await findConflict(plan, journal);
        if (conflict === undefined) return plan;
        // Every name leads to this one. `registry.index.name` can be pypi too.
        if (isOnlyIndex(registry.index) && conflict === "pypi") {
            return {
                tool,
                problem: `${tool}: its files have a different index, or a login, in the place of PyPI (under the name pypi), which this registry is to take. Remove it, and run this command again`,
            };
        }
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

/** The project that a tool works on, without what an earlier run added: only the user's own entries count. */
async function readProject(
    { tool, registry, scope, system }: ToolRequest,
    journal: JournalReader,
): Promise<Project | { readonly problem: string } | undefined> {
    const place = findProject(tool, system);
    if (place === undefined || "problem" in place) return place;
    const remove = (owner: Owner) =>
        owner.registry === registry.name && owner.tool === tool && owner.scope === scope;
    const { after } = await planFile(journal, place.path, { remove });
    return { file: place.path, data: readToml(after?.toString() ?? ""), system };
}

function buildPlan(
    request: ToolRequest,
    index: PythonIndex,
    project: Project | undefined,
): ToolPlan | SkippedTool {
    const { tool, registry, credential, scope, system } = request;
    const { client } = tools[tool];
    const conflict = project && descriptors[tool].project?.projectProblem?.(project, index);
    if (conflict !== undefined) return { tool, problem: `${tool}: ${conflict}` };
    const pins = project && planPins(descriptors[tool].project, index, project);
    const findClient = pins === undefined ? client : clientForProject(client, pins);
    const found = getFiles({ tool, clientOf: findClient, index, credential, scope });
    if ("problem" in found) return { tool, ...found };
    const edits = new Map<string, ManagedEdit>();
    for (const { file, secret } of found.files) {
        const place = getPlace(file, system, tool);
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
    const otherForms = placesOf(tool)
        .filter((file) => isInScope(file, scope, true))
        .map((file) => getPlace(file, system, tool))
        .flatMap((place) => ("problem" in place ? [] : [place.path]));
    return { tool, index, client: found.client, edits, otherForms, notices: pins?.notices ?? [] };
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
export function getFiles({
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
        const others = forms.filter((form) => form !== credential.form);
        return {
            problem: `${tool} does not support --auth ${credential.form}. Use ${options("auth", others)}`,
        };
    }
    const all = [...client.install, ...client.publish];
    const scopes = all.map((file) => file.scope);
    if (!scopes.includes(scope)) {
        return { problem: `${tool} has no files for --scope ${scope}. Use ${options("scope", scopes)}` };
    }
    const hasPassword = findLogin(credential) !== undefined;
    // One file can have a part for installing and another for publishing.
    const files = joinParts(all.filter((file) => isInScope(file, scope, hasPassword))).map((file) => ({
        file,
        secret: hasPassword && holdsPassword(file),
    }));
    return { client, files };
}

/** The places of all files of a tool, in all forms of credential. */
export function placesOf(tool: ConfigurableTool): ClientPlace[] {
    const { install, publish } = tools[tool].places;
    return [...new Set([...install, ...publish])];
}

/**
 * Whether a run edits a file. A project's files contain no password: the user's files that contain it belong to the project scope
 * too.
 */
export function isInScope(file: ClientPlace, scope: Scope, hasPassword: boolean): boolean {
    return file.scope === scope || (scope === "project" && hasPassword && holdsPassword(file));
}

/** Whether a file contains the password, if there is one. */
function holdsPassword({ scope, isPublic }: ClientPlace): boolean {
    return scope !== "project" && isPublic !== true;
}

/** The format of a client file. */
export function formatOfFile({ path }: ClientPlace): Format {
    if (path.linux.endsWith("netrc")) return "netrc";
    return isToml(path.linux) ? "toml" : "ini";
}

function isToml(path: string): boolean {
    return /\.toml$|Pipfile$/.test(path);
}

/** Settings in a tool's file with which internal packages can come from elsewhere. */
export function findGaps(
    { tool, index }: Pick<ToolPlan, "tool" | "index">,
    path: string,
    content: string,
    system: System,
): readonly string[] {
    const find = descriptors[tool].project?.findGaps;
    if (find === undefined || !isToml(path)) return [];
    const scope = path.endsWith("pyproject.toml") ? "project" : "user";
    return find({ path, scope, data: readToml(content), index, system });
}

/** The name in a tool's files that is already used for another registry. */
async function findConflict({ edits }: ToolPlan, journal: JournalReader): Promise<string | undefined> {
    try {
        for (const [path, edit] of edits) {
            await planFile(journal, path, { add: [edit] });
        }
        return undefined;
    } catch (error) {
        if (error instanceof NameConflictError) return error.registryName;
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
