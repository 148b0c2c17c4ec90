import { sign } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { IncomingHttpHeaders } from "node:http";
import * as tls from "node:tls";
import { Agent, type Dispatcher, EnvHttpProxyAgent, request } from "undici";
import * as v from "valibot";
import { type Login, tokenUsername } from "python-registry/clients/credential";
import { getPathSyntax, type System, variable } from "./system";

/** What a server answered, or why there was no answer and what to do. */
export type Response =
    | { readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: string }
    | { readonly failure: string; readonly fix: string };

/** What Google knows about an access token. */
export interface TokenInfo {
    /** Absent for a token without the e-mail scope, as a service account's are. */
    readonly email?: string;
    readonly secondsLeft: number;
}

/** For one request, including the connection. */
const timeoutSeconds = 30;

const tokenUrl = "https://oauth2.googleapis.com/token";
const cloudPlatform = "https://www.googleapis.com/auth/cloud-platform";

const replySchema = v.pipe(
    v.string(),
    v.parseJson(),
    v.object({
        access_token: v.optional(v.string()),
        email: v.optional(v.string()),
        expires_in: v.optional(v.pipe(v.union([v.string(), v.number()]), v.transform(Number), v.finite())),
    }),
);

const keySchema = v.pipe(
    v.string(),
    v.parseJson(),
    v.object({ client_email: v.string(), private_key: v.string(), private_key_id: v.string() }),
);

/** Variables that name a file of certificates to Python's tools, in the order in which they look. */
const bundleVariables = ["PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"];

/** Sends requests through the proxy and with the certificates that Python's tools use. */
export class Network implements AsyncDisposable {
    private constructor(
        private readonly dispatcher: Dispatcher,
        /** `host:port` of the proxy for the index; undefined without one. */
        private readonly proxy: string | undefined,
        /** What is wrong with a variable that names a proxy or certificates. */
        readonly configurationError: string | undefined,
        private readonly system: System,
    ) {}

    /** @param limits `maxResponseSize` is the largest body in bytes, by default unlimited */
    static async open(system: System, limits: { readonly maxResponseSize?: number } = {}): Promise<Network> {
        const { ca, error } = await certificates(system);
        // One for all connections: it takes longer than a request to read hundreds of certificates.
        const secureContext = tls.createSecureContext({ ca });
        const httpsProxy = findProxy(system);
        try {
            const dispatcher = new EnvHttpProxyAgent({
                ...limits,
                // Every request is to https. Empty, so that undici does not look at this process's own environment, nor use it for https.
                httpProxy: "",
                httpsProxy: httpsProxy ?? "",
                noProxy: variable(system, "no_proxy") ?? variable(system, "NO_PROXY") ?? "",
                connect: { secureContext },
                requestTls: { secureContext },
                proxyTls: { secureContext },
            });
            return new Network(dispatcher, httpsProxy && new URL(httpsProxy).host, error, system);
        } catch {
            return new Network(
                new Agent({ ...limits, connect: { secureContext } }),
                undefined,
                "HTTPS_PROXY is not the address of a proxy, such as http://HOST:PORT",
                system,
            );
        }
    }

    async [Symbol.asyncDispose](): Promise<void> {
        await this.dispatcher.destroy();
    }

    async get(url: string, login?: Login | { readonly token: string }): Promise<Response> {
        const authorization =
            login &&
            ("token" in login
                ? `Bearer ${login.token}`
                : `Basic ${Buffer.from(`${login.username}:${login.password}`).toString("base64")}`);
        return this.#request(url, {
            method: "GET",
            headers: { accept: "text/html, application/json", ...(authorization && { authorization }) },
        });
    }

    /** Asks whether there is a page, without reading it. No credential goes with the request, and no redirect is followed. */
    async head(url: string, accept: string): Promise<Response> {
        return this.#request(url, { method: "HEAD", headers: { accept } });
    }

    /**
     * An access token for a login: its password, or what Google returns for a service account's key.
     *
     * @see https://developers.google.com/identity/protocols/oauth2/service-account#httprest
     */
    async accessToken({ username, password }: Login): Promise<string | undefined> {
        if (username === tokenUsername) return password;
        const key = v.safeParse(keySchema, Buffer.from(password, "base64").toString());
        if (!key.success) return undefined;
        const { client_email: iss, private_key, private_key_id: kid } = key.output;
        const iat = Math.floor(Date.now() / 1000);
        const claims = { iss, scope: cloudPlatform, aud: tokenUrl, iat, exp: iat + 3600 };
        const text = [{ alg: "RS256", typ: "JWT", kid }, claims]
            .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
            .join(".");
        const signature = sign("RSA-SHA256", Buffer.from(text), private_key).toString("base64url");
        const grant = "urn:ietf:params:oauth:grant-type:jwt-bearer";
        const response = await this.#post(tokenUrl, { grant_type: grant, assertion: `${text}.${signature}` });
        return response?.access_token;
    }

    /**
     * Asks Google about an access token; undefined if Google does not know it, or cannot be asked.
     *
     * @see https://developers.google.com/identity/sign-in/web/backend-auth#calling-the-tokeninfo-endpoint
     */
    async tokenInfo(token: string): Promise<TokenInfo | undefined> {
        const found = await this.#post("https://oauth2.googleapis.com/tokeninfo", { access_token: token });
        if (found?.expires_in === undefined) return undefined;
        const { email, expires_in: secondsLeft } = found;
        return { ...(email !== undefined && { email }), secondsLeft };
    }

    /** Sends a form, in the body, because proxies log addresses. */
    async #post(
        url: string,
        form: Record<string, string>,
    ): Promise<v.InferOutput<typeof replySchema> | undefined> {
        const response = await this.#request(url, {
            method: "POST",
            headers: { "content-type": "application/x-www-form-urlencoded" },
            body: new URLSearchParams(form).toString(),
        });
        if (!("status" in response) || response.status !== 200) return undefined;
        const parsed = v.safeParse(replySchema, response.body);
        return parsed.success ? parsed.output : undefined;
    }

    /**
     * The account of a machine in Google Cloud, from its metadata server; undefined elsewhere.
     *
     * @see https://cloud.google.com/compute/docs/metadata/querying-metadata
     */
    async machineAccount(): Promise<string | undefined> {
        if (variable(this.system, "NO_GCE_CHECK")?.toLowerCase() === "true") return undefined;
        const host = variable(this.system, "GCE_METADATA_HOST") ?? "169.254.169.254";
        // Not through a proxy, which would answer for its own machine.
        const dispatcher = new Agent();
        const response = await this.#request(
            `http://${host}/computeMetadata/v1/instance/service-accounts/default/email`,
            { method: "GET", headers: { "metadata-flavor": "Google" }, dispatcher },
            // The metadata server is on the same machine, or nowhere. Google's library reads the variable too.
            Number(variable(this.system, "GCE_METADATA_TIMEOUT") ?? 1.5),
        );
        await dispatcher.destroy();
        return "status" in response &&
            response.status === 200 &&
            response.headers["metadata-flavor"] === "Google"
            ? response.body.trim()
            : undefined;
    }

    async #request(
        url: string,
        options: NonNullable<Parameters<typeof request>[1]>,
        seconds = timeoutSeconds,
    ): Promise<Response> {
        try {
            const { statusCode, headers, body } = await request(url, {
                dispatcher: this.dispatcher,
                ...options,
                signal: AbortSignal.timeout(seconds * 1000),
            });
            return { status: statusCode, headers, body: await body.text() };
        } catch (error) {
            return connectionFailure(error as Error, new URL(url).hostname, this.proxy);
        }
    }
}

/** Why a connection failed. The text repeats nothing of the request. */
function connectionFailure(error: Error, host: string, proxy: string | undefined): Response {
    const code = "code" in error ? String(error.code) : "";
    const refusal = /Proxy response \((\d+)\)/.exec(error.message)?.[1];
    if (refusal === "407") {
        return {
            failure: `The proxy ${proxy ?? ""} requires a login (407)`,
            fix: "Add its user name and password to HTTPS_PROXY, or the host to NO_PROXY",
        };
    }
    if (refusal !== undefined) {
        return {
            failure: `The proxy ${proxy ?? ""} does not allow connections to ${host} (${refusal})`,
            fix: `Ask for ${host} to be allowed there, or add it to NO_PROXY`,
        };
    }
    if (code === "UND_ERR_RES_EXCEEDED_MAX_SIZE") {
        return { failure: `The answer of ${host} is too large`, fix: "Check the address" };
    }
    const target = proxy === undefined ? host : `the proxy ${proxy}`;
    const fix =
        proxy === undefined
            ? "Check the network (VPN, DNS, firewall). Behind a proxy, set HTTPS_PROXY"
            : "Correct HTTPS_PROXY, start the proxy, or add the host to NO_PROXY";
    if (error.name === "TimeoutError" || code === "UND_ERR_CONNECT_TIMEOUT" || code === "ETIMEDOUT") {
        return { failure: `There was no answer from ${target} in ${timeoutSeconds} seconds`, fix };
    }
    if (code === "ENOTFOUND" || code === "EAI_AGAIN") {
        return { failure: `The host name of ${target} cannot be resolved`, fix };
    }
    if (!/^(ECONN|EHOST|ENET|EPIPE|UND_ERR)/.test(code) && /CERT|SSL|TLS|ISSUER|SIGNATURE/.test(code)) {
        return {
            failure: `The certificate of ${host} is not trusted (${code})`,
            fix: "Behind a proxy that decrypts TLS, set PIP_CERT, REQUESTS_CA_BUNDLE and SSL_CERT_FILE to the file with its authority",
        };
    }
    return { failure: `There is no connection to ${target} (${code || error.name})`, fix };
}

function findProxy(system: System): string | undefined {
    const value = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]
        .map((name) => variable(system, name))
        .find((found) => found !== undefined);
    return value === undefined || value.includes("://") ? value : `http://${value}`;
}

/** The authorities that Node and the system trust, and those in the files that the variables of Python's tools name. */
async function certificates(
    system: System,
): Promise<{ readonly ca: string[]; readonly error: string | undefined }> {
    // Older than Node 22.15 has no access to the system's authorities.
    const { getCACertificates } = tls as { getCACertificates?: typeof tls.getCACertificates };
    const roots = [
        ...tls.rootCertificates,
        ...(getCACertificates === undefined
            ? []
            : [...getCACertificates("system"), ...getCACertificates("extra")]),
    ];
    const errors: string[] = [];
    for (const name of bundleVariables) {
        const value = variable(system, name);
        if (value === undefined) continue;
        try {
            roots.push(await readFile(getPathSyntax(system).resolve(system.workingDirectory, value), "utf8"));
        } catch (error) {
            const { code } = error as NodeJS.ErrnoException;
            // A folder of certificates is allowed. OpenSSL reads it; this check does not.
            if (code !== "EISDIR")
                errors.push(`${name} names ${value}, which cannot be read (${code ?? ""})`);
        }
    }
    return { ca: [...new Set(roots)], error: errors.length === 0 ? undefined : errors.join("; ") };
}
