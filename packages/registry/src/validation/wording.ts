import { closest, distance } from "fastest-levenshtein";
import { assigned, type Finder, valuesIn } from "./pasted";

// The wording of mistakes in the configuration: KEY: VALUE message. Allowed: … Did you mean …?

/** The path of a value: the name of the setting, then the keys and indices inside its value. */
export type ConfigPath = readonly [name: string, ...path: (string | number)[]];

/** Formats the value of a setting for a message, and hides it if the setting is secret. */
export type FormatValue = (name: string, value: unknown) => string;

/** Reports a mistake. If the setting is secret, the report contains neither the value nor anything that reveals a part of it. */
export type ReportMistake = (path: ConfigPath, value: unknown, message: string) => void;

/** Puts the value in front of a message, if there is a value. */
export function withValue(value: unknown, message: string): string {
    return value === undefined ? message : `${formatJson(value)} ${message}`;
}

/** Removes the suggestion at the end of a message. A suggestion is close to the value or has a part of it, and so would reveal it. */
export function withoutSuggestion(message: string): string {
    return message.replace(/ (?:Did you mean |This is a project number).*/s, "");
}

/** The path below a key, in the syntax of `pulumi config set --path`. */
export function configPath(path: readonly (string | number)[]): string {
    return path
        .map((key) =>
            typeof key === "number"
                ? `[${key}]`
                : /^[\w-]{1,120}$/.test(key)
                  ? `.${key}`
                  : `[${formatJson(key)}]`,
        )
        .join("");
}

/** A value as JSON, truncated to 120 characters. */
export function formatJson(value: unknown): string {
    const text = (JSON.stringify(value) as string | undefined) ?? "undefined";
    // Don't cut a surrogate pair in half.
    return text.length <= 120 ? text : `${text.slice(0, 117).replace(/[\ud800-\udbff]$/, "")}…`;
}

/** The message for a value of the wrong type. `expected` is a noun phrase such as "a list". */
export function typeMismatch(value: unknown, expected: string): string {
    if (value === undefined) return "is not set.";
    const found = Array.isArray(value)
        ? "a list"
        : value === null
          ? "an empty value"
          : { string: "a string", number: "a number", boolean: "a boolean", object: "a map" }[
                typeof value as string
            ];
    return `is ${found ?? "another type"}, not ${expected}.`;
}

/** The message about an unknown key of a map with fixed keys. */
export function unknownKey(value: string, key: string, known: readonly string[], whose = ""): string {
    return `is an unknown key${whose} (its value: ${value}). Allowed: ${known.join(", ")}.${suggestion(key, known)}`;
}

/** A suggestion with a leading space if one of the options is close to the input or in it, otherwise an empty string. */
export function suggestion(input: unknown, options: readonly string[]): string {
    if (typeof input !== "string") {
        return "";
    }
    const lower = input.toLowerCase();
    // An abbreviation, such as eu or read, is the start of an option.
    const prefixed = lower.length > 1 && options.find((option) => option.toLowerCase().startsWith(lower));
    const near = prefixed || closest(lower, [...options]);
    const tolerance = Math.max(2, Math.floor(input.length / 3));
    const isNear = prefixed || distance(lower, near.toLowerCase()) <= tolerance;
    return didYouMean(isNear ? near : optionIn(input, options));
}

/** The longest option that is a part of the input: reader in roles/artifactregistry.reader, admin in repoAdmin. */
function optionIn(input: string, options: readonly string[]): string | undefined {
    const words = input.replace(/([a-z])(?=[A-Z])/g, "$1 ");
    return options
        .filter((option) =>
            new RegExp(`(?<![a-z0-9])${option}(?!${option.length < 5 ? "[a-z0-9]" : "[0-9]"})`, "i").test(
                words,
            ),
        )
        .sort((one, other) => other.length - one.length)[0];
}

/**
 * Suggests what the pattern allows: the trimmed input, or what the finders find in it.
 *
 * @param respelled whether the input in lower case, and with hyphens, can be meant too
 */
export function spellingSuggestion(
    input: string,
    pattern: RegExp,
    finders: readonly Finder[] = [],
    respelled = true,
): string {
    const trimmed = input.trim();
    const lower = trimmed.toLowerCase();
    const found = valuesIn(input, [...finders, ...assigned]);
    const inner = trimmed.replace(/^[/.#]+\s*|[/:,;]+$/g, "");
    // In an address, a path, a list, a pattern or a command, hyphens would join its parts.
    const isCompound = /^-|[@<>=!~[\]()*?,;|:\n]|[a-z]\/|\/[a-z]|-.*\s|\s.*-/i.test(inner);
    const hyphens = isCompound
        ? ""
        : inner
              .toLowerCase()
              .replace(/[^a-z0-9]+/g, "-")
              .replace(/^-|-$/g, "");
    const spellings = [trimmed, ...found, ...found.map((each) => each.toLowerCase())];
    return didYouMean(
        [...spellings, ...(respelled ? [lower, hyphens] : [])].find(
            (spelling) => spelling !== "" && pattern.test(spelling),
        ),
    );
}

/** A suggestion with a leading space; an empty string for undefined. */
function didYouMean(value: string | undefined): string {
    return value === undefined ? "" : ` Did you mean ${JSON.stringify(value)}?`;
}
