import type { WorkloadOf } from "../validation/workloads";
import { type FederatedSystem, isBranchOrTag, optional } from "./federated-system";

/**
 * Azure DevOps, with the token of the pipeline itself, which needs no service connection. Each organization has an issuer of
 * its own.
 *
 * @see https://learn.microsoft.com/en-us/rest/api/azure/devops/distributedtask/oidctoken/create
 */
export const azureDevOps: FederatedSystem<WorkloadOf<"azureDevOps">> = {
    name: "azure",
    issuers: /^https:\/\/vstoken\.dev\.azure\.com(?:\/|$)/,
    issuer: ({ organizationId }) => `https://vstoken.dev.azure.com/${organizationId}`,
    audiences: () => ["api://AzureADTokenExchange"],
    subject: 'assertion.prj_id + ":" + string(assertion.def_id)',
    unit: ({ projectId, pipelineId }) => ({
        name: pipelineId === undefined ? "project" : "pipeline",
        claim: "assertion.prj_id",
        value: projectId,
    }),
    select: ({ pipelineId, ref }) => [
        { claim: "string(assertion.def_id)", value: pipelineId },
        { name: "ref", claim: optional("rpo_ref"), value: ref },
    ],
    // A pull request runs on refs/pull/….
    trusted: () => [isBranchOrTag("assertion.rpo_ref")],
};
