import * as pulumi from "@pulumi/pulumi";
import type { PrincipalsByRole } from "./names/principals";
import type { Registry, RegistryServiceAccountArgs, RegistryWorkload } from ".";

/** Everyone to whom a stack gives access: the value of the output `access`. */
export interface Access extends PrincipalsByRole {
    /** The workloads by name; absent if there are none. */
    readonly workloads?: Readonly<Record<string, RegistryWorkload>>;
    /** Who can impersonate a service account, by account id; absent if no one can. Workloads with `via` are in `workloads`. */
    readonly impersonators?: Readonly<Record<string, readonly string[]>>;
}

/** Everyone to whom a registry gives access. Known in a preview. */
export function getAccess(
    registry: Pick<Registry, "principals" | "workloads">,
    accounts: Readonly<Record<string, RegistryServiceAccountArgs>>,
): pulumi.Output<Access> {
    const impersonators = Object.fromEntries(
        Object.entries(accounts).flatMap(([id, { impersonators: listed = [] }]) =>
            listed.length === 0 ? [] : [[id, listed]],
        ),
    );
    return pulumi.all([registry.principals, registry.workloads]).apply(([principals, workloads]) => ({
        ...principals,
        ...(Object.keys(workloads).length === 0 ? {} : { workloads }),
        ...(Object.keys(impersonators).length === 0 ? {} : { impersonators }),
    }));
}
