import * as artifactregistry from "@pulumi/gcp/artifactregistry";
import * as pulumi from "@pulumi/pulumi";
import { checkRepositoryAccessArgs } from "./check-args";
import { inheritDependsOn } from "./dependencies";
import { type PrincipalsByRole, roleNames, roles } from "../names/principals";

/** Whether the stack owns the members of each role that it grants (`authoritative`) or only adds its own (`additive`). */
export const AccessMode = { authoritative: "authoritative", additive: "additive" } as const;
export type AccessMode = (typeof AccessMode)[keyof typeof AccessMode];

/** Who is granted what on which repository. */
export interface RepositoryAccessArgs {
    /** Project id. */
    readonly project: string;
    readonly location: string;
    /** Repository id. */
    readonly repository: string;
    readonly principals: PrincipalsByRole;
    readonly mode: AccessMode;
    /** Accept `allUsers` and `allAuthenticatedUsers` as readers. Default false. */
    readonly allowPublic?: boolean;
    /**
     * The principals that this program creates itself, as outputs of what creates them: a grant to one waits for it. An
     * account takes 11 s, and no other grant waits for that.
     */
    readonly createdPrincipals?: Record<string, pulumi.Input<string>>;
}

/**
 * Grants roles on the repository, never on the project.
 *
 * Authoritative grants are one binding a role, whatever the number of principals: whoever was given one of these
 * roles elsewhere loses it. Additive grants are one member a principal and leave all others alone.
 *
 * The mode is part of this component's name, and its grants go with it: when the mode changes, the old grants are
 * forgotten rather than taken back. Pulumi deletes after it creates, and taking back a binding, or a member, would take
 * the new grants of the same principals along. Whoever is removed in that same update keeps the grant, therefore.
 *
 * @see https://cloud.google.com/artifact-registry/docs/access-control#roles
 */
export class RepositoryAccess extends pulumi.ComponentResource {
    /** @throws pulumi.InputPropertiesError that names every property with a mistake; nothing is registered then */
    constructor(name: string, args: RepositoryAccessArgs, opts?: pulumi.ComponentResourceOptions) {
        const { createdPrincipals = {}, ...own } = args;
        const principals = checkRepositoryAccessArgs(name, args);
        // Without the outputs: the component, and every grant with it, would wait for them.
        super("python-registry:index:RepositoryAccess", `${name}-${args.mode}`, { ...own, principals }, opts);
        const { project, location, repository, mode } = args;
        const options = inheritDependsOn(opts, { parent: this, deletedWith: this });

        for (const role of roles) {
            const members = principals[role];
            // Plain values: through the repository's outputs, a replacement of the repository would delete the grants
            // before it has succeeded.
            const grant = { project, location, repository, role: roleNames[role] };
            const asCreated = (principal: string) => createdPrincipals[principal] ?? principal;
            if (mode === AccessMode.additive) {
                for (const member of members) {
                    new artifactregistry.RepositoryIamMember(
                        `${name}-${role}-${member}`,
                        { ...grant, member: asCreated(member) },
                        options,
                    );
                }
            } else if (members.length > 0) {
                new artifactregistry.RepositoryIamBinding(
                    `${name}-${role}`,
                    { ...grant, members: members.map(asCreated) },
                    options,
                );
            }
        }

        this.registerOutputs();
    }
}
