import type { PythonFile } from "../python/simple-index";
import type { Repository } from "./cloud";
import { GoogleError } from "./google-api";

/** The files of a package, or of one of its versions. */
export interface StoredFiles {
    /** The package, or the version. */
    readonly id: string;
    readonly files: readonly PythonFile[];
}

export function storedPackages({ files }: Repository): StoredFiles[] {
    return grouped([...files.values()], (file) => file.package);
}

export function storedVersions({ files }: StoredFiles): StoredFiles[] {
    return grouped(files, (file) => file.version);
}

/** @throws GoogleError NOT_FOUND */
export function storedPackage(repository: Repository, id: string): StoredFiles {
    return existing(storedPackages(repository), id);
}

/** @throws GoogleError NOT_FOUND */
export function storedVersion(repository: Repository, packageId: string, id: string): StoredFiles {
    return existing(storedVersions(storedPackage(repository, packageId)), id);
}

/** When the first and the last of the files were uploaded. */
export function times({ files }: StoredFiles): { createTime: string; updateTime: string } {
    const uploads = files.map(({ uploaded }) => uploaded.toISOString()).sort();
    return { createTime: uploads[0] ?? "", updateTime: uploads.at(-1) ?? "" };
}

function existing(all: readonly StoredFiles[], id: string): StoredFiles {
    const found = all.find((each) => each.id === id);
    if (found) return found;
    throw new GoogleError("NOT_FOUND", "Requested entity was not found.");
}

function grouped(files: readonly PythonFile[], key: (file: PythonFile) => string): StoredFiles[] {
    return [...new Set(files.map(key))].map((id) => ({
        id,
        files: files.filter((file) => key(file) === id),
    }));
}
