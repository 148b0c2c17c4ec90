import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export const root = join(__dirname, "..", "..");

export interface Manifest {
    readonly name: string;
    readonly version: string;
    readonly private?: boolean;
    readonly scripts?: Readonly<Record<string, string>>;
    readonly dependencies?: Readonly<Record<string, string>>;
    readonly devDependencies?: Readonly<Record<string, string>>;
    readonly peerDependencies?: Readonly<Record<string, string>>;
    readonly engines?: { readonly node?: string };
}

/** The package.json of a folder; of the repository itself, for "". */
export function readManifest(folder: string): Manifest {
    return JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8")) as Manifest;
}

/** The folders of all packages. */
export function getPackages(): string[] {
    return readdirSync(join(root, "packages"))
        .sort()
        .map((name) => `packages/${name}`);
}

/** The folders of the packages that are published. */
export function getPublished(): string[] {
    return getPackages().filter((folder) => readManifest(folder).private !== true);
}
