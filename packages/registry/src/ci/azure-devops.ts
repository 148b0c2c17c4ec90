import type { WorkloadOf } from "../validation/workloads";
import { federatedScript } from "./commands";
import { asPattern, parseRef } from "./refs";
import type { SnippetContext } from "./snippet";
import { fileOf, indented, yamlString } from "./text";

/**
 * A pipeline of Azure Pipelines. It requests the token of the pipeline itself, so it needs no service connection. The answer is
 * JSON, which Google's libraries read as it is.
 *
 * @see https://learn.microsoft.com/en-us/rest/api/azure/devops/distributedtask/oidctoken/create
 */
export function azureDevOpsSnippet(context: SnippetContext<"azureDevOps">): string {
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
                { lasting: true, tokenField: "oidcToken" },
            ),
            6,
        ),
        "    env:",
        "      SYSTEM_ACCESSTOKEN: $(System.AccessToken)",
    );
}

function triggers({ access, ref }: WorkloadOf<"azureDevOps">): string[] {
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
