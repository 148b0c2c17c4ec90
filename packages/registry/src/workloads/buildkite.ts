import type { WorkloadOf } from "../validation/workloads";
import { acceptedEvents, type FederatedSystem, literal, optional } from "./federated-system";

/** A build of a tag has the name of the tag as its branch too. */
const refClaim = `(${optional("build_tag")} != "" ? "refs/tags/" + assertion.build_tag : "refs/heads/" + ${optional("build_branch")})`;

/**
 * Buildkite. The ids are in a token only if the job asks for them: `--claim organization_id,pipeline_id`. Nothing in a token
 * distinguishes a branch of a fork from one of ours, except a prefix that is a setting of the pipeline.
 *
 * @see https://buildkite.com/docs/agent/v3/cli/reference/oidc
 */
export const buildkite: FederatedSystem<WorkloadOf<"buildkite">> = {
    name: "buildkite",
    issuers: /^https:\/\/agent\.buildkite\.com(?:\/|$)/,
    issuer: "https://agent.buildkite.com",
    subject: 'assertion.pipeline_id + ":" + string(assertion.build_number)',
    tenant: ({ organizationId }) => ({ claim: "assertion.organization_id", value: organizationId }),
    unit: ({ pipelineId }) => ({ name: "pipeline", claim: "assertion.pipeline_id", value: pipelineId }),
    select: ({ ref }) => [{ name: "ref", claim: refClaim, value: ref }],
    trusted: ({ events }) => [
        `${optional("build_source")} in ${literal(acceptedEvents("buildkite", events))}`,
        // The prefix of a fork. Git does not allow a colon in the name of a branch.
        'has(assertion.build_branch) && !assertion.build_branch.contains(":")',
    ],
};
