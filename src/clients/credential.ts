/** A service account's key as Artifact Registry takes it for a password. */
export interface KeyCredential {
    /** Standard base64 of the JSON key file's bytes: `privateKey` of `gcp.serviceaccount.Key`, as it is. */
    readonly keyBase64: string;
}

/** User name that goes with a base64-encoded key file. */
export const keyUsername = "_json_key_base64";

/** User name that goes with an access token, and the only one that the Google keyring backend answers for. */
export const tokenUsername = "oauth2accesstoken";

/** The forms in which a client file can ask for a credential, or have it. */
export const forms = ["keyring", "token", "key"] as const;
export type Form = (typeof forms)[number];

/**
 * How a client proves who it is: it asks a keyring, or it has an access token (valid for an hour) or a service account's
 * key. Without the token itself, the tool takes it from its environment, and the file holds no credential.
 */
export type Credential =
    | { readonly form: "keyring" }
    | { readonly form: "token"; readonly token?: string }
    | ({ readonly form: "key" } & KeyCredential);

/** User name and password. */
export interface Login {
    readonly username: string;
    readonly password: string;
}

/** The user name and password of a credential that has them: nothing for the keyring, nor without the token. */
export function loginOf(credential: Credential): Login | undefined {
    if (credential.form === "key") {
        return { username: keyUsername, password: credential.keyBase64 };
    }
    return credential.form === "token" && credential.token !== undefined
        ? { username: tokenUsername, password: credential.token }
        : undefined;
}

/** An address with a user name in it, and the password if there is one, both percent-encoded. */
export function withUserInfo(
    url: string,
    { username, password }: Partial<Login> & { username: string },
): string {
    const userInfo = [username, ...(password === undefined ? [] : [password])]
        .map(encodeURIComponent)
        .join(":");
    return url.replace(/^https:\/\//, `https://${userInfo}@`);
}
