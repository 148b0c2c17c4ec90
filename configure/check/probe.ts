import { readFile } from "node:fs/promises";
import * as tls from "node:tls";
import { Agent, type Dispatcher, EnvHttpProxyAgent, request } from "undici";
import * as v from "valibot";
import type { Login } from "../../src/clients/credential";
import { pathsOf, type System, variable } from "../machine/system";

/** What a server answered, or why there was no answer and what to do. */
export type Answer =
    { readonly status: number; readonly body: string } | { readonly problem: string; readonly fix: string };

/** What Google says of an access token. */
export interface TokenInfo {
    /** Absent for a token that was not asked for with the e-mail scope, as a service account's are. */
    readonly email?: string;
    readonly secondsLeft: number;
}

/** Seconds for one question, all included. */
const timeLimit = 10;
/** The metadata server is on the same machine, or nowhere. */
const metadataTimeLimit = 1.5;

const tokenInfoSchema = v.object({
    email: v.optional(v.string()),
    expires_in: v.pipe(v.union([v.string(), v.number()]), v.transform(Number), v.finite()),
});

/** Variables that name a file of certificates to Python's tools, in the order in which they look. */
const bundleVariables = ["PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"];

/** A way to servers, through the proxy and with the certificates that Python's tools use. */
export class Network implements AsyncDisposable {
    private constructor(
        private readonly dispatcher: Dispatcher,
        /** `host:port` of the proxy for the index; undefined without one. */
        private readonly proxy: string | undefined,
        /** Where a variable names certificates that cannot be read. */
        readonly problem: string | undefined,
        private readonly system: System,
    ) {}

    static async open(system: System): Promise<Network> {
        const { ca, problem } = await certificates(system);
        const httpsProxy = proxyOf(system, "https_proxy");
        try {
            const dispatcher = new EnvHttpProxyAgent({
                // Empty, so that undici does not look at this process's own environment.
                httpProxy: proxyOf(system, "http_proxy") ?? "",
                httpsProxy: httpsProxy ?? "",
                noProxy: variable(system, "no_proxy") ?? variable(system, "NO_PROXY") ?? "",
                connect: { ca },
                requestTls: { ca },
                proxyTls: { ca },
            });
            return new Network(dispatcher, httpsProxy && new URL(httpsProxy).host, problem, system);
        } catch {
            return new Network(
                new Agent({ connect: { ca } }),
                undefined,
                "HTTPS_PROXY or HTTP_PROXY is no address of a proxy: http://HOST:PORT",
                system,
            );
        }
    }

    async [Symbol.asyncDispose](): Promise<void> {
        await this.dispatcher.destroy();
    }

    /** Asks for a page. */
    async get(url: string, login?: Login): Promise<Answer> {
        const basic = login && Buffer.from(`${login.username}:${login.password}`).toString("base64");
        return this.#ask(url, {
            method: "GET",
            headers: {
                accept: "text/html",
                ...(basic !== undefined && { authorization: `Basic ${basic}` }),
            },
        });
    }

    /**
     * Asks Google about an access token; undefined if Google does not know it, or cannot be asked.
     *
     * @see https://developers.google.com/identity/sign-in/web/backend-auth#calling-the-tokeninfo-endpoint
     */
    async tokenInfo(token: string): Promise<TokenInfo | undefined> {
        // In the body: an address stands in the logs of proxies.
        const answer = await this.#ask("https://oauth2.googleapis.com/tokeninfo", {
            method: "POST",
            headers: { "content-type": "application/x-www-form-urlencoded" },
            body: new URLSearchParams({ access_token: token }).toString(),
        });
        if (!("status" in answer) || answer.status !== 200) return undefined;
        const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), tokenInfoSchema), answer.body);
        if (!parsed.success) return undefined;
        const { email, expires_in: secondsLeft } = parsed.output;
        return { ...(email !== undefined && { email }), secondsLeft };
    }

    /**
     * The account of a machine in Google Cloud, as its metadata server tells it; undefined elsewhere.
     *
     * @see https://cloud.google.com/compute/docs/metadata/querying-metadata
     */
    async machineAccount(): Promise<string | undefined> {
        if (variable(this.system, "NO_GCE_CHECK")?.toLowerCase() === "true") return undefined;
        const host = variable(this.system, "GCE_METADATA_HOST") ?? "169.254.169.254";
        // Never through a proxy, which would answer for its own machine.
        const agent = new Agent();
        try {
            const { statusCode, headers, body } = await request(
                `http://${host}/computeMetadata/v1/instance/service-accounts/default/email`,
                {
                    dispatcher: agent,
                    headers: { "metadata-flavor": "Google" },
                    signal: AbortSignal.timeout(metadataTimeLimit * 1000),
                },
            );
            const text = await body.text();
            return statusCode === 200 && headers["metadata-flavor"] === "Google" ? text.trim() : undefined;
        } catch {
            return undefined;
        } finally {
            await agent.destroy();
        }
    }

    async #ask(
        url: string,
        options: Pick<Dispatcher.RequestOptions, "method" | "headers" | "body">,
    ): Promise<Answer> {
        try {
            const { statusCode, body } = await request(url, {
                ...options,
                dispatcher: this.dispatcher,
                signal: AbortSignal.timeout(timeLimit * 1000),
            });
            return { status: statusCode, body: await body.text() };
        } catch (error) {
            return explained(error as Error, new URL(url).hostname, this.proxy);
        }
    }
}

/** What a failed connection is about, in words; nothing of the request. */
function explained(error: Error, host: string, proxy: string | undefined): Answer {
    const code = "code" in error ? String(error.code) : "";
    const refusal = /Proxy response \((\d+)\)/.exec(error.message)?.[1];
    const way = proxy === undefined ? host : `the proxy ${proxy}`;
    if (refusal === "407") {
        return {
            problem: `the proxy ${proxy ?? ""} asks for a login (407)`,
            fix: "put its user name and password into HTTPS_PROXY, or the host into NO_PROXY",
        };
    }
    if (refusal !== undefined) {
        return {
            problem: `the proxy ${proxy ?? ""} does not let through to ${host} (${refusal})`,
            fix: `have ${host} allowed there, or put it into NO_PROXY`,
        };
    }
    if (error.name === "TimeoutError" || code === "UND_ERR_CONNECT_TIMEOUT" || code === "ETIMEDOUT") {
        return {
            problem: `${way} does not answer in time`,
            fix:
                proxy === undefined
                    ? "look at the network and its firewall; behind a proxy, set HTTPS_PROXY"
                    : "look at HTTPS_PROXY, and whether the proxy is up",
        };
    }
    if (code === "ENOTFOUND" || code === "EAI_AGAIN") {
        return {
            problem: `the name of ${way} cannot be found`,
            fix:
                proxy === undefined
                    ? "look at the network (VPN, DNS); behind a proxy, set HTTPS_PROXY"
                    : "correct HTTPS_PROXY, or put the host into NO_PROXY",
        };
    }
    if (/^(ECONN|EHOST|ENET|EPIPE|UND_ERR_SOCKET)/.test(code)) {
        return {
            problem: `there is no connection to ${way} (${code})`,
            fix:
                proxy === undefined
                    ? "look at the network and its firewall; behind a proxy, set HTTPS_PROXY"
                    : "correct HTTPS_PROXY, start the proxy, or put the host into NO_PROXY",
        };
    }
    if (/CERT|SSL|TLS|ISSUER|SIGNATURE/.test(code)) {
        return {
            problem: `the certificate of ${host} is not trusted (${code})`,
            fix: "behind a proxy that opens TLS, name the file with its authority in PIP_CERT, REQUESTS_CA_BUNDLE and SSL_CERT_FILE",
        };
    }
    return { problem: `${host} cannot be asked (${code || error.name})`, fix: "look at the network" };
}

function proxyOf(system: System, name: string): string | undefined {
    const value =
        variable(system, name) ??
        variable(system, name.toUpperCase()) ??
        variable(system, "all_proxy") ??
        variable(system, "ALL_PROXY");
    return value === undefined || value.includes("://") ? value : `http://${value}`;
}

/** The roots that Node and the system have, and those that the variables of Python's tools name. */
async function certificates(
    system: System,
): Promise<{ readonly ca: string[]; readonly problem: string | undefined }> {
    // Since Node 22.15; before, a system's own roots cannot be had.
    const { getCACertificates } = tls as { getCACertificates?: typeof tls.getCACertificates };
    const roots = [
        ...tls.rootCertificates,
        ...(getCACertificates === undefined
            ? []
            : [...getCACertificates("system"), ...getCACertificates("extra")]),
    ];
    const problems: string[] = [];
    for (const name of bundleVariables) {
        const value = variable(system, name);
        if (value === undefined) continue;
        try {
            roots.push(await readFile(pathsOf(system).resolve(system.workingDirectory, value), "utf8"));
        } catch (error) {
            const { code } = error as NodeJS.ErrnoException;
            // A directory of certificates is allowed: OpenSSL reads it, we do not.
            if (code !== "EISDIR")
                problems.push(`${name} names ${value}, which cannot be read (${code ?? ""})`);
        }
    }
    return { ca: [...new Set(roots)], problem: problems.length === 0 ? undefined : problems.join("; ") };
}
