import * as v from "valibot";
import { type AuditLogType, duplicates, isRecord, oneOf } from "../validation/schema";
import type { ReportMistake } from "../validation/wording";
import { type Cleanup, parseCleanup } from "./cleanup";
export { cleanupNotices } from "./cleanup";
export { cleanupDifferences, repositoryPolicies } from "./repository-policies";
import { parseEncryption } from "./encryption";
import type { EncryptionConfig } from "./lifecycle-config";

/** The settings that concern the life of a repository, validated. A setting that has no effect is left out. */
export interface LifecycleSettings {
    readonly cleanup?: Cleanup;
    readonly encryption?: EncryptionConfig;
    /** Sorted. */
    readonly auditLogs?: AuditLogType[];
}

const logTypes = ["ADMIN_READ", "DATA_READ", "DATA_WRITE"] as const;
const auditLogSchema = v.array(oneOf(logTypes));

/**
 * Parses `cleanup`, `encryption` and `auditLogs`.
 *
 * @param report receives every mistake
 * @returns the valid part of the settings; it is complete if there was no mistake
 */
export function parseLifecycleSettings(
    { cleanup, encryption, auditLogs, location }: Readonly<Record<string, unknown>>,
    report: ReportMistake,
): LifecycleSettings {
    const key = isRecord(encryption) ? parseEncryption(encryption, location, report) : undefined;
    const logs = Array.isArray(auditLogs) ? parseAuditLogs(auditLogs, report) : [];
    return {
        ...(isRecord(cleanup) ? { cleanup: parseCleanup(cleanup, report) } : {}),
        ...(key === undefined ? {} : { encryption: key }),
        ...(logs.length === 0 ? {} : { auditLogs: logs }),
    };
}

function parseAuditLogs(given: readonly unknown[], report: ReportMistake): AuditLogType[] {
    const { issues = [], output, success } = v.safeParse(auditLogSchema, given);
    for (const { path = [], input, message } of issues) {
        report(["auditLogs", ...path.map(({ key }) => key as number)], input, message);
    }
    if (!success) return [];
    for (const [, second, index] of duplicates(output, (type) => type)) {
        report(["auditLogs", index], second, "is listed twice. Allowed: each type once.");
    }
    return output.toSorted();
}
