import { projectHost } from "../names/principals";
import type { Workload } from "../validation/workloads";
import { federatedIdentity, isFederated } from "./federation";

/** Where the pool of the registry is, and where its services run by default. */
export interface WorkloadContext {
    /** Project id of the registry. */
    readonly project: string;
    /** Id of the workload identity pool. */
    readonly poolId: string;
    /** Project id of the pool. */
    readonly poolProject: string;
}

/** How IAM knows a workload. */
export interface WorkloadIdentity {
    /** The project whose number is part of the principal; undefined if the principal has no number. */
    readonly numberProject?: string;
    /** The principal. `number` is the number of that project. */
    readonly principal: (number: string) => string;
    /** The role on a service account that lets the workload impersonate it. */
    readonly impersonationRole: "roles/iam.workloadIdentityUser" | "roles/iam.serviceAccountTokenCreator";
    /** The provider of the pool through which it authenticates; undefined if it needs no pool of the registry. */
    readonly providerId?: string;
}

/**
 * How IAM knows a workload.
 *
 * @see https://cloud.google.com/iam/docs/principal-identifiers
 */
export function workloadIdentity(workload: Workload, context: WorkloadContext): WorkloadIdentity {
    if (isFederated(workload)) {
        const { providerId, selector } = federatedIdentity(workload);
        return {
            numberProject: context.poolProject,
            principal: (number) =>
                `principalSet://iam.googleapis.com/${poolName(number, context.poolId)}/${selector}`,
            impersonationRole: "roles/iam.workloadIdentityUser",
            providerId,
        };
    }
    if (workload.type === "gke") {
        const { namespace, serviceAccount, clusterProject = context.project } = workload;
        return {
            numberProject: clusterProject,
            principal: (number) =>
                `principal://iam.googleapis.com/${poolName(number, `${clusterProject}.svc.id.goog`)}/subject/ns/${namespace}/sa/${serviceAccount}`,
            impersonationRole: "roles/iam.workloadIdentityUser",
        };
    }
    return {
        ...serviceIdentity(workload, workload.project ?? context.project),
        impersonationRole: "roles/iam.serviceAccountTokenCreator",
    };
}

/** The service account that a service of Google runs as. https://cloud.google.com/iam/docs/service-account-types#default */
function serviceIdentity(
    workload: Extract<Workload, { readonly project?: string }>,
    project: string,
): Pick<WorkloadIdentity, "numberProject" | "principal"> {
    if (workload.serviceAccount !== undefined) {
        const principal = `serviceAccount:${workload.serviceAccount}`;
        return { principal: () => principal };
    }
    if (workload.type === "appEngine") {
        return { principal: () => `serviceAccount:${projectHost(project)}@appspot.gserviceaccount.com` };
    }
    const legacy = workload.type === "cloudBuild" && workload.legacy === true;
    return {
        numberProject: project,
        principal: (number) =>
            `serviceAccount:${number}${legacy ? "@cloudbuild.gserviceaccount.com" : "-compute@developer.gserviceaccount.com"}`,
    };
}

/** The resource name of a workload identity pool, with the number of its project. */
export function poolName(projectNumber: string, poolId: string): string {
    return `projects/${projectNumber}/locations/global/workloadIdentityPools/${poolId}`;
}
