import * as projects from "@pulumi/gcp/projects";
import * as pulumi from "@pulumi/pulumi";
import type { AuditLogType } from "../validation/schema";
import { callAfter, type CallOptions } from "./dependencies";
import { serviceMessage } from "./existing";
import { userError } from "./user-error";

// Audit logs of accesses to the registry. Only a registry that sets `auditLogs` loads this file.

const service = "artifactregistry.googleapis.com";

/** One kind of access that is logged, and who is exempted. */
interface AuditLog {
    readonly logType: string;
    readonly exemptedMembers?: string[];
}

/**
 * Turns on audit logs for Artifact Registry in a project. The resource of the provider replaces what the project has for the service.
 * So what is there is looked up, and kept: its types and its exempted members. The logs stay on when the stack ends, because
 * another stack of the project can have asked for the same ones. They give access to nothing.
 *
 * @param options of a child that waits for the verification of existing resources
 * @see https://cloud.google.com/artifact-registry/docs/audit-logging
 */
export function enableAuditLogs(
    name: string,
    project: string,
    auditLogs: readonly AuditLogType[],
    calls: CallOptions,
    options: pulumi.CustomResourceOptions,
): void {
    const auditLogConfigs = callAfter(calls, () => lookUpLogs(project, calls.parent)).apply((found) =>
        mergeLogs(found, auditLogs),
    );
    new projects.IAMAuditConfig(
        `${name}-audit-logs`,
        { project, service, auditLogConfigs },
        pulumi.mergeOptions(options, { retainOnDelete: true }),
    );
}

/** The logs that the project has for Artifact Registry. */
async function lookUpLogs(project: string, parent: pulumi.Resource): Promise<AuditLog[]> {
    try {
        const { policyData } = await projects.getIamPolicy({ project }, { parent });
        const { auditConfigs = [] } = JSON.parse(policyData) as {
            readonly auditConfigs?: { readonly service: string; readonly auditLogConfigs?: AuditLog[] }[];
        };
        return auditConfigs
            .filter((each) => each.service === service)
            .flatMap(({ auditLogConfigs = [] }) => auditLogConfigs);
    } catch (error) {
        throw userError(
            `auditLogs: cannot read the policy of the project ${project}, in which audit logs are set. ` +
                `To keep what is set there, the deployer needs the permission resourcemanager.projects.getIamPolicy.\n` +
                serviceMessage((error as Error).message),
        );
    }
}

/** What is logged already, and what is asked for, in one order. */
export function mergeLogs(found: readonly AuditLog[], asked: readonly string[]): AuditLog[] {
    const types = [...new Set([...found.map(({ logType }) => logType), ...asked])].sort();
    return types.map((logType) => {
        const exempted = found.filter((each) => each.logType === logType);
        const members = new Set(exempted.flatMap(({ exemptedMembers = [] }) => exemptedMembers));
        return { logType, ...(members.size === 0 ? {} : { exemptedMembers: [...members].sort() }) };
    });
}
