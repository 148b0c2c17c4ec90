import type { ResourceValidationPolicy } from "@pulumi/policy";
import { checkGrants, grantedOn, known } from "../grants";
import { texts } from "../parameters";
import { publicPrincipal } from "../principals";
import { findGrant } from "../resource-types";

interface Parameters {
    readonly publicRepositories?: readonly string[];
}

/** Refuses roles for everyone, on repositories and on what a role on repositories or accounts can be granted on. */
export function noPublicAccess(name: string): ResourceValidationPolicy {
    return {
        name,
        description:
            "Repositories, service accounts, identity pools, projects, folders and organizations are not public.",
        enforcementLevel: "mandatory",
        severity: "critical",
        configSchema: {
            properties: {
                publicRepositories: texts(
                    "Ids of repositories that everyone may read. They still have no public writers.",
                ),
            },
        },
        validateResource: (args, report) => {
            const { type, props } = args;
            const { publicRepositories = [] } = args.getConfig<Parameters>();
            const repository =
                findGrant(type)?.level === "repository"
                    ? (["repository", "repositoryId", "name"] as const)
                          .map((each) => known(() => (props as Record<string, string | undefined>)[each]))
                          .find((each) => each !== undefined)
                    : undefined;
            const mayBeRead = publicRepositories.includes(repository?.replace(/^.*\//, "") ?? "");
            checkGrants(args, report, (grant) => {
                const who = publicPrincipal(grant.principal);
                if (who === undefined) return undefined;
                if (mayBeRead && grant.role === "roles/artifactregistry.reader") return undefined;
                const role = known(() => grant.role) ?? "a role";
                return `${grant.principal} has ${role} on ${grantedOn(type, props)}, so ${who} has it. Remove ${grant.principal}, and grant the role to the people and machines that need it.`;
            });
        },
    };
}
