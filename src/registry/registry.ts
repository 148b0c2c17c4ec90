import * as projects from "@pulumi/gcp/projects";
import * as pulumi from "@pulumi/pulumi";
import { waitingLike } from "./dependencies";
import { holdAgainst } from "./derived";
import { type Existing, onceVerified, verifyAccount, verifyRepository } from "./existing";
import { type PrincipalsByRole, principalsByRole, type Role } from "../names/principals";
import { repositoryResource } from "./repository";
import { type AccessMode, RepositoryAccess } from "./repository-access";
import { ServiceAccount, serviceAccountName } from "./service-account";
import type { StackName } from "../names/stack-mark";
import { repositoryName, repositoryUrls, type RepositoryUrls } from "../names/urls";

/** A dedicated service account of a registry. */
export interface RegistryServiceAccount {
    /** Its role on the repository. */
    readonly access: Role;
    /** The account exists already: `use` leaves it to its owner, `adopt` brings it under the stack. */
    readonly existing?: Existing;
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
    /** The repository exists already: `use` only grants access to it, `adopt` brings it under the stack. */
    readonly existing?: Existing;
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
        const { project, location, repository: repositoryId, existing } = args;
        const mode = args.access ?? "authoritative";
        const createdBy = thisStack();
        this.repositoryId = repositoryId;
        this.repositoryName = repositoryName({ project, location, repositoryId });
        this.urls = repositoryUrls({ project, location, repository: repositoryId });
        this.principals = principalsByRole(args);

        // Nothing is changed before everything that is said to exist has been looked at.
        const problems = verifyExisting(this, args, this.principals, mode);
        const waiting =
            problems.length === 0 ? opts : pulumi.mergeOptions(opts, { dependsOn: onceVerified(problems) });

        // Each API is waited for only by what needs it: an account takes 11 s and must not stand behind the other.
        const enable = (service: string) =>
            args.enableApis === false
                ? []
                : [
                      new projects.Service(
                          `${name}-${service}`,
                          { project, service: `${service}.googleapis.com`, disableOnDestroy: false },
                          waitingLike(waiting, { parent: this }),
                      ),
                  ];
        const iam = enable("iam");
        const artifactRegistry = enable("artifactregistry");

        this.serviceAccounts = Object.fromEntries(
            Object.entries(args.serviceAccounts ?? {}).map(([accountId, { access: _, ...account }]) => [
                accountId,
                new ServiceAccount(
                    `${name}-${accountId}`,
                    { project, accountId, createdBy, ...account },
                    waitingLike(waiting, { parent: this, dependsOn: iam }),
                ),
            ]),
        );

        const repository = repositoryResource(
            name,
            {
                project,
                location,
                repositoryId,
                ...(existing === undefined ? {} : { existing }),
                ...(args.description === undefined ? {} : { description: args.description }),
                ...(args.labels === undefined ? {} : { labels: args.labels }),
                protect: args.protect ?? true,
                createdBy,
            },
            waitingLike(waiting, { parent: this, dependsOn: artifactRegistry }),
        );
        holdAgainst("repository's address", this.urls.registryUri, repository.registryUri);

        new RepositoryAccess(
            name,
            {
                project,
                location,
                repository: repositoryId,
                principals: this.principals,
                mode,
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

/** Looks at everything that is said to exist; empty where nothing is. */
function verifyExisting(
    registry: Registry,
    args: RegistryArgs,
    principals: PrincipalsByRole,
    mode: AccessMode,
): pulumi.Output<string[]>[] {
    const { project, location, repository: repositoryId, existing, description, labels } = args;
    const accounts = Object.entries(args.serviceAccounts ?? {});
    return [
        ...(existing === undefined
            ? []
            : [
                  verifyRepository(
                      {
                          project,
                          location,
                          repositoryId,
                          existing,
                          ...(description === undefined ? {} : { description }),
                          ...(labels === undefined ? {} : { labels }),
                          ...(mode === "authoritative" ? { authoritative: principals } : {}),
                      },
                      registry,
                  ),
              ]),
        ...accounts.flatMap(([id, account]) =>
            account.existing === undefined
                ? []
                : [
                      verifyAccount(
                          {
                              name: serviceAccountName(project, id),
                              existing: account.existing,
                              ...(account.displayName === undefined
                                  ? {}
                                  : { displayName: account.displayName }),
                          },
                          registry,
                      ),
                  ],
        ),
    ];
}

/** The stack that runs. Its organization is what backends without any say, where a test's mocks name none. */
function thisStack(): StackName {
    const names = { project: pulumi.getProject(), stack: pulumi.getStack() };
    try {
        return { organization: pulumi.getOrganization(), ...names };
    } catch {
        return { organization: "organization", ...names };
    }
}
