import { type Dispatcher, request } from "undici";
import { tokenUsername } from "python-registry/clients/credential";
import * as v from "valibot";
import { oneLine } from "../output";
import type { AccessTokens } from "./access-tokens";

const maxRedirects = 5;
/** How long a call of an API may take to answer. */
const callMilliseconds = 60_000;

/** Errors before there is a connection. */
const withoutConnection: ReadonlySet<string> = new Set([
    "EAI_AGAIN",
    "ECONNREFUSED",
    "EHOSTUNREACH",
    "ENETUNREACH",
    "ENOTFOUND",
    "UND_ERR_CONNECT_TIMEOUT",
]);

const errorSchema = v.object({ error: v.object({ message: v.string() }) });

/** No answer, or one that a client must not accept. The message ends no sentence, and repeats nothing of the request. */
export class NoAnswer extends Error {
    /** @param isSent whether the request perhaps arrived, and only the answer is missing */
    constructor(
        message: string,
        readonly isSent = true,
    ) {
        super(message);
    }
}

/** An API refused a call. */
export class Refusal extends Error {
    constructor(
        readonly status: number,
        message: string,
    ) {
        super(message);
    }
}

/** The address of Artifact Registry, with a slash at its end; gcloud's variable can name a different one. */
export function registryApi(environment: Readonly<Record<string, string | undefined>> = process.env): string {
    const own = environment["CLOUDSDK_API_ENDPOINT_OVERRIDES_ARTIFACTREGISTRY"];
    return `${(own ?? "https://artifactregistry.googleapis.com").replace(/\/+$/, "")}/v1/`;
}

/** Sends requests to Google as one identity: to the API of Artifact Registry, and to the hosts of Python packages. */
export class GoogleClient {
    /**
     * @param network see openNetwork
     * @param api see registryApi
     */
    constructor(
        private readonly tokens: AccessTokens,
        private readonly network: Dispatcher,
        private readonly api = registryApi(),
    ) {}

    /** A text in which the tokens are replaced. */
    mask(text: string): string {
        return this.tokens.mask(text);
    }

    /**
     * Reads a page or a file of a Python repository.
     *
     * @param address at the host that gets the credential. No other host gets it: the service may send downloads to a storage, whose
     * address has its own authorization
     * @throws NoAnswer, also for a redirect to an address that is not https
     */
    async get(address: string, accept = "*/*"): Promise<Dispatcher.ResponseData> {
        const own = new URL(address);
        const login = Buffer.from(`${tokenUsername}:${await this.tokens.get()}`).toString("base64");
        let url = own;
        for (let redirects = 0; redirects <= maxRedirects; redirects += 1) {
            const response = await this.#send(url, {
                headers: { accept, ...(url.origin === own.origin && { authorization: `Basic ${login}` }) },
            });
            const { location } = response.headers;
            if (response.statusCode < 300 || response.statusCode > 399 || typeof location !== "string") {
                return response;
            }
            await response.body.dump();
            if (!URL.canParse(location, url.href) || new URL(location, url.href).protocol !== "https:") {
                throw new NoAnswer(`${url.host} redirects to an address that is not https`);
            }
            url = new URL(location, url.href);
        }
        throw new NoAnswer(`${own.host} redirects more than ${maxRedirects} times`);
    }

    /**
     * Calls a method of Artifact Registry. https://cloud.google.com/artifact-registry/docs/reference/rest
     *
     * @param path resource name, with the query
     * @throws Refusal, NoAnswer
     */
    async call<T>(
        method: "GET" | "POST" | "DELETE",
        path: string,
        schema: v.GenericSchema<unknown, T>,
        body?: object,
    ): Promise<T> {
        const name = path.replace(/\?.*/, "");
        const { statusCode, body: answer } = await this.#send(new URL(this.api + path), {
            method,
            headers: {
                authorization: `Bearer ${await this.tokens.get()}`,
                ...(body && { "content-type": "application/json" }),
            },
            ...(body && { body: JSON.stringify(body) }),
            headersTimeout: callMilliseconds,
            bodyTimeout: callMilliseconds,
        });
        const json: unknown = await answer.json().catch(() => undefined);
        if (statusCode < 200 || statusCode > 299) {
            const reason = v.safeParse(errorSchema, json);
            const said = reason.success ? `: ${oneLine(this.mask(reason.output.error.message))}` : "";
            throw new Refusal(statusCode, `Artifact Registry answered ${statusCode} for ${name}${said}`);
        }
        const parsed = v.safeParse(schema, json);
        if (parsed.success) return parsed.output;
        throw new NoAnswer(
            `Artifact Registry answered for ${name} in a form that this command does not know: ${v.getDotPath(parsed.issues[0]) ?? "no object"}`,
        );
    }

    async #send(url: URL, options: Parameters<typeof request<null>>[1]): Promise<Dispatcher.ResponseData> {
        try {
            return await request(url, { dispatcher: this.network, ...options });
        } catch (error) {
            const { name, code = name } = error as NodeJS.ErrnoException;
            throw new NoAnswer(
                `${url.host} does not answer (${code}). Check the network, HTTPS_PROXY and, behind a proxy that decrypts TLS, REQUESTS_CA_BUNDLE`,
                !withoutConnection.has(code),
            );
        }
    }
}
