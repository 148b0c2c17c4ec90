import type { IndexFile } from "./index-page";
import { isSameVersion, type PackageVersion } from "./packages";
import type { RegistryClient } from "./registry-client";

/** A file to promote. */
export interface PlannedFile {
    readonly package: PackageVersion;
    readonly file: IndexFile & { readonly sha256: string };
    /** Whether the target has it already, with the same hash. */
    readonly isThere: boolean;
}

/** What a promotion does. */
export interface Plan {
    readonly files: readonly PlannedFile[];
    /** What a reader should know, and what is no mistake. */
    readonly notes: readonly string[];
}

/**
 * Compares the files of packages at the source with those at the target. Changes nothing.
 *
 * @throws Error that names every mistake in every package
 */
export async function planPromotion(
    packages: readonly PackageVersion[],
    source: RegistryClient,
    target: RegistryClient,
): Promise<Plan> {
    const plans = await Promise.all(packages.map((each) => planPackage(each, source, target)));
    const mistakes = [...new Set(plans.flatMap((plan) => plan.mistakes))];
    if (mistakes.length > 0) throw new Error(mistakes.join("\n"));
    return {
        files: plans.flatMap((plan) => plan.files),
        notes: plans.flatMap((plan) => plan.notes),
    };
}

async function planPackage(
    wanted: PackageVersion,
    source: RegistryClient,
    target: RegistryClient,
): Promise<Plan & { readonly mistakes: readonly string[] }> {
    const lists = await Promise.allSettled(
        [source, target].map((registry) => registry.listFiles(wanted.name)),
    );
    const mistakes = lists.flatMap((list) =>
        list.status === "rejected" ? [(list.reason as Error).message] : [],
    );
    const [atSource, atTarget] = lists.map((list) => (list.status === "fulfilled" ? list.value : undefined));
    const ofVersion = (files: readonly IndexFile[] = []) =>
        files.filter(({ version }) => isSameVersion(version, wanted.version));
    const found = ofVersion(atSource);
    if (atSource !== undefined && found.length === 0) {
        mistakes.push(describeMissing(wanted, atSource, source));
    }
    const files = found.flatMap((file): PlannedFile[] => {
        const { filename, sha256 } = file;
        if (sha256 === undefined) {
            mistakes.push(
                `${source.describe()}: the index has no sha256 of ${filename}, so it cannot be verified`,
            );
            return [];
        }
        const there = atTarget?.find((each) => each.filename === filename);
        if (there !== undefined && there.sha256 !== sha256) {
            mistakes.push(
                `${filename} is different at the target: sha256 ${sha256} at the ${source.describe()}, ` +
                    `and ${there.sha256 ?? "none in the index"} at the ${target.describe()}. Files cannot be replaced: promote a new version`,
            );
        }
        return [{ package: wanted, file: { ...file, sha256 }, isThere: there !== undefined }];
    });
    const more = ofVersion(atTarget).filter(
        ({ filename }) => !found.some((file) => file.filename === filename),
    );
    return {
        files,
        mistakes,
        notes: more.map(
            ({ filename }) =>
                `The target also has ${filename}, which the source does not have. It stays as it is`,
        ),
    };
}

function describeMissing(
    { name, version }: PackageVersion,
    files: readonly IndexFile[],
    source: RegistryClient,
): string {
    const versions = [...new Set(files.map((file) => file.version))];
    const others =
        versions.length === 0
            ? "It does not have the package, or no such repository exists"
            : `Its versions: ${versions.slice(-10).join(", ")}`;
    return `${source.describe()} has no wheel and no sdist of ${name} ${version}. ${others}`;
}
