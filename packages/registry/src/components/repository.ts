import * as artifactregistry from "@pulumi/gcp/artifactregistry";
import * as pulumi from "@pulumi/pulumi";
import { Existing, unmanagedBy } from "./existing";
import { repositoryName } from "../names/urls";
import { lifecycleModule, type ParsedRegistry } from "./parse-registry";
import { stackLabel, stackLabelValue, type StackName } from "../names/stack-label";

type OwnArgs = "project" | "location" | "format" | "labels" | "deletionPolicy" | "kmsKeyName";
/** What every repository of a stack has in common. */
interface ManagedRepositoryArgs
    extends Pick<ParsedRegistry, "project" | "location">, Omit<artifactregistry.RepositoryArgs, OwnArgs> {
    readonly labels: ParsedRegistry["labels"] | undefined;
    readonly deletionProtection: boolean | undefined;
    readonly encryption: ParsedRegistry["encryption"] | undefined;
    /** The stack that creates the repository, for its label. Undefined for an adopted repository. */
    readonly createdBy: StackName | undefined;
}

/** A repository that the stack manages, with its label, its protection and its key. */
export function managedRepository(
    name: string,
    { createdBy, deletionProtection = true, labels = {}, encryption, ...args }: ManagedRepositoryArgs,
    opts: pulumi.CustomResourceOptions,
): artifactregistry.Repository {
    return new artifactregistry.Repository(
        name,
        {
            ...args,
            format: "PYTHON",
            labels:
                createdBy === undefined
                    ? labels
                    : pulumi.output(labels).apply((configured) => ({
                          ...configured,
                          [stackLabel]: stackLabelValue(createdBy),
                      })),
            ...(encryption && { kmsKeyName: encryption.kmsKey }),
            deletionPolicy: deletionProtection ? "PREVENT" : "DELETE",
        },
        pulumi.mergeOptions(opts, {
            protect: deletionProtection,
            // The provider refuses to delete a repository whose protection was removed in the same update. It must refuse
            // before a new repository is created: you could neither finish nor revert half of a replacement.
            deleteBeforeReplace: !deletionProtection,
        }),
    );
}

/**
 * The repository resource. A new repository gets a label that names the stack. An existing repository is read (`use`) or
 * imported (`adopt`). An adopted repository keeps all settings that the arguments do not set.
 *
 * @param createdBy the stack that creates the repository. A label of the repository contains its name.
 * @see https://www.pulumi.com/docs/iac/concepts/resources/options/import/
 */
export function repositoryResource(
    name: string,
    args: ParsedRegistry,
    createdBy: StackName,
    opts: pulumi.CustomResourceOptions,
): artifactregistry.Repository {
    const { project, location, repository: repositoryId, existing, description, labels } = args;
    const { deletionProtection, cleanup, encryption, scanning = false } = args;
    const id = repositoryName({ project, location, repositoryId });
    if (existing === Existing.use) return artifactregistry.Repository.get(name, id, undefined, opts);
    const adopted = existing === Existing.adopt;
    return managedRepository(
        name,
        {
            project,
            location,
            repositoryId,
            mode: "STANDARD_REPOSITORY",
            description,
            labels,
            encryption,
            deletionProtection,
            createdBy: adopted ? undefined : createdBy,
            ...(cleanup && {
                cleanupPolicies: lifecycleModule().repositoryPolicies(cleanup),
                cleanupPolicyDryRun: cleanup.dryRun,
            }),
            // Unset means disabled for packages of every format but Docker.
            ...(scanning && { vulnerabilityScanningConfig: { enablementConfig: "INHERITED" } }),
        },
        pulumi.mergeOptions(opts, {
            // Keep settings that are made elsewhere. Otherwise an update would delete cleanup policies and replace a repository
            // with customer-managed encryption.
            ignoreChanges: [
                ...unmanagedBy(args),
                ...(adopted && description === undefined ? ["description"] : []),
            ],
            ...(adopted ? { import: id } : {}),
        }),
    );
}
