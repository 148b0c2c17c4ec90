import * as artifactregistry from "@pulumi/gcp/artifactregistry";
import * as pulumi from "@pulumi/pulumi";
import { type PrincipalsByRole, roleNames, roles } from "../names/principals";
import { replacedWith } from "./dependencies";
import type { CreatedWorkload } from "./workload-identity";

/** Whether the stack owns all members of each role that it grants (`authoritative`) or only adds members (`additive`). */
export const AccessMode = { authoritative: "authoritative", additive: "additive" } as const;
export type AccessMode = (typeof AccessMode)[keyof typeof AccessMode];

/** Whether the stack creates the repository, imports it, or uses that of someone else, which stays when the stack ends. */
export const RepositoryOrigin = { created: "created", adopted: "adopted", used: "used" } as const;
export type RepositoryOrigin = (typeof RepositoryOrigin)[keyof typeof RepositoryOrigin];

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
    /** Whether the readers can contain `allUsers` and `allAuthenticatedUsers`. */
    readonly allowPublic: boolean;
    /**
     * The principals that this program creates: from principal to an output of the resource that creates it. Only a grant to
     * such a principal waits for the resource. An account takes 11 s, so no other grant waits for it. An update fails if the
     * output is a different principal.
     */
    readonly createdPrincipals: Record<string, pulumi.Input<string>>;
    /** The workloads to grant a role, by name. */
    readonly workloads: Record<string, CreatedWorkload>;
    /** Where the repository comes from. */
    readonly origin: RepositoryOrigin;
    /** What replaces the repository, and so the grants, if it changes, beside the arguments above: see `replacedWith`. */
    readonly replacedBy: string;
}

interface GrantMember {
    readonly member: pulumi.Input<string>;
    readonly aliases: pulumi.Alias[];
}

/**
 * Grants roles on a repository. It grants no roles on the project.
 *
 * In authoritative mode, each role has one binding for any number of principals. The binding removes the role from all other
 * principals. In additive mode, each principal has one member resource. Other principals are not changed.
 *
 * If one form of a grant takes the place of the other, Pulumi must forget the old one without revoking it: it deletes after it
 * creates, so revoking an old grant would also revoke the new one of the same principal. So the name of this component says which
 * forms it has, and its grants are `deletedWith` it. As a consequence, a principal that an update removes while it changes the forms
 * can keep its grant.
 *
 * But when a stack ends, its grants must not stay on a repository that stays:
 * - A repository that the stack created or imported is a child of this component. A destroy that keeps the repository keeps its
 *   parent too, and so revokes the grants.
 * - On a repository of someone else, the members are never forgotten. With authoritative access, there are bindings beside them. They
 *   are also there for an imported repository, so that nothing is revoked when a used one is imported.
 *
 * @see https://cloud.google.com/artifact-registry/docs/access-control#roles
 */
export class RepositoryAccess extends pulumi.ComponentResource {
    constructor(name: string, args: RepositoryAccessArgs, opts?: pulumi.ComponentResourceOptions) {
        const { createdPrincipals, workloads, origin, replacedBy, ...inputs } = args;
        const { principals } = inputs;
        const { dependsOn, ...componentOptions } = opts ?? {};
        const withMembers = args.mode === AccessMode.additive || origin !== RepositoryOrigin.created;
        // Without createdPrincipals, workloads and dependsOn: otherwise the component, on which the repository depends, would
        // wait for the accounts and for the repository.
        super(
            "python-registry:index:RepositoryAccess",
            `${name}-${args.mode}${withMembers && args.mode === AccessMode.authoritative ? "-existing" : ""}`,
            inputs,
            componentOptions,
        );
        const { project, location, repository, mode } = args;
        const revoked = {
            parent: this,
            ...(dependsOn === undefined ? {} : { dependsOn }),
            ...(origin === RepositoryOrigin.created ? replacedWith(replacedBy) : {}),
        };
        const forgotten = pulumi.mergeOptions(revoked, { deletedWith: this });

        for (const role of roles) {
            // By what the grant is named after: a workload can be a principal that is also listed.
            const members = new Map(
                principals[role].map((principal): [string, GrantMember] => [
                    principal,
                    { member: createdPrincipals[principal] ?? principal, aliases: [] },
                ]),
            );
            for (const [workloadName, { workload, principal: member, identity }] of Object.entries(
                workloads,
            )) {
                if (workload.access !== role) continue;
                // Earlier versions named the grant after the workload.
                const aliases = [{ name: `${name}-${role}-workload:${workloadName}` }];
                if (!members.has(identity)) members.set(identity, { member, aliases });
            }
            // Plain values. With outputs of the repository, a replacement of the repository would delete the grants before the
            // replacement succeeds.
            const grant = { project, location, repository, role: roleNames[role] };
            for (const [key, { member, aliases }] of withMembers ? members : []) {
                const options = origin === RepositoryOrigin.used ? revoked : forgotten;
                const args = { ...grant, member };
                new artifactregistry.RepositoryIamMember(`${name}-${role}-${key}`, args, {
                    ...options,
                    aliases,
                });
            }
            if (mode === AccessMode.authoritative && members.size > 0) {
                const all = pulumi.all([...members.values()].map(({ member }) => member));
                new artifactregistry.RepositoryIamBinding(
                    `${name}-${role}`,
                    { ...grant, members: all.apply((each) => [...new Set(each)]) },
                    forgotten,
                );
            }
        }

        this.registerOutputs();
    }
}
