import type { MiddlewareHandler } from "hono";
import type { Caller } from "./policy";

/** A request that the sandbox answered. Holds no headers, and the bodies of control plane requests only: no secrets. */
export interface LoggedRequest {
    plane: "control" | "data" | "token" | "issuer" | "public";
    method: string;
    /** Host name, without port. */
    host: string;
    /** With the query. */
    path: string;
    status: number;
    /** The authenticated principal, such as `user:dev@example.com`. */
    principal?: string;
    /** The JSON that was sent to the control plane, such as the policy of a setIamPolicy. */
    body?: unknown;
}

/**
 * Sends a request to what its host name names in the sandbox.
 * @param sender the principal that the log names, if the request does not authenticate one
 */
export type Sender = (request: Request, sender?: string) => Response | Promise<Response>;

/** What the sandbox's applications record about a request while they answer it. */
export interface Answering {
    Bindings: { sender?: string };
    Variables: { principal?: string; caller?: Caller };
}

/** Adds every request of an application to `log`, once its response is known. */
export function logged(log: LoggedRequest[], plane: LoggedRequest["plane"]): MiddlewareHandler<Answering> {
    return async (c, next) => {
        await next();
        const url = new URL(c.req.url);
        // No environment comes with a request that does not come from `Sender`.
        const { sender } = { ...c.env };
        const principal = c.get("principal") ?? sender;
        const body = plane === "control" ? json(await c.req.text()) : undefined;
        log.push({
            plane,
            method: c.req.method,
            host: url.hostname,
            path: url.pathname + url.search,
            status: c.res.status,
            ...(principal !== undefined && { principal }),
            ...(body !== undefined && { body }),
        });
    };
}

function json(text: string): unknown {
    try {
        return JSON.parse(text);
    } catch {
        return undefined;
    }
}
