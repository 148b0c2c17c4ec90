import type { RepositoryCoordinates } from "../names/urls";
import type { WorkloadSettings } from "./settings";
import { type Provider, providersFor } from "./federation";
import { workloadIdentity, type WorkloadIdentity } from "./identity";
import { defaultPoolId } from "./pool-id";
import { statedNumbers } from "./project-numbers";
import type { Workload } from "../validation/workloads";

/** A workload and how IAM knows it. */
export interface PlannedWorkload extends WorkloadIdentity {
    readonly name: string;
    readonly workload: Workload;
}

/** What the workloads of a registry need. */
export interface WorkloadPlan {
    readonly workloads: readonly PlannedWorkload[];
    /** Empty if no workload authenticates through the pool. */
    readonly providers: readonly Provider[];
    /** Id of the pool. */
    readonly poolId: string;
    /** Project id of the pool. */
    readonly poolProject: string;
    /** The projects whose numbers are part of a principal: project id → number; undefined if it is to be looked up. */
    readonly projectNumbers: ReadonlyMap<string, string | undefined>;
}

/** Derives from the settings what the workloads of a registry need. */
export function planWorkloads(place: RepositoryCoordinates, settings: WorkloadSettings): WorkloadPlan {
    const { workloads, pool } = settings;
    const { project } = place;
    const poolProject = pool.project ?? project;
    const poolId = pool.id ?? defaultPoolId(place, poolProject);
    const planned = Object.entries(workloads).map(([name, workload]) => ({
        name,
        workload,
        ...workloadIdentity(workload, { project, poolId, poolProject }),
    }));
    const known = new Map(
        statedNumbers(settings, project).map(({ projectId, number }) => [projectId, number]),
    );
    const needed = planned.flatMap(({ numberProject }) =>
        numberProject === undefined ? [] : [numberProject],
    );
    return {
        workloads: planned,
        providers: providersFor(planned.map(({ workload }) => workload)),
        poolId,
        poolProject,
        projectNumbers: new Map(needed.map((id) => [id, known.get(id)])),
    };
}
