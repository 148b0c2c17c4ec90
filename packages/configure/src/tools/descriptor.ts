import type { PythonIndex } from "python-registry/clients/client";
import type { TomlTable } from "../formats/toml";
import type { ProcessResult } from "../machine/run";
import type { System } from "../machine/system";
import type { ProjectTool } from "./project-tool";

/** What a tool uses a registry for. */
export type Use = "install" | "publish";

/** A command on PATH, the package in the tool's own Python, or the package if there is one and else the command. */
export type KeyringKind = "command" | "package" | "either";

/** Where a client file lies, as far as the path in the client file does not say it. */
export interface FileLocation {
    /** A variable that names the file, or the folder that it lies in. It wins over every other place. */
    readonly variable?: { readonly name: string; readonly names: "file" | "folder" };
    /** The file's path unless the variable names it. */
    readonly path?: (system: System) => string;
}

/** What a tool is asked for, in a temporary directory. */
export interface ProbeRequest {
    /** The normalized name of a package. */
    readonly packageName: string;
    /** Further packages, for a tool that can resolve each of them on its own. */
    readonly others: readonly string[];
    /** Whether only the registry may provide a package, by its normalized name. */
    readonly isInternal: (name: string) => boolean;
    /** How many days to wait for public versions, in the place of what the tool's files say; undefined to leave it to these. */
    readonly daysToWait?: number | undefined;
    /** The temporary directory. */
    readonly directory: string;
    /** The registry's name in the tool's files; undefined if it has none there. */
    readonly indexName: string | undefined;
    /** The project's file for this tool (`pyproject.toml`, `Pipfile`), parsed; undefined outside a project. */
    readonly project: TomlTable | undefined;
    /** Reads a TOML file beside the project's file; undefined if there is none. */
    readonly beside: (name: string) => TomlTable | undefined;
}

/** A package as a tool resolved it, and where the tool would get it from. */
export interface ResolvedPackage {
    readonly name: string;
    readonly version: string;
    /** Of the index, or of one of the package's files. */
    readonly url: string;
    /** Whether the tool was not allowed to take it, because it has no wheel. */
    readonly isSkipped?: boolean;
}

/**
 * A command that makes a tool resolve one package with its own configuration. It installs nothing, and runs no code of a package if
 * the tool can avoid it.
 */
export interface Probe {
    readonly args: readonly string[];
    /** Variables to set, or to remove. */
    readonly environment?: Readonly<Record<string, string | undefined>>;
    /** Files for the temporary directory: the parts of the project that decide what the tool does. */
    readonly files?: Readonly<Record<string, string>>;
    /** Files beside the project's file that are copied into the temporary directory if they exist. */
    readonly copies?: readonly string[];
    /** Whether the command has to run in the temporary directory. */
    readonly runsInDirectory?: boolean;
    /**
     * Reads what the tool resolved.
     *
     * @param fileText the content of this file in the temporary directory
     * @throws any error if this is not the expected output
     */
    readonly read: (result: ProcessResult, fileText: (name: string) => string) => readonly ResolvedPackage[];
}

/** A package in a lock file. */
export interface LockedPackage {
    /** The normalized name. */
    readonly name: string;
    /** What the lock file says about it, with the addresses that it comes from. */
    readonly text: string;
}

/** A change of a tool's settings in a project file, and the normalized names of the packages in its lock file. */
export interface LockChange {
    readonly before: TomlTable;
    readonly after: TomlTable;
    readonly locked: readonly string[];
}

/** The lock file that a tool writes beside its project file. */
export interface LockFile {
    readonly isNamed: (name: string, projectFile: string) => boolean;
    /** Whether the tool wrote a file with such a name; by default, it did. */
    readonly isOwn?: (text: string, settings: TomlTable) => boolean;
    /** Whether the tool refuses the lock file after this change, or warns of it. */
    readonly isStale: (change: LockChange) => boolean;
    /** The command that locks again with the same versions, where the tool can. */
    readonly command: string;
    /** The command that locks these packages again as the project file now says, and keeps the others. */
    readonly commandFor: (packages: readonly string[], indexName: string | undefined) => string;
    /** Its packages from indexes, if it is not a TOML file with `[[package]]` or `[[packages]]`. */
    readonly packages?: (text: string) => LockedPackage[];
}

/** What `configure` knows about a tool beyond its client files, which `packages/registry/src/clients` makes. */
export interface ToolDescriptor {
    /** The commands that start it, the usual one first; none for a file that belongs to no tool. */
    readonly commands: readonly string[];
    /** By the path of the client file on Linux. */
    readonly locations?: Readonly<Record<string, FileLocation>>;
    /** The tables under `[tool]` of pyproject.toml in which it finds its indexes. */
    readonly projectTables?: readonly string[];
    /** Variables that hold addresses of indexes, each of them alone or as `NAME=ADDRESS`. */
    readonly addressVariables?: readonly string[];
    /** The variables for the user name and the password of an index. */
    readonly loginVariables?: (
        use: Use,
        indexName: string,
    ) => readonly [username: string, password: string] | undefined;
    /** Whether an index has one login for both uses. */
    readonly sharesLogin?: boolean;
    /** Whether it takes a login from the user's .netrc. */
    readonly readsNetrc?: boolean;
    /** Whether it asks the keyring when the index rejects the login from .netrc, as pip does and what calls pip. */
    readonly asksKeyringAfterNetrc?: boolean;
    /** The keyring that it asks if it finds no login: a command on PATH, or the package in its own Python. */
    readonly keyring?: Readonly<Partial<Record<Use, KeyringKind>>>;
    /** The variables and settings that decide whether it asks the keyring, in words. */
    readonly keyringSwitches?: string;
    /** Whether it replaces `${NAME}` in addresses and passwords with the variable. */
    readonly expandsVariables?: boolean;
    /** How `configure check` asks it for a package, or why it cannot be asked here. */
    readonly probe: (request: ProbeRequest) => Probe | { readonly notTried: string };
    /** The variable that overrides the cooldown in its files. */
    readonly cooldownVariable?: string;
    /** What it does in projects, for a tool that has files there. */
    readonly project?: ProjectTool;
    /** Its lock file. */
    readonly lock?: LockFile;
    /** What to tell the user after an edit of this file, such as what no longer has an effect. */
    readonly noticesAfter?: (path: string, index: PythonIndex, system: System) => Promise<readonly string[]>;
}
