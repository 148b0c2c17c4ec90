import type { ResourceValidationPolicy } from "@pulumi/policy";
import { checkGrants, grantedOn, grantLevel, type IamProperties, known } from "../grants";
import { texts } from "../parameters";

interface Parameters {
    readonly publicRepositories?: readonly string[];
}

const everyone: Readonly<Record<string, string>> = {
    allusers: "everyone on the internet",
    allauthenticatedusers: "everyone with a Google account",
};

/** Refuses roles for everyone, on repositories and on service accounts. */
export function noPublicAccess(name: string): ResourceValidationPolicy {
    return {
        name,
        description: "Repositories and service accounts are not public.",
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
            const level = grantLevel(type);
            if (level !== "repository" && level !== "account") return;
            const { publicRepositories = [] } = args.getConfig<Parameters>();
            // Service accounts do not have this property.
            const repository = known(() => (props as { repository?: string }).repository) ?? "";
            const mayBeRead = publicRepositories.includes(repository.replace(/^.*\//, ""));
            checkGrants(props as IamProperties, report, (grant) => {
                const who = everyone[grant.principal.toLowerCase()];
                if (who === undefined) return undefined;
                if (mayBeRead && grant.role === "roles/artifactregistry.reader") return undefined;
                const role = known(() => grant.role) ?? "a role";
                return `${grant.principal} has ${role} on ${grantedOn(type, props)}, so ${who} has it. Remove ${grant.principal}, and grant the role to the people and machines that need it.`;
            });
        },
    };
}
