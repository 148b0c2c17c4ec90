import * as kms from "@pulumi/gcp/kms";
import * as projects from "@pulumi/gcp/projects";
import * as pulumi from "@pulumi/pulumi";
import type { EncryptionConfig } from "../lifecycle/lifecycle-config";
import { callAfter, type CallOptions } from "./dependencies";
import { lookUpNumber } from "./project-number";

// Encryption with a key of Cloud KMS. Only a registry that sets `encryption` loads this file.

const service = "artifactregistry.googleapis.com";

/** What `grantKey` needs. */
export interface KeyGrant {
    readonly project: string;
    /** Number of the project; undefined if it is to be looked up. */
    readonly projectNumber: string | undefined;
    readonly encryption: EncryptionConfig;
    /** Whether the grant can be deleted. */
    readonly protect: boolean;
}

/**
 * Lets Artifact Registry use a key. Its service agent uses the key, and not the account that deploys. The agent of a project may not
 * exist before its first use, so the update generates it.
 *
 * A repository whose key cannot be used can neither be read nor written. So the grant is protected with the repository, and a
 * destroy revokes it after the repository is deleted.
 *
 * @param options of a child that waits for the Artifact Registry API
 * @returns what the repository must wait for
 * @see https://cloud.google.com/artifact-registry/docs/cmek
 */
export function grantKey(
    name: string,
    { project, projectNumber, encryption, protect }: KeyGrant,
    calls: CallOptions,
    options: pulumi.CustomResourceOptions,
): pulumi.Resource[] {
    const agent = new projects.ServiceIdentity(`${name}-service-agent`, { project, service }, options);
    const what = "the address of Artifact Registry's service agent";
    const number =
        projectNumber === undefined
            ? callAfter(calls, () => lookUpNumber(project, what, "projectNumber", calls.parent))
            : pulumi.output(projectNumber);
    const grant = new kms.CryptoKeyIAMMember(
        `${name}-encryption`,
        {
            cryptoKeyId: encryption.kmsKey,
            role: "roles/cloudkms.cryptoKeyEncrypterDecrypter",
            member: number.apply(
                (digits) =>
                    `serviceAccount:service-${digits}@gcp-sa-artifactregistry.iam.gserviceaccount.com`,
            ),
        },
        pulumi.mergeOptions(options, { dependsOn: agent, protect }),
    );
    return [grant];
}
