import * as v from "valibot";
import { isServiceAccountAddress, roles } from "../names/principals";
import { WorkloadType } from "../names/workload-types";
import { boolean, existing, isRecord, matching, object, oneOf, projectId, text } from "./schema";
import * as pasted from "./pasted";
import type { Finder } from "./pasted";
import { formatJson, spellingSuggestion, suggestion, unknownKey } from "./wording";

// The allowed values of `workloads` and `pool`. Nothing loads this file in a stack that sets neither.

/** Digits, as text or as a number. YAML makes a number of an id without quotes. */
const number = (allowed: string, finders: readonly Finder[] = pasted.numbers) =>
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
        regex(/^[1-9]\d{0,18}$/, allowed, finders),
    );
const required = (allowed: string, pattern: RegExp, finders: readonly Finder[] = []) =>
    v.pipe(setText(allowed), regex(pattern, allowed, finders));
/** Text whose absence is reported as "is not set". */
const setText = (allowed: string) =>
    v.string(({ input }) =>
        input === undefined ? `is not set. Allowed: ${allowed}.` : `is not text. Allowed: ${allowed}.`,
    );
const regex = (pattern: RegExp, allowed: string, finders: readonly Finder[] = []) =>
    v.regex(
        pattern,
        ({ input }: { input: string }) =>
            `is not valid. Allowed: ${allowed}.${spellingSuggestion(input, pattern, finders, false)}`,
    );

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const uuid = (allowed: string, ...kinds: readonly string[]) =>
    v.pipe(setText(allowed), v.toLowerCase(), regex(uuidPattern, allowed, pasted.uuids(...kinds)));

const terraformId = (noun: string, prefix: string) =>
    required(
        `the ${noun}'s id, ${prefix}-…`,
        new RegExp(`^${prefix}-[A-Za-z0-9]{1,40}$`),
        pasted.terraformIds(prefix),
    );

/** A full ref. Git allows neither control characters nor any of `~^:?*[\` in one. */
const refPattern = /^refs\/(?:heads|tags)\/(?!.*(?:\.\.|\/\/|@\{))[^\s\p{C}~^:?*[\\]+$/u;
/** @param forPattern what to do instead of a pattern */
const refOr = (forPattern: string) =>
    v.exactOptional(
        v.pipe(
            text("a full ref, such as refs/heads/main"),
            v.regex(
                refPattern,
                ({ input }) =>
                    `is not a full ref. Allowed: refs/heads/BRANCH or refs/tags/TAG, without wildcards.${/^(?!https?:).*[*?[]/.test(input) ? ` For a pattern, ${forPattern}.` : spellingSuggestion(input, refPattern, pasted.refs, false)}`,
            ),
        ),
    );

/** What can start a run that uploads: always, and if the key `events` of the entry adds it. */
export const events = {
    // https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows
    githubActions: {
        always: ["push", "release", "schedule", "workflow_dispatch"],
        more: ["create", "repository_dispatch"],
    },
    // https://docs.gitlab.com/ci/jobs/job_rules/#ci_pipeline_source-predefined-variable
    gitlabCi: {
        always: ["push", "web", "schedule", "api"],
        more: ["parent_pipeline", "pipeline", "trigger"],
    },
    // https://buildkite.com/docs/agent/cli/reference/oidc#claims
    buildkite: { always: ["webhook", "schedule"], more: ["api", "trigger_job", "ui"] },
} as const;
/** A type of workload with events. */
export type Eventful = keyof typeof events;

const eventList = (type: Eventful) => {
    const { always, more } = events[type];
    const allowed = `Allowed: ${more.join(", ")}, in addition to ${always.join(", ")}, which are always accepted.`;
    return v.exactOptional(
        v.pipe(
            v.array(
                v.pipe(
                    v.string(`is not text. ${allowed}`),
                    v.check(
                        (event) => (more as readonly string[]).includes(event),
                        ({ input }) =>
                            `cannot be added: ${(always as readonly string[]).includes(input) ? "it is always accepted" : "a stranger can cause it, or it is not known"}. ${allowed}${suggestion(input, more)}`,
                    ),
                ),
                `is not a list. ${allowed}`,
            ),
            v.minLength(1, `is empty. ${allowed}`),
            v.check(
                (list) => new Set(list).size === list.length,
                "has an event twice. Allowed: each event once.",
            ),
        ),
    );
};
/** @param without what the URL must not have */
const issuerUrl = (pattern: RegExp, without: string) =>
    v.config(
        v.pipe(
            setText("the issuer's URL, exactly as in the claim iss of its tokens"),
            regex(
                pattern,
                `an https:// URL without ${without}, exactly as in the claim iss of its tokens`,
                pasted.issuers,
            ),
            v.check((value) => URL.canParse(value), "is not a URL. Allowed: an https:// URL."),
            v.maxLength(2048, "is too long. Allowed: at most 2048 characters."),
        ),
        { abortPipeEarly: true },
    );
const issuer = issuerUrl(
    /^(?!.*\/\.well-known\/)https:\/\/[a-z0-9.-]+(?::\d+)?(?:\/[^\s?#]*)?$/i,
    "query, fragment and /.well-known/",
);
/** No CI system with a type of its own has an issuer that ends with a slash. */
const systemIssuer = issuerUrl(
    /^(?!.*\/\.well-known\/)https:\/\/[a-z0-9.-]+(?::\d+)?(?:\/[^\s?#]*)?(?<!\/)$/i,
    "query, fragment, /.well-known/ and a slash at its end",
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
        pasted.environments,
    ),
);
/** A value of a claim. */
export type ClaimValue = string | number | boolean;
const claimValues =
    "the exact value of the claim (text, an exact number, true or false), or a list of such values";
const claimValue = v.custom<ClaimValue>(
    (value) =>
        typeof value === "boolean" ||
        Number.isSafeInteger(value) ||
        // Control characters have no place in a condition, and an asterisk would look like a wildcard.
        (typeof value === "string" && /^[^\p{C}*]{1,512}$/u.test(value)),
    `is not valid. Allowed: ${claimValues}. Text has 1 to 512 characters, without control characters and *.`,
);
const claims = v.pipe(
    v.custom<Record<string, unknown>>(
        isRecord,
        ({ input }) =>
            `${input === undefined ? "is not set" : "is not a map"}. Allowed: a map from claim to ${claimValues}, as in sub: builds. Every claim must have its value.`,
    ),
    // A record would skip the keys that every JavaScript object has, and with them a condition.
    v.rawTransform(({ dataset, addIssue }): Record<string, ClaimValue[]> => {
        const parsed = Object.entries(dataset.value).map(([name, given]): [string, ClaimValue[]] => {
            const report = (message: string, value: unknown = name) => {
                addIssue({
                    message,
                    input: value,
                    path: [
                        { type: "object", origin: "value", input: dataset.value, key: name, value: given },
                    ],
                });
            };
            if (!/^[^\p{C}]{1,128}$/u.test(name)) {
                report(
                    "is not the name of a claim. Allowed: 1 to 128 characters, without control characters.",
                );
            } else if (["aud", "iss"].includes(name)) {
                report("has its own key. Allowed: other claims. Use audiences and issuer.");
            } else if (["__proto__", "constructor", "prototype"].includes(name)) {
                report("is a reserved name. Allowed: other claims.");
            }
            const list: readonly unknown[] = Array.isArray(given) ? given : [given];
            if (list.length === 0) report(`is an empty list. Allowed: ${claimValues}.`, given);
            for (const each of list) {
                for (const { message } of v.safeParse(claimValue, each).issues ?? []) report(message, each);
            }
            return [name, list as ClaimValue[]];
        });
        if (parsed.length === 0) addIssue({ message: "is empty. Allowed: at least one claim." });
        return Object.fromEntries(parsed);
    }),
);
const accountPattern = /^[a-z0-9][a-z0-9.-]{0,63}@(?:[a-z0-9-]+\.)*gserviceaccount\.com$/i;
const accountAddress = v.pipe(
    text("the email address of a service account"),
    v.check(
        isServiceAccountAddress,
        ({ input }) =>
            `is not the email address of a service account. Allowed: NAME@PROJECT.iam.gserviceaccount.com.${spellingSuggestion(input, accountPattern, pasted.accountAddresses, false)}`,
    ),
    v.toLowerCase(),
);
/** Schema of the number of a project. */
export const projectNumber = number(
    "a project number, which `gcloud projects describe PROJECT` prints",
    pasted.projectNumbers,
);

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
            pasted.gitOwners,
        ),
        repository: required(
            "the name of the repository without its owner and without .git",
            /^(?!.*\.git$)[A-Za-z0-9._-]{1,100}$/i,
            pasted.gitRepositories,
        ),
        ownerId: number(gitHubIds),
        repositoryId: number(gitHubIds),
        ref: refOr("set environment instead, to an environment that is limited to these branches or tags"),
        environment,
        events: eventList("githubActions"),
        issuer: v.exactOptional(systemIssuer),
        jwksJson: v.exactOptional(jwksJson),
    },
    gitlabCi: {
        ...common,
        projectId: v.exactOptional(number("the numeric id of the project, in its menu")),
        namespaceId: v.exactOptional(number("the numeric id of the group or user namespace")),
        ref: refOr(
            "protect these branches or tags in GitLab, and leave out ref: writers only run on protected ones",
        ),
        environment,
        events: eventList("gitlabCi"),
        protectedOnly: v.exactOptional(boolean),
        issuer: v.exactOptional(systemIssuer),
        jwksJson: v.exactOptional(jwksJson),
    },
    circleCi: {
        ...common,
        organizationId: uuid(
            "the organization's UUID, from Organization Settings",
            "org",
            "organization/circleci",
        ),
        projectId: uuid("the project's UUID, from Project Settings", "project"),
        vcsOrigin: v.exactOptional(
            matching(
                /^(?!.*\.git$)[a-z0-9.-]+\/[A-Za-z0-9._/-]+$/,
                "the repository without a scheme and .git, as in github.com/acme/core",
                pasted.gitOrigins,
            ),
        ),
        ref: refOr("set contextId instead, to a context that is restricted to these branches or tags"),
        contextId: v.exactOptional(uuid("the context's UUID, from Organization Settings", "contexts")),
    },
    azureDevOps: {
        ...common,
        organizationId: uuid("the organization's GUID"),
        projectId: uuid("the project's GUID"),
        pipelineId: v.exactOptional(number("the pipeline's number, definitionId in its URL")),
        ref: refOr("name each ref, or upload from a branch"),
    },
    hcpTerraform: {
        ...common,
        organizationId: terraformId("organization", "org"),
        workspaceId: v.exactOptional(terraformId("workspace", "ws")),
        projectId: v.exactOptional(terraformId("project", "prj")),
        issuer: v.exactOptional(systemIssuer),
    },
    buildkite: {
        ...common,
        organizationId: uuid("the organization's UUID"),
        pipelineId: uuid("the pipeline's UUID"),
        ref: refOr("name each ref, or upload from a branch"),
        events: eventList("buildkite"),
        forkBranchesArePrefixed: v.exactOptional(boolean),
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
        claims,
    },
    gke: {
        ...common,
        namespace: required(
            "the name of a Kubernetes namespace",
            /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
            pasted.namespaces,
        ),
        serviceAccount: required(
            "the name of a Kubernetes service account",
            /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/,
            pasted.kubernetesAccounts,
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
            matching(
                /^[a-z0-9-]{4,32}$/,
                "4 to 32 lowercase letters, digits and hyphens",
                pasted.poolIds,
                /^(?!gcp-)[a-z0-9-]{4,32}$/,
            ),
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
    const refuse = (...mistake: EntryMistake) => ({ mistakes: [mistake] });
    if (!isRecord(entry)) {
        return refuse([], entry, "is not a map. Allowed: a map with type, access, and the keys of the type.");
    }
    const { type, ...fields } = entry;
    const old = ["mapping", "condition", "subject", "attribute"].filter((key) => key in fields);
    if (type === "oidc" && old.length > 0) {
        return refuse(
            [],
            undefined,
            `has ${old.join(", ")}, which the type oidc no longer has. Write the claims that a token must have, with their exact values, as in claims: {sub: builds, tenant_id: "42"}, and remove ${old.length === 1 ? "this key" : "these keys"}. Patterns need a provider of your own: see docs/workloads.md.`,
        );
    }
    if (!isType(type)) {
        const problem = type === undefined ? "is not set" : "is not valid";
        return refuse(
            ["type"],
            type,
            `${problem}. Allowed: ${typeNames.join(", ")}.${suggestion(type, typeNames)}`,
        );
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
    const unknown = Object.keys(given)
        .filter((key) => !keys.includes(key))
        .map((key): EntryMistake => [[key], key, unknownKey(formatJson(given[key]), key, keys, ` ${whose}`)]);
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
