import { isRegionForm, locations } from "../names/locations";
import {
    canonicalPrincipal,
    countPrincipals,
    isPublic,
    policyLimits,
    type PrincipalsByRole,
    principalsByRole,
    type Role,
    roles,
    serviceAccountEmail,
} from "../names/principals";
import { accountEntries, defaultAccounts, duplicates, entries, isRecord } from "./schema";
import { formatJson, type FormatValue, type ReportMistake, suggestion } from "./wording";

// Checks that involve more than one setting, or the whole configuration.

/** The message about an unknown key of a map with fixed keys. */
export function unknownKey(value: string, key: string, known: readonly string[]): string {
    return `is an unknown key (its value: ${value}). Allowed: ${known.join(", ")}.${suggestion(key, known)}`;
}

/** The message about everyone as a reader. */
export const publicReader = "would let everyone download. Allowed: only with allowPublic: true.";

/**
 * Reports every unknown key, which the parser would ignore without a message.
 *
 * @param fullKey adds the namespace to the name of a setting
 */
export function unknownKeys(
    given: Readonly<Record<string, unknown>>,
    report: ReportMistake,
    formatValue: FormatValue,
    fullKey = (name: string) => name,
): string[] {
    const message = (name: string, value: unknown, key: string, known: readonly string[]) =>
        unknownKey(formatValue(name, value), key, known);
    const settingNames = Object.keys(entries);
    const accountNames = Object.keys(accountEntries);
    const accounts = isRecord(given["serviceAccounts"]) ? given["serviceAccounts"] : {};
    // The parser skips these names, because every JavaScript object has them.
    const reserved = ["labels", "serviceAccounts"].flatMap((name) =>
        Object.keys(isRecord(given[name]) ? given[name] : {})
            .filter((key) => ["__proto__", "constructor", "prototype"].includes(key))
            .map((key) => report([name, key], key, "is a reserved name. Allowed: any other name.")),
    );
    return [
        // Only a value can be secret, so the name of an unknown setting is always shown.
        ...Object.entries(given)
            .filter(([name]) => !settingNames.includes(name))
            .map(
                ([name, value]) =>
                    `${fullKey(name)}: ${formatJson(name)} ${message(name, value, name, settingNames)}`,
            ),
        ...Object.entries(accounts).flatMap(([id, account]) =>
            Object.entries(isRecord(account) ? account : {})
                .filter(([key]) => !accountNames.includes(key))
                .map(([key, value]) =>
                    report(
                        ["serviceAccounts", id, key],
                        key,
                        message("serviceAccounts", value, key, accountNames),
                    ),
                ),
        ),
        ...reserved,
    ];
}

/** The setting of the Google provider that turns off its own check of `gcp:region`. */
export const skipRegionValidation = "gcp:skipRegionValidation";

/**
 * Checks a location that has the form of a region but is not in the list. The list can be older than the region.
 *
 * @param skipped whether `gcp:skipRegionValidation` is true
 * @returns a mistake, or a notice if skipped; undefined for every other location
 */
export function unknownRegion(
    location: unknown,
    skipped: boolean,
    report: ReportMistake,
): string | undefined {
    if (typeof location !== "string" || !isRegionForm(location) || locations.includes(location)) {
        return undefined;
    }
    const message = skipped
        ? `is an unknown location. It is accepted because ${skipRegionValidation} is true.`
        : `is an unknown location. Allowed: a region such as europe-west1, or us, europe, asia. If the region is new, run \`pulumi config set ${skipRegionValidation} true\` to accept it.`;
    return report(["location"], location, message + suggestion(location, locations));
}

/** Mistakes in the lists of principals as a whole: duplicates, public access, and the limits of an IAM policy. */
export function policyMistakes(
    given: Readonly<Record<string, unknown>>,
    project: string,
    report: ReportMistake,
    formatValue: FormatValue,
): string[] {
    const lists = givenPrincipals({ ...given, serviceAccounts: {} }, project);
    const policy = givenPrincipals(
        { ...given, serviceAccounts: given["serviceAccounts"] ?? defaultAccounts },
        project,
    );
    const mistakes: string[] = [];
    for (const role of roles) {
        const reportIn = (value: string, message: string) =>
            mistakes.push(report([`${role}s`], value, message));
        for (const [first, second] of duplicates(lists[role], canonicalPrincipal)) {
            const spelled =
                first === second ? "" : ` (also as ${formatValue(`${role}s`, first)}; case is ignored)`;
            reportIn(second, `is listed twice${spelled}. Allowed: each principal once.`);
        }
        const dedicated = new Set(policy[role].slice(lists[role].length));
        for (const principal of lists[role].filter((listed) => dedicated.has(canonicalPrincipal(listed)))) {
            reportIn(
                principal,
                "already has this role through serviceAccounts. Allowed: each principal once.",
            );
        }
        if (role === "reader" && given["allowPublic"] !== true) {
            for (const principal of lists.reader.filter(isPublic)) {
                reportIn(principal, publicReader);
            }
        }
    }
    const { principals: listed, groupsAndDomains } = countPrincipals(policy);
    const workloads = Object.values(isRecord(given["workloads"]) ? given["workloads"] : {});
    const principals =
        listed + workloads.filter((each) => isRecord(each) && each["via"] === undefined).length;
    const reportForAll = (message: string) =>
        mistakes.push(report(["readers, writers, admins, serviceAccounts"], undefined, message));
    if (principals > policyLimits.principals) {
        reportForAll(
            `${principals} principals are too many for one policy. Allowed: at most ${policyLimits.principals}, where a principal counts once for each role. Use groups.`,
        );
    }
    if (groupsAndDomains > policyLimits.groupsAndDomains) {
        reportForAll(
            `${groupsAndDomains} groups and domains are too many for one policy. Allowed: at most ${policyLimits.groupsAndDomains}, where a group counts once and a domain counts once for each role. Nest groups.`,
        );
    }
    return mistakes;
}

/**
 * The principals of each role in settings that were not checked yet. What is no principal or no account is left out.
 *
 * @param project the project of the accounts
 */
export function givenPrincipals(
    { readers, writers, admins, serviceAccounts }: Readonly<Record<string, unknown>>,
    project: string,
): PrincipalsByRole {
    return principalsByRole({
        project,
        readers: strings(readers),
        writers: strings(writers),
        admins: strings(admins),
        serviceAccounts: Object.fromEntries(
            Object.entries(isRecord(serviceAccounts) ? serviceAccounts : {}).filter(
                (entry): entry is [string, { access: Role }] => isRecord(entry[1]),
            ),
        ),
    });
}

/** Mistakes in the settings of resources that already exist. */
export function existingMistakes(
    given: Readonly<Record<string, unknown>>,
    project: string,
    report: ReportMistake,
): string[] {
    const { existing, access, description, labels, serviceAccounts } = given;
    const mistakes: string[] = [];
    const accounts = Object.entries(isRecord(serviceAccounts) ? serviceAccounts : {});
    for (const [address, account] of accounts) {
        if (!address.includes("@") || !isRecord(account) || account["existing"] !== undefined) continue;
        mistakes.push(
            report(
                ["serviceAccounts", address, "existing"],
                undefined,
                "is not set. Allowed for an address: use, adopt, because this stack creates accounts only in its own project.",
            ),
        );
    }
    if ((existing === "use" || existing === "adopt") && access === undefined) {
        mistakes.push(
            report(
                ["access"],
                undefined,
                `is not set. Allowed with existing: ${existing}: authoritative (the stack removes all other members of the roles that it grants; the preview lists them), additive (the stack only adds its own members).`,
            ),
        );
    }
    const managedByOwner =
        "cannot be set with existing: use, because the owner manages the resource. Allowed: remove it, or set existing: adopt.";
    if (existing === "use") {
        if (description !== undefined) mistakes.push(report(["description"], description, managedByOwner));
        if (isRecord(labels) && Object.keys(labels).length > 0) {
            mistakes.push(report(["labels"], labels, managedByOwner));
        }
    }
    const email = (id: string) => serviceAccountEmail(project, id);
    const ids = accounts.map(([id]) => id);
    for (const [first, second] of duplicates(ids, email)) {
        mistakes.push(
            report(
                ["serviceAccounts", second],
                second,
                `is the account ${first}. Allowed: each account once.`,
            ),
        );
    }
    for (const [id, account] of accounts) {
        if (isRecord(account) && account["existing"] === "use" && account["displayName"] !== undefined) {
            const { displayName } = account;
            mistakes.push(report(["serviceAccounts", id, "displayName"], displayName, managedByOwner));
        }
    }
    return mistakes;
}

/**
 * Notices about grants that have no effect because the same principal has a wider role.
 *
 * @param secret whether to leave out the names of the principals
 */
export function redundantGrants(policy: PrincipalsByRole, secret: boolean): string[] {
    return roles.flatMap((role, index) =>
        roles.slice(index + 1).flatMap((wider) => {
            const both = policy[role].filter((principal) => policy[wider].includes(principal));
            if (both.length === 0) {
                return [];
            }
            const named = secret ? [] : both.slice(0, 3);
            const rest = both.length - named.length;
            const who = [
                ...named,
                ...(rest > 0 ? [`${rest} ${secret ? "of the principals" : "more"}`] : []),
            ].join(", ");
            return [
                `${who} ${both.length === 1 ? "is" : "are"} both ${role} and ${wider}. The role ${wider} includes ${role}.`,
            ];
        }),
    );
}

function strings(value: unknown): string[] {
    return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}
