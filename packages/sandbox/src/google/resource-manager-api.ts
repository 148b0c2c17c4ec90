import { Hono, type Context } from "hono";
import * as v from "valibot";
import type { Cloud, Project } from "./cloud";
import { GoogleError, requestBody } from "./google-api";
import { policyJson, projectPolicySchema, replacedPolicy } from "./policy";
import { checkMembers } from "./policy-members";
import type { Answering } from "./request-log";
import type { Permission } from "./roles";

/** Projects, which have an id and a number. https://cloud.google.com/resource-manager/reference/rest/v1/projects/get */
export function resourceManagerApi(cloud: Cloud): Hono<Answering> {
    const app = new Hono<Answering>();
    app.get("/projects/:project{[^/]+}", (c) => {
        const { id, number } = viewedProject(cloud, c);
        return c.json({ projectNumber: number, projectId: id, lifecycleState: "ACTIVE", name: id });
    });
    app.post("/projects/:project{[^/]+:getIamPolicy}", async (c) => {
        await requestBody(c, v.strictObject({ options: v.exactOptional(v.looseObject({})) }));
        return c.json(policyJson(projectFor(cloud, c, "resourcemanager.projects.getIamPolicy").policy));
    });
    app.post("/projects/:project{[^/]+:setIamPolicy}", async (c) => {
        const { policy, updateMask = "bindings,etag" } = await requestBody(
            c,
            v.strictObject({ policy: projectPolicySchema, updateMask: v.exactOptional(v.string()) }),
        );
        const project = projectFor(cloud, c, "resourcemanager.projects.setIamPolicy");
        checkMembers(cloud, policy.bindings);
        const fields = updateMask.split(",");
        const { auditConfigs } = fields.includes("auditConfigs") ? policy : project.policy;
        const { bindings } = fields.includes("bindings") ? policy : project.policy;
        project.policy = {
            ...replacedPolicy(project.policy, { ...policy, bindings }),
            ...(auditConfigs && { auditConfigs }),
        };
        return c.json(policyJson(project.policy));
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
    return projectFor(cloud, c, "resourcemanager.projects.get");
}

function projectFor(cloud: Cloud, c: Context<Answering>, permission: Permission): Project {
    const [id = ""] = (c.req.param("project") ?? "").split(/:(?=[gs]etIamPolicy$)/);
    const project = cloud.project(id);
    if (cloud.permits(c.get("caller"), permission, project)) return project;
    throw new GoogleError("PERMISSION_DENIED", "The caller does not have permission");
}
