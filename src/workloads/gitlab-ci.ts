import type { WorkloadOf } from "../validation/workloads";
import type { FederatedSystem } from "./federation";

type GitlabCi = WorkloadOf<"gitlabCi">;

const unit = ({ projectId, namespaceId }: GitlabCi) =>
    projectId === undefined
        ? { claim: "assertion.namespace_id", value: namespaceId ?? "" }
        : { claim: "assertion.project_id", value: projectId };

/**
 * GitLab CI. All claims are text. In a merge request from a fork, the project of the token is the fork.
 *
 * @see https://docs.gitlab.com/ci/secrets/id_token_authentication/#token-payload
 */
export const gitlabCi: FederatedSystem<GitlabCi> = {
    name: "gitlab",
    sharedIssuer: "https://gitlab.com",
    issuer: ({ issuer }) => issuer ?? "https://gitlab.com",
    subject: 'assertion.project_id + ":" + assertion.job_id',
    tenant: unit,
    unit,
    select: (workload) => {
        const { projectId, ref, protectedOnly } = workload;
        return {
            attribute: [
                projectId === undefined ? "namespace" : "project",
                ...(ref ? ["ref"] : []),
                ...(protectedOnly ? ["protected"] : []),
            ].join("_"),
            claims: [
                unit(workload),
                ...(ref ? [{ claim: "assertion.ref_path", value: ref }] : []),
                ...(protectedOnly ? [{ claim: "assertion.ref_protected", value: "true" }] : []),
            ],
        };
    },
    // A child pipeline of a merge request has the source parent_pipeline, but the ref of the merge request.
    untrusted: () =>
        'assertion.pipeline_source in ["merge_request_event", "external_pull_request_event"] || assertion.ref_path.startsWith("refs/merge-requests/")',
};
