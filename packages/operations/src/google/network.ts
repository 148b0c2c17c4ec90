import { readFile } from "node:fs/promises";
import { createSecureContext, getCACertificates, rootCertificates } from "node:tls";
import { type Dispatcher, EnvHttpProxyAgent, RetryAgent } from "undici";

/** Variables that name a file of certificates to Python's tools. */
const bundleVariables = ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "PIP_CERT"];

/**
 * Opens connections as Python's tools do: through the proxy and with the certificates that the environment names. A GET or DELETE that
 * gets no answer, or one with which a service asks to wait, is repeated within some seconds. A POST is sent once.
 */
export async function openNetwork(
    environment: Readonly<Record<string, string | undefined>> = process.env,
): Promise<Dispatcher> {
    const named = bundleVariables.flatMap((name) => environment[name] || []);
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
    // One for all connections: it takes longer than a request to read hundreds of certificates.
    const secureContext = createSecureContext({ ca });
    const variable = (name: string) => environment[name.toLowerCase()] ?? environment[name] ?? "";
    return new RetryAgent(
        new EnvHttpProxyAgent({
            httpProxy: variable("HTTP_PROXY"),
            httpsProxy: variable("HTTPS_PROXY"),
            noProxy: variable("NO_PROXY"),
            connect: { secureContext },
            requestTls: { secureContext },
            proxyTls: { secureContext },
        }),
        // The last answer is for the caller, who says what it means.
        { maxRetries: 4, throwOnError: false },
    );
}
