import { type Cleanup, describePolicy } from "./cleanup";
import { inSeconds } from "./duration";
import type { CleanupCondition, CleanupPolicy } from "./lifecycle-config";

// Cleanup policies as a repository has them.

/** A policy as the provider's function returns it: what it does not have is empty. */
export interface FoundPolicy {
    readonly id: string;
    readonly action: string;
    readonly conditions: readonly (Required<Omit<CleanupCondition, "tagState">> & {
        readonly tagState: string;
        readonly tagPrefixes: string[];
    })[];
    readonly mostRecentVersions: readonly {
        readonly keepCount: number;
        readonly packageNamePrefixes: string[];
    }[];
}

/** The policies of a repository as the provider writes them, in the order of their ids. */
export function repositoryPolicies({ policies }: Cleanup): (CleanupPolicy & { readonly id: string })[] {
    return Object.entries(policies).map(([id, { action, condition, mostRecentVersions }]) => ({
        id,
        action,
        // Without a value, the provider does not send an empty condition, which matches everything.
        ...(condition && { condition: { tagState: "ANY", ...condition } }),
        ...(mostRecentVersions && { mostRecentVersions }),
    }));
}

/** What changes about the policies of a repository, a line for each id. */
export function cleanupDifferences(
    found: readonly FoundPolicy[],
    wanted: Readonly<Record<string, CleanupPolicy>>,
): string[] {
    const before = new Map(found.map((policy) => [policy.id, describeFound(policy)]));
    const after = new Map(Object.entries(wanted).map(([id, policy]) => [id, describePolicy(policy)]));
    return [...new Set([...before.keys(), ...after.keys()])].sort().flatMap((id) => {
        const [from, to] = [before.get(id), after.get(id)];
        if (from === to) return [];
        if (to === undefined) return [`cleanupPolicies.${id}: "${from ?? ""}" is removed`];
        return [`cleanupPolicies.${id}: ${from === undefined ? "not set" : `"${from}"`} becomes "${to}"`];
    });
}

/** A policy of a repository in the same words as one of the configuration. */
function describeFound({ action, conditions, mostRecentVersions }: FoundPolicy): string {
    const [condition] = conditions;
    const [recent] = mostRecentVersions;
    const sorted = (list: readonly string[] | null | undefined) => (list ?? []).toSorted();
    const tags = sorted(condition?.tagPrefixes);
    const described = describePolicy({
        action: action as CleanupPolicy["action"],
        ...(recent && {
            mostRecentVersions: {
                keepCount: recent.keepCount,
                packageNamePrefixes: sorted(recent.packageNamePrefixes),
            },
        }),
        ...(condition && {
            condition: {
                tagState: (condition.tagState || "ANY") as NonNullable<CleanupCondition["tagState"]>,
                olderThan: condition.olderThan && inSeconds(condition.olderThan),
                newerThan: condition.newerThan && inSeconds(condition.newerThan),
                packageNamePrefixes: sorted(condition.packageNamePrefixes),
                versionNamePrefixes: sorted(condition.versionNamePrefixes),
            },
        }),
    });
    return tags.length === 0
        ? described
        : `${described}, with tags ${tags.map((tag) => `${tag}*`).join(", ")}`;
}
