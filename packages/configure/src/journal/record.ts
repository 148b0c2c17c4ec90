import * as v from "valibot";
import type { Format } from "../formats/merge";

// What the journal stores about one file, in a JSON file of its own.

/** Who made an edit. An owner has at most one edit in a file. */
export interface Owner {
    /** The registry's full resource name. */
    readonly registry: string;
    readonly tool: string;
    readonly scope: string;
}

/** A generated text that is added to a file. */
export interface ManagedEdit {
    readonly owner: Owner;
    readonly format: Format;
    readonly text: string;
    /** Whether the text contains a credential. */
    readonly secret: boolean;
}

const bytesSchema = v.nullable(
    v.pipe(
        v.string(),
        v.base64(),
        v.transform((text): Buffer => Buffer.from(text, "base64")),
    ),
);
const editSchema = v.strictObject({
    owner: v.strictObject({ registry: v.string(), tool: v.string(), scope: v.string() }),
    format: v.picklist(["ini", "toml", "netrc"]),
    text: v.string(),
    secret: v.boolean(),
});
const stateSchema = v.strictObject({
    /** What the file would be without our edits; null for no file, as in `content`. */
    base: bytesSchema,
    content: bytesSchema,
    edits: v.array(editSchema),
});
const recordSchema = v.strictObject({
    version: v.literal(1),
    path: v.string(),
    /** Directories that we created, the outermost first. */
    directories: v.array(v.string()),
    /** How our last run left the file. */
    state: stateSchema,
    /** How the current run will leave the file. */
    intended: v.optional(stateSchema),
    /** The name of the temporary file, in the file's directory. */
    temporary: v.optional(v.pipe(v.string(), v.regex(/^\.[^/\\]+$/))),
});

/** A file after one of our runs, and our edits in it. */
export type State = v.InferOutput<typeof stateSchema>;
/** What the journal knows about a file. */
export type FileRecord = v.InferOutput<typeof recordSchema>;

/** Reads a stored record; undefined if it is damaged. */
export function parseRecord(text: string): FileRecord | undefined {
    const result = v.safeParse(v.pipe(v.string(), v.parseJson(), recordSchema), text);
    return result.success ? result.output : undefined;
}

/** The text of a record, as `parseRecord` reads it. */
export function serializeRecord({ state, intended, ...rest }: FileRecord): string {
    return JSON.stringify({
        ...rest,
        state: serializeState(state),
        ...(intended && { intended: serializeState(intended) }),
    });
}

function serializeState({ base, content, edits }: State) {
    return { base: base?.toString("base64") ?? null, content: content?.toString("base64") ?? null, edits };
}
