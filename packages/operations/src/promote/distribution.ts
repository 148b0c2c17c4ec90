import { normalizedName } from "python-registry/names/package-names";
import { isVersion, type PackageVersion } from "./packages";

/**
 * The characters of the names of wheels and sdists. A name becomes a path on this machine and an argument of twine: it has no
 * separator, and starts like no option.
 */
const plainName = /^[a-z0-9][\w.!+-]*$/i;

/** Whether a file name has the characters of a wheel's or an sdist's, and no others. */
export function isPlainName(filename: string): boolean {
    return plainName.test(filename);
}

/**
 * The package and the version in the name of a wheel or an sdist; undefined for every other file.
 *
 * @see https://packaging.python.org/en/latest/specifications/binary-distribution-format/#file-name-convention
 * @see https://packaging.python.org/en/latest/specifications/source-distribution-format/#source-distribution-file-name
 */
export function parseFilename(filename: string): PackageVersion | undefined {
    if (!isPlainName(filename)) return undefined;
    const [, name, version] =
        // NAME-VERSION[-BUILD]-PYTHON-ABI-PLATFORM.whl
        /^([^-]+)-([^-]+)(?:-\d[^-]*)?-[^-]+-[^-]+-[^-]+\.whl$/i.exec(filename) ??
        // Older sdists have hyphens in their names.
        /^(.+)-([^-]+)\.(?:tar\.gz|zip)$/i.exec(filename) ??
        [];
    return name !== undefined && version !== undefined && isVersion(version)
        ? { name: normalizedName(name), version }
        : undefined;
}
