import type { CiSystem } from "./ci-system";

/** https://developer.hashicorp.com/terraform/cloud-docs/workspaces/dynamic-provider-credentials/workload-identity-tokens */
export const hcpTerraform: CiSystem = {
    issuer: "https://app.terraform.io",
    claims: {
        jti: "d4e5f6a7-b8c9-4abc-9def-012345678908",
        sub: "organization:acme:project:registry:workspace:production:run_phase:apply",
        terraform_organization_id: "org-GRNbCjYNpBB6NEBH",
        terraform_organization_name: "acme",
        terraform_project_id: "prj-vegSA59s1XPwMr2t",
        terraform_project_name: "registry",
        terraform_workspace_id: "ws-mbsd5E3Ktt5Rg2Xm",
        terraform_workspace_name: "production",
        terraform_full_workspace: "organization:acme:project:registry:workspace:production",
        terraform_run_id: "run-X3n1AUXNGWbfECsJ",
        terraform_run_phase: "apply",
    },
};
