import type { RepositoryCoordinates } from "../names/urls";
import type { Workload } from "../systems/systems";
import { type Provider, providersFor } from "./federation";
import { getIdentity, type Identity } from "./identity";
import { defaultPoolId, type Pool } from "./pool";
import { statedNumbers } from "./project-numbers";
import type { WorkloadSettings } from "./settings";

/** What the workloads of a registry need. */
export interface WorkloadPlan {
    /** Project id of the registry. */
    readonly project: string;
    readonly workloads: readonly ({ readonly name: string; readonly workload: Workload } & Identity)[];
    /** Empty if no workload authenticates through the pool. */
    readonly providers: readonly Provider[];
    /** Id of the pool. */
    readonly poolId: string;
    /** Project id of the pool. */
    readonly poolProject: string;
    /** Set if the pool already exists. */
    readonly existing: Pool["existing"];
    /** The projects whose numbers are part of a principal: project id → number; undefined if it is to be looked up. */
    readonly projectNumbers: ReadonlyMap<string, string | undefined>;
}

/** Derives from the settings what the workloads of a registry need. */
export function planWorkloads({
    workloads = {},
    pool = {},
    projectNumber,
    ...place
}: RepositoryCoordinates & Partial<WorkloadSettings>): WorkloadPlan {
    const { project } = place;
    const poolProject = pool.project ?? project;
    const poolId = pool.id ?? defaultPoolId(place, poolProject);
    const planned = Object.entries(workloads).map(([name, workload]) => ({
        name,
        workload,
        ...getIdentity(workload, { project, poolId, poolProject }),
    }));
    const known = new Map(
        statedNumbers({ workloads, pool, projectNumber }, project).map(({ projectId, number }) => [
            projectId,
            number,
        ]),
    );
    const needed = planned.flatMap(({ numberProject }) =>
        numberProject === undefined ? [] : [numberProject],
    );
    return {
        project,
        workloads: planned,
        providers: providersFor(Object.values(workloads)),
        poolId,
        poolProject,
        existing: pool.existing,
        projectNumbers: new Map(needed.map((id) => [id, known.get(id)])),
    };
}
