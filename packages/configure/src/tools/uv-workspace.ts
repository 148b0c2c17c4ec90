import { readdirSync } from "node:fs";
import { normalizedName } from "python-registry/names/package-names";
import { asTable, textsIn, type TomlTable } from "../formats/toml";
import { getPathSyntax, type System, variable } from "../machine/system";
import { projectPath, readTomlFile } from "./project-files";

/** A project of a workspace. */
export interface WorkspaceMember {
    /** Path of its pyproject.toml. */
    readonly file: string;
    readonly pyproject: TomlTable;
    /** Normalized. */
    readonly name: string;
}

/** Where uv starts to look for a project: UV_WORKING_DIR and UV_PROJECT are its options `--directory` and `--project`. */
export function uvDirectory(system: System): string {
    return getPathSyntax(system).resolve(
        system.workingDirectory,
        ...["UV_WORKING_DIR", "UV_PROJECT"].map((name) => variable(system, name) ?? ""),
    );
}

/**
 * The directory whose pyproject.toml has the indexes and sources that uv uses: the root of the workspace if the nearest
 * project is a member of one, otherwise the project itself. uv looks only at the next pyproject.toml above the project.
 *
 * @returns undefined if there is no project
 * @see https://docs.astral.sh/uv/concepts/projects/workspaces/
 */
export function findWorkspaceRoot(system: System): string | undefined {
    const paths = getPathSyntax(system);
    const file = projectPath("pyproject.toml", uvDirectory(system), system);
    if (file === undefined) return undefined;
    const project = paths.dirname(file);
    const pyproject = readTomlFile(file);
    const isMember = uvTable(pyproject)["managed"] !== false && "project" in pyproject;
    if ("workspace" in uvTable(pyproject) || !isMember) return project;
    const above = projectPath("pyproject.toml", paths.dirname(project), system);
    const root = above === undefined ? project : paths.dirname(above);
    if (above === undefined || root === project) return project;
    const { members, exclude } = workspaceGlobs(readTomlFile(above), system);
    const path = paths.relative(root, project).replaceAll("\\", "/");
    const isMemberOf = members.some((glob) => globPattern(glob, "one directory").test(path));
    return isMemberOf && !isExcluded(path, exclude) ? root : project;
}

/** The members of a workspace, with the project in the root if there is one. A single project is its own only member. */
export function workspaceMembers(root: string, system: System): readonly WorkspaceMember[] {
    const paths = getPathSyntax(system);
    const { members, exclude } = workspaceGlobs(readTomlFile(paths.join(root, "pyproject.toml")), system);
    const directories = members
        .flatMap((glob) => matchingDirectories(root, glob.split("/"), system))
        .filter((directory) => !isExcluded(paths.relative(root, directory).replaceAll("\\", "/"), exclude));
    return [...new Set([root, ...directories])].flatMap((directory) => {
        const file = paths.join(directory, "pyproject.toml");
        if (!system.exists(file)) return [];
        const pyproject = readTomlFile(file);
        const name = asTable(pyproject["project"])?.["name"];
        const isMember = directory === root || uvTable(pyproject)["managed"] !== false;
        return typeof name === "string" && isMember ? [{ file, pyproject, name: normalizedName(name) }] : [];
    });
}

/** uv's settings in a pyproject.toml. */
export function uvTable(pyproject: TomlTable): TomlTable {
    return asTable(asTable(pyproject["tool"])?.["uv"]) ?? {};
}

function workspaceGlobs(pyproject: TomlTable, system: System): Record<"members" | "exclude", string[]> {
    const workspace = asTable(uvTable(pyproject)["workspace"]);
    const globs = (key: string) =>
        textsIn(workspace?.[key] ?? []).map((glob) =>
            getPathSyntax(system).normalize(glob).replaceAll("\\", "/").replace(/\/$/, ""),
        );
    return { members: globs("members"), exclude: globs("exclude") };
}

/** Unlike `members`, `exclude` also applies to what is deeper: `packages/*` excludes `packages/group/app`. */
function isExcluded(path: string, exclude: readonly string[]): boolean {
    return exclude.some((glob) => globPattern(glob, "directories").test(path));
}

/** The directories that a glob finds, name by name: `*` stays within a name, `**` is any number of directories. */
function matchingDirectories(
    directory: string,
    [part, ...rest]: readonly string[],
    system: System,
): readonly string[] {
    if (part === undefined) return [directory];
    const paths = getPathSyntax(system);
    if (part === ".") return matchingDirectories(directory, rest, system);
    if (part === "..") return matchingDirectories(paths.dirname(directory), rest, system);
    if (part !== "**") {
        return subdirectories(directory)
            .filter((name) => globPattern(part, "one directory").test(name))
            .flatMap((name) => matchingDirectories(paths.join(directory, name), rest, system));
    }
    return [
        ...matchingDirectories(directory, rest, system),
        // No project is below these, and they can be large.
        ...subdirectories(directory)
            .filter((name) => !/^(\.|node_modules$)/.test(name))
            .flatMap((name) => matchingDirectories(paths.join(directory, name), [part, ...rest], system)),
    ];
}

function subdirectories(directory: string): string[] {
    try {
        return readdirSync(directory, { withFileTypes: true })
            .filter((entry) => entry.isDirectory() || entry.isSymbolicLink())
            .map(({ name }) => name);
    } catch {
        return [];
    }
}

/** A glob as uv matches it, where `*` is a part of one directory's name, or of several names. */
function globPattern(glob: string, star: "one directory" | "directories"): RegExp {
    const any = star === "directories" ? "." : "[^/]";
    const source = glob.replace(
        /\*\*\/|\*\*|\*|\?|\[(!?)([^\]]+)\]|[^*?[]/g,
        (token: string, not?: string, characters?: string) => {
            if (token === "**/") return "(?:.*/)?";
            if (token === "**") return ".*";
            if (token === "*") return `${any}*`;
            if (token === "?") return any;
            if (characters !== undefined)
                return `[${not ? "^" : ""}${characters.replace(/[\\\]^]/g, "\\$&")}]`;
            return token.replace(/[.+^${}()|\\/]/g, "\\$&");
        },
    );
    return new RegExp(`^${source}$`, "s");
}
