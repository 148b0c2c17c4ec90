/**
 * The normalized form of a package name, or of a prefix with its asterisk: `My.Package` and `my_package` become
 * `my-package`.
 *
 * @see https://packaging.python.org/en/latest/specifications/name-normalization/
 */
export function normalizedName(name: string): string {
    return name.replace(/[-_.]+/g, "-").toLowerCase();
}

/**
 * Whether a name matches one of the patterns. A pattern that ends with an asterisk is a prefix; every other pattern is an
 * exact name. The name and the patterns must be normalized.
 */
export function isAmong(name: string, patterns: readonly string[]): boolean {
    return patterns.some((pattern) =>
        pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern,
    );
}
