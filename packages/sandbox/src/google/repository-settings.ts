import * as v from "valibot";
import { camelCase, conforming, GoogleError, masked } from "./google-api";

const label = v.pipe(v.string(), v.regex(/^[\p{Ll}\p{Lo}\p{N}_-]{0,63}$/u));
const duration = v.pipe(v.string(), v.regex(/^\d+(\.\d+)?s$/));
const prefixes = v.exactOptional(v.array(v.string()));

const cleanupPolicy = v.pipe(
    v.strictObject({
        id: v.exactOptional(v.string()),
        action: v.picklist(["KEEP", "DELETE"]),
        condition: v.exactOptional(
            v.strictObject({
                tagState: v.exactOptional(v.picklist(["ANY", "TAGGED", "UNTAGGED"])),
                tagPrefixes: prefixes,
                versionNamePrefixes: prefixes,
                packageNamePrefixes: prefixes,
                olderThan: v.exactOptional(duration),
                newerThan: v.exactOptional(duration),
            }),
        ),
        mostRecentVersions: v.exactOptional(
            v.strictObject({
                packageNamePrefixes: prefixes,
                keepCount: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(0))),
            }),
        ),
    }),
    v.check(
        ({ condition, mostRecentVersions }) =>
            (condition === undefined) !== (mostRecentVersions === undefined),
        "a cleanup policy has either a condition or mostRecentVersions.",
    ),
);

/** The settings that a caller may give a repository. Of the formats, the sandbox emulates only Python. */
export const settingsSchema = v.strictObject({
    format: v.literal("PYTHON"),
    mode: v.optional(
        v.picklist(["STANDARD_REPOSITORY", "REMOTE_REPOSITORY", "VIRTUAL_REPOSITORY"]),
        "STANDARD_REPOSITORY",
    ),
    description: v.exactOptional(v.string()),
    labels: v.exactOptional(
        v.pipe(
            v.record(v.pipe(label, v.regex(/^[\p{Ll}\p{Lo}]/u)), label),
            v.check((labels) => Object.keys(labels).length <= 64, "at most 64 labels."),
        ),
    ),
    kmsKeyName: v.exactOptional(
        v.pipe(
            v.string(),
            v.regex(/^projects\/[^/]+\/locations\/[^/]+\/keyRings\/[^/]+\/cryptoKeys\/[^/]+$/),
        ),
    ),
    cleanupPolicies: v.exactOptional(
        v.pipe(
            v.record(v.pipe(v.string(), v.regex(/^[a-z][a-z0-9_-]{0,126}$/)), cleanupPolicy),
            v.check((policies) => Object.keys(policies).length <= 10, "at most 10 cleanup policies."),
            v.check(
                (policies) => Object.entries(policies).every(([key, { id = key }]) => key === id),
                "the key of a cleanup policy is its id.",
            ),
            // The Google provider sends the id only as the key; the service returns it in both places.
            v.transform((policies) =>
                Object.fromEntries(Object.entries(policies).map(([id, policy]) => [id, { ...policy, id }])),
            ),
        ),
    ),
    cleanupPolicyDryRun: v.exactOptional(v.boolean()),
    virtualRepositoryConfig: v.exactOptional(
        v.strictObject({
            upstreamPolicies: v.exactOptional(
                v.array(
                    v.strictObject({
                        id: v.string(),
                        repository: v.pipe(
                            v.string(),
                            v.regex(/^projects\/[^/]+\/locations\/[^/]+\/repositories\/[^/]+$/),
                        ),
                        priority: v.exactOptional(v.pipe(v.number(), v.integer())),
                    }),
                ),
            ),
        }),
    ),
    remoteRepositoryConfig: v.exactOptional(
        v.strictObject({
            description: v.exactOptional(v.string()),
            pythonRepository: v.exactOptional(
                v.strictObject({
                    publicRepository: v.exactOptional(v.literal("PYPI")),
                    customRepository: v.exactOptional(v.strictObject({ uri: v.pipe(v.string(), v.url()) })),
                }),
            ),
            commonRepository: v.exactOptional(v.strictObject({ uri: v.string() })),
            upstreamCredentials: v.exactOptional(
                v.strictObject({
                    usernamePasswordCredentials: v.strictObject({
                        username: v.string(),
                        passwordSecretVersion: v.string(),
                    }),
                }),
            ),
            disableUpstreamValidation: v.exactOptional(v.boolean()),
            noCache: v.exactOptional(v.strictObject({})),
        }),
    ),
    vulnerabilityScanningConfig: v.exactOptional(
        v.pipe(
            v.strictObject({
                enablementConfig: v.exactOptional(v.picklist(["INHERITED", "DISABLED"])),
                enablementState: v.exactOptional(v.string()),
                enablementStateReason: v.exactOptional(v.string()),
            }),
            // The service says the others, and ignores them in a request. The provider sends back what it has read.
            v.transform(({ enablementConfig }) =>
                enablementConfig === undefined ? {} : { enablementConfig },
            ),
        ),
    ),
});

/** The settings of a repository, with the names of the API. */
export type RepositorySettings = v.InferOutput<typeof settingsSchema>;

/** The fields that a PATCH can change. */
const mutable: readonly string[] = [
    "description",
    "labels",
    "cleanupPolicies",
    "cleanupPolicyDryRun",
    "virtualRepositoryConfig",
    "remoteRepositoryConfig",
    "vulnerabilityScanningConfig",
] satisfies (keyof RepositorySettings)[];

/**
 * Checks that the settings fit the mode of the repository.
 * @throws GoogleError INVALID_ARGUMENT
 */
export function newSettings(settings: RepositorySettings): RepositorySettings {
    const { mode, remoteRepositoryConfig: remote, virtualRepositoryConfig: virtual } = settings;
    if ((mode === "REMOTE_REPOSITORY") !== (remote !== undefined)) {
        throw new GoogleError(
            "INVALID_ARGUMENT",
            "remoteRepositoryConfig goes with REMOTE_REPOSITORY, and only with it.",
        );
    }
    if (virtual !== undefined && mode !== "VIRTUAL_REPOSITORY") {
        throw new GoogleError(
            "INVALID_ARGUMENT",
            "virtualRepositoryConfig goes with VIRTUAL_REPOSITORY only.",
        );
    }
    return settings;
}

/**
 * The settings after a PATCH. The update mask names the fields to take from `wanted`; a field that `wanted` lacks is cleared.
 * @throws GoogleError INVALID_ARGUMENT, also for a mask that names a field that cannot change
 */
export function updatedSettings(
    current: RepositorySettings,
    wanted: Readonly<Record<string, unknown>>,
    mask: string | undefined,
): RepositorySettings {
    for (const path of mask ? mask.split(",") : []) {
        if (!mutable.includes(camelCase(path).split(".")[0] ?? "")) {
            throw new GoogleError("INVALID_ARGUMENT", `The field "${path}" cannot be updated.`);
        }
    }
    const changes = Object.fromEntries(Object.entries(wanted).filter(([field]) => mutable.includes(field)));
    return newSettings(conforming(settingsSchema, masked(current, changes, mask)));
}

/**
 * The settings in JSON: Google's APIs leave out fields that have the default value.
 * https://protobuf.dev/programming-guides/json/#presence
 * @param isScannerEnabled whether the project has enabled the API that scans packages
 */
export function settingsJson(settings: RepositorySettings, isScannerEnabled: boolean): object {
    const { vulnerabilityScanningConfig: scanning, remoteRepositoryConfig: remote, ...rest } = settings;
    // That option is for the request alone.
    const { disableUpstreamValidation: _, ...source } = remote ?? {};
    const all = {
        ...rest,
        remoteRepositoryConfig: source,
        vulnerabilityScanningConfig: scanning && {
            ...scanning,
            ...scanningState(scanning, isScannerEnabled),
        },
    };
    const isDefault = (value: unknown) =>
        value === undefined ||
        value === "" ||
        value === false ||
        (typeof value === "object" && Object.keys(value ?? {}).length === 0);
    return Object.fromEntries(Object.entries(all).filter(([, value]) => !isDefault(value)));
}

/** What the service adds to the configuration: whether packages are scanned when they are uploaded. */
function scanningState(
    { enablementConfig }: NonNullable<RepositorySettings["vulnerabilityScanningConfig"]>,
    isScannerEnabled: boolean,
): object {
    if (enablementConfig === "INHERITED" && isScannerEnabled) return { enablementState: "SCANNING_ACTIVE" };
    // Python packages are not scanned unless the repository says so.
    const reason =
        enablementConfig === "INHERITED"
            ? "API containerscanning.googleapis.com is not enabled."
            : "Vulnerability scanning is disabled for this repository.";
    return { enablementState: "SCANNING_DISABLED", enablementStateReason: reason };
}
