import type { ResourceValidationPolicy } from "@pulumi/policy";
import { checkGrants, grantedOn, known } from "../grants";
import { choices, texts } from "../parameters";
import { broadKinds, broadPrincipal, defaultBroadKinds } from "../principals";
import { type GrantLevel, findGrant } from "../resource-types";
import { abilities, isPredefined, findPower } from "../roles";

interface Parameters {
    readonly principals?: readonly string[];
    readonly readRoles?: readonly string[];
}

const defaultReadRoles = ["roles/artifactregistry.reader", "roles/artifactregistry.viewer"];

/** Refuses powerful roles for whole domains and pools. */
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
                    broadKinds,
                    defaultBroadKinds,
                ),
                readRoles: texts(
                    "Roles that permit neither uploads nor acting as an account. On a repository, all other roles are writing roles, also custom ones.",
                    defaultReadRoles,
                ),
            },
        },
        validateResource: (args, report) => {
            const { type, props } = args;
            const level = findGrant(type)?.level;
            if (level === undefined) return;
            const { principals = defaultBroadKinds, readRoles = defaultReadRoles } =
                args.getConfig<Parameters>();
            checkGrants(args, report, (grant) => {
                const refusal = (role: string) =>
                    readRoles.includes(role) ? undefined : refusedBecause(role, level, name);
                const role = known(() => grant.role);
                // Such a role needs no principal, which a preview may not know yet.
                if (role !== undefined && refusal(role) === undefined) return undefined;
                const broad = broadPrincipal(grant.principal, principals);
                if (broad === undefined) return undefined;
                const reason = refusal(grant.role);
                if (reason === undefined) return undefined;
                return `${grant.principal} has ${grant.role} on ${grantedOn(type, props)}, so ${broad} has it. ${reason}Grant the role to single people, accounts or workloads.`;
            });
        },
    };
}

/** Why a broad principal cannot have a role, for messages; undefined if it can. */
function refusedBecause(role: string, level: GrantLevel, rule: string): string | undefined {
    if (level === "repository") return "";
    if (level === "account") return role === "roles/iam.serviceAccountViewer" ? undefined : "";
    // The rule custom-roles knows the permissions of the stack's own roles.
    if (!isPredefined(role)) return undefined;
    const power = findPower(role);
    if (power === "other") return undefined;
    return power === undefined
        ? `These policies do not know the role. If it permits neither uploads nor acting as a service account, add it to the parameter readRoles of ${rule}. `
        : `The role ${abilities[power]}. `;
}
