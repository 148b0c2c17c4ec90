import * as kms from "@pulumi/gcp/kms";
import * as pulumi from "@pulumi/pulumi";
import type { EncryptionConfig } from "../lifecycle/lifecycle-config";
import type { ServiceAgent } from "./service-agent";

// Encryption with a key of Cloud KMS. Only a registry that sets `encryption` loads this file.

/**
 * Lets Artifact Registry use a key. Its service agent uses the key, and not the account that deploys.
 *
 * A repository whose key cannot be used can neither be read nor written. So the grant is protected with the repository, and a
 * destroy revokes it after the repository is deleted.
 *
 * @returns what the repository must wait for
 * @see https://cloud.google.com/artifact-registry/docs/cmek
 */
export function grantKey(
    name: string,
    { kmsKey }: EncryptionConfig,
    agent: ServiceAgent,
    options: pulumi.CustomResourceOptions,
): pulumi.Resource {
    return new kms.CryptoKeyIAMMember(
        `${name}-encryption`,
        {
            cryptoKeyId: kmsKey,
            role: "roles/cloudkms.cryptoKeyEncrypterDecrypter",
            member: agent.member,
        },
        pulumi.mergeOptions(options, { dependsOn: agent.resource }),
    );
}
