import * as v from "valibot";
import { isRegionForm, locations } from "../names/locations";
import { normalizedName } from "../names/package-names";
import { isPublic, principalMistake, type Role, roles } from "../names/principals";
import { stackLabel } from "../names/stack-mark";
import { belongs, meant, meantSpelling, shown } from "./wording";

// What each key of the configuration may be, in words that follow the key and its value. A message ends with what was
// likely meant.

/** The namespace of this project's configuration. */
export const namespace = "python-registry";

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
const flag = v.boolean((issue) => `${belongs(issue.input, "true or false")} Allowed: true, false.`);
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

const projectPattern =
    /^(?:[a-z][a-z0-9-]{4,28}[a-z0-9]|(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]*[a-z0-9])?:[a-z](?:[a-z0-9-]{0,28}[a-z0-9])?)$/;
/** `gcp:project`: a project id, domain-scoped or not. */
export const projectId = v.pipe(
    v.string("is not set. Allowed: a project id. Set it with: pulumi config set gcp:project PROJECT_ID"),
    v.regex(
        projectPattern,
        ({ input }) =>
            `is not valid. Allowed: 6 to 30 lower-case letters, digits and hyphens, starting with a letter; older projects have their domain in front (example.com:tools).${input.includes(":") ? "" : meantSpelling(input, projectPattern)}`,
    ),
);

const location = v.pipe(
    v.string(
        `is not set. Allowed: a region, or us, europe, asia. Set it with: pulumi config set ${namespace}:location LOCATION`,
    ),
    v.check(
        // `unknownRegion` decides on a region that is not in the list.
        (value) => locations.includes(value) || isRegionForm(value),
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

/** The provider sets the first on every resource, unless it is told not to; the stack sets the second. */
const ownLabels = ["goog-pulumi-provisioned", stackLabel];

const labels = v.pipe(
    record(
        v.pipe(
            matching(
                /^[\p{Ll}\p{Lo}][\p{Ll}\p{Lo}\p{N}_-]{0,62}$/u,
                "label keys of 1 to 63 lower-case letters, digits, _ and -, starting with a letter",
            ),
            v.notValues(ownLabels, "is a label that Pulumi or this program sets itself. Allowed: any other."),
        ),
        matching(
            /^[\p{Ll}\p{Lo}\p{N}_-]{0,63}$/u,
            "label values of at most 63 lower-case letters, digits, _ and -",
        ),
        "labels",
    ),
    v.check(
        (value) => Object.keys(value).length <= 64 - ownLabels.length,
        ({ input }) =>
            `has ${Object.keys(input).length} labels. Allowed: at most ${64 - ownLabels.length}: a resource takes 64, and Pulumi and this program add ${ownLabels.length}.`,
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

/** Adds a mistake for each item of a list that was there already, going by what they are compared by. */
const once = (identity: (item: string) => string, what: string, why: string) =>
    v.rawCheck<string[]>(({ dataset, addIssue }) => {
        if (!dataset.typed) return;
        for (const [first, second, index] of repeated(dataset.value, identity)) {
            addIssue({
                message: `is listed twice${first === second ? "" : ` (${why})`}. Allowed: each ${what} once.`,
                input: second,
                path: [{ type: "array", origin: "value", input: dataset.value, key: index, value: second }],
            });
        }
    });

const generations = v.pipe(
    v.array(
        matching(
            /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/,
            'key generation names of 1 to 63 letters, digits, ., _ and -, as in "2026-11" (with the quotes)',
        ),
        ({ input }) => `${belongs(input, "a list")} Allowed: a list of key generation names.`,
    ),
    v.maxLength(10, ({ input }) => `names ${input.length} keys. Allowed: at most 10 an account.`),
    once((name) => name.toLowerCase(), "generation", "case does not count"),
);

const internalPackages = v.pipe(
    v.array(
        matching(
            /^[a-z0-9](?:[a-z0-9._-]*[a-z0-9]|[a-z0-9._-]*\*)?$/i,
            'package names as on an index (acme-core), or a prefix with an asterisk at its end ("acme-*")',
        ),
        ({ input }) => `${belongs(input, "a list")} Allowed: a list of package names and prefixes.`,
    ),
    once(normalizedName, "package", "-, _, . and case do not count"),
);

const existing = v.exactOptional(oneOf(["use", "adopt"]));

/** What an account of `serviceAccounts` takes. */
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
};

const serviceAccounts = record(
    matching(
        /^[a-z][a-z0-9-]{4,28}[a-z0-9]$/,
        "account ids of 6 to 30 lower-case letters, digits and hyphens, starting with a letter and not ending with a hyphen",
    ),
    only(accountEntries, "access, existing, displayName and keys"),
    "account ids to {access, existing, displayName, keys}",
);

/** The accounts of a stack that names none. */
export const defaultAccounts = { "python-publisher": { access: "writer" } } as const;

/** Every key of the namespace, with its default. */
export const entries = {
    location,
    repository: v.optional(repositoryId, "python"),
    existing,
    description: v.exactOptional(text("text")),
    labels: v.optional(labels, {}),
    readers: v.optional(principals("reader"), []),
    writers: v.optional(principals("writer"), []),
    admins: v.optional(principals("admin"), []),
    access: v.optional(oneOf(["authoritative", "additive"]), "authoritative"),
    allowPublic: v.optional(flag, false),
    serviceAccounts: v.optional(serviceAccounts, defaultAccounts),
    internalPackages: v.optional(internalPackages, []),
    keyring: v.optional(oneOf(["auto", "import", "subprocess"]), "auto"),
    enableApis: v.optional(flag, true),
    protect: v.optional(flag, true),
};
/** The namespace as a whole. Unknown keys are found by `unusedKeys`. */
export const schema = only(entries, "settings");

/**
 * The settings whose values are lists, maps and switches. Pulumi hands every value over as text, these as JSON.
 *
 * @see https://www.pulumi.com/docs/iac/concepts/config/#structured-configuration
 */
export const structured: ReadonlySet<string> = new Set(
    Object.keys(entries).filter((name) => !["string", "picklist"].includes(typeOf(entries[name as Setting]))),
);
type Setting = keyof typeof entries;

/** The type that a schema begins with. */
function typeOf(schema: v.GenericSchema): string {
    const { wrapped } = schema as { wrapped?: v.GenericSchema };
    return wrapped === undefined ? schema.type : typeOf(wrapped);
}

/** Whether a value is a map: not null, and no list. */
export function isRecord(value: unknown): value is Record<string, unknown> {
    return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Values that have the same identity as an earlier one: the earlier one, the value, and its index. */
export function repeated(
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
