import * as v from "valibot";
import { shortHash } from "../names/short-hash";
import type { RepositoryCoordinates } from "../names/urls";
import { projectNumber } from "../systems/keys";
import type { Entry } from "../systems/system";
import * as pasted from "../validation/pasted";
import { existing, matching, projectId } from "../validation/schema";

/** The keys of `pool`. */
export const poolEntries = {
    id: v.exactOptional(
        v.pipe(
            matching(
                /^[a-z0-9-]{4,32}$/,
                "4 to 32 lowercase letters, digits and hyphens",
                pasted.poolIds,
                /^(?!gcp-)[a-z0-9-]{4,32}$/,
            ),
            v.check(
                (id) => !id.startsWith("gcp-"),
                "starts with gcp-, which Google reserves. Allowed: any other start.",
            ),
        ),
    ),
    project: v.exactOptional(projectId),
    projectNumber: v.exactOptional(projectNumber),
    existing,
};

/** A validated `pool`. */
export type Pool = Entry<typeof poolEntries>;

/**
 * The id of a registry's pool, unless it is configured: from the repository and its location. In a project that other
 * registries can share, and if the name is too long or reserved, it ends with a hash.
 *
 * @param project of the registry
 * @param poolProject of the pool
 * @see https://cloud.google.com/iam/docs/reference/rest/v1/projects.locations.workloadIdentityPools/create
 */
export function defaultPoolId(
    { project, location, repository }: RepositoryCoordinates,
    poolProject: string,
): string {
    const name = `${repository}-${location}`;
    const start = name.startsWith("gcp-") ? `x${name}` : name;
    if (project === poolProject && start === name && start.length <= 32) return start;
    return `${start.slice(0, 23)}-${shortHash(`${project}/${location}/${repository}`)}`;
}
