import type * as pulumi from "@pulumi/pulumi";
import type { CooldownConfig, KeyringProvider, PublicPackages } from "../clients/client";
import type { Role } from "../names/principals";
import type { Existing } from "./existing";
import type { AccessMode } from "./repository-access";
import type { CleanupConfig, EncryptionConfig } from "../lifecycle/lifecycle-config";
import type { AuditLogType } from "../validation/schema";
import type { WorkloadConfig } from "../systems/workload-config";

/** The arguments of a dedicated service account of a registry. */
export interface ServiceAccountConfig {
    /** The role of the account on the repository. */
    readonly access: Role;
    /** Set if the account already exists: `use` leaves it to its owner, `adopt` imports it into the stack. */
    readonly existing?: Existing;
    /** Display name of the account, at most 100 bytes in UTF-8. */
    readonly displayName?: string;
    /** Names of the key generations, oldest first. The last one is the current key. None by default. */
    readonly keys?: string[];
    /** IAM principals that can impersonate the account. They are granted this on the account alone. */
    readonly impersonators?: string[];
}

/**
 * The arguments of a registry. The values that identify it (project, location, repository, accounts and principals) are plain,
 * so that the URLs and the client files are complete in a preview.
 */
export interface RegistryArgs {
    /** Project id, with or without a domain (`example.com:tools`). */
    readonly project: string;
    /** Region or multi-region. */
    readonly location: string;
    /** Repository id. */
    readonly repository: string;
    /** Set if the repository already exists: `use` only grants access to it, `adopt` imports it into the stack. */
    readonly existing?: Existing;
    /** Description of the repository. */
    readonly description?: pulumi.Input<string>;
    /** Labels of the repository. */
    readonly labels?: pulumi.Input<Record<string, pulumi.Input<string>>>;
    /** IAM principals that can download. */
    readonly readers?: string[];
    /** IAM principals that can upload and download. */
    readonly writers?: string[];
    /** IAM principals that can delete packages, upload and download. */
    readonly admins?: string[];
    /** Whether the stack owns all members of each role that it grants. Default `authoritative`; required with `existing`, also of the mirror. */
    readonly access?: AccessMode;
    /** Whether `readers` can contain `allUsers` and `allAuthenticatedUsers`. Default false. */
    readonly allowPublic?: boolean;
    /** Dedicated service accounts by account id. An existing account of another project has its address as its id. None by default. */
    readonly serviceAccounts?: Record<string, ServiceAccountConfig>;
    /** Workloads that authenticate without a key, by name. None by default. */
    readonly workloads?: Record<string, WorkloadConfig>;
    /** The workload identity pool through which workloads outside Google Cloud authenticate. */
    readonly pool?: PoolConfig;
    /** Number of the project, which some workloads' principals and the service agent of encryption contain. Looked up by default. */
    readonly projectNumber?: string;
    /** The keyring provider that the client files ask pip for. Default `auto`: the files do not set it. */
    readonly keyring?: KeyringProvider;
    /**
     * Where public packages come from: the files of the tools name PyPI beside this registry (`pypi`, the default), or only this
     * registry, which passes on public packages (`mirror`) or has none (`none`).
     */
    readonly publicPackages?: PublicPackages;
    /** How this registry passes on public packages, with publicPackages: mirror. */
    readonly mirror?: MirrorConfig;
    /** How old public versions must be before the tools take them, with publicPackages: pypi. By default, they can be new. */
    readonly cooldown?: CooldownConfig;
    /** Names of packages that only this registry may serve, and prefixes such as acme-*. None by default. */
    readonly internalPackages?: string[];
    /** Which versions the service deletes by itself. By default, none, and policies that exist are kept. */
    readonly cleanup?: CleanupConfig;
    /** The key that encrypts the repository. Default: a Google-managed key. It cannot be changed later. */
    readonly encryption?: EncryptionConfig;
    /** Scan uploaded packages for known vulnerabilities. Default false: the setting of the repository is kept. */
    readonly scanning?: boolean;
    /** Accesses to log, for all repositories of the project. They stay on when the stack ends. None by default. */
    readonly auditLogs?: AuditLogType[];
    /** Accept a region that is newer than this release. Default false. */
    readonly skipRegionValidation?: boolean;
    /** Enable the required APIs. They stay enabled when the stack is destroyed. Default true. */
    readonly enableApis?: boolean;
    /** Refuse to delete or replace the repository, in Pulumi and in the provider. Default true. */
    readonly deletionProtection?: boolean;
}

/** How a registry passes on public packages. All properties are optional. */
export interface MirrorConfig {
    /** Where they come from: `pypi`, the https URL of an index, or the resource name of a repository. Default `pypi`. */
    readonly upstream?: string;
    /** User name for an index with a URL. */
    readonly username?: string;
    /** Version of a secret with the password, `projects/P/secrets/S/versions/V`. */
    readonly passwordSecret?: string;
    /** Names of the only public packages that come in. Default: all that are not internal. */
    readonly allow?: string[];
    /** Id of the remote repository, which fetches public packages. Default: the id of the repository with `-public`. */
    readonly repository?: string;
    /** Id of the virtual repository, which the tools ask. Default: the id of the repository with `-all`. */
    readonly virtualRepository?: string;
    /** Set if both repositories already exist: `use` leaves them to their owner, `adopt` imports them into the stack. */
    readonly existing?: Existing;
    /** Ids of download rules that already exist, by package; `*` is the rule of the whole repository. Only with `existing`. */
    readonly existingRules?: Record<string, string>;
}

/** The workload identity pool of a registry. All properties are optional. */
export interface PoolConfig {
    /** Id, 4 to 32 lowercase letters, digits and hyphens. Default: from repository and location. */
    readonly id?: string;
    /** Project id of the pool. Default: the project of the registry. */
    readonly project?: string;
    /** Number of that project. Default: looked up. */
    readonly projectNumber?: string;
    /** Set if the pool already exists: `use` only adds providers to it, `adopt` imports it into the stack. */
    readonly existing?: Existing;
}
