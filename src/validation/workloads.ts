import * as v from "valibot";
import { isServiceAccountAddress, roles } from "../names/principals";
import { WorkloadType } from "../names/workload-types";
import { boolean, existing, isRecord, matching, object, oneOf, projectId, record, text } from "./schema";
import { formatJson, suggestion } from "./wording";

// The allowed values of `workloads` and `pool`. Nothing loads this file in a stack that sets neither.

/** Digits, as text or as a number. YAML makes a number of an id without quotes. */
const number = (allowed: string) =>
    v.pipe(
        v.union(
            [v.string(), v.number()],
            ({ input }) => `${input === undefined ? "is not set" : "is not a number"}. Allowed: ${allowed}.`,
        ),
        // A number that JavaScript rounds would be the id of someone else.
        v.check(
            (value) => typeof value === "string" || Number.isSafeInteger(value),
            `is not an exact number. Write it in quotes. Allowed: ${allowed}.`,
        ),
        v.transform(String),
        v.regex(/^[1-9]\d{0,18}$/, `is not valid. Allowed: ${allowed}.`),
    );
const required = (allowed: string, pattern: RegExp) => v.pipe(setText(allowed), regex(pattern, allowed));
/** Text whose absence is reported as "is not set". */
const setText = (allowed: string) =>
    v.string(({ input }) =>
        input === undefined ? `is not set. Allowed: ${allowed}.` : `is not text. Allowed: ${allowed}.`,
    );
const regex = (pattern: RegExp, allowed: string) =>
    v.regex<string, string>(pattern, `is not valid. Allowed: ${allowed}.`);

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const uuid = (allowed: string) =>
    v.pipe(required(allowed, /^[0-9a-f-]{36}$/i), v.toLowerCase(), regex(uuidPattern, allowed));

/** A full ref. Git allows neither control characters nor any of `~^:?*[\` in one. */
const refPattern = /^refs\/(?:heads|tags)\/(?!.*(?:\.\.|\/\/|@\{))[^\s\p{C}~^:?*[\\]+$/u;
const ref = v.exactOptional(
    v.pipe(
        text("a full ref, such as refs/heads/main"),
        v.regex(refPattern, ({ input }) => {
            const likely = `refs/heads/${input.replace(/^\/+/, "")}`;
            return `is not a full ref. Allowed: refs/heads/BRANCH or refs/tags/TAG, without wildcards.${refPattern.test(likely) && !input.startsWith("refs/") ? ` Did you mean ${formatJson(likely)}?` : ""}`;
        }),
    ),
);
const issuer = v.pipe(
    setText("the issuer's URL, exactly as in the claim iss of its tokens"),
    v.regex(
        /^https:\/\/[a-z0-9.-]+(?::\d+)?(?:\/[^\s?#]*)?$/i,
        "is not valid. Allowed: an https:// URL without query and fragment, exactly as in the claim iss of its tokens.",
    ),
    v.maxLength(2048, "is too long. Allowed: at most 2048 characters."),
);
const jwksJson = v.pipe(
    text("the issuer's JWKS as JSON"),
    v.check(
        (value) => isKeySet(value),
        "is not a JWKS. Allowed: JSON with keys, a list of public RSA and EC keys.",
    ),
);

function isKeySet(value: string): boolean {
    try {
        const parsed: unknown = JSON.parse(value);
        const keys = isRecord(parsed) ? parsed["keys"] : undefined;
        return (
            Array.isArray(keys) &&
            keys.length > 0 &&
            // A private key has the member d.
            keys.every((key) => isRecord(key) && ["RSA", "EC"].includes(String(key["kty"])) && !("d" in key))
        );
    } catch {
        return false;
    }
}

const gitHubIds =
    "a number. This command prints both ids: gh api repos/OWNER/REPOSITORY --jq '{owner: .owner.id, repository: .id}'";
const environment = v.exactOptional(
    matching(
        /^[A-Za-z0-9][A-Za-z0-9 ._/-]*$/,
        "the name of a deployment environment: letters, digits, space, ., _, / and -",
    ),
);
const accountAddress = v.pipe(
    text("the email address of a service account"),
    v.check(
        isServiceAccountAddress,
        "is not the email address of a service account. Allowed: NAME@PROJECT.iam.gserviceaccount.com.",
    ),
    v.toLowerCase(),
);
/** Schema of the number of a project. */
export const projectNumber = number("a project number, which `gcloud projects describe PROJECT` prints");

const common = {
    access: oneOf(roles),
    via: v.exactOptional(text("the account id of an entry of serviceAccounts")),
};
/** One of Google's services: its default account, or the given one. */
const service = {
    ...common,
    serviceAccount: v.exactOptional(accountAddress),
    project: v.exactOptional(projectId),
    projectNumber: v.exactOptional(projectNumber),
};

/** The keys of an entry of `workloads`, by its type. */
export const workloadEntries = {
    githubActions: {
        ...common,
        owner: required(
            "the name of the owner, as in github.com/OWNER",
            /^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,98})$/,
        ),
        repository: required("the name of the repository without its owner", /^[A-Za-z0-9._-]{1,100}$/),
        ownerId: number(gitHubIds),
        repositoryId: number(gitHubIds),
        ref,
        environment,
        issuer: v.exactOptional(issuer),
        jwksJson: v.exactOptional(jwksJson),
    },
    gitlabCi: {
        ...common,
        projectId: v.exactOptional(number("the numeric id of the project, in its menu")),
        namespaceId: v.exactOptional(number("the numeric id of the group or user namespace")),
        ref,
        protectedOnly: v.exactOptional(boolean),
        issuer: v.exactOptional(issuer),
        jwksJson: v.exactOptional(jwksJson),
    },
    circleCi: {
        ...common,
        organizationId: uuid("the organization's UUID, from Organization Settings"),
        projectId: uuid("the project's UUID, from Project Settings"),
        vcsOrigin: v.exactOptional(
            matching(
                /^[a-z0-9.-]+\/[A-Za-z0-9._/-]+$/,
                "the repository without a scheme, as in github.com/acme/core",
            ),
        ),
        ref,
    },
    azureDevOps: {
        ...common,
        organizationId: uuid("the organization's GUID"),
        projectId: uuid("the project's GUID"),
        pipelineId: v.exactOptional(number("the pipeline's number, definitionId in its URL")),
        ref,
    },
    hcpTerraform: {
        ...common,
        organizationId: required("the organization's id, org-…", /^org-[A-Za-z0-9]{1,40}$/),
        workspaceId: v.exactOptional(matching(/^ws-[A-Za-z0-9]{1,40}$/, "the workspace's id, ws-…")),
        projectId: v.exactOptional(matching(/^prj-[A-Za-z0-9]{1,40}$/, "the project's id, prj-…")),
        issuer: v.exactOptional(issuer),
    },
    buildkite: {
        ...common,
        organizationId: uuid("the organization's UUID"),
        pipelineId: uuid("the pipeline's UUID"),
        ref,
    },
    oidc: {
        ...common,
        issuer,
        jwksJson: v.exactOptional(jwksJson),
        audiences: v.optional(
            v.pipe(
                v.array(
                    v.pipe(
                        text("an audience"),
                        v.minLength(1, "is empty."),
                        v.maxLength(256, "is too long. Allowed: at most 256 characters."),
                    ),
                    "is not a list. Allowed: a list of audiences.",
                ),
                v.maxLength(10, "has too many entries. Allowed: at most 10 audiences."),
            ),
            [],
        ),
        mapping: v.pipe(
            record(
                matching(
                    /^(?:google\.(?:subject|groups)|attribute\.[a-z0-9_]{1,80})$/,
                    "google.subject, google.groups and attribute.NAME, where NAME has lowercase letters, digits and _",
                ),
                v.pipe(
                    text("a CEL expression"),
                    v.maxLength(2048, "is too long. Allowed: at most 2048 characters."),
                ),
                "a map from attribute to CEL expression, as in google.subject: assertion.sub",
            ),
            v.check(
                (mapping) => "google.subject" in mapping,
                "has no google.subject, which Google requires. Allowed: a map with google.subject, as in google.subject: assertion.sub.",
            ),
            v.check(
                (mapping) =>
                    Object.keys(mapping).filter((name) => name.startsWith("attribute.")).length <= 50,
                "has too many attributes. Allowed: at most 50.",
            ),
        ),
        condition: v.pipe(
            setText("a CEL expression on a stable id of your tenant"),
            v.trim(),
            v.minLength(
                1,
                "is empty, so every token of the issuer would be accepted. Allowed: a CEL expression on a stable id of your tenant.",
            ),
            v.maxLength(3000, "is too long. Allowed: at most 3000 characters."),
        ),
        subject: v.exactOptional(
            v.pipe(
                text("a value of google.subject"),
                v.minLength(1, "is empty."),
                v.maxBytes(127, "is too long. Allowed: at most 127 bytes."),
                v.regex(
                    /^[^\s\p{C}*]+$/u,
                    "is not valid. Allowed: one subject, without spaces and wildcards.",
                ),
            ),
        ),
        attribute: v.exactOptional(
            matching(
                /^[a-z0-9_]{1,80}\/[^\s\p{C}*]+$/u,
                "NAME/VALUE, where attribute.NAME is in mapping, without wildcards",
            ),
        ),
    },
    gke: {
        ...common,
        namespace: required("the name of a Kubernetes namespace", /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/),
        serviceAccount: required(
            "the name of a Kubernetes service account",
            /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/,
        ),
        clusterProject: v.exactOptional(projectId),
        clusterProjectNumber: v.exactOptional(projectNumber),
    },
    computeEngine: service,
    cloudRun: service,
    cloudFunctions: service,
    appEngine: service,
    cloudBuild: { ...service, legacy: v.exactOptional(boolean) },
} satisfies Record<WorkloadType, v.ObjectEntries>;

/** The keys of `pool`. */
export const poolEntries = {
    id: v.exactOptional(
        v.pipe(
            matching(/^[a-z0-9-]{4,32}$/, "4 to 32 lowercase letters, digits and hyphens"),
            v.check(
                (id) => !id.startsWith("gcp-"),
                "starts with gcp-, which Google reserves. Allowed: any other start.",
            ),
        ),
    ),
    project: v.exactOptional(projectId),
    projectNumber: v.exactOptional(projectNumber),
    existing,
};

type Entries = typeof workloadEntries;
/** A validated entry of `workloads`. Every id is text. */
export type Workload = {
    [T in WorkloadType]: { readonly type: T } & Readonly<OutputOf<Entries[T]>>;
}[WorkloadType];
type OutputOf<E extends v.ObjectEntries> = v.InferOutput<v.ObjectSchema<E, undefined>>;
/** A validated entry of `workloads` of one type. */
export type WorkloadOf<T extends WorkloadType> = Extract<Workload, { readonly type: T }>;
/** A validated `pool`. */
export type Pool = Readonly<v.InferOutput<v.ObjectSchema<typeof poolEntries, undefined>>>;

/** A mistake: the path below the entry, the value, and the message. */
export type EntryMistake = readonly [path: readonly (string | number)[], value: unknown, message: string];

const typeNames = Object.values(WorkloadType);
const namePattern = /^[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/**
 * Parses the entries of `workloads`, one by one.
 *
 * @returns the valid entries by name, and every mistake
 */
export function parseWorkloads(given: Readonly<Record<string, unknown>>): {
    readonly workloads: Readonly<Record<string, Workload>>;
    readonly mistakes: readonly EntryMistake[];
} {
    const workloads: Record<string, Workload> = {};
    const mistakes: EntryMistake[] = [];
    for (const [name, entry] of Object.entries(given)) {
        if (!namePattern.test(name) || name === "constructor" || name === "prototype") {
            mistakes.push([
                [name],
                name,
                "is not a valid name. Allowed: 1 to 63 lowercase letters, digits and hyphens, starting with a letter and not ending with a hyphen.",
            ]);
        }
        const parsed = parseWorkload(entry);
        if (parsed.value !== undefined) workloads[name] = parsed.value;
        mistakes.push(...parsed.mistakes.map(([path, ...rest]) => [[name, ...path], ...rest] as const));
    }
    return { workloads, mistakes };
}

/** A parsed entry. Without a value, there are mistakes. */
interface ParsedEntry<T> {
    readonly value?: T;
    readonly mistakes: readonly EntryMistake[];
}

function parseWorkload(entry: unknown): ParsedEntry<Workload> {
    if (!isRecord(entry)) {
        return {
            mistakes: [
                [[], entry, "is not a map. Allowed: a map with type, access, and the keys of the type."],
            ],
        };
    }
    const { type, ...fields } = entry;
    if (!isType(type)) {
        const problem = type === undefined ? "is not set" : "is not valid";
        return {
            mistakes: [
                [
                    ["type"],
                    type,
                    `${problem}. Allowed: ${typeNames.join(", ")}.${suggestion(type, typeNames)}`,
                ],
            ],
        };
    }
    const { value, mistakes } = parseEntry(workloadEntries[type], fields, `of the type ${type}`);
    return {
        ...(value === undefined ? {} : { value: { type, ...value } as Workload }),
        mistakes: mistakes.map(([path, input, message]) => [path, input, withNames(message, fields)]),
    };
}

/**
 * Parses a map with fixed keys.
 *
 * @param whose completes the sentence "is an unknown key …"
 */
export function parseEntry<T extends v.ObjectEntries>(
    entries: T,
    given: unknown,
    whose: string,
): ParsedEntry<v.InferOutput<v.ObjectSchema<T, undefined>>> {
    const keys = Object.keys(entries);
    if (!isRecord(given)) {
        return { mistakes: [[[], given, `is not a map. Allowed: a map with the keys ${keys.join(", ")}.`]] };
    }
    const unknown = Object.entries(given)
        .filter(([key]) => !keys.includes(key))
        .map(([key, value]): EntryMistake => [
            [key],
            key,
            `is an unknown key ${whose} (its value: ${formatJson(value)}). Allowed: ${keys.join(", ")}.${suggestion(key, keys)}`,
        ]);
    const parsed = v.safeParse(object(entries, "a map"), given);
    const mistakes = (parsed.issues ?? []).map(({ path = [], input, message }): EntryMistake => [
        path.map(({ key }) => key as string | number),
        input,
        message,
    ]);
    return {
        ...(parsed.success && unknown.length === 0 ? { value: parsed.output } : {}),
        mistakes: [...unknown, ...mistakes],
    };
}

/** A command in a message, with the names that the entry has. */
function withNames(message: string, { owner, repository }: Readonly<Record<string, unknown>>): string {
    return typeof owner === "string" && typeof repository === "string"
        ? message.replace("repos/OWNER/REPOSITORY", () => `repos/${owner}/${repository}`)
        : message;
}

function isType(type: unknown): type is WorkloadType {
    return (typeNames as readonly unknown[]).includes(type);
}
