import { isOnlyIndex, type PythonIndex } from "python-registry/clients/client";
import { pipenvPins } from "python-registry/clients/pipenv";
import { isAmong, normalizedName } from "python-registry/names/package-names";
import { asTable, type TomlTable } from "../formats/toml";
import { variable } from "../machine/system";
import { getLabel, isAt, placeFrom, tablesIn } from "./project-files";
import type { Project, ProjectTool } from "./project-tool";

/** The tables of a Pipfile that list no packages. Every other one is a category of packages. */
const otherTables = ["source", "requires", "scripts", "pipenv", "build-system"];

/** pipenv: each internal package that the Pipfile lists gets its index. */
export const pipenvProject: ProjectTool = {
    findProjectFile: (name, system) => {
        const depth = Number(variable(system, "PIPENV_MAX_DEPTH") ?? 10);
        const looksUp = !/^(1|true|t|yes|y|on)$/i.test(variable(system, "PIPENV_NO_INHERIT") ?? "");
        return placeFrom(name, system.workingDirectory, system, looksUp ? depth : 1);
    },
    signs: { files: ["Pipfile", "Pipfile.lock"] },
    projectProblem: findSourceProblem,
    planPins: (index, { data }) => ({
        internalPackages: index.internalPackages,
        text: Object.entries(data)
            .filter(([category]) => !otherTables.includes(category))
            .map(([category, table]): [string, string[]] => [
                category,
                Object.keys(asTable(table) ?? {})
                    .map(normalizedName)
                    .filter((name) => isAmong(name, index.internalPackages)),
            ])
            .filter(([, names]) => names.length > 0)
            .map(([category, names]) => pipenvPins(index, category, names))
            .join("\n"),
        notices: [],
    }),
    findGaps: ({ path, data, index }) => [
        ...(asTable(data["pipenv"])?.["install_search_all_sources"] === true
            ? [
                  `install_search_all_sources in ${path} makes pipenv take packages from any source, unless it installs from a lock ` +
                      "file with hashes. Remove this line",
              ]
            : []),
        ...(isOnlyIndex(index) ? findOtherSources(path, data, index) : []),
    ],
};

function findSourceProblem({ file, data }: Project, index: PythonIndex): string | undefined {
    const [first] = tablesIn(data["source"]);
    if (!isOnlyIndex(index)) {
        return "source" in data
            ? undefined
            : `${file} has no source. If this registry were the only one, pipenv would no longer use PyPI. Add PyPI as a source first`;
    }
    return first === undefined || first["name"] === "pypi" || isAt(first, index)
        ? undefined
        : `the first source of ${file} is ${getLabel(first)}, and pipenv asks no other one for a package without an index. Remove it, or move it down`;
}

/** pipenv asks the first source, and each other one for the packages that name it. */
function findOtherSources(path: string, data: TomlTable, index: PythonIndex): string[] {
    return tablesIn(data["source"])
        .filter((source) => !isAt(source, index))
        .map(
            (source) =>
                `the source ${getLabel(source)} in ${path} is another index beside this registry: pipenv takes packages from it if they name ` +
                "it, or if it is the first. Remove it",
        );
}
