import { createHash } from "node:crypto";
import { normalizedName } from "python-registry/names/package-names";

/** A distribution file of a Python package. */
export interface PythonFile {
    /** Normalized name of the package. */
    readonly package: string;
    /** As in the file name; empty if it has none. */
    readonly version: string;
    readonly filename: string;
    readonly content: Buffer;
    /** Hexadecimal. */
    readonly sha256: string;
}

export function pythonFile(packageName: string, filename: string, content: Buffer): PythonFile {
    const sha256 = createHash("sha256").update(content).digest("hex");
    return { package: normalizedName(packageName), version: getVersion(filename), filename, content, sha256 };
}

/** The version in a file name: the second part of a wheel's name, the last part of an sdist's. */
function getVersion(filename: string): string {
    const wheel = /^[^-]+-([^-]+)-.*\.whl$/.exec(filename);
    return (wheel ?? /-([^-]+)\.(?:tar\.gz|zip)$/.exec(filename))?.[1] ?? "";
}

/** The page with the files of a package. `base` is the URL from which they are downloaded. https://peps.python.org/pep-0503/ */
export function simplePage(name: string, files: readonly PythonFile[], base: string): string {
    const links = files.map(
        ({ filename, sha256 }) =>
            `    <a href="${base}${encodeURIComponent(filename)}#sha256=${sha256}">${filename}</a><br/>\n`,
    );
    return [
        "<!DOCTYPE html>\n<html>\n",
        `  <head><title>Links for ${name}</title></head>\n`,
        `  <body>\n    <h1>Links for ${name}</h1>\n`,
        ...links,
        "  </body>\n</html>\n",
    ].join("");
}

/** The same page as JSON. https://peps.python.org/pep-0691/ */
export function simpleJson(name: string, files: readonly PythonFile[], base: string): object {
    return {
        meta: { "api-version": "1.0" },
        name,
        files: files.map(({ filename, sha256 }) => ({
            filename,
            url: base + encodeURIComponent(filename),
            hashes: { sha256 },
        })),
    };
}

/** The media type of `simpleJson`. */
export const simpleJsonType = "application/vnd.pypi.simple.v1+json";
