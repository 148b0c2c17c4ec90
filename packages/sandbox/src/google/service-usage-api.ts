import { Hono, type Context } from "hono";
import * as v from "valibot";
import type { Cloud, Project } from "./cloud";
import { conforming, doneOperation, GoogleError, requestBody } from "./google-api";
import type { Answering } from "./request-log";
import type { Permission } from "./roles";
import { serviceAgent } from "./service-agents";

/** The API of service accounts and of workload identity pools. */
export const iamService = { name: "iam.googleapis.com", title: "Identity and Access Management (IAM) API" };

const serviceName = v.pipe(v.string(), v.regex(/^[a-z][a-z0-9-]*(\.[a-z0-9-]+)*\.googleapis\.com$/));

/** Which APIs are enabled. https://cloud.google.com/service-usage/docs/reference/rest/v1/services */
export function serviceUsageApi(cloud: Cloud): Hono<Answering> {
    const app = new Hono<Answering>();

    /**
     * The project of a request, once its caller's permission is checked.
     *
     * @param attempt what the caller wants, in the words of the service, such as `enable service [NAME]`
     */
    function projectFor(c: Context<Answering>, permission: Permission, attempt: string): Project {
        const project = cloud.project(c.req.param("project") ?? "");
        if (cloud.permits(c.get("caller"), permission, project)) return project;
        throw new GoogleError("PERMISSION_DENIED", `Permission denied to ${attempt}`, [
            {
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                reason: "AUTH_PERMISSION_DENIED",
                domain: "serviceusage.googleapis.com",
                metadata: { permission, resource: `projects/${project.number}` },
            },
        ]);
    }

    app.get("/projects/:project/services", (c) => {
        const { number } = cloud.project(c.req.param("project"));
        const attempt = `list services for consumer container [projects/${number}]`;
        const project = projectFor(c, "serviceusage.services.list", attempt);
        const filter = c.req.query("filter") ?? "state:ENABLED";
        if (filter !== "state:ENABLED") {
            throw new GoogleError("INVALID_ARGUMENT", "The sandbox lists with filter=state:ENABLED only.");
        }
        return c.json({ services: [...project.services].sort().map((name) => serviceJson(project, name)) });
    });

    app.get("/projects/:project/services/:service{[^/:]+}", (c) => {
        const name = conforming(serviceName, c.req.param("service"));
        return c.json(serviceJson(projectFor(c, "serviceusage.services.get", `get service [${name}]`), name));
    });

    app.post("/projects/:project/services/:service{[^/:]+:enable}", async (c) => {
        await requestBody(c, v.strictObject({}));
        const name = conforming(serviceName, c.req.param("service").replace(/:enable$/, ""));
        const project = projectFor(c, "serviceusage.services.enable", `enable service [${name}]`);
        project.services.add(name);
        return c.json(
            doneOperation("", "google.api.serviceusage.v1.EnableServiceResponse", {
                service: serviceJson(project, name),
            }),
        );
    });

    app.post("/projects/:project/services/:service{[^/:]+:generateServiceIdentity}", (c) => {
        const name = conforming(serviceName, c.req.param("service").replace(/:generateServiceIdentity$/, ""));
        // Which permission the service checks is not documented.
        const attempt = `enable service [${name}]`;
        const project = projectFor(c, "serviceusage.services.enable", attempt);
        const email = serviceAgent(project, name);
        if (email === undefined) {
            // The service answers without an address for an API that has no agent.
            return c.json(doneOperation("", "google.api.serviceusage.v1beta1.ServiceIdentity"));
        }
        project.serviceAgents.add(name);
        return c.json(doneOperation("", "google.api.serviceusage.v1beta1.ServiceIdentity", { email }));
    });

    app.post("/projects/:project/services/:service{[^/:]+:disable}", async (c) => {
        await requestBody(
            c,
            v.strictObject({
                disableDependentServices: v.optional(v.boolean()),
                checkIfServiceHasUsage: v.optional(v.string()),
            }),
        );
        const name = conforming(serviceName, c.req.param("service").replace(/:disable$/, ""));
        const project = projectFor(c, "serviceusage.services.disable", `disable service [${name}]`);
        project.services.delete(name);
        return c.json(
            doneOperation("", "google.api.serviceusage.v1.DisableServiceResponse", {
                service: serviceJson(project, name),
            }),
        );
    });

    app.post("/projects/:project/services:batchEnable", async (c) => {
        const { serviceIds } = await requestBody(
            c,
            v.strictObject({ serviceIds: v.pipe(v.array(serviceName), v.minLength(1), v.maxLength(20)) }),
        );
        const attempt = `enable service [${serviceIds.join(", ")}]`;
        const project = projectFor(c, "serviceusage.services.enable", attempt);
        for (const name of serviceIds) project.services.add(name);
        return c.json(
            doneOperation("", "google.api.serviceusage.v1.BatchEnableServicesResponse", {
                services: serviceIds.map((name) => serviceJson(project, name)),
            }),
        );
    });

    return app;
}

/**
 * Refuses a call to an API that the project has not enabled, in the wording of Google's APIs.
 * @throws GoogleError PERMISSION_DENIED, reason SERVICE_DISABLED
 */
export function requireApi({ id, number, services }: Project, api: { name: string; title: string }) {
    if (services.has(api.name)) return;
    const activationUrl = `https://console.developers.google.com/apis/api/${api.name}/overview?project=${id}`;
    throw new GoogleError(
        "PERMISSION_DENIED",
        `${api.title} has not been used in project ${id} before or it is disabled. Enable it by visiting ` +
            `${activationUrl} then retry. If you enabled this API recently, wait a few minutes for the action to ` +
            "propagate to our systems and retry.",
        [
            {
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                reason: "SERVICE_DISABLED",
                domain: "googleapis.com",
                metadata: {
                    service: api.name,
                    serviceTitle: api.title,
                    consumer: `projects/${number}`,
                    containerInfo: id,
                    activationUrl,
                },
            },
        ],
    );
}

function serviceJson({ number, services }: Project, name: string): object {
    return {
        name: `projects/${number}/services/${name}`,
        config: { name },
        state: services.has(name) ? "ENABLED" : "DISABLED",
        parent: `projects/${number}`,
    };
}
