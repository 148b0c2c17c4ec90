import { readdirSync, readFileSync } from "node:fs";
import { isAmong, normalizedName } from "python-registry/names/package-names";
import { repositoryUrls } from "python-registry/names/urls";
import { UnsupportedFileError } from "../formats/merge";
import { asTable, readToml, type TomlTable } from "../formats/toml";
import type { Plan } from "../journal/journal";
import { getPathSyntax, type System } from "../machine/system";
import type { LockedPackage, LockFile } from "./descriptor";
import { configurable, type ConfigurableTool } from "./configurable";
import { descriptors } from "./descriptors";

/** What `lockNotices` needs to know beside the change. */
export interface LockContext {
    /** The registry's name in each tool's project file; empty if the registry is removed. */
    readonly indexNames: ReadonlyMap<ConfigurableTool, string>;
    /** The registry that is configured, by its resource name, and the URL of its index; undefined if it is removed. */
    readonly registry?: { readonly name: string; readonly indexUrl: string };
    /** Normalized names and prefixes that only the registry may provide. */
    readonly internalPackages: readonly string[];
    /** Whether the change is only shown. */
    readonly dryRun: boolean;
    readonly system: System;
}

/**
 * How to lock again, for each lock file that a tool refuses or ignores after a change of its project file. A lock file pins
 * packages to the index that they came from, which the tools keep as long as they can. So a package that belongs to a different
 * index after the change needs a command that names it.
 */
export function lockNotices(plan: Plan, context: LockContext): string[] {
    const { path, before, after, edits, previousEdits } = plan;
    if (before === undefined || after === undefined || before.equals(after)) return [];
    const owners = [...edits, ...previousEdits].map(({ owner }) => owner.tool);
    return configurable
        .filter((tool) => owners.includes(tool))
        .flatMap((tool) => {
            const { lock, projectTables } = descriptors[tool];
            if (lock === undefined) return [];
            const settings = (content: Buffer) => readSettings(content, projectTables);
            const change = { before: settings(before), after: settings(after) };
            return lockFilesBeside(path, lock, change.after, context.system).flatMap((file) =>
                noticeFor(tool, lock, { ...file, ...change }, plan, context),
            );
        });
}

function noticeFor(
    tool: ConfigurableTool,
    lock: LockFile,
    { file, text, ...change }: { file: string; text: string; before: TomlTable; after: TomlTable },
    plan: Plan,
    { indexNames, internalPackages, registry, dryRun }: LockContext,
): string[] {
    const locked = (lock.packages ?? lockedPackages)(text);
    const addresses = (edits: Plan["edits"]) =>
        edits
            .filter(({ owner }) => owner.tool === tool)
            .map(({ owner }) => getAddress(owner.registry, registry));
    const current = addresses(plan.edits);
    const removed = addresses(plan.previousEdits).filter((address) => !current.includes(address));
    const isAt = ({ text: entry }: LockedPackage, places: readonly string[]) =>
        places.some((address) => entry.includes(address));
    const moved = locked.filter(
        (each) =>
            isAt(each, removed) ||
            (current.length > 0 && isAmong(each.name, internalPackages) && !isAt(each, current)),
    );
    const names = [...new Set(moved.map(({ name }) => name))];
    const [is, pins, run] = dryRun
        ? ["would be", "would still pin", "Then run"]
        : ["is", "still pins", "Run"];
    if (names.length > 0) {
        const command = lock.commandFor(names, indexNames.get(tool));
        return [
            `After this change, ${file} ${pins} ${names.join(", ")} as locked before, possibly from a different index. ${run}: ${command}`,
        ];
    }
    return lock.isStale({ ...change, locked: locked.map(({ name }) => name) })
        ? [`After this change, ${file} ${is} out of date. ${run}: ${lock.command}`]
        : [];
}

/** The tables of a tool, or the whole file if all of it belongs to the tool. A file that is not valid counts as empty. */
function readSettings(content: Buffer, tables: readonly string[] | undefined): TomlTable {
    try {
        const whole = readToml(content.toString());
        if (tables === undefined) return whole;
        const all = asTable(whole["tool"]) ?? {};
        return Object.fromEntries(tables.map((name) => [name, all[name] ?? {}]));
    } catch (error) {
        if (error instanceof UnsupportedFileError) return {};
        throw error;
    }
}

function lockFilesBeside(path: string, lock: LockFile, settings: TomlTable, system: System) {
    const paths = getPathSyntax(system);
    const folder = paths.dirname(path);
    return readdirSync(folder)
        .filter((name) => lock.isNamed(name, paths.basename(path)))
        .sort()
        .flatMap((name) => {
            const file = paths.join(folder, name);
            try {
                const text = readFileSync(file, "utf8");
                return lock.isOwn?.(text, settings) === false ? [] : [{ file, text }];
            } catch {
                return [];
            }
        });
}

/** The packages in a lock file of TOML, except those that do not come from an index. A generated file has one form. */
function lockedPackages(text: string): LockedPackage[] {
    return text
        .split(/^\[\[packages?\]\]$/m)
        .slice(1)
        .flatMap((entry) => {
            const [, name] = /^name = "([\w.-]+)"/m.exec(entry) ?? [];
            const isElsewhere =
                // uv; poetry; pdm and pylock.toml
                /^source = \{ (?!registry )|^type = "(?!legacy")|^(?:path|git|vcs|directory|archive) = |^\[packages\.(?:vcs|directory|archive)\]/m.test(
                    entry,
                );
            return name === undefined || isElsewhere ? [] : [{ name: normalizedName(name), text: entry }];
        });
}

/** Host and path of a registry, without scheme: what all addresses of its packages contain. */
function getAddress(registry: string, configured: LockContext["registry"]): string {
    if (registry === configured?.name) return configured.indexUrl.replace(/^https:\/\/|simple\/$/g, "");
    const [, project = "", , location = "", , repository = ""] = registry.split("/");
    return `${repositoryUrls({ project, location, repository }).registryUri}/`;
}
