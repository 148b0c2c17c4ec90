import type { Cloud } from "./cloud";
import { GoogleError } from "./google-api";
import type { Policy } from "./policy";
import { parseServiceAgent } from "./service-agents";

/**
 * Refuses a policy that names an account, a service agent or a pool that does not exist: IAM keeps no grant for a future
 * one.
 * @throws GoogleError INVALID_ARGUMENT
 */
export function checkMembers(cloud: Cloud, bindings: Policy["bindings"]) {
    for (const member of bindings.flatMap(({ members }) => members)) {
        const [kind, email = ""] = member.split(":");
        if (kind === "serviceAccount" && (cloud.lacksServiceAccount(email) || lacksAgent(cloud, email))) {
            throw new GoogleError("INVALID_ARGUMENT", `Service account ${email} does not exist.`);
        }
        const missing = missingPool(cloud, member);
        if (missing === undefined) continue;
        throw new GoogleError(
            "INVALID_ARGUMENT",
            `Identity Pool does not exist (${missing}). Please check that you specified a valid resource name as ` +
                "returned in the `name` attribute in the configuration API.",
        );
    }
}

/** Whether an address is that of a service agent, in a project of this cloud, that was not created yet. */
function lacksAgent(cloud: Cloud, email: string): boolean {
    const agent = parseServiceAgent(email);
    const project = [...cloud.projects.values()].find(({ number }) => number === agent?.number);
    return agent !== undefined && project !== undefined && !project.serviceAgents.has(agent.api);
}

/** The pool of a member, if it belongs to a project of this cloud, which has no such pool or has deleted it. */
function missingPool(cloud: Cloud, member: string): string | undefined {
    const [, clusterPool] = /^serviceAccount:(.+\.svc\.id\.goog)\[/.exec(member) ?? [];
    if (clusterPool !== undefined) {
        const project = cloud.projects.get(clusterPool.replace(/\.svc\.id\.goog$/, ""));
        return project && !project.hasCluster ? clusterPool : undefined;
    }
    const [, name = "", number, id = ""] =
        /^principal(?:Set)?:\/\/iam\.googleapis\.com\/(projects\/([^/]+)\/locations\/global\/workloadIdentityPools\/([^/]+))\//.exec(
            member,
        ) ?? [];
    const project = [...cloud.projects.values()].find((each) => each.number === number);
    if (!project) return undefined;
    const exists = id.endsWith(".svc.id.goog")
        ? project.hasCluster && id === `${project.id}.svc.id.goog`
        : project.workloadIdentityPools.get(id)?.expires === undefined &&
          project.workloadIdentityPools.has(id);
    return exists ? undefined : name;
}
