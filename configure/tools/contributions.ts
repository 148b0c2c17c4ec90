import type { Client, ClientFile, ClientOf, PythonIndex, Scope } from "../../src/clients/client";
import { type Credential, loginOf } from "../../src/clients/credential";
import { poetryPins } from "../../src/clients/poetry";
import { tools } from "../../src/clients/tools";
import { isAmong } from "../../src/names/package-names";
import type { JournalReader, Plan } from "../journal/journal";
import type { ManagedEdit } from "../journal/record";
import { formats } from "../formats/formats";
import { type Format, NameConflictError, UnsupportedFileError } from "../formats/merge";
import type { RegistryOutputs } from "../registry/outputs";
import { placeOf } from "../machine/places";
import { obstacleTo, type Project, readProject } from "../machine/project";
import { onPath, type System } from "../machine/system";

/** The tools that have files of their own to put in place. */
export const configurable = ["pip", "twine", "uv", "poetry", "pdm", "hatch", "pipenv", "netrc"] as const;
export type ConfigurableTool = (typeof configurable)[number];

/** What is to be put in place for one tool. */
export interface ToolRequest {
    readonly tool: ConfigurableTool;
    readonly registry: RegistryOutputs;
    readonly credential: Credential;
    readonly scope: Scope;
    readonly system: System;
}

/** A tool's files at their places, and what else there is to say. */
export interface ToolPlan {
    readonly tool: ConfigurableTool;
    /** What the registry is called in these files. */
    readonly name: string;
    readonly client: Client;
    readonly edits: ReadonlyMap<string, ManagedEdit>;
    /** Places where an earlier run with another form of credential may have left a file of this tool and scope. */
    readonly otherForms: readonly string[];
}

/** Why a tool is left out. */
export interface SkippedTool {
    readonly tool: ConfigurableTool;
    readonly problem: string;
}

/** The file that starts a tool; undefined where it is not on PATH, and for netrc, which nothing starts. */
export function launcherOf(tool: ConfigurableTool, system: System): string | undefined {
    const others: Partial<Record<ConfigurableTool, readonly string[]>> = { pip: ["pip", "pip3"], netrc: [] };
    const commands = others[tool] ?? [tool];
    return commands.map((command) => onPath(system, command)).find((file) => file !== undefined);
}

/** Which of the tools are installed: those whose command is on PATH. */
export function installedTools(system: System): ConfigurableTool[] {
    return configurable.filter((tool) => launcherOf(tool, system) !== undefined);
}

/**
 * Finds a tool's files, their places, and a name for the registry that no other one has in these files.
 *
 * @throws UnsupportedFileError and others as the journal does, with the path in front
 */
export async function planTool(
    request: ToolRequest,
    journal: JournalReader,
): Promise<ToolPlan | SkippedTool> {
    const { tool, registry } = request;
    const names = namesFor(registry);
    for (const name of names) {
        const plan = toolPlan(request, { ...registry.index, name });
        if ("problem" in plan) return plan;
        if (await isFree(plan, journal)) return plan;
    }
    return {
        tool,
        problem: `each of the names ${names.join(", ")} stands for another registry in its files`,
    };
}

/** The repository's name, then longer ones for a machine where that stands for another registry. */
function namesFor({ name, index }: RegistryOutputs): string[] {
    const [, project = "", , location = ""] = name.split("/");
    const plain = project.toLowerCase().replace(/[^a-z0-9]+/g, "-");
    return [index.name, `${plain}-${index.name}`, `${plain}-${location}-${index.name}`];
}

function toolPlan(request: ToolRequest, index: PythonIndex): ToolPlan | SkippedTool {
    const { tool, registry, credential, scope, system } = request;
    const clientOf = inProject(tools[tool], scope === "project" ? readProject(system) : undefined, tool);
    const found = filesOf(clientOf(index, credential), { credential, scope });
    if ("problem" in found) return { tool, ...found };
    const obstacle = scope === "project" ? obstacleTo(tool, system) : undefined;
    if (obstacle !== undefined) {
        return { tool, problem: obstacle };
    }
    const edits = new Map<string, ManagedEdit>();
    for (const { file, secret } of found.files) {
        const place = placeOf(file, system);
        if ("problem" in place) return { tool, problem: place.problem };
        edits.set(place.path, {
            owner: { registry: registry.name, tool, scope },
            format: formatOf(file),
            text: file.text,
            secret,
        });
    }
    const otherForms = everyForm.flatMap((other) =>
        filesIn(clientOf(index, other), scope, other).flatMap(({ file }) => {
            const place = placeOf(file, system);
            return "problem" in place ? [] : [place.path];
        }),
    );
    return { tool, name: index.name, client: found.client, edits, otherForms };
}

/** A whole file of a tool. */
export interface ScopeFile {
    readonly file: ClientFile;
    /** Whether the text holds a credential. */
    readonly secret: boolean;
}

/** Finds the whole files of a client in a scope, or says why there are none. */
export function filesOf(
    client: Client | undefined,
    { credential, scope }: Pick<ToolRequest, "credential" | "scope">,
): { readonly client: Client; readonly files: readonly ScopeFile[] } | Pick<SkippedTool, "problem"> {
    if (client === undefined) {
        return { problem: `it knows no ${credential.form}: take another --auth` };
    }
    const all = [...client.install, ...client.publish];
    if (!all.some((file) => file.scope === scope)) {
        const others = new Set(all.map((file) => file.scope));
        return { problem: `it has no files for --scope ${scope}, only for ${[...others].join(", ")}` };
    }
    const files = new Map<string, ScopeFile>();
    for (const { file, secret } of filesIn(client, scope, credential)) {
        const earlier = files.get(file.path.linux);
        // One file can have a part for installing and another for publishing.
        const text = earlier === undefined ? file.text : joined(earlier.file.text, file.text);
        files.set(file.path.linux, {
            file: { ...file, text },
            secret: secret || earlier?.secret === true,
        });
    }
    return { client, files: [...files.values()] };
}

/** The client of a tool for one project: with what only a look into the project can tell. */
function inProject(clientOf: ClientOf, project: Project | undefined, tool: ConfigurableTool): ClientOf {
    if (project === undefined) return clientOf;
    return (index, credential) => {
        // uv refuses to be told where the project itself comes from, and likewise each member of a workspace: there the
        // order of indexes has to do.
        const others = index.internalPackages.filter((name) => name !== project.name);
        const internalPackages = tool === "uv" && project.isWorkspace ? [] : others;
        const client = clientOf({ ...index, internalPackages }, credential);
        const pinned = project.dependencies.filter((name) => isAmong(name, internalPackages));
        if (client === undefined || tool !== "poetry" || pinned.length === 0) return client;
        const withPins = (file: ClientFile) =>
            file.scope === "project" ? { ...file, text: joined(file.text, poetryPins(index, pinned)) } : file;
        return { ...client, install: client.install.map(withPins) };
    };
}

/** Credentials of every form, to find out which files a tool has; what they hold is never written. */
const everyForm: readonly Credential[] = [
    { form: "keyring" },
    { form: "token", token: "ya29-nobodys" },
    { form: "key", keyBase64: "bm9ib2R5cw==" },
];

/**
 * A tool's files of a scope, and whether they hold a credential. A project's hold none: so with a project go the
 * person's own files that do.
 */
function filesIn(client: Client | undefined, scope: Scope, credential: Credential): ScopeFile[] {
    const login = loginOf(credential);
    return [...(client?.install ?? []), ...(client?.publish ?? [])]
        .map((file) => ({
            file,
            secret: login !== undefined && file.text.includes(beginningOf(login.password)),
        }))
        .filter(({ file, secret }) => file.scope === scope || (scope === "project" && secret));
}

/** As much of a password as is the same in an address, where the rest may be percent-encoded. */
function beginningOf(password: string): string {
    return /^[\w.-]*/.exec(password)?.[0] ?? "";
}

function joined(one: string, other: string): string {
    return one === other ? one : `${one}\n${other}`;
}

function formatOf({ path }: ClientFile): Format {
    if (path.linux.endsWith("netrc")) return "netrc";
    return /\.toml$|Pipfile$/.test(path.linux) ? "toml" : "ini";
}

async function isFree({ edits }: ToolPlan, journal: JournalReader): Promise<boolean> {
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

/** A plan for one file; what is not understood is told with the file's path. */
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
        throw new Error(`${where}: ${error.message}. The file was left as it is`, { cause: error });
    }
}
