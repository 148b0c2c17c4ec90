import * as pulumi from "@pulumi/pulumi";
import type { PythonIndex } from "./clients/client";
import { pipConfWithKeyring } from "./clients/pip";
import { pypircWithKeyring } from "./clients/twine";
import type { Registry } from "./registry";

/**
 * The CI configuration of each workload, by name: the value of the output `ci`.
 *
 * @returns undefined if the registry has no workloads
 */
export function ciSnippets(
    registry: Pick<Registry, "workloadDetails">,
    index: PythonIndex,
    project: string,
): pulumi.Output<Record<string, string>> | undefined {
    const workloads = Object.entries(registry.workloadDetails);
    if (workloads.length === 0) return undefined;
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- only a stack with workloads loads this module
    const { ciSnippet } = require("./ci/snippet") as typeof import("./ci/snippet");
    const pipConf = pipConfWithKeyring(index.indexUrl, index.keyring);
    const pypirc = pypircWithKeyring(index);
    return pulumi
        .all(
            workloads.map(([name, { workload, provider, serviceAccount }]) =>
                pulumi.all([provider, serviceAccount]).apply(([providerName, account]): [string, string] => [
                    name,
                    ciSnippet({
                        name,
                        workload,
                        project,
                        ...(providerName === undefined ? {} : { provider: providerName }),
                        ...(account === undefined ? {} : { serviceAccount: account }),
                        index,
                        pipConf,
                        pypirc,
                    }),
                ]),
            ),
        )
        .apply((snippets) => Object.fromEntries(snippets));
}
