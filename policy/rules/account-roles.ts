import type { PolicyResource, StackValidationPolicy } from "@pulumi/policy";
import { type Grant, grantedOn, grantLevel, grantsOf, type IamProperties, known } from "../grants";
import { texts } from "../parameters";
import { opensRepositories } from "./repository-grants";

interface Parameters {
    readonly allowedRoles?: readonly string[];
}

const isAccount = ({ type }: PolicyResource) => type === "gcp:serviceaccount/account:Account";

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
            const principals = new Set(resources.filter(isAccount).map(principalOf));
            for (const resource of resources.filter(({ type }) => grantLevel(type) === "above")) {
                const { type, props, urn } = resource;
                for (const grant of grantsOf(props as IamProperties)) {
                    const account = accountIn(grant, principals, resource);
                    const role = known(() => grant.role);
                    // Another rule reports the roles for Artifact Registry.
                    if (account === undefined || role === undefined || opensRepositories(role)) continue;
                    if (allowedRoles.includes(role)) continue;
                    report(
                        `${account} has ${role} on ${grantedOn(type, props)}. The accounts of a registry need roles on its repositories only. Remove the grant, or use a different account for it.`,
                        urn,
                    );
                }
            }
        },
    };
}

/** The account as a principal; undefined if a preview does not know its address. */
function principalOf({ props }: PolicyResource): string | undefined {
    const { member, email } = {
        member: known(() => props["member"] as string | undefined),
        email: emailOf(props),
    };
    return (member ?? (email && `serviceAccount:${email}`))?.toLowerCase();
}

function emailOf(props: Record<string, unknown>): string | undefined {
    const email = known(() => props["email"] as string | undefined);
    const [id, project] = [known(() => props["accountId"]), known(() => props["project"])] as string[];
    if (email !== undefined || id === undefined || project === undefined) return email;
    // The domain-scoped project example.com:tools is tools.example.com in an address.
    return `${id}@${project.split(":").reverse().join(".")}.iam.gserviceaccount.com`;
}

/** Which account of the stack a grant is to. A principal that a preview does not know is one if it comes from an account. */
function accountIn(
    grant: Grant,
    principals: ReadonlySet<string | undefined>,
    { propertyDependencies }: PolicyResource,
): string | undefined {
    const principal = known(() => grant.principal);
    if (principal !== undefined) return principals.has(principal.toLowerCase()) ? principal : undefined;
    const sources = [...(propertyDependencies["member"] ?? []), ...(propertyDependencies["members"] ?? [])];
    const account = sources.find(isAccount);
    return account && `The account ${account.name}`;
}
