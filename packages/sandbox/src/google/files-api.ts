import { Hono } from "hono";
import type { PythonFile } from "../python/simple-index";
import type { Repository } from "./cloud";
import { isDenied } from "./download-rules";
import { GoogleError } from "./google-api";
import { selected } from "./list-order";
import { page } from "./paging";
import type { Answering } from "./request-log";
import { repositoryName, type RepositoryLookup } from "./repository-lookup";

const collection = "/projects/:project/locations/:location/repositories/:repository/files";

/** The files of all packages. https://cloud.google.com/artifact-registry/docs/reference/rest/v1/projects.locations.repositories.files */
export function filesApi(repositoryFor: RepositoryLookup): Hono<Answering> {
    const app = new Hono<Answering>();

    app.get(collection, (c) => {
        const repository = repositoryFor(c.get("caller"), "artifactregistry.files.list", c.req.param());
        const files = [...repository.files.values()].map((file) => fileJson(repository, file));
        return c.json(page(c, "files", selected(c, files, ["name", "owner"])));
    });

    app.get(`${collection}/:file{[^/:]+}`, (c) => {
        const repository = repositoryFor(c.get("caller"), "artifactregistry.files.get", c.req.param());
        return c.json(fileJson(repository, storedFile(repository, c.req.param("file"))));
    });

    app.get(`${collection}/:file{[^/:]+:download}`, (c) => {
        const repository = repositoryFor(c.get("caller"), "artifactregistry.files.download", c.req.param());
        const file = storedFile(repository, c.req.param("file").replace(/:download$/, ""));
        if (isDenied(repository.rules, file.package, file.version)) {
            const version = `"${file.package}" ${file.version}`;
            throw new GoogleError("PERMISSION_DENIED", `A rule denies the download of ${version}.`);
        }
        if (c.req.query("alt") !== "media") return c.json({});
        const type = { "Content-Type": "application/octet-stream" };
        return c.body(Uint8Array.from(file.content), 200, type);
    });

    return app;
}

/**
 * @param id of the file; gcloud escapes it once more
 * @throws GoogleError NOT_FOUND
 */
function storedFile({ files }: Repository, id: string): PythonFile {
    const ids = [id, id.replaceAll(/%2F/gi, "/")];
    const found = [...files.values()].find((file) => ids.includes(fileId(file)));
    if (found) return found;
    throw new GoogleError("NOT_FOUND", "Requested entity was not found.");
}

/** The path of a file in its repository, as in its download URL. */
function fileId({ package: name, filename }: PythonFile): string {
    return `${name}/${filename}`;
}

function fileJson(repository: Repository, file: PythonFile) {
    const name = repositoryName(repository);
    const time = file.uploaded.toISOString();
    return {
        name: `${name}/files/${encodeURIComponent(fileId(file))}`,
        sizeBytes: String(file.content.length),
        hashes: [{ type: "SHA256", value: Buffer.from(file.sha256, "hex").toString("base64") }],
        createTime: time,
        updateTime: time,
        owner: `${name}/packages/${file.package}/versions/${file.version}`,
        ...(repository.settings.mode === "REMOTE_REPOSITORY" && { fetchTime: time }),
    };
}
