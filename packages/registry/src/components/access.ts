import type { PrincipalsByRole, Role } from "../names/principals";
import type { ServiceAccountConfig } from "./registry-args";

/** A workload that authenticates without a key. */
export interface RegistryWorkload {
    /** The workload as an IAM principal. */
    readonly principal: string;
    /** The role on the repository, its own or that of the account in `via`. */
    readonly access: Role;
    /** The account id of the service account that it impersonates; undefined if it is granted its role directly. */
    readonly via?: string;
}

/** Everyone to whom a registry gives access. The SDK's analyzer skips inherited members, so it repeats those of PrincipalsByRole. */
export interface RegistryAccess {
    /** The principals that can download. */
    readonly reader: string[];
    /** The principals that can upload and download. */
    readonly writer: string[];
    /** The principals that can delete packages, upload and download. */
    readonly admin: string[];
    /** The workloads by name; absent if there are none. */
    readonly workloads?: Record<string, RegistryWorkload>;
    /** Who can impersonate a service account, by account id; absent if no one can. Workloads with `via` are in `workloads`. */
    readonly impersonators?: Record<string, string[]>;
    /** What Google's own service agent is granted, from role to resource names; absent if nothing. */
    readonly serviceAgent?: Record<string, string[]>;
}

/** Everyone to whom a registry gives access. */
export function listAccess(
    principals: PrincipalsByRole,
    workloads: Record<string, RegistryWorkload>,
    accounts: Readonly<Record<string, ServiceAccountConfig>>,
    serviceAgent: Record<string, string[]>,
): RegistryAccess {
    const impersonators = Object.fromEntries(
        Object.entries(accounts).flatMap(([id, { impersonators: listed = [] }]) =>
            listed.length === 0 ? [] : [[id, listed]],
        ),
    );
    return {
        ...principals,
        ...(Object.keys(workloads).length === 0 ? {} : { workloads }),
        ...(Object.keys(impersonators).length === 0 ? {} : { impersonators }),
        ...(Object.keys(serviceAgent).length === 0 ? {} : { serviceAgent }),
    };
}
