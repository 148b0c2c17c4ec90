import type * as artifactregistry from "@pulumi/gcp/artifactregistry";
import * as projects from "@pulumi/gcp/projects";
import * as pulumi from "@pulumi/pulumi";
import { checkRegistryArgs } from "./check-args";
import { inheritDependsOn } from "./dependencies";
import { knownAfter, verifyDerived } from "./derived";
import { onceVerified, verifyAccount, verifyRepository } from "./existing";
import { type PrincipalsByRole, principalsByRole, type Role, serviceAccountEmail } from "../names/principals";
import { repositoryResource } from "./repository";
import type { RegistryArgs } from "./registry-args";
import { AccessMode, RepositoryAccess } from "./repository-access";
import { ServiceAccount, type ServiceAccountKey, serviceAccountName } from "./service-account";
import type { StackName } from "../names/stack-mark";
import { repositoryName, repositoryUrls, type RepositoryUrls } from "../names/urls";

/** Keys are no output of the component, which a field would be. */
const currentKeys = new WeakMap<Registry, Readonly<Record<string, ServiceAccountKey>>>();

/** A dedicated account of a registry, as it is used elsewhere. Both values are known in a preview. */
export interface RegistryServiceAccount {
    /** E-mail address; what uses it waits for the account. */
    readonly email: pulumi.Output<string>;
    /** The account as a principal, `serviceAccount:EMAIL`. */
    readonly member: pulumi.Output<string>;
    /** Its role on the repository. */
    readonly access: Role;
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
    /** The repository. */
    readonly repository: artifactregistry.Repository;
    /** Full resource name, `projects/P/locations/L/repositories/R`; known in a preview. */
    readonly repositoryName: pulumi.Output<string>;
    /** The repository's addresses; known in a preview. */
    readonly urls: pulumi.Output<RepositoryUrls>;
    /** Who holds each role by this registry's doing. */
    readonly principals: PrincipalsByRole;
    /** The dedicated accounts by account id. */
    readonly serviceAccounts: Record<string, RegistryServiceAccount>;

    /** @throws pulumi.InputPropertiesError that names every property with a mistake; nothing is registered then */
    constructor(name: string, args: RegistryArgs, opts?: pulumi.ComponentResourceOptions) {
        const checked = checkRegistryArgs(name, args);
        super("python-registry:index:Registry", name, { ...checked }, opts);
        const { project, location, repository: repositoryId, existing, description, labels } = checked;
        const mode = checked.access ?? AccessMode.authoritative;
        const createdBy = thisStack();
        const urls = repositoryUrls({ project, location, repository: repositoryId });
        this.principals = principalsByRole(checked);

        // Nothing is changed before everything that is said to exist has been looked at.
        const problems = verifyExisting(this, checked, this.principals, mode);
        const waiting =
            problems.length === 0 ? opts : pulumi.mergeOptions(opts, { dependsOn: onceVerified(problems) });

        // Each API is waited for only by what needs it: an account takes 11 s and must not stand behind the other.
        const enable = (service: string) =>
            checked.enableApis === false
                ? []
                : [
                      new projects.Service(
                          `${name}-${service}`,
                          { project, service: `${service}.googleapis.com`, disableOnDestroy: false },
                          inheritDependsOn(waiting, { parent: this }),
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
                    inheritDependsOn(waiting, { parent: this, dependsOn: iam }),
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
            inheritDependsOn(waiting, { parent: this, dependsOn: artifactRegistry }),
        );
        verifyDerived("repository's address", urls.registryUri, this.repository.registryUri);
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
            inheritDependsOn(waiting, { parent: this, dependsOn: this.repository }),
        );

        this.registerOutputs({
            repository: this.repository,
            repositoryName: this.repositoryName,
            urls: this.urls,
            principals: this.principals,
            serviceAccounts: this.serviceAccounts,
        });
    }

    /** The current keys of the accounts that have keys, by account id. */
    get currentKeys(): Readonly<Record<string, ServiceAccountKey>> {
        return currentKeys.get(this) ?? {};
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
