import type { Credential } from "./credential";

/**
 * Which keyring provider a pip.conf asks for; `auto` says nothing and leaves pip its own default.
 *
 * @see https://pip.pypa.io/en/stable/topics/authentication/#keyring-support
 */
export type KeyringProvider = "auto" | "import" | "subprocess";

/** What every client file is about: a repository, as the index that tools install from and upload to. */
export interface PythonIndex {
    /** What the tools call it: the repository id, unless another registry has that name on the same machine. */
    readonly name: string;
    /** The simple index, `https://…/simple/`. */
    readonly indexUrl: string;
    /** The upload address, `https://…/`. */
    readonly uploadUrl: string;
    /** Which keyring provider the files ask pip for. */
    readonly keyring: KeyringProvider;
    /** Names that come from this index only: normalised (PEP 503), or a prefix and an asterisk, `acme-*`. */
    readonly internalPackages: readonly string[];
}

/** Where a client file takes effect: for a person, one project, one virtual environment, or the whole machine. */
export const scopes = ["user", "project", "venv", "global"] as const;
export type Scope = (typeof scopes)[number];

/** A file's ordinary place, one a system; a project's files without a folder. `~` is the home directory. */
export interface Path {
    readonly linux: string;
    readonly macos: string;
    readonly windows: string;
}

/** A finished file, or a finished part of one that the tool shares with others (`pyproject.toml`, `Pipfile`). */
export interface ClientFile {
    readonly scope: Scope;
    readonly path: Path;
    readonly text: string;
}

/** Command lines, the same in effect for both families of shells. */
export interface Commands {
    /** sh, bash, zsh. */
    readonly posix: readonly string[];
    readonly powershell: readonly string[];
}

/** What one tool needs in one form of credential. */
export interface Client {
    /** Files that let the tool install. */
    readonly install: readonly ClientFile[];
    /** Files that let the tool publish; none where it does not. */
    readonly publish: readonly ClientFile[];
    readonly commands: {
        /** Once a machine or project: what the files need beside them, such as a keyring backend. */
        readonly setup: Commands;
        /** Installs a package: `PACKAGE` stands for its name. Begins with what the environment must hold. */
        readonly install: Commands;
        /** Publishes what is in `dist/`. */
        readonly publish: Commands;
    };
}

/** A tool's files and commands for an index, or undefined for a form that the tool does not know. */
export type ClientOf = (index: PythonIndex, credential: Credential) => Client | undefined;

/** The same file in the same place on every system. */
export function everywhere(path: string): Path {
    return { linux: path, macos: path, windows: path };
}

/** The same lines in every shell. */
export function inEveryShell(...lines: string[]): Commands {
    return { posix: lines, powershell: lines };
}

/** Asks gcloud for an access token, in the middle of a variable's value: every shell reads it the same way. */
export const accessToken = "$(gcloud auth print-access-token)";

/** Holds the access token for files that name it, and for `docker build`. */
export const tokenVariable = "ARTIFACT_REGISTRY_TOKEN";

/** The package that lets a keyring answer for Artifact Registry. */
export const keyringBackend = "keyrings.google-artifactregistry-auth";

/** Makes `keyring` a command of its own, with the backend. */
export const keyringCommand: readonly string[] = [
    "pipx install keyring",
    `pipx inject keyring ${keyringBackend}`,
];

/** A name as tools write it in a variable: in upper case, anything but letters and digits as an underscore. */
export function inVariable(name: string): string {
    return name.toUpperCase().replace(/[^A-Z0-9]/g, "_");
}

/** A name that does not stand for PyPI itself, as `pypi` does to poetry, pdm and pipenv. */
export function notPypi(name: string): string {
    return name === "pypi" ? "private-pypi" : name;
}

/** Sets variables for the lines that follow. A value is taken as it stands, but for `accessToken` in it. */
export function withEnvironment(
    variables: Readonly<Record<string, string>>,
    ...then: readonly string[]
): Commands {
    const quoted = (value: string) => (value.includes(accessToken) ? `"${value}"` : `'${value}'`);
    const set = (line: (name: string, value: string) => string) => [
        ...Object.entries(variables).map(([name, value]) => line(name, quoted(value))),
        ...then,
    ];
    return {
        posix: set((name, value) => `export ${name}=${value}`),
        powershell: set((name, value) => `$env:${name} = ${value}`),
    };
}
