import assert from "node:assert/strict";

// What a test uses of a workload's snippet: the login, as it is.

/** The fields of a credential configuration file that a client uses. https://google.aip.dev/auth/4117 */
export interface CredentialConfiguration {
    readonly audience: string;
    readonly subject_token_type: string;
    readonly token_url: string;
    readonly service_account_impersonation_url?: string;
}

/**
 * The credential configuration in a snippet: the file that it writes, or the one that GitHub's action writes for its inputs.
 *
 * @see https://github.com/google-github-actions/auth
 */
export function credentialConfigurationIn(snippet: string): CredentialConfiguration {
    const words = /((?:^ *'.*' \\\n)+) *> "\$\$?dir\/google-credentials\.json"$/m.exec(snippet)?.[1];
    if (words !== undefined) {
        const text = words.replace(/^ *'|' \\$/gm, "").replaceAll(/'"\$\$?dir"'/g, "");
        return JSON.parse(text) as CredentialConfiguration;
    }
    return githubCredentials(snippet, { url: "", bearer: "" });
}

/** The file that GitHub's action writes, for the inputs in a snippet. */
export function githubCredentials(
    snippet: string,
    request: { readonly url: string; readonly bearer: string },
): CredentialConfiguration {
    const input = (name: string) => new RegExp(`^ *${name}: (\\S+)$`, "m").exec(snippet)?.[1];
    const provider = input("workload_identity_provider");
    assert.ok(provider !== undefined, `the snippet has no login:\n${snippet}`);
    const account = input("service_account");
    const configuration = {
        type: "external_account",
        audience: `//iam.googleapis.com/${provider}`,
        subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
        token_url: "https://sts.googleapis.com/v1/token",
        ...(account === undefined
            ? {}
            : {
                  service_account_impersonation_url: `https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/${account}:generateAccessToken`,
              }),
        credential_source: {
            url: `${request.url}&audience=${encodeURIComponent(`https://iam.googleapis.com/${provider}`)}`,
            headers: { Authorization: `Bearer ${request.bearer}` },
            format: { type: "json", subject_token_field_name: "value" },
        },
    };
    return configuration;
}

/** The sh commands of the login in a snippet, as its system runs them. */
export function loginCommandsIn(snippet: string): string {
    const [, indentation = "", commands = ""] =
        /^( *)(umask 077$[^]*?^ *export GOOGLE_APPLICATION_CREDENTIALS=.*$)/m.exec(snippet) ?? [];
    assert.ok(commands !== "", `the snippet has no login in sh:\n${snippet}`);
    return `dir=$(mktemp -d)\n${commands.replaceAll(`\n${indentation}`, "\n")}`;
}

/** The sh commands with which a snippet of a machine in Google Cloud impersonates an account, as the machine runs them. */
export function impersonationCommandsIn(snippet: string): string {
    const token = /^ *token=\$\(python - <<'END'$[^]*?^ *\)$/m.exec(snippet)?.[0];
    assert.ok(token !== undefined, `the snippet impersonates no account:\n${snippet}`);
    const [indentation = ""] = /^ */.exec(token) ?? [];
    const exports = [...snippet.matchAll(/^ *(export (?:PIP|TWINE)_.*)$/gm)].map(([, line = ""]) => line);
    return [token.replace(/^ */, "").replaceAll(`\n${indentation}`, "\n"), ...exports].join("\n");
}
