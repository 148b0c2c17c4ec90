/** The versions of internal packages that a tool chose, or that it failed because it would not take them from elsewhere. */
export type Locked = Readonly<Record<string, string>> | "fails";

/** A project in which `configure --scope project` runs, and then the tool. */
export interface ProjectCase {
    readonly title: string;
    /** Whether it is the one of its tool that is also undone, and configured again. */
    readonly first?: true;
    readonly files: Readonly<Record<string, string>>;
    /** Where both run; the project's folder if not given. */
    readonly directory?: string;
    readonly environment?: Readonly<Record<string, string>>;
    readonly internalPackages?: readonly string[];
    readonly says?: readonly RegExp[];
    /** No warning if not given. */
    readonly doesNotSay?: readonly RegExp[];
    /** `configure` refuses, and changes nothing. */
    readonly refused?: true;
    /** The only file that is edited. */
    readonly edits?: string;
    /** What locks, or prints `acme-core==VERSION`. */
    readonly run: string;
    readonly locked: Locked;
    /** What the message says to change, and what the tool chooses then. */
    readonly cure?: {
        readonly file: string;
        readonly from: string;
        readonly to: string;
        readonly run?: string;
        readonly locked: Locked;
    };
}

export const project = '[project]\nname = "own"\nversion = "1"\nrequires-python = ">=3.10"\n';
export const indexUrl = "https://europe-west1-python.pkg.dev/sandbox-project/python/simple/";
/** Another index, on which the attacker is too. */
export const mirrorUrl = "https://mirror.example/simple";
