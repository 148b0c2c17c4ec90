import type { PythonIndex, Scope } from "python-registry/clients/client";
import type { TomlTable } from "../formats/toml";
import type { System } from "../machine/system";

/** A file's path on a machine, or why it has none. */
export type FilePlace = { readonly path: string } | { readonly problem: string };

/** The project that a tool works on. */
export interface Project {
    /** Path of the file that `configure` edits. */
    readonly file: string;
    /** What is in it. */
    readonly data: TomlTable;
    readonly system: System;
}

/** What a project's file restricts to the registry. */
export interface Pins {
    /** The names and prefixes for the client file. */
    readonly internalPackages: readonly string[];
    /** More text for the project's file. */
    readonly text?: string;
    /** Internal packages that the file cannot restrict, or that were left alone, and what to do. */
    readonly notices: readonly string[];
}

/** What shows that a project uses a tool. */
export interface Signs {
    /** Files beside the project's file. */
    readonly files: readonly string[];
    /** Its table under `[tool]` of pyproject.toml. */
    readonly table?: string;
    /** The keys of this table that configure only its build backend. */
    readonly buildKeys?: readonly string[];
    /** How the name of its build backend starts. */
    readonly backend?: string;
}

/** A tool's file as a run leaves it. */
export interface ConfiguredFile {
    readonly path: string;
    readonly scope: Scope;
    readonly data: TomlTable;
    readonly index: PythonIndex;
    readonly system: System;
}

/** What a tool does in a project, as far as `configure` has to know it. */
export interface ProjectTool {
    /** The project's file with this name, where the tool does not look for it as `nearestFile` does. */
    readonly findProjectFile?: (name: string, system: System) => FilePlace;
    /** What shows that a project uses it. */
    readonly signs: Signs;
    /** Why it would not use our settings in this project, or would stop working; undefined if there is no problem. */
    readonly projectProblem?: (project: Project, index: PythonIndex) => string | undefined;
    /** What to pin in a project; everything in `internalPackages` if not given. */
    readonly planPins?: (index: PythonIndex, project: Project) => Pins;
    /**
     * Settings with which the tool can take an internal package from elsewhere, or any package if the registry is the only index, and
     * what to do about each.
     */
    readonly findGaps?: (file: ConfiguredFile) => readonly string[];
}
