import { getSystem } from "../systems/systems";
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
    {
        workloads,
        pool,
        projectNumber,
    }: Omit<WorkloadSettings, "projectNumber"> & { readonly projectNumber?: string | undefined },
    project: string,
): StatedNumber[] {
    const stated = (path: ConfigPath, number: string | undefined, projectId = project) =>
        number === undefined ? [] : [{ path, projectId, number }];
    return [
        ...stated(["projectNumber"], projectNumber),
        ...stated(["pool", "projectNumber"], pool.projectNumber, pool.project),
        ...Object.entries(workloads).flatMap(([name, workload]) => {
            const [projectKey, numberKey] = getSystem(workload.type).projectKeys ?? [];
            if (projectKey === undefined || numberKey === undefined) return [];
            const values = workload as Readonly<Record<string, string>>;
            return stated(["workloads", name, numberKey], values[numberKey], values[projectKey]);
        }),
    ];
}
