import { eq, valid } from "@renovatebot/pep440";
import { normalizedName } from "python-registry/names/package-names";
import { UsageError } from "../usage-error";

/** One version of a package. */
export interface PackageVersion {
    /** Normalized. */
    readonly name: string;
    readonly version: string;
}

/** Whether two versions are equal, as `1.0` and `1.0.0` are. https://packaging.python.org/en/latest/specifications/version-specifiers/ */
export function isSameVersion(one: string, other: string): boolean {
    return eq(one, other) && longNumbers(one) === longNumbers(other);
}

/** The numbers of a version, such as times, that the library rounds: it reads them as floating-point numbers. */
function longNumbers(version: string): string {
    return (version.match(/\d+/g) ?? [])
        .map((digits) => digits.replace(/^0+/, ""))
        .filter((digits) => digits.length > 15)
        .join(" ");
}

/** Whether a text is a version. */
export function isVersion(text: string): boolean {
    return valid(text) !== null;
}

/**
 * Reads packages from the command line: `acme-core==1.2.3`. One argument may contain several, with spaces or commas between them.
 *
 * @returns each version once
 * @throws UsageError that names every mistake
 */
export function parsePackages(args: readonly string[]): PackageVersion[] {
    const texts = args.flatMap((arg) => arg.split(/[\s,]+/)).filter((text) => text !== "");
    const parsed = texts.map(parsePackage);
    const wrong = texts.filter((_, index) => parsed[index] === undefined);
    if (texts.length === 0 || wrong.length > 0) {
        const what =
            texts.length === 0
                ? "No package is named"
                : `${wrong.map((text) => JSON.stringify(text)).join(", ")}: not a package with its version`;
        throw new UsageError(
            `${what}. Use NAME==VERSION, such as acme-core==1.2.3, without extras, ranges and wildcards`,
        );
    }
    const found: PackageVersion[] = [];
    for (const each of parsed) {
        if (each !== undefined && !found.some((earlier) => isSamePackage(earlier, each))) found.push(each);
    }
    return found;
}

function parsePackage(text: string): PackageVersion | undefined {
    // https://packaging.python.org/en/latest/specifications/name-normalization/
    const [, name, version = ""] = /^([a-z0-9]|[a-z0-9][a-z0-9._-]*[a-z0-9])==([^=].*)$/i.exec(text) ?? [];
    return name !== undefined && isVersion(version) ? { name: normalizedName(name), version } : undefined;
}

function isSamePackage(one: PackageVersion, other: PackageVersion): boolean {
    return one.name === other.name && isSameVersion(one.version, other.version);
}
