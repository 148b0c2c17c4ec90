import { execa } from "execa";
import { tokenUsername } from "python-registry/clients/credential";
import { beside, onPath } from "./programs";
import type { Registry } from "./registry";

/** Variables from which Google's tools and Terraform's provider read an access token. */
const tokenVariables = ["CLOUDSDK_AUTH_ACCESS_TOKEN", "GOOGLE_OAUTH_ACCESS_TOKEN"];

/** A token is valid for an hour at most, and gcloud gives one with five minutes left. */
const freshMilliseconds = 4 * 60_000;

const tokenPattern = /^[\w.~+/=-]{20,}$/;

/** Where access tokens for a registry come from. */
export interface CredentialOptions {
    /** The option that names the file, for messages. */
    readonly option: string;
    /** A file of Google credentials; undefined: Application Default Credentials, or gcloud's account. */
    readonly file: string | undefined;
    /** The path of twine, if there is one: a keyring in its environment is asked first. */
    readonly twine: string | undefined;
}

/**
 * Access tokens for a registry, from where Python's tools get theirs: the variables with a token, the Google keyring, gcloud. A token
 * is on no command line and in no file.
 */
export class AccessTokens {
    #last: { readonly token: Promise<string>; readonly time: number } | undefined;
    readonly #issued = new Set<string>();

    constructor(
        private readonly registry: Registry,
        private readonly options: CredentialOptions,
    ) {}

    /**
     * A token that is valid for some minutes.
     * @throws Error that says how to sign in
     */
    async get(): Promise<string> {
        if (this.#last === undefined || Date.now() - this.#last.time > freshMilliseconds) {
            this.#last = { token: this.#find(), time: Date.now() };
        }
        const token = await this.#last.token;
        this.#issued.add(token);
        return token;
    }

    /** A text in which the tokens are replaced. */
    mask(text: string): string {
        return [...this.#issued].reduce((rest, token) => rest.replaceAll(token, "********"), text);
    }

    async #find(): Promise<string> {
        const { file } = this.options;
        const set = tokenVariables.map((name) => process.env[name]?.trim()).find(Boolean);
        if (file === undefined && set !== undefined) return set;
        return (await this.#askKeyring()) ?? (await this.#askGcloud()) ?? this.#fail();
    }

    async #askKeyring(): Promise<string | undefined> {
        const { twine, file } = this.options;
        const keyring = (twine && beside(twine, "keyring")) ?? onPath("keyring");
        if (keyring === undefined) return undefined;
        const { exitCode, stdout, stderr } = await this.#run(
            keyring,
            ["get", this.registry.indexUrl, tokenUsername],
            // No other backend has a token for this user name.
            { PYTHON_KEYRING_BACKEND: "keyrings.gauth.GooglePythonAuth" },
        );
        // It uses gcloud's account if the file does not work. That would be a different identity.
        const isOther =
            file !== undefined && /Failed to retrieve Application Default Credentials/.test(stderr);
        return exitCode === 0 && !isOther && tokenPattern.test(stdout.trim()) ? stdout.trim() : undefined;
    }

    async #askGcloud(): Promise<string | undefined> {
        const gcloud = onPath("gcloud");
        if (gcloud === undefined) return undefined;
        const { exitCode, stdout } = await this.#run(gcloud, ["auth", "print-access-token", "--quiet"], {});
        return exitCode === 0 && tokenPattern.test(stdout.trim()) ? stdout.trim() : undefined;
    }

    #run(command: string, args: readonly string[], environment: Readonly<Record<string, string>>) {
        const { file } = this.options;
        return execa(command, args, {
            env: {
                ...environment,
                ...(file !== undefined && {
                    GOOGLE_APPLICATION_CREDENTIALS: file,
                    CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE: file,
                    // gcloud prefers these to the file.
                    CLOUDSDK_AUTH_ACCESS_TOKEN: "",
                    CLOUDSDK_AUTH_ACCESS_TOKEN_FILE: "",
                }),
            },
            reject: false,
            stdin: "ignore",
            timeout: 120_000,
        });
    }

    #fail(): never {
        const { file, option } = this.options;
        throw new Error(
            file === undefined
                ? `There is no access token for ${this.registry.name}. Sign in with gcloud auth application-default login, or name a file of Google ` +
                      `credentials with ${option}. Application Default Credentials need the keyring: pipx inject twine keyrings.google-artifactregistry-auth. ` +
                      "Without it, install gcloud and run gcloud auth login"
                : `The credentials in ${file} (${option}) give no access token for ${this.registry.name}. Check the file and whether Google accepts it; ` +
                      "to read it, install the keyring (pipx inject twine keyrings.google-artifactregistry-auth) or gcloud",
        );
    }
}
