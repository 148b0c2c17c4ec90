import { isOnlyIndex, type PythonIndex } from "python-registry/clients/client";
import { poetryPins } from "python-registry/clients/poetry";
import { isAmong, normalizedName } from "python-registry/names/package-names";
import { asTable, type Toml, type TomlTable } from "../formats/toml";
import { getPathSyntax } from "../machine/system";
import {
    buildRequirements,
    type Dependency,
    isAt,
    getLabel,
    getNames,
    nearestFile,
    standardDependencies,
    tablesIn,
} from "./project-files";
import type { ConfiguredFile, Pins, Project, ProjectTool } from "./project-tool";

/** poetry: each dependency on an internal package gets its source, in each list that declares it. */
export const poetryProject: ProjectTool = {
    signs: {
        files: ["poetry.lock", "poetry.toml"],
        table: "poetry",
        buildKeys: [
            ...["name", "version", "description", "license", "authors", "maintainers", "readme", "homepage"],
            ...["repository", "documentation", "keywords", "classifiers", "packages", "include", "exclude"],
            ...["scripts", "plugins", "extras", "urls", "build"],
        ],
        backend: "poetry.",
    },
    // poetry reads its settings beside the project's file, and nowhere above.
    findProjectFile: (name, system) => {
        const place = nearestFile("pyproject.toml", system);
        const paths = getPathSyntax(system);
        return "problem" in place ? place : { path: paths.join(paths.dirname(place.path), name) };
    },
    projectProblem: refusedSources,
    planPins,
    findGaps: findPrimarySources,
};

/** poetry's table in pyproject.toml, which describes the project if `[project]` does not. */
export function getTable(pyproject: TomlTable): TomlTable {
    return asTable(asTable(pyproject["tool"])?.["poetry"]) ?? {};
}

/** The forms of poetry 1, which poetry 2 refuses, and poetry 1 too beside `priority`. */
function refusedSources({ file, data }: Project): string | undefined {
    const refused = tablesIn(getTable(data)["source"]).flatMap((source) => {
        const keys = ["default", "secondary"].filter((key) => key in source);
        const priority = source["priority"];
        const old = priority === "default" || priority === "secondary" ? [`priority = "${priority}"`] : [];
        const found = [...keys.map((key) => `${key} = ${source[key] === true}`), ...old];
        return found.length === 0 ? [] : [`source ${getLabel(source)}: ${found.join(", ")}`];
    });
    return refused.length === 0
        ? undefined
        : `${file} has sources in a form that poetry refuses together with this registry's (${refused.join("; ")}). ` +
              'Replace it by priority = "supplemental", or by "explicit" for a source of single packages';
}

/** poetry takes the highest version that any primary source has, and asks the supplemental ones only if none has a version that fits. */
function findPrimarySources({ path, scope, data, index }: ConfiguredFile): string[] {
    if (scope !== "project") return [];
    if (isOnlyIndex(index)) return findOtherSources(path, data, index);
    return tablesIn(getTable(data)["source"])
        .filter((source) => !isAt(source, index) && (source["priority"] ?? "primary") === "primary")
        .map(
            (source) =>
                `the source ${getLabel(source)} in ${path} is primary, as this registry is: poetry takes the highest version ` +
                'of both, also for your internal packages. Set priority = "supplemental" in that source',
        );
}

/** poetry asks every source that is not explicit. */
function findOtherSources(path: string, data: TomlTable, index: PythonIndex): string[] {
    return tablesIn(getTable(data)["source"])
        .filter((source) => !isAt(source, index) && source["priority"] !== "explicit")
        .map(
            (source) =>
                `the source ${getLabel(source)} in ${path} is another index beside this registry: poetry can take every package from it. ` +
                "Remove that source",
        );
}

/**
 * A pin in each list that declares an internal package: poetry can pin a source only as part of a dependency. poetry ignores
 * or installs all other names.
 */
function planPins(index: PythonIndex, { file, data }: Project): Pins {
    const poetryTable = getTable(data);
    const isInternal = ({ name, isDirect }: Pick<Dependency, "name" | "isDirect">) =>
        !isDirect && isAmong(name, index.internalPackages);
    const own = (value: Toml | undefined) =>
        Object.keys(asTable(value) ?? {})
            .filter((key) => key !== "python")
            .map((key) => ({ name: normalizedName(key), isDirect: false, list: "" }));
    const standard = standardDependencies(data);
    const main = standard.filter(({ list }) => list.startsWith("project."));
    const required = [
        ...main.filter(({ list }) => list === "project.dependencies"),
        ...own(poetryTable["dependencies"]),
    ];
    const isDynamic = JSON.stringify(asTable(data["project"])?.["dynamic"] ?? []).includes('"dependencies"');
    const groups = new Map<string, Pick<Dependency, "name" | "isDirect">[]>();
    const prefix = "dependency-groups.";
    for (const dependency of standard.filter(({ list }) => list.startsWith(prefix))) {
        const group = dependency.list.slice(prefix.length);
        groups.set(group, [...(groups.get(group) ?? []), dependency]);
    }
    for (const [group, table] of Object.entries(asTable(poetryTable["group"]) ?? {})) {
        groups.set(group, [...(groups.get(group) ?? []), ...own(asTable(table)?.["dependencies"])]);
    }
    const lists: [path: readonly string[], dependencies: readonly Pick<Dependency, "name" | "isDirect">[]][] =
        [
            [["dependencies"], [...main, ...required]],
            [["dev-dependencies"], own(poetryTable["dev-dependencies"])],
            ...[...groups].map(
                ([group, declared]) =>
                    [["group", group, "dependencies"], declared] as [string[], typeof declared],
            ),
        ];
    const text = lists
        .map(([path, dependencies]) => {
            const names = [...new Set(dependencies.filter(isInternal).map(({ name }) => name))];
            // Otherwise poetry would make a dependency of an extra a dependency of the project.
            const optional = names.filter(
                (name) => isDynamic && path.length === 1 && !required.some((each) => each.name === name),
            );
            return names.length === 0 ? "" : poetryPins(index, path, names, optional);
        })
        .filter((part) => part !== "")
        .join("\n");
    const unpinned = [
        ...buildRequirements(data),
        ...own(poetryTable["requires-plugins"]).map((each) => ({
            ...each,
            list: "tool.poetry.requires-plugins",
        })),
    ].filter(isInternal);
    return {
        internalPackages: index.internalPackages,
        ...(text !== "" && { text }),
        notices: [...new Set(unpinned.map(({ list }) => list))].map(
            (list) =>
                `poetry has no pins for ${list}: it takes ${getNames(unpinned.filter((each) => each.list === list))} from PyPI ` +
                `if the registry does not have it or refuses the login. ${file} was not changed there`,
        ),
    };
}
