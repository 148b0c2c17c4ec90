/** A service account's key as Artifact Registry takes it for a password. */
export interface KeyCredential {
    /** Standard base64 of the JSON key file's bytes: `privateKey` of `gcp.serviceaccount.Key`, as it is. */
    readonly keyBase64: string;
}

/** User name that goes with a base64-encoded key file. */
export const keyUsername = "_json_key_base64";

/** User name that goes with an access token, and the only one that the Google keyring backend answers for. */
export const tokenUsername = "oauth2accesstoken";
