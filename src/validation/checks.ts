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
} from "../names/principals";
import { accountEntries, defaultAccounts, entries, isRecord, namespace, repeated } from "./schema";
import { meant, type Say, type Show, shown } from "./wording";

// What the schema of a single key cannot see.

/** Every key that no schema has a use for; the parser would leave it out in silence. */
export function unusedKeys(given: Readonly<Record<string, unknown>>, say: Say, show: Show): string[] {
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

/** The Google provider's own setting, which turns its check of `gcp:region` off. */
export const skipRegionValidation = "gcp:skipRegionValidation";

/**
 * Checks a location that has the form of a region but is not in the list, which may be older than the region.
 *
 * @param skipped whether `gcp:skipRegionValidation` is true
 * @returns a mistake, or a notice if skipped; undefined for any other location
 */
export function unknownRegion(location: unknown, skipped: boolean, say: Say): string | undefined {
    if (typeof location !== "string" || !isRegionForm(location) || locations.includes(location)) {
        return undefined;
    }
    const message = skipped
        ? `is an unknown location. It is accepted because ${skipRegionValidation} is true.`
        : `is an unknown location. Allowed: a region such as europe-west1, or us, europe, asia. If the region is new, \`pulumi config set ${skipRegionValidation} true\` accepts it.`;
    return say(["location"], location, message + meant(location, locations));
}

/** Mistakes that show only when a list is read as a whole, or with the others. */
export function acrossLists(
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
    const accounts = given["serviceAccounts"] ?? defaultAccounts;
    const policy = principalsByRole({
        project,
        readers: lists.reader,
        writers: lists.writer,
        admins: lists.admin,
        serviceAccounts: Object.fromEntries(
            Object.entries(isRecord(accounts) ? accounts : {}).filter(
                (entry): entry is [string, { access: Role }] => isRecord(entry[1]),
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
            list(principal, "already has this role through serviceAccounts. Allowed: each principal once.");
        }
        if (role === "reader" && given["allowPublic"] !== true) {
            for (const principal of lists.reader.filter(isPublic)) {
                list(
                    principal,
                    "would let everyone download. Allowed: only with allowPublic: true, if that is meant.",
                );
            }
        }
    }
    const { principals, groupsAndDomains } = countPrincipals(policy);
    const all = (message: string) =>
        mistakes.push(say(["readers, writers, admins, serviceAccounts"], undefined, message));
    if (principals > policyLimits.principals) {
        all(
            `${principals} principals are too many for one policy. Allowed: at most ${policyLimits.principals}, every appearance counted. Use groups.`,
        );
    }
    if (groupsAndDomains > policyLimits.groupsAndDomains) {
        all(
            `${groupsAndDomains} groups and domains are too many for one policy. Allowed: at most ${policyLimits.groupsAndDomains}, a group counted once, a domain at every appearance. Nest groups.`,
        );
    }
    return mistakes;
}

/** Settings that do not go with a resource that exists already. */
export function existingMistakes(given: Readonly<Record<string, unknown>>, say: Say): string[] {
    const { existing, access, description, labels, serviceAccounts } = given;
    const mistakes: string[] = [];
    if ((existing === "use" || existing === "adopt") && access === undefined) {
        mistakes.push(
            say(
                ["access"],
                undefined,
                `is not set. Allowed with existing: ${existing}: authoritative (everyone who was granted one of the stack's roles elsewhere loses it; the preview lists them), additive (the stack only adds its own grants).`,
            ),
        );
    }
    const belongsToOwner =
        "is a setting of a resource that existing: use leaves to its owner. Allowed: remove it, or set existing: adopt.";
    if (existing === "use") {
        if (description !== undefined) mistakes.push(say(["description"], description, belongsToOwner));
        if (isRecord(labels) && Object.keys(labels).length > 0) {
            mistakes.push(say(["labels"], labels, belongsToOwner));
        }
    }
    for (const [id, account] of Object.entries(isRecord(serviceAccounts) ? serviceAccounts : {})) {
        if (isRecord(account) && account["existing"] === "use" && account["displayName"] !== undefined) {
            const { displayName } = account;
            mistakes.push(say(["serviceAccounts", id, "displayName"], displayName, belongsToOwner));
        }
    }
    return mistakes;
}

/** Says which grants add nothing, since a wider role is held by the same principal; not by whom if that is secret. */
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
                `${who} ${both.length === 1 ? "is" : "are"} both ${role} and ${wider}; ${wider} includes ${role}.`,
            ];
        }),
    );
}

function strings(value: unknown): string[] {
    return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}
