/**
 * The key of a service account, in the form that Artifact Registry accepts as a password.
 *
 * @see https://cloud.google.com/artifact-registry/docs/python/authentication#sa-key
 */
export interface KeyCredential {
    /** The bytes of the JSON key file in standard base64: the unchanged output `privateKey` of `gcp.serviceaccount.Key`. */
    readonly keyBase64: string;
}

/** The user name for a base64-encoded key file as the password. */
export const keyUsername = "_json_key_base64";

/** The user name for an access token as the password. The Google keyring backend answers only for this user name. */
export const tokenUsername = "oauth2accesstoken";

/** The forms of credential that a client file can contain or ask for. */
export const forms = ["keyring", "token", "key"] as const;
/** The form of a credential. */
export type Form = (typeof forms)[number];

/**
 * How a client authenticates: it asks a keyring, or it uses an access token (valid for one hour) or the key of a service
 * account. If `token` is undefined, the tool takes the token from its environment, and the file contains no credential.
 */
export type Credential =
    | { readonly form: "keyring" }
    | { readonly form: "token"; readonly token?: string }
    | ({ readonly form: "key" } & KeyCredential);

/** Whether the tool takes an access token from its environment. */
export function asksForToken(credential: Credential): boolean {
    return credential.form === "token" && credential.token === undefined;
}

/** The user name of a credential; with a keyring, the one that the keyring knows. */
export function getUsername({ form }: Credential): string {
    return form === "key" ? keyUsername : tokenUsername;
}

/** A user name and its password. */
export interface Login {
    readonly username: string;
    readonly password: string;
}

/** The user name and password of a credential; undefined for the keyring form and if the token is not given. */
export function findLogin(credential: Credential): Login | undefined {
    if (credential.form === "keyring") return undefined;
    const password = credential.form === "key" ? credential.keyBase64 : credential.token;
    return password === undefined ? undefined : { username: getUsername(credential), password };
}

/** Adds a user name, and a password if there is one, to an `https://` URL. Both are percent-encoded. */
export function withUserInfo(
    url: string,
    { username, password }: Partial<Login> & { username: string },
): string {
    const userInfo = [username, ...(password === undefined ? [] : [password])]
        .map(encodeURIComponent)
        .join(":");
    return url.replace(/^https:\/\//, `https://${userInfo}@`);
}
