import type { ConfigPath } from "../validation/wording";
import type { WorkloadSettings } from "./settings";

/** The number of a project, as configured. */
export interface StatedNumber {
    /** Where it is configured. */
    readonly path: ConfigPath;
    readonly projectId: string;
    /** In digits. */
    readonly number: string;
}

/**
 * The numbers of projects that are configured.
 *
 * @param project the project of the registry
 */
export function statedNumbers(
    { workloads, pool, projectNumber }: WorkloadSettings,
    project: string,
): StatedNumber[] {
    const candidates: [path: ConfigPath, projectId: string, number: string | undefined][] = [
        [["projectNumber"], project, projectNumber],
        [["pool", "projectNumber"], pool.project ?? project, pool.projectNumber],
    ];
    for (const [name, workload] of Object.entries(workloads)) {
        if (workload.type === "gke") {
            const { clusterProject = project, clusterProjectNumber } = workload;
            candidates.push([
                ["workloads", name, "clusterProjectNumber"],
                clusterProject,
                clusterProjectNumber,
            ]);
        }
        if ("projectNumber" in workload) {
            const { project: ofService = project, projectNumber: number } = workload;
            candidates.push([["workloads", name, "projectNumber"], ofService, number]);
        }
    }
    return candidates.flatMap(([path, projectId, number]) =>
        number === undefined ? [] : [{ path, projectId, number }],
    );
}
