import { createHash } from "node:crypto";

/**
 * The id of a registry's pool, unless it is configured: from the repository and its location. In a project that other
 * registries can share, and if the name is too long or reserved, it ends with a hash.
 *
 * @param project of the registry
 * @param poolProject of the pool
 * @see https://cloud.google.com/iam/docs/reference/rest/v1/projects.locations.workloadIdentityPools/create
 */
export function defaultPoolId(
    {
        project,
        location,
        repository,
    }: { readonly project: string; readonly location: string; readonly repository: string },
    poolProject: string,
): string {
    const name = `${repository}-${location}`;
    const start = name.startsWith("gcp-") ? `x${name}` : name;
    if (project === poolProject && start === name && start.length <= 32) return start;
    const hash = createHash("sha256")
        .update(`${project}/${location}/${repository}`)
        .digest("hex")
        .slice(0, 8);
    return `${start.slice(0, 23)}-${hash}`;
}
