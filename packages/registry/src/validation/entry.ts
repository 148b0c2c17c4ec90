import * as v from "valibot";
import { isRecord, object } from "./schema";
import { formatJson, unknownKey } from "./wording";

/** A mistake: the path below the entry, the value, and the message. */
export type EntryMistake = readonly [path: readonly (string | number)[], value: unknown, message: string];

/** A parsed entry. Without a value, there are mistakes. */
export interface ParsedEntry<T> {
    readonly value?: T;
    readonly mistakes: readonly EntryMistake[];
}

/**
 * Parses a map with fixed keys.
 *
 * @param whose completes the sentence "is an unknown key …"
 * @param format formats the value of an unknown key, and hides it if it is secret
 */
export function parseEntry<T extends v.ObjectEntries>(
    entries: T,
    given: unknown,
    whose: string,
    format: (value: unknown) => string = formatJson,
): ParsedEntry<v.InferOutput<v.ObjectSchema<T, undefined>>> {
    const keys = Object.keys(entries);
    if (!isRecord(given)) {
        return { mistakes: [[[], given, `is not a map. Allowed: a map with the keys ${keys.join(", ")}.`]] };
    }
    const unknown = Object.keys(given)
        .filter((key) => !keys.includes(key))
        .map((key): EntryMistake => [[key], key, unknownKey(format(given[key]), key, keys, ` ${whose}`)]);
    const parsed = v.safeParse(object(entries, "a map"), given);
    const mistakes = (parsed.issues ?? []).map(({ path = [], input, message }): EntryMistake => [
        path.map(({ key }) => key as string | number),
        input,
        message,
    ]);
    return {
        ...(parsed.success && unknown.length === 0 ? { value: parsed.output } : {}),
        mistakes: [...unknown, ...mistakes],
    };
}
