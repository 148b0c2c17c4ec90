import type { WorkloadOf } from "../validation/workloads";
import { type FederatedSystem, optional } from "./federated-system";

/**
 * HCP Terraform and Terraform Enterprise. A plan can run for a pull request, so only an apply counts as trusted.
 *
 * @see https://developer.hashicorp.com/terraform/cloud-docs/workspaces/dynamic-provider-credentials/workload-identity-tokens
 */
export const hcpTerraform: FederatedSystem<WorkloadOf<"hcpTerraform">> = {
    name: "terraform",
    issuers: /^https:\/\/app(?:\.eu)?\.terraform\.io(?:\/|$)/,
    issuer: "https://app.terraform.io",
    subject: "assertion.terraform_workspace_id",
    tenant: ({ organizationId }) => ({
        claim: "assertion.terraform_organization_id",
        value: organizationId,
    }),
    unit: ({ workspaceId, projectId = "" }) =>
        workspaceId === undefined
            ? { name: "project", claim: "assertion.terraform_project_id", value: projectId }
            : { name: "workspace", claim: "assertion.terraform_workspace_id", value: workspaceId },
    trusted: () => [`${optional("terraform_run_phase")} == "apply"`],
};
