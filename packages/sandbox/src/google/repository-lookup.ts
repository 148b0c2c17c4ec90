import type { Cloud, Project, Repository } from "./cloud";
import { permissionDenied } from "./google-api";
import type { Caller } from "./policy";
import type { Permission } from "./roles";
import { requireApi } from "./service-usage-api";

const api = { name: "artifactregistry.googleapis.com", title: "Artifact Registry API" };

/**
 * The repository that a request names, once its caller's permission is checked.
 * @param path its `repository` may end in `:method`
 * @throws GoogleError
 */
export type RepositoryLookup = (
    caller: Caller | undefined,
    permission: Permission,
    path: Record<"project" | "location" | "repository", string>,
) => Repository;

export function repositoryLookup(cloud: Cloud): RepositoryLookup {
    return (caller, permission, { project: projectId, location, repository }) => {
        const project = registryProject(cloud, projectId);
        const [id = ""] = repository.split(":");
        const resource = project.repositories.get(`${location}/${id}`) ?? project;
        if (!cloud.permits(caller, permission, resource)) {
            permissionDenied(
                permission,
                fullName(`projects/${project.id}/locations/${location}/repositories/${id}`),
            );
        }
        return cloud.repository(project, location, id);
    };
}

/** A project with Artifact Registry. @throws GoogleError */
export function registryProject(cloud: Cloud, id: string): Project {
    const project = cloud.project(id);
    requireApi(project, api);
    return project;
}

/** The name of a repository in the API, without the host. */
export function repositoryName({ project, location, id }: Repository): string {
    return `projects/${project.id}/locations/${location}/repositories/${id}`;
}

/** A resource with the host of the API. */
export function fullName(name: string): string {
    return `//artifactregistry.googleapis.com/${name}`;
}
