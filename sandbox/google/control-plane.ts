import { Hono } from "hono";
import { artifactRegistryApi } from "./artifact-registry-api";
import type { Cloud } from "./cloud";
import { GoogleError } from "./google-api";
import { iamApi } from "./iam-api";
import { cloudBillingApi, resourceManagerApi } from "./resource-manager-api";
import { logged, type Answering, type LoggedRequest } from "./request-log";
import { serviceUsageApi } from "./service-usage-api";
import type { AccessTokens } from "./tokens";
import { workloadIdentityApi } from "./workload-identity-api";

/**
 * The Google APIs that a stack uses, each under its own prefix, behind one check of the bearer token.
 * Every response is JSON, also an error.
 */
export function controlPlane(cloud: Cloud, tokens: AccessTokens, log: LoggedRequest[]): Hono<Answering> {
    const app = new Hono<Answering>();
    app.use(logged(log, "control"));
    app.use(async (c, next) => {
        const token = /^Bearer (.+)$/i.exec(c.req.header("Authorization") ?? "")?.[1];
        const caller = token === undefined ? undefined : tokens.callerOf(token);
        if (!caller) {
            throw new GoogleError(
                "UNAUTHENTICATED",
                "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other " +
                    "valid authentication credential.",
            );
        }
        c.set("principal", caller.principal);
        c.set("caller", caller);
        await next();
    });
    app.route("/artifactregistry/v1", artifactRegistryApi(cloud));
    app.route("/iam/v1", iamApi(cloud));
    app.route("/iam/v1", workloadIdentityApi(cloud));
    app.route("/serviceusage/v1", serviceUsageApi(cloud));
    app.route("/cloudresourcemanager/v1", resourceManagerApi(cloud));
    app.route("/cloudbilling/v1", cloudBillingApi(cloud));
    app.notFound((c) => {
        const { body, code } = new GoogleError("NOT_FOUND", `No such method: ${c.req.method} ${c.req.path}`);
        return c.json(body, code);
    });
    app.onError((error, c) => {
        const refusal =
            error instanceof GoogleError
                ? error
                : new GoogleError("INTERNAL", `The sandbox failed: ${error.stack ?? error.message}`);
        return c.json(refusal.body, refusal.code);
    });
    return app;
}
