import type { Role } from "../names/principals";
import type { ReportEntry } from "./system";

// Rules that involve several keys of an entry, for several systems.

interface WithAccess {
    readonly access: Role;
}

/** Reports a key that is not set, although a workload that uploads needs it. */
export function requireKey(workload: WithAccess, key: string, reason: string, report: ReportEntry): void {
    if (key in workload) return;
    const message = `is not set. It is required with access ${workload.access}, because ${reason}`;
    report([key], undefined, message);
}

/**
 * Reports a workload that uploads from any branch.
 *
 * @param other the key that restricts the branches too
 * @param allowed its value
 */
export function requireRefOr(
    workload: WithAccess,
    other: string,
    allowed: string,
    report: ReportEntry,
): void {
    if ("ref" in workload || other in workload) return;
    report(
        ["ref"],
        undefined,
        `is not set, and neither is ${other}. One of them is required with access ${workload.access}, because otherwise every branch can upload. Allowed: ref with a full ref, such as refs/heads/main, or ${other} with ${allowed}.`,
    );
}

/** Reports an entry that has neither or both of two keys. */
export function requireOneOf(workload: object, first: string, second: string, report: ReportEntry): void {
    const found = [first, second].filter((key) => key in workload);
    if (found.length === 1) return;
    const keys = found.length === 0 ? `neither ${first} nor ${second}` : `both ${first} and ${second}`;
    report([], undefined, `has ${keys}. Allowed: one of them.`);
}
