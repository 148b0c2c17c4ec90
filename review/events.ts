import * as v from "valibot";
import { hideSecrets } from "./secrets";

// The events of the engine, as `pulumi preview --json` streams them: one JSON object on each line.
// https://github.com/pulumi/pulumi/blob/master/sdk/go/common/apitype/events.go

const properties = v.optional(v.nullable(v.record(v.string(), v.unknown())), {});
const state = v.object({
    inputs: properties,
    outputs: properties,
    custom: v.optional(v.boolean(), false),
    parent: v.optional(v.string(), ""),
    protect: v.optional(v.boolean(), false),
    retainOnDelete: v.optional(v.boolean(), false),
});
const step = v.object({
    metadata: v.object({
        op: v.string(),
        urn: v.string(),
        type: v.string(),
        old: v.nullish(state),
        new: v.nullish(state),
        keys: v.nullish(v.array(v.string())),
        diffs: v.nullish(v.array(v.string())),
        detailedDiff: v.nullish(v.record(v.string(), v.object({ diffKind: v.string() }))),
    }),
});
const schema = v.object({
    preludeEvent: v.optional(v.looseObject({})),
    resourcePreEvent: v.optional(step),
    resOutputsEvent: v.optional(step),
    diagnosticEvent: v.optional(
        v.object({
            severity: v.string(),
            message: v.string(),
            ephemeral: v.optional(v.boolean(), false),
        }),
    ),
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
    summaryEvent: v.optional(v.object({ result: v.optional(v.string(), "") })),
});
type EngineEvent = v.InferOutput<typeof schema>;

/** Inputs or outputs. Secrets are `secret`, values that only the update knows are `unknown`. */
export type Properties = Readonly<Record<string, unknown>>;

/** Replaces a secret value. */
export const secret = Symbol("secret");
/** Replaces a value that only the update knows. */
export const unknown = Symbol("unknown");

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
    readonly op: string;
    readonly urn: string;
    readonly type: string;
    readonly old?: ResourceState;
    readonly new?: ResourceState;
    /** The properties because of which the resource is replaced. */
    readonly replaceKeys: readonly string[];
    /** The paths of the properties that change. */
    readonly changedPaths: readonly string[];
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
    readonly steps: readonly Step[];
    readonly findings: readonly Finding[];
    /** The stack's outputs; undefined if there are none yet. */
    readonly outputs: { readonly old?: Properties; readonly new?: Properties };
}

/** Messages that say nothing about the stack. */
const noise =
    /^Undefined value \(.*\) will not show as a stack output\.$|\bfrom \$PATH\b|^(?:preview|update) failed$/;
const signature = "4dabf18193072939515e22adb298388d";
const secretSignature = "1b47061264138c4ac30d75fd1eb44270";
const unknownText = /^04da6b54-80e4-46f7-96ec-b56ff0331ba9$/;
const stackType = "pulumi:pulumi:Stack";

/**
 * Reads the events of a preview. Other lines and events are ignored.
 *
 * @param stack the name of the stack if no event names it
 * @returns undefined if there are no events
 */
export function parseEvents(printed: string, stack: string): Preview | undefined {
    const events = printed.split("\n").flatMap((line) => {
        const parsed = v.safeParse(
            v.pipe(v.string(), v.parseJson(), v.transform(withoutSecrets), schema),
            line,
        );
        return parsed.success && Object.keys(parsed.output).length > 0 ? [parsed.output] : [];
    });
    if (events.length === 0) return undefined;

    // The second event of a step repeats the first, with the outputs.
    const byStep = new Map<string, Step>();
    let outputs: Preview["outputs"] = {};
    for (const { resourcePreEvent, resOutputsEvent } of events) {
        const metadata = (resourcePreEvent ?? resOutputsEvent)?.metadata;
        if (metadata === undefined) continue;
        const current = stepOf(metadata);
        byStep.set(`${current.op} ${current.urn}`, current);
        if (current.type === stackType && resOutputsEvent) outputs = outputsOf(current);
    }
    const steps = [...byStep.values()].sort(byUrn);
    const failed = hasFailed(events);
    return {
        stack: steps.map(({ urn }) => /^urn:pulumi:(.+?)::/.exec(urn)?.[1]).find(Boolean) ?? stack,
        failed,
        errors: messagesOf(events, "error"),
        notes: [...messagesOf(events, "warning"), ...messagesOf(events, "info")],
        steps,
        findings: findingsOf(events),
        // A preview that ended early has no new outputs: they did not disappear.
        outputs: failed && Object.keys(outputs.new ?? {}).length === 0 ? withoutNew(outputs) : outputs,
    };
}

/** A preview for which the CLI printed no events. */
export function failedPreview(stack: string, error: string): Preview {
    return {
        stack,
        failed: true,
        errors: error === "" ? [] : [hideSecrets(error)],
        notes: [],
        steps: [],
        findings: [],
        outputs: {},
    };
}

/** Where the stack's repository is; empty texts if the outputs do not say. */
export function stackReference({ repository }: Properties): {
    readonly project: string;
    readonly location: string;
    readonly id: string;
} {
    const text = v.optional(v.fallback(v.string(), ""), "");
    const parsed = v.safeParse(v.object({ project: text, location: text, id: text }), repository);
    return parsed.success ? parsed.output : { project: "", location: "", id: "" };
}

function stepOf(metadata: v.InferOutput<typeof step>["metadata"]): Step {
    const { op, urn, type, old, new: next, keys, diffs, detailedDiff } = metadata;
    const detailed = Object.keys(detailedDiff ?? {});
    return {
        op,
        urn,
        type,
        ...(old ? { old: stateOf(old) } : {}),
        ...(next ? { new: stateOf(next) } : {}),
        replaceKeys: keys ?? [],
        changedPaths: (detailed.length > 0 ? detailed : (diffs ?? [])).sort(),
    };
}

function stateOf({ inputs, outputs, ...rest }: v.InferOutput<typeof state>): ResourceState {
    return {
        ...rest,
        inputs: plain(inputs ?? {}) as Properties,
        outputs: plain(outputs ?? {}) as Properties,
    };
}

function outputsOf({ old, new: next }: Step): Preview["outputs"] {
    return { ...(old ? { old: old.outputs } : {}), ...(next ? { new: next.outputs } : {}) };
}

function withoutNew({ old }: Preview["outputs"]): Preview["outputs"] {
    return old ? { old } : {};
}

/** A value in which secrets and unknown values are replaced. */
function plain(value: unknown): unknown {
    if (typeof value === "string") return unknownText.test(value) ? unknown : value;
    if (Array.isArray(value)) return value.map(plain);
    if (typeof value !== "object" || value === null) return value;
    const entries = Object.entries(value);
    if (entries.some(([key, mark]) => key === signature && mark === secretSignature)) return secret;
    return Object.fromEntries(entries.map(([key, each]) => [key, plain(each)]));
}

/** A value in which no text looks like a credential, neither keys nor values. */
function withoutSecrets(value: unknown): unknown {
    if (typeof value === "string") return hideSecrets(value);
    if (Array.isArray(value)) return value.map(withoutSecrets);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
        Object.entries(value).map(([key, each]) => [hideSecrets(key), withoutSecrets(each)]),
    );
}

function hasFailed(events: readonly EngineEvent[]): boolean {
    const summary = events.map(({ summaryEvent }) => summaryEvent).find(Boolean);
    return (
        summary === undefined ||
        (summary.result !== "" && summary.result !== "succeeded") ||
        events.some(({ diagnosticEvent }) => diagnosticEvent?.severity === "error")
    );
}

function messagesOf(events: readonly EngineEvent[], severity: string): string[] {
    const messages = events.flatMap(({ diagnosticEvent }) =>
        diagnosticEvent?.severity === severity && !diagnosticEvent.ephemeral
            ? [diagnosticEvent.message.trim()]
            : [],
    );
    return [...new Set(messages)].filter((message) => message !== "" && !noise.test(message));
}

function findingsOf(events: readonly EngineEvent[]): Finding[] {
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
