import type { ResourceValidationPolicy } from "@pulumi/policy";
import { checkGrants, grantedOn, grantLevel, type IamProperties } from "../grants";
import { choices, texts } from "../parameters";

interface Parameters {
    readonly principals?: readonly string[];
    readonly readRoles?: readonly string[];
}

/** Principals that are many identities, some of which nobody chose. */
const broadPrincipals: Readonly<Record<string, { readonly pattern: RegExp; readonly means: string }>> = {
    domain: { pattern: /^domain:/i, means: "everyone in the domain" },
    pool: {
        // In the last form, it is the pool of a GKE cluster as older clusters write it.
        pattern:
            /^principalSet:\/\/.*(?:\/\*$|\/kubernetes\.cluster\/)|\.svc\.id\.goog:\/allAuthenticatedUsers\/$/,
        means: "every identity of the pool or cluster",
    },
    project: {
        pattern: /^project(?:Owner|Editor|Viewer):|^principalSet:\/\/cloudresourcemanager\.googleapis\.com\//,
        means: "everyone with a role on the project, or all its service accounts",
    },
    group: { pattern: /^group:/i, means: "every member of the group" },
};

const defaultPrincipals = ["domain", "pool", "project"];
const defaultReadRoles = ["roles/artifactregistry.reader"];

/** Refuses writing roles for whole domains and pools, on repositories and on the accounts that have such roles. */
export function noBroadWriters(name: string): ResourceValidationPolicy {
    return {
        name,
        description:
            "Only chosen people and machines can upload to a repository or act as a service account.",
        enforcementLevel: "mandatory",
        severity: "high",
        configSchema: {
            properties: {
                principals: choices(
                    "The kinds of principals that cannot be writers.",
                    Object.keys(broadPrincipals),
                    defaultPrincipals,
                ),
                readRoles: texts(
                    "The roles on a repository that do not let anyone upload. All other roles are writing roles, also custom ones.",
                    defaultReadRoles,
                ),
            },
        },
        validateResource: (args, report) => {
            const { type, props } = args;
            const level = grantLevel(type);
            if (level !== "repository" && level !== "account") return;
            const { principals = defaultPrincipals, readRoles = defaultReadRoles } =
                args.getConfig<Parameters>();
            const harmless = level === "repository" ? readRoles : ["roles/iam.serviceAccountViewer"];
            checkGrants(props as IamProperties, report, (grant) => {
                const broad = principals.find((kind) => broadPrincipals[kind]?.pattern.test(grant.principal));
                if (broad === undefined || harmless.includes(grant.role)) return undefined;
                return `${grant.principal} has ${grant.role} on ${grantedOn(type, props)}, so ${broadPrincipals[broad]?.means ?? broad} has it. Grant the role to single people, accounts or workloads.`;
            });
        },
    };
}
