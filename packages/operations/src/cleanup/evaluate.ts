import { parseDuration } from "python-registry/lifecycle/duration";

// What cleanup policies delete, by Google's documentation. Plain functions.
// https://cloud.google.com/artifact-registry/docs/repositories/cleanup-policy-overview

/** A version of a package, as the service lists it. */
export interface Version {
    readonly package: string;
    readonly version: string;
    /** When it was uploaded. */
    readonly created: Date;
    readonly tags: readonly string[];
}

/** A cleanup policy in the form of the service. */
export interface Policy {
    readonly action?: string | undefined;
    readonly condition?:
        | {
              readonly tagState?: string | undefined;
              readonly tagPrefixes?: readonly string[] | undefined;
              readonly versionNamePrefixes?: readonly string[] | undefined;
              readonly packageNamePrefixes?: readonly string[] | undefined;
              readonly olderThan?: string | undefined;
              readonly newerThan?: string | undefined;
          }
        | undefined;
    readonly mostRecentVersions?:
        | {
              readonly keepCount?: number | undefined;
              readonly packageNamePrefixes?: readonly string[] | undefined;
          }
        | undefined;
}

/** From id to policy. */
export type Policies = Readonly<Record<string, Policy>>;

/** What the policies say about a version. */
export interface Verdict {
    readonly version: Version;
    /** The ids of the DELETE policies that match it. */
    readonly deletedBy: readonly string[];
    /** The ids of the KEEP policies that match it. One is enough to keep it. */
    readonly keptBy: readonly string[];
}

/**
 * Applies cleanup policies.
 *
 * @param versions all versions of the repository: the newest are counted for each package
 * @param now the time with which ages are compared
 * @returns a verdict for each version, in the order of the versions
 */
export function applyPolicies(policies: Policies, versions: readonly Version[], now: Date): Verdict[] {
    const matchers = Object.entries(policies)
        .toSorted(([one], [other]) => (one < other ? -1 : 1))
        .map(([id, policy]) => ({ id, action: policy.action, matches: getMatcher(policy, versions, now) }));
    return versions.map((version) => {
        const idsOf = (action: string) =>
            matchers.filter((each) => each.action === action && each.matches(version)).map(({ id }) => id);
        return { version, deletedBy: idsOf("DELETE"), keptBy: idsOf("KEEP") };
    });
}

/** Whether the service would delete the version. */
export function isDeleted({ deletedBy, keptBy }: Verdict): boolean {
    return deletedBy.length > 0 && keptBy.length === 0;
}

/** Whether a policy matches a version. One without a condition, which the service does not accept, matches none. */
function getMatcher(
    { action, condition, mostRecentVersions }: Policy,
    versions: readonly Version[],
    now: Date,
): (version: Version) => boolean {
    if (mostRecentVersions !== undefined) {
        // Only KEEP counts versions.
        if (action !== "KEEP") return () => false;
        const { keepCount = 0, packageNamePrefixes } = mostRecentVersions;
        const newest = new Set(
            [...Map.groupBy(versions, (version) => version.package)]
                .filter(([name]) => startsWithOne(name, packageNamePrefixes))
                .flatMap(([, ofPackage]) => ofPackage.toSorted(byAge).slice(0, keepCount)),
        );
        return (version) => newest.has(version);
    }
    if (condition === undefined) return () => false;
    const { tagState = "ANY", tagPrefixes, olderThan, newerThan } = condition;
    return ({ package: name, version, created, tags }) => {
        const age = (now.getTime() - created.getTime()) / 1000;
        return (
            startsWithOne(name, condition.packageNamePrefixes) &&
            startsWithOne(version, condition.versionNamePrefixes) &&
            (!isSet(olderThan) || age > getSeconds(olderThan)) &&
            (!isSet(newerThan) || age < getSeconds(newerThan)) &&
            (tagState !== "TAGGED" || tags.length > 0) &&
            (tagState !== "UNTAGGED" || tags.length === 0) &&
            (isEmpty(tagPrefixes) || tags.some((tag) => startsWithOne(tag, tagPrefixes)))
        );
    };
}

/** The newest first. Two of the same time have the order of their names, so that the result depends on nothing else. */
function byAge(one: Version, other: Version): number {
    return (
        other.created.getTime() - one.created.getTime() ||
        (one.version < other.version ? 1 : one.version > other.version ? -1 : 0)
    );
}

function startsWithOne(name: string, prefixes: readonly string[] | undefined): boolean {
    return isEmpty(prefixes) || prefixes.some((prefix) => name.startsWith(prefix));
}

function isEmpty(list: readonly string[] | undefined): list is undefined | readonly [] {
    return list === undefined || list.length === 0;
}

function isSet(duration: string | undefined): duration is string {
    return duration !== undefined && duration !== "";
}

/** @throws Error for what is no duration, so that no version counts as matched or not by mistake */
function getSeconds(duration: string): number {
    const seconds = parseDuration(duration);
    if (seconds === undefined) throw new Error(`The policy has a duration that is not known: ${duration}`);
    return seconds;
}
