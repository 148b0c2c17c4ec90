import { readFileSync } from "node:fs";
import { normalizedName } from "../../src/names/package-names";
import { everywhere } from "../../src/clients/client";
import { UnsupportedFileError } from "../formats/merge";
import { placeOf } from "./places";
import { pathsOf, type System } from "./system";
import { asTable, readToml, type Toml, type TomlTable } from "../formats/toml";

/** The parts of a project's metadata that its files for an index depend on. Names are normalized. */
export interface Project {
    readonly name?: string;
    /** Whether it is the root of a uv workspace. */
    readonly isWorkspace: boolean;
    /** Its dependencies, without extras and groups. */
    readonly dependencies: readonly string[];
}

/**
 * Reads pyproject.toml. A file that is not valid TOML counts as empty.
 *
 * @see https://packaging.python.org/en/latest/specifications/pyproject-toml/
 */
export function readProject(system: System): Project {
    const place = projectFile("pyproject.toml", system);
    if (place === undefined) {
        return { isWorkspace: false, dependencies: [] };
    }
    const file = tomlOrEmpty(place);
    const project = asTable(file["project"]) ?? {};
    const tool = asTable(file["tool"]) ?? {};
    const poetry = asTable(tool["poetry"]) ?? {};
    const name = project["name"] ?? poetry["name"];
    const listed = Array.isArray(project["dependencies"]) ? (project["dependencies"] as readonly Toml[]) : [];
    // https://peps.python.org/pep-0508/#names
    const required = listed
        .filter((item) => typeof item === "string")
        .map((requirement) => /^\s*([\w.-]+)/.exec(requirement)?.[1] ?? "");
    const poetryDependencies = Object.keys(asTable(poetry["dependencies"]) ?? {}).filter(
        (key) => key !== "python",
    );
    return {
        isWorkspace: "workspace" in (asTable(tool["uv"]) ?? {}),
        ...(typeof name === "string" && { name: normalizedName(name) }),
        dependencies: [...new Set([...required, ...poetryDependencies].map(normalizedName))].filter(
            (each) => each !== "",
        ),
    };
}

/** Why a tool would not use settings in this project, or would stop working; undefined if there is no problem. */
export function projectProblem(tool: string, system: System): string | undefined {
    const paths = pathsOf(system);
    if (tool === "uv") {
        const place = projectFile("pyproject.toml", system);
        const own = place === undefined ? undefined : paths.join(paths.dirname(place), "uv.toml");
        return own !== undefined && system.exists(own)
            ? `uv: ${own} takes precedence over pyproject.toml in the same directory. Move its settings to [tool.uv]`
            : undefined;
    }
    if (tool === "pipenv") {
        const place = projectFile("Pipfile", system);
        return place !== undefined && !("source" in tomlOrEmpty(place))
            ? `pipenv: ${place} has no source. If this registry were the only one, pipenv would no longer use PyPI. Add PyPI as a source first`
            : undefined;
    }
    return undefined;
}

function projectFile(name: string, system: System): string | undefined {
    const place = placeOf({ scope: "project", path: everywhere(name), text: "" }, system);
    return "path" in place && system.exists(place.path) ? place.path : undefined;
}

function tomlOrEmpty(path: string): TomlTable {
    try {
        return readToml(readFileSync(path, "utf8"));
    } catch (error) {
        if (error instanceof UnsupportedFileError) return {};
        throw error;
    }
}
