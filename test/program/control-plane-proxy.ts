import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import type { GoogleError } from "../../packages/sandbox/src/google/google-api";
import type { Sandbox } from "../../packages/sandbox/src/sandbox";

/** What the proxy does with a call on its way. */
export interface ControlPlaneProxyOptions {
    /** Called before the call is forwarded, which waits for it. */
    readonly before?: (call: string) => Promise<void>;
    /** Returns an error to answer with, in place of forwarding the call. */
    readonly refuse?: (call: string) => GoogleError | undefined;
    /** Returns the body of the response. */
    readonly answer?: (call: string, body: string) => string;
}

/** A server in front of the sandbox's control plane, which can delay calls and change responses. */
export interface ControlPlaneProxy extends AsyncDisposable {
    /** Stack configuration that points at it. */
    readonly providerConfig: Record<string, string>;
}

export async function startControlPlaneProxy(
    sandbox: Sandbox,
    { before, refuse, answer }: ControlPlaneProxyOptions,
): Promise<ControlPlaneProxy> {
    const server = createServer((request, response) => {
        const call = `${request.method ?? ""} ${request.url ?? ""}`;
        const forward = async () => {
            const body = await text(request);
            await before?.(call);
            const refusal = refuse?.(call);
            if (refusal !== undefined) {
                response.writeHead(refusal.code, { "content-type": "application/json" });
                response.end(JSON.stringify(refusal.body));
                return;
            }
            const answered = await fetch(sandbox.apiUrl + (request.url ?? ""), {
                method: request.method ?? "GET",
                headers: {
                    authorization: request.headers.authorization ?? "",
                    "content-type": "application/json",
                },
                ...(body === "" ? {} : { body }),
            });
            const received = await answered.text();
            response.writeHead(answered.status, { "content-type": "application/json" });
            response.end(answer?.(call, received) ?? received);
        };
        forward().catch((error: unknown) => response.destroy(error as Error));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return {
        providerConfig: Object.fromEntries(
            Object.entries(sandbox.providerConfig).map(([key, value]) => [
                key,
                value.replace(sandbox.apiUrl, url),
            ]),
        ),
        async [Symbol.asyncDispose]() {
            server.close();
            server.closeAllConnections();
            await once(server, "close");
        },
    };
}
