import { getRepository } from "@pulumi/gcp/artifactregistry";
import { Account, getAccount } from "@pulumi/gcp/serviceaccount";
import type { Input } from "@pulumi/pulumi";
import type { StepEventStateMetadata } from "@pulumi/pulumi/automation";
import { serviceAccountEmail } from "python-registry/names/principals";
import { stackLabel } from "python-registry/names/stack-label";
import { repositoryName } from "python-registry/names/urls";

/** A resource that the next update would create, and that the interrupted one may have created already. */
export interface Candidate {
    /** Used in messages. */
    readonly description: string;
    /** Resource name at Google, which is also the id for `pulumi import`. */
    readonly id: string;
    readonly type: string;
    readonly urn: string;
    readonly parent: string;
    /** The stack's mark on the resources that it creates. */
    readonly mark: string;
    /** In a Pulumi program, reads the mark of the resource that exists at Google. Fails if none exists. */
    readonly readMark: () => Promise<Input<string | undefined>>;
}

/** The candidate for a create step; undefined for resources that can be created again. */
export function findCandidate({ type, urn, parent, inputs }: StepEventStateMetadata): Candidate | undefined {
    const text = (value: unknown) => (typeof value === "string" ? value : "");
    const project = text(inputs["project"]);
    switch (type) {
        case "gcp:artifactregistry/repository:Repository": {
            const [repositoryId, location] = [text(inputs["repositoryId"]), text(inputs["location"])];
            const labels = inputs["labels"] as Readonly<Record<string, unknown>> | undefined;
            return {
                description: `repository ${repositoryId}`,
                id: repositoryName({ project, location, repositoryId }),
                type,
                urn,
                parent,
                mark: text(labels?.[stackLabel]),
                readMark: async () =>
                    (await getRepository({ project, location, repositoryId })).effectiveLabels[stackLabel],
            };
        }
        case "gcp:serviceaccount/account:Account": {
            const name = text(inputs["accountId"]);
            const id = `projects/${project}/serviceAccounts/${serviceAccountEmail(project, name)}`;
            return {
                description: `service account ${name}`,
                id,
                type,
                urn,
                parent,
                mark: text(inputs["description"]),
                // The function has no description, and the engine ends a program that reads a resource that is missing.
                readMark: () => getAccount({ accountId: id }).then(() => Account.get(name, id).description),
            };
        }
        default:
            return undefined;
    }
}
