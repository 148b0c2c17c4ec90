/** What a Python repository's addresses follow from. All three are plain values, so a preview knows them. */
export interface RepositoryCoordinates {
    /** Project id; domain-scoped ids (`example.com:tools`) stand in the URL as they are. */
    readonly project: string;
    /** Region or multi-region. */
    readonly location: string;
    /** Repository id. */
    readonly repository: string;
}

/** The addresses of one Python repository. */
export interface RepositoryUrls {
    /** The service's own `registryUri`: host and path, no scheme, no trailing slash. */
    readonly registryUri: string;
    /** Simple index (PEP 503), with trailing slash: what pip reads. */
    readonly indexUrl: string;
    /** Legacy upload API, with trailing slash: what twine posts to. */
    readonly uploadUrl: string;
}

/**
 * Derives a repository's addresses from its coordinates.
 *
 * @see https://cloud.google.com/artifact-registry/docs/python/authentication
 */
export function repositoryUrls({ project, location, repository }: RepositoryCoordinates): RepositoryUrls {
    const registryUri = `${location}-python.pkg.dev/${project}/${repository}`;
    return {
        registryUri,
        indexUrl: `https://${registryUri}/simple/`,
        uploadUrl: `https://${registryUri}/`,
    };
}

/** Full resource name, `projects/P/locations/L/repositories/R`. */
export function repositoryName({
    project,
    location,
    repositoryId,
}: Omit<RepositoryCoordinates, "repository"> & { readonly repositoryId: string }): string {
    return `projects/${project}/locations/${location}/repositories/${repositoryId}`;
}
