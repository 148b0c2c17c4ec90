import { Hono, type Context } from "hono";
import type { Cloud, Project } from "./cloud";
import { GoogleError, permissionDenied } from "./google-api";
import type { Policy } from "./policy";
import { policyMethods } from "./policy-methods";
import type { Answering } from "./request-log";
import type { Permission } from "./roles";
import { requireApi } from "./service-usage-api";

const api = { name: "secretmanager.googleapis.com", title: "Secret Manager API" };

/** A secret with its versions. A test adds it: `Cloud.addSecret`. */
export interface Secret {
    readonly project: Project;
    readonly id: string;
    policy: Policy;
    /** The payloads; the number of a version is its index and one. */
    readonly versions: readonly string[];
}

/** Secrets and their policies. https://cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets */
export function secretManagerApi(cloud: Cloud): Hono<Answering> {
    const app = new Hono<Answering>();

    function secretFor(c: Context<Answering>, permission: Permission): Secret {
        const project = cloud.project(c.req.param("project") ?? "");
        requireApi(project, api);
        const id = (c.req.param("secret") ?? "").split(":")[0] ?? "";
        const secret = project.secrets.get(id);
        const name = `projects/${project.number}/secrets/${id}`;
        if (!cloud.permits(c.get("caller"), permission, secret ?? project))
            permissionDenied(permission, name);
        if (secret) return secret;
        throw new GoogleError("NOT_FOUND", `Secret [${name}] not found.`);
    }

    app.get("/projects/:project/secrets/:secret{[^/:]+}", (c) => {
        const { project, id } = secretFor(c, "secretmanager.secrets.get");
        return c.json({ name: `projects/${project.number}/secrets/${id}`, replication: { automatic: {} } });
    });

    policyMethods(app, cloud, "/projects/:project/secrets/:secret", "secretmanager.secrets", secretFor);

    return app;
}

/**
 * The payload of `projects/P/secrets/S/versions/V`, where P is an id or a number and V a number or `latest`; undefined if
 * there is none.
 */
export function findSecretVersion(
    cloud: Cloud,
    name: string,
): { readonly secret: Secret; readonly payload: string } | undefined {
    const [, owner = "", id = "", version = ""] =
        /^projects\/([^/]+)\/secrets\/([^/]+)\/versions\/([^/]+)$/.exec(name) ?? [];
    const project = [...cloud.projects.values()].find((each) => each.id === owner || each.number === owner);
    const secret = project?.secrets.get(id);
    const payload = version === "latest" ? secret?.versions.at(-1) : secret?.versions[Number(version) - 1];
    return secret && payload !== undefined ? { secret, payload } : undefined;
}
