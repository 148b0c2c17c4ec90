import type { ResourceValidationPolicy } from "@pulumi/policy";
import { checkGrants, grantedOn } from "../grants";
import { texts } from "../parameters";
import { findGrant } from "../resource-types";
import { opensRepositories } from "../roles";

interface Parameters {
    readonly exceptPrincipals?: readonly string[];
}

/** Google's own accounts that get a role with upload on the project: the projects that they are in, by the service of the role. */
const agentProjects: Readonly<Record<string, string>> = {
    appengine: "gcp-gae-service",
    appengineflex: "gae-api-prod.google.com",
    cloudfunctions: "gcf-admin-robot",
    composer: "cloudcomposer-accounts",
    run: "serverless-robot-prod",
};

/** Whether a role is the one of a service for its own agent. */
function isAgentGrant(role: string, principal: string): boolean {
    const [, service] = /^roles\/([a-z]+)\.serviceAgent$/.exec(role) ?? [];
    const [, project] =
        /^serviceAccount:service-\d+@([a-z.-]+)\.iam\.gserviceaccount\.com$/.exec(principal) ?? [];
    return service !== undefined && project === (agentProjects[service] ?? `gcp-sa-${service}`);
}

/** Refuses roles that open repositories on projects, folders and organizations. */
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
            if (findGrant(type)?.level !== "above") return;
            const { exceptPrincipals = [] } = args.getConfig<Parameters>();
            checkGrants(args, report, (grant) => {
                const { role } = grant;
                if (!opensRepositories(role)) return undefined;
                if (isAgentGrant(role, grant.principal) || exceptPrincipals.includes(grant.principal))
                    return undefined;
                return `${grant.principal} has ${role} on ${grantedOn(type, props)}, and so on every repository in it. Grant a role on the repository instead, with RepositoryIamMember or RepositoryIamBinding.`;
            });
        },
    };
}
