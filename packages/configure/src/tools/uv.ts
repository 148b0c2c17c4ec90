import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import * as v from "valibot";
import { inVariable } from "python-registry/clients/client";
import { normalizedName } from "python-registry/names/package-names";
import { daysToWait } from "../formats/cooldown";
import { asTable, readToml, type Toml, type TomlTable } from "../formats/toml";
import type { ProcessResult } from "../machine/run";
import type { Probe, ProbeRequest, ResolvedPackage, ToolDescriptor } from "./descriptor";
import { elsewhere, entriesFor, pyprojectFor, without } from "./probe-project";
import { getLabel, readTomlFile, tablesIn } from "./project-files";
import { uvProject } from "./uv-project";
import { uvTable } from "./uv-workspace";

/** @see https://docs.astral.sh/uv/reference/environment/ */
export const uv: ToolDescriptor = {
    commands: ["uv"],
    locations: { "~/.config/uv/uv.toml": { variable: { name: "UV_CONFIG_FILE", names: "file" } } },
    projectTables: ["uv"],
    project: uvProject,
    addressVariables: [
        "UV_INDEX",
        "UV_DEFAULT_INDEX",
        "UV_INDEX_URL",
        "UV_EXTRA_INDEX_URL",
        "UV_PUBLISH_URL",
    ],
    loginVariables: (use, indexName) => {
        const prefix = use === "publish" ? "UV_PUBLISH" : `UV_INDEX_${inVariable(indexName)}`;
        return [`${prefix}_USERNAME`, `${prefix}_PASSWORD`];
    },
    sharesLogin: true,
    readsNetrc: true,
    keyring: { install: "command", publish: "command" },
    keyringSwitches: "UV_KEYRING_PROVIDER, and keyring-provider in the project's files and your own",
    lock: {
        isNamed: (name) => name === "uv.lock",
        // Another index alone does not matter to uv: it keeps the index that the lock file has for a package.
        isStale: ({ before, after, locked }) => {
            const [old, current] = [before, after].map((tables) => pins(tables));
            // uv writes the cooldown into the lock file.
            const [oldCooldown, cooldown] = [before, after].map(
                (tables) => uvTable({ tool: tables })["exclude-newer"],
            );
            return (
                !isDeepStrictEqual(oldCooldown, cooldown) ||
                locked.some((name) => !isDeepStrictEqual(old?.get(name), current?.get(name)))
            );
        },
        command: "uv lock",
        commandFor: (packages) => `uv lock ${packages.map((name) => `--upgrade-package ${name}`).join(" ")}`,
    },
    cooldownVariable: "UV_EXCLUDE_NEWER",
    noticesAfter: (path, { cooldown }, system) =>
        Promise.resolve(system.exists(path) ? cooldownNotices(path, cooldown !== undefined) : []),
    probe: (request) => (request.project === undefined ? probeCompile(request) : probeLock(request)),
};

/**
 * What a cooldown in a file of uv means for other indexes and for projects.
 *
 * @param isOurs whether this registry has a cooldown
 */
function cooldownNotices(path: string, isOurs: boolean): string[] {
    const file = readTomlFile(path);
    const isUser = file["tool"] === undefined;
    const settings = isUser ? file : uvTable(file);
    if ((daysToWait(settings["exclude-newer"] ?? false) ?? 0) === 0) return [];
    const others = tablesIn(settings["index"]).filter(
        ({ url, ...index }) =>
            !("exclude-newer" in index) && !(typeof url === "string" && /^https:\/\/pypi\.org\//.test(url)),
    );
    return [
        ...others.map(
            (index) =>
                `${path} makes uv wait before it takes new versions. From the index ${getLabel(index)}, it takes nothing if that does not say when a file was ` +
                "uploaded. If it is a private index, add exclude-newer = false to it",
        ),
        ...(isUser && isOurs
            ? [
                  `uv writes the cooldown of ${path} into uv.lock, and \`uv sync --locked\` then fails where it is not set. Run this command with ` +
                      "--scope project in your projects, so that everyone has it",
              ]
            : []),
    ];
}

/** The variables that make uv wait longer. */
export function waiting({ daysToWait: days }: Pick<ProbeRequest, "daysToWait">): Record<string, string> {
    return days === undefined ? {} : { UV_EXCLUDE_NEWER: `${days} days` };
}

/** No code of a package runs, no Python is downloaded, and no cached answer counts. */
const quietly = ["--no-build", "--no-cache", "--no-python-downloads"];

/** The arguments that resolve the requirements in a file without a project. */
export function compileArgs(file: string): string[] {
    return [
        "pip",
        "compile",
        file,
        "--no-deps",
        "--no-header",
        "--no-annotate",
        "--emit-index-annotation",
        ...quietly,
    ];
}

/** Reads the output of `uv pip compile`, in which a comment below each package names its index. */
export function readCompiled({ stdout }: Pick<ProcessResult, "stdout">): ResolvedPackage[] {
    return [...stdout.matchAll(/^([\w.-]+)==(\S+)\s+# from (\S+)$/gm)].map(
        ([, name = "", version = "", url = ""]) => ({ name, version, url }),
    );
}

function probeCompile({ packageName, others, directory, daysToWait }: ProbeRequest): Probe {
    return {
        environment: waiting({ daysToWait }),
        files: { "requirements.in": `${[packageName, ...others].join("\n")}\n` },
        args: compileArgs(join(directory, "requirements.in")),
        read: readCompiled,
    };
}

function probeLock(request: ProbeRequest): Probe | { notTried: string } {
    const { packageName, isInternal, directory, indexName, project = {} } = request;
    const all = asTable(uvTable(project)["sources"]) ?? {};
    const sources = entriesFor(packageName, all);
    const places = withoutGroups(Object.values(sources).flat());
    const refusal = elsewhere(packageName, project, places);
    if (refusal !== undefined) return refusal;
    const settings = request.beside("uv.toml") ?? uvTable(project);
    if ([settings["find-links"], settings["index"]].some(hasRelativePath)) {
        return {
            notTried: "the project's uv settings have a relative path, which only works in the project",
        };
    }
    const pyproject = pyprojectFor(request, "uv", ({ sources: _, ...own }) => {
        const indexes = [own["index"] ?? []].flat().map(asTable);
        const isExplicit = indexes.some(
            (each) => each?.["name"] === indexName && each?.["explicit"] === true,
        );
        return {
            ...own,
            // From an explicit index, uv takes only what names it.
            sources: {
                // Those of its dependencies, as far as constraints name them.
                ...Object.fromEntries(
                    Object.entries(all).filter(
                        ([name, place]) =>
                            normalizedName(name) !== packageName &&
                            isInternal(normalizedName(name)) &&
                            isForEveryUse(place),
                    ),
                ),
                ...(places.length > 0 && { [packageName]: places }),
                ...(places.length === 0 && isExplicit && { [packageName]: { index: indexName ?? "" } }),
            },
        };
    });
    return {
        files: { "pyproject.toml": pyproject },
        copies: ["uv.toml", ".python-version"],
        args: ["lock", "--project", directory, ...quietly],
        environment: { UV_LOCKED: undefined, UV_FROZEN: undefined, ...waiting(request) },
        read: (_, lockFile) =>
            v
                .parse(lockSchema, readToml(lockFile("uv.lock")))
                .package.flatMap(({ source: { registry: url }, ...found }) =>
                    url === undefined ? [] : [{ ...found, url }],
                ),
    };
}

const lockSchema = v.object({
    package: v.array(
        v.object({
            name: v.string(),
            version: v.optional(v.string(), ""),
            source: v.object({ registry: v.optional(v.string()) }),
        }),
    ),
});

/** Whether a list of links or of indexes has a path that depends on the directory. */
function hasRelativePath(list: Toml | undefined): boolean {
    return [list ?? []]
        .flat()
        .map((each) => (typeof each === "string" ? each : asTable(each)?.["url"]))
        .some((place) => typeof place === "string" && !/^(?:[a-z][a-z\d+.-]*:|[\\/]|\$)/i.test(place));
}

/** Whether a source is an index for every extra and group. */
function isForEveryUse(source: Toml): boolean {
    const { index, extra, group } = asTable(source) ?? {};
    return index !== undefined && extra === undefined && group === undefined;
}

/** The sources of a package for a project that has neither extras nor groups. */
function withoutGroups(sources: readonly Toml[]): Toml[] {
    const plain = sources.map((source) => without(asTable(source) ?? {}, ["extra", "group"]));
    return plain.every((source) => "marker" in source) ? plain : plain.slice(0, 1);
}

/** The sources of packages, by normalized name. */
function pins(tables: TomlTable): ReadonlyMap<string, Toml> {
    const sources = asTable(asTable(tables["uv"])?.["sources"]) ?? {};
    return new Map(Object.entries(sources).map(([name, source]) => [normalizedName(name), source]));
}
