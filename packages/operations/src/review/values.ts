import { hideSecrets } from "./secrets";

// Values of resources and outputs, as the engine writes them into its events.
// https://github.com/pulumi/pulumi/blob/master/pkg/resource/stack/deployment.go

/** Replaces a secret value. */
export const secret = Symbol("secret");
/** Replaces a value that only the update knows. */
export const unknown = Symbol("unknown");
/** Replaces a value that is nested too deeply to be read. */
export const nested = Symbol("nested");

/** Inputs or outputs. The symbols replace what is not known. */
export type Properties = Readonly<Record<string, unknown>>;

/** A part of inputs or outputs that a review can neither show nor compare. */
export interface HiddenPart {
    /** A property path of the engine. */
    readonly path: string;
    readonly why:
        | "is a secret"
        | "is known after the update"
        | "is nested too deeply to be read"
        | "contains what looks like a credential, and changes";
}

const signature = "4dabf18193072939515e22adb298388d";
const secretSignature = "1b47061264138c4ac30d75fd1eb44270";
const unknownText = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
/** The engine's replacement of a secret within a text. */
const secretText = "[secret]";
/** Deeper than any resource of the provider. Without a limit, a value could exhaust the stack. */
const maxDepth = 60;

export function isRecord(value: unknown): value is Properties {
    return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The value without secrets: neither keys nor texts look like a credential, and symbols replace what is not known. */
export function plain(value: unknown, depth = 0): unknown {
    if (typeof value === "string") return value === unknownText ? unknown : hideSecrets(value);
    if (typeof value !== "object" || value === null) return value;
    if (depth > maxDepth) return nested;
    if (Array.isArray(value)) return value.map((each) => plain(each, depth + 1));
    if (isSecret(value)) return secret;
    const entries = new Map<string, unknown>();
    for (const [key, each] of Object.entries(value))
        entries.set(unusedKey(hideSecrets(key), entries), plain(each, depth + 1));
    return Object.fromEntries(entries);
}

/** Two keys that look like credentials stay two keys. */
function unusedKey(key: string, used: ReadonlyMap<string, unknown>): string {
    return used.has(key) ? unusedKey(`${key}'`, used) : key;
}

function isSecret(value: unknown): boolean {
    return isRecord(value) && Object.hasOwn(value, signature) && value[signature] === secretSignature;
}

/**
 * The parts of two values, as the engine wrote them, that a review cannot compare. That two of them look alike does not mean
 * that they are equal.
 */
export function hiddenParts(old: unknown, next: unknown, path = "", depth = 0): HiddenPart[] {
    const both = [old, next];
    const part = (why: HiddenPart["why"]): HiddenPart[] => [{ path, why }];
    if (both.some(isSecret)) return part("is a secret");
    if (both.includes(unknownText)) return part("is known after the update");
    if (both.some((each) => typeof each === "string" && each.includes(secretText)))
        return part("is a secret");
    if (typeof old === "string" && typeof next === "string") {
        const alike = old !== next && hideSecrets(old) === hideSecrets(next);
        return alike ? part("contains what looks like a credential, and changes") : [];
    }
    if (old === undefined && typeof next === "string" && hideSecrets(next) !== next)
        return part("contains what looks like a credential, and changes");
    const [from, to] = both.map((each) => (typeof each === "object" && each !== null ? each : {}));
    if (depth > maxDepth) return part("is nested too deeply to be read");
    return [...new Set([...Object.keys(from ?? {}), ...Object.keys(to ?? {})])].flatMap((key) =>
        hiddenParts(
            ownValue(old, key),
            ownValue(next, key),
            childPath(path, key, Array.isArray(next ?? old)),
            depth + 1,
        ),
    );
}

function childPath(path: string, key: string, inList: boolean): string {
    if (inList) return `${path}[${key}]`;
    const name = hideSecrets(key);
    if (!/^[\w-]+$/.test(name)) return `${path}[${JSON.stringify(name)}]`;
    return path === "" ? name : `${path}.${name}`;
}

/**
 * The paths at which two inputs differ, without those that a list of paths names. A list of values is one path, because the engine
 * does not number the items of a set by their place.
 *
 * @param named property paths, in parts
 */
export function unnamedDifferences(
    old: unknown,
    next: unknown,
    named: readonly (readonly string[])[],
    path = "",
): string[] {
    if (serialize(old ?? null) === serialize(next ?? null)) return [];
    const parts = parsePropertyPath(path);
    const isNamed = (each: readonly string[]) =>
        each.length > 0 && each.every((part, index) => part === parts[index]);
    if (named.some(isNamed)) return [];
    const both = [old, next].filter((each) => each !== undefined && each !== null);
    const inList = both.every(Array.isArray);
    // The provider's own properties.
    const keys = [...new Set(both.flatMap((each) => Object.keys(each)))].filter(
        (key) => inList || !key.startsWith("__"),
    );
    if ((!inList && !both.every(isRecord)) || (keys.length === 0 && path !== "")) return [path];
    const inside = keys.flatMap((key) => {
        const child = childPath(path, key, inList);
        // No path leads to a key such as one with a line end.
        const found = parsePropertyPath(child).at(-1) === key;
        const [from, to] = [ownValue(old, key), ownValue(next, key)];
        if (!found) return serialize(from) === serialize(to) ? [] : [path];
        return unnamedDifferences(from, to, named, child);
    });
    return inList && inside.length > 0 ? [path] : [...new Set(inside)];
}

/** The value of an object's own property, or of a list's item. */
export function ownValue(value: unknown, key: string): unknown {
    return typeof value === "object" && value !== null && Object.hasOwn(value, key)
        ? (value as Properties)[key]
        : undefined;
}

/** The parts of a property path of the engine: `members[0]` or `attributeMapping["google.subject"]`. */
export function parsePropertyPath(path: string): string[] {
    const parts = path.matchAll(/\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|([^.[\]]+)/g);
    return [...parts].map(
        ([, quoted, index, name]) => quoted?.replaceAll(/\\(.)/g, "$1") ?? index ?? name ?? "",
    );
}

/** The value at a path; undefined if there is none. */
export function valueAt(value: unknown, path: string): unknown {
    return parsePropertyPath(path).reduce<unknown>(ownValue, value);
}

/** A value as JSON. Symbols are texts of their own. */
export function serialize(value: unknown): string {
    return JSON.stringify([value], (_, each: unknown) =>
        typeof each === "symbol" ? `\0${String(each)}` : each,
    );
}
