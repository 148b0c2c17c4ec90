import { isOnlyIndex } from "python-registry/clients/client";
import { isAmong } from "python-registry/names/package-names";
import { asTable, textsIn, type Toml, type TomlTable } from "../formats/toml";
import { getPathSyntax, type System, variable } from "../machine/system";
import {
    buildRequirements,
    type Dependency,
    directoriesFrom,
    getNames,
    readTomlFile,
    requirementsIn,
    standardDependencies,
} from "./project-files";
import type { ConfiguredFile, FilePlace, Pins, Project, ProjectTool } from "./project-tool";
import { findUvGaps, uvProjectProblem } from "./uv-project";
import { findWorkspaceRoot } from "./uv-workspace";

/** hatch: its environments install with uv, from the index in the project. It has no pins. */
export const hatchProject: ProjectTool = {
    findProjectFile,
    signs: {
        files: ["hatch.toml"],
        table: "hatch",
        buildKeys: ["build", "version", "metadata"],
        backend: "hatchling",
    },
    projectProblem: (project, index) => ignoredFile(project) ?? uvProjectProblem(project, index),
    planPins,
    findGaps: (file) => [...(file.scope === "project" ? findPipEnvironments(file) : []), ...findUvGaps(file)],
};

/** The file in the nearest directory that has pyproject.toml or setup.py: hatch looks no further. */
function findProjectFile(name: string, system: System): FilePlace {
    if (variable(system, "HATCH_PROJECT") !== undefined) {
        return {
            problem:
                "HATCH_PROJECT chooses the project. Unset it, and run this command in the project's directory",
        };
    }
    const paths = getPathSyntax(system);
    const directory = directoriesFrom(system.workingDirectory, system).find((each) =>
        [name, "setup.py"].some((file) => system.exists(paths.join(each, file))),
    );
    if (directory === undefined) {
        return {
            problem: `there is no ${name} in this directory or its parents. Run this command in the project's directory`,
        };
    }
    const path = paths.join(directory, name);
    return system.exists(path)
        ? { path }
        : { problem: `the project in ${directory} has no ${name}. Create it first` };
}

/** Where hatch or uv would not read what we write. */
function ignoredFile({ file, data, system }: Project): string | undefined {
    const paths = getPathSyntax(system);
    const directory = paths.dirname(file);
    const root = findWorkspaceRoot(system);
    if (root !== undefined && root !== directory) {
        return (
            `${directory} is a member of the uv workspace in ${root}, where uv reads its indexes. Run this command with --tool uv, ` +
            `and set installer = "uv" in [tool.hatch.envs.default] of ${file}`
        );
    }
    const own = paths.join(directory, "hatch.toml");
    const environments = getEnvironments(file, data, system);
    return system.exists(own) &&
        "envs" in readTomlFile(own) &&
        asTable(environments["default"])?.["installer"] !== "uv"
        ? `${own} has environments, so hatch ignores those in pyproject.toml. Set installer = "uv" in its [envs.default], then run this command again`
        : undefined;
}

/** The environments: a key of hatch.toml replaces the one in pyproject.toml. */
function getEnvironments(file: string, data: TomlTable, system: System): TomlTable {
    const paths = getPathSyntax(system);
    const own = paths.join(paths.dirname(file), "hatch.toml");
    const settings = system.exists(own) ? readTomlFile(own) : {};
    return asTable(settings["envs"] ?? asTable(asTable(data["tool"])?.["hatch"])?.["envs"]) ?? {};
}

/** Environments that do not take their installer from the default one. Those of hatch itself use uv. */
function findPipEnvironments({ path, data, index, system }: ConfiguredFile): string[] {
    const effect = isOnlyIndex(index)
        ? "asks PyPI, unless pip.conf names this registry"
        : "takes the highest version of any index";
    const environments = getEnvironments(path, data, system);
    const getInstaller = (name: string, seen: readonly string[] = []): unknown => {
        const environment = asTable(environments[name]) ?? {};
        const template = environment["detached"] === true ? name : (environment["template"] ?? "default");
        const inherits = typeof template === "string" && ![name, ...seen].includes(template);
        return environment["installer"] ?? (inherits ? getInstaller(template, [name, ...seen]) : undefined);
    };
    return Object.keys(environments)
        .filter((name) => {
            const installer = getInstaller(name);
            const isInternal = name.startsWith("hatch-") && installer === undefined;
            return installer !== "uv" && !isInternal && !("uv-path" in (asTable(environments[name]) ?? {}));
        })
        .map(
            (name) =>
                `the environment ${name} of ${path} installs with pip, which ${effect}. ` +
                'Set installer = "uv" in it',
        );
}

/** hatch has no pins, so its file has none. */
function planPins(
    { internalPackages }: { readonly internalPackages: readonly string[] },
    project: Project,
): Pins {
    const { file, data, system } = project;
    const settings = asTable(asTable(data["tool"])?.["hatch"]) ?? {};
    const declared = [
        ...standardDependencies(data),
        ...buildRequirements(data),
        ...requirementsIn(asTable(settings["env"])?.["requires"], "tool.hatch.env.requires"),
        ...[settings["build"] ?? {}, getEnvironments(file, data, system)].flatMap(dependencyLists),
    ].filter(({ name, isDirect }) => !isDirect && isAmong(name, internalPackages));
    return {
        internalPackages: [],
        notices:
            declared.length === 0
                ? []
                : [
                      `hatch has no pins: it takes ${getNames(declared)} from PyPI if the registry does not have it. ` +
                          "Publish your names to the registry before a project asks for them",
                  ],
    };
}

/** The dependencies of environments and of builds, also in their overrides and targets. */
function dependencyLists(value: Toml): Dependency[] {
    return Object.entries(asTable(value) ?? {}).flatMap(([key, below]) =>
        key.endsWith("dependencies") ? requirementsIn(textsIn(below), key) : dependencyLists(below),
    );
}
