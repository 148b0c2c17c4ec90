import { Hono } from "hono";
import { logged, type Answering, type LoggedRequest } from "./request-log";
import { normalizedName, pythonFile, simplePage, type PythonFile } from "./simple-index";

const googleHost = /(^|\.)(googleapis\.com|google\.com|google\.internal|pkg\.dev)$/;

/**
 * The rest of the internet: PyPI to most clients, and empty unless somebody publishes there. That every host
 * name gets its answer here keeps a client's requests on this machine. Google's hosts have nothing to offer.
 */
export class PublicIndex {
    readonly app = new Hono<Answering>({ strict: false });
    /** By file name. */
    readonly #files = new Map<string, PythonFile>();

    constructor(log: LoggedRequest[]) {
        this.app.use(logged(log, "public"));
        this.app.use((c, next) =>
            googleHost.test(new URL(c.req.url).hostname) ? Promise.resolve(c.notFound()) : next(),
        );
        this.app.get("/simple/:package", (c) => {
            const name = normalizedName(c.req.param("package"));
            const found = [...this.#files.values()].filter((file) => file.package === name);
            return found.length > 0 ? c.html(simplePage(name, found, "/files/")) : c.notFound();
        });
        this.app.get("/files/:filename", (c) => {
            const file = this.#files.get(c.req.param("filename"));
            if (!file) return c.notFound();
            return c.body(Uint8Array.from(file.content), 200, { "Content-Type": "application/octet-stream" });
        });
    }

    publish(project: string, filename: string, content: Buffer) {
        this.#files.set(filename, pythonFile(project, filename, content));
    }
}
