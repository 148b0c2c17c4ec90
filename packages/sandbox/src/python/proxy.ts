import type { generateCACertificate } from "mockttp";
import type { Server } from "node:net";

/** A forward proxy that answers every request itself. */
export interface Proxy {
    /** `http://127.0.0.1:PORT` */
    readonly url: string;
    /** Certificate, in PEM, of the authority that signs for every requested host name. It exists only as long as this process. */
    readonly caCertificate: string;
    close(): Promise<void>;
}

/** Of all proxies of this process: a new key takes most of a proxy's start. */
let authority: ReturnType<typeof generateCACertificate> | undefined;

/**
 * Starts a proxy on a free port of 127.0.0.1 that terminates TLS for every requested host and lets `answer` reply: it
 * never forwards a request. HTTP/1.1 only, which Python's clients use through a proxy.
 */
export async function startProxy(answer: (request: Request) => Response | Promise<Response>): Promise<Proxy> {
    // Loading it takes half a second, so only do that if a proxy is started.
    const mockttp = await import("mockttp");
    const ca = await (authority ??= mockttp.generateCACertificate({
        subject: { commonName: "Throw-away sandbox authority", organizationName: "python-registry sandbox" },
    }));
    const proxy = mockttp.getLocal({ https: ca, http2: false, recordTraffic: false, suggestChanges: false });
    const listening = onLoopbackOnly(proxy);
    await proxy.start(0);
    const address = listening()?.address();
    if (typeof address !== "object" || address?.address !== "127.0.0.1") {
        await proxy.stop();
        throw new Error("the proxy would not listen on 127.0.0.1 only: has mockttp changed how it starts?");
    }
    await proxy.forAnyRequest().thenCallback(async ({ method, url, rawHeaders, body }) => {
        const content = await body.getDecodedBuffer();
        if (content === undefined) return { statusCode: 400, body: "Undecodable request body" };
        const response = await answer(
            new Request(withoutCredentials(url), {
                method,
                // The body is decoded, so the headers for its encoding and length no longer apply.
                headers: rawHeaders.filter(([name]) => !/^content-(encoding|length)$/i.test(name)),
                ...(content.length > 0 &&
                    method !== "GET" &&
                    method !== "HEAD" && { body: new Uint8Array(content) }),
            }),
        );
        const rawBody = Buffer.from(await response.arrayBuffer());
        return {
            statusCode: response.status,
            headers: {
                ...Object.fromEntries(response.headers),
                ...(method !== "HEAD" && { "content-length": String(rawBody.length) }),
            },
            rawBody,
        };
    });
    return {
        url: `http://127.0.0.1:${address.port}`,
        caCertificate: ca.cert,
        close: () => proxy.stop(),
    };
}

/**
 * Makes a Mockttp instance listen on 127.0.0.1 only. Its start() creates a server, stores it in the field `server` and
 * calls listen(port), which listens on every interface; there is no option for the host. So this function adds the host to
 * the server's listen() when the server is stored. If a later version of Mockttp works differently, the returned function
 * returns no server, and startProxy fails instead of listening on the network.
 */
function onLoopbackOnly(proxy: object): () => Server | undefined {
    let stored: Server | undefined;
    Object.defineProperty(proxy, "server", {
        configurable: true,
        get: () => stored,
        set(server: Server) {
            const listen = server.listen.bind(server);
            stored = Object.assign(server, { listen: (port: number) => listen(port, "127.0.0.1") });
        },
    });
    return () => stored;
}

/** The URL without its user name, which the fetch API refuses. The Authorization header has it too. */
function withoutCredentials(url: string): URL {
    return Object.assign(new URL(url), { username: "", password: "" });
}
