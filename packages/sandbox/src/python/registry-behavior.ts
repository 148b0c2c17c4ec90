/**
 * What Google does not document about download rules for Python packages. A test can choose either possibility of each.
 * https://cloud.google.com/artifact-registry/docs/restrict-artifact-downloads
 */
export interface RegistryBehavior {
    /** Whether the simple index still lists files whose download a rule denies. */
    readonly deniedPackages: "listed" | "hidden";
    /** Whether the rules of a repository also apply to downloads through a virtual repository. */
    readonly virtualRules: "honoured" | "ignored";
}

/** What a user would expect of a rule for downloads. */
export const defaultBehavior: RegistryBehavior = { deniedPackages: "listed", virtualRules: "honoured" };
