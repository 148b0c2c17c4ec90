import type { ClientPlace } from "python-registry/clients/client";
import { virtualEnvironment, expandConfigPath, expandPath } from "../machine/paths";
import { getPathSyntax, type System, variable } from "../machine/system";
import type { FileLocation } from "./descriptor";
import type { ConfigurableTool } from "./configurable";
import { descriptors } from "./descriptors";
import { nearestFile } from "./project-files";
import type { FilePlace } from "./project-tool";

const locations: Readonly<Record<string, FileLocation>> = Object.assign(
    {},
    ...Object.values(descriptors).map((descriptor) => descriptor.locations),
) as Record<string, FileLocation>;

/**
 * Finds the path of a tool's client file.
 *
 * @see https://pip.pypa.io/en/stable/topics/configuration/#location
 * @see https://docs.astral.sh/uv/concepts/configuration-files/
 * @see https://platformdirs.readthedocs.io/ for poetry, pdm and hatch
 */
export function getPlace(file: ClientPlace, system: System, tool: ConfigurableTool): FilePlace {
    const ordinary = file.path[system.kind];
    const location = locations[file.path.linux];
    const value = location?.variable && variable(system, location.variable.name);
    if (location?.variable !== undefined && value !== undefined) {
        return overridePlace(location.variable, value, getPathSyntax(system).basename(ordinary), system);
    }
    if (file.scope === "project") {
        return (descriptors[tool].project?.findProjectFile ?? nearestFile)(ordinary, system);
    }
    if (file.scope === "venv") {
        const folder = virtualEnvironment(system);
        if (folder === undefined) {
            return {
                problem: "no virtual environment is active. Activate one first (VIRTUAL_ENV is not set)",
            };
        }
        if (!system.exists(folder)) {
            return { problem: `the active virtual environment does not exist: ${folder}` };
        }
    }
    return { path: location?.path?.(system) ?? expandConfigPath(ordinary, system) };
}

function overridePlace(
    { name, names }: NonNullable<FileLocation["variable"]>,
    value: string,
    file: string,
    system: System,
): FilePlace {
    const paths = getPathSyntax(system);
    const target = paths.resolve(system.workingDirectory, expandPath(value, system));
    if (/^(\/dev\/null|nul)$/i.test(value)) {
        return { problem: `${name} turns off the tool's configuration (${value}). Unset it first` };
    }
    return { path: names === "file" ? target : paths.join(target, file) };
}
