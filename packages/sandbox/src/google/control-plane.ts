import type { Hono } from "hono";
import { artifactRegistryApi } from "./artifact-registry-api";
import type { Cloud } from "./cloud";
import { cloudKmsApi } from "./cloud-kms-api";
import { googleApp } from "./google-app";
import { iamApi } from "./iam-api";
import type { Answering, LoggedRequest, Sender } from "./request-log";
import { cloudBillingApi, resourceManagerApi } from "./resource-manager-api";
import { secretManagerApi } from "./secret-manager-api";
import { serviceUsageApi } from "./service-usage-api";
import type { AccessTokens } from "./tokens";
import { workloadIdentityApi } from "./workload-identity-api";

/** The hosts of these APIs: the path is the same there, without the prefix. */
export const apiHost =
    /^(artifactregistry|iam|serviceusage|cloudresourcemanager|cloudbilling|secretmanager|cloudkms)\.googleapis\.com$/;

/**
 * The Google APIs that a stack uses, each under its own prefix: what comes before `.googleapis.com`.
 * @param send to the upstreams of remote repositories
 */
export function controlPlane(
    cloud: Cloud,
    tokens: AccessTokens,
    send: Sender,
    log: LoggedRequest[],
): Hono<Answering> {
    const app = googleApp(cloud, tokens, log, "control");
    app.route("/artifactregistry/v1", artifactRegistryApi(cloud, send));
    app.route("/iam/v1", iamApi(cloud));
    app.route("/iam/v1", workloadIdentityApi(cloud));
    app.route("/serviceusage/v1", serviceUsageApi(cloud));
    app.route("/serviceusage/v1beta1", serviceUsageApi(cloud));
    app.route("/cloudresourcemanager/v1", resourceManagerApi(cloud));
    app.route("/cloudbilling/v1", cloudBillingApi(cloud));
    app.route("/secretmanager/v1", secretManagerApi(cloud));
    app.route("/cloudkms/v1", cloudKmsApi(cloud));
    return app;
}
