import { readFileSync } from "node:fs";
import type { PythonIndex } from "python-registry/clients/client";
import { normalizedName } from "python-registry/names/package-names";
import { UnsupportedFileError, withoutUserInfo } from "../formats/merge";
import { asTable, readToml, type Toml, type TomlTable } from "../formats/toml";
import { getPathSyntax, type System } from "../machine/system";
import type { FilePlace } from "./project-tool";

/** Reads a project's TOML file. A file that is not valid counts as empty: the edit of it fails, and says why. */
export function readTomlFile(path: string): TomlTable {
    try {
        return readToml(readFileSync(path, "utf8"));
    } catch (error) {
        if (error instanceof UnsupportedFileError) return {};
        throw error;
    }
}

/** The directory and those above it, the nearest first. */
export function directoriesFrom(directory: string, system: System): string[] {
    const parent = getPathSyntax(system).dirname(directory);
    return parent === directory ? [directory] : [directory, ...directoriesFrom(parent, system)];
}

/**
 * The nearest file with this name, from a directory upwards.
 *
 * @param depth how many directories to look in; all if not given
 */
export function projectPath(
    name: string,
    directory: string,
    system: System,
    depth?: number,
): string | undefined {
    return directoriesFrom(directory, system)
        .slice(0, depth)
        .map((each) => getPathSyntax(system).join(each, name))
        .find((path) => system.exists(path));
}

/** The tables in an array, as tools list their indexes. */
export function tablesIn(value: Toml | undefined): TomlTable[] {
    return (Array.isArray(value) ? (value as readonly Toml[]) : [])
        .map((each) => asTable(each))
        .filter((each) => each !== undefined);
}

/** Whether an index in a tool's file is this one. */
export function isAt({ url }: TomlTable, { indexUrl }: PythonIndex): boolean {
    return typeof url === "string" && withoutUserInfo(url) === withoutUserInfo(indexUrl);
}

/** An index for a message, which never contains its address: that may contain a password. */
export function getLabel({ name }: TomlTable): string {
    return typeof name === "string" ? `"${name}"` : "without a name";
}

/** The nearest file with this name, from the working directory upwards. */
export function nearestFile(name: string, system: System): FilePlace {
    return placeFrom(name, system.workingDirectory, system);
}

/** As `projectPath`, with what to do if there is no such file. */
export function placeFrom(name: string, directory: string, system: System, depth?: number): FilePlace {
    const path = projectPath(name, directory, system, depth);
    if (path !== undefined) return { path };
    const where = directory === system.workingDirectory ? "this directory" : directory;
    const parents =
        depth === undefined
            ? ` or its parents`
            : depth > 1
              ? ` or the ${depth - 1} above it, in which the tool looks`
              : ", the only one in which the tool looks";
    return {
        problem: `there is no ${name} in ${where}${parents}. Run this command in the project's directory`,
    };
}

/** A dependency as a project declares it. */
export interface Dependency {
    /** Normalized. */
    readonly name: string;
    /** The requirement as it is written. */
    readonly text: string;
    /** The table or list, as in `dependency-groups.dev`. */
    readonly list: string;
    /** Whether it names its own URL or path, so that it comes from no index. */
    readonly isDirect: boolean;
}

/**
 * The dependencies that a list declares, as requirements of PEP 508. What else is in the list, such as an included group,
 * is left out.
 *
 * @see https://packaging.python.org/en/latest/specifications/dependency-specifiers/
 */
export function requirementsIn(value: Toml | undefined, list: string): Dependency[] {
    const texts = (Array.isArray(value) ? (value as readonly Toml[]) : []).filter(
        (item) => typeof item === "string",
    );
    return texts.flatMap((text) => {
        const [, name, url] = /^\s*([a-z0-9](?:[\w.-]*[a-z0-9])?)\s*(?:\[[^\]]*\])?\s*(@)?/i.exec(text) ?? [];
        return name === undefined
            ? []
            : [{ name: normalizedName(name), text, list, isDirect: url !== undefined }];
    });
}

/** The dependencies in each list of a table of lists. */
export function requirementsInTable(value: Toml | undefined, table: string): Dependency[] {
    return Object.entries(asTable(value) ?? {}).flatMap(([key, list]) =>
        requirementsIn(list, `${table}.${key}`),
    );
}

/**
 * The dependencies in the standard tables: of the project, of its extras, and in groups.
 *
 * @see https://packaging.python.org/en/latest/specifications/pyproject-toml/
 * @see https://packaging.python.org/en/latest/specifications/dependency-groups/
 */
export function standardDependencies(pyproject: TomlTable): Dependency[] {
    const project = asTable(pyproject["project"]);
    return [
        ...requirementsIn(project?.["dependencies"], "project.dependencies"),
        ...requirementsInTable(project?.["optional-dependencies"], "project.optional-dependencies"),
        ...requirementsInTable(pyproject["dependency-groups"], "dependency-groups"),
    ];
}

/** What builds the project. */
export function buildRequirements(pyproject: TomlTable): Dependency[] {
    return requirementsIn(asTable(pyproject["build-system"])?.["requires"], "build-system.requires");
}

/** Names as a part of a sentence, each once: `a`, `a and b`, `a, b and c`. */
export function getNames(dependencies: readonly { readonly name: string }[]): string {
    const names = [...new Set(dependencies.map(({ name }) => name))];
    return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
