import { isOnlyIndex, type PythonIndex } from "python-registry/clients/client";
import { isAmong, normalizedName } from "python-registry/names/package-names";
import { withoutUserInfo } from "../formats/merge";
import { asTable, textsIn, type Toml, type TomlTable } from "../formats/toml";
import { expandConfigPath } from "../machine/paths";
import { getPathSyntax, type System, variable } from "../machine/system";
import {
    buildRequirements,
    directoriesFrom,
    isAt,
    getLabel,
    placeFrom,
    readTomlFile,
    requirementsIn,
    standardDependencies,
    tablesIn,
} from "./project-files";
import type { ConfiguredFile, Pins, Project, ProjectTool } from "./project-tool";
import { findWorkspaceRoot, uvDirectory, uvTable, workspaceMembers } from "./uv-workspace";

/** uv: the root of the workspace has the indexes, and each internal package gets its source there. */
export const uvProject: ProjectTool = {
    findProjectFile: (name, system) =>
        placeFrom(name, findWorkspaceRoot(system) ?? uvDirectory(system), system),
    signs: {
        files: ["uv.lock", "uv.toml"],
        table: "uv",
        buildKeys: ["build-backend"],
        backend: "uv_build",
    },
    projectProblem: uvProjectProblem,
    planPins,
    findGaps: findUvGaps,
};

/** Why uv would not use an index in this project file. */
export function uvProjectProblem({ file, data, system }: Project, index: PythonIndex): string | undefined {
    const paths = getPathSyntax(system);
    const own = paths.join(paths.dirname(file), "uv.toml");
    if (system.exists(own)) {
        return `${own} takes precedence over pyproject.toml in the same directory. Move its settings to [tool.uv]`;
    }
    const ours = tablesIn(uvTable(data)["index"]).find((each) => isAt(each, index));
    return ours?.["format"] === "flat"
        ? `the index ${getLabel(ours)} in ${file} has format = "flat", which this registry is not. Remove this line`
        : undefined;
}

/**
 * The exact names, and the declared dependencies that a prefix covers, without those to which uv would not apply a pin, or
 * with which it would fail: members of the workspace, and what the user takes from elsewhere.
 */
function planPins(index: PythonIndex, { file, data, system }: Project): Pins {
    const root = getPathSyntax(system).dirname(file);
    const members = workspaceMembers(root, system);
    // Of the file itself, only what the user wrote counts.
    const projects = [{ file, pyproject: data }, ...members.filter((member) => member.file !== file)];
    const dependencies = projects.flatMap(({ file: from, pyproject }) =>
        [
            ...standardDependencies(pyproject),
            ...buildRequirements(pyproject),
            ...["dev", "constraint", "override", "build-constraint"].flatMap((kind) =>
                requirementsIn(uvTable(pyproject)[`${kind}-dependencies`], `tool.uv.${kind}-dependencies`),
            ),
        ].map((dependency) => ({ ...dependency, from })),
    );
    const sources = projects.flatMap(({ file: from, pyproject }) =>
        Object.entries(asTable(uvTable(pyproject)["sources"]) ?? {})
            .filter(([, source]) => !isPin(source, index.name))
            .map(([name]) => ({ name: normalizedName(name), from: `[tool.uv.sources] of ${from}` })),
    );
    const isPinnable = ({ name }: { readonly name: string }) =>
        isAmong(name, index.internalPackages) && !members.some((member) => member.name === name);
    const elsewhere = [
        ...sources.map((source) => ({ ...source, why: "has its own source" })),
        ...dependencies
            .filter(({ isDirect }) => isDirect)
            .map(({ name, list, from }) => ({
                name,
                from: `${list} of ${from}`,
                why: "has its own URL or path",
            })),
    ].filter(isPinnable);
    const exact = index.internalPackages.filter((name) => !name.endsWith("*")).map((name) => ({ name }));
    const names = [...exact, ...dependencies]
        .filter(isPinnable)
        .map(({ name }) => name)
        .filter((name) => !elsewhere.some((each) => each.name === name));
    return {
        internalPackages: [...new Set(names)],
        notices: [
            ...(file === projectFile(system)
                ? []
                : [`uv reads indexes only from the root of the workspace: ${file}`]),
            ...elsewhere.map(
                ({ name, from, why }) => `uv: ${name} ${why} in ${from}, which was kept: it is not pinned`,
            ),
            ...maskedSettings(file, data, system),
        ],
    };
}

/** The nearest project's file; the workspace's is another one if the project is a member. */
function projectFile(system: System): string | undefined {
    const place = placeFrom("pyproject.toml", uvDirectory(system), system);
    return "path" in place ? place.path : undefined;
}

/** Whether a source is nothing but our index. */
function isPin(source: Toml, indexName: string): boolean {
    const [key, ...more] = Object.keys(asTable(source) ?? {});
    return key === "index" && more.length === 0 && asTable(source)?.["index"] === indexName;
}

/** uv reads the settings of the nearest directory that has any. A project without settings takes those above it. */
function maskedSettings(file: string, data: TomlTable, system: System): string[] {
    if ("uv" in (asTable(data["tool"]) ?? {})) return [];
    const paths = getPathSyntax(system);
    const above = directoriesFrom(paths.dirname(file), system)
        .slice(1)
        .flatMap((directory) => ["uv.toml", "pyproject.toml"].map((name) => paths.join(directory, name)))
        .find(
            (path) =>
                system.exists(path) &&
                (path.endsWith("uv.toml") || "uv" in (asTable(readTomlFile(path)["tool"]) ?? {})),
        );
    return above === undefined
        ? []
        : [
              `uv now reads its settings from ${file}, and ignores ${above} here. Copy the settings that you need`,
          ];
}

/** Settings with which uv can take an internal package from another index. What is pinned is safe from most of them. */
export function findUvGaps(file: ConfiguredFile): string[] {
    const { path, scope, data, index, system } = file;
    if (isOnlyIndex(index)) return findOtherIndexes(file);
    const inProject = scope === "project";
    const settings = inProject ? uvTable(data) : data;
    const indexes = tablesIn(settings["index"]);
    const at = indexes.findIndex((each) => isAt(each, index));
    const ours = indexes[at];
    // The default index is the last one, at any place in the file.
    const before =
        ours?.["default"] === true
            ? indexes.filter((each) => each !== ours)
            : indexes.slice(0, Math.max(at, 0));
    const user = userFile(system);
    const files = [
        { file: path, settings },
        ...(inProject && system.exists(user) ? [{ file: user, settings: readTomlFile(user) }] : []),
    ];
    const strategies = [
        { where: "UV_INDEX_STRATEGY", value: variable(system, "UV_INDEX_STRATEGY") },
        ...files.flatMap(({ file, settings: each }) => [
            { where: `index-strategy in ${file}`, value: each["index-strategy"] },
            { where: `index-strategy under pip in ${file}`, value: asTable(each["pip"])?.["index-strategy"] },
        ]),
    ].filter(({ value }) => value !== undefined && value !== "first-index");
    const isOn = (name: string) => /^(1|true|t|yes|y|on)$/i.test(variable(system, name) ?? "");
    const othersInVariable = (variable(system, "UV_INDEX") ?? "")
        .split(/\s+/)
        .map((word) => withoutUserInfo(word.replace(/^[\w.-]+=/, "")))
        .filter((url) => url !== "" && url !== withoutUserInfo(index.indexUrl));
    const ignored = [
        variable(system, "UV_CONFIG_FILE") === undefined ? [] : ["UV_CONFIG_FILE"],
        isOn("UV_NO_CONFIG") ? ["UV_NO_CONFIG"] : [],
    ].flat();
    return [
        ...strategies.map(
            ({ where }) =>
                `${where} makes uv take packages without a pin from any index. Use first-index, uv's default`,
        ),
        ...before
            .filter((other) => other["explicit"] !== true && other["default"] !== true)
            .map(
                (other) =>
                    `uv asks the index ${getLabel(other)} in ${path} before this registry, and takes from it every package ` +
                    "without a pin that it has. Move it below this registry, or set explicit = true in it",
            ),
        ...(ours?.["explicit"] === true
            ? [
                  `the index ${getLabel(ours)} in ${path} has explicit = true: uv takes packages without a pin from the other ` +
                      "indexes. Remove this line",
              ]
            : []),
        ...(ours !== undefined && "ignore-error-codes" in ours
            ? [
                  `the index ${getLabel(ours)} in ${path} has ignore-error-codes: if the registry answers with one of them, uv ` +
                      "takes packages from the other indexes. Remove this line",
              ]
            : []),
        ...(othersInVariable.length === 0
            ? []
            : [
                  "uv asks the indexes in UV_INDEX before this registry, for every package without a pin. Unset it",
              ]),
        ...(!inProject
            ? []
            : [
                  ...files
                      .filter(({ settings: each }) => each["no-sources"] === true)
                      .map(({ file }) => `no-sources in ${file}`),
                  ...(isOn("UV_NO_SOURCES") ? ["UV_NO_SOURCES"] : []),
              ].map((where) => `${where} makes uv ignore the pins of internal packages. Remove it`)),
        ...(!inProject ? [] : ignored).map(
            (name) =>
                `${name} is set: uv ignores the order of indexes and the keyring setting in ${path}. Unset it`,
        ),
    ];
}

/** Indexes that uv asks beside this one, which takes the place of PyPI. */
function findOtherIndexes({ path, scope, data, index, system }: ConfiguredFile): string[] {
    const user = userFile(system);
    const files = [
        { file: path, settings: scope === "project" ? uvTable(data) : data },
        ...(scope === "project" && system.exists(user) ? [{ file: user, settings: readTomlFile(user) }] : []),
    ];
    const [own] = files;
    const ours = tablesIn(own?.settings["index"]).find((each) => isAt(each, index));
    const isOurs = (url: string) => withoutUserInfo(url) === withoutUserInfo(index.indexUrl);
    const variables = ["UV_INDEX", "UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL"].filter((name) =>
        (variable(system, name) ?? "")
            .split(/\s+/)
            .map((word) => word.replace(/^[\w.-]+=/, ""))
            .some((url) => url !== "" && !isOurs(url)),
    );
    const isIgnored = /^(1|true|t|yes|y|on)$/i.test(variable(system, "UV_NO_CONFIG") ?? "");
    return [
        ...(ours === undefined || (ours["default"] === true && ours["explicit"] !== true)
            ? []
            : [
                  `the index ${getLabel(ours)} in ${path} does not take the place of PyPI: uv asks PyPI too. Set default = true in it, and remove explicit`,
              ]),
        ...files.flatMap(({ file, settings }) => [
            ...tablesIn(settings["index"])
                .filter((each) => !isAt(each, index) && each["explicit"] !== true)
                .map((each) =>
                    each["default"] === true
                        ? `the index ${getLabel(each)} in ${file} has default = true, as this registry: uv uses only the first of them. Remove it`
                        : `uv asks the index ${getLabel(each)} in ${file} before this registry. Remove it`,
                ),
            ...["index-url", "extra-index-url"].flatMap((key) =>
                [
                    { where: `${key} in ${file}`, value: settings[key] },
                    { where: `${key} under pip in ${file}`, value: asTable(settings["pip"])?.[key] },
                ]
                    .filter(({ value }) => textsIn(value ?? []).some((url) => !isOurs(url)))
                    .map(({ where }) => `${where} names another index, which uv asks too. Remove it`),
            ),
        ]),
        ...variables.map((name) => `${name} names another index, which uv asks too. Unset it`),
        ...(isIgnored ? [`UV_NO_CONFIG is set: uv ignores ${path}, and asks PyPI. Unset it`] : []),
        ...(scope === "project" && variable(system, "UV_CONFIG_FILE") !== undefined
            ? [`UV_CONFIG_FILE is set: uv ignores the index in ${path}. Unset it`]
            : []),
    ];
}

/** The user's uv.toml, whose settings apply where the project has none. */
function userFile(system: System): string {
    return expandConfigPath(
        system.kind === "windows" ? "%APPDATA%\\uv\\uv.toml" : "~/.config/uv/uv.toml",
        system,
    );
}
