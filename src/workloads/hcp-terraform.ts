import type { WorkloadOf } from "../validation/workloads";
import type { FederatedSystem } from "./federated-system";

type HcpTerraform = WorkloadOf<"hcpTerraform">;

const tenant = ({ organizationId }: HcpTerraform) => ({
    claim: "assertion.terraform_organization_id",
    value: organizationId,
});
const unit = ({ workspaceId, projectId }: HcpTerraform) =>
    workspaceId === undefined
        ? { claim: "assertion.terraform_project_id", value: projectId ?? "" }
        : { claim: "assertion.terraform_workspace_id", value: workspaceId };

/**
 * HCP Terraform and Terraform Enterprise. A plan can run for a pull request, so only an apply counts as trusted.
 *
 * @see https://developer.hashicorp.com/terraform/cloud-docs/workspaces/dynamic-provider-credentials/workload-identity-tokens
 */
export const hcpTerraform: FederatedSystem<HcpTerraform> = {
    name: "terraform",
    issuers: /^https:\/\/app(?:\.eu)?\.terraform\.io(?:\/|$)/,
    sharedIssuer: "https://app.terraform.io",
    issuer: ({ issuer }) => issuer ?? "https://app.terraform.io",
    subject: "assertion.terraform_workspace_id",
    tenant,
    unit,
    select: (workload) => ({
        attribute: workload.workspaceId === undefined ? "project" : "workspace",
        claims: [tenant(workload), unit(workload)],
    }),
    trusted: () => ['assertion.terraform_run_phase == "apply"'],
};
