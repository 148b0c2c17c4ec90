import type * as artifactregistry from "@pulumi/gcp/artifactregistry";
import * as projects from "@pulumi/gcp/projects";
import * as pulumi from "@pulumi/pulumi";
import { checkRegistryArgs } from "./check-args";
import { inheritDependsOn } from "./dependencies";
import { knownAfter, verifyDerived } from "./derived";
import { verifyAccount, verifyRepository, whenVerified } from "./existing";
import { type PrincipalsByRole, principalsByRole, type Role, serviceAccountEmail } from "../names/principals";
import { repositoryResource } from "./repository";
import type { RegistryArgs } from "./registry-args";
import { AccessMode, RepositoryAccess } from "./repository-access";
import { ServiceAccount, type ServiceAccountKey, serviceAccountName } from "./service-account";
import type { StackName } from "../names/stack-label";
import { repositoryName, repositoryUrls, type RepositoryUrls } from "../names/urls";

/** Kept outside the class, because a field would become an output of the component, which the keys must not be. */
const currentKeys = new WeakMap<Registry, Readonly<Record<string, ServiceAccountKey>>>();

/** A dedicated service account of a registry. All values are known in a preview. */
export interface RegistryServiceAccount {
    /** Email address. A resource that uses this output waits for the account. */
    readonly email: pulumi.Output<string>;
    /** The account as an IAM principal, `serviceAccount:EMAIL`. A resource that uses this output waits for the account. */
    readonly member: pulumi.Output<string>;
    /** The role of the account on the repository. */
    readonly access: Role;
}

/**
 * A private Python registry: the repository, its dedicated service accounts, and the grants for readers, writers and admins.
 * It grants no roles on the project.
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
    /** The repository resource. */
    readonly repository: artifactregistry.Repository;
    /** Full resource name, `projects/P/locations/L/repositories/R`. Known in a preview. */
    readonly repositoryName: pulumi.Output<string>;
    /** The URLs of the repository. Known in a preview. */
    readonly urls: pulumi.Output<RepositoryUrls>;
    /** The principals to which this registry grants each role. */
    readonly principals: PrincipalsByRole;
    /** The dedicated service accounts by account id. */
    readonly serviceAccounts: Record<string, RegistryServiceAccount>;

    /** @throws pulumi.InputPropertiesError that names every property with a mistake, before anything is registered */
    constructor(name: string, args: RegistryArgs, opts?: pulumi.ComponentResourceOptions) {
        const checked = checkRegistryArgs(name, args);
        super("python-registry:index:Registry", name, { ...checked }, opts);
        const { project, location, repository: repositoryId, existing, description, labels } = checked;
        const mode = checked.access ?? AccessMode.authoritative;
        const createdBy = thisStack();
        const urls = repositoryUrls({ project, location, repository: repositoryId });
        this.principals = principalsByRole(checked);

        // Nothing is changed before all existing resources are verified.
        const verifications = verifyExisting(this, checked, this.principals, mode);
        const waitOptions =
            verifications.length === 0
                ? opts
                : pulumi.mergeOptions(opts, { dependsOn: whenVerified(verifications) });

        // Each resource waits only for the API that it needs. An account takes 11 s, so it must not wait for the other API.
        const enable = (service: string) =>
            checked.enableApis === false
                ? []
                : [
                      new projects.Service(
                          `${name}-${service}`,
                          { project, service: `${service}.googleapis.com`, disableOnDestroy: false },
                          inheritDependsOn(waitOptions, { parent: this }),
                      ),
                  ];
        const iam = enable("iam");
        const artifactRegistry = enable("artifactregistry");

        const accounts = Object.entries(checked.serviceAccounts ?? {}).map(
            ([id, { access, ...account }]) => ({
                id,
                access,
                account: new ServiceAccount(
                    `${name}-${id}`,
                    { project, accountId: id, createdBy, ...account },
                    inheritDependsOn(waitOptions, { parent: this, dependsOn: iam }),
                ),
            }),
        );
        this.serviceAccounts = Object.fromEntries(
            accounts.map(({ id, access, account: { email, member } }) => [id, { email, member, access }]),
        );
        currentKeys.set(
            this,
            Object.fromEntries(
                accounts.flatMap(({ id, account: { currentKey } }) =>
                    currentKey === undefined ? [] : [[id, currentKey]],
                ),
            ),
        );

        this.repository = repositoryResource(
            name,
            {
                project,
                location,
                repositoryId,
                ...(existing === undefined ? {} : { existing }),
                ...(description === undefined ? {} : { description }),
                ...(labels === undefined ? {} : { labels }),
                deletionProtection: checked.deletionProtection ?? true,
                createdBy,
            },
            inheritDependsOn(waitOptions, { parent: this, dependsOn: artifactRegistry }),
        );
        verifyDerived("repository URI", urls.registryUri, this.repository.registryUri);
        this.repositoryName = knownAfter(
            this.repository,
            repositoryName({ project, location, repositoryId }),
        );
        this.urls = knownAfter(this.repository, urls);

        new RepositoryAccess(
            name,
            {
                project,
                location,
                repository: repositoryId,
                principals: this.principals,
                mode,
                allowPublic: checked.allowPublic ?? false,
                createdPrincipals: Object.fromEntries(
                    accounts.map(({ id, account }) => [
                        `serviceAccount:${serviceAccountEmail(project, id)}`,
                        account.member,
                    ]),
                ),
            },
            inheritDependsOn(waitOptions, { parent: this, dependsOn: this.repository }),
        );

        this.registerOutputs({
            repository: this.repository,
            repositoryName: this.repositoryName,
            urls: this.urls,
            principals: this.principals,
            serviceAccounts: this.serviceAccounts,
        });
    }

    /** The current key of each service account that has keys, by account id. */
    get currentKeys(): Readonly<Record<string, ServiceAccountKey>> {
        return currentKeys.get(this) ?? {};
    }
}

/**
 * Verifies the repository and the service accounts that are declared as existing.
 *
 * @returns one output for each of them, with the errors that were found
 */
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

/**
 * The name of the current stack. The mocks of a test have no organization; then it is `organization`, which is also what
 * Pulumi reports for backends without organizations.
 */
function thisStack(): StackName {
    const names = { project: pulumi.getProject(), stack: pulumi.getStack() };
    try {
        return { organization: pulumi.getOrganization(), ...names };
    } catch {
        return { organization: "organization", ...names };
    }
}
