import { Hono } from "hono";
import { accepts } from "hono/accepts";
import { normalizedName } from "python-registry/names/package-names";
import { logged, type Answering, type LoggedRequest } from "../google/request-log";
import { pythonFile, type PythonFile, simpleJson, simpleJsonType, simplePage } from "./simple-index";

const googleHost = /(^|\.)(googleapis\.com|google\.com|google\.internal|pkg\.dev)$/;

/**
 * The rest of the internet. To most clients it is PyPI; it is empty until a test publishes a file. It answers for every
 * host name, so that no request of a client leaves this machine. Google's hosts answer 404.
 */
export class PublicIndex {
    readonly app = new Hono<Answering>({ strict: false });
    /** By file name. */
    readonly #files = new Map<string, PythonFile>();
    /** Authorization headers by host name. */
    readonly #logins = new Map<string, string>();

    /** @param hasUploadTimes whether it says when a file was uploaded, as PyPI does */
    constructor(log: LoggedRequest[], hasUploadTimes: boolean) {
        this.app.use(logged(log, "public"));
        this.app.use((c, next) =>
            googleHost.test(new URL(c.req.url).hostname) ? Promise.resolve(c.notFound()) : next(),
        );
        this.app.use((c, next) => {
            const login = this.#logins.get(new URL(c.req.url).hostname);
            if (login === undefined || c.req.header("Authorization") === login) return next();
            return Promise.resolve(c.text("Unauthorized", 401, { "WWW-Authenticate": "Basic" }));
        });
        this.app.get("/simple/:package", (c) => {
            const name = normalizedName(c.req.param("package"));
            const found = this.#filesOf(name);
            if (found.length === 0) return c.notFound();
            const base = new URL("/files/", c.req.url).href;
            const type = accepts(c, {
                header: "Accept",
                supports: ["text/html", simpleJsonType],
                default: "text/html",
            });
            return type === simpleJsonType
                ? c.json(simpleJson(name, found, base, hasUploadTimes), 200, {
                      "Content-Type": simpleJsonType,
                  })
                : c.html(simplePage(name, found, "/files/"));
        });
        // Poetry requests a version from PyPI in this form. https://docs.pypi.org/api/json/
        this.app.get("/pypi/:package/:version/json", (c) => {
            const { package: wanted, version } = c.req.param();
            const name = normalizedName(wanted);
            const found = this.#filesOf(name).filter((file) => file.version === version);
            if (found.length === 0) return c.notFound();
            return c.json({
                info: { name, version, summary: "", requires_dist: null, requires_python: null },
                urls: found.map(({ filename, sha256, uploaded }) => ({
                    filename,
                    url: new URL(`/files/${encodeURIComponent(filename)}`, c.req.url).href,
                    digests: { sha256 },
                    packagetype: filename.endsWith(".whl") ? "bdist_wheel" : "sdist",
                    requires_python: null,
                    yanked: false,
                    ...(hasUploadTimes && { upload_time_iso_8601: uploaded.toISOString() }),
                })),
            });
        });
        this.app.get("/files/:filename", (c) => {
            const file = this.#files.get(c.req.param("filename"));
            if (!file) return c.notFound();
            return c.body(Uint8Array.from(file.content), 200, { "Content-Type": "application/octet-stream" });
        });
    }

    #filesOf(name: string): PythonFile[] {
        return [...this.#files.values()].filter((file) => file.package === name);
    }

    /** From now on, a host answers only requests with this login. */
    requireLogin(host: string, username: string, password: string) {
        const login = Buffer.from(`${username}:${password}`).toString("base64");
        this.#logins.set(host, `Basic ${login}`);
    }

    publish(project: string, filename: string, content: Buffer, uploaded?: Date) {
        this.#files.set(filename, pythonFile(project, filename, content, uploaded));
    }
}
