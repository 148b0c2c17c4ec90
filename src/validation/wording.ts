import { closest, distance } from "fastest-levenshtein";

// How a mistake in the configuration is put into words.

/** Where a value stands: the name of a setting, then names and indices in its value. */
export type ConfigPath = readonly [name: string, ...path: (string | number)[]];

/** A value of a setting as a message shows it, unless it is secret. */
export type Show = (name: string, value: unknown) => string;

/** Words a mistake; a value that is secret is left out, with everything that would tell something of it. */
export type Say = (path: ConfigPath, value: unknown, message: string) => string;

/** A message behind the value that it is about, where there is one. */
export function sentence(value: unknown, message: string): string {
    return value === undefined ? message : `${shown(value)} ${message}`;
}

/** A message ends with what was likely meant, which is close to the value. */
export function withoutSuggestion(message: string): string {
    return message.replace(/ Did you mean .*/s, "");
}

/** The path below a key, as `pulumi config set --path` takes it. */
export function configPath(path: readonly (string | number)[]): string {
    return path
        .map((key) =>
            typeof key === "number" ? `[${key}]` : /^[\w-]{1,120}$/.test(key) ? `.${key}` : `[${shown(key)}]`,
        )
        .join("");
}

/** A value as JSON, cut to 120 characters. */
export function shown(value: unknown): string {
    const text = JSON.stringify(value);
    // Not between the halves of one character.
    return text.length <= 120 ? text : `${text.slice(0, 117).replace(/[\ud800-\udbff]$/, "")}…`;
}

/** What was found and what belongs there instead. */
export function belongs(value: unknown, expected: string): string {
    const found = Array.isArray(value)
        ? "a list"
        : value === null
          ? "an empty value"
          : { string: "text", number: "a number", boolean: "true or false", object: "a map" }[
                typeof value as string
            ];
    return `is ${found ?? "something else"} where ${expected} belongs.`;
}

/** A suggestion, with a space in front, if one of the options is near; else nothing. */
export function meant(input: unknown, options: readonly string[]): string {
    if (typeof input !== "string") {
        return "";
    }
    const lower = input.toLowerCase();
    // Who writes eu or read has begun a word.
    const begun = lower.length > 1 && options.find((option) => option.toLowerCase().startsWith(lower));
    const near = begun || closest(lower, [...options]);
    const tolerance = Math.max(2, Math.floor(input.length / 3));
    return begun || distance(lower, near.toLowerCase()) <= tolerance ? ` Did you mean "${near}"?` : "";
}

/** The same name as the pattern allows it, if it is only spelled otherwise. */
export function meantSpelling(input: string, pattern: RegExp): string {
    const lower = input.trim().toLowerCase();
    const hyphens = lower.replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "");
    const near = [input.trim(), lower, hyphens].find((spelling) => pattern.test(spelling));
    return near === undefined ? "" : ` Did you mean "${near}"?`;
}
