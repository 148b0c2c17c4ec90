import * as artifactregistry from "@pulumi/gcp/artifactregistry";
import * as serviceaccount from "@pulumi/gcp/serviceaccount";
import * as pulumi from "@pulumi/pulumi";
import { canonicalPrincipal, type PrincipalsByRole, roleNames, roles } from "../names/principals";
import { userError } from "./user-error";
import { createdByStack, stackLabel } from "../names/stack-mark";
import { repositoryName } from "../names/urls";

/**
 * What a registry does with a resource that exists already: `use` grants access to it and otherwise leaves it to its
 * owner, `adopt` brings it under the stack.
 */
export const Existing = { use: "use", adopt: "adopt" } as const;
export type Existing = (typeof Existing)[keyof typeof Existing];

/** A repository that exists, and what the registry would have it be. */
export interface ExistingRepository {
    readonly project: string;
    readonly location: string;
    readonly repositoryId: string;
    readonly existing: Existing;
    readonly description?: pulumi.Input<string>;
    readonly labels?: pulumi.Input<Record<string, pulumi.Input<string>>>;
    /** Who is about to own which role, where access is authoritative. */
    readonly authoritative?: PrincipalsByRole;
}

/** A service account that exists, and what the registry would have it be. */
export interface ExistingAccount {
    /** Resource name, `projects/P/serviceAccounts/EMAIL`. */
    readonly name: string;
    readonly existing: Existing;
    readonly displayName?: pulumi.Input<string>;
}

/**
 * Looks at an existing repository and tells what the update changes about it.
 *
 * @returns what is wrong with it: nothing, or that it does not exist, cannot be read, or is of another kind
 */
export function verifyRepository(
    expected: ExistingRepository,
    parent: pulumi.Resource,
): pulumi.Output<string[]> {
    const { project, location, repositoryId, existing, authoritative } = expected;
    const name = repositoryName(expected);
    const lookup = lookUp(`repository ${name}`, existing, async () => ({
        repository: await artifactregistry.getRepository({ project, location, repositoryId }, { parent }),
        policy:
            authoritative &&
            (await artifactregistry.getRepositoryIamPolicy(
                { project, location, repository: repositoryId },
                { parent },
            )),
    }));
    return pulumi
        .all([lookup, expected.description, expected.labels])
        .apply(([found, description, labels = {}]) => {
            if ("problem" in found) return [found.problem];
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
                tell(`The existing repository ${name}`, differences, unmanagedSettings(repository), parent);
                const creator = repository.effectiveLabels[stackLabel];
                if (creator !== undefined) {
                    void pulumi.log.info(createdByStack(name, creator), parent);
                }
            }
            if (authoritative && policy) {
                tellLosses(name, authoritative, policy.policyData, parent);
            }
            return [];
        });
}

/** Looks at an existing service account, as `verifyRepository` does at a repository. */
export function verifyAccount(
    { name, existing, displayName }: ExistingAccount,
    parent: pulumi.Resource,
): pulumi.Output<string[]> {
    const lookup = lookUp(`service account ${name}`, existing, () =>
        serviceaccount.getAccount({ accountId: name }, { parent }),
    );
    return pulumi.all([lookup, displayName]).apply(([found, wanted]) => {
        if ("problem" in found) return [found.problem];
        if (found.disabled) {
            void pulumi.log.warn(
                `The existing service account ${name} is disabled: nobody can act as it until its owner enables it.`,
                parent,
            );
        }
        if (existing === Existing.adopt) {
            tell(
                `The existing service account ${name}`,
                difference("displayName", found.displayName, wanted),
                [],
                parent,
            );
        }
        return [];
    });
}

/**
 * Waits for these looks at existing resources.
 *
 * @returns no resources, as the value of a `dependsOn`: what has it waits until all is well
 * @throws pulumi.RunError that lists every problem
 */
export function onceVerified(problems: pulumi.Output<string[]>[]): pulumi.Output<pulumi.Resource[]> {
    return pulumi.all(problems).apply((found) => {
        const all = found.flat();
        if (all.length > 0) {
            throw userError(
                all.length === 1
                    ? `${all[0] ?? ""} Nothing was changed.`
                    : `${all.length} existing resources cannot be used; nothing was changed.\n` +
                          all.map((problem) => `  - ${problem}`).join("\n"),
            );
        }
        return [];
    });
}

/** The result of a lookup, or why there is none. */
async function lookUp<T extends object>(
    what: string,
    existing: Existing,
    lookup: () => Promise<T>,
): Promise<T | { readonly problem: string }> {
    try {
        return await lookup();
    } catch (error) {
        const { message } = error as Error;
        return {
            problem: /\bnot found\b/i.test(message)
                ? `existing: ${existing}: the ${what} does not exist. Create it first, or remove "existing" to let this stack create it.`
                : `existing: ${existing}: cannot look up the ${what}. ${reason(message)}`,
        };
    }
}

/** The service's own words in what the provider says about a failed lookup. */
function reason(message: string): string {
    return /googleapi: (.*)/s.exec(message)?.[1]?.trim() ?? message;
}

/** What an import changes about a setting; nothing where the configuration does not mention it. */
function difference(setting: string, found: string | undefined, wanted: string | undefined): string[] {
    return wanted === undefined || wanted === (found ?? "")
        ? []
        : [`${setting}: ${found ? JSON.stringify(found) : "not set"} becomes ${JSON.stringify(wanted)}`];
}

/** Settings of a repository that this program does not manage. An adopted repository keeps them. */
export const unmanaged = [
    "kmsKeyName",
    "cleanupPolicies",
    "cleanupPolicyDryRun",
    "vulnerabilityScanningConfig",
] as const;

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

function tell(
    what: string,
    differences: readonly string[],
    kept: readonly string[],
    parent: pulumi.Resource,
): void {
    if (differences.length > 0) {
        void pulumi.log.warn(
            [`${what} differs from the configuration:`, ...differences].join("\n  "),
            parent,
        );
    }
    if (kept.length > 0) {
        void pulumi.log.info(
            `${what} keeps settings that this stack does not manage: ${kept.join(", ")}.`,
            parent,
        );
    }
}

/** Names everyone who holds a role that the stack is about to own, and is not among those whom it grants it to. */
function tellLosses(
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
            const keep = new Set(granted[role].map(canonicalPrincipal));
            const lost = bindings
                .filter((binding) => binding.role === roleNames[role] && binding.condition === undefined)
                .flatMap(({ members = [] }) => members)
                .filter((member) => !keep.has(canonicalPrincipal(member)));
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
