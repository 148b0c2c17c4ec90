import type { PolicyResource, StackValidationPolicy } from "@pulumi/policy";
import { checkEach, checkGrants, type Grant, grantedOn, known } from "../grants";
import { texts } from "../parameters";
import { broadPrincipal, defaultBroadKinds } from "../principals";
import { findGrant, isKind } from "../resource-types";
import { isPredefined, powerfulPermissions, repositoryPermissions } from "../roles";

interface Parameters {
    readonly exceptRoles?: readonly string[];
}

/**
 * Refuses what no-broad-writers and repository-grants refuse, for custom roles on pools, projects, folders and organizations. The
 * permissions of a role are known if the stack has the role.
 */
export function customRoles(name: string): StackValidationPolicy {
    return {
        name,
        description:
            "Custom roles for many principals, or above repositories, give no access to repositories.",
        enforcementLevel: "mandatory",
        severity: "high",
        configSchema: {
            properties: {
                exceptRoles: texts("Custom roles that this rule does not check, such as projects/P/roles/R."),
            },
        },
        validateStack: (args, report) => {
            const { resources } = args;
            const { exceptRoles = [] } = args.getConfig<Parameters>();
            const roles = resources.filter(({ type }) => isKind("customRole", type));
            checkEach(resources, (resource) => {
                const level = findGrant(resource.type)?.level;
                if (level !== "above" && level !== "pool") return;
                checkGrants(resource, report, (grant) => {
                    const role = roleIn(grant, roles, resource);
                    if (role === undefined || exceptRoles.some((each) => isRole(each, role.id)))
                        return undefined;
                    const on = grantedOn(resource.type, resource.props);
                    const opening = level === "above" ? repositoryPermissions(role.permissions ?? []) : [];
                    if (opening.length > 0) {
                        return `${known(() => grant.principal) ?? "A principal"} has the custom role ${role.id} on ${on}, and so ${opening.join(", ")} on every repository in it. Grant the role on the repository instead, or add it to the parameter exceptRoles of ${name}.`;
                    }
                    const powerful = role.permissions && powerfulPermissions(role.permissions);
                    if (powerful?.length === 0) return undefined;
                    const broad = broadPrincipal(grant.principal, defaultBroadKinds);
                    if (broad === undefined) return undefined;
                    const reason = powerful
                        ? `The role has ${powerful.join(", ")}.`
                        : "The role is not in this stack, so this rule does not know its permissions.";
                    return `${grant.principal} has the custom role ${role.id} on ${on}, so ${broad} has it. ${reason} Grant it to single people, accounts or workloads, or add it to the parameter exceptRoles of ${name}.`;
                });
            });
        },
    };
}

interface CustomRole {
    /** The full name, or the id alone of a new role, whose name a preview does not know. */
    readonly id: string;
    /** Undefined for a role that the stack does not have. */
    readonly permissions: readonly string[] | undefined;
}

function isRole(name: string, id: string): boolean {
    return name === id || name.endsWith(`/roles/${id}`);
}

/**
 * The custom role of a grant; undefined for a predefined role.
 *
 * @throws UnknownValueError if a preview knows neither the role nor a custom role of the stack that it comes from
 */
function roleIn(
    grant: Grant,
    roles: readonly PolicyResource[],
    { propertyDependencies }: PolicyResource,
): CustomRole | undefined {
    const role = known(() => grant.role);
    if (role !== undefined) {
        if (isPredefined(role)) return undefined;
        const found = roles.find((each) => isNamed(each, role));
        return { id: role, permissions: found && getPermissions(found) };
    }
    const sources = Object.values(propertyDependencies).flat();
    const found = roles.filter((each) => sources.includes(each));
    const [first] = found;
    if (first === undefined) return { id: grant.role, permissions: undefined };
    const { roleId } = first.props as { readonly roleId?: string };
    return { id: roleId ?? first.name, permissions: found.flatMap(getPermissions) };
}

/** Whether a role of the stack has this name, `projects/P/roles/R` or `organizations/O/roles/R`. */
function isNamed({ props }: PolicyResource, role: string): boolean {
    const read = (key: string) => known(() => (props as Record<string, string | undefined>)[key]);
    const [, parent, id] = /^((?:projects|organizations)\/[^/]+)\/roles\/(.+)$/.exec(role) ?? [];
    const project = read("project");
    const organization = read("orgId") ?? read("organizationId");
    const parents = [
        project && `projects/${project}`,
        organization && `organizations/${organization}`,
    ].filter(Boolean);
    return (
        read("name") === role || (read("roleId") === id && (parents.length === 0 || parents.includes(parent)))
    );
}

function getPermissions({ props }: PolicyResource): readonly string[] {
    return [...((props["permissions"] ?? props["includedPermissions"] ?? []) as readonly string[])];
}
