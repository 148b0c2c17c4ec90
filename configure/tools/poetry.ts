import { inVariable } from "../../src/clients/client";
import { poetryPins } from "../../src/clients/poetry";
import { isAmong, normalizedName } from "../../src/names/package-names";
import { asTable, type TomlTable } from "../formats/toml";
import type { FileLocation, ToolDescriptor } from "./descriptor";
import { requiredNames } from "./project-files";

const inConfigFolder: FileLocation = { variable: { name: "POETRY_CONFIG_DIR", names: "folder" } };

/** @see https://python-poetry.org/docs/configuration/ */
export const poetry: ToolDescriptor = {
    commands: ["poetry"],
    locations: {
        "~/.config/pypoetry/config.toml": inConfigFolder,
        "~/.config/pypoetry/auth.toml": inConfigFolder,
    },
    projectTables: ["poetry"],
    projectName: (pyproject) => tableOf(pyproject)["name"],
    // poetry ignores or installs all other names.
    dependencyPins: (index, pyproject) => {
        const pinned = dependencies(pyproject).filter((name) => isAmong(name, index.internalPackages));
        return pinned.length === 0 ? undefined : poetryPins(index, pinned);
    },
    loginVariables: (_use, indexName) => {
        const prefix = `POETRY_HTTP_BASIC_${inVariable(indexName)}`;
        return [`${prefix}_USERNAME`, `${prefix}_PASSWORD`];
    },
    keyring: { install: "package", publish: "package" },
};

/** poetry's table in pyproject.toml, which describes the project if `[project]` does not. */
function tableOf(pyproject: TomlTable): TomlTable {
    return asTable(asTable(pyproject["tool"])?.["poetry"]) ?? {};
}

/** The normalized names of the project's dependencies, without those of extras and groups. */
function dependencies(pyproject: TomlTable): string[] {
    const own = Object.keys(asTable(tableOf(pyproject)["dependencies"]) ?? {}).filter(
        (key) => key !== "python",
    );
    return [...new Set([...requiredNames(pyproject), ...own.map(normalizedName)])];
}
