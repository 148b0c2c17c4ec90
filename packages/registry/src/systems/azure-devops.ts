import * as v from "valibot";
import { federatedScript } from "../ci/commands";
import type { SnippetContext } from "../ci/context";
import { asPattern, parseRef } from "../ci/refs";
import { fileOf, indented, yamlString } from "../ci/text";
import { requireKey } from "./checks";
import { isBranchOrTag, optional } from "./claims";
import { federated } from "./federated";
import { common, number, refOr, uuid } from "./keys";
import type { Entry, ReportEntry, System } from "./system";

const keys = {
    ...common,
    organizationId: uuid("the organization's GUID"),
    projectId: uuid("the project's GUID"),
    pipelineId: v.exactOptional(number("the pipeline's number, definitionId in its URL")),
    ref: refOr("name each ref, or upload from a branch"),
};
type AzureDevOps = Entry<typeof keys>;

/**
 * Azure DevOps, with the token of the pipeline itself, which needs no service connection. Each organization has an issuer of
 * its own.
 *
 * @see https://learn.microsoft.com/en-us/rest/api/azure/devops/distributedtask/oidctoken/create
 */
const identity = federated<AzureDevOps>({
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
});

function check(workload: AzureDevOps, report: ReportEntry): void {
    if (workload.access === "reader") return;
    const branches = "otherwise every branch can upload. Allowed: a full ref, such as refs/heads/main.";
    requireKey(workload, "ref", branches, report);
}

/**
 * A pipeline of Azure Pipelines. It requests the token of the pipeline itself, so it needs no service connection. The answer is
 * JSON, which Google's libraries read as it is.
 *
 * @see https://learn.microsoft.com/en-us/rest/api/azure/devops/distributedtask/oidctoken/create
 */
function snippet(context: SnippetContext<AzureDevOps>): string {
    return fileOf(
        "# azure-pipelines.yml",
        ...triggers(context.workload),
        "pool:",
        "  vmImage: ubuntu-latest",
        "steps:",
        "  - bash: |",
        indented(
            federatedScript(
                context,
                (file) => [
                    // Other users of the machine can read the arguments of a process.
                    `printf 'Authorization: Bearer %s' "$SYSTEM_ACCESSTOKEN" |`,
                    `  curl -sSf -X POST -H "Content-Type: application/json" -H @- -d "" \\`,
                    `  "$SYSTEM_OIDCREQUESTURI?api-version=7.1-preview.1" > ${file}`,
                ],
                "oidcToken",
            ),
            6,
        ),
        "    env:",
        "      SYSTEM_ACCESSTOKEN: $(System.AccessToken)",
    );
}

function triggers({ access, ref }: AzureDevOps): string[] {
    // Google refuses pull requests as writers.
    const pullRequests = access === "reader" ? [] : ["pr: none"];
    if (ref === undefined) return pullRequests;
    const { kind, name } = parseRef(ref);
    return [
        "trigger:",
        `  ${kind === "tag" ? "tags" : "branches"}:`,
        `    include: [${yamlString(asPattern(name))}]`,
        ...pullRequests,
    ];
}

export const azureDevOps = { keys, check, identity, snippet } satisfies System<AzureDevOps>;
