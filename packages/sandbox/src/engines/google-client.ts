/** An error response of one of Google's APIs. */
export class ApiError extends Error {
    constructor(
        /** HTTP status code. */
        readonly status: number,
        message: string,
    ) {
        super(message);
    }
}

/** Calls the APIs at the endpoints of a stack's configuration. */
export class GoogleClient {
    readonly #config: Readonly<Record<string, string>>;

    /** @param config stack configuration with the provider's custom endpoints and access token */
    constructor(config: Readonly<Record<string, string>>) {
        this.#config = config;
    }

    /**
     * @param api as in the provider's configuration, `API` of `gcp:APICustomEndpoint`
     * @throws ApiError with the API's message
     */
    async call(api: string, method: string, path: string, body?: object): Promise<Record<string, unknown>> {
        const endpoint = this.#config[`gcp:${api}CustomEndpoint`];
        if (endpoint === undefined) {
            throw new Error(
                `gcp:${api}CustomEndpoint is not set: the in-process engine works only with the sandbox`,
            );
        }
        const response = await fetch(endpoint + path, {
            method,
            headers: {
                authorization: `Bearer ${this.#config["gcp:accessToken"] ?? ""}`,
                "content-type": "application/json",
            },
            ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        });
        const answer = (await response.json()) as Record<string, unknown> & { error?: { message: string } };
        if (!response.ok) {
            throw new ApiError(
                response.status,
                `${method} ${path}: ${response.status} ${answer.error?.message ?? ""}`,
            );
        }
        return answer;
    }
}
