import type { Hono } from "hono";
import * as v from "valibot";
import type { Cloud } from "./cloud";
import { googleApp } from "./google-app";
import { GoogleError, permissionDenied, requestBody } from "./google-api";
import type { Answering, LoggedRequest } from "./request-log";
import { requireApi } from "./service-usage-api";
import type { AccessTokens } from "./tokens";

const api = { name: "iamcredentials.googleapis.com", title: "IAM Service Account Credentials API" };
const permission = "iam.serviceAccounts.getAccessToken";
const maximumLifetime = 3600;

const generateRequest = v.strictObject({
    scope: v.pipe(
        v.array(v.pipe(v.string(), v.regex(/^https:\/\/www\.googleapis\.com\/auth\/\S+$/))),
        v.nonEmpty(),
    ),
    lifetime: v.optional(v.pipe(v.string(), v.regex(/^\d+s$/)), `${maximumLifetime}s`),
    // google-auth sends null.
    delegates: v.nullish(v.pipe(v.array(v.string()), v.maxLength(0, "The sandbox has no delegation."))),
});

/**
 * Impersonation: gives a token of a service account to everyone whom the policy of that account permits to have one.
 * https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateAccessToken
 */
export function iamCredentialsApi(cloud: Cloud, tokens: AccessTokens, log: LoggedRequest[]): Hono<Answering> {
    const app = googleApp(cloud, tokens, log, "token");
    app.post("/v1/projects/-/serviceAccounts/:account{[^/:]+:generateAccessToken}", async (c) => {
        const { lifetime } = await requestBody(c, generateRequest);
        const account = cloud.findServiceAccount(c.req.param("account").split(":")[0] ?? "");
        // Nobody has a permission on an account that does not exist.
        if (!account) permissionDenied(permission);
        requireApi(cloud.project(account.projectId), api);
        if (!cloud.permits(c.get("caller"), permission, account)) permissionDenied(permission);
        // How the service words this is not documented.
        if (account.disabled)
            throw new GoogleError("FAILED_PRECONDITION", "The service account is disabled.");
        const seconds = Number(lifetime.slice(0, -1));
        if (seconds === 0) {
            throw new GoogleError("INVALID_ARGUMENT", "Lifetime of access token must be larger then zero.");
        }
        if (seconds > maximumLifetime) {
            throw new GoogleError(
                "INVALID_ARGUMENT",
                "The access token can not have lifetimes of more than 1 hour. Use the Org Policy Constraint " +
                    "constraints/iam.allowServiceAccountCredentialLifetimeExtension to allow up to 12 hours.",
            );
        }
        return c.json({
            accessToken: tokens.issue(`serviceAccount:${account.email}`, seconds),
            expireTime: new Date(Date.now() + seconds * 1000).toISOString().replace(/\.\d+Z$/, "Z"),
        });
    });
    return app;
}
