import type { RepositoryCoordinates } from "../names/urls";
import { shortHash } from "./short-hash";

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
