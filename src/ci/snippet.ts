import type { PythonIndex } from "../clients/client";
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
export interface SnippetContext {
    /** Name of the workload. */
    readonly name: string;
    readonly workload: Workload;
    /** Project id of the registry. */
    readonly project: string;
    /**
     * Resource name of the provider, `projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/ID`. Only for
     * workloads that come in through a provider.
     */
    readonly provider?: string;
    /** Email address of the service account that it impersonates; undefined if the workload has its role itself. */
    readonly serviceAccount?: string;
    readonly index: PythonIndex;
    /** The stack's pip.conf, in the form for the keyring. */
    readonly pipConf: string;
    /** The stack's .pypirc, in the form for the keyring. */
    readonly pypirc: string;
}

/**
 * The configuration of a workload's system, ready to paste: the login without a key, then `pip install`, and for writers and
 * admins `twine upload`. The first line says where it belongs. It contains no secret.
 *
 * @throws RangeError if the workload needs a provider and none is given
 */
export function ciSnippet(context: SnippetContext): string {
    const { workload } = context;
    switch (workload.type) {
        case "githubActions":
            return githubActionsSnippet(context, workload);
        case "gitlabCi":
            return gitlabCiSnippet(context, workload);
        case "circleCi":
            return circleCiSnippet(context, workload);
        case "azureDevOps":
            return azureDevOpsSnippet(context, workload);
        case "hcpTerraform":
            return hcpTerraformSnippet(context, workload);
        case "buildkite":
            return buildkiteSnippet(context, workload);
        case "oidc":
            return oidcSnippet(context, workload);
        case "gke":
            return kubernetesSnippet(context, workload);
        case "cloudBuild":
            return cloudBuildSnippet(context, workload);
        case "computeEngine":
        case "cloudRun":
        case "cloudFunctions":
        case "appEngine":
            return googleServiceSnippet(context, workload);
    }
}
