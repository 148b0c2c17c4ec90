import * as artifactregistry from "@pulumi/gcp/artifactregistry";
import * as pulumi from "@pulumi/pulumi";
import { Existing, unmanaged } from "./existing";
import { repositoryName } from "../names/urls";
import { stackLabel, stackLabelValue, type StackName } from "../names/stack-mark";

/** What a registry's repository is made of. */
export interface RepositoryArgs {
    /** Project id. */
    readonly project: string;
    readonly location: string;
    readonly repositoryId: string;
    readonly existing?: Existing;
    readonly description?: pulumi.Input<string>;
    readonly labels?: pulumi.Input<Record<string, pulumi.Input<string>>>;
    /** Refuse to delete or replace it, in Pulumi and in the provider. */
    readonly deletionProtection: boolean;
    /** The stack that creates it. */
    readonly createdBy: StackName;
}

/**
 * The registry's repository: created with the stack's label on it, or an existing one, read (`use`) or imported (`adopt`).
 * An adopted repository keeps what the arguments do not mention.
 *
 * @see https://www.pulumi.com/docs/iac/concepts/resources/options/import/
 */
export function repositoryResource(
    name: string,
    args: RepositoryArgs,
    opts: pulumi.CustomResourceOptions,
): artifactregistry.Repository {
    const { project, location, repositoryId, existing, description, labels, deletionProtection, createdBy } =
        args;
    const id = repositoryName({ project, location, repositoryId });
    if (existing === Existing.use) {
        return artifactregistry.Repository.get(name, id, undefined, opts);
    }
    const adopted = existing === Existing.adopt;
    return new artifactregistry.Repository(
        name,
        {
            project,
            location,
            repositoryId,
            format: "PYTHON",
            mode: "STANDARD_REPOSITORY",
            ...(description === undefined ? {} : { description }),
            labels: adopted
                ? (labels ?? {})
                : pulumi.output(labels ?? {}).apply((own) => ({
                      ...own,
                      [stackLabel]: stackLabelValue(createdBy),
                  })),
            deletionPolicy: deletionProtection ? "PREVENT" : "DELETE",
        },
        pulumi.mergeOptions(opts, {
            protect: deletionProtection,
            // The provider refuses to delete what was protected until now. It must do so before a new repository is
            // created: half a replacement could be neither finished nor reverted.
            deleteBeforeReplace: !deletionProtection,
            // What is set elsewhere stays: without this, an update would delete the policies and replace an encrypted
            // repository.
            ignoreChanges: [...unmanaged, ...(adopted && description === undefined ? ["description"] : [])],
            ...(adopted ? { import: id } : {}),
        }),
    );
}
