import { type Scope } from "../src/clients/client";
import { type Form, loginOf } from "../src/clients/credential";
import { resolveLinks } from "./journal/atomic-file";
import {
    configurable,
    type ConfigurableTool,
    installedTools,
    planFile,
    planTool,
    type ToolPlan,
} from "./tools/contributions";
import { pipSettings } from "./machine/pip-settings";
import { findCredential, type FoundCredential } from "./registry/credential";
import { type JournalReader, type Plan, readJournal, withJournal } from "./journal/journal";
import type { ManagedEdit, Owner } from "./journal/record";
import { type OutputsSource, readOutputs, type RegistryOutputs } from "./registry/outputs";
import {
    action,
    printError,
    printLine,
    printNote,
    unifiedDiff,
    warnIfCredentialRemains,
    warnIfReadable,
} from "./report";
import { pathsOf, type System, variable } from "./machine/system";

/** What the command line says. */
export interface ConfigureOptions {
    readonly stack?: string;
    readonly outputs?: string;
    /** Those that are installed, unless named here. */
    readonly tool?: readonly ConfigurableTool[];
    readonly auth: Form;
    readonly account?: string;
    readonly credentialFile?: string;
    readonly scope: Scope;
    readonly dryRun: boolean;
}

/**
 * Puts a registry's client files in place.
 *
 * @returns whether all of it was done; what was not is told
 */
export async function configure(options: ConfigureOptions, system: System): Promise<boolean> {
    const { auth: form, scope } = options;
    const { registry, credential, from } = await resolveRequest(options, system);
    const tools = options.tool ?? detectTools(system);
    const login = loginOf(credential);
    printLine(`Registry ${registry.name}`);
    if (from !== undefined) {
        printLine(`Credential: ${form === "token" ? "an access token" : "a key"} from ${from}`);
    }

    return applyPlans(
        options,
        system,
        login === undefined ? [] : [login.password],
        async (journal, plans) => {
            const planned: ToolPlan[] = [];
            for (const tool of tools) {
                await plans.attempt(tool, async () => {
                    const plan = await planTool({ tool, registry, credential, scope, system }, journal);
                    if (!("problem" in plan)) planned.push(plan);
                    else if (options.tool === undefined) printLine(`${tool}: left out, ${plan.problem}`);
                    else plans.fail(`${tool}: ${plan.problem}`);
                });
            }
            // All of these tools and this scope goes, then what is wanted now comes: nothing of an earlier run with another
            // form of credential stays, a password above all.
            const remove = (owner: Owner) =>
                owner.registry === registry.name &&
                owner.scope === scope &&
                planned.some(({ tool }) => tool === owner.tool);
            const files = await groupByFile(planned);
            for (const [path, add] of files) {
                await plans.add(() => planFile(journal, path, { remove, add }));
            }
            const others = await Promise.all(
                planned.flatMap(({ otherForms }) => otherForms).map(resolveLinks),
            );
            for (const { path } of await journal.files()) {
                if (others.includes(path) && !files.has(path)) {
                    await plans.add(() => planFile(journal, path, { remove }));
                }
            }
            return async () => {
                (await pipOverrideNotices(planned, system)).forEach(printNote);
                printNextSteps(planned, registry, options, system);
            };
        },
    );
}

/** What is to be taken out; all that is not limited here. */
export type UndoOptions = Pick<ConfigureOptions, "stack" | "outputs" | "tool" | "dryRun"> & {
    readonly scope?: Scope;
};

/**
 * Takes out what `configure` has put in: all of it, or of one registry, of some tools, of one scope.
 *
 * @returns whether all of it was done; what was not is told
 */
export async function undo(options: UndoOptions, system: System): Promise<boolean> {
    const { stack, outputs, tool: tools, scope: scopeOnly } = options;
    const one =
        (stack ?? outputs) === undefined ? undefined : (await readRegistry(options, false, system)).name;
    const remove = ({ registry, tool, scope }: Owner) =>
        (one === undefined || registry === one) &&
        (tools === undefined || tools.some((name) => name === tool)) &&
        (scopeOnly === undefined || scope === scopeOnly);
    return applyPlans(options, system, [], async (journal, plans) => {
        const files = (await journal.files()).filter(({ owners }) => owners.some(remove));
        for (const { path } of files) {
            await plans.add(() => planFile(journal, path, { remove }));
        }
        if (files.length === 0) printLine("There is nothing to take out.");
        return () => Promise.resolve();
    });
}

/** Reads the registry and finds the credential that the command line names. */
export async function resolveRequest(
    options: Omit<ConfigureOptions, "tool" | "scope" | "dryRun">,
    system: System,
): Promise<FoundCredential & { readonly registry: RegistryOutputs }> {
    const { auth: form, account, credentialFile: file } = options;
    if (form === "keyring" && (account ?? file) !== undefined) {
        throw new Error(
            "--account and --credential-file go with --auth token or key: a keyring needs neither",
        );
    }
    if (options.outputs === "-" && file === "-") {
        throw new Error("--outputs and --credential-file cannot both be read from standard input");
    }
    const registry = await readRegistry(options, form === "key" && file === undefined, system);
    return { registry, ...(await findCredential({ form, account, file }, registry, system)) };
}

/** The registry that the command line names. */
export function readRegistry(
    { stack, outputs }: Pick<ConfigureOptions, "stack" | "outputs">,
    secrets: boolean,
    system: System,
): Promise<RegistryOutputs> {
    const source: OutputsSource | undefined =
        stack !== undefined ? { stack } : outputs !== undefined ? { file: outputs } : undefined;
    if (source === undefined) {
        throw new Error("which registry? Give --stack NAME, or --outputs FILE. See --help");
    }
    return readOutputs(source, secrets, system);
}

/** What is to be done, and whether anything stands in the way. */
class Plans {
    readonly all: Plan[] = [];
    failed = false;

    fail(message: string): void {
        this.failed = true;
        printError(message);
    }

    /** Does a part of the work: where that fails, the others are done all the same. */
    async attempt(what: string | undefined, work: () => Promise<void>): Promise<void> {
        try {
            await work();
        } catch (error) {
            const { message } = error as Error;
            this.fail(what === undefined ? message : `${what}: ${message}`);
        }
    }

    add(work: () => Promise<Plan>): Promise<void> {
        return this.attempt(undefined, async () => {
            this.all.push(await work());
        });
    }
}

/** Has plans made, then carries them out, or prints them. */
async function applyPlans(
    { dryRun }: Pick<ConfigureOptions, "dryRun">,
    system: System,
    credentials: readonly string[],
    planning: (journal: JournalReader, plans: Plans) => Promise<() => Promise<void>>,
): Promise<boolean> {
    const plans = new Plans();
    const directory = stateDirectory(system);
    if (dryRun) {
        await planning(readJournal(directory), plans);
        for (const plan of plans.all) {
            if (action(plan) === "unchanged") printLine(`${plan.path} would stay as it is`);
            else printLine(unifiedDiff(plan, credentials));
            plan.notices.forEach(printNote);
        }
        return !plans.failed;
    }
    const waiting = () => {
        printNote("another run is at work, or was killed at work: waiting for it");
    };
    await withJournal(
        directory,
        async (journal) => {
            const after = await planning(journal, plans);
            for (const plan of plans.all) {
                await plans.attempt(undefined, async () => {
                    await journal.commit(plan);
                    printLine(`${action(plan).padEnd(9)} ${plan.path}`);
                    plan.notices.forEach(printNote);
                    warnIfReadable(plan, system);
                    warnIfCredentialRemains(plan);
                });
            }
            await after();
        },
        waiting,
    );
    return !plans.failed;
}

/** The edits to each file: several tools can share one. */
async function groupByFile(planned: readonly ToolPlan[]): Promise<Map<string, ManagedEdit[]>> {
    const files = new Map<string, ManagedEdit[]>();
    for (const [path, edit] of planned.flatMap(({ edits }) => [...edits])) {
        const file = await resolveLinks(path);
        files.set(file, [...(files.get(file) ?? []), edit]);
    }
    return files;
}

/** What else pip reads: of its files and variables, the last that has extra-index-url replaces the others'. */
async function pipOverrideNotices(planned: readonly ToolPlan[], system: System): Promise<string[]> {
    const [path] = planned.find(({ tool }) => tool === "pip")?.edits.keys() ?? [];
    if (path === undefined) {
        return [];
    }
    const settings = await pipSettings(system, variable(system, "VIRTUAL_ENV"));
    const inForce = settings.value("extra-index-url");
    if (inForce === undefined) {
        return [];
    }
    if (inForce.file !== path) {
        return [`pip takes extra-index-url from ${inForce.from}, and no more from ${path}`];
    }
    const counting = inForce.value.split(/\s+/);
    return settings
        .everywhere("extra-index-url")
        .filter(
            ({ file, value }) => file !== path && value.split(/\s+/).some((url) => !counting.includes(url)),
        )
        .map(
            ({ from }) =>
                `pip heeds the extra-index-url of ${from} no more: that of ${path} replaces it. Add what you need`,
        );
}

/** Tells what else there is to do, and how to use it. */
function printNextSteps(
    planned: readonly ToolPlan[],
    { index }: RegistryOutputs,
    { auth, scope }: ConfigureOptions,
    { kind }: System,
): void {
    const shell = kind === "windows" ? "powershell" : "posix";
    for (const { tool, name, client } of planned) {
        const { setup, install, publish } = client.commands;
        if (name !== index.name) {
            printLine(`${tool}: ${index.name} stands for another registry; this one is ${name}`);
        }
        const places = client.install.map((file) => file.scope);
        if (scope === "user" && places.includes("project") && !places.includes("user")) {
            printNote(`${tool} takes its indexes from each project: in its folder, add --scope project`);
        }
        for (const [what, lines] of [
            ["once", auth === "keyring" ? setup[shell] : []],
            ["install", install[shell]],
            ["publish", publish[shell]],
        ] as const) {
            lines.forEach((text) => {
                printLine(`${tool}, ${what}: ${text}`);
            });
        }
    }
}

function detectTools(system: System): ConfigurableTool[] {
    const tools = installedTools(system);
    if (tools.length === 0) {
        throw new Error(`none of the tools is on PATH; name them with --tool: ${configurable.join(", ")}`);
    }
    printLine(`Tools found: ${tools.join(", ")}`);
    return tools;
}

/** Where it is remembered what was put into which file. https://specifications.freedesktop.org/basedir-spec/latest/ */
function stateDirectory(system: System): string {
    const { kind, home } = system;
    const stated = variable(system, "XDG_STATE_HOME");
    const bases = {
        windows: variable(system, "LOCALAPPDATA") ?? `${home}\\AppData\\Local`,
        macos: `${home}/Library/Application Support`,
        // A relative one would be another folder in each working directory.
        linux: stated?.startsWith("/") === true ? stated : `${home}/.local/state`,
    };
    return pathsOf(system).join(bases[kind], "python-registry");
}
