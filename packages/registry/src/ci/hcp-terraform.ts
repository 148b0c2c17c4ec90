import { federatedScript, tokenAudience } from "./commands";
import type { SnippetContext } from "./snippet";
import { fileOf } from "./text";

/**
 * A hook of an agent of HCP Terraform. Only an apply can upload: a plan can run for a pull request.
 *
 * @see https://developer.hashicorp.com/terraform/cloud-docs/agents/hooks
 * @see https://developer.hashicorp.com/terraform/cloud-docs/workspaces/dynamic-provider-credentials/manual-generation
 */
export function hcpTerraformSnippet(context: SnippetContext<"hcpTerraform">): string {
    return fileOf(
        "#!/bin/sh",
        `# /home/tfc-agent/.tfc-agent/hooks/terraform-${context.workload.access === "reader" ? "pre-plan" : "post-apply"}, in agents with Python`,
        "# and TFC_AGENT_HOOK_TIMEOUT=600 (the default is 60 seconds).",
        "# The workspace needs this environment variable:",
        `# TFC_WORKLOAD_IDENTITY_AUDIENCE=${tokenAudience(context)}`,
        ...federatedScript(context, (file) => [`printf %s "$TFC_WORKLOAD_IDENTITY_TOKEN" > ${file}`], {
            lasting: true,
        }),
    );
}
