import { isOnlyIndex, type Scope } from "python-registry/clients/client";
import { type Form, findLogin } from "python-registry/clients/credential";
import { resolveLinks } from "./journal/atomic-file";
import { namedRegistries } from "./tools/named-registries";
import { projectTools } from "./tools/project";
import { findGaps, installedTools, planFile, planTool, type ToolPlan } from "./tools/tool-plan";
import { configurable, type ConfigurableTool } from "./tools/configurable";
import { descriptors } from "./tools/descriptors";
import { type LockContext, lockNotices } from "./tools/lock-files";
import { describeIndexOverride, findIndexOverrides } from "./tools/requirements";
import { findCredential, type FoundCredential } from "./registry/credential";
import { JournalReader, type Plan, withJournal } from "./journal/journal";
import type { ManagedEdit, Owner } from "./journal/record";
import { assertExpected, compareWithKnown, type ExpectedRegistry } from "./registry/expected";
import { type OutputsSource, readOutputs, type RegistryOutputs } from "./registry/outputs";
import {
    action,
    printError,
    printLine,
    printNote,
    printWarning,
    unifiedDiff,
    warnIfCredentialRemains,
    warnIfReadable,
    warnIfUnrestricted,
} from "./report";
import { askYesNo } from "./machine/input";
import { getPathSyntax, type System, variable } from "./machine/system";

/** What the command line says. */
export interface ConfigureOptions extends ExpectedRegistry {
    readonly stack?: string;
    readonly outputs?: string;
    /** By default, the installed tools. */
    readonly tool?: readonly ConfigurableTool[];
    readonly auth: Form;
    readonly account?: string;
    readonly credentialFile?: string;
    readonly scope: Scope;
    readonly dryRun: boolean;
}

/**
 * Adds a registry to the configuration of the tools on this machine.
 *
 * @returns whether everything was done; what was not is reported
 */
export async function configure(options: ConfigureOptions, system: System): Promise<boolean> {
    const { auth: form, scope } = options;
    const tools = options.tool ?? (scope === "project" ? projectTools(system) : installedTools(system));
    const { registry, credential, from } = await resolveRequest(options, tools, system);
    if (options.tool === undefined) printFoundTools(tools, scope);
    const login = findLogin(credential);
    printLine(`Registry ${registry.name}`);
    if (from !== undefined) {
        printLine(`Credential: ${form === "token" ? "an access token" : "a key"} from ${from}`);
    }

    const planned: ToolPlan[] = [];
    const done = await applyPlans(
        options,
        system,
        {
            credentials: login === undefined ? [] : [login.password],
            // With one index, every package is to come from it.
            internalPackages: isOnlyIndex(registry.index) ? ["*"] : registry.index.internalPackages,
            registry: { name: registry.name, indexUrl: registry.index.indexUrl },
            indexNames: () => new Map(planned.map(({ tool, index }) => [tool, index.name])),
        },
        async (journal, plans) => {
            for (const tool of tools) {
                await plans.attempt(tool, async () => {
                    const plan = await planTool({ tool, registry, credential, scope, system }, journal);
                    if (!("problem" in plan)) planned.push(plan);
                    else if (options.tool === undefined) printLine(`Skipped: ${plan.problem}`);
                    else plans.fail(plan.problem);
                });
            }
            // First remove all edits of these tools in this scope, so that nothing stays from an earlier run with a
            // different form of credential, such as a password.
            const remove = (owner: Owner) =>
                owner.registry === registry.name &&
                owner.scope === scope &&
                planned.some(({ tool }) => tool === owner.tool);
            const files = await groupByFile(planned);
            for (const [path, add] of files) {
                await plans.add(async () => {
                    const plan = await planFile(journal, path, { remove, add });
                    for (const each of planned.filter(({ tool }) =>
                        add.some(({ owner }) => owner.tool === tool),
                    )) {
                        for (const gap of findGaps(each, plan.path, plan.after?.toString() ?? "", system)) {
                            plans.warnings.add(gap);
                        }
                    }
                    return plan;
                });
            }
            planned.flatMap(({ notices }) => notices).forEach((notice) => plans.notices.add(notice));
            const others = await Promise.all(
                planned.flatMap(({ otherForms }) => otherForms).map(resolveLinks),
            );
            for (const { path } of await journal.files()) {
                if (others.includes(path) && !files.has(path)) {
                    await plans.add(() => planFile(journal, path, { remove }));
                }
            }
            return async () => {
                for (const { tool, edits } of planned) {
                    for (const path of edits.keys()) {
                        (await descriptors[tool].noticesAfter?.(path, registry.index, system))?.forEach(
                            printNote,
                        );
                    }
                }
                printNextSteps(planned, registry, options, system);
            };
        },
    );
    // pip has no file in a project, so it may not be among the planned tools.
    if (options.tool?.includes("pip") !== false) {
        for (const override of findIndexOverrides(system, registry.index)) {
            const { message, fix } = describeIndexOverride(override, registry.index);
            printNote(`${message}. ${fix}`);
        }
    }
    return done;
}

/** Which edits to remove: all of them, unless limited here. */
export type UndoOptions = Pick<ConfigureOptions, "stack" | "outputs" | "tool" | "dryRun"> &
    ExpectedRegistry & { readonly scope?: Scope };

/**
 * Removes what `configure` added: everything, or only of one registry, of some tools or of one scope.
 *
 * @returns whether everything was done; what was not is reported
 */
export async function undo(options: UndoOptions, system: System): Promise<boolean> {
    const { stack, outputs } = options;
    const registryName =
        (stack ?? outputs) === undefined ? undefined : (await readRegistry(options, false, system)).name;
    const remove = ({ registry, tool, scope }: Owner) =>
        (registryName === undefined || registry === registryName) &&
        (options.tool === undefined || options.tool.some((name) => name === tool)) &&
        (options.scope === undefined || scope === options.scope);
    return applyPlans(options, system, {}, async (journal, plans) => {
        const files = (await journal.files()).filter(({ owners }) => owners.some(remove));
        for (const { path } of files) {
            await plans.add(() => planFile(journal, path, { remove }));
        }
        if (files.length === 0) printLine("There is nothing to remove.");
        return () => Promise.resolve();
    });
}

/**
 * Reads the registry and finds the credential that the command line names. If the machine has other registries, a new one needs
 * a yes, or options that exclude the others.
 *
 * @param tools those whose files will be edited
 */
export async function resolveRequest(
    options: Omit<ConfigureOptions, "tool">,
    tools: readonly ConfigurableTool[],
    system: System,
): Promise<FoundCredential & { readonly registry: RegistryOutputs }> {
    const { auth: form, account, credentialFile: file } = options;
    if (form === "keyring" && (account ?? file) !== undefined) {
        throw new Error(
            "--account and --credential-file need --auth token or --auth key: a keyring uses neither",
        );
    }
    if (options.outputs === "-" && file === "-") {
        throw new Error("--outputs and --credential-file cannot both be read from standard input");
    }
    const registry = await readRegistry(options, form === "key" && file === undefined, system);
    await confirmRegistry(registry, options, tools, system);
    return { registry, ...(await findCredential({ form, account, file }, registry, system)) };
}

async function confirmRegistry(
    registry: RegistryOutputs,
    options: ExpectedRegistry & Pick<ConfigureOptions, "auth" | "scope" | "dryRun">,
    tools: readonly ConfigurableTool[],
    system: System,
): Promise<void> {
    const { auth: form, scope } = options;
    const files = await new JournalReader(stateDirectory(system)).files();
    const known = new Set([
        ...files.flatMap(({ owners }) => owners.map((owner) => owner.registry)),
        ...(await namedRegistries({ tools, registry, form, scope, system })),
    ]);
    const added = compareWithKnown(registry, options, [...known]);
    if (added === undefined) return;
    const needed = `If you expect this, add ${added.options}`;
    if (options.dryRun) {
        printNote(`${added.text}. ${needed}`);
        return;
    }
    const answer = await askYesNo(`${added.text}. Add the new registry?`);
    if (answer === true) return;
    throw new Error(
        answer === false ? "Nothing was changed" : `${added.text}. Nothing was changed. ${needed}`,
    );
}

/**
 * Reads the registry that the command line names.
 *
 * @throws Error if it is not the registry that the command line expects
 */
export async function readRegistry(
    { stack, outputs, ...expected }: ExpectedRegistry & Pick<ConfigureOptions, "stack" | "outputs">,
    secrets: boolean,
    system: System,
): Promise<RegistryOutputs> {
    const source: OutputsSource | undefined =
        stack !== undefined ? { stack } : outputs !== undefined ? { file: outputs } : undefined;
    if (source === undefined) {
        throw new Error("No registry given. Use --stack NAME or --outputs FILE. See --help");
    }
    const registry = await readOutputs(source, secrets, system);
    assertExpected(registry, expected);
    return registry;
}

/** The planned changes, and whether anything failed. */
class Plans {
    readonly all: Plan[] = [];
    readonly notices = new Set<string>();
    readonly warnings = new Set<string>();
    failed = false;

    fail(message: string): void {
        this.failed = true;
        printError(message);
    }

    /** Does a part of the work. If it fails, the error is reported and the rest continues. */
    async attempt(what: string | undefined, work: () => Promise<void>): Promise<void> {
        try {
            await work();
        } catch (error) {
            const { message } = error as Error;
            this.fail(what === undefined ? message : `${what}: ${message}`);
        }
    }

    /** Prints what the user should know beyond what happens to each file. */
    report(): void {
        this.notices.forEach(printNote);
        this.warnings.forEach(printWarning);
    }

    add(work: () => Promise<Plan>): Promise<void> {
        return this.attempt(undefined, async () => {
            this.all.push(await work());
        });
    }
}

/** What the notes about a plan depend on. */
interface PlanContext extends Partial<Pick<LockContext, "internalPackages" | "registry">> {
    /** Not to be shown. */
    readonly credentials?: readonly string[];
    readonly indexNames?: () => LockContext["indexNames"];
}

/** Makes the plans, then applies or prints them. `planning` returns what to do afterwards. */
async function applyPlans(
    { dryRun }: Pick<ConfigureOptions, "dryRun">,
    system: System,
    { credentials = [], internalPackages = [], registry, indexNames = () => new Map() }: PlanContext,
    planning: (journal: JournalReader, plans: Plans) => Promise<() => Promise<void>>,
): Promise<boolean> {
    const plans = new Plans();
    const printLockNotices = (plan: Plan) => {
        const context = {
            internalPackages,
            indexNames: indexNames(),
            dryRun,
            system,
            ...(registry && { registry }),
        };
        lockNotices(plan, context).forEach(printNote);
    };
    const directory = stateDirectory(system);
    if (dryRun) {
        await planning(new JournalReader(directory), plans);
        for (const plan of plans.all) {
            if (action(plan) === "unchanged") printLine(`${plan.path} would not change`);
            else printLine(unifiedDiff(plan, credentials));
            plan.notices.forEach(printNote);
            warnIfUnrestricted(plan);
            printLockNotices(plan);
        }
        plans.report();
        return !plans.failed;
    }
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
                    warnIfUnrestricted(plan);
                    printLockNotices(plan);
                });
            }
            plans.report();
            await after();
        },
        () => {
            printNote("Waiting for another configure run to finish…");
        },
    );
    return !plans.failed;
}

/** The edits of each file. Several tools can share a file. */
async function groupByFile(planned: readonly ToolPlan[]): Promise<Map<string, ManagedEdit[]>> {
    const files = new Map<string, ManagedEdit[]>();
    for (const [path, edit] of planned.flatMap(({ edits }) => [...edits])) {
        const file = await resolveLinks(path);
        files.set(file, [...(files.get(file) ?? []), edit]);
    }
    return files;
}

/** Prints what else there is to do, and how to use the registry. */
function printNextSteps(
    planned: readonly ToolPlan[],
    { index }: RegistryOutputs,
    { auth, scope }: ConfigureOptions,
    { kind }: System,
): void {
    const shell = kind === "windows" ? "powershell" : "posix";
    for (const { tool, index: named, client } of planned) {
        const { name } = named;
        const { setup, install, publish } = client.commands;
        if (name !== index.name) {
            printLine(
                `${tool}: "${index.name}" is already used for another registry in this file; this one is named "${name}"`,
            );
        }
        const scopes = client.install.map((file) => file.scope);
        if (scope === "user" && scopes.includes("project") && !scopes.includes("user")) {
            printNote(
                `${tool} reads its indexes from each project. Run this command in the project's directory with --scope project`,
            );
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

/** @throws Error that says to name the tools, if none were found */
function printFoundTools(tools: readonly ConfigurableTool[], scope: Scope): void {
    if (tools.length > 0) {
        printLine(`Tools ${scope === "project" ? "of this project" : "found"}: ${tools.join(", ")}`);
        return;
    }
    const choices = configurable.filter(
        (tool) => scope !== "project" || descriptors[tool].project !== undefined,
    );
    throw new Error(
        scope === "project"
            ? "No file here shows which tool this project uses (a lock file, a table in pyproject.toml, a build backend, a " +
                  `Pipfile). Run this command in the project's directory, or name the tools with --tool: ${choices.join(", ")}`
            : `None of the tools is on PATH. Name them with --tool: ${choices.join(", ")}`,
    );
}

/** Where the journal is stored. https://specifications.freedesktop.org/basedir-spec/latest/ */
function stateDirectory(system: System): string {
    const { kind, home } = system;
    const stateHome = variable(system, "XDG_STATE_HOME");
    const bases = {
        windows: variable(system, "LOCALAPPDATA") ?? `${home}\\AppData\\Local`,
        macos: `${home}/Library/Application Support`,
        // A relative path would be a different directory for each working directory.
        linux: stateHome?.startsWith("/") === true ? stateHome : `${home}/.local/state`,
    };
    return getPathSyntax(system).join(bases[kind], "python-registry");
}
