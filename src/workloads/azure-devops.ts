import type { WorkloadOf } from "../validation/workloads";
import { type FederatedSystem, isBranchOrTag } from "./federated-system";

type AzureDevOps = WorkloadOf<"azureDevOps">;

const unit = ({ projectId }: AzureDevOps) => ({ claim: "assertion.prj_id", value: projectId });

/**
 * Azure DevOps, with the token of the pipeline itself, which needs no service connection. Each organization has an issuer of
 * its own.
 *
 * @see https://learn.microsoft.com/en-us/rest/api/azure/devops/distributedtask/oidctoken/create
 */
export const azureDevOps: FederatedSystem<AzureDevOps> = {
    name: "azure",
    issuers: /^https:\/\/vstoken\.dev\.azure\.com(?:\/|$)/,
    issuer: ({ organizationId }) => `https://vstoken.dev.azure.com/${organizationId}`,
    audiences: () => ["api://AzureADTokenExchange"],
    subject: 'assertion.prj_id + ":" + string(assertion.def_id)',
    tenant: unit,
    unit,
    select: (workload) => {
        const { pipelineId, ref } = workload;
        return {
            attribute: [pipelineId ? "pipeline" : "project", ...(ref ? ["ref"] : [])].join("_"),
            claims: [
                unit(workload),
                ...(pipelineId ? [{ claim: "string(assertion.def_id)", value: pipelineId }] : []),
                ...(ref ? [{ claim: "assertion.rpo_ref", value: ref }] : []),
            ],
        };
    },
    // A pull request runs on refs/pull/….
    trusted: () => [isBranchOrTag("assertion.rpo_ref")],
};
