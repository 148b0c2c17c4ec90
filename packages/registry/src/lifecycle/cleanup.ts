import * as v from "valibot";
import { normalizedName } from "../names/package-names";
import { type EntryMistake, parseEntry } from "../validation/entry";
import { boolean, duplicates, isRecord, matching, oneOf, toRecord } from "../validation/schema";
import { type ReportMistake, typeMismatch } from "../validation/wording";
import { durationPattern, inSeconds, maxSeconds, meantDuration, parseDuration, readable } from "./duration";
import type { CleanupCondition, CleanupPolicy } from "./lifecycle-config";

// Cleanup policies: what each may be, and the one form in which they are written.

/** `cleanup`, validated. Ids, lists and durations have one form, so that the configuration's order gives no diff. */
export interface Cleanup {
    readonly dryRun: boolean;
    readonly policies: Record<string, CleanupPolicy>;
}

/** A repository has at most this many policies. */
const maxPolicies = 10;

const duration = v.pipe(
    matching(
        durationPattern,
        "a number with the unit d, h, m or s, such as 30d or 12h",
        [meantDuration],
        durationPattern,
    ),
    v.check((value) => (parseDuration(value) ?? 0) <= maxSeconds, "is too long. Allowed: at most 36525d."),
    v.transform(inSeconds),
);

/** A list of the beginnings of names, each once, sorted. */
const prefixes = (item: v.GenericSchema<unknown, string>, allowed: string) =>
    v.exactOptional(
        v.pipe(
            v.array(item, ({ input }) => `${typeMismatch(input, "a list")} Allowed: a list of ${allowed}.`),
            v.minLength(
                1,
                `is empty, and so matches every version. Allowed: a list of ${allowed}, or no list.`,
            ),
            v.rawCheck<string[]>(({ dataset, addIssue }) => {
                if (!dataset.typed) return;
                for (const [, second, index] of duplicates(dataset.value, (prefix) => prefix)) {
                    addIssue({
                        message: "is listed twice. Allowed: each prefix once.",
                        input: second,
                        path: [
                            {
                                type: "array",
                                origin: "value",
                                input: dataset.value,
                                key: index,
                                value: second,
                            },
                        ],
                    });
                }
            }),
            v.transform((list) => list.toSorted()),
        ),
    );

/** The registry knows packages by their normalized names, of which a prefix can end with a hyphen. */
const packagePrefix = matching(
    /^[a-z0-9](?:[a-z0-9]|-(?!-))*$/,
    "the beginning of a package's normalized name, of lowercase letters, digits and hyphens, without an asterisk (acme-)",
    [(pasted) => normalizedName(pasted.trim().replace(/\*+$/, ""))],
);
const versionPrefix = matching(
    /^[A-Za-z0-9][A-Za-z0-9.!+_-]*$/,
    'the beginning of a version, without an asterisk, in quotes ("0.", "1.2.")',
    [
        (pasted) =>
            pasted
                .trim()
                .replace(/^(?:==?|v)\s*/, "")
                .replace(/\*+$/, ""),
    ],
);
const packageNamePrefixes = prefixes(packagePrefix, "beginnings of package names");

const conditionEntries = {
    tagState: v.exactOptional(oneOf(["TAGGED", "UNTAGGED", "ANY"])),
    olderThan: v.exactOptional(duration),
    newerThan: v.exactOptional(duration),
    packageNamePrefixes,
    versionNamePrefixes: prefixes(versionPrefix, "beginnings of versions"),
};
const countAllowed = "a whole number of at least 1";
const recentEntries = {
    keepCount: v.pipe(
        v.number(({ input }) => `${typeMismatch(input, "a number")} Allowed: ${countAllowed}.`),
        v.check(
            (count) => Number.isSafeInteger(count) && count >= 1 && count <= 2 ** 31 - 1,
            `is not valid. Allowed: ${countAllowed}.`,
        ),
    ),
    packageNamePrefixes,
};
const anyMap = (allowed: string) =>
    v.exactOptional(
        v.custom(isRecord, ({ input }) => `${typeMismatch(input, "a map")} Allowed: ${allowed}.`),
    );
const policyEntries = {
    action: oneOf(["DELETE", "KEEP"]),
    condition: anyMap(`a map with the keys ${Object.keys(conditionEntries).join(", ")}`),
    mostRecentVersions: anyMap(`a map with the keys ${Object.keys(recentEntries).join(", ")}`),
};
const cleanupEntries = {
    policies: v.custom(
        isRecord,
        ({ input }) =>
            `${typeMismatch(input, "a map")} Allowed: a map from id to {action, condition, mostRecentVersions}. An empty map removes all policies.`,
    ),
    dryRun: v.optional(boolean, true),
};
const policyId = matching(
    /^[a-z][a-z0-9_-]{0,126}$/,
    "1 to 127 lowercase letters, digits, - and _, starting with a letter",
);

/** Parses `cleanup`. The result is complete if there was no mistake. */
export function parseCleanup(given: Readonly<Record<string, unknown>>, report: ReportMistake): Cleanup {
    const reportAll = (path: readonly (string | number)[], mistakes: readonly EntryMistake[]) => {
        for (const [rest, value, message] of mistakes) report(["cleanup", ...path, ...rest], value, message);
    };
    const { value, mistakes } = parseEntry(cleanupEntries, given, "of cleanup");
    reportAll([], mistakes);
    const entries = Object.entries(toRecord(given["policies"]));
    if (entries.length > maxPolicies) {
        report(
            ["cleanup", "policies"],
            undefined,
            `has ${entries.length} policies. Allowed: at most ${maxPolicies}.`,
        );
    }
    const policies = entries.toSorted(byId).map(([id, entry]): [string, CleanupPolicy] => {
        reportAll(
            ["policies", id],
            (v.safeParse(policyId, id).issues ?? []).map(({ message }): EntryMistake => [[], id, message]),
        );
        const parsed = parsePolicy(entry);
        reportAll(["policies", id], parsed.mistakes);
        return [id, parsed.policy];
    });
    return { dryRun: value?.dryRun ?? true, policies: Object.fromEntries(policies) };
}

function parsePolicy(given: unknown): {
    readonly policy: CleanupPolicy;
    readonly mistakes: readonly EntryMistake[];
} {
    const { value, mistakes } = parseEntry(policyEntries, given, "of a cleanup policy");
    const action = value?.action ?? "KEEP";
    const under =
        (key: string) =>
        ([path, ...rest]: EntryMistake): EntryMistake => [[key, ...path], ...rest];
    if (value === undefined) return { policy: { action }, mistakes };
    if ((value.condition === undefined) === (value.mostRecentVersions === undefined)) {
        const problem =
            value.condition === undefined
                ? "has neither condition nor mostRecentVersions"
                : "has both condition and mostRecentVersions";
        return {
            policy: { action },
            mistakes: [
                [
                    [],
                    undefined,
                    `${problem}. Allowed: one of them${action === "DELETE" ? ", and with DELETE only condition" : ""}.`,
                ],
            ],
        };
    }
    if (value.condition === undefined) {
        const recent = parseEntry(recentEntries, value.mostRecentVersions, "of mostRecentVersions");
        const misplaced: EntryMistake[] =
            action === "KEEP"
                ? []
                : [
                      [
                          ["mostRecentVersions"],
                          undefined,
                          "cannot be set with DELETE. Allowed: with KEEP. To delete all but the newest versions, add a DELETE policy with a condition beside it.",
                      ],
                  ];
        return {
            policy: { action, ...(recent.value && { mostRecentVersions: recent.value }) },
            mistakes: [...misplaced, ...recent.mistakes.map(under("mostRecentVersions"))],
        };
    }
    const condition = parseEntry(conditionEntries, value.condition, "of condition");
    return {
        policy: { action, ...(condition.value && { condition: condition.value }) },
        mistakes: [...condition.mistakes.map(under("condition")), ...ageMistakes(condition.value ?? {})],
    };
}

function ageMistakes({ olderThan, newerThan }: CleanupCondition): EntryMistake[] {
    if (olderThan === undefined || newerThan === undefined) return [];
    if ((parseDuration(olderThan) ?? 0) < (parseDuration(newerThan) ?? 0)) return [];
    return [
        [
            ["condition"],
            undefined,
            `matches no version: none is both older than ${readable(olderThan)} and newer than ${readable(newerThan)}. Allowed: a newerThan that is longer than olderThan.`,
        ],
    ];
}

/** Whether a condition matches every version. */
export function matchesAll({ tagState = "ANY", ...rest }: CleanupCondition): boolean {
    return tagState === "ANY" && Object.keys(rest).length === 0;
}

/**
 * Notices about policies that delete more, or less, than one may expect.
 *
 * @param secret whether to leave out the ids of the policies
 */
export function cleanupNotices({ policies, dryRun }: Cleanup, secret: boolean): string[] {
    const named = (id: string) => (secret ? "A policy of cleanup" : `cleanup.policies.${id}`);
    const entries = Object.entries(policies);
    const deletes = entries.filter(([, { action }]) => action === "DELETE");
    const unlimited = (list: typeof entries) =>
        list.filter(([, { condition }]) => condition !== undefined && matchesAll(condition));
    const keepsAll = unlimited(entries.filter(([, { action }]) => action === "KEEP"));
    if (entries.length > 0 && deletes.length === 0) {
        return [
            "cleanup deletes nothing: all its policies have the action KEEP, which only makes exceptions from DELETE.",
        ];
    }
    if (deletes.length > 0 && keepsAll.length > 0) {
        return keepsAll.map(
            ([id]) => `${named(id)} keeps every version, so that no other policy deletes anything.`,
        );
    }
    return [
        ...unlimited(deletes).map(
            ([id]) =>
                `${named(id)} ${dryRun ? "would delete" : "deletes"} every version that no KEEP policy keeps: its condition has neither an age nor a prefix.`,
        ),
        ...entries
            .filter(([, { condition }]) => condition?.tagState === "TAGGED")
            .map(([id]) => `${named(id)} matches nothing: versions of Python packages have no tags.`),
    ];
}

/** A policy in words, as in `DELETE older than 30d, of packages acme-*`. */
export function describePolicy({ action, condition, mostRecentVersions }: CleanupPolicy): string {
    const of = (list: readonly string[] | undefined, what: string) =>
        list === undefined || list.length === 0
            ? []
            : [`${what} ${list.map((each) => `${each}*`).join(", ")}`];
    if (mostRecentVersions !== undefined) {
        const { keepCount, packageNamePrefixes: packages } = mostRecentVersions;
        return [`${action} the newest ${keepCount} of each package`, ...of(packages, "of packages")].join(
            ", ",
        );
    }
    const { tagState = "ANY", olderThan, newerThan, ...names } = condition ?? {};
    const parts = [
        ...(olderThan ? [`older than ${readable(olderThan)}`] : []),
        ...(newerThan ? [`newer than ${readable(newerThan)}`] : []),
        ...of(names.packageNamePrefixes, "of packages"),
        ...of(names.versionNamePrefixes, "versions"),
        ...(tagState === "ANY" ? [] : [tagState.toLowerCase()]),
    ];
    return `${action} ${parts.length === 0 ? "every version" : parts.join(", ")}`;
}

function byId([one]: readonly [string, unknown], [other]: readonly [string, unknown]): number {
    return one < other ? -1 : one > other ? 1 : 0;
}
