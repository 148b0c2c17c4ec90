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
    /** When this index got it. */
    readonly uploaded: Date;
}

/** What an index lists of a file. */
export interface ListedFile {
    readonly filename: string;
    readonly sha256?: string;
}

export function pythonFile(
    packageName: string,
    filename: string,
    content: Buffer,
    uploaded = new Date(),
): PythonFile {
    const sha256 = createHash("sha256").update(content).digest("hex");
    const version = getVersion(filename);
    return { package: normalizedName(packageName), version, filename, content, sha256, uploaded };
}

/** The version in a file name: the second part of a wheel's name, the last part of an sdist's. */
export function getVersion(filename: string): string {
    const wheel = /^[^-]+-([^-]+)-.*\.whl$/.exec(filename);
    return (wheel ?? /-([^-]+)\.(?:tar\.gz|zip)$/.exec(filename))?.[1] ?? "";
}

/** The page with the files of a package. `base` is the URL from which they are downloaded. https://peps.python.org/pep-0503/ */
export function simplePage(name: string, files: readonly ListedFile[], base: string): string {
    const links = files.map(
        ({ filename, sha256 }) =>
            `    <a href="${base}${encodeURIComponent(filename)}${sha256 === undefined ? "" : `#sha256=${sha256}`}">` +
            `${filename}</a><br/>\n`,
    );
    return [
        "<!DOCTYPE html>\n<html>\n",
        `  <head><title>Links for ${name}</title></head>\n`,
        `  <body>\n    <h1>Links for ${name}</h1>\n`,
        ...links,
        "  </body>\n</html>\n",
    ].join("");
}

/**
 * The same page as JSON. https://peps.python.org/pep-0691/
 * @param hasUploadTimes whether it says when each file was uploaded, and more. https://peps.python.org/pep-0700/
 */
export function simpleJson(
    name: string,
    files: readonly PythonFile[],
    base: string,
    hasUploadTimes: boolean,
): object {
    return {
        meta: { "api-version": hasUploadTimes ? "1.1" : "1.0" },
        name,
        ...(hasUploadTimes && { versions: [...new Set(files.map(({ version }) => version))] }),
        files: files.map(({ filename, sha256, content, uploaded }) => ({
            filename,
            url: base + encodeURIComponent(filename),
            hashes: { sha256 },
            ...(hasUploadTimes && { size: content.length, "upload-time": uploaded.toISOString() }),
        })),
    };
}

/** The media type of `simpleJson`. */
export const simpleJsonType = "application/vnd.pypi.simple.v1+json";
