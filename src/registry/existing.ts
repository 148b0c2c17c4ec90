import * as artifactregistry from "@pulumi/gcp/artifactregistry";
import * as serviceaccount from "@pulumi/gcp/serviceaccount";
import * as pulumi from "@pulumi/pulumi";
import { canonicalPrincipal, type PrincipalsByRole, roleNames, roles } from "../names/principals";
import { userError } from "./user-error";
import { callAfter, type CallOptions } from "./dependencies";
import { createdByStack, stackLabel } from "../names/stack-label";
import { repositoryName } from "../names/urls";

/**
 * What a registry does with a resource that already exists. `use` grants access to it and otherwise leaves it to its owner.
 * `adopt` imports it into the stack.
 */
export const Existing = { use: "use", adopt: "adopt" } as const;
export type Existing = (typeof Existing)[keyof typeof Existing];

/** An existing repository and the settings that the registry expects or changes. */
export interface ExistingRepository {
    /** Project id. */
    readonly project: string;
    /** Region or multi-region. */
    readonly location: string;
    /** Repository id. */
    readonly repositoryId: string;
    /** Whether the registry uses the repository or adopts it. */
    readonly existing: Existing;
    readonly description?: pulumi.Input<string>;
    readonly labels?: pulumi.Input<Record<string, pulumi.Input<string>>>;
    /** The principals of each role if access is authoritative. The update removes all other members of these roles. */
    readonly authoritative?: PrincipalsByRole;
}

/** An existing service account and the settings that the registry changes. */
export interface ExistingAccount {
    /** Resource name, `projects/P/serviceAccounts/EMAIL`. */
    readonly name: string;
    /** Whether the registry uses the account or adopts it. */
    readonly existing: Existing;
    readonly displayName?: pulumi.Input<string>;
}

/**
 * Looks up an existing repository and logs what the update changes about it.
 *
 * @returns the errors: empty, or that the repository does not exist, cannot be read, or has the wrong format or mode
 */
export function verifyRepository(
    expected: ExistingRepository,
    options: CallOptions,
): pulumi.Output<string[]> {
    const { parent } = options;
    const { project, location, repositoryId, existing, authoritative } = expected;
    const name = repositoryName(expected);
    const lookup = callAfter(options, () =>
        lookUp(`repository ${name}`, existing, async () => ({
            repository: await artifactregistry.getRepository({ project, location, repositoryId }, { parent }),
            policy:
                authoritative &&
                (await artifactregistry.getRepositoryIamPolicy(
                    { project, location, repository: repositoryId },
                    { parent },
                )),
        })),
    );
    return pulumi
        .all([lookup, expected.description, expected.labels])
        .apply(([found, description, labels = {}]) => {
            if ("error" in found) return [found.error];
            const { repository, policy } = found;
            const { format, mode } = repository;
            if (format !== "PYTHON" || mode !== "STANDARD_REPOSITORY") {
                return [
                    `existing: ${existing}: the repository ${name} is ${format}, ${mode}. ` +
                        "This program works with PYTHON, STANDARD_REPOSITORY. Choose a different repository.",
                ];
            }
            if (existing === Existing.adopt) {
                const differences = [
                    ...difference("description", repository.description, description),
                    ...Object.entries(labels).flatMap(([key, value]) =>
                        difference(`labels.${key}`, repository.effectiveLabels[key], value),
                    ),
                ];
                reportChanges(
                    `The existing repository ${name}`,
                    differences,
                    unmanagedSettings(repository),
                    parent,
                );
                const creator = repository.effectiveLabels[stackLabel];
                if (creator !== undefined) {
                    void pulumi.log.info(createdByStack(name, creator), parent);
                }
            }
            if (authoritative && policy) {
                warnAboutRemovedMembers(name, authoritative, policy.policyData, parent);
            }
            return [];
        });
}

/**
 * Looks up an existing service account and logs what the update changes about it. Warns if the account is disabled.
 *
 * @returns the errors: empty, or that the account does not exist or cannot be read
 */
export function verifyAccount(
    { name, existing, displayName }: ExistingAccount,
    options: CallOptions,
): pulumi.Output<string[]> {
    const { parent } = options;
    const lookup = callAfter(options, () =>
        lookUp(`service account ${name}`, existing, () =>
            serviceaccount.getAccount({ accountId: name }, { parent }),
        ),
    );
    return pulumi.all([lookup, displayName]).apply(([found, wanted]) => {
        if ("error" in found) return [found.error];
        if (found.disabled) {
            void pulumi.log.warn(
                `The existing service account ${name} is disabled. No one can use it until its owner enables it.`,
                parent,
            );
        }
        if (existing === Existing.adopt) {
            reportChanges(
                `The existing service account ${name}`,
                difference("displayName", found.displayName, wanted),
                [],
                parent,
            );
        }
        return [];
    });
}

/** An existing workload identity pool. */
export interface ExistingPool {
    /** Project id. */
    readonly project: string;
    readonly poolId: string;
    /** Whether the registry uses the pool or adopts it. */
    readonly existing: Existing;
}

/**
 * Looks up an existing workload identity pool. Warns if it is disabled.
 *
 * @param lookup looks the pool up in the provider
 * @returns the errors: empty, or that the pool does not exist or cannot be read
 */
export function verifyPool(
    { project, poolId, existing }: ExistingPool,
    lookup: () => Promise<{ readonly disabled: boolean }>,
    options: CallOptions,
): pulumi.Output<string[]> {
    const { parent } = options;
    const name = `workload identity pool ${poolId} in the project ${project}`;
    return callAfter(options, () => lookUp(name, existing, lookup)).apply((found) => {
        if ("error" in found) return [`pool.${found.error}`];
        if (found.disabled) {
            void pulumi.log.warn(
                `The existing ${name} is disabled. No workload can come in until its owner enables it.`,
                parent,
            );
        }
        return [];
    });
}

/**
 * Waits for the verification of existing resources.
 *
 * @param verifications the errors that `verifyRepository` and `verifyAccount` return
 * @returns an empty list of resources for `dependsOn`. A resource that depends on it waits until all verifications succeed.
 * @throws pulumi.RunError that lists every error
 */
export function whenVerified(verifications: pulumi.Output<string[]>[]): pulumi.Output<pulumi.Resource[]> {
    return pulumi.all(verifications).apply((results) => {
        const errors = results.flat();
        if (errors.length > 0) {
            throw userError(
                errors.length === 1
                    ? `${errors[0] ?? ""} Nothing was changed.`
                    : `${errors.length} existing resources cannot be used; nothing was changed.\n` +
                          errors.map((error) => `  - ${error}`).join("\n"),
            );
        }
        return [];
    });
}

/** The result of a lookup, or the message of its error. */
async function lookUp<T extends object>(
    resource: string,
    existing: Existing,
    lookup: () => Promise<T>,
): Promise<T | { readonly error: string }> {
    try {
        return await lookup();
    } catch (error) {
        const { message } = error as Error;
        return {
            error: /\bnot found\b/i.test(message)
                ? `existing: ${existing}: the ${resource} does not exist. Create it first, or remove "existing" to let this stack create it.`
                : `existing: ${existing}: cannot look up the ${resource}. ${serviceMessage(message)}`,
        };
    }
}

/** The message of the service, extracted from the message of the provider about a failed lookup. */
export function serviceMessage(message: string): string {
    return /googleapi: (.*)/s.exec(message)?.[1]?.trim() ?? message;
}

/** The change that an import makes to a setting. Empty if there is no change or the setting is not configured. */
function difference(setting: string, found: string | undefined, wanted: string | undefined): string[] {
    return wanted === undefined || wanted === (found ?? "")
        ? []
        : [`${setting}: ${found ? JSON.stringify(found) : "not set"} becomes ${JSON.stringify(wanted)}`];
}

/** The settings of a repository that this program does not manage. An adopted repository keeps them. */
export const unmanaged = [
    "kmsKeyName",
    "cleanupPolicies",
    "cleanupPolicyDryRun",
    "vulnerabilityScanningConfig",
] as const;

/** The names of the unmanaged settings that a repository has. */
function unmanagedSettings(repository: artifactregistry.GetRepositoryResult): string[] {
    const { kmsKeyName, cleanupPolicies, cleanupPolicyDryRun, vulnerabilityScanningConfigs } = repository;
    const scanning = vulnerabilityScanningConfigs.some(
        ({ enablementConfig }) => enablementConfig === "DISABLED",
    );
    return [
        ...(kmsKeyName ? ["kmsKeyName"] : []),
        ...(cleanupPolicies.length > 0 ? ["cleanupPolicies"] : []),
        ...(cleanupPolicyDryRun ? ["cleanupPolicyDryRun"] : []),
        ...(scanning ? ["vulnerabilityScanningConfig"] : []),
    ];
}

/** Logs the changes to an adopted resource as a warning, and the settings that it keeps as information. */
function reportChanges(
    resource: string,
    differences: readonly string[],
    kept: readonly string[],
    parent: pulumi.Resource,
): void {
    if (differences.length > 0) {
        void pulumi.log.warn(
            [`${resource} differs from the configuration:`, ...differences].join("\n  "),
            parent,
        );
    }
    if (kept.length > 0) {
        void pulumi.log.info(
            `${resource} keeps settings that this stack does not manage: ${kept.join(", ")}.`,
            parent,
        );
    }
}

/** Warns about all principals that lose a role, because authoritative access removes the members that it does not list. */
function warnAboutRemovedMembers(
    name: string,
    granted: PrincipalsByRole,
    policyData: string,
    parent: pulumi.Resource,
): void {
    const { bindings = [] } = JSON.parse(policyData) as {
        bindings?: { role: string; members?: string[]; condition?: unknown }[];
    };
    const losses = roles
        .filter((role) => granted[role].length > 0)
        .flatMap((role) => {
            const kept = new Set(granted[role].map(canonicalPrincipal));
            const lost = bindings
                .filter((binding) => binding.role === roleNames[role] && binding.condition === undefined)
                .flatMap(({ members = [] }) => members)
                .filter((member) => !kept.has(canonicalPrincipal(member)));
            return lost.length === 0 ? [] : [`${roleNames[role]}: ${lost.join(", ")}`];
        });
    if (losses.length > 0) {
        void pulumi.log.warn(
            [
                `access: authoritative: these principals lose their role on the repository ${name}. ` +
                    "To keep them, list them in the configuration or set access: additive.",
                ...losses,
            ].join("\n  "),
            parent,
        );
    }
}
