import * as artifactregistry from "@pulumi/gcp/artifactregistry";
import * as projects from "@pulumi/gcp/projects";
import * as pulumi from "@pulumi/pulumi";
import { waitingLike } from "./dependencies";
import { holdAgainst } from "./derived";
import { type PrincipalsByRole, principalsByRole, type Role } from "./principals";
import { type AccessMode, RepositoryAccess } from "./repository-access";
import { ServiceAccount } from "./service-account";
import { repositoryUrls, type RepositoryUrls } from "./urls";

/** A dedicated service account of a registry. */
export interface RegistryServiceAccount {
    /** Its role on the repository. */
    readonly access: Role;
    readonly displayName?: string;
    /** Names of its key generations, oldest first; the last is the current one. None by default. */
    readonly keys?: readonly string[];
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
    readonly description?: pulumi.Input<string>;
    readonly labels?: pulumi.Input<Record<string, pulumi.Input<string>>>;
    /** IAM principals that may download. */
    readonly readers?: readonly string[];
    /** IAM principals that may upload too. */
    readonly writers?: readonly string[];
    /** IAM principals that may delete packages too. */
    readonly admins?: readonly string[];
    /** Default `authoritative`. */
    readonly access?: AccessMode;
    /** Dedicated accounts by account id; none by default. */
    readonly serviceAccounts?: Readonly<Record<string, RegistryServiceAccount>>;
    /** Enable the APIs that are needed; they stay enabled when the stack goes. Default true. */
    readonly enableApis?: boolean;
    /** Refuse to delete or replace the repository, in Pulumi and in the provider. Default true. */
    readonly protect?: boolean;
}

/**
 * A private Python registry: the repository, its dedicated service accounts, and who may read, write and administer
 * it. Nothing is granted on the project.
 *
 * @example
 * const registry = new Registry("internal", {
 *     project: "acme-tools", location: "europe-west1", repository: "python",
 *     readers: ["group:developers@acme.example"],
 *     serviceAccounts: { "python-publisher": { access: "writer" } },
 * });
 * export const indexUrl = registry.urls.indexUrl;
 */
export class Registry extends pulumi.ComponentResource {
    /** Repository id. */
    readonly repositoryId: string;
    /** Full resource name, `projects/P/locations/L/repositories/R`. */
    readonly repositoryName: string;
    /** The repository's addresses; known before it is made. */
    readonly urls: RepositoryUrls;
    /** Who holds each role by this registry's doing. */
    readonly principals: PrincipalsByRole;
    /** The dedicated accounts by account id. */
    readonly serviceAccounts: Readonly<Record<string, ServiceAccount>>;

    constructor(name: string, args: RegistryArgs, opts?: pulumi.ComponentResourceOptions) {
        super("python-registry:index:Registry", name, {}, opts);
        const { project, location, repository: repositoryId } = args;
        const protect = args.protect ?? true;

        // Each API is waited for only by what needs it: an account takes 11 s and must not stand behind the other.
        const enable = (service: string) =>
            args.enableApis === false
                ? []
                : [
                      new projects.Service(
                          `${name}-${service}`,
                          { project, service: `${service}.googleapis.com`, disableOnDestroy: false },
                          waitingLike(opts, { parent: this }),
                      ),
                  ];
        const iam = enable("iam");
        const artifactRegistry = enable("artifactregistry");

        this.serviceAccounts = Object.fromEntries(
            Object.entries(args.serviceAccounts ?? {}).map(([accountId, { access: _, ...account }]) => [
                accountId,
                new ServiceAccount(
                    `${name}-${accountId}`,
                    { project, accountId, ...account },
                    waitingLike(opts, { parent: this, dependsOn: iam }),
                ),
            ]),
        );

        const repository = new artifactregistry.Repository(
            name,
            {
                project,
                location,
                repositoryId,
                format: "PYTHON",
                mode: "STANDARD_REPOSITORY",
                ...(args.description === undefined ? {} : { description: args.description }),
                ...(args.labels === undefined ? {} : { labels: args.labels }),
                deletionPolicy: protect ? "PREVENT" : "DELETE",
            },
            waitingLike(opts, {
                parent: this,
                dependsOn: artifactRegistry,
                protect,
                // The provider refuses to delete what was protected until now. It must do so before a new repository
                // is made: half a replacement could be neither finished nor taken back.
                deleteBeforeReplace: !protect,
            }),
        );
        this.repositoryId = repositoryId;
        this.repositoryName = `projects/${project}/locations/${location}/repositories/${repositoryId}`;
        this.urls = repositoryUrls({ project, location, repository: repositoryId });
        holdAgainst("repository's address", this.urls.registryUri, repository.registryUri);

        this.principals = principalsByRole(args);
        new RepositoryAccess(
            name,
            {
                project,
                location,
                repository: repositoryId,
                principals: this.principals,
                mode: args.access ?? "authoritative",
                waitFor: repository,
                madeHere: new Map(
                    Object.values(this.serviceAccounts).map((account) => [account.member, account.account]),
                ),
            },
            { parent: this },
        );

        this.registerOutputs({
            repositoryName: this.repositoryName,
            registryUri: this.urls.registryUri,
        });
    }
}
