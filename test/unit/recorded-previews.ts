import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseEvents, type Preview } from "../../packages/operations/src/review/events";
import { renderComment, type CommentOptions } from "../../packages/operations/src/review/markdown";
import { reviewPreview } from "../../packages/operations/src/review/review";
import type { Sandbox } from "../../packages/sandbox/src/sandbox";

// Previews that were recorded from the real engine, by test/engine/recorded-previews.test.ts.

const directory = join(__dirname, "reviews");

export const recordingFile = (name: string) => join(directory, `${name}.jsonl`);
export const recording = (name: string) => readFile(recordingFile(name), "utf8");

/** The expected comment. */
export async function golden(name: string, comment: string, write: boolean): Promise<string> {
    const file = join(directory, `${name}.md`);
    if (write) await writeFile(file, comment);
    return readFile(file, "utf8");
}

/** What review reads from recorded events. */
export function parseRecording(events: string): Preview {
    const preview = parseEvents(events, "unnamed");
    if (preview === undefined) throw new Error("The recording has no events");
    return preview;
}

/** The comment on stacks with these events. */
export function commentOn(recordings: readonly string[], options: Partial<CommentOptions> = {}): string {
    const reviews = recordings.map((events) => reviewPreview(parseRecording(events)));
    return renderComment(reviews, { limit: 65_536, ...options });
}

/** The events of a preview with these steps, outputs and other events. */
export function getEvents({
    stack = "dev",
    old = {},
    outputs,
    steps = [],
    events = [],
}: {
    stack?: string;
    old?: object;
    outputs: object;
    steps?: readonly object[];
    events?: readonly object[];
}): string {
    const urn = `urn:pulumi:${stack}::python-registry::pulumi:pulumi:Stack::python-registry-${stack}`;
    const type = "pulumi:pulumi:Stack";
    const root = { op: "update", urn, type, old: { outputs: old }, new: { outputs } };
    const counts: Record<string, number> = {};
    for (const { op } of [...steps, root] as { op: string }[]) counts[op] = (counts[op] ?? 0) + 1;
    const summary = { result: "succeeded", isPreview: true, maybeCorrupt: false, resourceChanges: counts };
    const all = [
        { preludeEvent: { config: {} } },
        ...events,
        ...[...steps, root].map((metadata) => ({
            resOutputsEvent: { metadata: { ...metadata, logical: true } },
        })),
        { summaryEvent: summary },
    ];
    return all.map((event) => JSON.stringify(event)).join("\n");
}

/** Events that carry nothing for a review, or something of the machine that recorded them. */
const dropped = ["cancelEvent", "progressEvent", "policyLoadEvent", "policyAnalyzeSummaryEvent"];
dropped.push("policyRemediateSummaryEvent", "policyAnalyzeStackSummaryEvent", "startDebuggingEvent");
const droppedProperties = new Set(["__meta", "__pulumi_raw_state_delta", "__defaults", "provider"]);
/** Different at every recording. */
const volatile: Readonly<Record<string, string>> = {
    etag: "ETAG",
    createTime: "TIME",
    updateTime: "TIME",
    validAfter: "TIME",
    publicKey: "PUBLIC-KEY",
    uniqueId: "NUMBER",
};

/**
 * Removes from recorded events what belongs to the machine, what is different at every recording, and the messages for
 * debugging. The developers' page, an output of eleven thousand characters, becomes its hash.
 */
export function sanitize(
    events: string,
    { directory: project, sandbox }: { readonly directory: string; readonly sandbox: Sandbox },
): string {
    const lines = events.split("\n").flatMap((line) => {
        if (line.trim() === "") return [];
        const { sequence: _s, timestamp: _t, ...event } = JSON.parse(line) as Record<string, unknown>;
        const [kind = ""] = Object.keys(event);
        if (dropped.includes(kind)) return [];
        const { severity } = (event["diagnosticEvent"] ?? {}) as { severity?: string };
        if (severity === "debug" || severity === "info#err") return [];
        if (kind === "preludeEvent") return ['{"preludeEvent":{"config":{}}}'];
        return [JSON.stringify(event, replace)];
    });
    return `${lastOfEachStep(lines).join("\n")}\n`
        .replaceAll(sandbox.accessToken, "TOKEN")
        .replaceAll(sandbox.apiUrl, "http://127.0.0.1:80")
        .replaceAll(project, "/project")
        .replaceAll(/\/keys\/[0-9a-f]{40}/g, "/keys/KEY-ID")
        .replaceAll(/"durationSeconds":\d+/g, '"durationSeconds":0');
}

/** Without the events that a later one of the same step repeats, and without the properties of resources that stay the same. */
function lastOfEachStep(lines: readonly string[]): string[] {
    const steps = new Map<string, string>();
    const others: string[] = [];
    for (const line of lines) {
        const event = JSON.parse(line) as Record<string, { metadata?: StepMetadata }>;
        const [kind = ""] = Object.keys(event);
        const { metadata } = event[kind] ?? {};
        if (metadata === undefined) {
            others.push(line);
            continue;
        }
        const { op, type, urn, old, new: next } = metadata;
        // Of providers that stay the same, the review says whose tokens they accept.
        const same =
            op === "same" && type !== "pulumi:pulumi:Stack" && !type.includes("WorkloadIdentityPool");
        for (const state of same ? [old, next] : []) {
            if (state) Object.assign(state, { inputs: {}, outputs: {} });
        }
        steps.delete(`${op} ${urn}`);
        steps.set(`${op} ${urn}`, JSON.stringify(event));
    }
    const [summary, ...messages] = others.reverse();
    return [...messages.reverse(), ...steps.values(), ...(summary === undefined ? [] : [summary])];
}

interface StepMetadata {
    readonly op: string;
    readonly type: string;
    readonly urn: string;
    readonly old?: object | null;
    readonly new?: object | null;
}

function replace(key: string, value: unknown): unknown {
    if (droppedProperties.has(key)) return undefined;
    if (key in volatile && typeof value === "string" && value !== "") return volatile[key];
    if (key === "readme" && typeof value === "string" && value.length > 100) {
        return `sha256:${createHash("sha256").update(value).digest("hex")}`;
    }
    return value;
}
