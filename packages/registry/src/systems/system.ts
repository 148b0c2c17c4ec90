import type * as v from "valibot";
import type { SnippetContext } from "../ci/context";

// What is known about a system whose machines authenticate without a key. Each system has a file of its own.

/** The keys of an entry of `workloads`, besides `type`, with their schemas. */
export type Keys = v.ObjectEntries;
/** A validated entry with these keys. Every id is text. */
export type Entry<K extends Keys> = Readonly<v.InferOutput<v.ObjectSchema<K, undefined>>>;

/** Reports a mistake: the path below the entry, the value, and a message that continues after both. */
export type ReportEntry = (path: readonly (string | number)[], value: unknown, message: string) => void;

/** A CI system, or another place where machines run. `W` is an entry of `workloads` of its type. */
export interface System<W> {
    readonly keys: Keys;
    /** Reports the mistakes that involve several keys. */
    readonly check?: (workload: W, report: ReportEntry) => void;
    /**
     * How IAM knows a workload: by the tokens of the system, or as a principal that exists without a pool of the registry.
     *
     * @param project the project of the registry
     */
    readonly identity: Federation<W> | ((workload: W, project: string) => OwnIdentity);
    /** The keys for a project other than the registry's, and for its number. */
    readonly projectKeys?: readonly [project: keyof W & string, number: keyof W & string];
    /**
     * The configuration of the system, ready to paste: the login without a key, then `pip install`, and for writers and admins
     * `twine upload`. The first line says where it belongs. It contains no secret.
     *
     * @throws RangeError if the workload needs a provider and none is given
     */
    readonly snippet: (context: SnippetContext<W>) => string;
}

/** A principal that exists without a pool of the registry. https://cloud.google.com/iam/docs/principal-identifiers */
export interface OwnIdentity {
    /** The project whose number is part of the principal; undefined if the principal has no number. */
    readonly numberProject?: string;
    /** The principal. `number` is the number of that project. */
    readonly principal: (number: string) => string;
    /** The role on a service account that lets the workload impersonate it. */
    readonly impersonationRole: ImpersonationRole;
}

/** The roles on a service account with which others get its tokens. */
export type ImpersonationRole = "roles/iam.workloadIdentityUser" | "roles/iam.serviceAccountTokenCreator";

/** How Google recognizes the tokens of a system. */
export interface Federation<W> {
    /** Recognizes the issuers of the system, in canonical spelling. Without it, the system can have any other issuer. */
    readonly issuers?: RegExp;
    /** The issuer of a workload's tokens, exactly as in the claim `iss`. */
    readonly issuer: (workload: W) => string;
    /** Id of the provider, 4 to 32 lowercase letters, digits and hyphens. Follows from the issuer. */
    readonly providerId: (workload: W) => string;
    /** The last part of the principal: `attribute.NAME/VALUE`. */
    readonly selector: (workload: W) => string;
    /** The rules of a provider for workloads that have the same issuer. */
    readonly rules: (workloads: readonly W[]) => TokenRules;
}

/** Which tokens a provider accepts, and what a grant can name of them. */
export interface TokenRules {
    /** Empty: the name of the provider is the audience. */
    readonly audiences: readonly string[];
    /** From attribute to CEL expression. */
    readonly mapping: Readonly<Record<string, string>>;
    /** CEL expression. Never empty. */
    readonly condition: string;
}

/** The resource name of a workload identity pool, with the number of its project. */
export function poolName(projectNumber: string, poolId: string): string {
    return `projects/${projectNumber}/locations/global/workloadIdentityPools/${poolId}`;
}
