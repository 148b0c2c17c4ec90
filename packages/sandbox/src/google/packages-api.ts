import { Hono } from "hono";
import type { Repository } from "./cloud";
import { doneOperation, GoogleError } from "./google-api";
import { selected } from "./list-order";
import { page } from "./paging";
import { pythonPackageJson } from "./python-packages-api";
import type { Answering } from "./request-log";
import { repositoryName, type RepositoryLookup } from "./repository-lookup";
import {
    storedPackage,
    storedPackages,
    storedVersion,
    storedVersions,
    times,
    type StoredFiles,
} from "./stored-packages";

const collection = "/projects/:project/locations/:location/repositories/:repository/packages";

/** The packages of a repository and their versions. https://cloud.google.com/artifact-registry/docs/reference/rest/v1/projects.locations.repositories.packages */
export function packagesApi(repositoryFor: RepositoryLookup): Hono<Answering> {
    const app = new Hono<Answering>();

    app.get(collection, (c) => {
        const repository = repositoryFor(c.get("caller"), "artifactregistry.packages.list", c.req.param());
        const packages = storedPackages(repository).map((each) => packageJson(repository, each));
        return c.json(page(c, "packages", selected(c, packages, ["name"])));
    });

    app.get(`${collection}/:package`, (c) => {
        const repository = repositoryFor(c.get("caller"), "artifactregistry.packages.get", c.req.param());
        return c.json(packageJson(repository, storedPackage(repository, c.req.param("package"))));
    });

    app.delete(`${collection}/:package`, (c) => {
        const repository = repositoryFor(c.get("caller"), "artifactregistry.packages.delete", c.req.param());
        remove(repository, storedPackage(repository, c.req.param("package")));
        return c.json(deleted(repository));
    });

    app.get(`${collection}/:package/versions`, (c) => {
        const repository = repositoryFor(c.get("caller"), "artifactregistry.versions.list", c.req.param());
        const found = storedPackage(repository, c.req.param("package"));
        const isFull = wantsMetadata(c.req.query("view"));
        const versions = storedVersions(found).map((each) => versionJson(repository, found.id, each, isFull));
        return c.json(page(c, "versions", selected(c, versions, ["name"])));
    });

    app.get(`${collection}/:package/versions/:version`, (c) => {
        const repository = repositoryFor(c.get("caller"), "artifactregistry.versions.get", c.req.param());
        const { package: id, version } = c.req.param();
        const found = storedVersion(repository, id, version);
        return c.json(versionJson(repository, id, found, wantsMetadata(c.req.query("view"))));
    });

    app.delete(`${collection}/:package/versions/:version`, (c) => {
        const repository = repositoryFor(c.get("caller"), "artifactregistry.versions.delete", c.req.param());
        const { package: id, version } = c.req.param();
        remove(repository, storedVersion(repository, id, version));
        return c.json(deleted(repository));
    });

    return app;
}

/** @throws GoogleError INVALID_ARGUMENT for an unknown view */
function wantsMetadata(view = "BASIC"): boolean {
    if (["BASIC", "FULL", "VERSION_VIEW_UNSPECIFIED"].includes(view)) return view === "FULL";
    throw new GoogleError("INVALID_ARGUMENT", `Invalid view "${view}".`);
}

function packageJson(repository: Repository, found: StoredFiles) {
    return { name: `${repositoryName(repository)}/packages/${found.id}`, ...times(found) };
}

function versionJson(repository: Repository, packageId: string, version: StoredFiles, isFull: boolean) {
    return {
        name: `${repositoryName(repository)}/packages/${packageId}/versions/${version.id}`,
        ...times(version),
        ...(isFull && { metadata: pythonPackageJson(repository, packageId, version) }),
    };
}

function remove({ files }: Repository, removed: StoredFiles) {
    for (const { filename } of removed.files) files.delete(filename);
}

function deleted({ project, location }: Repository): object {
    return doneOperation(`projects/${project.id}/locations/${location}/`, "google.protobuf.Empty");
}
