import type { ResourceValidationPolicy } from "@pulumi/policy";
import { checkGrants, grantedOn, grantLevel, type IamProperties } from "../grants";
import { texts } from "../parameters";

interface Parameters {
    readonly exceptPrincipals?: readonly string[];
}

/** Whether a role on a project gives access to all its repositories. The contents of custom roles are not known here. */
export function opensRepositories(role: string): boolean {
    return /^roles\/(?:artifactregistry\..*|owner|editor|viewer|admin|writer|reader)$/.test(role);
}

/** Google's own account, which has its role on the project. */
const serviceAgent = /^serviceAccount:service-\d+@gcp-sa-artifactregistry\.iam\.gserviceaccount\.com$/;

/** Refuses roles for Artifact Registry on projects, folders and organizations. */
export function repositoryGrants(name: string): ResourceValidationPolicy {
    return {
        name,
        description: "Roles for Artifact Registry are granted on repositories, and not above them.",
        enforcementLevel: "mandatory",
        severity: "high",
        configSchema: {
            properties: {
                exceptPrincipals: texts(
                    "Principals that may have such a role, such as a scanner of all repositories.",
                ),
            },
        },
        validateResource: (args, report) => {
            const { type, props } = args;
            if (grantLevel(type) !== "above") return;
            const { exceptPrincipals = [] } = args.getConfig<Parameters>();
            checkGrants(props as IamProperties, report, (grant) => {
                if (!opensRepositories(grant.role)) return undefined;
                if (serviceAgent.test(grant.principal) || exceptPrincipals.includes(grant.principal))
                    return undefined;
                return `${grant.principal} has ${grant.role} on ${grantedOn(type, props)}, and so on every repository in it. Grant a role on the repository instead, with RepositoryIamMember or RepositoryIamBinding.`;
            });
        },
    };
}
