import type { ClientOf, ClientPlace, PythonIndex } from "./client";
import type { Form } from "./credential";

/** One tool: everything that its client files, the page for developers and the file of variables say about it. */
export interface ToolDefinition {
    /** Creates its files and commands. */
    readonly client: ClientOf;
    /** Its files in all forms of credential. Only for a tool that `configure` sets up. */
    readonly places?: Readonly<Record<"install" | "publish", readonly ClientPlace[]>>;
    /** Its part of the page for developers; undefined if it is for machines only, and not on the page. */
    readonly guide: Guide | undefined;
    /** Environment variables that configure it, if it can be configured without a file. */
    readonly variables?: (index: PythonIndex, login: VariableLogin) => ToolVariables;
    /** Files of another tool that it reads too, by their path on Linux. Only that tool lists them. */
    readonly sharedFiles?: readonly string[];
    /** Whether its files are separate stack outputs, and so not in the output `clients`. */
    readonly hasOwnOutputs?: boolean;
}

/** What the page for developers says about a tool, in addition to its files and commands. */
export interface Guide {
    readonly heading: string;
    /** Which names the tool takes only from this registry, and which from PyPI. Undefined for a tool that only uploads. */
    readonly safety?: (index: PythonIndex) => string;
    /** What the tool does with a cooldown. Undefined for a tool that only uploads. */
    readonly cooldown?: (index: PythonIndex) => string;
    /** When to run the setup commands, if not once. */
    readonly due?: (index: PythonIndex) => string;
    /** What to know before pasting. */
    readonly notes?: (index: PythonIndex) => readonly string[];
    /** What builds the files to publish, in Markdown. */
    readonly build?: (index: PythonIndex) => string;
}

/** The login that variables contain, or that a shell or a keyring adds. */
export interface VariableLogin {
    readonly form: Form;
    readonly username: string;
}

/** The environment variables of one tool. */
export interface ToolVariables {
    /** For pip, or for the pip that the tool runs. They are the first in the file. */
    readonly forPip?: Readonly<Record<string, string>>;
    /** For the tool itself. */
    readonly settings?: Readonly<Record<string, string>>;
    /** The variables that contain the password, or the shell variable that holds it. */
    readonly secrets?: (secret: SecretValues) => Readonly<Record<string, string>>;
}

/** The values for variables that contain a password. */
export interface SecretValues {
    readonly password: string;
    /** The URL of the simple index with the user name and the password. */
    readonly indexUrl: string;
}
