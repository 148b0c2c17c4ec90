import type { PolicyResource, StackValidationPolicy } from "@pulumi/policy";
import { checkEach, checkGrants, type Grant, grantedOn, known } from "../grants";
import { texts } from "../parameters";
import { findGrant, isKind } from "../resource-types";
import { opensRepositories } from "../roles";

interface Parameters {
    readonly allowedRoles?: readonly string[];
}

const isAccount = ({ type }: PolicyResource) => isKind("account", type);

/** Refuses roles on projects, folders and organizations for the accounts of a stack. */
export function accountRoles(name: string): StackValidationPolicy {
    return {
        name,
        description: "The service accounts of a stack have no role on a project, folder or organization.",
        enforcementLevel: "mandatory",
        severity: "high",
        configSchema: {
            properties: {
                allowedRoles: texts("Roles that an account may have there, such as roles/logging.logWriter."),
            },
        },
        validateStack: (args, report) => {
            const { resources } = args;
            const { allowedRoles = [] } = args.getConfig<Parameters>();
            const principals = new Set(resources.filter(isAccount).map(findPrincipal));
            // Without an account, no principal is needed that a preview may not know yet.
            if (principals.size === 0) return;
            checkEach(
                resources.filter(({ type }) => findGrant(type)?.level === "above"),
                (resource) => {
                    checkGrants(resource, report, (grant) => {
                        const account = accountIn(grant, principals, resource);
                        // Another rule reports the roles for Artifact Registry.
                        if (account === undefined || opensRepositories(grant.role)) return undefined;
                        if (allowedRoles.includes(grant.role)) return undefined;
                        const { type, props } = resource;
                        return `${account} has ${grant.role} on ${grantedOn(type, props)}. The accounts of a registry need roles on its repositories only. Remove the grant, or use a different account for it.`;
                    });
                },
            );
        },
    };
}

/** The account as a principal; undefined if a preview does not know its address. */
function findPrincipal({ props }: PolicyResource): string | undefined {
    const { member, email } = {
        member: known(() => props["member"] as string | undefined),
        email: findEmail(props),
    };
    return (member ?? (email && `serviceAccount:${email}`))?.toLowerCase();
}

function findEmail(props: Record<string, unknown>): string | undefined {
    const email = known(() => props["email"] as string | undefined);
    const [id, project] = [known(() => props["accountId"]), known(() => props["project"])] as string[];
    if (email !== undefined || id === undefined || project === undefined) return email;
    // The domain-scoped project example.com:tools is tools.example.com in an address.
    return `${id}@${project.split(":").reverse().join(".")}.iam.gserviceaccount.com`;
}

/**
 * Which account of the stack a grant is to. A principal that a preview does not know is one if the grant depends on an account.
 *
 * @throws UnknownValueError for a principal that a preview does not know, and that does not depend on an account
 */
function accountIn(
    grant: Grant,
    principals: ReadonlySet<string | undefined>,
    { propertyDependencies }: PolicyResource,
): string | undefined {
    const principal = known(() => grant.principal);
    if (principal !== undefined) return principals.has(principal.toLowerCase()) ? principal : undefined;
    const sources = Object.values(propertyDependencies).flat();
    if (sources.length === 0) return grant.principal;
    const account = sources.find(isAccount);
    return account && `The account ${account.name}`;
}
