import type { WorkloadType } from "../systems/workload-config";
import { getSystem, type Workload, workloadTypes } from "../systems/systems";
import { type EntryMistake, type ParsedEntry, parseEntry } from "../validation/entry";
import { isRecord } from "../validation/schema";
import { suggestion } from "../validation/wording";

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
            `${problem}. Allowed: ${workloadTypes.join(", ")}.${suggestion(type, workloadTypes)}`,
        );
    }
    const { value, mistakes } = parseEntry(getSystem(type).keys, fields, `of the type ${type}`);
    return {
        ...(value === undefined ? {} : { value: { type, ...value } as Workload }),
        mistakes: mistakes.map(([path, input, message]) => [path, input, withNames(message, fields)]),
    };
}

/** A command in a message, with the names that the entry has. */
function withNames(message: string, { owner, repository }: Readonly<Record<string, unknown>>): string {
    return typeof owner === "string" && typeof repository === "string"
        ? message.replace("repos/OWNER/REPOSITORY", () => `repos/${owner}/${repository}`)
        : message;
}

function isType(type: unknown): type is WorkloadType {
    return (workloadTypes as readonly unknown[]).includes(type);
}
