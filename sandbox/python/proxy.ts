import type { Server } from "node:net";

/** A forward proxy that answers every request itself. */
export interface Proxy {
    /** `http://127.0.0.1:PORT` */
    readonly url: string;
    /** Certificate, in PEM, of the authority that signs for every host name asked for. Made for this proxy, and gone with it. */
    readonly caCertificate: string;
    close(): Promise<void>;
}

/**
 * Starts a proxy on a free port of 127.0.0.1 that ends TLS in place of whatever host a client asks for, and has
 * `answer` reply: nothing is ever passed on. HTTP/1.1 only, as Python's clients speak it through a proxy.
 */
export async function startProxy(answer: (request: Request) => Response | Promise<Response>): Promise<Proxy> {
    // Half a second to load: only for those who start a proxy.
    const mockttp = await import("mockttp");
    const ca = await mockttp.generateCACertificate({
        subject: { commonName: "Throw-away sandbox authority", organizationName: "python-registry sandbox" },
    });
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
                // The body is decoded: what described its coding and length no longer holds.
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
 * Keeps a Mockttp instance off the network. Its start() makes a server, stores it in its field `server` and calls
 * listen(port), which means every interface; there is no option for the host. So the server's listen() gets its host at
 * the moment it is stored. If a later version does otherwise, the returned function yields no server and the start is
 * called off, rather than open to the network.
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

/** The fetch API refuses a URL with a user name in it; the header that says the same came along. */
function withoutCredentials(url: string): URL {
    return Object.assign(new URL(url), { username: "", password: "" });
}
