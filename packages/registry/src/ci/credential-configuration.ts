/** What a credential configuration file says. */
export interface CredentialConfiguration {
    /** Resource name of the provider: `projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/ID`. */
    readonly provider: string;
    /** Path of the file with the token of the other system. */
    readonly tokenFile: string;
    /** The field of the file with the token, if the file is JSON. Otherwise, the file is the token. */
    readonly tokenField?: string | undefined;
    /** Email address of a service account to impersonate. Without it, the identity has its roles itself. */
    readonly serviceAccount?: string | undefined;
}

/**
 * The text of a credential configuration file (`external_account`). Google's libraries read the file that
 * `GOOGLE_APPLICATION_CREDENTIALS` names, and exchange the token at each login. It contains no secret.
 *
 * @see https://google.aip.dev/auth/4117
 */
export function credentialConfiguration(configuration: CredentialConfiguration): string {
    const { provider, tokenFile, tokenField, serviceAccount } = configuration;
    const file = {
        type: "external_account",
        audience: `//iam.googleapis.com/${provider}`,
        subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
        token_url: "https://sts.googleapis.com/v1/token",
        // JSON leaves out what is undefined.
        service_account_impersonation_url:
            serviceAccount === undefined
                ? undefined
                : `https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/${serviceAccount}:generateAccessToken`,
        credential_source: {
            file: tokenFile,
            format:
                tokenField === undefined ? undefined : { type: "json", subject_token_field_name: tokenField },
        },
    };
    return `${JSON.stringify(file, undefined, 2)}\n`;
}
