import { tokenUsername } from "python-registry/clients/credential";
import { AccessTokens, askForToken, askGcloud, tokenInEnvironment } from "../google/access-tokens";
import { beside, onPath } from "../programs";
import type { Registry } from "./registry";

/** Where access tokens for a registry come from. */
export interface CredentialOptions {
    /** The option that names the file, for messages. */
    readonly option: string;
    /** A file of Google credentials; undefined: Application Default Credentials, or gcloud's account. */
    readonly file: string | undefined;
    /** The path of twine, if there is one: a keyring in its environment is asked first. */
    readonly twine: string | undefined;
}

/** Access tokens for a registry, from where Python's tools get theirs: the variables with a token, the Google keyring, gcloud. */
export function registryTokens(registry: Registry, options: CredentialOptions): AccessTokens {
    return new AccessTokens(
        async () =>
            (options.file === undefined ? tokenInEnvironment(process.env) : undefined) ??
            (await askKeyring(registry, options)) ??
            (await askGcloud(["auth", "print-access-token"], fileVariables(options))) ??
            fail(registry, options),
    );
}

async function askKeyring({ indexUrl }: Registry, options: CredentialOptions): Promise<string | undefined> {
    const { twine, file } = options;
    const keyring = (twine && beside(twine, "keyring")) ?? onPath("keyring");
    if (keyring === undefined) return undefined;
    return askForToken(
        keyring,
        ["get", indexUrl, tokenUsername],
        {
            ...fileVariables(options),
            // No other backend has a token for this user name.
            PYTHON_KEYRING_BACKEND: "keyrings.gauth.GooglePythonAuth",
        },
        // It uses gcloud's account if the file does not work. That would be a different identity.
        (stderr) => file === undefined || !/Failed to retrieve Application Default Credentials/.test(stderr),
    );
}

/** The environment variables that name the file of credentials. */
function fileVariables({ file }: CredentialOptions): Record<string, string> {
    if (file === undefined) return {};
    return {
        GOOGLE_APPLICATION_CREDENTIALS: file,
        CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE: file,
        // gcloud prefers these to the file.
        CLOUDSDK_AUTH_ACCESS_TOKEN: "",
        CLOUDSDK_AUTH_ACCESS_TOKEN_FILE: "",
    };
}

function fail(registry: Registry, { file, option }: CredentialOptions): never {
    throw new Error(
        file === undefined
            ? `There is no access token for ${registry.name}. Sign in with gcloud auth application-default login, or name a file of Google ` +
                  `credentials with ${option}. Application Default Credentials need the keyring: pipx inject twine keyrings.google-artifactregistry-auth. ` +
                  "Without it, install gcloud and run gcloud auth login"
            : `The credentials in ${file} (${option}) give no access token for ${registry.name}. Check the file and whether Google accepts it; ` +
                  "to read it, install the keyring (pipx inject twine keyrings.google-artifactregistry-auth) or gcloud",
    );
}
