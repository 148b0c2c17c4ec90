import type { PythonIndex } from "../clients/client";
import type { Role } from "../names/principals";

/** A workload and everything that its snippet names. `W` is its entry of `workloads`. */
export interface SnippetContext<W = { readonly access: Role }> {
    /** Name of the workload. */
    readonly name: string;
    readonly workload: W;
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
