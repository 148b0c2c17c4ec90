import { randomInt, type KeyObject } from "node:crypto";
import { GoogleError, newEtag } from "./google-api";
import type { CryptoKey } from "./cloud-kms-api";
import type { DownloadRule } from "./download-rules";
import type { PoolSettings, ProviderSettings } from "./identity-settings";
import {
    emptyPolicy,
    grants,
    withoutServiceAccount,
    type Caller,
    type Directory,
    type Policy,
} from "./policy";
import type { Permission } from "./roles";
import type { RepositorySettings } from "./repository-settings";
import type { Secret } from "./secret-manager-api";
import { registryAgent } from "./service-agents";
import type { PythonFile } from "../python/simple-index";

export interface Project {
    readonly id: string;
    readonly number: string;
    /** The principal with every permission in the project, except that to impersonate its service accounts. */
    readonly owner: string;
    /** Everyone else's roles on the project, which apply to everything in it. */
    policy: Policy;
    /** Enabled APIs, such as `artifactregistry.googleapis.com`. */
    readonly services: Set<string>;
    /** By `LOCATION/ID`. */
    readonly repositories: Map<string, Repository>;
    /** By e-mail address. */
    readonly serviceAccounts: Map<string, ServiceAccount>;
    /** By id. */
    readonly workloadIdentityPools: Map<string, WorkloadIdentityPool>;
    /** By id. Nothing but a test adds one. */
    readonly secrets: Map<string, Secret>;
    /** By `LOCATION/KEYRING/ID`. Nothing but a test adds one. */
    readonly cryptoKeys: Map<string, CryptoKey>;
    /** The APIs whose service agents exist, such as `artifactregistry.googleapis.com`. */
    readonly serviceAgents: Set<string>;
    /** Whether the project has, or once had, a GKE cluster: only then the pool `PROJECT.svc.id.goog` exists. */
    hasCluster: boolean;
}

export interface Repository {
    readonly project: Project;
    readonly location: string;
    readonly id: string;
    settings: RepositorySettings;
    readonly createTime: string;
    updateTime: string;
    policy: Policy;
    /** By id. */
    readonly rules: Map<string, DownloadRule>;
    /** Uploaded files, and those that a remote repository has cached, by file name. */
    readonly files: Map<string, PythonFile>;
}

export interface ServiceAccount {
    readonly projectId: string;
    readonly email: string;
    /** 21 digits; unique for ever, unlike the address. */
    readonly uniqueId: string;
    displayName: string;
    description: string;
    disabled: boolean;
    etag: string;
    policy: Policy;
    /** By key id. */
    readonly keys: Map<string, AccountKey>;
}

/** Identities from outside of Google. */
export interface WorkloadIdentityPool {
    readonly project: Project;
    readonly id: string;
    settings: PoolSettings;
    /** For a deleted pool: until when it can be restored. */
    expires: Date | undefined;
    /** By id. */
    readonly providers: Map<string, IdentityProvider>;
}

/** An issuer of tokens that a pool trusts. */
export interface IdentityProvider {
    readonly pool: WorkloadIdentityPool;
    readonly id: string;
    settings: ProviderSettings;
    /** For a deleted provider: until when it can be restored. */
    expires: Date | undefined;
}

/** The half of a service account key that Google keeps. */
export interface AccountKey {
    readonly id: string;
    readonly publicKey: KeyObject;
    readonly validAfter: Date;
    /** A key that a user created does not expire, unless an organization policy says so. */
    validBefore: Date;
    disabled: boolean;
}

/** What has a policy. */
type Resource = Project | Repository | ServiceAccount | Secret | CryptoKey;

const agentPermissions: readonly Permission[] = [
    "artifactregistry.repositories.downloadArtifacts",
    "artifactregistry.repositories.readViaVirtualRepository",
];

/** The state of the emulated Google Cloud. Lookups throw the errors with which the APIs answer. */
export class Cloud implements Directory {
    /** By project id. */
    readonly projects = new Map<string, Project>();
    /** Members of groups, as principals, by the group's address. Empty unless a test adds some. */
    readonly groups = new Map<string, Set<string>>();
    /** Roles that an organization or a project defined, by full name, such as `projects/P/roles/ID`. */
    readonly customRoles = new Map<string, readonly Permission[]>();

    /** Adds a new project, in which only the APIs are enabled that every project starts with. */
    addProject(id: string, number: string, owner: string): Project {
        const project: Project = {
            id,
            number,
            owner,
            policy: emptyPolicy,
            services: new Set(["cloudresourcemanager.googleapis.com", "serviceusage.googleapis.com"]),
            repositories: new Map(),
            serviceAccounts: new Map(),
            workloadIdentityPools: new Map(),
            secrets: new Map(),
            cryptoKeys: new Map(),
            serviceAgents: new Set(),
            hasCluster: false,
        };
        this.projects.set(id, project);
        return project;
    }

    /**
     * A project by id or number.
     * @throws GoogleError PERMISSION_DENIED, as for a project that the caller must not know
     */
    project(idOrNumber: string): Project {
        const project =
            this.projects.get(idOrNumber) ??
            [...this.projects.values()].find(({ number }) => number === idOrNumber);
        if (project) return project;
        throw new GoogleError(
            "PERMISSION_DENIED",
            `Permission denied on resource project ${idOrNumber} (or it may not exist).`,
            [{ "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason: "CONSUMER_INVALID" }],
        );
    }

    /**
     * Adds a secret, `projects/P/secrets/S`.
     * @param versions the payloads of its versions
     * @param readers principals that may read them
     */
    addSecret(name: string, versions: readonly string[], readers: readonly string[] = []): Secret {
        const [, projectId = "", , id = ""] = name.split("/");
        const project = this.project(projectId);
        const policy = policyWith("roles/secretmanager.secretAccessor", readers);
        const secret: Secret = { project, id, policy, versions };
        project.secrets.set(id, secret);
        return secret;
    }

    /**
     * Adds a key for encryption, `projects/P/locations/L/keyRings/R/cryptoKeys/K`.
     * @param users principals that may encrypt and decrypt with it
     */
    addCryptoKey(name: string, users: readonly string[] = []): CryptoKey {
        const [, projectId = "", , location = "", , keyRing = "", , id = ""] = name.split("/");
        const project = this.project(projectId);
        const policy = policyWith("roles/cloudkms.cryptoKeyEncrypterDecrypter", users);
        const key: CryptoKey = { project, location, keyRing, id, policy };
        project.cryptoKeys.set(`${location}/${keyRing}/${id}`, key);
        return key;
    }

    /** @throws GoogleError NOT_FOUND */
    repository(project: Project, location: string, id: string): Repository {
        const repository = project.repositories.get(`${location}/${id}`);
        if (repository) return repository;
        throw new GoogleError(
            "NOT_FOUND",
            `Repository "projects/${project.id}/locations/${location}/repositories/${id}" not found`,
        );
    }

    /**
     * Whether a caller (undefined: no credentials) has a permission on a resource, by the resource's own policy or by
     * that of its project.
     */
    permits(caller: Caller | undefined, permission: Permission, resource: Resource): boolean {
        const project = this.#projectOf(resource);
        const owns =
            caller?.principal === project.owner && permission !== "iam.serviceAccounts.getAccessToken";
        // The role of a service agent in its own project, roles/artifactregistry.serviceAgent.
        const isAgent = caller?.principal === registryAgent(project) && agentPermissions.includes(permission);
        return (
            owns ||
            isAgent ||
            [project.policy, resource.policy].some((policy) => grants(policy, permission, caller, this))
        );
    }

    #projectOf(resource: Resource): Project {
        if ("project" in resource) return resource.project;
        return "projectId" in resource ? this.project(resource.projectId) : resource;
    }

    /** The account with this address, in any project. */
    findServiceAccount(email: string): ServiceAccount | undefined {
        const address = email.toLowerCase();
        return [...this.projects.values()]
            .map(({ serviceAccounts }) => serviceAccounts.get(address))
            .find((account) => account !== undefined);
    }

    /**
     * Whether a service account address belongs to a project of this cloud, which has no such account. The sandbox has
     * no information about accounts of other projects and about Google's own agents.
     */
    lacksServiceAccount(email: string): boolean {
        const domain = email.toLowerCase().split("@")[1];
        const ours = [...this.projects.keys()].some((id) => serviceAccountDomain(id) === domain);
        return ours && this.findServiceAccount(email) === undefined;
    }

    /** @throws GoogleError ALREADY_EXISTS */
    addServiceAccount(
        project: Project,
        id: string,
        displayName: string,
        description: string,
    ): ServiceAccount {
        const email = `${id}@${serviceAccountDomain(project.id)}`;
        if (project.serviceAccounts.has(email)) {
            throw new GoogleError(
                "ALREADY_EXISTS",
                `Service account ${id} already exists within project projects/${project.id}.`,
            );
        }
        const account: ServiceAccount = {
            projectId: project.id,
            email,
            uniqueId: `1${String(randomInt(1e10)).padStart(10, "0")}${String(randomInt(1e10)).padStart(10, "0")}`,
            displayName,
            description,
            disabled: false,
            etag: newEtag(),
            policy: emptyPolicy,
            keys: new Map(),
        };
        project.serviceAccounts.set(email, account);
        return account;
    }

    /** Deletes an account with its keys. Its grants stay in the policies, for a deleted principal. */
    deleteServiceAccount(account: ServiceAccount) {
        this.projects.get(account.projectId)?.serviceAccounts.delete(account.email);
        for (const project of this.projects.values()) {
            const { repositories, serviceAccounts, secrets, cryptoKeys } = project;
            const inside = [repositories, serviceAccounts, secrets, cryptoKeys].flatMap((each) => [
                ...each.values(),
            ]);
            for (const resource of [project, ...inside]) {
                resource.policy = withoutServiceAccount(resource.policy, account.email, account.uniqueId);
            }
        }
    }

    /** The key with this id and its account, if both can be used: neither is deleted, disabled or expired. */
    usableKey(id: string): { account: ServiceAccount; key: AccountKey } | undefined {
        for (const { serviceAccounts } of this.projects.values()) {
            for (const account of serviceAccounts.values()) {
                const key = account.keys.get(id);
                if (!key) continue;
                const usable = !account.disabled && !key.disabled && key.validBefore.getTime() > Date.now();
                return usable ? { account, key } : undefined;
            }
        }
        return undefined;
    }
}

function policyWith(role: string, members: readonly string[]): Policy {
    return members.length === 0 ? emptyPolicy : { ...emptyPolicy, bindings: [{ role, members }] };
}

/** `tools` → `tools.iam.gserviceaccount.com`, and `example.com:tools` → `tools.example.com.iam.gserviceaccount.com`. */
function serviceAccountDomain(projectId: string): string {
    return `${projectId.split(":").reverse().join(".")}.iam.gserviceaccount.com`;
}
