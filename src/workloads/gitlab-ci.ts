import type { WorkloadOf } from "../validation/workloads";
import { acceptedEvents, type FederatedSystem, isBranchOrTag, literal, optional } from "./federated-system";

type GitlabCi = WorkloadOf<"gitlabCi">;

const unit = ({ projectId, namespaceId }: GitlabCi) =>
    projectId === undefined
        ? { claim: "assertion.namespace_id", value: namespaceId ?? "" }
        : { claim: "assertion.project_id", value: projectId };

/**
 * GitLab CI. All claims are text. In a merge request from a fork, the project of the token is the fork; `job_project_id` can be
 * the parent, so nothing depends on it.
 *
 * @see https://docs.gitlab.com/ci/secrets/id_token_authentication/#token-payload
 */
export const gitlabCi: FederatedSystem<GitlabCi> = {
    name: "gitlab",
    issuers: /^https:\/\/gitlab\.com(?:\/|$)/,
    sharedIssuer: "https://gitlab.com",
    issuer: ({ issuer }) => issuer ?? "https://gitlab.com",
    subject: 'assertion.project_id + ":" + assertion.job_id',
    tenant: unit,
    unit,
    select: (workload) => {
        const { access, projectId, ref, environment } = workload;
        // Writers are on protected refs in any case.
        const protectedOnly = access === "reader" && workload.protectedOnly;
        return {
            attribute: [
                projectId === undefined ? "namespace" : "project",
                ...(ref ? ["ref"] : []),
                ...(environment ? ["environment"] : []),
                ...(protectedOnly ? ["protected"] : []),
            ].join("_"),
            claims: [
                unit(workload),
                ...(ref ? [{ claim: "assertion.ref_path", value: ref }] : []),
                ...(environment ? [{ claim: optional("environment"), value: environment }] : []),
                ...(protectedOnly ? [{ claim: "assertion.ref_protected", value: "true" }] : []),
            ],
        };
    },
    trusted: ({ events, environment }) => [
        `${optional("ref_protected")} == "true"`,
        `assertion.pipeline_source in ${literal(acceptedEvents("gitlabCi", events))}`,
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
