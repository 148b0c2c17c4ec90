import * as artifactregistry from "@pulumi/gcp/artifactregistry";
import * as pulumi from "@pulumi/pulumi";
import { type PrincipalsByRole, roleNames, roles } from "../names/principals";

/** Whether the stack owns the members of each role that it grants (`authoritative`) or only adds its own (`additive`). */
export type AccessMode = "authoritative" | "additive";

/** Who is granted what on which repository. */
export interface RepositoryAccessArgs {
    /** Project id. */
    readonly project: string;
    readonly location: string;
    /** Repository id. */
    readonly repository: string;
    readonly principals: PrincipalsByRole;
    readonly mode: AccessMode;
    /** The repository itself, which must exist first. */
    readonly waitFor: pulumi.Resource;
    /** What must exist before a principal can be granted anything: the stack's own accounts, by principal. */
    readonly madeHere: ReadonlyMap<string, pulumi.Resource>;
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
    constructor(name: string, args: RepositoryAccessArgs, opts?: pulumi.ComponentResourceOptions) {
        super("python-registry:index:RepositoryAccess", `${name}-${args.mode}`, {}, opts);
        const { project, location, repository, principals, mode, waitFor, madeHere } = args;

        for (const role of roles) {
            const members = [...principals[role]];
            // Plain values: through the repository's outputs, a replacement of the repository would delete the grants
            // before it has succeeded.
            const grant = { project, location, repository, role: roleNames[role] };
            const optionsFor = (granted: readonly string[]) => ({
                parent: this,
                deletedWith: this,
                dependsOn: [waitFor, ...granted.flatMap((principal) => madeHere.get(principal) ?? [])],
            });
            if (mode === "additive") {
                for (const member of members) {
                    new artifactregistry.RepositoryIamMember(
                        `${name}-${role}-${member}`,
                        { ...grant, member },
                        optionsFor([member]),
                    );
                }
            } else if (members.length > 0) {
                new artifactregistry.RepositoryIamBinding(
                    `${name}-${role}`,
                    { ...grant, members },
                    optionsFor(members),
                );
            }
        }

        this.registerOutputs();
    }
}
