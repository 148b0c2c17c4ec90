/** The parts of a property path of the engine: `members[0]` or `attributeMapping["google.subject"]`. */
export function parsePropertyPath(path: string): string[] {
    const parts = path.matchAll(/\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|([^.[\]]+)/g);
    return [...parts].map(
        ([, quoted, index, name]) => quoted?.replaceAll(/\\(.)/g, "$1") ?? index ?? name ?? "",
    );
}

/** The value at a path; undefined if there is none. */
export function valueAt(value: unknown, path: string): unknown {
    return parsePropertyPath(path).reduce<unknown>(
        (at, part) =>
            typeof at === "object" && at !== null
                ? (at as Readonly<Record<string, unknown>>)[part]
                : undefined,
        value,
    );
}
