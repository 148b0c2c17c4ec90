import { type ClientFile, type ClientOf, everywhere } from "../../src/clients/client";
import { normalizedName } from "../../src/names/package-names";
import { asTable, type TomlTable } from "../formats/toml";
import type { System } from "../machine/system";
import type { ToolDescriptor } from "./descriptor";
import { descriptors } from "./descriptors";
import { placeOf } from "./places";
import { readTomlFile } from "./project-files";

/** What the client files for a project depend on. */
export interface Project {
    /** The normalized name. */
    readonly name?: string;
    readonly pyproject: TomlTable;
}

/** Reads the project in the working directory or above it. Without pyproject.toml, it is empty. */
export function readProject(system: System): Project {
    const path = existingPlace({ scope: "project", path: everywhere("pyproject.toml"), text: "" }, system);
    const pyproject = path === undefined ? {} : readTomlFile(path);
    const name =
        asTable(pyproject["project"])?.["name"] ??
        Object.values(descriptors)
            .map((descriptor) => descriptor.projectName?.(pyproject))
            .find((found) => found !== undefined);
    return { pyproject, ...(typeof name === "string" && { name: normalizedName(name) }) };
}

/** Why a tool would not use these files of a project, or would stop working; undefined if there is no problem. */
export function projectProblem(
    { projectProblem: problemOf }: ToolDescriptor,
    files: readonly ClientFile[],
    system: System,
): string | undefined {
    return files
        .filter(({ scope }) => scope === "project")
        .map((file) => {
            const path = existingPlace(file, system);
            return path === undefined ? undefined : problemOf?.(path, system);
        })
        .find((problem) => problem !== undefined);
}

/** A tool's client for one project: its pins are those that the tool accepts there. */
export function clientForProject(
    clientOf: ClientOf,
    { refusesPins, dependencyPins }: ToolDescriptor,
    { name, pyproject }: Project,
): ClientOf {
    return (given, credential) => {
        const internalPackages =
            refusesPins?.(pyproject) === true
                ? []
                : given.internalPackages.filter((internal) => internal !== name);
        const index = { ...given, internalPackages };
        const client = clientOf(index, credential);
        const pins = dependencyPins?.(index, pyproject);
        if (client === undefined || pins === undefined) return client;
        const withPins = (file: ClientFile) =>
            file.scope === "project" ? { ...file, text: `${file.text}\n${pins}` } : file;
        return { ...client, install: client.install.map(withPins) };
    };
}

function existingPlace(file: ClientFile, system: System): string | undefined {
    const place = placeOf(file, system);
    return "path" in place && system.exists(place.path) ? place.path : undefined;
}
