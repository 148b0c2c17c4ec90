import * as artifactregistry from "@pulumi/gcp/artifactregistry";
import * as pulumi from "@pulumi/pulumi";
import { checkRepositoryAccessArgs } from "./check-args";
import { inheritDependsOn } from "./dependencies";
import { type PrincipalsByRole, type Role, roleNames, roles } from "../names/principals";

/** Whether the stack owns all members of each role that it grants (`authoritative`) or only adds members (`additive`). */
export const AccessMode = { authoritative: "authoritative", additive: "additive" } as const;
export type AccessMode = (typeof AccessMode)[keyof typeof AccessMode];

/** The arguments of `RepositoryAccess`. */
export interface RepositoryAccessArgs {
    /** Project id. */
    readonly project: string;
    /** Region or multi-region of the repository. */
    readonly location: string;
    /** Repository id. */
    readonly repository: string;
    /** The principals to grant each role. */
    readonly principals: PrincipalsByRole;
    /** Whether the stack owns all members of each role that it grants. */
    readonly mode: AccessMode;
    /** Whether the readers can contain `allUsers` and `allAuthenticatedUsers`. Default false. */
    readonly allowPublic?: boolean;
    /**
     * The principals that this program creates: from principal to an output of the resource that creates it. Only a grant to
     * such a principal waits for the resource. An account takes 11 s, so no other grant waits for it.
     */
    readonly createdPrincipals?: Record<string, pulumi.Input<string>>;
    /** The workloads to grant a role, by name. */
    readonly workloads?: Record<string, WorkloadGrant>;
}

/** The role of a workload. */
export interface WorkloadGrant {
    readonly access: Role;
    /** The workload as an IAM principal. A grant to it waits for what this output depends on. */
    readonly principal: pulumi.Input<string>;
}

/**
 * Grants roles on a repository. It grants no roles on the project.
 *
 * In authoritative mode, each role has one binding for any number of principals. The binding removes the role from all other
 * principals. In additive mode, each principal has one member resource. Other principals are not changed.
 *
 * The name of this component contains the mode, and the grants have the option `deletedWith`. So if the mode changes, Pulumi
 * removes the old grants from the state but does not revoke them. This is necessary because Pulumi deletes after it creates:
 * revoking an old grant would also revoke the new grant of the same principal. As a consequence, a principal that you remove
 * in the same update keeps its grant.
 *
 * @see https://cloud.google.com/artifact-registry/docs/access-control#roles
 */
export class RepositoryAccess extends pulumi.ComponentResource {
    /** @throws pulumi.InputPropertiesError that names every property with a mistake, before anything is registered */
    constructor(name: string, args: RepositoryAccessArgs, opts?: pulumi.ComponentResourceOptions) {
        const { createdPrincipals = {}, workloads = {}, ...plainArgs } = args;
        const principals = checkRepositoryAccessArgs(name, args);
        // Without createdPrincipals and workloads: otherwise the component, and so every grant, would wait for these outputs.
        super(
            "python-registry:index:RepositoryAccess",
            `${name}-${args.mode}`,
            { ...plainArgs, principals },
            opts,
        );
        const { project, location, repository, mode } = args;
        const options = inheritDependsOn(opts, { parent: this, deletedWith: this });
        const memberOutput = (principal: string) => createdPrincipals[principal] ?? principal;

        for (const role of roles) {
            const members = principals[role];
            const machines = Object.entries(workloads).filter(([, { access }]) => access === role);
            // Plain values. With outputs of the repository, a replacement of the repository would delete the grants before the
            // replacement succeeds.
            const grant = { project, location, repository, role: roleNames[role] };
            if (mode === AccessMode.additive) {
                for (const member of members) {
                    new artifactregistry.RepositoryIamMember(
                        `${name}-${role}-${member}`,
                        { ...grant, member: memberOutput(member) },
                        options,
                    );
                }
                for (const [workload, { principal: member }] of machines) {
                    new artifactregistry.RepositoryIamMember(
                        `${name}-${role}-workload:${workload}`,
                        { ...grant, member },
                        options,
                    );
                }
            } else if (members.length + machines.length > 0) {
                new artifactregistry.RepositoryIamBinding(
                    `${name}-${role}`,
                    {
                        ...grant,
                        members:
                            machines.length === 0
                                ? members.map(memberOutput)
                                : // A workload can be a principal that is also listed.
                                  pulumi
                                      .all([
                                          ...members.map(memberOutput),
                                          ...machines.map(([, { principal }]) => principal),
                                      ])
                                      .apply((all) => [...new Set(all)]),
                    },
                    options,
                );
            }
        }

        this.registerOutputs();
    }
}
