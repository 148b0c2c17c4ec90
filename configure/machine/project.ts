import { readFileSync } from "node:fs";
import { normalizedName } from "../../src/names/package-names";
import { everywhere } from "../../src/clients/client";
import { UnsupportedFileError } from "../formats/merge";
import { placeOf } from "./places";
import { pathsOf, type System } from "./system";
import { asTable, readToml, type Toml, type TomlTable } from "../formats/toml";

/** What a project says of itself, as far as its files for an index depend on it. Names are normalised. */
export interface Project {
    readonly name?: string;
    /** Whether other projects belong to it, as uv has it. */
    readonly isWorkspace: boolean;
    /** What it depends on, without extras and groups. */
    readonly dependencies: readonly string[];
}

/**
 * Reads pyproject.toml; of one that is not valid TOML, nothing.
 *
 * @see https://packaging.python.org/en/latest/specifications/pyproject-toml/
 */
export function readProject(system: System): Project {
    const place = placeInProject("pyproject.toml", system);
    if (place === undefined) {
        return { isWorkspace: false, dependencies: [] };
    }
    const file = readable(place);
    const project = asTable(file["project"]) ?? {};
    const tool = asTable(file["tool"]) ?? {};
    const poetry = asTable(tool["poetry"]) ?? {};
    const name = project["name"] ?? poetry["name"];
    const listed = Array.isArray(project["dependencies"]) ? (project["dependencies"] as readonly Toml[]) : [];
    // https://peps.python.org/pep-0508/#names
    const asked = listed
        .filter((item) => typeof item === "string")
        .map((requirement) => /^\s*([\w.-]+)/.exec(requirement)?.[1] ?? "");
    const ofPoetry = Object.keys(asTable(poetry["dependencies"]) ?? {}).filter((key) => key !== "python");
    return {
        isWorkspace: "workspace" in (asTable(tool["uv"]) ?? {}),
        ...(typeof name === "string" && { name: normalizedName(name) }),
        dependencies: [...new Set([...asked, ...ofPoetry].map(normalizedName))].filter((each) => each !== ""),
    };
}

/** What in a project keeps a tool from using what would be put there. */
export function obstacleTo(tool: string, system: System): string | undefined {
    const paths = pathsOf(system);
    if (tool === "uv") {
        const place = placeInProject("pyproject.toml", system);
        const own = place === undefined ? undefined : paths.join(paths.dirname(place), "uv.toml");
        return own !== undefined && system.exists(own)
            ? `uv takes its indexes from ${own}, and none from pyproject.toml beside it: move what is in there to [tool.uv]`
            : undefined;
    }
    if (tool === "pipenv") {
        const place = placeInProject("Pipfile", system);
        return place !== undefined && !("source" in readable(place))
            ? `${place} names no source: with this registry as its only one, pipenv would ask PyPI no more. Add PyPI's first`
            : undefined;
    }
    return undefined;
}

function placeInProject(name: string, system: System): string | undefined {
    const place = placeOf({ scope: "project", path: everywhere(name), text: "" }, system);
    return "path" in place && system.exists(place.path) ? place.path : undefined;
}

function readable(path: string): TomlTable {
    try {
        return readToml(readFileSync(path, "utf8"));
    } catch (error) {
        if (error instanceof UnsupportedFileError) return {};
        throw error;
    }
}
