import * as artifactregistry from "@pulumi/gcp/artifactregistry";
import * as serviceaccount from "@pulumi/gcp/serviceaccount";
import * as pulumi from "@pulumi/pulumi";
import { canonicalPrincipal, type PrincipalsByRole, roleNames, roles } from "../names/principals";
import { userError } from "./user-error";
import { callAfter, type CallOptions } from "./dependencies";
import { repositoryName } from "../names/urls";
import { lifecycleModule, type ParsedRegistry } from "./parse-registry";
import type { ServiceAccountConfig } from "./registry-args";

/**
 * What a registry does with a resource that already exists. `use` grants access to it and otherwise leaves it to its owner.
 * `adopt` imports it into the stack.
 */
export const Existing = { use: "use", adopt: "adopt" } as const;
export type Existing = (typeof Existing)[keyof typeof Existing];

/**
 * Looks up the repository of a registry if it is declared as existing, and logs what the update changes about it.
 *
 * @param authoritative the principals of each role if access is authoritative. The update removes all other members of these roles.
 * @returns the errors, if there is a lookup: empty, or that the repository does not exist, cannot be read, or has the wrong format
 *     or mode
 */
export function verifyRepository(
    args: ParsedRegistry,
    authoritative: PrincipalsByRole | undefined,
    options: CallOptions,
): pulumi.Output<string[]>[] {
    const { parent } = options;
    const { project, location, repository: repositoryId, existing } = args;
    if (existing === undefined) return [];
    const name = repositoryName({ project, location, repositoryId });
    const lookup = lookUp(`repository ${name}`, existing, options, async () => ({
        repository: await artifactregistry.getRepository({ project, location, repositoryId }, { parent }),
        policy:
            authoritative &&
            (await artifactregistry.getRepositoryIamPolicy(
                { project, location, repository: repositoryId },
                { parent },
            )),
    }));
    const errors = pulumi
        .all([lookup, args.description, args.labels])
        .apply(([found, description, labels = {}]) => {
            if ("error" in found) return [found.error];
            const { repository, policy } = found;
            const { format, mode } = repository;
            if (format !== "PYTHON" || mode !== "STANDARD_REPOSITORY") {
                const key = format === "PYTHON" ? mirrorKeys.get(mode) : undefined;
                return [
                    `existing: ${existing}: the repository ${name} is ${format}, ${mode}. ` +
                        "This program works with PYTHON, STANDARD_REPOSITORY. Choose a different repository." +
                        (key === undefined
                            ? ""
                            : ` This one can be mirror.${key}, with publicPackages: mirror and mirror.existing: ${existing}.`),
                ];
            }
            if (existing === Existing.adopt) {
                const mistakes = keyMistakes(`repository ${name}`, repository, args);
                if (mistakes.length > 0) return mistakes;
                const differences = [
                    ...difference("description", repository.description, description),
                    ...labelDifferences(repository, labels),
                    ...lifecycleDifferences(repository, args),
                ];
                warnAboutChanges(`repository ${name}`, differences, parent);
                tellKept(`repository ${name}`, unmanagedSettings(repository, args), parent);
            }
            if (authoritative && policy) {
                warnAboutRemovedMembers(name, authoritative, policy.policyData, parent);
            }
            return [];
        });
    return [errors];
}

/** The key of `mirror` for a repository of each other mode. */
const mirrorKeys = new Map([
    ["REMOTE_REPOSITORY", "repository"],
    ["VIRTUAL_REPOSITORY", "virtualRepository"],
]);

/** That an adopted repository has a different key than the one that is configured. */
export function keyMistakes(
    resource: string,
    { kmsKeyName }: artifactregistry.GetRepositoryResult,
    { encryption }: LifecycleArgs,
): string[] {
    const { kmsKey } = encryption ?? {};
    if (kmsKey === undefined || kmsKey === kmsKeyName) return [];
    return [
        `existing: adopt: the ${resource} is encrypted with ${kmsKeyName === "" ? "a Google-managed key" : `the key ${kmsKeyName}`}, not with ${kmsKey}. ` +
            `The key of a repository cannot be changed, and a new repository would not have its packages. ${kmsKeyName === "" ? "Remove encryption" : "Set encryption.kmsKey to the key that it has, or remove encryption"}.`,
    ];
}

/**
 * Looks up a service account if it is declared as existing, and logs what the update changes about it.
 * Warns if the account is disabled.
 *
 * @param name resource name, `projects/P/serviceAccounts/EMAIL`
 * @returns the errors, if there is a lookup: empty, or that the account does not exist or cannot be read
 */
export function verifyAccount(
    name: string,
    { existing, displayName }: Pick<ServiceAccountConfig, "existing" | "displayName">,
    options: CallOptions,
): pulumi.Output<string[]>[] {
    const { parent } = options;
    if (existing === undefined) return [];
    const resource = `service account ${name}`;
    const lookup = lookUp(resource, existing, options, () =>
        serviceaccount.getAccount({ accountId: name }, { parent }),
    );
    const errors = lookup.apply((found) => {
        if ("error" in found) return [found.error];
        if (found.disabled) warnThatDisabled(resource, "No one can use it", parent);
        if (existing === Existing.adopt) {
            warnAboutChanges(resource, difference("displayName", found.displayName, displayName), parent);
        }
        return [];
    });
    return [errors];
}

/**
 * Waits for the verification of existing resources.
 *
 * @param verifications the errors that `verifyRepository`, `verifyAccount` and `verifyPool` return
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

/** Looks up an existing resource: the result, or the message of the error. */
export function lookUp<T extends object>(
    resource: string,
    existing: Existing,
    options: CallOptions,
    lookup: () => Promise<T>,
): pulumi.Output<T | { readonly error: string }> {
    return callAfter<T | { readonly error: string }>(options, () =>
        lookup().catch((error: unknown) => {
            const { message } = error as Error;
            return {
                error: /\bnot found\b/i.test(message)
                    ? `existing: ${existing}: the ${resource} does not exist. Create it first, or remove "existing" to let this stack create it.`
                    : `existing: ${existing}: cannot look up the ${resource}. ${serviceMessage(message)}`,
            };
        }),
    );
}

/** The message of the service, extracted from the message of the provider about a failed lookup. */
export function serviceMessage(message: string): string {
    return /googleapi: (.*)/s.exec(message)?.[1]?.trim() ?? message;
}

/** The change that an import makes to a setting. Empty if there is no change or the setting is not configured. */
export function difference(setting: string, found: string | undefined, wanted: string | undefined): string[] {
    return wanted === undefined || wanted === (found ?? "")
        ? []
        : [`${setting}: ${found ? JSON.stringify(found) : "not set"} becomes ${JSON.stringify(wanted)}`];
}

/** The changes that an import makes to the labels of a repository. It keeps those that are not configured. */
export function labelDifferences(
    { effectiveLabels }: artifactregistry.GetRepositoryResult,
    labels: Readonly<Record<string, string>>,
): string[] {
    return Object.entries(labels).flatMap(([key, value]) =>
        difference(`labels.${key}`, effectiveLabels[key], value),
    );
}

/** The settings of a repository that this program manages only if they are configured, with the argument that does it. */
const optionallyManaged = [
    ["kmsKeyName", "encryption"],
    ["cleanupPolicies", "cleanup"],
    ["cleanupPolicyDryRun", "cleanup"],
    ["vulnerabilityScanningConfig", "scanning"],
] as const;
export type LifecycleArgs = Pick<ParsedRegistry, "cleanup" | "encryption" | "scanning">;

/** The settings of a repository that a registry does not manage. An adopted repository keeps them. */
export function unmanagedBy(args: LifecycleArgs): (typeof optionallyManaged)[number][0][] {
    return optionallyManaged.flatMap(([setting, argument]) =>
        args[argument] === undefined || args[argument] === false ? [setting] : [],
    );
}

/** What adoption changes about the settings of a repository that are configured: cleanup policies by their ids. */
function lifecycleDifferences(
    repository: artifactregistry.GetRepositoryResult,
    { cleanup, scanning = false }: LifecycleArgs,
): string[] {
    const { cleanupPolicies, cleanupPolicyDryRun, vulnerabilityScanningConfigs } = repository;
    return [
        ...(cleanup === undefined
            ? []
            : [
                  ...lifecycleModule().cleanupDifferences(cleanupPolicies, cleanup.policies),
                  ...difference("cleanupPolicyDryRun", String(cleanupPolicyDryRun), String(cleanup.dryRun)),
              ]),
        ...difference(
            "vulnerabilityScanningConfig",
            vulnerabilityScanningConfigs[0]?.enablementConfig,
            scanning ? "INHERITED" : undefined,
        ),
    ];
}

/** The names of the unmanaged settings that a repository has. */
export function unmanagedSettings(
    repository: artifactregistry.GetRepositoryResult,
    args: LifecycleArgs,
): string[] {
    const { kmsKeyName, cleanupPolicies, cleanupPolicyDryRun, vulnerabilityScanningConfigs } = repository;
    const has: Record<(typeof optionallyManaged)[number][0], boolean> = {
        kmsKeyName: Boolean(kmsKeyName),
        cleanupPolicies: cleanupPolicies.length > 0,
        cleanupPolicyDryRun,
        // Unset is the same as disabled, for Python.
        vulnerabilityScanningConfig: vulnerabilityScanningConfigs.some(
            ({ enablementConfig }) => enablementConfig !== "",
        ),
    };
    return unmanagedBy(args).filter((setting) => has[setting]);
}

/** Warns about the changes to an adopted resource, if there are any. */
export function warnAboutChanges(
    resource: string,
    changes: readonly string[],
    parent: pulumi.Resource,
): void {
    if (changes.length === 0) return;
    const text = [`The existing ${resource} differs from the configuration:`, ...changes].join("\n  ");
    void pulumi.log.warn(text, parent);
}

/** Names the settings that an adopted resource keeps, if there are any. */
export function tellKept(resource: string, settings: readonly string[], parent: pulumi.Resource): void {
    if (settings.length === 0) return;
    const kept = settings.join(", ");
    const text = `The existing ${resource} keeps settings that this stack does not manage: ${kept}.`;
    void pulumi.log.info(text, parent);
}

/** Warns that an existing resource is disabled, and what follows from it. */
export function warnThatDisabled(resource: string, consequence: string, parent: pulumi.Resource): void {
    const text = `The existing ${resource} is disabled. ${consequence} until its owner enables it.`;
    void pulumi.log.warn(text, parent);
}

/** Warns about all principals that lose a role, because authoritative access removes the members that it does not list. */
export function warnAboutRemovedMembers(
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
