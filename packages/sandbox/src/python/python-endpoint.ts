import { Hono, type Context } from "hono";
import { HTTPException } from "hono/http-exception";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import * as v from "valibot";
import type { Cloud, Repository } from "../google/cloud";
import { GoogleError } from "../google/google-api";
import { accountOfKeyFile } from "../google/key-file";
import { googleAccount, type Caller } from "../google/policy";
import type { Permission } from "../google/roles";
import { normalizedName } from "python-registry/names/package-names";
import { logged, type Answering, type LoggedRequest, type Sender } from "../google/request-log";
import type { RegistryBehavior } from "./registry-behavior";
import { RepositoryContents, UnreadableUpstream } from "./repository-contents";
import { pythonFile, simplePage } from "./simple-index";
import { UpstreamFailure, UpstreamIndex } from "./upstream-index";
import { type AccessTokens, insufficientScopes } from "../google/tokens";

/** The host names that the Python endpoint answers, one a location: `europe-west1-python.pkg.dev`. */
export const pythonHost = /^(.+)-python\.pkg\.dev$/;

/** https://docs.pypi.org/api/upload/ */
const uploadSchema = v.object({
    ":action": v.literal("file_upload"),
    protocol_version: v.literal("1"),
    name: v.pipe(v.string(), v.regex(/^[a-z0-9]([\w.-]*[a-z0-9])?$/i)),
    version: v.pipe(v.string(), v.nonEmpty()),
    filetype: v.picklist(["sdist", "bdist_wheel"]),
    sha256_digest: v.optional(v.pipe(v.string(), v.toLowerCase())),
    content: v.instance(File),
});

/**
 * The data plane of Python repositories, from which pip downloads and to which twine uploads:
 * `https://LOCATION-python.pkg.dev/PROJECT/REPOSITORY/`. The repository's policy decides who may do what, and its rules
 * which files can be downloaded.
 * https://cloud.google.com/artifact-registry/docs/python
 *
 * @param send to the upstreams of remote repositories
 */
export function pythonEndpoint(
    cloud: Cloud,
    tokens: AccessTokens,
    send: Sender,
    behavior: RegistryBehavior,
    log: LoggedRequest[],
): Hono<Answering> {
    const contents = new RepositoryContents(cloud, new UpstreamIndex(cloud, tokens, send), behavior);

    // Not strict: a path has the same meaning with and without the last slash.
    const app = new Hono<Answering>({ strict: false });
    app.use(logged(log, "data"));

    /** The repository of a request, after its credentials and its permission are checked. */
    function repositoryFor(
        c: Context<Answering>,
        permission: Permission,
        path: Record<"project" | "repository", string>,
    ): Repository {
        const caller = identified(c.req.header("Authorization"));
        if (caller !== undefined) c.set("principal", caller.principal);
        if (caller?.isLimited === true) throw refused(403, insufficientScopes);
        const repository = located(c, path);
        if (repository && cloud.permits(caller, permission, repository)) return repository;
        // Without credentials, do not reveal which repositories exist.
        if (caller === undefined) throw unauthorized();
        if (!repository) throw refused(404, "Repository not found");
        throw refused(
            403,
            `Permission "${permission}" denied on resource "projects/${repository.project.id}/locations/` +
                `${repository.location}/repositories/${repository.id}" (or it may not exist)`,
        );
    }

    function located(
        c: Context<Answering>,
        { project, repository }: Record<"project" | "repository", string>,
    ): Repository | undefined {
        const location = pythonHost.exec(new URL(c.req.url).hostname)?.[1] ?? "";
        return cloud.projects.get(project)?.repositories.get(`${location}/${repository}`);
    }

    /** The caller that an Authorization header authenticates; undefined without a header. */
    function identified(
        authorization: string | undefined,
    ): (Caller & { readonly isLimited?: boolean }) | undefined {
        if (authorization === undefined) return undefined;
        const [, scheme = "", credentials = ""] = /^(\S+) (\S+)$/.exec(authorization) ?? [];
        const caller =
            scheme.toLowerCase() === "bearer" ? ofToken(credentials) : ofBasic(scheme, credentials);
        if (caller === undefined) throw unauthorized();
        return caller;
    }

    function ofToken(token: string): (Caller & { readonly isLimited: boolean }) | undefined {
        const caller = tokens.findCaller(token);
        return caller && { ...caller, isLimited: !tokens.hasCloudPlatform(token) };
    }

    function ofBasic(scheme: string, credentials: string): Caller | undefined {
        if (scheme.toLowerCase() !== "basic") return undefined;
        const [, user = "", password = ""] = /^([^:]*):(.*)$/s.exec(decoded(credentials)) ?? [];
        if (user === "oauth2accesstoken") return ofToken(password);
        if (user !== "_json_key_base64") return undefined;
        const account = accountOfKeyFile(cloud, decoded(password));
        return account && googleAccount(`serviceAccount:${account.email}`);
    }

    app.get("/:project/:repository/simple/:package", async (c) => {
        const { package: wanted, ...path } = c.req.param();
        const repository = repositoryFor(c, "artifactregistry.repositories.downloadArtifacts", path);
        const name = normalizedName(wanted);
        const found = await contents.listed(repository, name);
        if (found.length === 0) throw refused(404, `Package "${name}" not found`);
        c.header("Cache-Control", "private, max-age=0");
        return c.html(simplePage(name, found, `/${path.project}/${path.repository}/${name}/`));
    });

    app.get("/:project/:repository/:package/:filename", async (c) => {
        const { package: name, filename, ...path } = c.req.param();
        const repository = repositoryFor(c, "artifactregistry.repositories.downloadArtifacts", path);
        const file = (await contents.files(repository, name)).find((each) => each.filename === filename);
        if (!file) throw refused(404, `File "${filename}" not found`);
        if (file.isDenied) throw refused(403, `A rule denies the download of "${name}" ${file.version}`);
        const content = Uint8Array.from(await file.read());
        return c.body(content, 200, { "Content-Type": "application/octet-stream" });
    });

    app.post("/:project/:repository", async (c) => {
        const repository = repositoryFor(c, "artifactregistry.repositories.uploadArtifacts", c.req.param());
        if (repository.settings.mode !== "STANDARD_REPOSITORY") {
            throw refused(
                400,
                `Repository "${repository.id}" takes no uploads: it is not a standard repository`,
            );
        }
        const file = await uploaded(c);
        if (repository.files.has(file.filename)) throw refused(400, "Requested entity already exists");
        repository.files.set(file.filename, file);
        return c.text("");
    });

    app.all("/:project/:repository/*", (c) => {
        repositoryFor(c, "artifactregistry.repositories.get", c.req.param());
        return c.notFound();
    });

    app.onError((error) => {
        if (error instanceof HTTPException) return error.getResponse();
        if (error instanceof UnreadableUpstream) return refused(403, error.message).getResponse();
        if (error instanceof UpstreamFailure) return refused(502, error.message).getResponse();
        // The login for the upstream of a remote repository.
        if (error instanceof GoogleError) return refused(502, error.message).getResponse();
        throw error;
    });

    function unauthorized(): HTTPException {
        return refused(401, "Unauthorized", { "WWW-Authenticate": 'Basic realm="Google Artifact Registry"' });
    }

    return app;
}

/**
 * The file in an upload's form.
 * @throws HTTPException 400 for an invalid form, and for content that does not match the form
 */
async function uploaded(c: Context<Answering>) {
    const form = await c.req.formData().catch((error: unknown) => {
        throw refused(400, `Not a multipart form: ${String(error)}`);
    });
    const result = v.safeParse(uploadSchema, Object.fromEntries(form));
    if (!result.success) {
        const [issue] = result.issues;
        throw refused(400, `Invalid form field ${v.getDotPath(issue) ?? ""}: ${issue.message}`);
    }
    const { name, content, sha256_digest: digest } = result.output;
    const file = pythonFile(name, content.name, Buffer.from(await content.arrayBuffer()));
    // A file name starts with the name of the project.
    const [, stem = ""] = /^([\w.+!-]+)\.(whl|tar\.gz|zip)$/.exec(file.filename) ?? [];
    if (!normalizedName(stem).startsWith(`${file.package}-`)) {
        throw refused(400, `Invalid file name "${file.filename}" for project "${name}"`);
    }
    if (digest !== undefined && digest !== file.sha256) {
        throw refused(400, `The content's SHA-256 is ${file.sha256}, not ${digest}`);
    }
    return file;
}

function refused(status: ContentfulStatusCode, message: string, headers: Record<string, string> = {}) {
    return new HTTPException(status, { message, res: new Response(message, { status, headers }) });
}

function decoded(base64: string): string {
    return Buffer.from(base64, "base64").toString("utf8");
}
