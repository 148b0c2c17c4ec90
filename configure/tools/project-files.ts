import { readFileSync } from "node:fs";
import { normalizedName } from "../../src/names/package-names";
import { UnsupportedFileError } from "../formats/merge";
import { asTable, readToml, type Toml, type TomlTable } from "../formats/toml";

/** Reads a project's TOML file. A file that is not valid counts as empty: the edit of it fails, and says why. */
export function readTomlFile(path: string): TomlTable {
    try {
        return readToml(readFileSync(path, "utf8"));
    } catch (error) {
        if (error instanceof UnsupportedFileError) return {};
        throw error;
    }
}

/**
 * The normalized names of the project's dependencies in `[project]`, without those of extras.
 *
 * @see https://packaging.python.org/en/latest/specifications/pyproject-toml/
 */
export function requiredNames(pyproject: TomlTable): string[] {
    const listed = asTable(pyproject["project"])?.["dependencies"];
    return (
        (Array.isArray(listed) ? (listed as readonly Toml[]) : [])
            .filter((item) => typeof item === "string")
            // https://peps.python.org/pep-0508/#names
            .map((requirement) => normalizedName(/^\s*([\w.-]+)/.exec(requirement)?.[1] ?? ""))
            .filter((name) => name !== "")
    );
}
