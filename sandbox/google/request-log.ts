import type { MiddlewareHandler } from "hono";

/** One request that the sandbox answered. No header is ever kept, and of bodies only the control plane's requests. */
export interface LoggedRequest {
    plane: "control" | "data" | "token" | "public";
    method: string;
    /** Host name, without port. */
    host: string;
    /** With the query. */
    path: string;
    status: number;
    /** Who was recognised, such as `user:dev@example.com`. */
    principal?: string;
    /** What was sent, control plane JSON only. */
    body?: unknown;
}

/** What the sandbox's applications note on a request while they answer it. */
export interface Answering {
    Variables: { principal?: string };
}

/** Notes every request of an application in `log`, once its answer is known. */
export function logged(log: LoggedRequest[], plane: LoggedRequest["plane"]): MiddlewareHandler<Answering> {
    return async (c, next) => {
        await next();
        const url = new URL(c.req.url);
        const principal = c.get("principal");
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
