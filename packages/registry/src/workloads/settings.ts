import * as v from "valibot";
import { canonicalPrincipal } from "../names/principals";
import { projectNumber } from "../systems/keys";
import type { Workload } from "../systems/systems";
import { givenPrincipals } from "../validation/checks";
import { parseEntry } from "../validation/entry";
import { isRecord } from "../validation/schema";
import { formatJson, type ReportMistake, suggestion } from "../validation/wording";
import { getFederation } from "./federation";
import { getIdentity } from "./identity";
import { parseWorkloads } from "./parse";
import { type Pool, poolEntries } from "./pool";
import { type StatedNumber, statedNumbers } from "./project-numbers";
import { workloadMistakes } from "./rules";

/** The settings that concern workloads, validated. */
export interface WorkloadSettings {
    readonly workloads: Readonly<Record<string, Workload>>;
    readonly pool: Pool;
    /** Number of the registry's project; undefined if it is to be looked up. */
    readonly projectNumber?: string;
}

/** The settings that are checked together, as given. */
export interface GivenSettings {
    readonly project?: unknown;
    readonly workloads?: unknown;
    readonly pool?: unknown;
    readonly projectNumber?: unknown;
    readonly serviceAccounts?: unknown;
    readonly readers?: unknown;
    readonly writers?: unknown;
    readonly admins?: unknown;
}

/**
 * Parses `workloads`, `pool` and `projectNumber`, and checks the entries against each other.
 *
 * @param report receives every mistake
 * @returns the valid part of the settings; it is complete if there was no mistake
 */
export function parseWorkloadSettings(given: GivenSettings, report: ReportMistake): WorkloadSettings {
    const { workloads, mistakes } = parseWorkloads(isRecord(given.workloads) ? given.workloads : {});
    for (const [path, value, message] of mistakes) report(["workloads", ...path], value, message);
    const pool = parseEntry(poolEntries, given.pool ?? {}, "of pool");
    for (const [path, value, message] of pool.mistakes) report(["pool", ...path], value, message);
    const number =
        given.projectNumber === undefined ? undefined : v.safeParse(projectNumber, given.projectNumber);
    for (const { input, message } of number?.issues ?? []) report(["projectNumber"], input, message);

    const settings = {
        workloads,
        pool: pool.value ?? {},
        ...(number?.success ? { projectNumber: number.output } : {}),
    };
    const project = typeof given.project === "string" ? given.project : "";
    checkVia(workloads, given.serviceAccounts, report);
    checkNumbers(settings, project, report);
    checkListed(workloads, { ...given, project }, report);
    for (const [path, value, message] of workloadMistakes(settings, project)) {
        report(["workloads", ...path], value, message);
    }
    return settings;
}

/**
 * Notices about workloads that can upload as an account that other machines run as too.
 *
 * @param secret whether to leave out the names of the workloads
 */
export function sharedAccounts(workloads: WorkloadSettings["workloads"], secret: boolean): string[] {
    return Object.entries(workloads)
        .filter(([, workload]) => workload.access !== "reader" && getFederation(workload) === undefined)
        .filter(([, workload]) => !("serviceAccount" in workload))
        .map(
            ([name, { access }]) =>
                `${secret ? "A workload" : `workloads.${name}`} lets every machine that runs as the default account of its project ${access === "admin" ? "delete packages" : "upload"}. Recommended: serviceAccount, with an account that only this workload runs as.`,
        );
}

/** Reports each number of a project that differs from one before it. */
function checkNumbers(settings: WorkloadSettings, project: string, report: ReportMistake): void {
    const first = new Map<string, StatedNumber>();
    for (const stated of statedNumbers(settings, project)) {
        const { path, projectId, number } = stated;
        const known = first.get(projectId) ?? stated;
        first.set(projectId, known);
        if (known.number === number) continue;
        report(
            path,
            number,
            `differs from ${known.path.join(".")} (${known.number}), which is the number of the same project (${projectId}). Allowed: ${formatJson(known.number)}.`,
        );
    }
}

/** Reports each workload whose account has the same role already. */
function checkListed(
    workloads: WorkloadSettings["workloads"],
    given: GivenSettings & { readonly project: string },
    report: ReportMistake,
): void {
    const { project } = given;
    const listed = givenPrincipals({ ...given }, project);
    const context = { project, poolId: "", poolProject: "" };
    for (const [name, workload] of Object.entries(workloads)) {
        const { numberProject, principal } = getIdentity(workload, context);
        if (numberProject !== undefined || workload.via !== undefined) continue;
        if (!listed[workload.access].map(canonicalPrincipal).includes(principal(""))) continue;
        report(
            ["workloads", name],
            undefined,
            `already has the role ${workload.access} through ${workload.access}s or serviceAccounts. Allowed: each principal once.`,
        );
    }
}

/** Reports each `via` that is not a service account of the registry, or whose account has another role. */
function checkVia(workloads: WorkloadSettings["workloads"], given: unknown, report: ReportMistake): void {
    const accounts = isRecord(given) ? given : {};
    for (const [name, { via, access }] of Object.entries(workloads)) {
        if (via === undefined) continue;
        const account = accounts[via];
        if (!isRecord(account)) {
            const ids = Object.keys(accounts);
            const allowed =
                ids.length === 0 ? "an account of serviceAccounts, which has none" : ids.join(", ");
            report(
                ["workloads", name, "via"],
                via,
                `is not an account of serviceAccounts. Allowed: ${allowed}.${ids.length === 0 ? "" : suggestion(via, ids)}`,
            );
        } else if (account["access"] !== access) {
            report(
                ["workloads", name, "access"],
                access,
                `is not the role of the account ${via}. Allowed: ${formatJson(account["access"])}, because the workload gets what the account has.`,
            );
        }
    }
}
