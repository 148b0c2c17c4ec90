import type { ClientFile } from "../../src/clients/client";
import { basename, environmentFolder, expandConfigPath, expandPath } from "../machine/paths";
import { pathsOf, type System, variable } from "../machine/system";
import type { FileLocation } from "./descriptor";
import { descriptors } from "./descriptors";

/** Where a client file belongs on a machine, or why it has no place there. */
export type Place = { readonly path: string } | { readonly problem: string };

const locations: Readonly<Record<string, FileLocation>> = Object.assign(
    {},
    ...Object.values(descriptors).map((descriptor) => descriptor.locations),
) as Record<string, FileLocation>;

/**
 * Finds the place of a client file.
 *
 * @see https://pip.pypa.io/en/stable/topics/configuration/#location
 * @see https://docs.astral.sh/uv/concepts/configuration-files/
 * @see https://platformdirs.readthedocs.io/ for poetry, pdm and hatch
 */
export function placeOf(file: ClientFile, system: System): Place {
    const ordinary = file.path[system.kind];
    const location = locations[file.path.linux];
    const value = location?.variable && variable(system, location.variable.name);
    if (location?.variable !== undefined && value !== undefined) {
        return placeByVariable(location.variable, value, basename(ordinary), system);
    }
    if (file.scope === "project") {
        return inProject(ordinary, system);
    }
    if (file.scope === "venv") {
        const folder = environmentFolder(system);
        if (folder === undefined) {
            return {
                problem: "no virtual environment is active (VIRTUAL_ENV is not set). Activate it first",
            };
        }
        if (!system.exists(folder)) {
            return { problem: `the active virtual environment does not exist: ${folder}` };
        }
    }
    return { path: location?.path?.(system) ?? expandConfigPath(ordinary, system) };
}

function placeByVariable(
    { name, names }: NonNullable<FileLocation["variable"]>,
    value: string,
    file: string,
    system: System,
): Place {
    const paths = pathsOf(system);
    const target = paths.resolve(system.workingDirectory, expandPath(value, system));
    if (/^(\/dev\/null|nul)$/i.test(value)) {
        return { problem: `${name} turns the tool's configuration off (${value}). Unset it first` };
    }
    return { path: names === "file" ? target : paths.join(target, file) };
}

/** The nearest file of that name, from the working directory upwards. */
function inProject(name: string, system: System): Place {
    const paths = pathsOf(system);
    let directory = system.workingDirectory;
    for (;;) {
        const candidate = paths.join(directory, name);
        if (system.exists(candidate)) {
            return { path: candidate };
        }
        const parent = paths.dirname(directory);
        if (parent === directory) {
            return {
                problem: `there is no ${name} in this folder or above. Run configure in the project's folder`,
            };
        }
        directory = parent;
    }
}
