import { Hono } from "hono";
import type { Repository } from "./cloud";
import { page } from "./paging";
import type { Answering } from "./request-log";
import { repositoryName, type RepositoryLookup } from "./repository-lookup";
import { storedPackages, storedVersion, storedVersions, times, type StoredFiles } from "./stored-packages";

const collection = "/projects/:project/locations/:location/repositories/:repository/pythonPackages";

/** The versions of all packages. https://cloud.google.com/artifact-registry/docs/reference/rest/v1/projects.locations.repositories.pythonPackages */
export function pythonPackagesApi(repositoryFor: RepositoryLookup): Hono<Answering> {
    const app = new Hono<Answering>();

    app.get(collection, (c) => {
        const permission = "artifactregistry.pythonpackages.list";
        const repository = repositoryFor(c.get("caller"), permission, c.req.param());
        const all = storedPackages(repository).flatMap((found) =>
            storedVersions(found).map((version) => pythonPackageJson(repository, found.id, version)),
        );
        return c.json(page(c, "pythonPackages", all));
    });

    app.get(`${collection}/:package`, (c) => {
        const permission = "artifactregistry.pythonpackages.get";
        const repository = repositoryFor(c.get("caller"), permission, c.req.param());
        const [id = "", version = ""] = c.req.param("package").split(":");
        return c.json(pythonPackageJson(repository, id, storedVersion(repository, id, version)));
    });

    return app;
}

/** A version of a package, with the URL of one of its files. */
export function pythonPackageJson(repository: Repository, packageId: string, version: StoredFiles): object {
    const { project, location, id } = repository;
    const [file] = version.files;
    return {
        name: `${repositoryName(repository)}/pythonPackages/${packageId}:${version.id}`,
        uri: `${location}-python.pkg.dev/${project.id}/${id}/${packageId}/${file?.filename ?? ""}`,
        packageName: packageId,
        version: version.id,
        ...times(version),
    };
}
