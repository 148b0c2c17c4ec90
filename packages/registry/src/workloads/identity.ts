import { type OwnIdentity, poolName } from "../systems/system";
import { getSystem, type Workload } from "../systems/systems";

/** Where the pool of the registry is, and where its services run by default. */
interface IdentityContext {
    /** Project id of the registry. */
    readonly project: string;
    /** Id of the workload identity pool. */
    readonly poolId: string;
    /** Project id of the pool. */
    readonly poolProject: string;
}

/** How IAM knows a workload. */
export interface Identity extends OwnIdentity {
    /** The provider of the pool through which it authenticates; undefined if it needs no pool of the registry. */
    readonly providerId?: string;
}

/**
 * How IAM knows a workload.
 *
 * @see https://cloud.google.com/iam/docs/principal-identifiers
 */
export function getIdentity(workload: Workload, { project, poolId, poolProject }: IdentityContext): Identity {
    const { identity } = getSystem(workload.type);
    if (typeof identity === "function") return identity(workload, project);
    const selector = identity.selector(workload);
    return {
        numberProject: poolProject,
        principal: (number) => `principalSet://iam.googleapis.com/${poolName(number, poolId)}/${selector}`,
        impersonationRole: "roles/iam.workloadIdentityUser",
        providerId: identity.providerId(workload),
    };
}
