import { createPublicKey, type KeyObject } from "node:crypto";
import * as v from "valibot";
import type { Cloud, ServiceAccount } from "./cloud";

/** The token endpoint that key files name. */
export const tokenUri = "https://oauth2.googleapis.com/token";

/**
 * The JSON file that IAM returns with a new service account key: the only copy of the private key.
 * https://cloud.google.com/iam/docs/keys-create-delete
 */
export function keyFile(account: ServiceAccount, keyId: string, privateKey: KeyObject): string {
    const file = {
        type: "service_account",
        project_id: account.projectId,
        private_key_id: keyId,
        private_key: privateKey.export({ type: "pkcs8", format: "pem" }),
        client_email: account.email,
        client_id: account.uniqueId,
        auth_uri: "https://accounts.google.com/o/oauth2/auth",
        token_uri: tokenUri,
        auth_provider_x509_cert_url: "https://www.googleapis.com/oauth2/v1/certs",
        client_x509_cert_url: `https://www.googleapis.com/robot/v1/metadata/x509/${encodeURIComponent(account.email)}`,
        universe_domain: "googleapis.com",
    };
    return JSON.stringify(file, null, 2) + "\n";
}

const presentedFile = v.object({
    type: v.literal("service_account"),
    private_key_id: v.string(),
    private_key: v.string(),
    client_email: v.string(),
});

/**
 * The account that a key file authenticates: its key can be used, and its private key belongs to the public key on record.
 * A file that only names a key authenticates nobody.
 */
export function accountOfKeyFile(cloud: Cloud, text: string): ServiceAccount | undefined {
    try {
        const file = v.parse(presentedFile, JSON.parse(text));
        const found = cloud.usableKey(file.private_key_id);
        const matches =
            found?.account.email === file.client_email &&
            createPublicKey(file.private_key).equals(found.key.publicKey);
        return matches ? found.account : undefined;
    } catch {
        return undefined; // Not JSON, not a key file, not a key.
    }
}
