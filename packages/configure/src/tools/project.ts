import { type ClientOf, isOnlyIndex, type PythonIndex } from "python-registry/clients/client";
import { tools } from "python-registry/clients/tools";
import { normalizedName } from "python-registry/names/package-names";
import { asTable, type TomlTable } from "../formats/toml";
import { getPathSyntax, type System } from "../machine/system";
import { configurable, type ConfigurableTool } from "./configurable";
import { descriptors } from "./descriptors";
import { getPlace } from "./places";
import { directoriesFrom, readTomlFile } from "./project-files";
import type { FilePlace, Pins, Project, ProjectTool, Signs } from "./project-tool";

/**
 * Finds the file of the project that a tool works on.
 *
 * @returns undefined if the tool has no file in a project
 */
export function findProject(tool: ConfigurableTool, system: System): FilePlace | undefined {
    const found = tools[tool].places.install.find(({ scope }) => scope === "project");
    const place = found && getPlace(found, system, tool);
    // Only a variable can name a file that does not exist.
    return place === undefined || "problem" in place || system.exists(place.path)
        ? place
        : { problem: `${place.path} does not exist. Create it first` };
}

/**
 * What a tool pins in a project. No tool accepts a pin of the project itself. If the registry is the only index, there is nothing to
 * pin.
 */
export function planPins(tool: ProjectTool | undefined, index: PythonIndex, project: Project): Pins {
    const name = asTable(project.data["project"])?.["name"];
    const own = typeof name === "string" ? normalizedName(name) : undefined;
    const internalPackages = isOnlyIndex(index)
        ? []
        : index.internalPackages.filter((internal) => internal !== own);
    return tool?.planPins?.({ ...index, internalPackages }, project) ?? { internalPackages, notices: [] };
}

/** A tool's client for one project, with its pins. */
export function clientForProject(clientOf: ClientOf, { internalPackages, text: pins = "" }: Pins): ClientOf {
    return (given, credential) => {
        const client = clientOf({ ...given, internalPackages }, credential);
        if (client === undefined || pins === "") return client;
        // A further file of the project has settings only.
        const withPins = client.install.find(({ scope }) => scope === "project");
        const install = client.install.map((file) =>
            file === withPins ? { ...file, text: `${file.text}\n${pins}` } : file,
        );
        return { ...client, install };
    };
}

/**
 * The tools that the nearest project shows signs of. A build backend counts only if nothing else names a tool: projects of
 * uv often build with hatchling.
 */
export function projectTools(system: System): ConfigurableTool[] {
    const paths = getPathSyntax(system);
    const directory = directoriesFrom(system.workingDirectory, system).find((each) =>
        ["pyproject.toml", "Pipfile"].some((name) => system.exists(paths.join(each, name))),
    );
    if (directory === undefined) return [];
    const withSigns = configurable.flatMap((tool) => {
        const { project } = descriptors[tool];
        if (project === undefined) return [];
        const { signs, findProjectFile } = project;
        const pyproject = paths.join(directory, "pyproject.toml");
        // A member of a workspace has its lock file in the root.
        const place = system.exists(pyproject) ? findProjectFile?.("pyproject.toml", system) : undefined;
        const root = place !== undefined && "path" in place ? paths.dirname(place.path) : directory;
        const found = [...new Set([directory, root])].map((each) => findStrength(signs, each, system));
        return [{ tool, found }];
    });
    const having = (strength: "certain" | "possible") =>
        withSigns.filter(({ found }) => found.includes(strength)).map(({ tool }) => tool);
    const certain = having("certain");
    return certain.length > 0 ? certain : having("possible");
}

function findStrength(
    { files, table = "", buildKeys = [], backend }: Signs,
    directory: string,
    system: System,
): "certain" | "possible" | undefined {
    const paths = getPathSyntax(system);
    const pyproject = paths.join(directory, "pyproject.toml");
    const data: TomlTable = system.exists(pyproject) ? readTomlFile(pyproject) : {};
    const settings = asTable(asTable(data["tool"])?.[table]);
    const keys = settings && Object.keys(settings);
    const manages =
        keys !== undefined && (keys.length === 0 || !keys.every((key) => buildKeys.includes(key)));
    if (manages || files.some((file) => system.exists(paths.join(directory, file)))) return "certain";
    const builder = asTable(data["build-system"])?.["build-backend"];
    const builds = typeof builder === "string" && backend !== undefined && builder.startsWith(backend);
    return builds || keys !== undefined ? "possible" : undefined;
}
