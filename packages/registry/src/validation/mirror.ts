import * as v from "valibot";
import { isAmong, normalizedName } from "../names/package-names";
import { repositoryName, repositoryUrls } from "../names/urls";
import { managedByOwner, strings } from "./checks";
import { parseEntry } from "./entry";
import { duplicates, existing, isRecord, matching, record, repositoryId, toRecord } from "./schema";
import { type FormatValue, type ReportMistake, typeMismatch } from "./wording";

// `mirror`: where public packages come from if this registry passes them on. Only a registry with a mirror loads this file.

const repositoryPattern =
    /^projects\/([a-z0-9.:-]+)\/locations\/([a-z0-9-]+)\/repositories\/([a-z](?:[a-z0-9-]{0,61}[a-z0-9])?)$/;
const upstreamForms =
    "pypi, the https URL of an index without a login, or projects/PROJECT/locations/LOCATION/repositories/REPOSITORY";

const upstream = v.pipe(
    v.string((issue) => `${typeMismatch(issue.input, "a string")} Allowed: ${upstreamForms}.`),
    v.check(isUpstream, ({ input }) => {
        const hint = /^https?:\/\/[^/]*@/.test(input)
            ? " A login belongs in username and passwordSecret: an address appears in plain text in the state."
            : /^(https:\/\/)?pypi(\.org|\.python\.org)?(\/simple)?\/?$/i.test(input)
              ? ' Did you mean "pypi"?'
              : "";
        return `is not valid. Allowed: ${upstreamForms}.${hint}`;
    }),
);

const publicName = matching(
    /^[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?$/i,
    "exact names of packages: a download rule takes no prefixes",
);

/** The key of `existingRules` for the rule of all packages without a rule of their own. */
export const allPackages = "*";

const ruledPackage = matching(
    /^(?:\*|[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?)$/i,
    'exact names of packages, and "*" for the rule of the whole repository',
);
const existingRules = record(
    ruledPackage,
    matching(
        /^[\w.~:@+^%-]{1,256}$/,
        "the id of a rule, which this command prints: gcloud artifacts rules list --repository=REPOSITORY",
    ),
    "a map from the name of a package to the id of its rule",
);

/** The keys of `mirror`. */
export const mirrorEntries = {
    upstream: v.optional(upstream, "pypi"),
    username: v.exactOptional(
        matching(/^[^\s:]+$/, "the user name for the upstream, without spaces and colons"),
    ),
    passwordSecret: v.exactOptional(
        matching(
            /^projects\/[a-z0-9.:-]+\/secrets\/[\w-]{1,255}\/versions\/(?:\d+|latest)$/,
            "a version of a secret in Secret Manager, projects/PROJECT/secrets/SECRET/versions/VERSION",
        ),
    ),
    allow: v.exactOptional(
        v.pipe(
            v.array(
                publicName,
                ({ input }) => `${typeMismatch(input, "a list")} Allowed: a list of package names.`,
            ),
            v.nonEmpty(
                "lists no package. Allowed: at least one; set publicPackages: none if no public package may come in.",
            ),
        ),
    ),
    repository: v.exactOptional(repositoryId),
    virtualRepository: v.exactOptional(repositoryId),
    existing,
    existingRules: v.exactOptional(existingRules),
};

/** A validated `mirror`. */
export interface Mirror {
    /** `pypi`, the https URL of an index, or the resource name of a repository. */
    readonly upstream: string;
    /** The login for an index with a URL. */
    readonly login?: {
        readonly username: string;
        /** The version of a secret with the password, `projects/P/secrets/S/versions/V`. */
        readonly passwordSecret: string;
    };
    /** Normalized names of the only public packages that come in; undefined if all do that are not internal. */
    readonly allow?: string[];
    /** Id of the remote repository, which fetches public packages and keeps them. */
    readonly repository: string;
    /** Id of the virtual repository, which tools ask. */
    readonly virtualRepository: string;
    /** Set if both repositories exist already. */
    readonly existing?: "use" | "adopt";
    /** The ids of rules that exist already, by normalized names of packages, and by `allPackages`. */
    readonly existingRules?: Readonly<Record<string, string>>;
}

/** The given settings that a mirror depends on. */
export interface GivenMirror {
    readonly mirror?: unknown;
    readonly publicPackages?: unknown;
    readonly project?: unknown;
    readonly location?: unknown;
    readonly repository?: unknown;
    readonly internalPackages?: unknown;
    readonly existing?: unknown;
    readonly access?: unknown;
}

/**
 * Parses `mirror`, and checks it against the other settings.
 *
 * @returns undefined if there is no mirror, or a mistake
 */
export function parseMirror(
    given: GivenMirror,
    report: ReportMistake,
    formatValue: FormatValue,
): Mirror | undefined {
    if (given.publicPackages !== "mirror") {
        // The value can have a login.
        report(["mirror"], undefined, "has no effect. Allowed: only with publicPackages: mirror.");
        return undefined;
    }
    // The schema of the setting has reported this.
    if (given.mirror !== undefined && !isRecord(given.mirror)) return undefined;
    const known = Object.entries(toRecord(given.mirror)).filter(([key]) => !isPasswordKey(key));
    for (const key of Object.keys(toRecord(given.mirror)).filter(isPasswordKey)) {
        report(
            ["mirror", key],
            undefined,
            "would be in plain text in the state. Allowed: passwordSecret, which names a secret in Secret Manager. Replace the password if others have seen this configuration.",
        );
    }
    const { value, mistakes } = parseEntry(mirrorEntries, Object.fromEntries(known), "of mirror", (unknown) =>
        formatValue("mirror", unknown),
    );
    for (const [path, input, message] of mistakes) {
        const [key] = path;
        const hasSecret =
            key === "passwordSecret" ||
            (key === "upstream" && typeof input === "string" && /[@?#]/.test(input));
        report(["mirror", ...path], hasSecret ? undefined : input, message);
    }
    const { allow, upstream: from = "pypi", username, passwordSecret } = toRecord(given.mirror);
    checkNames(given, allow, report);
    checkLogin(from, username, passwordSecret, report);
    checkExisting(given, report);
    const ids = checkIds(given, report);
    if (value === undefined) return undefined;
    return {
        ...ids,
        upstream: value.upstream,
        ...(value.allow === undefined ? {} : { allow: value.allow.map(normalizedName) }),
        ...(value.username === undefined || value.passwordSecret === undefined
            ? {}
            : { login: { username: value.username, passwordSecret: value.passwordSecret } }),
        ...(value.existing === undefined ? {} : { existing: value.existing }),
        ...(value.existingRules === undefined
            ? {}
            : {
                  existingRules: Object.fromEntries(
                      Object.entries(value.existingRules).map(([name, id]) => [normalizedName(name), id]),
                  ),
              }),
    };
}

/** Reports mistakes in the settings of repositories and rules that already exist. */
function checkExisting(given: GivenMirror, report: ReportMistake): void {
    const { existing: used, existingRules: rules, ...mirror } = toRecord(given.mirror);
    if (used === undefined) {
        if (rules !== undefined) {
            report(
                ["mirror", "existingRules"],
                undefined,
                "has no effect. Allowed: only with mirror.existing.",
            );
        }
        return;
    }
    if (given.existing === undefined && given.access === undefined) {
        report(
            ["access"],
            undefined,
            "is not set. Allowed with mirror.existing: authoritative (the stack removes all other members of the roles that it grants; the preview lists them), additive (the stack only adds its own members).",
        );
    }
    if (used === "use") {
        for (const key of ["username", "passwordSecret", "allow"]) {
            if (mirror[key] !== undefined) report(["mirror", key], undefined, managedByOwner);
        }
    }
    const names = Object.keys(toRecord(rules));
    const ruled = strings(given.internalPackages).concat(strings(mirror["allow"])).map(normalizedName);
    for (const name of names.filter((each) => v.is(ruledPackage, each))) {
        if (name === allPackages ? mirror["allow"] !== undefined : ruled.includes(normalizedName(name)))
            continue;
        report(
            ["mirror", "existingRules", name],
            undefined,
            name === allPackages
                ? "is not a rule of this mirror. Allowed: only with mirror.allow."
                : "is not a package with a rule of this mirror. Allowed: names in internalPackages and mirror.allow.",
        );
    }
    for (const [, second] of duplicates(names, normalizedName)) {
        report(
            ["mirror", "existingRules", second],
            undefined,
            "is listed twice. Allowed: each package once.",
        );
    }
}

/** Whether an unknown key is meant for a password. A message about an unknown key contains its value. */
function isPasswordKey(key: string): boolean {
    return !(key in mirrorEntries) && /pass|pwd|secret|token|credential/i.test(key);
}

/** An id of a rule has at most 256 characters, `package-NAME`. */
const longestName = 256 - "package-".length;

/** Reports internal names that a rule cannot keep out, and names that are both internal and allowed. */
function checkNames({ internalPackages }: GivenMirror, allow: unknown, report: ReportMistake): void {
    const internal = strings(internalPackages).map(normalizedName);
    const tooLong = (name: string) => normalizedName(name).length > longestName;
    const lengthMistake = `is too long for a download rule. Allowed: names of at most ${longestName} characters.`;
    if (allow === undefined) {
        for (const [index, name] of strings(internalPackages).entries()) {
            if (tooLong(name)) report(["internalPackages", index], name, lengthMistake);
            if (!name.endsWith("*")) continue;
            report(
                ["internalPackages", index],
                name,
                "is a prefix, and a download rule takes only exact names: the mirror would pass on public packages with this prefix. " +
                    "Allowed with publicPackages: mirror: exact names; or list in mirror.allow the public packages that may come in.",
            );
        }
        return;
    }
    const allowed = strings(allow);
    for (const [index, name] of allowed.entries()) {
        if (tooLong(name)) report(["mirror", "allow", index], name, lengthMistake);
        if (!isAmong(normalizedName(name), internal)) continue;
        report(
            ["mirror", "allow", index],
            name,
            "is an internal package. Allowed: names that are not in internalPackages.",
        );
    }
    for (const [, second, index] of duplicates(allowed, normalizedName)) {
        report(["mirror", "allow", index], second, "is listed twice. Allowed: each package once.");
    }
}

function checkLogin(from: unknown, username: unknown, secret: unknown, report: ReportMistake): void {
    if (username === undefined && secret === undefined) return;
    if (typeof from === "string" && isUpstream(from) && !from.startsWith("https://")) {
        report(
            ["mirror", username === undefined ? "passwordSecret" : "username"],
            undefined,
            "is set, but the upstream takes no login. Allowed: only with the https URL of an index.",
        );
    }
    for (const [key, value] of Object.entries({ username, passwordSecret: secret })) {
        if (value === undefined)
            report(["mirror", key], undefined, "is not set. Allowed: username and passwordSecret together.");
    }
}

/** The ids of the two repositories, as configured or derived. Reports ids that are too long or not distinct. */
function checkIds(
    given: GivenMirror,
    report: ReportMistake,
): Pick<Mirror, "repository" | "virtualRepository"> {
    const own = typeof given.repository === "string" ? given.repository : "";
    const configured = toRecord(given.mirror);
    const id = (key: "repository" | "virtualRepository", end: string) => {
        const value = configured[key];
        if (typeof value === "string") return value;
        const derived = `${own}-${end}`;
        if (!v.is(repositoryId, derived) && v.is(repositoryId, own)) {
            report(
                ["mirror", key],
                undefined,
                `is not set, and the id of the repository with -${end} is too long. Allowed: an id of at most 63 characters.`,
            );
        }
        return derived;
    };
    const ids = { repository: id("repository", "public"), virtualRepository: id("virtualRepository", "all") };
    for (const [, second] of duplicates([own, ids.repository, ids.virtualRepository], (each) => each)) {
        const key = second === configured["virtualRepository"] ? "virtualRepository" : "repository";
        report(
            ["mirror", key],
            second,
            "is the id of another repository of this registry. Allowed: three different ids.",
        );
    }
    const { project, location } = given;
    if (typeof project === "string" && typeof location === "string") {
        const addresses = [own, ids.repository, ids.virtualRepository].flatMap((repository) => [
            repositoryName({ project, location, repositoryId: repository }),
            repositoryUrls({ project, location, repository }).uploadUrl,
        ]);
        const from = configured["upstream"];
        if (
            typeof from === "string" &&
            addresses.some((own) => `${from}/`.startsWith(`${own.replace(/\/$/, "")}/`))
        ) {
            report(
                ["mirror", "upstream"],
                from,
                "is a repository of this registry itself. Allowed: another repository.",
            );
        }
    }
    return ids;
}

function isUpstream(value: string): boolean {
    if (value === "pypi" || repositoryPattern.test(value)) return true;
    if (!URL.canParse(value)) return false;
    const { protocol, username, password, search, hash } = new URL(value);
    return protocol === "https:" && username + password + search + hash === "" && !/\s/.test(value);
}
