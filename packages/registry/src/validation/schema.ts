import * as v from "valibot";
import { unchosenIdentities } from "./federated-principals";
import { isRegionForm, locations } from "../names/locations";
import { normalizedName } from "../names/package-names";
import { canonicalPrincipal, isPublic, roles } from "../names/principals";
import { stackLabel } from "../names/stack-label";
import * as pasted from "./pasted";
import { type Finder, valuesIn } from "./pasted";
import { principalMistake } from "./principals";
import { spellingSuggestion, suggestion, typeMismatch } from "./wording";

// The allowed values of each key of the configuration. Each message continues after the key and its value, and ends with a
// suggestion.

export const text = (allowed: string) =>
    v.string((issue) => `${typeMismatch(issue.input, "a string")} Allowed: ${allowed}.`);
/**
 * Text of a pattern.
 *
 * @param finders find the value in a text that someone pasted
 * @param suggested the pattern of suggestions, if another check refuses some values
 */
export const matching = (
    pattern: RegExp,
    allowed: string,
    finders: readonly Finder[] = [],
    suggested = pattern,
) =>
    v.pipe(
        text(allowed),
        v.regex(
            pattern,
            ({ input }) =>
                `is not valid. Allowed: ${allowed}.${spellingSuggestion(input, suggested, finders)}`,
        ),
    );
export const oneOf = <const T extends readonly string[]>(options: T) =>
    v.picklist(
        options,
        ({ input }) =>
            `${input === undefined ? "is not set" : "is not valid"}. Allowed: ${options.join(", ")}.${suggestion(input, options)}`,
    );
export const boolean = v.boolean(
    (issue) => `${typeMismatch(issue.input, "a boolean")} Allowed: true, false.`,
);
const map = (allowed: string) =>
    v.custom(isRecord, ({ input }) => `${typeMismatch(input, "a map")} Allowed: ${allowed}.`);

/** A map with any number of keys, which all have values of the same schema. */
export const record = <
    K extends v.BaseSchema<string, string, v.BaseIssue<unknown>>,
    V extends v.GenericSchema,
>(
    key: K,
    value: V,
    allowed: string,
) => v.pipe(map(allowed), v.record(key, value));

/** A map with fixed keys. It ignores all other keys, which the caller reports. */
export const object = <T extends v.ObjectEntries>(entries: T, allowed: string) =>
    v.pipe(
        map(allowed),
        // If a key is missing, report the message of its own schema.
        v.object(entries, ({ path }) => {
            const missing = entries[String(path?.[0].key)];
            return missing ? (v.safeParse(missing, undefined).issues?.[0].message ?? "") : "";
        }),
    );

const projectPattern =
    /^(?:[a-z][a-z0-9-]{4,28}[a-z0-9]|(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]*[a-z0-9])?:[a-z](?:[a-z0-9-]{0,28}[a-z0-9])?)$/;
/** Schema of `gcp:project`: a project id, with or without a domain (`example.com:tools`). */
export const projectId = v.pipe(
    v.string("is not set. Allowed: a project id. Set it with: pulumi config set gcp:project PROJECT_ID"),
    v.regex(
        projectPattern,
        ({ input }) =>
            `is not valid. Allowed: 6 to 30 lowercase letters, digits and hyphens, starting with a letter; older projects can have a domain prefix (example.com:tools).${projectSuggestion(input)}`,
    ),
);

function projectSuggestion(input: string): string {
    const number = /^(?:(?:.*\/)?projects\/)?(\d+)$/.exec(input.trim())?.[1];
    return number === undefined
        ? spellingSuggestion(input, projectPattern, pasted.projectIds, !input.includes(":"))
        : ` This is a project number. This command prints the id: gcloud projects describe ${number} --format='value(projectId)'`;
}

const location = v.pipe(
    v.string(
        `is not set. Allowed: a region, or us, europe, asia. Set it with: pulumi config set location LOCATION`,
    ),
    v.check(
        // `unknownRegion` checks regions that are not in the list.
        (value) => locations.includes(value) || isRegionForm(value),
        ({ input }) =>
            `is an unknown location. Allowed: a region such as europe-west1, or us, europe, asia.${suggestion(valuesIn(input, pasted.locationNames).find((each) => locations.includes(each.toLowerCase())) ?? input, locations)}`,
    ),
);

/** Schema of the id of a repository. */
export const repositoryId = v.pipe(
    matching(
        /^[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
        "1 to 63 lowercase letters, digits and hyphens, starting with a letter and not ending with a hyphen",
        pasted.repositoryIds,
        /^(?!distutils$)[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
    ),
    // In a .pypirc, each repository has a section with its name, and this section lists the repositories.
    v.notValue("distutils", "is the name of a reserved section in .pypirc. Allowed: any other name."),
);

/** The provider sets the first label on every resource by default. The stack sets the second. */
const reservedLabels = ["goog-pulumi-provisioned", stackLabel];

const labels = v.pipe(
    record(
        v.pipe(
            matching(
                /^[\p{Ll}\p{Lo}][\p{Ll}\p{Lo}\p{N}_-]{0,62}$/u,
                "label keys of 1 to 63 lowercase letters, digits, _ and -, starting with a letter",
                pasted.keys,
                new RegExp(
                    String.raw`^(?!(?:${reservedLabels.join("|")})$)[\p{Ll}\p{Lo}][\p{Ll}\p{Lo}\p{N}_-]{0,62}$`,
                    "u",
                ),
            ),
            v.notValues(
                reservedLabels,
                "is a label that Pulumi or this program sets. Allowed: any other label.",
            ),
        ),
        matching(
            /^[\p{Ll}\p{Lo}\p{N}_-]{0,63}$/u,
            "label values of at most 63 lowercase letters, digits, _ and -",
        ),
        "a map of labels",
    ),
    v.check(
        (value) => Object.keys(value).length <= 64 - reservedLabels.length,
        ({ input }) =>
            `has ${Object.keys(input).length} labels. Allowed: at most ${64 - reservedLabels.length}. A resource can have 64 labels, and Pulumi and this program add ${reservedLabels.length}.`,
    ),
);

/**
 * A list of principals.
 *
 * @param key the path of the list, for a command in a message
 * @param power what its principals can do, as "would let everyone …"; undefined if everyone can be among them
 */
const principals = (key: string, power?: string) => {
    const isChosen = (value: string) =>
        power === undefined || (!isPublic(value) && unchosenIdentities(value) === undefined);
    const principal = v.pipe(
        text("an IAM principal, for example group:team@example.com"),
        v.check(
            (value) => principalMistake(value) === undefined,
            ({ input }) => principalMistake(input, isChosen) ?? "",
        ),
        v.check(
            (value) => power === undefined || !isPublic(value),
            `would let everyone ${power ?? ""}. Allowed: allUsers and allAuthenticatedUsers only in readers, and only with allowPublic: true.`,
        ),
        v.check(
            (value) => power === undefined || unchosenIdentities(value) === undefined,
            ({ input }) =>
                `would let ${unchosenIdentities(input) ?? ""} ${power ?? ""}. Allowed: ${input.endsWith("/*") ? "a subject, a group or an attribute of the pool; * only in readers" : "single service accounts; all of them only in readers"}.`,
        ),
    );
    return v.array(
        principal,
        ({ input }) =>
            `${typeMismatch(input, "a list")} Allowed: a list of IAM principals.${listSuggestion(input, principal)}` +
            (typeof input === "string" ? ` Set it with: pulumi config set --path '${key}[0]' PRINCIPAL` : ""),
    );
};

/** Suggests a list for text that has one item, or several with commas between them. */
function listSuggestion(input: unknown, item: v.GenericSchema<unknown, string>): string {
    const items = typeof input === "string" ? input.split(/[\s,;]+/).filter((each) => each !== "") : [];
    const list = JSON.stringify(items);
    return items.length > 0 && list.length <= 120 && items.every((each) => v.is(item, each))
        ? ` Did you mean ${list}?`
        : "";
}

/**
 * Reports each item of a list that equals an earlier one.
 *
 * @param identity the part of an item that is compared
 * @param noun what an item is called in the message
 * @param comparison how items are compared, for the message about items that differ in spelling
 */
const unique = (identity: (item: string) => string, noun: string, comparison: string) =>
    v.rawCheck<string[]>(({ dataset, addIssue }) => {
        if (!dataset.typed) return;
        for (const [first, second, index] of duplicates(dataset.value, identity)) {
            addIssue({
                message: `is listed twice${first === second ? "" : ` (${comparison})`}. Allowed: each ${noun} once.`,
                input: second,
                path: [{ type: "array", origin: "value", input: dataset.value, key: index, value: second }],
            });
        }
    });

const generation = matching(
    /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/,
    'key generation names of 1 to 63 letters, digits, ., _ and -, for example "2026-11" (with the quotes)',
);
const generations = v.pipe(
    v.array(
        generation,
        ({ input }) =>
            `${typeMismatch(input, "a list")} Allowed: a list of key generation names.${listSuggestion(input, generation)}`,
    ),
    v.maxLength(10, ({ input }) => `has ${input.length} keys. Allowed: at most 10 for each account.`),
    unique((name) => name.toLowerCase(), "generation", "case is ignored"),
);

const packageName = matching(
    // The name of a file matches too.
    /^(?!.*(?:\.whl|\.git|-\d.*\.(?:zip|egg|dist-info|egg-info|tar\.(?:gz|bz2|xz)))$)[a-z0-9](?:[a-z0-9._-]*[a-z0-9]|[a-z0-9._-]*\*)?$/i,
    'a package name (acme-core), or a prefix that ends with an asterisk ("acme-*")',
    pasted.packageNames,
    /^(?!.*\.(?:whl|zip|git|egg|dist-info|egg-info|tar\.[a-z0-9]+|txt|in|toml|lock|py)$)[a-z0-9](?:[a-z0-9._-]*[a-z0-9]|[a-z0-9._-]*\*)?$/i,
);
const internalPackages = v.pipe(
    v.array(
        packageName,
        ({ input }) =>
            `${typeMismatch(input, "a list")} Allowed: a list of package names and prefixes.${listSuggestion(input, packageName)}`,
    ),
    unique(normalizedName, "package", "case is ignored; -, _ and . are equal"),
);

/** What a cleanup policy does with the versions that it matches. */
export const CleanupAction = { DELETE: "DELETE", KEEP: "KEEP" } as const;
/** What a cleanup policy does with the versions that it matches. */
export type CleanupAction = (typeof CleanupAction)[keyof typeof CleanupAction];

/** Whether a version has a tag. Versions of Python packages have none. */
export const TagState = { TAGGED: "TAGGED", UNTAGGED: "UNTAGGED", ANY: "ANY" } as const;
/** Whether a version has a tag. Versions of Python packages have none. */
export type TagState = (typeof TagState)[keyof typeof TagState];

/** Which accesses to the registry are logged. */
export const AuditLogType = {
    ADMIN_READ: "ADMIN_READ",
    DATA_READ: "DATA_READ",
    DATA_WRITE: "DATA_WRITE",
} as const;
/** Which accesses to the registry are logged. */
export type AuditLogType = (typeof AuditLogType)[keyof typeof AuditLogType];

/** Schema of `existing`, of the repository, an account, a pool or a mirror. */
export const existing = v.exactOptional(oneOf(["use", "adopt"]));

/** The keys of an entry of `serviceAccounts`. */
export const accountEntries = {
    access: oneOf(roles),
    existing,
    displayName: v.exactOptional(
        v.pipe(
            text("at most 100 bytes in UTF-8"),
            v.maxBytes(100, "is too long. Allowed: at most 100 bytes in UTF-8."),
        ),
    ),
    keys: v.exactOptional(generations),
    impersonators: v.exactOptional(
        v.pipe(
            principals("serviceAccounts.ID.impersonators", "act as the account"),
            unique(canonicalPrincipal, "principal", "case is ignored"),
            v.transform((listed) => listed.map(canonicalPrincipal)),
        ),
    ),
};

/** Schema of the id of an account in the project of the registry. */
export const accountId = matching(
    /^[a-z][a-z0-9-]{4,28}[a-z0-9]$/,
    "account ids of 6 to 30 lowercase letters, digits and hyphens, starting with a letter and not ending with a hyphen",
    pasted.accountIds,
);

const serviceAccounts = record(
    matching(
        /^[a-z][a-z0-9-]{4,28}[a-z0-9](?:@[a-z0-9.-]+\.iam\.gserviceaccount\.com)?$/,
        "account ids of 6 to 30 lowercase letters, digits and hyphens, starting with a letter and not ending with a hyphen; for an existing account of another project, its address NAME@PROJECT.iam.gserviceaccount.com",
        pasted.accountAddresses,
    ),
    object(accountEntries, "a map with the keys access, existing, displayName, keys and impersonators"),
    "a map from account id to {access, existing, displayName, keys, impersonators}",
);

/** The service accounts of a stack whose configuration doesn't set `serviceAccounts`. */
const defaultAccounts = { "python-publisher": { access: "writer" } } as const;

/** The settings: the schema and the default of every key in the namespace. */
export const entries = {
    location,
    repository: v.optional(repositoryId, "python"),
    existing,
    description: v.exactOptional(text("a string")),
    labels: v.optional(labels, {}),
    readers: v.optional(principals("readers"), []),
    writers: v.optional(principals("writers", "upload"), []),
    admins: v.optional(principals("admins", "delete packages"), []),
    access: v.optional(oneOf(["authoritative", "additive"]), "authoritative"),
    allowPublic: v.optional(boolean, false),
    serviceAccounts: v.optional(serviceAccounts, defaultAccounts),
    // Only their types are checked here. `parseWorkloadSettings` checks the rest, in a stack that sets them.
    workloads: v.exactOptional(map("a map from name to {type, access, …}")),
    pool: v.exactOptional(map("a map with the keys id, project, projectNumber and existing")),
    projectNumber: v.exactOptional(
        v.union(
            [v.string(), v.number()],
            ({ input }) => `${typeMismatch(input, "a number")} Allowed: a project number.`,
        ),
    ),
    publicPackages: v.optional(oneOf(["pypi", "mirror", "none"]), "pypi"),
    // Only its type is checked here. `parseMirror` checks the rest.
    mirror: v.exactOptional(
        map(
            "a map with the keys upstream, username, passwordSecret, allow, repository, virtualRepository, existing and existingRules",
        ),
    ),
    // `cooldownMistakes` checks it, in a stack that sets it.
    cooldown: v.exactOptional(v.custom<{ days: number }>(() => true)),
    internalPackages: v.optional(internalPackages, []),
    // Only their types are checked here. `parseLifecycleSettings` checks the rest, in a stack that sets them.
    cleanup: v.exactOptional(map("a map with the keys policies and dryRun")),
    encryption: v.exactOptional(map("a map with the key kmsKey")),
    scanning: v.exactOptional(boolean),
    auditLogs: v.exactOptional(
        v.array(
            v.unknown(),
            ({ input }) =>
                `${typeMismatch(input, "a list")} Allowed: a list of ADMIN_READ, DATA_READ, DATA_WRITE.`,
        ),
    ),
    keyring: v.optional(oneOf(["auto", "import", "subprocess"]), "auto"),
    enableApis: v.optional(boolean, true),
    protect: v.optional(boolean, true),
};
/**
 * The settings whose values are lists, maps or booleans. Pulumi passes every value as a string, and these values as JSON.
 *
 * @see https://www.pulumi.com/docs/iac/concepts/config/#structured-configuration
 */
export const jsonSettings: ReadonlySet<string> = new Set(
    Object.keys(entries).filter(
        (name) => !["string", "picklist"].includes(describeType(entries[name as Setting])),
    ),
);
type Setting = keyof typeof entries;

/** The type of a schema, without the wrappers that make it optional. */
function describeType(schema: v.GenericSchema): string {
    const { wrapped } = schema as { wrapped?: v.GenericSchema };
    return wrapped === undefined ? schema.type : describeType(wrapped);
}

/** Whether a value is a map, which excludes null and lists. */
export function isRecord(value: unknown): value is Record<string, unknown> {
    return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A value as a map: empty if it is none. */
export function toRecord(value: unknown): Record<string, unknown> {
    return isRecord(value) ? value : {};
}

/** Every value whose identity equals that of an earlier value, as [earlier value, value, index of the value]. */
export function duplicates(
    values: readonly string[],
    identity: (value: string) => string,
): [first: string, second: string, index: number][] {
    const first = new Map<string, string>();
    return values.flatMap((value, index): [string, string, number][] => {
        const earlier = first.get(identity(value));
        if (earlier !== undefined) {
            return [[earlier, value, index]];
        }
        first.set(identity(value), value);
        return [];
    });
}
