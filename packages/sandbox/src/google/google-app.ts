import { Hono } from "hono";
import type { Cloud } from "./cloud";
import { GoogleError } from "./google-api";
import { logged, type Answering, type LoggedRequest } from "./request-log";
import { findSigner } from "./self-signed-token";
import { type AccessTokens, insufficientScopes } from "./tokens";

/** An application that checks the bearer token first, and answers with JSON, also an error. */
export function googleApp(
    cloud: Cloud,
    tokens: AccessTokens,
    log: LoggedRequest[],
    plane: LoggedRequest["plane"],
): Hono<Answering> {
    const app = new Hono<Answering>();
    app.use(logged(log, plane));
    app.use(async (c, next) => {
        const token = /^Bearer (.+)$/i.exec(c.req.header("Authorization") ?? "")?.[1];
        const signer =
            token === undefined ? undefined : await findSigner(cloud, token, new URL(c.req.url).hostname);
        const caller = signer ?? (token === undefined ? undefined : tokens.findCaller(token));
        if (!caller) {
            throw new GoogleError(
                "UNAUTHENTICATED",
                "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other " +
                    "valid authentication credential.",
            );
        }
        c.set("principal", caller.principal);
        if (!signer && (token === undefined || !tokens.hasCloudPlatform(token))) {
            throw new GoogleError("PERMISSION_DENIED", insufficientScopes);
        }
        c.set("caller", caller);
        await next();
    });
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
