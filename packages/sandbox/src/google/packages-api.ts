import { Hono } from "hono";
import type { Repository } from "./cloud";
import { doneOperation, GoogleError } from "./google-api";
import type { Answering } from "./request-log";
import type { RepositoryLookup } from "./repository-lookup";
import type { PythonFile } from "../python/simple-index";

const collection = "/projects/:project/locations/:location/repositories/:repository/packages";

/** The packages of a repository and their versions. https://cloud.google.com/artifact-registry/docs/reference/rest/v1/projects.locations.repositories.packages */
export function packagesApi(repositoryFor: RepositoryLookup): Hono<Answering> {
    const app = new Hono<Answering>();

    app.get(collection, (c) => {
        const { files } = repositoryFor(c.get("caller"), "artifactregistry.packages.list", c.req.param());
        const names = new Set([...files.values()].map((file) => file.package));
        return c.json({
            packages: [...names].sort().map((name) => ({ name: `${getParent(c.req.path)}/${name}` })),
        });
    });

    app.delete(`${collection}/:package`, (c) => {
        const repository = repositoryFor(c.get("caller"), "artifactregistry.packages.delete", c.req.param());
        const { package: name } = c.req.param();
        remove(repository, (file) => file.package === name);
        return c.json(doneOperation(getLocation(c.req.path), "google.protobuf.Empty"));
    });

    app.get(`${collection}/:package/versions`, (c) => {
        const { files } = repositoryFor(c.get("caller"), "artifactregistry.versions.list", c.req.param());
        const { package: name } = c.req.param();
        const found = [...files.values()].filter((file) => file.package === name);
        if (found.length === 0) throw new GoogleError("NOT_FOUND", "Requested entity was not found.");
        const versions = new Set(found.map(({ version }) => version));
        return c.json({
            versions: [...versions]
                .sort()
                .map((version) => ({ name: `${getParent(c.req.path)}/${version}` })),
        });
    });

    app.delete(`${collection}/:package/versions/:version`, (c) => {
        const repository = repositoryFor(c.get("caller"), "artifactregistry.versions.delete", c.req.param());
        const { package: name, version } = c.req.param();
        remove(repository, (file) => file.package === name && file.version === version);
        return c.json(doneOperation(getLocation(c.req.path), "google.protobuf.Empty"));
    });

    return app;
}

/** @throws GoogleError NOT_FOUND if there are no such files */
function remove({ files }: Repository, isRemoved: (file: PythonFile) => boolean) {
    const removed = [...files].filter(([, file]) => isRemoved(file));
    if (removed.length === 0) throw new GoogleError("NOT_FOUND", "Requested entity was not found.");
    for (const [filename] of removed) files.delete(filename);
}

/** A collection's resource name, from the path of a request. */
function getParent(path: string): string {
    return path.slice(path.indexOf("projects/"));
}

function getLocation(path: string): string {
    return /projects\/[^/]+\/locations\/[^/]+\//.exec(path)?.[0] ?? "";
}
