import * as v from "valibot";
import { isRegionForm, locations } from "../names/locations";
import {
    accountCoordinates,
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
import { accountAddresses, valuesIn } from "./pasted";
import { accountEntries, accountId, duplicates, isRecord, toRecord } from "./schema";
import { formatJson, type FormatValue, type ReportMistake, suggestion, unknownKey } from "./wording";

// Checks that involve more than one setting, or the whole configuration.

/** The message about everyone as a reader. */
export const publicReader = "would let everyone download. Allowed: only with allowPublic: true.";

/** Reports the unknown keys of accounts, and the reserved names, which the parser would ignore without a message. */
export function ignoredKeys(
    { labels, serviceAccounts }: Readonly<Record<string, unknown>>,
    report: ReportMistake,
    formatValue: FormatValue,
): void {
    const known = Object.keys(accountEntries);
    for (const [id, account] of Object.entries(toRecord(serviceAccounts))) {
        for (const [key, value] of Object.entries(toRecord(account))) {
            if (known.includes(key)) continue;
            const message = unknownKey(formatValue("serviceAccounts", value), key, known);
            report(["serviceAccounts", id, key], key, message);
        }
    }
    // The parser skips these names, because every JavaScript object has them.
    const reserved = ["__proto__", "constructor", "prototype"];
    for (const [name, map] of Object.entries({ labels, serviceAccounts })) {
        for (const key of Object.keys(toRecord(map)).filter((each) => reserved.includes(each))) {
            report([name, key], key, "is a reserved name. Allowed: any other name.");
        }
    }
}

/** The setting of the Google provider that turns off its own check of `gcp:region`. */
export const skipRegionValidation = "gcp:skipRegionValidation";

/**
 * Checks a location that has the form of a region but is not in the list. The list can be older than the region.
 *
 * @param remedy what to do if the region is new; undefined if it is accepted, and the report is a notice
 */
export function unknownRegion(location: unknown, remedy: string | undefined, report: ReportMistake): void {
    if (typeof location !== "string" || !isRegionForm(location) || locations.includes(location)) return;
    const message =
        remedy === undefined
            ? `is an unknown location. It is accepted because ${skipRegionValidation} is true.`
            : `is an unknown location. Allowed: a region such as europe-west1, or us, europe, asia. If the region is new, ${remedy}.`;
    report(["location"], location, message + suggestion(location, locations));
}

/** Reports mistakes in the lists of principals as a whole: duplicates, public access, and the limits of an IAM policy. */
export function policyMistakes(
    given: Readonly<Record<string, unknown>>,
    project: string,
    report: ReportMistake,
    formatValue: FormatValue,
): void {
    const lists = givenPrincipals({ ...given, serviceAccounts: {} }, project);
    const policy = givenPrincipals(given, project);
    for (const role of roles) {
        const list = `${role}s`;
        for (const [first, second] of duplicates(lists[role], canonicalPrincipal)) {
            const spelled = first === second ? "" : ` (also as ${formatValue(list, first)}; case is ignored)`;
            report([list], second, `is listed twice${spelled}. Allowed: each principal once.`);
        }
        const dedicated = new Set(policy[role].slice(lists[role].length));
        for (const principal of lists[role].filter((listed) => dedicated.has(canonicalPrincipal(listed)))) {
            const message = "already has this role through serviceAccounts. Allowed: each principal once.";
            report([list], principal, message);
        }
        if (role === "reader" && given["allowPublic"] !== true) {
            for (const principal of lists.reader.filter(isPublic)) report([list], principal, publicReader);
        }
    }
    const { principals: listed, groupsAndDomains } = countPrincipals(policy);
    const workloads = Object.values(toRecord(given["workloads"])).filter(isRecord);
    const principals = listed + workloads.filter(({ via }) => via === undefined).length;
    const reportForAll = (message: string) => {
        report(["readers, writers, admins, serviceAccounts"], undefined, message);
    };
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
            Object.entries(toRecord(serviceAccounts)).filter((entry): entry is [string, { access: Role }] =>
                isRecord(entry[1]),
            ),
        ),
    });
}

/** The message about a setting of a resource that the stack only uses. */
export const managedByOwner =
    "cannot be set with existing: use, because the owner manages the resource. Allowed: remove it, or set existing: adopt.";

/** Reports mistakes in the settings of resources that already exist. */
export function existingMistakes(
    given: Readonly<Record<string, unknown>>,
    project: string,
    report: ReportMistake,
): void {
    const { existing, access, description, labels } = given;
    const accounts = Object.entries(toRecord(given["serviceAccounts"]));
    for (const [address, account] of accounts) {
        if (!address.includes("@") || !isRecord(account) || account["existing"] !== undefined) continue;
        // A pasted address can have more around it. The message about its form suggests the address, and this one the id.
        const [found = address] = valuesIn(address, accountAddresses);
        const own = accountCoordinates(project, found.toLowerCase());
        const meant =
            own.project === project && v.is(accountId, own.accountId)
                ? ` Did you mean ${formatJson(own.accountId)}?`
                : "";
        report(
            ["serviceAccounts", address, "existing"],
            undefined,
            `is not set. Allowed for an address: use, adopt, because this stack creates accounts only in its own project.${meant}`,
        );
    }
    if ((existing === "use" || existing === "adopt") && access === undefined) {
        report(
            ["access"],
            undefined,
            `is not set. Allowed with existing: ${existing}: authoritative (the stack removes all other members of the roles that it grants; the preview lists them), additive (the stack only adds its own members).`,
        );
    }
    if (existing === "use") {
        if (description !== undefined) report(["description"], description, managedByOwner);
        if (Object.keys(toRecord(labels)).length > 0) report(["labels"], labels, managedByOwner);
        for (const name of ["cleanup", "encryption", "scanning"]) {
            if (given[name] !== undefined && given[name] !== false) report([name], undefined, managedByOwner);
        }
    }
    const ids = accounts.map(([id]) => id);
    for (const [first, second] of duplicates(ids, (id) => serviceAccountEmail(project, id))) {
        report(["serviceAccounts", second], second, `is the account ${first}. Allowed: each account once.`);
    }
    for (const [id, account] of accounts) {
        const { existing: used, displayName } = toRecord(account);
        if (used !== "use" || displayName === undefined) continue;
        report(["serviceAccounts", id, "displayName"], displayName, managedByOwner);
    }
}

/** Whether any of the settings is set whose checks only a stack with workloads loads. */
export function concernsWorkloads(given: Readonly<Record<string, unknown>>): boolean {
    return ["workloads", "pool", "projectNumber"].some((name) => given[name] !== undefined);
}

/** Whether any of the settings is set about which only a stack that sets it loads the checks. */
export function concernsLifecycle(given: Readonly<Record<string, unknown>>): boolean {
    return ["cleanup", "encryption", "auditLogs"].some((name) => given[name] !== undefined);
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
            if (both.length === 0) return [];
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

/** The texts in a list that was not checked yet. */
export function strings(value: unknown): string[] {
    return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}
