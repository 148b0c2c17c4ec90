import { Hono } from "hono";
import type { Project } from "./cloud";
import { kubernetesAccount } from "./gke-identity";
import { logged, type Answering, type LoggedRequest } from "./request-log";
import type { AccessTokens } from "./tokens";

const lifetime = 3599;

/**
 * The metadata server of a machine in Google Cloud, from which its programs get tokens of the machine's identity: a service
 * account, or a Kubernetes service account by its principal identifier.
 * https://cloud.google.com/compute/docs/metadata/predefined-metadata-keys
 */
export function metadataServer(
    { id, number }: Project,
    identity: string,
    tokens: AccessTokens,
    log: LoggedRequest[],
    scopes: readonly string[],
): Hono<Answering> {
    // A Kubernetes account that impersonates no service account has the pool's name in the place of an address.
    const email = kubernetesAccount(identity)
        ? `${id}.svc.id.goog`
        : identity.replace(/^serviceAccount:/, "");
    const account = { aliases: ["default"], email, scopes };
    const app = new Hono<Answering>();
    app.use(logged(log, "token"));
    app.use(async (c, next) => {
        c.set("principal", identity);
        await next();
        c.header("Metadata-Flavor", "Google");
        c.header("Server", "Metadata Server for VM");
    });
    app.get("/", (c) => c.text("computeMetadata/\n"));
    app.use("/computeMetadata/*", async (c, next) => {
        // A page in a browser cannot send this header to another host.
        if (c.req.header("Metadata-Flavor") !== "Google" || c.req.header("X-Forwarded-For") !== undefined) {
            return c.text("Missing Metadata-Flavor:Google header.", 403);
        }
        return next();
    });
    const project = "/computeMetadata/v1/project";
    app.get(`${project}/project-id`, (c) => c.text(id));
    app.get(`${project}/numeric-project-id`, (c) => c.text(number));
    app.get("/computeMetadata/v1/universe/universe-domain", (c) => c.text("googleapis.com"));
    const accounts = "/computeMetadata/v1/instance/service-accounts";
    app.get(`${accounts}/`, (c) =>
        c.req.query("recursive") === "true"
            ? c.json({ default: account, [email]: account })
            : c.text(`${email}/\ndefault/\n`),
    );
    const ofAccount = `${accounts}/:account`;
    app.use(`${ofAccount}/*`, (c, next) =>
        ["default", email].includes(c.req.param("account")) ? next() : Promise.resolve(c.notFound()),
    );
    app.get(`${ofAccount}/`, (c) =>
        c.req.query("recursive") === "true" ? c.json(account) : c.text("aliases\nemail\nscopes\ntoken\n"),
    );
    app.get(`${ofAccount}/email`, (c) => c.text(email));
    app.get(`${ofAccount}/scopes`, (c) => c.text(`${scopes.join("\n")}\n`));
    app.get(`${ofAccount}/token`, (c) =>
        c.json({
            access_token: tokens.issue(identity, lifetime, scopes),
            expires_in: lifetime,
            token_type: "Bearer",
        }),
    );
    return app;
}
