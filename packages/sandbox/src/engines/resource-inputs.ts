/** The inputs or the state of a resource, with the names of the SDK. */
export type Inputs = Readonly<Record<string, unknown>>;

/** A resource after its creation. */
export interface Created {
    readonly id: string;
    readonly state: Record<string, unknown>;
}

/** @throws TypeError if an input is not text */
export function text(input: unknown): string {
    if (typeof input !== "string") {
        throw new TypeError(`expected a string, not ${typeof input}`);
    }
    return input;
}

export function lastSegment(name: string): string {
    return name.slice(name.lastIndexOf("/") + 1);
}

/** Those of the fields that the inputs have. */
export function pick(inputs: Inputs, fields: readonly string[]): Record<string, unknown> {
    return Object.fromEntries(
        fields.filter((field) => inputs[field] !== undefined).map((field) => [field, inputs[field]]),
    );
}
