import * as pulumi from "@pulumi/pulumi";
import type { PythonIndex } from "../clients/client";
import { pipConfWithKeyring } from "../clients/pip";
import { pypircWithKeyring } from "../clients/twine";
import type { CreatedWorkload } from "./workload-identity";

/** The CI configuration of each workload, by name. */
export function renderSnippets(
    created: Readonly<Record<string, CreatedWorkload>>,
    index: PythonIndex,
    project: string,
): pulumi.Output<Record<string, string>> {
    const workloads = Object.entries(created);
    if (workloads.length === 0) return pulumi.output<Record<string, string>>({});
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- only a stack with workloads loads this module
    const { ciSnippet } = require("../ci/snippet") as typeof import("../ci/snippet");
    const pipConf = pipConfWithKeyring(index.indexUrl, index.keyring);
    const pypirc = pypircWithKeyring(index);
    const snippets = workloads.map(([name, { workload, provider: providerName, serviceAccount }]) => [
        name,
        pulumi
            .output(providerName)
            .apply((provider) =>
                ciSnippet({ name, workload, project, provider, serviceAccount, index, pipConf, pypirc }),
            ),
    ]);
    return pulumi.all(Object.fromEntries(snippets) as Record<string, pulumi.Output<string>>);
}
