import type { PythonIndex } from "../clients/client";
import type { WorkloadType } from "../names/workload-types";
import type { Workload } from "../validation/workloads";
import { azureDevOpsSnippet } from "./azure-devops";
import { buildkiteSnippet } from "./buildkite";
import { circleCiSnippet } from "./circle-ci";
import { cloudBuildSnippet } from "./cloud-build";
import { githubActionsSnippet } from "./github-actions";
import { gitlabCiSnippet } from "./gitlab-ci";
import { googleServiceSnippet } from "./google-services";
import { hcpTerraformSnippet } from "./hcp-terraform";
import { kubernetesSnippet } from "./kubernetes";
import { oidcSnippet } from "./oidc";

/** A workload and everything that its snippet names. */
export interface SnippetContext<T extends WorkloadType = WorkloadType> {
    /** Name of the workload. */
    readonly name: string;
    readonly workload: Workload & { readonly type: T };
    /** Project id of the registry. */
    readonly project: string;
    /**
     * Resource name of the provider, `projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/ID`. Only for
     * workloads that authenticate through a provider.
     */
    readonly provider?: string | undefined;
    /** Email address of the service account that it impersonates; undefined if the workload has its role itself. */
    readonly serviceAccount?: string | undefined;
    readonly index: PythonIndex;
    /** The stack's pip.conf, in the form for the keyring. */
    readonly pipConf: string;
    /** The stack's .pypirc, in the form for the keyring. */
    readonly pypirc: string;
}

const snippets: { readonly [T in WorkloadType]: (context: SnippetContext<T>) => string } = {
    githubActions: githubActionsSnippet,
    gitlabCi: gitlabCiSnippet,
    circleCi: circleCiSnippet,
    azureDevOps: azureDevOpsSnippet,
    hcpTerraform: hcpTerraformSnippet,
    buildkite: buildkiteSnippet,
    oidc: oidcSnippet,
    gke: kubernetesSnippet,
    computeEngine: googleServiceSnippet,
    cloudRun: googleServiceSnippet,
    cloudFunctions: googleServiceSnippet,
    appEngine: googleServiceSnippet,
    cloudBuild: cloudBuildSnippet,
};

/**
 * The configuration of a workload's system, ready to paste: the login without a key, then `pip install`, and for writers and
 * admins `twine upload`. The first line says where it belongs. It contains no secret.
 *
 * @throws RangeError if the workload needs a provider and none is given
 */
export function ciSnippet(context: SnippetContext): string {
    // Each function gets only workloads of its own type.
    return (snippets[context.workload.type] as (context: SnippetContext) => string)(context);
}
