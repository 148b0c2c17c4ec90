import { isDeepStrictEqual } from "node:util";
import { lastSegment, pick, text, type Inputs } from "./resource-inputs";

// The fields of a repository, in the names and shapes of the SDK and of the API.

/** The fields that the provider updates, as far as this project sets them. */
const updated = [
    "description",
    "labels",
    "cleanupPolicies",
    "cleanupPolicyDryRun",
    "virtualRepositoryConfig",
    "vulnerabilityScanningConfig",
];
const created = ["format", "mode", "kmsKeyName", "remoteRepositoryConfig", ...updated];

/** The name of a repository in the API, from the inputs of a repository or of what belongs to one. */
export function repositoryPath({
    project,
    location,
    repositoryId,
    repository = repositoryId,
}: Inputs): string {
    return `projects/${text(project)}/locations/${text(location)}/repositories/${lastSegment(text(repository))}`;
}

/** The body with which the provider creates a repository. */
export function repositoryBody(inputs: Inputs): Record<string, unknown> {
    return inApi(pick(inputs, created));
}

/** What the provider sends to make a repository equal to its inputs: the fields that differ. Labels are added. */
export function repositoryChanges(state: Inputs, inputs: Inputs): Record<string, unknown> {
    const labels = { ...(state["labels"] as object | undefined), ...(inputs["labels"] as object) };
    const [wanted, current] = [
        inApi({
            labels,
            ...pick(
                inputs,
                updated.filter((each) => each !== "labels"),
            ),
        }),
        inApi(state),
    ];
    return Object.fromEntries(
        Object.entries(wanted).filter(([field, value]) => !isDeepStrictEqual(value, current[field])),
    );
}

/** A repository of the API, as the function getRepository returns it. */
export function repositoryResult(found: Inputs): Record<string, unknown> {
    const policies = Object.values((found["cleanupPolicies"] as Record<string, Inputs> | undefined) ?? {});
    const remote = found["remoteRepositoryConfig"] as Inputs | undefined;
    return {
        description: "",
        kmsKeyName: "",
        cleanupPolicyDryRun: false,
        ...found,
        effectiveLabels: found["labels"] ?? {},
        cleanupPolicies: policies.map(({ condition, mostRecentVersions, ...policy }) => ({
            ...policy,
            conditions: list(condition),
            mostRecentVersions: list(mostRecentVersions),
        })),
        remoteRepositoryConfigs: list(remote && remoteResult(remote)),
        virtualRepositoryConfigs: list(found["virtualRepositoryConfig"]),
        vulnerabilityScanningConfigs: list(found["vulnerabilityScanningConfig"]),
    };
}

/** A repository of the API, as the SDK has it in a state. */
export function repositoryState(found: Inputs): Record<string, unknown> {
    const policies = found["cleanupPolicies"] as Record<string, Inputs> | undefined;
    const scanning = found["vulnerabilityScanningConfig"] as Inputs | undefined;
    return {
        ...found,
        ...(policies && { cleanupPolicies: Object.values(policies) }),
        // Without what the service adds, which no input has.
        ...(scanning && { vulnerabilityScanningConfig: pick(scanning, ["enablementConfig"]) }),
    };
}

function remoteResult(remote: Inputs): Inputs {
    const { pythonRepository, commonRepository, upstreamCredentials, noCache, ...rest } = remote;
    const python = pythonRepository as Inputs | undefined;
    const credentials = upstreamCredentials as Inputs | undefined;
    return {
        description: "",
        disableUpstreamValidation: false,
        ...rest,
        pythonRepositories: list(
            python && {
                publicRepository: python["publicRepository"] ?? "",
                customRepositories: list(python["customRepository"]),
            },
        ),
        commonRepositories: list(commonRepository),
        noCaches: list(noCache),
        upstreamCredentials: list(
            credentials && {
                usernamePasswordCredentials: list(credentials["usernamePasswordCredentials"]),
            },
        ),
    };
}

/** The SDK's form of a part that a resource has once or not at all. */
function list(part: unknown): unknown[] {
    return part === undefined ? [] : [part];
}

/** The API has cleanup policies by id, and durations in seconds. */
function inApi({ cleanupPolicies, ...fields }: Inputs): Record<string, unknown> {
    if (cleanupPolicies === undefined) return { ...fields };
    const entries = (cleanupPolicies as readonly Inputs[]).map(({ id, ...policy }) => {
        const condition = policy["condition"] as Inputs | undefined;
        return [id, condition ? { ...policy, condition: inSeconds(condition) } : policy];
    });
    return { ...fields, cleanupPolicies: Object.fromEntries(entries) as unknown };
}

function inSeconds(condition: Inputs): Inputs {
    return Object.fromEntries(
        Object.entries(condition).map(([field, value]) => [
            field,
            field === "olderThan" || field === "newerThan" ? seconds(text(value)) : value,
        ]),
    );
}

/** `30d` → `2592000s`; what has no known unit stays. */
function seconds(duration: string): string {
    const [, count = "", unit = ""] = /^(\d+)([smhd])$/.exec(duration) ?? [];
    const length = { s: 1, m: 60, h: 3600, d: 86400 }[unit];
    return length === undefined ? duration : `${Number(count) * length}s`;
}
