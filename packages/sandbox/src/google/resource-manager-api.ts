import { Hono, type Context } from "hono";
import type { Cloud, Project } from "./cloud";
import { GoogleError } from "./google-api";
import type { Answering } from "./request-log";

/** Projects, which have an id and a number. https://cloud.google.com/resource-manager/reference/rest/v1/projects/get */
export function resourceManagerApi(cloud: Cloud): Hono<Answering> {
    const app = new Hono<Answering>();
    app.get("/projects/:project{[^/]+}", (c) => {
        const { id, number } = viewedProject(cloud, c);
        return c.json({ projectNumber: number, projectId: id, lifecycleState: "ACTIVE", name: id });
    });
    return app;
}

/** The Google provider reads a project's billing account with the project. https://cloud.google.com/billing/docs/reference/rest/v1/projects/getBillingInfo */
export function cloudBillingApi(cloud: Cloud): Hono<Answering> {
    const app = new Hono<Answering>();
    app.get("/projects/:project/billingInfo", (c) => {
        const { id } = viewedProject(cloud, c);
        return c.json({
            name: `projects/${id}/billingInfo`,
            projectId: id,
            billingAccountName: "billingAccounts/000000-000000-000000",
            billingEnabled: true,
        });
    });
    return app;
}

/**
 * The project of a request, which needs the same permission in both APIs.
 *
 * @throws GoogleError PERMISSION_DENIED, which names no permission here
 */
function viewedProject(cloud: Cloud, c: Context<Answering>): Project {
    const project = cloud.project(c.req.param("project") ?? "");
    if (cloud.permits(c.get("caller"), "resourcemanager.projects.get", project)) return project;
    throw new GoogleError("PERMISSION_DENIED", "The caller does not have permission");
}
