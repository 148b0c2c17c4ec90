import type * as artifactregistry from "@pulumi/gcp/artifactregistry";
import * as projects from "@pulumi/gcp/projects";
import * as pulumi from "@pulumi/pulumi";
import { pipConfWithKeyring } from "../clients/pip";
import { renderReadme } from "../clients/readme";
import { filesByTool, renderClients } from "../clients/tools";
import { pypircWithKeyring } from "../clients/twine";
import { listAccess, type RegistryAccess, type RegistryWorkload } from "./access";
import { parseArguments } from "./parse-arguments";
import { renderSnippets } from "./ci-snippets";
import { type KeyCredentialFiles, renderCredentials } from "./credentials";
import { inheritDependsOn } from "./dependencies";
import { knownAfter, verifyDerived } from "./derived";
import { Existing, verifyAccount, verifyRepository, whenVerified } from "./existing";
import {
    accountCoordinates,
    type PrincipalsByRole,
    principalsByRole,
    type Role,
    serviceAccountEmail,
} from "../names/principals";
import { grantImpersonation, listedImpersonator } from "./impersonation";
import { retryPropagation } from "./propagation";
import { repositoryResource } from "./repository";
import type { RegistryArgs } from "./registry-args";
import { AccessMode, RepositoryAccess } from "./repository-access";
import type { ServiceAgent } from "./service-agent";
import { ServiceAccount, serviceAccountName } from "./service-account";
import type { StackName } from "../names/stack-label";
import { repositoryName, repositoryUrls, type RepositoryUrls } from "../names/urls";

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
 * A private Python registry: the repository, its dedicated service accounts, the grants for readers, writers and admins, and the
 * finished files of the Python tools. It grants no roles on the project.
 *
 * @example
 * const registry = new Registry("internal", {
 *     project: "acme-tools", location: "europe-west1", repository: "python",
 *     readers: ["group:developers@acme.example"],
 *     serviceAccounts: { "python-publisher": { access: "writer" } },
 * });
 * export const { pipConf, pypirc } = registry;
 */
export class Registry extends pulumi.ComponentResource {
    /** The repository resource. */
    readonly repository: artifactregistry.Repository;
    /** Full resource name, `projects/P/locations/L/repositories/R`. Known in a preview. */
    readonly repositoryName: pulumi.Output<string>;
    /** The URLs of the repository. Known in a preview. */
    readonly urls: pulumi.Output<RepositoryUrls>;
    /** The principals to which this registry grants each role, with the workloads. Known in a preview. */
    readonly principals: pulumi.Output<PrincipalsByRole>;
    /** The dedicated service accounts by account id. */
    readonly serviceAccounts: Record<string, RegistryServiceAccount>;
    /** The workloads by name. Known in a preview. */
    readonly workloads: pulumi.Output<Record<string, RegistryWorkload>>;
    /** Everyone to whom this registry gives access. Known in a preview. */
    readonly access: pulumi.Output<RegistryAccess>;
    /** Content of pip.conf, without a credential: pip asks its keyring. Known in a preview. */
    readonly pipConf: pulumi.Output<string>;
    /** Content of .pypirc, without a credential: twine asks its keyring. Known in a preview. */
    readonly pypirc: pulumi.Output<string>;
    /** The files of the other tools, without a credential, by tool and file name. Known in a preview. */
    readonly clients: pulumi.Output<Record<string, Record<string, string>>>;
    /** A page for Python developers, in Markdown: how to set up each tool. Known in a preview. */
    readonly readme: pulumi.Output<string>;
    /** The CI configuration of each workload, by name. */
    readonly ci: pulumi.Output<Record<string, string>>;
    /** The files with a key as the password, by account id, for the accounts that have keys. Secret. */
    readonly credentials: pulumi.Output<Record<string, KeyCredentialFiles>>;

    /** @throws pulumi.InputPropertiesError that names every property with a mistake, before anything is registered */
    constructor(name: string, args: RegistryArgs, opts?: pulumi.ComponentResourceOptions) {
        const checked = parseArguments(name, args);
        const { project, location, repository: repositoryId, existing } = checked;
        const resourceName = repositoryName({ project, location, repositoryId });
        // The state keeps no inputs that concern only files.
        const {
            keyring,
            publicPackages,
            internalPackages,
            cooldown,
            skipRegionValidation: _,
            ...inputs
        } = checked;
        super(
            "python-registry:index:Registry",
            name,
            inputs,
            pulumi.mergeOptions(opts, retryPropagation(`retry ${name} ${resourceName}`)),
        );
        const mode = checked.access ?? AccessMode.authoritative;
        const createdBy = thisStack();
        const { mirror, encryption, projectNumber } = checked;
        const indexRepository = mirror?.virtualRepository;
        const urls = repositoryUrls({ project, location, repository: repositoryId, indexRepository });
        const principals = principalsByRole(checked);

        const calls = { parent: this, dependsOn: opts?.dependsOn };
        const identities =
            Object.keys(checked.workloads ?? {}).length > 0
                ? workloadIdentityModule().prepareWorkloads(checked)
                : undefined;

        // Nothing is changed before all existing resources are verified.
        const verifications = [
            ...verifyRepository(checked, mode === AccessMode.authoritative ? principals : undefined, calls),
            ...Object.entries(checked.serviceAccounts ?? {}).flatMap(([id, account]) =>
                verifyAccount(serviceAccountName(accountCoordinates(project, id)), account, calls),
            ),
            ...(identities?.verify(calls) ?? []),
            ...(mirror?.existing === undefined
                ? []
                : existingMirrorModule().verifyMirror(
                      name,
                      { ...checked, mirror: { ...mirror, existing: mirror.existing } },
                      mode === AccessMode.authoritative
                          ? mirrorModule().mirrorReaders(principals)
                          : undefined,
                      calls,
                  )),
        ];
        const waitOptions =
            verifications.length === 0
                ? opts
                : pulumi.mergeOptions(opts, { dependsOn: whenVerified(verifications) });

        // Each resource waits only for the API that it needs. An account takes 11 s, so it must not wait for the other API.
        const enable: EnableApi = (service, inProject = project) => {
            if (checked.enableApis === false) return [];
            const resource = `${name}-${service}${inProject === project ? "" : `-${inProject}`}`;
            const api = { project: inProject, service: `${service}.googleapis.com`, disableOnDestroy: false };
            return [new projects.Service(resource, api, inheritDependsOn(waitOptions, { parent: this }))];
        };
        const iam = enable("iam");
        const artifactRegistry = enable("artifactregistry");
        if (checked.scanning === true) enable("containerscanning");
        if (checked.auditLogs !== undefined) {
            const options = inheritDependsOn(waitOptions, { parent: this });
            auditLogsModule().enableAuditLogs(name, project, checked.auditLogs, calls, options);
        }
        const afterApi = inheritDependsOn(waitOptions, { parent: this, dependsOn: artifactRegistry });
        let foundAgent: ServiceAgent | undefined;
        const agent = () =>
            (foundAgent ??= serviceAgentModule().serviceAgent(
                name,
                { project, ...(projectNumber === undefined ? {} : { projectNumber }) },
                calls,
                afterApi,
            ));
        const protect = checked.deletionProtection ?? true;
        const keyGrants =
            encryption === undefined
                ? []
                : [encryptionModule().grantKey(name, encryption, agent(), { ...afterApi, protect })];

        const accounts = Object.entries(checked.serviceAccounts ?? {}).map(
            ([id, { access, impersonators = [], ...account }]) => ({
                id,
                access,
                impersonators,
                existing: account.existing,
                account: new ServiceAccount(
                    `${name}-${id}`,
                    { ...accountCoordinates(project, id), createdBy, ...account },
                    inheritDependsOn(waitOptions, { parent: this, dependsOn: iam }),
                ),
            }),
        );
        this.serviceAccounts = Object.fromEntries(
            accounts.map(({ id, access, account: { email, member } }) => [id, { email, member, access }]),
        );
        const keys = accounts.flatMap(({ id, account: { currentKey } }) =>
            currentKey === undefined ? [] : [[id, currentKey] as const],
        );

        const created =
            identities?.create(name, {
                createdBy,
                enable,
                calls,
                options: inheritDependsOn(waitOptions, { parent: this, dependsOn: iam }),
            }) ?? {};
        const workloads = Object.entries(created);
        const impersonated = accounts.filter(({ id, account, existing, impersonators }) =>
            grantImpersonation(
                `${name}-${id}`,
                serviceAccountName(accountCoordinates(project, id)),
                existing,
                [
                    ...impersonators.map(listedImpersonator),
                    ...workloads.flatMap(
                        ([
                            workloadName,
                            { workload, impersonationRole: role, principal: member, identity: key },
                        ]) => (workload.via === id ? [{ key, role, member, workload: workloadName }] : []),
                    ),
                ],
                inheritDependsOn(waitOptions, { parent: account, dependsOn: account.account }),
            ),
        );
        if (impersonated.length > 0) enable("iamcredentials");
        this.workloads = pulumi.output(
            Object.fromEntries(
                workloads.map(([key, { workload, principal }]) => {
                    const { access, via } = workload;
                    return [key, { access, principal, ...(via === undefined ? {} : { via }) }];
                }),
            ),
        );
        this.principals = this.workloads.apply((each) => withWorkloads(principals, Object.values(each)));

        let repositoryCreated: (repository: pulumi.Resource) => void = () => undefined;
        const repositoryExists = new Promise<pulumi.Resource>((resolve) => (repositoryCreated = resolve));
        const direct = workloads.filter(([, { workload }]) => workload.via === undefined);
        const granted = {
            mode,
            allowPublic: checked.allowPublic ?? false,
            replacedBy: encryption?.kmsKey ?? "",
            createdPrincipals: Object.fromEntries(
                accounts.map(({ id, account }) => [
                    `serviceAccount:${serviceAccountEmail(project, id)}`,
                    account.member,
                ]),
            ),
        };
        const repositoryAccess = new RepositoryAccess(
            name,
            {
                project,
                location,
                repository: repositoryId,
                principals,
                ...granted,
                workloads: Object.fromEntries(direct),
                origin: existing === undefined ? "created" : existing === Existing.use ? "used" : "adopted",
            },
            inheritDependsOn(waitOptions, { parent: this, dependsOn: repositoryExists }),
        );
        this.repository = repositoryResource(
            name,
            checked,
            createdBy,
            inheritDependsOn(waitOptions, {
                // Not this component: a destroy that keeps a resource keeps its parent, too. See RepositoryAccess.
                parent: repositoryAccess,
                aliases: [{ parent: this }],
                dependsOn: [...artifactRegistry, ...keyGrants],
            }),
        );
        repositoryCreated(this.repository);
        verifyDerived("repository URI", urls.registryUri, this.repository.registryUri);
        const passedOn =
            mirror === undefined
                ? undefined
                : mirrorModule().createMirror(
                      name,
                      { ...checked, mirror },
                      {
                          createdBy,
                          repository: this.repository,
                          principals,
                          workloads: direct,
                          granted,
                          agent,
                      },
                      inheritDependsOn(waitOptions, {
                          parent: this,
                          dependsOn: [...artifactRegistry, ...keyGrants],
                      }),
                  );
        const asked = passedOn?.virtualRepository ?? this.repository;
        this.repositoryName = knownAfter(this.repository, resourceName);
        this.urls = knownAfter(asked, urls);

        const { indexUrl, uploadUrl } = urls;
        const index = {
            name: repositoryId,
            indexUrl,
            uploadUrl,
            keyring,
            publicPackages,
            internalPackages,
            ...(cooldown && { cooldown }),
        };
        const pipConf = pipConfWithKeyring(index);
        const pypirc = pypircWithKeyring(index);
        this.pipConf = knownAfter(asked, pipConf);
        this.pypirc = knownAfter(asked, pypirc);
        this.clients = knownAfter(asked, filesByTool(index, { form: "keyring" }));
        const clients = renderClients(index, [{ form: "keyring" }, { form: "token" }]);
        this.readme = knownAfter(asked, renderReadme(index, clients));
        this.ci = renderSnippets(created, index, project, { pipConf, pypirc });
        this.access = pulumi.all([this.principals, this.workloads]).apply(([granted, each]) =>
            listAccess(granted, each, checked.serviceAccounts ?? {}, {
                ...(encryption && { "roles/cloudkms.cryptoKeyEncrypterDecrypter": [encryption.kmsKey] }),
                ...passedOn?.agentGrants,
            }),
        );
        this.credentials = renderCredentials(Object.fromEntries(keys), index);

        this.registerOutputs({
            repository: this.repository,
            repositoryName: this.repositoryName,
            urls: this.urls,
            principals: this.principals,
            serviceAccounts: this.serviceAccounts,
            workloads: this.workloads,
        });
    }
}

/** Enables an API, and returns the resources to wait for. */
export type EnableApi = (service: string, project?: string) => projects.Service[];

/** A stack without workloads does not load this module, nor what it imports. */
function workloadIdentityModule(): typeof import("./workload-identity") {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- import() would make the constructor asynchronous
    return require("./workload-identity") as typeof import("./workload-identity");
}

/** A stack that does not set `encryption` does not load this module, nor what it imports. */
function encryptionModule(): typeof import("./encryption") {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- import() would make the constructor asynchronous
    return require("./encryption") as typeof import("./encryption");
}

/** A stack that does not set `auditLogs` does not load this module. */
function auditLogsModule(): typeof import("./audit-logs") {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- import() would make the constructor asynchronous
    return require("./audit-logs") as typeof import("./audit-logs");
}

/** A registry without a mirror does not load this module. */
function mirrorModule(): typeof import("./mirror") {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- import() would make the constructor asynchronous
    return require("./mirror") as typeof import("./mirror");
}

/** A registry whose mirror does not exist already does not load this module. */
function existingMirrorModule(): typeof import("./existing-mirror") {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- import() would make the constructor asynchronous
    return require("./existing-mirror") as typeof import("./existing-mirror");
}

/** A registry that grants nothing to Google's service agent does not load this module. */
function serviceAgentModule(): typeof import("./service-agent") {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- import() would make the constructor asynchronous
    return require("./service-agent") as typeof import("./service-agent");
}

/** The principals of each role, followed by the workloads that are granted it directly. */
function withWorkloads(
    principals: PrincipalsByRole,
    workloads: readonly RegistryWorkload[],
): PrincipalsByRole {
    const withDirect = (role: Role) => [
        ...principals[role],
        ...workloads.flatMap(({ access, principal, via }) =>
            access === role && via === undefined ? [principal] : [],
        ),
    ];
    return { reader: withDirect("reader"), writer: withDirect("writer"), admin: withDirect("admin") };
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
