import type { Cloud, Repository } from "../google/cloud";
import { isDenied } from "../google/download-rules";
import { googleAccount } from "../google/policy";
import { repositoryName } from "../google/repository-lookup";
import { registryAgent } from "../google/service-agents";
import type { RegistryBehavior } from "./registry-behavior";
import { pythonFile } from "./simple-index";
import { UpstreamFailure, type UpstreamFile, type UpstreamIndex } from "./upstream-index";

/** A file that clients can see in a repository. */
export interface OfferedFile {
    readonly filename: string;
    readonly version: string;
    readonly sha256?: string;
    /** Whether a rule denies its download. */
    readonly isDenied: boolean;
    /** @throws UpstreamFailure */
    read(): Promise<Buffer>;
}

/** A virtual repository whose service agent may not read one of its upstreams. */
export class UnreadableUpstream extends Error {}

/**
 * What clients see in a repository: in a standard one what was uploaded, in a remote one what its upstream has, in a
 * virtual one what its upstreams have together.
 */
export class RepositoryContents {
    constructor(
        private readonly cloud: Cloud,
        private readonly upstreams: UpstreamIndex,
        private readonly behavior: RegistryBehavior,
    ) {}

    /**
     * The files of a package, also those that a rule denies.
     * @param packageName normalized
     * @throws UnreadableUpstream, UpstreamFailure
     */
    async files(repository: Repository, packageName: string): Promise<OfferedFile[]> {
        const found = await this.#found(repository, packageName);
        return found.map((file) => ({
            ...file,
            isDenied: file.isDenied || isDenied(repository.rules, packageName, file.version),
        }));
    }

    /** Those of the files that the simple index lists. @throws UnreadableUpstream, UpstreamFailure */
    async listed(repository: Repository, packageName: string): Promise<OfferedFile[]> {
        return (await this.files(repository, packageName)).filter((file) => this.#isListed(file));
    }

    #isListed(file: OfferedFile): boolean {
        return !file.isDenied || this.behavior.deniedPackages === "listed";
    }

    #found(repository: Repository, packageName: string): Promise<OfferedFile[]> | OfferedFile[] {
        switch (repository.settings.mode) {
            case "STANDARD_REPOSITORY":
                return this.#stored(repository, packageName);
            case "REMOTE_REPOSITORY":
                return this.#remote(repository, packageName);
            case "VIRTUAL_REPOSITORY":
                return this.#virtual(repository, packageName);
        }
    }

    #stored({ files }: Repository, packageName: string): OfferedFile[] {
        return [...files.values()]
            .filter((file) => file.package === packageName)
            .map(({ filename, version, sha256, content }) => ({
                filename,
                version,
                sha256,
                isDenied: false,
                read: () => Promise.resolve(content),
            }));
    }

    /** What the upstream lists, and what was cached while it did. */
    async #remote(repository: Repository, packageName: string): Promise<OfferedFile[]> {
        const cached = this.#stored(repository, packageName);
        let listed: UpstreamFile[] = [];
        try {
            listed = await this.upstreams.list(repository, packageName);
        } catch (error) {
            if (!(error instanceof UpstreamFailure) || cached.length === 0) throw error;
        }
        const names = new Set(cached.map(({ filename }) => filename));
        const others = listed.filter(({ filename }) => !names.has(filename));
        return [
            ...cached,
            ...others.map((file) => ({
                filename: file.filename,
                version: file.version,
                ...(file.sha256 !== undefined && { sha256: file.sha256 }),
                isDenied: false,
                read: () => this.#fetched(repository, packageName, file),
            })),
        ];
    }

    /** The content of a file of an upstream, which the repository keeps from now on. */
    async #fetched(repository: Repository, packageName: string, file: UpstreamFile): Promise<Buffer> {
        const content = await this.upstreams.download(repository, file);
        if (repository.settings.remoteRepositoryConfig?.noCache === undefined) {
            repository.files.set(file.filename, pythonFile(packageName, file.filename, content));
        }
        return content;
    }

    /** The union of the versions of the upstreams. The priority decides only where several have the same version. */
    async #virtual(repository: Repository, packageName: string): Promise<OfferedFile[]> {
        const policies = repository.settings.virtualRepositoryConfig?.upstreamPolicies ?? [];
        const versions = new Set<string>();
        const union: OfferedFile[] = [];
        const hidden: OfferedFile[] = [];
        for (const policy of policies.toSorted((a, b) => (b.priority ?? 0) - (a.priority ?? 0))) {
            const upstream = this.#readable(repository, policy.repository);
            if (!upstream) continue;
            const files = (await this.files(upstream, packageName)).map((file) => ({
                ...file,
                isDenied: file.isDenied && this.behavior.virtualRules === "honoured",
            }));
            const fresh = files.filter(({ version }) => !versions.has(version));
            for (const file of fresh) {
                // What an upstream hides leaves the version to the next one.
                if (this.#isListed(file)) versions.add(file.version);
                (this.#isListed(file) ? union : hidden).push(file);
            }
        }
        const names = new Set(union.map(({ filename }) => filename));
        return [...union, ...hidden.filter(({ filename }) => !names.has(filename))];
    }

    /** An upstream of a virtual repository, unless it was deleted. @throws UnreadableUpstream */
    #readable({ project }: Repository, name: string): Repository | undefined {
        const [, owner = "", , location = "", , id = ""] = name.split("/");
        const upstream = this.cloud.projects.get(owner)?.repositories.get(`${location}/${id}`);
        if (!upstream) return undefined;
        const agent = registryAgent(project);
        const permission = "artifactregistry.repositories.readViaVirtualRepository";
        if (this.cloud.permits(googleAccount(agent), permission, upstream)) return upstream;
        throw new UnreadableUpstream(
            `Permission "${permission}" denied on resource "${repositoryName(upstream)}" for ` +
                `${agent.replace("serviceAccount:", "")} (or it may not exist)`,
        );
    }
}
