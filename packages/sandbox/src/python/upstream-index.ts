import type { Cloud, Repository } from "../google/cloud";
import { parseUpstream, readPassword, type Upstream } from "../google/remote-upstream";
import type { Sender } from "../google/request-log";
import { registryAgent } from "../google/service-agents";
import type { AccessTokens } from "../google/tokens";
import { getVersion } from "./simple-index";

/** A file that an upstream lists. */
export interface UpstreamFile {
    readonly filename: string;
    readonly version: string;
    /** Absent if the index does not give it. */
    readonly sha256?: string;
    readonly url: URL;
}

/** An upstream that does not give what a remote repository asks for. */
export class UpstreamFailure extends Error {}

/** Asks the upstreams of remote repositories, as the service agent of their project. */
export class UpstreamIndex {
    constructor(
        private readonly cloud: Cloud,
        private readonly tokens: AccessTokens,
        private readonly send: Sender,
    ) {}

    /** The files of a package. @throws UpstreamFailure */
    async list(repository: Repository, packageName: string): Promise<UpstreamFile[]> {
        const upstream = upstreamOf(repository);
        const url = new URL(`${upstream.index.href}/${packageName}/`);
        const response = await this.#get(repository, upstream, url);
        if (response.status === 404) return [];
        if (!response.ok) throw new UpstreamFailure(`${url.href} answers ${response.status}`);
        const links = (await response.text()).matchAll(
            /<a href="([^"#]+)(?:#sha256=([0-9a-f]{64}))?"[^>]*>([^<]+)<\/a>/g,
        );
        return [...links].map(([, target = "", sha256, filename = ""]) => ({
            filename,
            version: getVersion(filename),
            ...(sha256 !== undefined && { sha256 }),
            url: new URL(target, url),
        }));
    }

    /** The content of a file. @throws UpstreamFailure */
    async download(repository: Repository, { url }: UpstreamFile): Promise<Buffer> {
        const response = await this.#get(repository, upstreamOf(repository), url);
        if (!response.ok) throw new UpstreamFailure(`${url.href} answers ${response.status}`);
        return Buffer.from(await response.arrayBuffer());
    }

    async #get({ project }: Repository, upstream: Upstream, url: URL): Promise<Response> {
        const agent = registryAgent(project);
        const authorization = () => {
            if (upstream.login) {
                const password = readPassword(this.cloud, project, upstream.login.secretVersion);
                const login = Buffer.from(`${upstream.login.username}:${password}`);
                return `Basic ${login.toString("base64")}`;
            }
            return upstream.repository && `Bearer ${this.tokens.issue(agent)}`;
        };
        // The login is for the upstream, not for a host on which it keeps its files.
        const credential = url.host === upstream.index.host ? authorization() : undefined;
        return this.send(
            new Request(url, { ...(credential !== undefined && { headers: { Authorization: credential } }) }),
            agent,
        );
    }
}

function upstreamOf({ id, settings }: Repository): Upstream {
    if (!settings.remoteRepositoryConfig) throw new Error(`the repository ${id} has no upstream`);
    return parseUpstream(settings.remoteRepositoryConfig);
}
