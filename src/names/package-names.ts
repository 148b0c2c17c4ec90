/**
 * The one spelling of a package's name, or of a prefix with its asterisk: `My.Package` and `my_package` → `my-package`.
 *
 * @see https://packaging.python.org/en/latest/specifications/name-normalization/
 */
export function normalizedName(name: string): string {
    return name.replace(/[-_.]+/g, "-").toLowerCase();
}

/** Whether a name is one of these, or begins as one of these that end with an asterisk; all normalised. */
export function isAmong(name: string, patterns: readonly string[]): boolean {
    return patterns.some((pattern) =>
        pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern,
    );
}
