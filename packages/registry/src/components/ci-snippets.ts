import * as pulumi from "@pulumi/pulumi";
import type { PythonIndex } from "../clients/client";
import type { CreatedWorkload } from "./workload-identity";

/**
 * The CI configuration of each workload, by name.
 *
 * @param files the content of pip.conf and .pypirc, without a credential
 */
export function renderSnippets(
    created: Readonly<Record<string, CreatedWorkload>>,
    index: PythonIndex,
    project: string,
    files: { readonly pipConf: string; readonly pypirc: string },
): pulumi.Output<Record<string, string>> {
    const workloads = Object.entries(created);
    if (workloads.length === 0) return pulumi.output<Record<string, string>>({});
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- only a stack with workloads loads this module
    const { renderSnippet } = require("../systems/systems") as typeof import("../systems/systems");
    const snippets = workloads.map(([name, { workload, provider: providerName, serviceAccount }]) => [
        name,
        pulumi
            .output(providerName)
            .apply((provider) =>
                renderSnippet({ name, workload, project, provider, serviceAccount, index, ...files }),
            ),
    ]);
    return pulumi.all(Object.fromEntries(snippets) as Record<string, pulumi.Output<string>>);
}
