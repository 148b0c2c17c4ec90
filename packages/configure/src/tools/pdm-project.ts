import { isOnlyIndex, type PythonIndex } from "python-registry/clients/client";
import { pdmConfiguration } from "python-registry/clients/pdm";
import { isAmong } from "python-registry/names/package-names";
import { asTable, textsIn, type Toml, type TomlTable } from "../formats/toml";
import { expandConfigPath } from "../machine/paths";
import { getPathSyntax, type System, variable } from "../machine/system";
import { isAt, getLabel, placeFrom, readTomlFile, tablesIn } from "./project-files";
import type { ConfiguredFile, Project, ProjectTool } from "./project-tool";

/** pdm: the source of the registry includes the internal packages, in any list where a project declares them. */
export const pdmProject: ProjectTool = {
    findProjectFile: (name, system) => {
        const project = variable(system, "PDM_PROJECT");
        const paths = getPathSyntax(system);
        // With it, pdm does not look upwards.
        return project === undefined
            ? placeFrom(name, system.workingDirectory, system)
            : placeFrom(name, paths.resolve(system.workingDirectory, project), system, 1);
    },
    signs: {
        files: ["pdm.lock", "pdm.toml", ".pdm-python"],
        table: "pdm",
        buildKeys: ["build", "version"],
        backend: "pdm.",
    },
    projectProblem: ({ file, data }: Project, index: PythonIndex) =>
        sourcesIn(data).some((source) => isAt(source, index) && source["type"] === "find_links")
            ? `the source of this registry in ${file} has type = "find_links", with which pdm finds nothing in it. Remove this line`
            : undefined,
    findGaps,
};

function sourcesIn(pyproject: TomlTable): TomlTable[] {
    return tablesIn(asTable(asTable(pyproject["tool"])?.["pdm"])?.["source"]);
}

/** pdm asks every source whose `include_packages` has the name. Only `use_uv` takes no notice of it. */
function findGaps({ path, scope, data, index, system }: ConfiguredFile): string[] {
    const { internalPackages } = index;
    const isOnly = isOnlyIndex(index);
    if (internalPackages.length === 0 && !isOnly) return [];
    const paths = getPathSyntax(system);
    const configurations = [
        scope === "project" ? paths.join(paths.dirname(path), "pdm.toml") : path,
        ...(scope === "project" ? [userConfiguration(system)] : []),
    ].map((file) => ({ file, data: file === path ? data : system.exists(file) ? readTomlFile(file) : {} }));
    const sources = [
        ...(scope === "project"
            ? sourcesIn(data).map((source) => ({ source, file: path, name: source["name"] ?? "" }))
            : []),
        ...configurations.flatMap(({ file, data: settings }) =>
            namedSources(asTable(settings["pypi"]) ?? {}).map((source) => ({ ...source, file })),
        ),
    ];
    if (isOnly) return findOtherSources(sources, index);
    const usesUv = [
        ...(/^(1|true|yes|on)$/i.test(variable(system, "PDM_USE_UV") ?? "") ? ["PDM_USE_UV"] : []),
        ...configurations
            .filter(({ data: settings }) => settings["use_uv"] === true)
            .map(({ file }) => `use_uv in ${file}`),
    ];
    return [
        ...sources
            .filter(({ source }) => {
                const included = textsIn(source["include_packages"] ?? []);
                return (
                    !isAt(source, index) && included.some((pattern) => overlaps(pattern, internalPackages))
                );
            })
            .map(
                ({ file, name }) =>
                    `the source ${getLabel({ name })} in ${file} includes internal packages: pdm takes the highest version of it and ` +
                    "of this registry. Remove them from its include_packages",
            ),
        ...usesUv.map(
            (where) =>
                `${where} makes pdm take internal packages from any index, because uv does not know include_packages. Turn it off`,
        ),
    ];
}

/** The sources in `[pypi]`: the table itself is PyPI or what replaces it, and the tables below it are further ones. */
function namedSources(pypi: TomlTable): { readonly name: string; readonly source: TomlTable }[] {
    const others = Object.entries(pypi).flatMap(([name, value]) => {
        const source = asTable(value);
        return source === undefined ? [] : [{ name, source }];
    });
    return "url" in pypi ? [{ name: "pypi", source: pypi }, ...others] : others;
}

interface Source {
    readonly source: TomlTable;
    readonly file: string;
    readonly name: Toml;
}

/** Sources beside this one, which pdm asks too. The first one with a name hides the others with it. */
function findOtherSources(sources: readonly Source[], index: PythonIndex): string[] {
    const effective = sources.filter(
        ({ name }, at) => sources.findIndex((each) => each.name === name) === at,
    );
    return [
        ...effective
            .filter(({ source }) => "url" in source && !isAt(source, index))
            .map(
                ({ file, name }) =>
                    `the source ${getLabel({ name })} in ${file} is another index beside this registry: pdm can take every package from it. ` +
                    "Remove it",
            ),
        ...(effective.some(({ name, source }) => name === "pypi" && isAt(source, index))
            ? []
            : [
                  'no source named "pypi" is this registry: pdm asks PyPI too. Run python-registry-configure --tool pdm',
              ]),
        ...effective
            .filter(({ source }) => isAt(source, index))
            .flatMap(({ source, file }) =>
                ["include_packages", "exclude_packages"]
                    .filter((key) => key in source)
                    .map(
                        (key) =>
                            `${key} in ${file} is a setting of this registry's source: pdm does not find some packages in it. Remove it`,
                    ),
            ),
    ];
}

function userConfiguration(system: System): string {
    return variable(system, "PDM_CONFIG_FILE") ?? expandConfigPath(pdmConfiguration[system.kind], system);
}

/** Whether a pattern can match an internal name: what is before its first wildcard decides. */
function overlaps(pattern: string, internalPackages: readonly string[]): boolean {
    const [start = ""] = pattern
        .toLowerCase()
        .replace(/[-_.]+/g, "-")
        .split(/[*?[]/, 1);
    return internalPackages.some((internal) =>
        internal.endsWith("*")
            ? start.startsWith(internal.slice(0, -1)) || (/[*?[]/.test(pattern) && internal.startsWith(start))
            : /[*?[]/.test(pattern)
              ? internal.startsWith(start)
              : isAmong(internal, [start]),
    );
}
