import type { Context, Hono } from "hono";
import * as v from "valibot";
import type { Cloud } from "./cloud";
import { requestBody } from "./google-api";
import { policyJson, policySchema, replacedPolicy, type Policy } from "./policy";
import { checkMembers } from "./policy-members";
import type { Answering } from "./request-log";
import type { Permission } from "./roles";

/**
 * Adds the methods getIamPolicy and setIamPolicy of a resource whose policy has no rules of its own.
 *
 * @param path of the resource; the last segment is a parameter
 * @param resource the first part of the two permissions, such as `secretmanager.secrets`
 * @param find the resource of a request, once its caller's permission is checked
 */
export function policyMethods(
    app: Hono<Answering>,
    cloud: Cloud,
    path: string,
    resource: "secretmanager.secrets" | "cloudkms.cryptoKeys",
    find: (c: Context<Answering>, permission: Permission) => { policy: Policy },
) {
    app.get(`${path}{[^/:]+:getIamPolicy}`, (c) =>
        c.json(policyJson(find(c, `${resource}.getIamPolicy`).policy)),
    );
    app.post(`${path}{[^/:]+:setIamPolicy}`, async (c) => {
        const { policy } = await requestBody(
            c,
            v.strictObject({ policy: policySchema, updateMask: v.exactOptional(v.string()) }),
        );
        const found = find(c, `${resource}.setIamPolicy`);
        checkMembers(cloud, policy.bindings);
        found.policy = replacedPolicy(found.policy, policy);
        return c.json(policyJson(found.policy));
    });
}
