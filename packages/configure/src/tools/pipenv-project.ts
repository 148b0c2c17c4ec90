import { pipenvPins } from "python-registry/clients/pipenv";
import { isAmong, normalizedName } from "python-registry/names/package-names";
import { asTable } from "../formats/toml";
import { variable } from "../machine/system";
import { placeFrom } from "./project-files";
import type { ProjectTool } from "./project-tool";

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
    projectProblem: ({ file, data }) =>
        "source" in data
            ? undefined
            : `${file} has no source. If this registry were the only one, pipenv would no longer use PyPI. Add PyPI as a source first`,
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
    findGaps: ({ path, data }) =>
        asTable(data["pipenv"])?.["install_search_all_sources"] === true
            ? [
                  `install_search_all_sources in ${path} makes pipenv take packages from any source, unless it installs from a lock ` +
                      "file with hashes. Remove this line",
              ]
            : [],
};
