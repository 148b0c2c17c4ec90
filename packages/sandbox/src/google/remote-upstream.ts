import type { Cloud, Project } from "./cloud";
import { GoogleError } from "./google-api";
import { registryAgent } from "./service-agents";
import type { RepositorySettings } from "./repository-settings";
import { findSecretVersion } from "./secret-manager-api";

type RemoteConfig = NonNullable<RepositorySettings["remoteRepositoryConfig"]>;

/** Where a remote repository gets its packages. */
export interface Upstream {
    /** The base of its simple index, `https://HOST/…/simple`, without a slash at the end. */
    readonly index: URL;
    /** Its name, if it is a repository of Artifact Registry. */
    readonly repository?: RegistryRepository;
    readonly login?: { readonly username: string; readonly secretVersion: string };
}

export interface RegistryRepository {
    readonly location: string;
    readonly project: string;
    readonly id: string;
}

/** @throws GoogleError INVALID_ARGUMENT for a configuration with no source, or with several */
export function parseUpstream(remote: RemoteConfig): Upstream {
    const { pythonRepository, commonRepository, upstreamCredentials } = remote;
    const sources = [
        pythonRepository?.publicRepository && "https://pypi.org",
        pythonRepository?.customRepository?.uri,
        commonRepository?.uri,
    ].filter((each) => each !== undefined);
    const [source] = sources;
    if (source === undefined || sources.length > 1) {
        throw new GoogleError(
            "INVALID_ARGUMENT",
            "remoteRepositoryConfig needs exactly one of pythonRepository and commonRepository.",
        );
    }
    const repository = parseRepository(source);
    const base =
        repository === undefined
            ? source
            : `https://${repository.location}-python.pkg.dev/${repository.project}/${repository.id}`;
    const url = URL.parse(`${base.replace(/(\/simple)?\/?$/, "")}/simple`);
    if (url?.protocol !== "https:" && url?.protocol !== "http:") {
        throw new GoogleError("INVALID_ARGUMENT", `Invalid upstream URI "${source}".`);
    }
    const login = upstreamCredentials?.usernamePasswordCredentials;
    return {
        index: url,
        ...(repository && { repository }),
        ...(login && {
            login: { username: login.username, secretVersion: login.passwordSecretVersion },
        }),
    };
}

/** The repository that a resource name or a URL names. */
function parseRepository(source: string): RegistryRepository | undefined {
    const [, project, location, id] =
        /^projects\/([^/]+)\/locations\/([^/]+)\/repositories\/([^/]+)$/.exec(source) ?? [];
    if (project !== undefined && location !== undefined && id !== undefined) return { project, location, id };
    const [, host, owner, name] =
        /^https:\/\/([a-z0-9-]+)-python\.pkg\.dev\/([^/]+)\/([^/]+?)(?:\/simple)?\/?$/.exec(source) ?? [];
    if (host === undefined || owner === undefined || name === undefined) return undefined;
    return { location: host, project: owner, id: name };
}

/**
 * The password with which the service agent of a project authenticates to an upstream.
 * @throws GoogleError FAILED_PRECONDITION if there is none, or if the agent may not read it
 */
export function readPassword(cloud: Cloud, project: Project, secretVersion: string): string {
    const found = findSecretVersion(cloud, secretVersion);
    const agent = registryAgent(project);
    const caller = { principal: agent, identities: [agent] };
    if (found && cloud.permits(caller, "secretmanager.versions.access", found.secret)) return found.payload;
    throw new GoogleError(
        "FAILED_PRECONDITION",
        `The Artifact Registry service account ${agent.replace("serviceAccount:", "")} cannot access the secret ` +
            `version ${secretVersion} (or it may not exist): Permission 'secretmanager.versions.access' denied.`,
    );
}
