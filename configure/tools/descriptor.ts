import type { PythonIndex } from "../../src/clients/client";
import type { Toml, TomlTable } from "../formats/toml";
import type { System } from "../machine/system";

/** What a tool uses a registry for. */
export type Use = "install" | "publish";

/** Where a client file lies, as far as the path in the client file does not say it. */
export interface FileLocation {
    /** A variable that names the file, or the folder that it lies in. It wins over every other place. */
    readonly variable?: { readonly name: string; readonly names: "file" | "folder" };
    /** The file's path unless the variable names it. */
    readonly path?: (system: System) => string;
}

/** What `configure` knows about a tool beyond its client files, which `src/clients` makes. */
export interface ToolDescriptor {
    /** The commands that start it, the usual one first; none for a file that belongs to no tool. */
    readonly commands: readonly string[];
    /** By the path of the client file on Linux. */
    readonly locations?: Readonly<Record<string, FileLocation>>;
    /** Whether it does not install. */
    readonly onlyPublishes?: boolean;
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
    readonly keyring?: Readonly<Partial<Record<Use, "command" | "package">>>;
    /** How it is told to ask the command: by a variable and, where there is one, by a setting in its files. */
    readonly keyringProvider?: { readonly variable: string; readonly setting?: string };
    /** Why it would not use settings in this project file, or would stop working; undefined if there is no problem. */
    readonly projectProblem?: (projectFile: string, system: System) => string | undefined;
    /** The project's name where pyproject.toml does not have it in the standard place. */
    readonly projectName?: (pyproject: TomlTable) => Toml | undefined;
    /** Whether it refuses pins of internal packages in this project. No tool accepts a pin of the project itself. */
    readonly refusesPins?: (pyproject: TomlTable) => boolean;
    /** Pins for the project file that depend on the project's dependencies; undefined if there is nothing to pin. */
    readonly dependencyPins?: (index: PythonIndex, pyproject: TomlTable) => string | undefined;
    /** What to tell the user after an edit of this file, such as what no longer has an effect. */
    readonly noticesAfter?: (path: string, system: System) => Promise<readonly string[]>;
}
