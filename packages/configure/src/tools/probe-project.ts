import { stringify } from "smol-toml";
import { normalizedName } from "python-registry/names/package-names";
import { asTable, type Toml, type TomlTable } from "../formats/toml";
import type { ProbeRequest, ResolvedPackage } from "./descriptor";
import { type Dependency, requirementsIn, requirementsInTable, standardDependencies } from "./project-files";

// A project that asks for one package only, with the settings of a real project.

/** The name of the project in the temporary directory. */
export const projectName = "python-registry-check";

/** Settings of a tool that are about the project itself, not about where its packages come from. */
const ownSettings: Readonly<Record<string, readonly string[]>> = {
    uv: [
        ...["build-backend", "build-constraint-dependencies", "cache-keys", "conflicts", "default-groups"],
        ...["dependency-groups", "dev-dependencies", "managed", "package", "workspace"],
    ],
    pdm: ["build", "dev-dependencies", "distribution", "options", "plugins", "publish", "scripts", "version"],
};

/** The parts of a pyproject.toml that decide where a tool takes a package from. */
export function pyprojectFor(
    { packageName, others, project = {} }: Pick<ProbeRequest, "packageName" | "others" | "project">,
    tool: "uv" | "pdm" | "hatch",
    settings: (own: TomlTable) => TomlTable = (own) => own,
): string {
    const standard = asTable(project["project"]) ?? {};
    const tools = asTable(project["tool"]) ?? {};
    const kept = Object.fromEntries(
        (tool === "hatch" ? (["uv"] as const) : [tool]).map((name) => [
            name,
            without(asTable(tools[name]) ?? {}, ownSettings[name] ?? []),
        ]),
    );
    const own = tool === "hatch" ? (asTable(tools["hatch"]) ?? {}) : (kept[tool] ?? {});
    return stringify({
        project: {
            name: projectName,
            version: "0",
            ...pick(standard, ["requires-python"]),
            dependencies: [packageName, ...others].flatMap((name) => requirementsOrName(name, project)),
        },
        tool: { ...kept, [tool]: settings(own) },
    });
}

/** The requirements of a project for one package; the name alone if there are none. */
export function requirementsOrName(packageName: string, project: TomlTable): string[] {
    const found = requirementsFor(packageName, project);
    return found.length === 0 ? [packageName] : found;
}

/** The requirements of a project for one package, in every place that lists requirements. */
export function requirementsFor(packageName: string, project: TomlTable): string[] {
    return [...new Set(dependenciesOn(packageName, project).map(({ text }) => text))];
}

function dependenciesOn(packageName: string, project: TomlTable): Dependency[] {
    const tools = asTable(project["tool"]) ?? {};
    return [
        ...standardDependencies(project),
        ...requirementsIn(asTable(tools["uv"])?.["dev-dependencies"], "tool.uv.dev-dependencies"),
        ...requirementsInTable(asTable(tools["pdm"])?.["dev-dependencies"], "tool.pdm.dev-dependencies"),
    ].filter(({ name }) => name === packageName);
}

/** Why a tool cannot be asked outside a project. */
export function outsideProject(tool: string, what: "indexes" | "settings"): { readonly notTried: string } {
    return {
        notTried: `${tool} reads its ${what} from each project. Run this command in the directory of a project`,
    };
}

/** Why a tool cannot be asked for a package that its project takes from a folder, a file or a repository. */
export function elsewhere(
    packageName: string,
    project: TomlTable,
    entries: readonly Toml[] = [],
): { readonly notTried: string } | undefined {
    const places = entries.flatMap((entry) => (Array.isArray(entry) ? (entry as Toml[]) : [entry]));
    const isElsewhere =
        dependenciesOn(packageName, project).some(({ isDirect }) => isDirect) ||
        places.some((place) =>
            ["workspace", "path", "file", "git", "hg", "svn", "url"].some(
                (key) => key in (asTable(place) ?? {}),
            ),
        );
    return isElsewhere ? { notTried: `this project does not take ${packageName} from an index` } : undefined;
}

/** The entries of a table for one package; its keys are package names. */
export function entriesFor(packageName: string, table: Toml | undefined): Record<string, Toml> {
    return Object.fromEntries(
        Object.entries(asTable(table) ?? {}).filter(([key]) => normalizedName(key) === packageName),
    );
}

export function pick(table: TomlTable, keys: readonly string[]): Record<string, Toml> {
    return Object.fromEntries(Object.entries(table).filter(([key]) => keys.includes(key)));
}

export function without(table: TomlTable, keys: readonly string[]): Record<string, Toml> {
    return Object.fromEntries(Object.entries(table).filter(([key]) => !keys.includes(key)));
}

/** The source distributions that a tool names in its log because it may only take wheels. */
export function skippedSources(log: string, pattern: RegExp): ResolvedPackage[] {
    return [...log.matchAll(pattern)].flatMap(([, url = ""]) => {
        const file = decodeURIComponent(/([^/?#]*)(?:[?#]|$)/.exec(url)?.[1] ?? "");
        const [, name = "", version] = /^(.+)-([^-]+)\.(?:tar\.\w+|tgz|zip)$/.exec(file) ?? [];
        return version === undefined ? [] : [{ name: normalizedName(name), version, url, isSkipped: true }];
    });
}
