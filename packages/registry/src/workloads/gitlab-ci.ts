import type { WorkloadOf } from "../validation/workloads";
import { acceptedEvents, type FederatedSystem, isBranchOrTag, literal, optional } from "./federated-system";

/**
 * GitLab CI. All claims are text. In a merge request from a fork, the project of the token is the fork; `job_project_id` can be
 * the parent, so nothing depends on it.
 *
 * @see https://docs.gitlab.com/ci/secrets/id_token_authentication/#token-payload
 */
export const gitlabCi: FederatedSystem<WorkloadOf<"gitlabCi">> = {
    name: "gitlab",
    issuers: /^https:\/\/gitlab\.com(?:\/|$)/,
    issuer: "https://gitlab.com",
    subject: 'assertion.project_id + ":" + assertion.job_id',
    unit: ({ projectId, namespaceId = "" }) =>
        projectId === undefined
            ? { name: "namespace", claim: "assertion.namespace_id", value: namespaceId }
            : { name: "project", claim: "assertion.project_id", value: projectId },
    select: ({ access, ref, environment, protectedOnly }) => [
        { name: "ref", claim: optional("ref_path"), value: ref },
        { name: "environment", claim: optional("environment"), value: environment },
        {
            name: "protected",
            claim: optional("ref_protected"),
            // Writers are on protected refs in any case.
            value: access === "reader" && protectedOnly === true ? "true" : undefined,
        },
    ],
    trusted: ({ events, environment }) => [
        `${optional("ref_protected")} == "true"`,
        `${optional("pipeline_source")} in ${literal(acceptedEvents("gitlabCi", events))}`,
        // A child pipeline of a merge request has the ref of the merge request.
        isBranchOrTag("assertion.ref_path"),
        ...(environment
            ? [
                  `${optional("environment_protected")} == "true"`,
                  `${optional("environment_action")} == "start"`,
              ]
            : []),
    ],
};
