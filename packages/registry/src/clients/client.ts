import { asksForToken, type Credential } from "./credential";

/**
 * The keyring provider in a pip.conf. With `auto`, the file does not set it, and pip uses its default.
 *
 * @see https://pip.pypa.io/en/stable/topics/authentication/#keyring-support
 */
export const KeyringProvider = { auto: "auto", import: "import", subprocess: "subprocess" } as const;
/** The keyring provider in a pip.conf. */
export type KeyringProvider = (typeof KeyringProvider)[keyof typeof KeyringProvider];

/**
 * Where public packages come from. With `pypi`, tools ask PyPI beside the registry. With `mirror` and `none`, they ask only the
 * registry, which passes on public packages or has none.
 */
export const PublicPackages = { pypi: "pypi", mirror: "mirror", none: "none" } as const;
/** Where public packages come from. */
export type PublicPackages = (typeof PublicPackages)[keyof typeof PublicPackages];

/** How old a public version must be before the tools take it, as far as a tool can wait. */
export interface CooldownConfig {
    /** A whole number of days, 1 to 365. */
    readonly days: number;
}

/** A repository as an index: tools install from it and upload to it. Every client file is made for one index. */
export interface PythonIndex {
    /** The name of the index in the tools: the repository id, unless another registry on the same machine has that name. */
    readonly name: string;
    /** URL of the simple index, `https://…/simple/`. */
    readonly indexUrl: string;
    /** URL for uploads, `https://…/`. */
    readonly uploadUrl: string;
    /** The keyring provider that the files ask pip for. */
    readonly keyring: KeyringProvider;
    /** Where tools get public packages from. */
    readonly publicPackages: PublicPackages;
    /** Normalized names (PEP 503) of packages that only this index may provide. A prefix ends with an asterisk: `acme-*`. */
    readonly internalPackages: readonly string[];
    /** How old public versions must be. Undefined: they can be new. */
    readonly cooldown?: CooldownConfig | undefined;
}

/** Whether this index is the only one that the tools ask: it then takes the place of PyPI. */
export function isOnlyIndex({ publicPackages }: Pick<PythonIndex, "publicPackages">): boolean {
    return publicPackages !== PublicPackages.pypi;
}

/** The scopes of client files: a file applies to one user, one project, one virtual environment, or the whole machine. */
export const scopes = ["user", "project", "venv", "global"] as const;
/** The scope of a client file. */
export type Scope = (typeof scopes)[number];

/** The default path of a file on each operating system. `~` is the home directory. The path of a project's file has no folder. */
export interface Path {
    /** Path on Linux, for example `~/.config/uv/uv.toml`. */
    readonly linux: string;
    /** Path on macOS. */
    readonly macos: string;
    /** Path on Windows, which can contain variables such as `%APPDATA%`. */
    readonly windows: string;
}

/** A client file without its text. */
export interface ClientPlace {
    /** Where the file applies. */
    readonly scope: Scope;
    /** The default path of the file. */
    readonly path: Path;
    /** Whether a user's file contains no password even if the form of credential has one, as a project's file never does. */
    readonly isPublic?: true;
}

/** A complete file, or a part of a file that contains other settings too (`pyproject.toml`, `Pipfile`). */
export interface ClientFile extends ClientPlace {
    /** The content. It can contain a credential, but never in the scope `project`. */
    readonly text: string;
}

/** Command lines for both families of shells, with the same effect. */
export interface Commands {
    /** For sh, bash and zsh. */
    readonly posix: readonly string[];
    /** For PowerShell. */
    readonly powershell: readonly string[];
}

/** The files and commands of one tool for one form of credential. */
export interface Client {
    /** Files that the tool needs to install packages. */
    readonly install: readonly ClientFile[];
    /** Files that the tool needs to publish packages. Empty if the tool does not publish. */
    readonly publish: readonly ClientFile[];
    /** Commands for the steps that files cannot do. */
    readonly commands: {
        /** Sets up other requirements, such as a keyring backend. Run it once for each machine or project. */
        readonly setup: Commands;
        /** Installs a package; `PACKAGE` is a placeholder for its name. Sets the required environment variables first. */
        readonly install: Commands;
        /** Publishes the files in `dist/`. */
        readonly publish: Commands;
    };
}

/** Creates the files and commands of a tool for an index. Returns undefined if the tool does not support the form. */
export type ClientOf = (index: PythonIndex, credential: Credential) => Client | undefined;

/** The same path on every operating system, except on Windows if it has a path of its own. */
export function everywhere(path: string, windows = path): Path {
    return { linux: path, macos: path, windows };
}

/** A file in the folder of a project. */
export function projectPlace(path: string): ClientPlace {
    return { scope: "project", path: everywhere(path) };
}

/** A file, or a part of one, in the folder of a project. */
export function projectFile(path: string, text: string): ClientFile {
    return { ...projectPlace(path), text };
}

/** Lines of a file, each with its line break. */
export function joinLines(...lines: readonly string[]): string {
    return lines.map((line) => `${line}\n`).join("");
}

/** The same lines in every shell. */
export function inEveryShell(...lines: string[]): Commands {
    return { posix: lines, powershell: lines };
}

/** Commands, followed by one that is the same in every shell. */
export function append({ posix, powershell }: Commands, line: string): Commands {
    return { posix: [...posix, line], powershell: [...powershell, line] };
}

/** Commands that only the keyring form needs, once for each machine or project. */
export function keyringSetup({ form }: Credential, ...lines: readonly string[]): Commands {
    return inEveryShell(...(form === "keyring" ? lines : []));
}

/** Gets an access token from gcloud, as a part of a double-quoted value. The syntax is the same in all shells. */
export const accessToken = "$(gcloud auth print-access-token)";

/** The environment variable with the access token, for files that refer to it and for `docker build`. */
export const tokenVariable = "ARTIFACT_REGISTRY_TOKEN";

/** What the page says about a tool that waits, or does not, without a message. */
export const failsOpen =
    "**An older one does not wait, and no version waits for an index that does not say when a file was uploaded**, such as some mirrors of " +
    "PyPI: `configure check` tells you.";

/** The Python package with the keyring backend for Artifact Registry. */
export const keyringBackend = "keyrings.google-artifactregistry-auth";

/**
 * The option with which pip and pipx get a package from PyPI although their files name only the registry: pip cannot sign in there
 * before it has the keyring. It ends with a space, and is empty if the files have PyPI too.
 */
export function fromPypi(index: Pick<PythonIndex, "publicPackages">): string {
    return isOnlyIndex(index) ? "--index-url https://pypi.org/simple/ " : "";
}

/** Command lines that install the command `keyring` with the backend, outside any virtual environment. */
export function keyringCommand(index: Pick<PythonIndex, "publicPackages">): string[] {
    const option = fromPypi(index);
    return [`pipx install ${option}keyring`, `pipx inject ${option}keyring ${keyringBackend}`];
}

/** A name in the form for environment variables: in upper case, with underscores for all characters but letters and digits. */
export function inVariable(name: string): string {
    return name.toUpperCase().replace(/[^A-Z0-9]/g, "_");
}

/** A name that is different from `pypi`, which poetry, pdm and pipenv reserve for PyPI. */
export function nonPypiName(name: string): string {
    return name === "pypi" ? "private-pypi" : name;
}

/**
 * A name for a tool that accepts only `a-z`, `0-9` and `-`. A name that the tool reserves gets a prefix.
 *
 * @throws RangeError with the given start if the name has other characters
 */
export function plainName(name: string, refusal: string, reserved: readonly string[]): string {
    if (!/^[a-z0-9-]+$/.test(name)) throw new RangeError(`${refusal}: use only a-z, 0-9 and -`);
    return reserved.includes(name) ? `private-${name}` : name;
}

/**
 * Command lines that set environment variables, followed by other lines. A value is literal, except that the shell expands
 * `accessToken` in it.
 */
export function withEnvironment(
    variables: Readonly<Record<string, string>>,
    ...lines: readonly string[]
): Commands {
    const quoted = (value: string) => (value.includes(accessToken) ? `"${value}"` : `'${value}'`);
    const withLines = (assignment: (name: string, value: string) => string) => [
        ...Object.entries(variables).map(([name, value]) => assignment(name, quoted(value))),
        ...lines,
    ];
    return {
        posix: withLines((name, value) => `export ${name}=${value}`),
        powershell: withLines((name, value) => `$env:${name} = ${value}`),
    };
}

/** Command lines that set environment variables only if the token is not given, followed by other lines. */
export function withToken(
    credential: Credential,
    variables: Readonly<Record<string, string>>,
    ...lines: readonly string[]
): Commands {
    return withEnvironment(asksForToken(credential) ? variables : {}, ...lines);
}
