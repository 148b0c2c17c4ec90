import * as v from "valibot";
import { hideSecrets } from "./secrets";
import { say, type Sentence } from "./sentence";
import {
    type HiddenPart,
    hiddenParts,
    isRecord,
    ownValue,
    parsePropertyPath,
    plain,
    type Properties,
    serialize,
    unnamedDifferences,
} from "./values";

// The events of the engine, as `pulumi preview --json` streams them: one JSON object on each line.
// https://github.com/pulumi/pulumi/blob/master/sdk/go/common/apitype/events.go

/** An object of JSON. `v.record` would leave out the key `constructor`, which a workload may have as its name. */
const record = v.custom<Readonly<Record<string, unknown>>>(isRecord);
const flag = v.optional(v.boolean(), false);
const texts = v.optional(v.nullable(v.array(v.string())), []);
const state = v.object({
    inputs: v.optional(v.nullable(record), {}),
    outputs: v.optional(v.nullable(record), {}),
    custom: flag,
    id: v.optional(v.string(), ""),
    parent: v.optional(v.string(), ""),
    protect: flag,
    retainOnDelete: flag,
});
const step = v.object({
    metadata: v.object({
        op: v.string(),
        urn: v.string(),
        type: v.string(),
        old: v.nullish(state),
        new: v.nullish(state),
        keys: texts,
        diffs: texts,
        detailedDiff: v.nullish(record),
        logical: flag,
    }),
});
/** Says nothing about the stack. */
const silent = v.optional(v.unknown());
const schema = v.strictObject({
    sequence: v.optional(v.number()),
    timestamp: silent,
    preludeEvent: v.optional(record),
    resourcePreEvent: v.optional(step),
    resOutputsEvent: v.optional(step),
    resOpFailedEvent: v.optional(step),
    diagnosticEvent: v.optional(v.object({ severity: v.string(), message: v.string(), ephemeral: flag })),
    stdoutEvent: v.optional(v.object({ message: v.string() })),
    errorEvent: v.optional(v.object({ error: v.string() })),
    policyEvent: v.optional(
        v.object({
            resourceUrn: v.optional(v.string(), ""),
            message: v.string(),
            policyName: v.string(),
            policyPackName: v.string(),
            enforcementLevel: v.string(),
            exceptions: v.optional(v.array(v.object({ id: v.string(), reason: v.string() })), []),
        }),
    ),
    policyRemediationEvent: v.optional(
        v.object({
            resourceUrn: v.optional(v.string(), ""),
            policyName: v.string(),
            policyPackName: v.string(),
        }),
    ),
    policyLoadEvent: silent,
    policyAnalyzeSummaryEvent: silent,
    policyRemediateSummaryEvent: silent,
    policyAnalyzeStackSummaryEvent: silent,
    progressEvent: silent,
    startDebuggingEvent: silent,
    cancelEvent: silent,
    summaryEvent: v.optional(
        v.object({
            result: v.picklist(["succeeded", "failed", "canceled"]),
            isPreview: v.literal(true),
            maybeCorrupt: v.literal(false),
            resourceChanges: record,
        }),
    ),
});
/** An event; of a step, also what the engine wrote about it. */
type EngineEvent = v.InferOutput<typeof schema> & { readonly raw?: unknown };

/** A resource before or after a step. */
export interface ResourceState {
    readonly inputs: Properties;
    readonly outputs: Properties;
    readonly custom: boolean;
    /** URN, or an empty string. */
    readonly parent: string;
    readonly protect: boolean;
    readonly retainOnDelete: boolean;
}

/** What the update would do with one resource. */
export interface Step {
    /** An operation of the engine, as in `create`. */
    readonly op: string;
    readonly urn: string;
    readonly type: string;
    readonly old?: ResourceState;
    readonly new?: ResourceState;
    /** The properties because of which the resource is replaced. */
    readonly replaceKeys: readonly string[];
    /** The paths of the properties that change: those that the engine names, and those of other inputs that differ. */
    readonly changedPaths: readonly string[];
    /** Whether the engine names a path in each input that differs. */
    readonly isDiffComplete: boolean;
    /** The parts of the inputs that cannot be shown. */
    readonly hidden: readonly HiddenPart[];
}

/** A violation of a policy, or a resource that a policy changed. */
export interface Finding {
    readonly level: string;
    readonly policy: string;
    readonly pack: string;
    readonly resource: string;
    readonly message: string;
    /** The ids and reasons of exceptions that apply. */
    readonly exceptions: readonly { readonly id: string; readonly reason: string }[];
}

/** A preview of one stack, without secrets. */
export interface Preview {
    readonly stack: string;
    /** Whether the preview failed or ended early. */
    readonly failed: boolean;
    readonly errors: readonly string[];
    /** The messages and warnings of the program. */
    readonly notes: readonly string[];
    /** What of the events is missing or cannot be read. */
    readonly problems: readonly Sentence[];
    readonly steps: readonly Step[];
    readonly findings: readonly Finding[];
    /** The stack's outputs; undefined if there are none yet. */
    readonly outputs: { readonly old?: Properties; readonly new?: Properties };
    /** The parts of the outputs that cannot be shown. */
    readonly hiddenOutputs: readonly HiddenPart[];
}

/** Messages that say nothing about the stack. */
const noise =
    /^Undefined value \(.*\) will not show as a stack output\.$|\bfrom \$PATH\b|^(?:preview|update) failed$/;
export const stackType = "pulumi:pulumi:Stack";
/** More lines that cannot be read are counted. */
const maxProblems = 20;

/**
 * Reads the events of a preview. What is missing or cannot be read becomes a problem, so that it is not mistaken for a
 * resource that stays the same.
 *
 * @param stack the name of the stack if no event names it
 * @returns undefined if there are no events
 */
export function parseEvents(printed: string, stack: string): Preview | undefined {
    const { events, problems } = readEvents(printed);
    if (events.length === 0) return undefined;
    const recorded = recordedSteps(events);
    const chosen = chooseSteps(recorded);
    const steps = [...chosen.values()].map(getStep).sort(byUrn);
    const root = [...chosen.values()].find(isRoot);
    const names = [...new Set(steps.map(({ urn }) => /^urn:pulumi:(.+?)::/.exec(urn)?.[1] ?? ""))];
    const failed = hasFailed(events);
    return {
        stack: names.find(Boolean) ?? stack,
        failed,
        errors: [
            ...events.flatMap(({ errorEvent }) => errorEvent?.error ?? []),
            ...getMessages(events, "error"),
        ],
        notes: [
            ...getMessages(events, "warning"),
            ...getMessages(events, "info"),
            ...events.flatMap(({ stdoutEvent }) => stdoutEvent?.message.trim() ?? []),
        ],
        problems: [
            ...problems,
            ...(names.length > 1 ? [say`The events are of ${names.length} stacks.`] : []),
            ...orderProblems(events),
            // A preview that failed does not reach all resources, and is said to be incomplete.
            ...(failed ? [] : countProblems(events, recorded, chosen)),
        ],
        steps,
        findings: getFindings(events),
        ...(root === undefined ? { outputs: {}, hiddenOutputs: [] } : getOutputs(root, failed)),
    };
}

/** A preview for which the CLI printed no events. */
export function failedPreview(stack: string, error: string): Preview {
    return {
        stack,
        failed: true,
        errors: error === "" ? [] : [hideSecrets(error)],
        notes: [],
        problems: [],
        steps: [],
        findings: [],
        outputs: {},
        hiddenOutputs: [],
    };
}

/** Where the stack's repository is; empty texts if the outputs do not say. */
export interface StackReference {
    readonly project: string;
    readonly location: string;
    readonly id: string;
}

/** Reads from a stack's outputs where its repository is. */
export function stackReference({ repository }: Properties): StackReference {
    const text = (key: string) => {
        const value = ownValue(repository, key);
        return typeof value === "string" ? value : "";
    };
    return { project: text("project"), location: text("location"), id: text("id") };
}

function readEvents(printed: string): { events: readonly EngineEvent[]; problems: readonly Sentence[] } {
    const events: EngineEvent[] = [];
    const problems: Sentence[] = [];
    let more = 0;
    for (const [index, line] of printed
        .replace(/^\uFEFF/, "")
        .split("\n")
        .entries()) {
        const text = line.trim();
        if (text === "") continue;
        const read = readEvent(text);
        if (!Array.isArray(read)) events.push(read as EngineEvent);
        // Before the first event, the CLI may print a warning.
        else if (events.length === 0 && !/[{}]/.test(text)) continue;
        else if (problems.length < maxProblems) problems.push(say`Line ${index + 1} ${read as Sentence}.`);
        else more++;
    }
    if (more > 0) problems.push(say`${more} more lines cannot be read.`);
    return { events, problems };
}

/** An event, or why a line is none. */
function readEvent(line: string): EngineEvent | Sentence {
    let raw: unknown;
    try {
        raw = JSON.parse(line);
    } catch {
        return say`is not an event, or only a part of one`;
    }
    const kinds = isRecord(raw)
        ? Object.keys(raw).filter((key) => key !== "sequence" && key !== "timestamp")
        : [];
    const [kind] = kinds;
    if (!isRecord(raw) || kind === undefined || kinds.length > 1) return say`is not an event`;
    const event = plain(raw);
    const about = getResource(ownValue(event, kind));
    if (!Object.hasOwn(schema.entries, kind))
        return say`is an event of an unknown kind, ${hideSecrets(kind)}${about}`;
    const parsed = v.safeParse(schema, event);
    if (!parsed.success)
        return say`is an event of the kind ${kind} in a form that this review does not know${about}`;
    return Object.assign(parsed.output, { raw: ownValue(raw[kind], "metadata") });
}

/** The resource that an unreadable event names. */
function getResource(event: unknown): Sentence {
    const { urn, type } = {
        urn: ownValue(ownValue(event, "metadata"), "urn"),
        type: ownValue(ownValue(event, "metadata"), "type"),
    };
    if (typeof urn !== "string") return [];
    return say`. It is about the resource ${resourceName(urn)} (${typeof type === "string" ? type : "unknown type"})`;
}

interface RecordedStep {
    readonly metadata: v.InferOutput<typeof step>["metadata"];
    /** As the engine wrote it. */
    readonly raw: unknown;
    /** Whether this is the second event of the step. It repeats the first, with the outputs. */
    readonly done: boolean;
    /** The same for both events of a step. */
    readonly key: string;
}

function recordedSteps(events: readonly EngineEvent[]): RecordedStep[] {
    return events.flatMap(({ resourcePreEvent, resOutputsEvent, resOpFailedEvent, raw }) => {
        const metadata = (resourcePreEvent ?? resOutputsEvent ?? resOpFailedEvent)?.metadata;
        if (metadata === undefined) return [];
        const { op, urn, old } = metadata;
        // A URN can be deleted more than once: resources that an interrupted replacement left behind.
        return [
            {
                metadata,
                raw,
                done: resOutputsEvent !== undefined,
                key: JSON.stringify([op, urn, old?.id]),
            },
        ];
    });
}

/** One event for each step: the second, and if there are several, the last in which outputs change. */
function chooseSteps(recorded: readonly RecordedStep[]): Map<string, RecordedStep> {
    const chosen = new Map<string, RecordedStep>();
    for (const each of recorded) {
        const known = chosen.get(each.key);
        if (known === undefined || getRank(each) >= getRank(known)) chosen.set(each.key, each);
    }
    return chosen;
}

function getRank({ done, metadata: { old, new: next } }: RecordedStep): number {
    const filled = Object.keys(next?.outputs ?? {}).length > 0;
    const differs = serialize(old?.outputs) !== serialize(next?.outputs);
    return (done ? 4 : 0) + (filled ? 2 : 0) + (differs ? 1 : 0);
}

/** Whether this is what the update does with the stack itself. A refresh has the outputs as they are. */
function isRoot({ metadata: { op, type } }: RecordedStep): boolean {
    return type === stackType && op !== "refresh";
}

/** Whether events are there more than once, or not in the engine's order. The engine leaves out numbers. */
function orderProblems(events: readonly EngineEvent[]): Sentence[] {
    const numbers = events.flatMap(({ sequence }) => sequence ?? []);
    const last = events.findLastIndex(
        ({ resourcePreEvent, resOutputsEvent }) => resourcePreEvent ?? resOutputsEvent,
    );
    const summaries = events.flatMap(({ summaryEvent }, index) => (summaryEvent ? [index] : []));
    const preludes = events.flatMap(({ preludeEvent }, index) => (preludeEvent ? [index] : []));
    const first = events.findIndex(
        ({ resourcePreEvent, resOutputsEvent }) => resourcePreEvent ?? resOutputsEvent,
    );
    const [begin = Infinity, ...preludesAfter] = preludes;
    return [
        ...(begin === Infinity ? [say`The beginning of the events is missing.`] : []),
        ...(preludesAfter.length > 0 || summaries.length > 1
            ? [say`The events are of more than one preview.`]
            : []),
        ...((numbers.length > 0 && numbers.length < events.length) ||
        numbers.some((number, index) => index > 0 && number <= (numbers[index - 1] ?? 0)) ||
        (first !== -1 && first < begin && begin !== Infinity) ||
        summaries.some((index) => index < last)
            ? [say`The events are not in the engine's order, or some are repeated.`]
            : []),
    ];
}

/** Whether there are as many steps as the engine counted. */
function countProblems(
    events: readonly EngineEvent[],
    recorded: readonly RecordedStep[],
    chosen: ReadonlyMap<string, RecordedStep>,
): Sentence[] {
    const counted = new Map<string, number>();
    for (const { metadata } of chosen.values()) {
        if (metadata.logical) counted.set(metadata.op, (counted.get(metadata.op) ?? 0) + 1);
    }
    const expected = new Map(
        events.flatMap(({ summaryEvent }) => Object.entries(summaryEvent?.resourceChanges ?? {})),
    );
    const wrong = [...new Set([...counted.keys(), ...expected.keys()])].flatMap((op) => {
        const [found, number = 0] = [counted.get(op) ?? 0, expected.get(op)];
        // The engine counts only those resources that it read and that changed.
        if (op === "read" ? typeof number === "number" && found >= number : found === number) return [];
        return [
            say`The engine counted ${typeof number === "number" ? number : "?"} resources for the operation ${op}, and the events have ${found}.`,
        ];
    });
    const [started, done] = [false, true].map(
        (each) => new Set(recorded.filter((step) => step.done === each).map(({ key }) => key)),
    );
    // Of the stack, the last event has the outputs.
    const outputs = recorded.filter((each) => each.done && isRoot(each)).length;
    const half = started?.size ? [...chosen].filter(([key]) => !started.has(key) || !done?.has(key)) : [];
    return [
        ...wrong,
        ...(started?.size && outputs < 2 ? [say`The event with the stack's outputs is missing.`] : []),
        ...half.map(
            ([
                ,
                {
                    metadata: { urn, type },
                },
            ]) => say`An event about the resource ${resourceName(urn)} (${type}) is missing.`,
        ),
    ];
}

function getStep({ metadata, raw }: RecordedStep): Step {
    const { op, urn, type, old, new: next, keys, diffs, detailedDiff } = metadata;
    const detailed = Object.keys(detailedDiff ?? {});
    const findTop = (path: string) => parsePropertyPath(path)[0];
    const tops = new Set(detailed.map(findTop));
    const named = [...detailed, ...(diffs ?? []).filter((path) => !tops.has(findTop(path)))];
    const unnamed =
        old && next
            ? unnamedDifferences(old.inputs ?? {}, next.inputs ?? {}, named.map(parsePropertyPath))
            : [];
    const namedTops = new Set(named.map(findTop));
    const inputs = (state: string) => ownValue(ownValue(raw, state), "inputs");
    return {
        op,
        urn,
        type,
        ...(old ? { old: getState(old) } : {}),
        ...(next ? { new: getState(next) } : {}),
        replaceKeys: keys ?? [],
        changedPaths: [...new Set([...named, ...unnamed])].sort(),
        isDiffComplete: named.length > 0 && unnamed.every((path) => namedTops.has(findTop(path))),
        hidden: op === "same" ? [] : hiddenParts(inputs("old"), inputs("new")),
    };
}

function getState({ inputs, outputs, ...rest }: v.InferOutput<typeof state>): ResourceState {
    return { ...rest, inputs: inputs ?? {}, outputs: outputs ?? {} };
}

function getOutputs(
    { metadata: { old, new: next }, raw }: RecordedStep,
    failed: boolean,
): Pick<Preview, "outputs" | "hiddenOutputs"> {
    const [from, to] = [old?.outputs ?? undefined, next?.outputs ?? undefined];
    // A preview that ended early has no new outputs: they did not disappear.
    const ended = failed && Object.keys(to ?? {}).length === 0;
    const rawOutputs = (state: string) => ownValue(ownValue(raw, state), "outputs");
    return {
        outputs: { ...(from ? { old: from } : {}), ...(to && !ended ? { new: to } : {}) },
        hiddenOutputs: ended
            ? []
            : // The keys of accounts are secret as a whole. They are resources, which the review shows.
              hiddenParts(rawOutputs("old"), rawOutputs("new")).filter(
                  ({ path, why }) => path !== "credentials" || why !== "is a secret",
              ),
    };
}

function hasFailed(events: readonly EngineEvent[]): boolean {
    const summary = events.map(({ summaryEvent }) => summaryEvent).find(Boolean);
    return (
        summary === undefined ||
        summary.result !== "succeeded" ||
        events.some(
            ({ diagnosticEvent, errorEvent, resOpFailedEvent }) =>
                diagnosticEvent?.severity === "error" || errorEvent || resOpFailedEvent,
        )
    );
}

function getMessages(events: readonly EngineEvent[], severity: string): string[] {
    const messages = events.flatMap(({ diagnosticEvent }) =>
        diagnosticEvent?.severity === severity && !diagnosticEvent.ephemeral
            ? [diagnosticEvent.message.trim()]
            : [],
    );
    return [...new Set(messages)].filter((message) => message !== "" && !noise.test(message));
}

function getFindings(events: readonly EngineEvent[]): Finding[] {
    return events.flatMap(({ policyEvent: found, policyRemediationEvent: changed }): Finding[] => {
        if (changed) {
            const { policyName: policy, policyPackName: pack, resourceUrn } = changed;
            const resource = resourceName(resourceUrn);
            return [{ level: "remediate", policy, pack, resource, message: "", exceptions: [] }];
        }
        if (!found) return [];
        return [
            {
                level: found.enforcementLevel,
                policy: found.policyName,
                pack: found.policyPackName,
                resource: resourceName(found.resourceUrn),
                message: found.message.trim(),
                exceptions: found.exceptions,
            },
        ];
    });
}

/** The last part of a URN, the name that the program gives a resource. */
export function resourceName(urn: string): string {
    return urn.split("::").slice(3).join("::");
}

function byUrn(a: Step, b: Step): number {
    return a.urn < b.urn ? -1 : a.urn > b.urn ? 1 : 0;
}
