import type { Hono } from "hono";
import { artifactRegistryApi } from "./artifact-registry-api";
import type { Cloud } from "./cloud";
import { googleApp } from "./google-app";
import { iamApi } from "./iam-api";
import type { Answering, LoggedRequest } from "./request-log";
import { cloudBillingApi, resourceManagerApi } from "./resource-manager-api";
import { serviceUsageApi } from "./service-usage-api";
import type { AccessTokens } from "./tokens";
import { workloadIdentityApi } from "./workload-identity-api";

/** The hosts of these APIs: the path is the same there, without the prefix. */
export const apiHost =
    /^(artifactregistry|iam|serviceusage|cloudresourcemanager|cloudbilling)\.googleapis\.com$/;

/** The Google APIs that a stack uses, each under its own prefix: what comes before `.googleapis.com`. */
export function controlPlane(cloud: Cloud, tokens: AccessTokens, log: LoggedRequest[]): Hono<Answering> {
    const app = googleApp(tokens, log, "control");
    app.route("/artifactregistry/v1", artifactRegistryApi(cloud));
    app.route("/iam/v1", iamApi(cloud));
    app.route("/iam/v1", workloadIdentityApi(cloud));
    app.route("/serviceusage/v1", serviceUsageApi(cloud));
    app.route("/cloudresourcemanager/v1", resourceManagerApi(cloud));
    app.route("/cloudbilling/v1", cloudBillingApi(cloud));
    return app;
}
