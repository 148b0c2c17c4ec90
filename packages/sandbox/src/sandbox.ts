import { createAdaptorServer } from "@hono/node-server";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import type { Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Cloud } from "./google/cloud";
import { apiHost, controlPlane } from "./google/control-plane";
import { iamCredentialsApi } from "./google/iam-credentials-api";
import { metadataServer } from "./google/metadata-server";
import { securityTokenService, stsHost } from "./google/sts";
import { Issuers } from "./issuers/issuers";
import { startProxy } from "./python/proxy";
import { defaultBehavior, type RegistryBehavior } from "./python/registry-behavior";
import { PublicIndex } from "./python/public-index";
import { pythonEndpoint, pythonHost } from "./python/python-endpoint";
import type { LoggedRequest } from "./google/request-log";
import { AccessTokens, cloudPlatform, tokenEndpoint } from "./google/tokens";

export type { LoggedRequest } from "./google/request-log";

/** Emulates Google Cloud and the public Python index on 127.0.0.1. */
export interface Sandbox extends AsyncDisposable {
    /** Root of the control plane, `http://127.0.0.1:PORT`. */
    readonly apiUrl: string;
    /** Forward proxy for the clients, `http://127.0.0.1:PORT`. */
    readonly proxyUrl: string;
    /** PEM file of the throw-away certificate authority, in a private directory that close() removes. */
    readonly caFile: string;
    /** Bearer token of the operator who runs Pulumi: the project's owner. */
    readonly accessToken: string;
    /** Stack configuration, `gcp:…`, that points the Google provider at this sandbox. */
    readonly providerConfig: Readonly<Record<string, string>>;
    /** Environment variables that make Python's tools use the proxy and trust its authority. */
    readonly clientEnvironment: Readonly<Record<string, string>>;
    /** All requests so far, in the order in which they were answered, without any secret. */
    readonly requests: readonly LoggedRequest[];
    /** The state, for tests that look at it or change it behind the program's back. */
    readonly cloud: Cloud;
    /**
     * An access token for a principal such as `user:dev@example.com`: what `gcloud auth print-access-token` gives a person.
     * One hour unless said otherwise; a lifetime of 0 has expired already.
     */
    issueToken(member: string, lifetimeSeconds?: number): string;
    /** The issuers of the systems from which machines come without a key. */
    readonly issuers: Issuers;
    /**
     * Starts the metadata server of a machine in Google Cloud, whose identity is a member such as
     * `serviceAccount:NUMBER-compute@developer.gserviceaccount.com` or a Kubernetes account's `principal://…`.
     * @param scopes of the machine; by default cloud-platform
     * @returns the environment variables that make Google's libraries ask this server
     */
    startMetadataServer(
        identity: string,
        scopes?: readonly string[],
    ): Promise<Readonly<Record<string, string>>>;
    /** Publishes a file on the public index, now or at another time. */
    publishPublic(file: { project: string; filename: string; content: Buffer; uploaded?: Date }): void;
    /** Lets a host of the public index answer only requests with a login, like another company's registry. */
    requirePublicLogin(host: string, username: string, password: string): void;
    /** Ends both servers and removes the directory. Can be called again. */
    close(): Promise<void>;
}

/** Starts a sandbox with one project, new and empty, on free ports. */
export async function startSandbox({
    project = "sandbox-project",
    projectNumber = "123456789012",
    hasCluster = true,
    deniedPackages = defaultBehavior.deniedPackages,
    virtualRules = defaultBehavior.virtualRules,
    uploadTimes = false,
}: {
    project?: string;
    projectNumber?: string;
    /** Whether there is a GKE cluster, so that policies can name its accounts. */
    hasCluster?: boolean;
    /** Whether the public index says when its files were uploaded, as PyPI does. Artifact Registry's never does. */
    uploadTimes?: boolean;
} & Partial<RegistryBehavior> = {}): Promise<Sandbox> {
    const behavior: RegistryBehavior = { deniedPackages, virtualRules };
    const operator = "user:operator@example.com";
    const requests: LoggedRequest[] = [];
    const cloud = new Cloud();
    cloud.addProject(project, projectNumber, operator).hasCluster = hasCluster;
    const tokens = new AccessTokens(cloud);
    const publicIndex = new PublicIndex(requests, uploadTimes);
    const oauth = tokenEndpoint(cloud, tokens, requests);
    const python = pythonEndpoint(cloud, tokens, answer, behavior, requests);

    const control = controlPlane(cloud, tokens, answer, requests);
    const issuers = new Issuers(requests);
    const sts = securityTokenService(cloud, tokens, answer, requests);
    const iamCredentials = iamCredentialsApi(cloud, tokens, requests);
    /** By host and port, because Google's libraries ask them through the proxy too. */
    const metadataServers = new Map<string, ReturnType<typeof metadataServer>>();

    function answer(request: Request, sender?: string): Response | Promise<Response> {
        const environment = sender === undefined ? {} : { sender };
        const url = new URL(request.url);
        const host = url.hostname;
        if (host === "oauth2.googleapis.com") return oauth.fetch(request);
        if (host === "iamcredentials.googleapis.com") return iamCredentials.fetch(request);
        if (stsHost.test(host)) return sts.fetch(request);
        const [, api] = apiHost.exec(host) ?? [];
        if (api !== undefined) {
            return control.fetch(new Request(new URL(`/${api}${url.pathname}${url.search}`, url), request));
        }
        const metadata = metadataServers.get(url.host);
        if (metadata) return metadata.fetch(request);
        if (issuers.answers(url)) return issuers.app.fetch(request);
        if (pythonHost.test(host)) return python.fetch(request, environment);
        return publicIndex.app.fetch(request, environment);
    }

    const opened: (() => Promise<unknown>)[] = [];
    let closed: Promise<void> | undefined;
    const close = () => (closed ??= Promise.all(opened.map((end) => end())).then(() => undefined));

    try {
        const directory = await mkdtemp(join(tmpdir(), "python-registry-sandbox-"));
        opened.push(() => rm(directory, { recursive: true }));
        const api = await serve(control);
        opened.push(() => api.close());
        const proxy = await startProxy((request) => answer(request));
        opened.push(() => proxy.close());
        const caFile = join(directory, "ca.pem");
        await writeFile(caFile, proxy.caCertificate);
        // A day: long enough for `npm start -- --keep`.
        const accessToken = tokens.issue(operator, 24 * 3600);
        return {
            apiUrl: api.url,
            proxyUrl: proxy.url,
            caFile,
            accessToken,
            providerConfig: providerConfig(api.url, accessToken),
            clientEnvironment: clientEnvironment(proxy.url, caFile),
            requests,
            cloud,
            issueToken: (member, lifetimeSeconds) => tokens.issue(member, lifetimeSeconds),
            issuers,
            startMetadataServer: async (identity, scopes = [cloudPlatform]) => {
                const app = metadataServer(cloud.project(project), identity, tokens, requests, scopes);
                const server = await serve(app);
                opened.push(() => server.close());
                const { host } = new URL(server.url);
                metadataServers.set(host, app);
                return { GCE_METADATA_HOST: host, GCE_METADATA_IP: host };
            },
            publishPublic: (file) => {
                publicIndex.publish(file.project, file.filename, file.content, file.uploaded);
            },
            requirePublicLogin: (host, username, password) => {
                publicIndex.requireLogin(host, username, password);
            },
            close,
            [Symbol.asyncDispose]: close,
        };
    } catch (error) {
        await close();
        throw error;
    }
}

/** Serves an application over plain HTTP on a free port of 127.0.0.1. */
async function serve(app: { fetch: (request: Request) => Response | Promise<Response> }) {
    // The adapter must not replace Node's Request and Response in the whole process with its own, faster ones.
    const server = createAdaptorServer({ fetch: app.fetch, overrideGlobalObjects: false }) as Server;
    // By default, an idle connection ends after five seconds, even if a slow client sends its next request just then.
    server.keepAliveTimeout = 0;
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return {
        url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
        close: async () => {
            const ended = once(server, "close");
            server.close();
            server.closeAllConnections();
            await ended;
        },
    };
}

/** https://www.pulumi.com/registry/packages/gcp/installation-configuration/ */
function providerConfig(apiUrl: string, accessToken: string): Record<string, string> {
    return {
        "gcp:artifactRegistryCustomEndpoint": `${apiUrl}/artifactregistry/v1/`,
        "gcp:iamBetaCustomEndpoint": `${apiUrl}/iam/v1/`,
        "gcp:serviceUsageCustomEndpoint": `${apiUrl}/serviceusage/v1/`,
        "gcp:resourceManagerCustomEndpoint": `${apiUrl}/cloudresourcemanager/v1/`,
        "gcp:cloudBillingCustomEndpoint": `${apiUrl}/cloudbilling/v1/`,
        "gcp:secretManagerCustomEndpoint": `${apiUrl}/secretmanager/v1/`,
        "gcp:kmsCustomEndpoint": `${apiUrl}/cloudkms/v1/`,
        "gcp:accessToken": accessToken,
    };
}

function clientEnvironment(proxyUrl: string, caFile: string): Record<string, string> {
    return {
        // Some clients read only the upper-case names, some only the lower-case ones.
        HTTP_PROXY: proxyUrl,
        http_proxy: proxyUrl,
        HTTPS_PROXY: proxyUrl,
        https_proxy: proxyUrl,
        NO_PROXY: "",
        no_proxy: "",
        PIP_CERT: caFile, // pip
        REQUESTS_CA_BUNDLE: caFile, // requests: twine, google-auth, poetry
        SSL_CERT_FILE: caFile, // OpenSSL and rustls: urllib, httpx, uv
        CURL_CA_BUNDLE: caFile, // curl
        NODE_EXTRA_CA_CERTS: caFile, // Node.js
    };
}
