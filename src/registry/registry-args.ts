import type * as pulumi from "@pulumi/pulumi";
import type { Role } from "../names/principals";
import type { Existing } from "./existing";
import type { AccessMode } from "./repository-access";

/** A dedicated service account of a registry. */
export interface RegistryServiceAccountArgs {
    /** Its role on the repository. */
    readonly access: Role;
    /** The account exists already: `use` leaves it to its owner, `adopt` brings it under the stack. */
    readonly existing?: Existing;
    /** At most 100 bytes in UTF-8. */
    readonly displayName?: string;
    /** Names of its key generations, oldest first; the last is the current one. None by default. */
    readonly keys?: string[];
}

/**
 * What a registry is made of. What names it (project, location, repository, accounts, principals) is plain, so that
 * addresses and client files are complete in a preview.
 */
export interface RegistryArgs {
    /** Project id, domain-scoped (`example.com:tools`) or not. */
    readonly project: string;
    /** Region or multi-region. */
    readonly location: string;
    /** Repository id. */
    readonly repository: string;
    /** The repository exists already: `use` only grants access to it, `adopt` brings it under the stack. */
    readonly existing?: Existing;
    readonly description?: pulumi.Input<string>;
    readonly labels?: pulumi.Input<Record<string, pulumi.Input<string>>>;
    /** IAM principals that may download. */
    readonly readers?: string[];
    /** IAM principals that may upload too. */
    readonly writers?: string[];
    /** IAM principals that may delete packages too. */
    readonly admins?: string[];
    /** Default `authoritative`. With `existing`, it has no default. */
    readonly access?: AccessMode;
    /** Accept `allUsers` and `allAuthenticatedUsers` among the readers. Default false. */
    readonly allowPublic?: boolean;
    /** Dedicated accounts by account id; none by default. */
    readonly serviceAccounts?: Record<string, RegistryServiceAccountArgs>;
    /** Enable the APIs that are needed; they stay enabled when the stack goes. Default true. */
    readonly enableApis?: boolean;
    /** Refuse to delete or replace the repository, in Pulumi and in the provider. Default true. */
    readonly deletionProtection?: boolean;
}
