import * as pulumi from "@pulumi/pulumi";
import { closest, distance } from "fastest-levenshtein";
import * as v from "valibot";
import type { KeyringProvider } from "./clients/pip";
import { locations } from "./locations";
import {
    canonicalPrincipal,
    countPrincipals,
    isPublic,
    policyLimits,
    principalMistake,
    type PrincipalsByRole,
    principalsByRole,
    type Role,
    roles,
} from "./principals";
import type { RegistryServiceAccount } from "./registry";
import type { AccessMode } from "./repository-access";

/** A stack's configuration: validated, with the defaults filled in, plain values only. */
export interface Settings {
    /** Google Cloud project id, domain-scoped (`example.com:tools`) or not. */
    readonly project: string;
    /** Region or multi-region. */
    readonly location: string;
    /** Repository id. */
    readonly repository: string;
    readonly description?: string;
    readonly labels: Readonly<Record<string, string>>;
    /** IAM principals, addresses in lower case. */
    readonly readers: readonly string[];
    readonly writers: readonly string[];
    readonly admins: readonly string[];
    /** Whether the stack owns each role's members or only adds its own. */
    readonly access: AccessMode;
    /** Dedicated accounts by account id. */
    readonly serviceAccounts: Readonly<Record<string, RegistryServiceAccount>>;
    readonly keyring: KeyringProvider;
    readonly enableApis: boolean;
    /** Refuse to delete or replace the repository. */
    readonly protect: boolean;
}

/** What a configuration amounts to: settings, or every mistake in it. */
export type ParsedSettings =
    | { readonly settings: Settings; readonly notices: readonly string[] }
    | { readonly mistakes: readonly string[] };

const namespace = "python-registry";

/**
 * Reads the stack's configuration and validates all of it.
 *
 * @throws pulumi.RunError that lists every mistake, with key, value, what is allowed and the likely meant value.
 */
export function readSettings(): Settings {
    const secretKeys = JSON.parse(process.env["PULUMI_CONFIG_SECRET_KEYS"] ?? "[]") as string[];
    const parsed = parseSettings(pulumi.runtime.allConfig(), new Set(secretKeys));
    if ("mistakes" in parsed) {
        const count = parsed.mistakes.length === 1 ? "a mistake" : `${parsed.mistakes.length} mistakes`;
        throw new pulumi.RunError(
            `The configuration of stack "${pulumi.getStack()}" has ${count}; nothing was changed.\n` +
                parsed.mistakes.map((mistake) => `  - ${mistake}`).join("\n"),
        );
    }
    for (const notice of parsed.notices) {
        void pulumi.log.warn(notice);
    }
    return parsed.settings;
}

/**
 * Turns configuration as Pulumi hands it to a program into settings.
 *
 * @param config full key (`python-registry:readers`) → text; lists, maps and booleans as JSON
 * @param secretKeys full keys whose values must not be repeated
 */
export function parseSettings(
    config: Readonly<Record<string, string>>,
    secretKeys: ReadonlySet<string> = new Set(),
): ParsedSettings {
    const raw = Object.fromEntries(
        Object.entries(config)
            .filter(([key]) => key.startsWith(`${namespace}:`))
            .map(([key, text]) => [key.slice(namespace.length + 1), text] as const)
            // An empty text is how a declared default says "not set".
            .filter(([name, text]) => text !== "" || !unsetWhenEmpty.has(name))
            .map(([name, text]) => [name, structured.has(name) ? json(text) : text]),
    );
    const region = config["gcp:region"];
    const regional = raw["location"] === undefined && region !== undefined;
    const given: Record<string, unknown> = regional ? { ...raw, location: region } : raw;
    const fullKey = (name: string) =>
        regional && name === "location" ? "gcp:region" : `${namespace}:${name}`;
    const show: Show = (name, value) => (secretKeys.has(fullKey(name)) ? "[secret]" : shown(value));
    const say: Say = ([name, ...path], value, message) => {
        const key = fullKey(name);
        return secretKeys.has(key)
            ? `${key}: [secret] ${withoutSuggestion(message)}`
            : `${key}${configPath(path)}: ${sentence(value, message)}`;
    };

    const project = v.safeParse(projectId, config["gcp:project"]);
    const own = v.safeParse(schema, given);
    const mistakes = [
        ...(project.issues ?? []).map(({ input, message }) =>
            secretKeys.has("gcp:project")
                ? `gcp:project: [secret] ${withoutSuggestion(message)}`
                : `gcp:project: ${sentence(input, message)}`,
        ),
        ...(own.issues ?? []).map(({ path = [], input, message }) =>
            say(path.map(({ key }) => key) as unknown as ConfigPath, input, message),
        ),
        ...unusedKeys(given, say, show),
        ...acrossLists(given, config["gcp:project"] ?? "", say, show),
    ];
    if (mistakes.length > 0 || !own.success || !project.success) {
        return { mistakes };
    }
    const { allowPublic: _, ...values } = own.output;
    const settings: Settings = {
        ...values,
        project: project.output,
        readers: values.readers.map(canonicalPrincipal),
        writers: values.writers.map(canonicalPrincipal),
        admins: values.admins.map(canonicalPrincipal),
    };
    const secret = ["gcp:project", ...["readers", "writers", "admins", "serviceAccounts"].map(fullKey)].some(
        (key) => secretKeys.has(key),
    );
    return { settings, notices: redundantGrants(principalsByRole(settings), secret) };
}

// ---------------------------------------------------------------------------------------------------- the schema

const text = (allowed: string) => v.string((issue) => `${belongs(issue.input, "text")} Allowed: ${allowed}.`);
const matching = (pattern: RegExp, allowed: string) =>
    v.pipe(
        text(allowed),
        v.regex(pattern, ({ input }) => `is not valid. Allowed: ${allowed}.${meantSpelling(input, pattern)}`),
    );
const oneOf = <const T extends readonly string[]>(options: T) =>
    v.picklist(
        options,
        ({ input }) =>
            `${input === undefined ? "is not set" : "is not valid"}. Allowed: ${options.join(", ")}.${meant(input, options)}`,
    );
const flag = v.boolean((issue) => belongs(issue.input, "true or false"));
const map = (of: string) => v.custom(isRecord, ({ input }) => belongs(input, `a map of ${of}`));

/** A map of anything, by name. */
const record = <K extends v.BaseSchema<string, string, v.BaseIssue<unknown>>, V extends v.GenericSchema>(
    key: K,
    value: V,
    of: string,
) => v.pipe(map(of), v.record(key, value));

/** A map of these entries; `unusedKeys` finds what else is in it. */
const only = <T extends v.ObjectEntries>(entries: T, of: string) =>
    v.pipe(
        map(of),
        // What is missing is said in the words of the entry itself.
        v.object(entries, ({ path }) => {
            const missing = entries[String(path?.[0].key)];
            return missing ? (v.safeParse(missing, undefined).issues?.[0].message ?? "") : "";
        }),
    );

const projectPattern = /^(?:(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$/;
const projectId = v.pipe(
    v.string("is not set. Allowed: a project id. Set it with: pulumi config set gcp:project PROJECT_ID"),
    v.regex(
        projectPattern,
        ({ input }) =>
            `is not valid. Allowed: 6 to 30 lower-case letters, digits and hyphens, starting with a letter; older projects have their domain in front (example.com:tools-1).${meantSpelling(input, projectPattern)}`,
    ),
);

const location = v.pipe(
    v.string(
        `is not set. Allowed: a region, or us, europe, asia. Set it with: pulumi config set ${namespace}:location LOCATION`,
    ),
    v.check(
        (value) => locations.includes(value),
        ({ input }) =>
            `is an unknown location. Allowed: a region such as europe-west1, or us, europe, asia.${meant(input, locations)}`,
    ),
);

const repositoryId = v.pipe(
    matching(
        /^[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
        "1 to 63 lower-case letters, digits and hyphens, starting with a letter and not ending with a hyphen",
    ),
    // A .pypirc names its sections after the repositories and keeps this one for its own list.
    v.notValue(
        "distutils",
        "cannot be told from .pypirc's own section of this name. Allowed: any other name.",
    ),
);

const labels = v.pipe(
    record(
        matching(
            /^[\p{Ll}\p{Lo}][\p{Ll}\p{Lo}\p{N}_-]{0,62}$/u,
            "as a label's key 1 to 63 lower-case letters, digits, _ and -, starting with a letter",
        ),
        matching(
            /^[\p{Ll}\p{Lo}\p{N}_-]{0,63}$/u,
            "as a label's value at most 63 lower-case letters, digits, _ and -",
        ),
        "labels",
    ),
    v.check(
        (value) => Object.keys(value).length <= 64,
        ({ input }) => `has ${Object.keys(input).length} labels. Allowed: at most 64.`,
    ),
);

const principals = (role: Role) =>
    v.array(
        v.pipe(
            text("an IAM principal, as in group:team@example.com"),
            v.check(
                (value) => principalMistake(value) === undefined,
                ({ input }) => principalMistake(input) ?? "",
            ),
            v.check(
                (value) => role === "reader" || !isPublic(value),
                `would let everyone ${role === "writer" ? "upload" : "delete packages"}. Allowed: allUsers and allAuthenticatedUsers only among the readers, and only with allowPublic: true.`,
            ),
        ),
        ({ input }) =>
            `${belongs(input, "a list")} Allowed: a list of IAM principals.` +
            (typeof input === "string"
                ? ` Did you mean ${shown([input])}? Set it with: pulumi config set --path '${namespace}:${role}s[0]' PRINCIPAL`
                : ""),
    );

const generations = v.pipe(
    v.array(
        matching(
            /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/,
            'as a key generation\'s name 1 to 63 letters, digits, ., _ and -, as in "2026-11" (with the quotes)',
        ),
        ({ input }) => `${belongs(input, "a list")} Allowed: a list of key generation names.`,
    ),
    v.maxLength(10, ({ input }) => `names ${input.length} keys. Allowed: at most 10 an account.`),
    v.rawCheck(({ dataset, addIssue }) => {
        if (dataset.typed) {
            for (const [first, second, index] of repeated(dataset.value, (name) => name.toLowerCase())) {
                const spelled = first === second ? "" : " (case does not count)";
                addIssue({
                    message: `is listed twice${spelled}. Allowed: each generation once.`,
                    input: second,
                    path: [
                        { type: "array", origin: "value", input: dataset.value, key: index, value: second },
                    ],
                });
            }
        }
    }),
);

const accountEntries = {
    access: oneOf(roles),
    displayName: v.exactOptional(
        v.pipe(
            text("at most 100 characters"),
            v.maxLength(100, "is too long. Allowed: at most 100 characters."),
        ),
    ),
    keys: v.exactOptional(generations),
};

const serviceAccounts = record(
    matching(
        /^[a-z][a-z0-9-]{4,28}[a-z0-9]$/,
        "as an account id 6 to 30 lower-case letters, digits and hyphens, starting with a letter and not ending with a hyphen",
    ),
    only(accountEntries, "access, displayName and keys"),
    "account ids to {access, displayName, keys}",
);

const entries = {
    location,
    repository: v.optional(repositoryId, "python"),
    description: v.exactOptional(text("text")),
    labels: v.optional(labels, {}),
    readers: v.optional(principals("reader"), []),
    writers: v.optional(principals("writer"), []),
    admins: v.optional(principals("admin"), []),
    access: v.optional(oneOf(["authoritative", "additive"]), "authoritative"),
    allowPublic: v.optional(flag, false),
    serviceAccounts: v.optional(serviceAccounts, { "python-publisher": { access: "writer" } }),
    keyring: v.optional(oneOf(["auto", "import", "subprocess"]), "auto"),
    enableApis: v.optional(flag, true),
    protect: v.optional(flag, true),
};
const schema = only(entries, "settings");

// Pulumi hands every value over as text: lists, maps and booleans as JSON. What is no JSON stays text, so that the
// schema can say what it found.
const structured = new Set([
    "labels",
    "readers",
    "writers",
    "admins",
    "allowPublic",
    "serviceAccounts",
    "enableApis",
    "protect",
]);
const unsetWhenEmpty = new Set(["location", "description"]);

function json(value: string): unknown {
    try {
        return JSON.parse(value);
    } catch {
        return value;
    }
}

// ------------------------------------------------------------------------------------------ what no single key shows

/** Every key that no schema has a use for; the parser would leave it out in silence. */
function unusedKeys(given: Readonly<Record<string, unknown>>, say: Say, show: Show): string[] {
    const message = (name: string, value: unknown, key: string, known: readonly string[]) =>
        `is an unknown key (its value: ${show(name, value)}). Allowed: ${known.join(", ")}.${meant(key, known)}`;
    const settingNames = Object.keys(entries);
    const accountNames = Object.keys(accountEntries);
    const accounts = isRecord(given["serviceAccounts"]) ? given["serviceAccounts"] : {};
    // Names that every JavaScript object has: the parser skips them.
    const reserved = ["labels", "serviceAccounts"].flatMap((name) =>
        Object.keys(isRecord(given[name]) ? given[name] : {})
            .filter((key) => ["__proto__", "constructor", "prototype"].includes(key))
            .map((key) => say([name, key], key, "is a reserved name. Allowed: any other.")),
    );
    return [
        // What is secret is the value, not the name that it stands under.
        ...Object.entries(given)
            .filter(([name]) => !settingNames.includes(name))
            .map(
                ([name, value]) =>
                    `${namespace}:${name}: ${shown(name)} ${message(name, value, name, settingNames)}`,
            ),
        ...Object.entries(accounts).flatMap(([id, account]) =>
            Object.entries(isRecord(account) ? account : {})
                .filter(([key]) => !accountNames.includes(key))
                .map(([key, value]) =>
                    say(
                        ["serviceAccounts", id, key],
                        key,
                        message("serviceAccounts", value, key, accountNames),
                    ),
                ),
        ),
        ...reserved,
    ];
}

/** Mistakes that show only when a list is read as a whole, or with the others. */
function acrossLists(
    given: Readonly<Record<string, unknown>>,
    project: string,
    say: Say,
    show: Show,
): string[] {
    const lists: PrincipalsByRole = {
        reader: strings(given["readers"]),
        writer: strings(given["writers"]),
        admin: strings(given["admins"]),
    };
    const accounts = isRecord(given["serviceAccounts"]) ? given["serviceAccounts"] : {};
    const policy = principalsByRole({
        project,
        readers: lists.reader,
        writers: lists.writer,
        admins: lists.admin,
        serviceAccounts: Object.fromEntries(
            Object.entries(accounts).filter((entry): entry is [string, RegistryServiceAccount] =>
                isRecord(entry[1]),
            ),
        ),
    });
    const mistakes: string[] = [];
    for (const role of roles) {
        const list = (value: string, message: string) => mistakes.push(say([`${role}s`], value, message));
        for (const [first, second] of repeated(lists[role], canonicalPrincipal)) {
            const spelled = first === second ? "" : ` (as ${show(`${role}s`, first)}: case does not count)`;
            list(second, `is listed twice${spelled}. Allowed: each principal once.`);
        }
        const dedicated = new Set(policy[role].slice(lists[role].length));
        for (const principal of lists[role].filter((listed) => dedicated.has(canonicalPrincipal(listed)))) {
            list(principal, "has this role by serviceAccounts already. Allowed: each principal once.");
        }
        if (role === "reader" && given["allowPublic"] !== true) {
            for (const principal of lists.reader.filter(isPublic)) {
                list(
                    principal,
                    `would let everyone download. Allowed: only with ${namespace}:allowPublic: true, if that is meant.`,
                );
            }
        }
    }
    const { principals, groupsAndDomains } = countPrincipals(policy);
    const keys = `${namespace}:readers, writers, admins, serviceAccounts`;
    if (principals > policyLimits.principals) {
        mistakes.push(
            `${keys}: ${principals} principals are too many for one policy. Allowed: at most ${policyLimits.principals}, every appearance counted. Use groups.`,
        );
    }
    if (groupsAndDomains > policyLimits.groupsAndDomains) {
        mistakes.push(
            `${keys}: ${groupsAndDomains} groups and domains are too many for one policy. Allowed: at most ${policyLimits.groupsAndDomains}, a group counted once, a domain at every appearance. Nest groups.`,
        );
    }
    return mistakes;
}

/** Says which grants add nothing, since a wider role is held by the same principal; not by whom if that is secret. */
function redundantGrants(policy: PrincipalsByRole, secret: boolean): string[] {
    return roles.flatMap((role, index) =>
        roles
            .slice(index + 1)
            .flatMap((wider) =>
                policy[role]
                    .filter((principal) => policy[wider].includes(principal))
                    .map(
                        (principal) =>
                            `${secret ? "A principal" : principal} is both ${role} and ${wider}; ${wider} includes ${role}.`,
                    ),
            ),
    );
}

/** Values that have the same identity as an earlier one: the earlier one, the value, and its index. */
function repeated(
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

// --------------------------------------------------------------------------------------------------------- the words

/** Where a value stands: the name of a setting, then names and indices in its value. */
type ConfigPath = readonly [name: string, ...path: (string | number)[]];

/** A value of a setting as a message shows it, unless it is secret. */
type Show = (name: string, value: unknown) => string;

/** Words a mistake; a value that is secret is left out, with everything that would tell something of it. */
type Say = (path: ConfigPath, value: unknown, message: string) => string;

function sentence(value: unknown, message: string): string {
    return value === undefined ? message : `${shown(value)} ${message}`;
}

/** A message ends with what was likely meant, which is close to the value. */
function withoutSuggestion(message: string): string {
    return message.replace(/ Did you mean .*/s, "");
}

/** The path below a key, as `pulumi config set --path` takes it. */
function configPath(path: readonly (string | number)[]): string {
    return path
        .map((key) =>
            typeof key === "number" ? `[${key}]` : /^[\w-]+$/.test(key) ? `.${key}` : `[${shown(key)}]`,
        )
        .join("");
}

function shown(value: unknown): string {
    const text = JSON.stringify(value);
    // Not between the halves of one character.
    return text.length <= 120 ? text : `${text.slice(0, 117).replace(/[\ud800-\udbff]$/, "")}…`;
}

function belongs(value: unknown, expected: string): string {
    const found = Array.isArray(value)
        ? "a list"
        : value === null
          ? "an empty value"
          : { string: "a text", number: "a number", boolean: "true or false", object: "a map" }[
                typeof value as string
            ];
    return `is ${found ?? "something else"} where ${expected} belongs.`;
}

function meant(input: unknown, options: readonly string[]): string {
    if (typeof input !== "string") {
        return "";
    }
    const lower = input.toLowerCase();
    // Who writes eu or read has begun a word.
    const begun = lower.length > 1 && options.find((option) => option.toLowerCase().startsWith(lower));
    const near = begun || closest(lower, [...options]);
    const tolerance = Math.max(2, Math.floor(input.length / 3));
    return begun || distance(lower, near.toLowerCase()) <= tolerance ? ` Did you mean "${near}"?` : "";
}

/** The same name as the pattern allows it, if it is only spelled otherwise. */
function meantSpelling(input: string, pattern: RegExp): string {
    const lower = input.trim().toLowerCase();
    const hyphens = lower.replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "");
    const near = [input.trim(), lower, hyphens].find((spelling) => pattern.test(spelling));
    return near === undefined ? "" : ` Did you mean "${near}"?`;
}

function strings(value: unknown): string[] {
    return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

function isRecord(value: unknown): value is Record<string, unknown> {
    return typeof value === "object" && value !== null && !Array.isArray(value);
}
