import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { getCACertificates, rootCertificates } from "node:tls";
import { type Dispatcher, EnvHttpProxyAgent, request } from "undici";
import { tokenUsername } from "python-registry/clients/credential";
import type { AccessTokens } from "./credentials";
import { type IndexFile, parseIndexPage } from "./index-page";
import { oneLine } from "./output";
import type { Registry } from "./registry";

/** Variables that name a file of certificates to Python's tools. */
const bundleVariables = ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "PIP_CERT"];
const maxRedirects = 5;

/** The part that a registry has in a promotion. */
export type Side = "source" | "target";

/** Opens connections as Python's tools do: through the proxy and with the certificates that the environment names. */
export async function openNetwork(): Promise<Dispatcher> {
    const named = bundleVariables.flatMap((name) => process.env[name] || []);
    const bundles = await Promise.all(
        named.map((file) =>
            readFile(file, "utf8").catch((error: unknown) => {
                const { code = "" } = error as NodeJS.ErrnoException;
                // A folder of certificates is allowed. Only OpenSSL can read it.
                if (code === "EISDIR") return "";
                throw new Error(`The file of certificates ${file} cannot be read (${code})`);
            }),
        ),
    );
    const ca = [
        ...rootCertificates,
        ...getCACertificates("system"),
        ...getCACertificates("extra"),
        ...bundles.filter((text) => text !== ""),
    ];
    return new EnvHttpProxyAgent({ connect: { ca }, requestTls: { ca }, proxyTls: { ca } });
}

/** What a registry answers to this command. Its credential is sent to its own host only. */
export class RegistryClient {
    constructor(
        readonly side: Side,
        readonly registry: Registry,
        private readonly tokens: AccessTokens,
        private readonly network: Dispatcher,
    ) {}

    /**
     * The wheels and sdists of a package, of all versions; none if the registry does not have the package.
     *
     * @param name normalized
     */
    async listFiles(name: string): Promise<IndexFile[]> {
        const { indexUrl, uploadUrl } = this.registry;
        const pageUrl = `${indexUrl}${name}/`;
        const { statusCode, body } = await this.#get(pageUrl, "text/html");
        const text = await body.text();
        if (statusCode === 404) return [];
        if (statusCode !== 200) throw this.#refusal(statusCode, text, `the index page of ${name}`);
        try {
            return parseIndexPage(text, pageUrl, uploadUrl, name);
        } catch (error) {
            throw new Error(`${this.describe()}: ${(error as Error).message}`, { cause: error });
        }
    }

    /**
     * Downloads a file.
     *
     * @param path of the file to write, which must not exist
     * @returns the size in bytes, and the hash of what was written
     */
    async download(
        { filename, url }: IndexFile,
        path: string,
    ): Promise<{ readonly size: number; readonly sha256: string }> {
        const { statusCode, body } = await this.#get(url, "*/*");
        if (statusCode !== 200) throw this.#refusal(statusCode, await body.text(), filename);
        const hash = createHash("sha256");
        let size = 0;
        const measure = new Transform({
            transform(chunk: Buffer, _encoding, done) {
                hash.update(chunk);
                size += chunk.length;
                done(null, chunk);
            },
        });
        try {
            await pipeline(body, measure, createWriteStream(path, { flags: "wx", mode: 0o600 }));
        } catch (error) {
            throw this.#failure(error as Error, filename);
        }
        return { size, sha256: hash.digest("hex") };
    }

    /** The side and the resource name, for messages. */
    describe(): string {
        return `${this.side} ${this.registry.name}`;
    }

    /** What a role of this registry is needed for, as a sentence. */
    describeRole(role: "reader" | "writer"): string {
        return `The identity needs the role roles/artifactregistry.${role} on the ${this.describe()}: add it to ${role}s of that stack`;
    }

    async #get(address: string, accept: string): Promise<Dispatcher.ResponseData> {
        const own = new URL(this.registry.uploadUrl);
        const login = Buffer.from(`${tokenUsername}:${await this.tokens.get()}`).toString("base64");
        let url = new URL(address);
        for (let redirects = 0; redirects <= maxRedirects; redirects += 1) {
            const response = await request(url, {
                dispatcher: this.network,
                headers: {
                    accept,
                    // The service may send downloads to a storage, whose address has its own authorization.
                    ...(url.origin === own.origin && { authorization: `Basic ${login}` }),
                },
            }).catch((error: unknown) => {
                throw this.#failure(error as Error, url.host);
            });
            const { location } = response.headers;
            if (response.statusCode < 300 || response.statusCode > 399 || typeof location !== "string") {
                return response;
            }
            await response.body.dump();
            if (!URL.canParse(location, url.href) || new URL(location, url.href).protocol !== "https:") {
                throw new Error(`${this.describe()}: ${url.host} redirects to an address that is not https`);
            }
            url = new URL(location, url.href);
        }
        throw new Error(`${this.describe()}: ${own.host} redirects more than ${maxRedirects} times`);
    }

    #refusal(status: number, text: string, what: string): Error {
        const fix =
            status === 401
                ? `The ${this.side} does not accept the credential. Sign in again; if you named a file of credentials, check it`
                : status === 403
                  ? this.describeRole("reader")
                  : "Run the command again: it continues where it stopped";
        const said = oneLine(this.tokens.mask(text));
        return new Error(
            `${this.describe()} answered ${status} for ${what}${said === "" || said.startsWith("<") ? "" : ` (${said})`}. ${fix}`,
        );
    }

    /** Repeats nothing of the request. */
    #failure(error: Error, what: string): Error {
        const code = "code" in error ? String(error.code) : error.name;
        return new Error(
            `${this.describe()}: no answer for ${what} (${code}). Check the network, HTTPS_PROXY and, behind a proxy that decrypts TLS, ` +
                "REQUESTS_CA_BUNDLE. Then run the command again: it continues where it stopped",
        );
    }
}
