/** The values that determine the URLs of a Python repository. All are plain, so a preview knows the URLs. */
export interface RepositoryCoordinates {
    /** Project id. A domain-scoped id (`example.com:tools`) appears unchanged in the URLs. */
    readonly project: string;
    /** Region or multi-region. */
    readonly location: string;
    /** Repository id. */
    readonly repository: string;
}

/** The URLs of a Python repository. */
export interface RepositoryUrls {
    /** `registryUri` as Artifact Registry reports it: host and path, without scheme and trailing slash. */
    readonly registryUri: string;
    /** URL of the simple index (PEP 503), with a trailing slash. pip downloads from it. */
    readonly indexUrl: string;
    /** URL of the legacy upload API, with a trailing slash. twine uploads to it. */
    readonly uploadUrl: string;
}

/**
 * Derives the URLs of a repository from its coordinates.
 *
 * @param indexRepository id of the virtual repository that tools ask in place of this one, if there is one
 * @see https://cloud.google.com/artifact-registry/docs/python/authentication
 */
export function repositoryUrls({
    project,
    location,
    repository,
    indexRepository = repository,
}: RepositoryCoordinates & { readonly indexRepository?: string | undefined }): RepositoryUrls {
    const uri = (id: string) => `${location}-python.pkg.dev/${project}/${id}`;
    return {
        registryUri: uri(repository),
        indexUrl: `https://${uri(indexRepository)}/simple/`,
        uploadUrl: `https://${uri(repository)}/`,
    };
}

/** The full resource name of a repository, `projects/P/locations/L/repositories/R`. */
export function repositoryName({
    project,
    location,
    repositoryId,
}: Omit<RepositoryCoordinates, "repository"> & { readonly repositoryId: string }): string {
    return `projects/${project}/locations/${location}/repositories/${repositoryId}`;
}
