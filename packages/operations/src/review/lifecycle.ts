import * as v from "valibot";
import { describePolicy } from "python-registry/lifecycle/cleanup";
import { inSeconds, parseDuration } from "python-registry/lifecycle/duration";
import { describe, getProject, repositoryType, valueBefore, valueText } from "./describe";
import type { Preview, Step } from "./events";
import { say, type Sentence, strong } from "./sentence";
import { type Properties, serialize } from "./values";

// What a change of a repository's settings means for what is in it: cleanup, encryption, scanning.

/** A sentence, and whether what it tells can lose packages or protection. */
interface Change {
    readonly risky: boolean;
    readonly text: Sentence;
}

const prefixes = v.pipe(
    v.nullish(v.array(v.string()), []),
    v.transform((list) => list.toSorted()),
);
const duration = v.pipe(
    v.nullish(v.string(), ""),
    v.check((text) => text === "" || parseDuration(text) !== undefined),
    v.transform((text) => (text === "" ? "" : inSeconds(text))),
);
const policiesSchema = v.nullish(
    v.array(
        v.object({
            id: v.string(),
            action: v.picklist(["DELETE", "KEEP"]),
            condition: v.nullish(
                v.object({
                    tagState: v.nullish(v.picklist(["TAGGED", "UNTAGGED", "ANY"]), "ANY"),
                    tagPrefixes: prefixes,
                    olderThan: duration,
                    newerThan: duration,
                    packageNamePrefixes: prefixes,
                    versionNamePrefixes: prefixes,
                }),
            ),
            mostRecentVersions: v.nullish(
                v.object({ keepCount: v.nullish(v.number(), 0), packageNamePrefixes: prefixes }),
            ),
        }),
    ),
    [],
);
type Policy = v.InferOutput<typeof policiesSchema>[number];

/** The changes that can lose packages or protection, in bold. */
export function riskyChanges(preview: Preview): Sentence[] {
    return allChanges(preview).flatMap(({ risky, text }) => (risky ? [strong(text)] : []));
}

/** The other changes of these settings. */
export function harmlessChanges(preview: Preview): Sentence[] {
    return allChanges(preview).flatMap(({ risky, text }) => (risky ? [] : [text]));
}

function allChanges(preview: Preview): Change[] {
    const project = getProject(preview);
    return preview.steps
        .filter(({ type, op }) => type === repositoryType && /^(?:create|import|update|replace)$/.test(op))
        .flatMap((step) => {
            const [before, after] = [inputsBefore(step), step.new?.inputs ?? {}];
            const what = describe(step, project);
            return [
                ...cleanupChanges(before, after, what),
                ...encryptionChanges(before, after, what),
                ...scanningChanges(before, after, what),
            ];
        });
}

const settings = [
    "cleanupPolicies",
    "cleanupPolicyDryRun",
    "kmsKeyName",
    "vulnerabilityScanningConfig",
] as const;

function inputsBefore(step: Step): Properties {
    if (step.op === "create" || step.old === undefined) return {};
    return Object.fromEntries(settings.map((key) => [key, valueBefore(step, key)]));
}

function cleanupChanges(before: Properties, after: Properties, what: Sentence): Change[] {
    const [oldDryRun, newDryRun] = [before, after].map((each) => each["cleanupPolicyDryRun"] === true);
    const same =
        serialize(before["cleanupPolicies"] ?? []) === serialize(after["cleanupPolicies"] ?? []) &&
        oldDryRun === newDryRun;
    if (same) return [];
    const [from, to] = [before, after].map((each) => v.safeParse(policiesSchema, each["cleanupPolicies"]));
    if (from?.success !== true || to?.success !== true) {
        return [
            {
                risky: true,
                text: say`The cleanup policies of the ${what} change in a form that this review does not know.`,
            },
        ];
    }
    const active = newDryRun !== true;
    const ids = new Set([...from.output, ...to.output].map(({ id }) => id));
    const policies = [...ids].sort().flatMap((id): Change[] => {
        const [old, next] = [from.output, to.output].map((list) => list.find((each) => each.id === id));
        if (serialize(old) === serialize(next)) return [];
        // A policy that matches more, or an exception that matches less.
        const risky =
            active &&
            ((next?.action === "DELETE" && !(old?.action === "DELETE" && covers(old, next))) ||
                (old?.action === "KEEP" && !(next?.action === "KEEP" && covers(next, old))));
        const policy = (each: Policy) => valueText(inWords(each));
        const of = say`the cleanup policy ${id} of the ${what}`;
        if (next === undefined) return old ? [{ risky, text: say`Removes ${of}: ${policy(old)}` }] : [];
        return [
            {
                risky,
                text: old
                    ? say`Changes ${of}: ${policy(old)} → ${policy(next)}`
                    : say`Adds ${of}: ${policy(next)}`,
            },
        ];
    });
    const deletes = to.output.filter(({ action }) => action === "DELETE");
    return [...dryRunChange(oldDryRun === true, active, deletes, what), ...policies];
}

function dryRunChange(
    wasDryRun: boolean,
    active: boolean,
    deletes: readonly Policy[],
    what: Sentence,
): Change[] {
    if (wasDryRun && active && deletes.length > 0) {
        const each = deletes.flatMap((policy, index) => [
            ...(index === 0 ? say`: ` : say`; `),
            ...say`${policy.id}, ${valueText(inWords(policy))}`,
        ]);
        return [
            {
                risky: true,
                text: say`Ends the dry run of the cleanup policies of the ${what}. From now on, the service deletes the versions that they match${each}`,
            },
        ];
    }
    if (wasDryRun || active) return [];
    return [{ risky: false, text: say`Cleanup of the ${what} is a dry run: the service deletes nothing` }];
}

function encryptionChanges(before: Properties, after: Properties, what: Sentence): Change[] {
    const [from, to] = [before["kmsKeyName"] || undefined, after["kmsKeyName"] || undefined];
    // A replacement has its own sentence, with the key as its reason.
    if (from !== undefined || to === undefined) return [];
    return [
        {
            risky: false,
            text: say`The ${what} is encrypted with the key ${valueText(to)}, which cannot be changed later`,
        },
    ];
}

function scanningChanges(before: Properties, after: Properties, what: Sentence): Change[] {
    const [from, to] = [before, after].map((each) => {
        const config = v.safeParse(
            v.object({ enablementConfig: v.nullish(v.string()) }),
            each["vulnerabilityScanningConfig"],
        );
        return config.success && config.output.enablementConfig === "INHERITED";
    });
    if (from === to) return [];
    return [
        to === true
            ? { risky: false, text: say`Turns on scanning for vulnerabilities of the ${what}` }
            : { risky: true, text: say`Turns off scanning for vulnerabilities of the ${what}.` },
    ];
}

/** Whether a policy matches all that another one of the same action matches. What cannot be compared does not. */
function covers(one: Policy, other: Policy): boolean {
    if (one.mostRecentVersions && other.mostRecentVersions) {
        return (
            one.mostRecentVersions.keepCount >= other.mostRecentVersions.keepCount &&
            coversPrefixes(
                one.mostRecentVersions.packageNamePrefixes,
                other.mostRecentVersions.packageNamePrefixes,
            )
        );
    }
    const [wide, narrow] = [one.condition, other.condition];
    if (!wide || !narrow) return false;
    const age = (text: string, none: number) => (text === "" ? none : (parseDuration(text) ?? none));
    return (
        (wide.tagState === "ANY" || wide.tagState === narrow.tagState) &&
        age(wide.olderThan, 0) <= age(narrow.olderThan, 0) &&
        age(wide.newerThan, Infinity) >= age(narrow.newerThan, Infinity) &&
        coversPrefixes(wide.tagPrefixes, narrow.tagPrefixes) &&
        coversPrefixes(wide.packageNamePrefixes, narrow.packageNamePrefixes) &&
        coversPrefixes(wide.versionNamePrefixes, narrow.versionNamePrefixes)
    );
}

/** Whether every name with one of the narrow prefixes has one of the wide ones. Without a prefix, it is every name. */
function coversPrefixes(wide: readonly string[], narrow: readonly string[]): boolean {
    if (wide.length === 0) return true;
    return narrow.length > 0 && narrow.every((each) => wide.some((prefix) => each.startsWith(prefix)));
}

function inWords({ action, condition, mostRecentVersions }: Policy): string {
    const { tagPrefixes = [], ...rest } = condition ?? {};
    const tags =
        tagPrefixes.length === 0 ? "" : `, with tags ${tagPrefixes.map((tag) => `${tag}*`).join(", ")}`;
    return (
        describePolicy({
            action,
            ...(condition && { condition: rest }),
            ...(mostRecentVersions && { mostRecentVersions }),
        }) + tags
    );
}
