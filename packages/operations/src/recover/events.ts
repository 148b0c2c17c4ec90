import * as v from "valibot";

// The streaming output of `pulumi preview --json`: one engine event on each line.
// https://github.com/pulumi/pulumi/blob/master/sdk/go/common/apitype/events.go

const state = v.object({
    type: v.string(),
    urn: v.string(),
    id: v.optional(v.string(), ""),
    parent: v.optional(v.string(), ""),
    inputs: v.optional(v.record(v.string(), v.unknown()), {}),
    outputs: v.optional(v.record(v.string(), v.unknown()), {}),
});
const resourceEvent = v.object({
    metadata: v.object({ op: v.string(), new: v.nullish(state) }),
});
const schema = v.object({
    resourcePreEvent: v.optional(resourceEvent),
    resOutputsEvent: v.optional(resourceEvent),
    diagnosticEvent: v.optional(v.object({ severity: v.string(), message: v.string() })),
});

/** A resource in a step of a preview. */
export type ResourceState = v.InferOutput<typeof state>;

/** The planned operations and the messages of a preview. */
export interface Preview {
    /** Resources that the update would create, with their inputs. */
    readonly creates: readonly ResourceState[];
    /** Resources that the update would import, with their current inputs. */
    readonly imports: readonly ResourceState[];
    readonly errors: readonly string[];
    /** The program's messages of severity info. */
    readonly notes: readonly string[];
}

/** Reads the events of a preview. Other lines and events are ignored. */
export function parsePreview(printed: string): Preview {
    const events = printed.split("\n").flatMap((line) => {
        const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), schema), line);
        return parsed.success ? [parsed.output] : [];
    });
    const states = (kind: "resourcePreEvent" | "resOutputsEvent", op: string) =>
        events.flatMap((event) => {
            const metadata = event[kind]?.metadata;
            return metadata?.op === op && metadata.new ? [metadata.new] : [];
        });
    const messages = (severity: string) =>
        events.flatMap(({ diagnosticEvent }) =>
            diagnosticEvent?.severity === severity ? [diagnosticEvent.message.trim()] : [],
        );
    return {
        creates: states("resourcePreEvent", "create"),
        imports: states("resOutputsEvent", "import"),
        errors: messages("error"),
        notes: messages("info"),
    };
}
