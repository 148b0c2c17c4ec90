import type { CleanupAction, TagState } from "../validation/schema";

// What users of every language write about the life of a repository. The SDKs are generated from these types.

/** What a version must be like, so that a cleanup policy matches it: all that is set. */
export interface CleanupCondition {
    /** Whether it has a tag. Default: ANY. */
    readonly tagState?: TagState;
    /** Uploaded longer ago than this, as in 30d. The units are d, h, m and s. */
    readonly olderThan?: string;
    /** Uploaded less long ago than this, as in 12h. */
    readonly newerThan?: string;
    /** The name of its package starts with one of these. */
    readonly packageNamePrefixes?: string[];
    /** It starts with one of these, as in 0. or 1.2. */
    readonly versionNamePrefixes?: string[];
}

/** How many of the newest versions of each package a KEEP policy keeps. */
export interface MostRecentVersions {
    /** At least 1. */
    readonly keepCount: number;
    /** Only of packages whose name starts with one of these. Default: of all packages. */
    readonly packageNamePrefixes?: string[];
}

/** A cleanup policy. It has either a condition or, with KEEP, mostRecentVersions. */
export interface CleanupPolicy {
    /** DELETE deletes what it matches, unless a KEEP policy matches it too. */
    readonly action: CleanupAction;
    /** What the versions must be like. */
    readonly condition?: CleanupCondition;
    /** How many versions of each package are kept. */
    readonly mostRecentVersions?: MostRecentVersions;
}

/** Which versions the service deletes by itself. */
export interface CleanupConfig {
    /** Policies by id, at most 10. An empty map removes all policies of the repository. */
    readonly policies: Record<string, CleanupPolicy>;
    /** Whether the service only logs what it would delete. Default true. */
    readonly dryRun?: boolean;
}

/** How the contents of a repository are encrypted. */
export interface EncryptionConfig {
    /** The key, projects/P/locations/L/keyRings/R/cryptoKeys/K. It cannot be changed later. */
    readonly kmsKey: string;
}
