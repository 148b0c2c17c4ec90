import * as v from "valibot";
import { federatedScript, tokenAudience } from "../ci/commands";
import type { SnippetContext } from "../ci/context";
import { fileOf } from "../ci/text";
import * as pasted from "../validation/pasted";
import { requireOneOf } from "./checks";
import { optional } from "./claims";
import { federated } from "./federated";
import { common, required, systemIssuer } from "./keys";
import type { Entry, ReportEntry, System } from "./system";

const terraformId = (noun: string, prefix: string) =>
    required(
        `the ${noun}'s id, ${prefix}-…`,
        new RegExp(`^${prefix}-[A-Za-z0-9]{1,40}$`),
        pasted.terraformIds(prefix),
    );
const keys = {
    ...common,
    organizationId: terraformId("organization", "org"),
    workspaceId: v.exactOptional(terraformId("workspace", "ws")),
    projectId: v.exactOptional(terraformId("project", "prj")),
    issuer: v.exactOptional(systemIssuer),
};
type HcpTerraform = Entry<typeof keys>;

/**
 * HCP Terraform and Terraform Enterprise. A plan can run for a pull request, so only an apply counts as trusted.
 *
 * @see https://developer.hashicorp.com/terraform/cloud-docs/workspaces/dynamic-provider-credentials/workload-identity-tokens
 */
const identity = federated<HcpTerraform>({
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
});

function check(workload: HcpTerraform, report: ReportEntry): void {
    requireOneOf(workload, "workspaceId", "projectId", report);
}

/**
 * A hook of an agent of HCP Terraform. Only an apply can upload: a plan can run for a pull request.
 *
 * @see https://developer.hashicorp.com/terraform/cloud-docs/agents/hooks
 * @see https://developer.hashicorp.com/terraform/cloud-docs/workspaces/dynamic-provider-credentials/manual-generation
 */
function snippet(context: SnippetContext<HcpTerraform>): string {
    return fileOf(
        "#!/bin/sh",
        `# /home/tfc-agent/.tfc-agent/hooks/terraform-${context.workload.access === "reader" ? "pre-plan" : "post-apply"}, in agents with Python`,
        "# and TFC_AGENT_HOOK_TIMEOUT=600 (the default is 60 seconds).",
        "# The workspace needs this environment variable:",
        `# TFC_WORKLOAD_IDENTITY_AUDIENCE=${tokenAudience(context)}`,
        ...federatedScript(context, (file) => [`printf %s "$TFC_WORKLOAD_IDENTITY_TOKEN" > ${file}`]),
    );
}

export const hcpTerraform = { keys, check, identity, snippet } satisfies System<HcpTerraform>;
