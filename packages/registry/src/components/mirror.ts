import * as artifactregistry from "@pulumi/gcp/artifactregistry";
import * as secretmanager from "@pulumi/gcp/secretmanager";
import * as pulumi from "@pulumi/pulumi";
import { type PrincipalsByRole, Role, roleNames, roles } from "../names/principals";
import type { StackName } from "../names/stack-label";
import { repositoryName, repositoryUrls } from "../names/urls";
import { allPackages, type Mirror as MirrorSettings } from "../validation/mirror";
import { inheritDependsOn, replacedWith } from "./dependencies";
import { verifyDerived } from "./derived";
import { Existing, unmanagedBy } from "./existing";
import type { ParsedRegistry } from "./parse-registry";
import { managedRepository } from "./repository";
import { AccessMode, RepositoryAccess, type RepositoryAccessArgs } from "./repository-access";
import type { ServiceAgent } from "./service-agent";
import type { CreatedWorkload } from "./workload-identity";

// Public packages through the registry. Only a registry with a mirror loads this file.

/** A registry that has a mirror. */
export type MirroredRegistry = ParsedRegistry & { readonly mirror: MirrorSettings };

/** What the registry made before its mirror. */
interface Made {
    readonly createdBy: StackName;
    /** The private repository. */
    readonly repository: pulumi.Resource;
    /** Who is granted a role on it. */
    readonly principals: PrincipalsByRole;
    readonly workloads: readonly (readonly [name: string, workload: CreatedWorkload])[];
    /** How roles are granted. */
    readonly granted: Pick<RepositoryAccessArgs, "mode" | "allowPublic" | "createdPrincipals" | "replacedBy">;
    /** Google's service agent. It is generated when it is needed. */
    readonly agent: () => ServiceAgent;
}

/** The arguments of `Mirror`. */
export interface MirrorArgs
    extends
        Pick<MirroredRegistry, "project" | "location" | "repository" | "mirror" | "internalPackages">,
        Pick<MirroredRegistry, "labels" | "deletionProtection" | "encryption">,
        Pick<Made, "createdBy" | "agent"> {
    /** Who can install. */
    readonly readers: Made["granted"] & Pick<RepositoryAccessArgs, "principals" | "workloads">;
    /** The private repository. */
    readonly privateRepository: pulumi.Resource;
}

/**
 * Creates the mirror of a registry. Everyone with a role on the private repository can install through it.
 */
export function createMirror(
    name: string,
    registry: MirroredRegistry,
    { createdBy, repository, principals, workloads, granted, agent }: Made,
    opts: pulumi.ComponentResourceOptions,
): Mirror {
    const readers = {
        ...granted,
        principals: mirrorReaders(principals),
        workloads: Object.fromEntries(
            workloads.map(([key, { workload, ...created }]) => [
                key,
                { ...created, workload: { ...workload, access: Role.reader } },
            ]),
        ),
    };
    const args = { ...registry, createdBy, readers, agent, privateRepository: repository };
    return new Mirror(name, args, opts);
}

/** Everyone with a role on the private repository reads the virtual one. */
export function mirrorReaders(principals: PrincipalsByRole): PrincipalsByRole {
    return { reader: [...new Set(roles.flatMap((role) => principals[role]))], writer: [], admin: [] };
}

/**
 * A remote repository that fetches public packages and keeps them, and a virtual repository in front of it and of the private
 * repository. Tools ask the virtual repository only.
 *
 * The virtual repository prefers the private one, but only among equal versions: of all other versions, tools take the highest.
 * So download rules keep internal names out of the remote repository. They exist before anyone can ask for a public package.
 *
 * Everyone who can install is a reader of the virtual repository. Nobody is granted a role on the remote one. Google's service agent
 * reads both on their behalf.
 *
 * Repositories that exist already are read (`use`) or imported (`adopt`), once they are verified. An adopted one keeps its upstreams,
 * its description and all that the arguments do not set. On a used one, only readers are added.
 *
 * @see https://cloud.google.com/artifact-registry/docs/repositories/virtual-overview
 */
export class Mirror extends pulumi.ComponentResource {
    /** The virtual repository. */
    readonly virtualRepository: artifactregistry.Repository;
    /** What Google's service agent is granted, from role to resource names. */
    readonly agentGrants: Record<string, string[]>;

    constructor(name: string, args: MirrorArgs, opts?: pulumi.ComponentResourceOptions) {
        const { project, location, repository, mirror, internalPackages, readers, privateRepository } = args;
        super("python-registry:index:Mirror", name, { project, location, repository, mirror }, opts);
        const { labels, deletionProtection, encryption, createdBy } = args;
        const { existing } = mirror;
        const adopted = existing === Existing.adopt;
        const managed = {
            project,
            location,
            labels,
            deletionProtection,
            encryption,
            createdBy: adopted ? undefined : createdBy,
        };
        const options = inheritDependsOn(opts, { parent: this });
        /** A repository of the mirror: a new one, or one that exists already. */
        const mirrorRepository = (
            key: "public" | "all",
            repositoryId: string,
            settings: Pick<
                artifactregistry.RepositoryArgs,
                "mode" | "description" | "remoteRepositoryConfig" | "virtualRepositoryConfig"
            >,
            keeps: string[],
            repositoryOptions: pulumi.CustomResourceOptions,
        ) => {
            const id = repositoryName({ project, location, repositoryId });
            const all = pulumi.mergeOptions(options, repositoryOptions);
            if (existing === Existing.use)
                return artifactregistry.Repository.get(`${name}-${key}`, id, undefined, all);
            const { description: _description, ...others } = settings;
            return managedRepository(
                `${name}-${key}`,
                { ...managed, repositoryId, ...(adopted ? others : settings) },
                pulumi.mergeOptions(all, {
                    ignoreChanges: [
                        ...unmanagedBy({ ...(encryption && { encryption }) }),
                        ...(adopted ? ["description", ...keeps] : []),
                    ],
                    ...(adopted ? { import: id } : {}),
                }),
            );
        };

        /** What replaces both repositories if it changes. */
        const replacedBy = [mirror.repository, mirror.upstream, encryption?.kmsKey].join(" ");
        const grant = agentGrant(mirror, project);
        this.agentGrants = grant === undefined ? {} : { [grant.role]: [grant.name] };
        const remote = mirrorRepository(
            "public",
            mirror.repository,
            {
                mode: "REMOTE_REPOSITORY",
                description: `Public packages for ${repository}`,
                remoteRepositoryConfig: remoteConfig(mirror),
            },
            // What is configured of these was compared. Each form of an upstream, and a deprecated one, would replace another.
            ["pythonRepository", "commonRepository", "description", "noCache", "disableUpstreamValidation"]
                .concat(mirror.login === undefined ? ["upstreamCredentials"] : [])
                .map((key) => `remoteRepositoryConfig.${key}`),
            { dependsOn: grant === undefined ? [] : [grantToAgent(name, grant, args.agent(), options)] },
        );
        const rules = downloadRules(mirror, internalPackages)
            .filter(() => existing !== Existing.use)
            .map(({ key, id, exists, ...rule }) => {
                const of = { project, location, repositoryId: mirror.repository };
                const ruleOptions = pulumi.mergeOptions(options, {
                    dependsOn: remote,
                    // An adopted repository is never replaced.
                    ...(existing === undefined ? replacedWith(replacedBy) : {}),
                });
                return new artifactregistry.Rule(
                    `${name}-${key}`,
                    { ...of, ruleId: id, operation: "DOWNLOAD", ...rule },
                    exists
                        ? pulumi.mergeOptions(ruleOptions, {
                              import: `${repositoryName(of)}/rules/${id}`,
                              // What is allowed under a condition stays so.
                              ignoreChanges: rule.action === "ALLOW" ? ["condition"] : [],
                          })
                        : ruleOptions,
                );
            });
        let created: (repository: pulumi.Resource) => void = () => undefined;
        const exists = new Promise<pulumi.Resource>((resolve) => (created = resolve));
        const access = new RepositoryAccess(
            `${name}-all`,
            {
                project,
                location,
                repository: mirror.virtualRepository,
                ...readers,
                replacedBy,
                ...(existing === Existing.use ? { mode: AccessMode.additive } : {}),
                origin: existing === undefined ? "created" : adopted ? "adopted" : "used",
            },
            inheritDependsOn(opts, { parent: this, dependsOn: exists }),
        );
        const upstream = (id: string, repositoryId: string, priority: number) => ({
            id,
            repository: repositoryName({ project, location, repositoryId }),
            priority,
        });
        this.virtualRepository = mirrorRepository(
            "all",
            mirror.virtualRepository,
            {
                mode: "VIRTUAL_REPOSITORY",
                description: `The packages of ${repository}, and public packages`,
                virtualRepositoryConfig: {
                    upstreamPolicies: [
                        upstream("private", repository, 200),
                        upstream("public", mirror.repository, 100),
                    ],
                },
            },
            ["virtualRepositoryConfig"],
            {
                // As for the private repository: see RepositoryAccess.
                parent: access,
                dependsOn: [privateRepository, remote, ...rules],
                // A new remote repository has no rules at first. So this one is deleted before, and created after the rules.
                ...(existing === undefined ? { replaceWith: [remote] } : {}),
            },
        );
        created(this.virtualRepository);
        for (const [id, { registryUri }] of [
            [mirror.repository, remote],
            [mirror.virtualRepository, this.virtualRepository],
        ] as const) {
            const derived = repositoryUrls({ project, location, repository: id }).registryUri;
            verifyDerived("repository URI", derived, registryUri);
        }
        this.registerOutputs({ virtualRepository: this.virtualRepository });
    }
}

/** A download rule of the remote repository. */
interface DownloadRule {
    /** What the resource is named after. */
    readonly key: string;
    /** Its id at the service. */
    readonly id: string;
    readonly action: "ALLOW" | "DENY";
    /** Normalized name of a package; undefined for all packages without a rule of their own. */
    readonly packageId?: string;
    /** Whether it exists already. */
    readonly exists: boolean;
}

/**
 * The rules that decide which public packages come in.
 *
 * @see https://cloud.google.com/artifact-registry/docs/repositories/download-rules
 */
export function downloadRules(
    { allow, existing, existingRules = {} }: MirrorSettings,
    internalPackages: readonly string[],
): DownloadRule[] {
    const rule = (action: DownloadRule["action"], packageId?: string): DownloadRule => {
        // A package can have one rule only. So its id does not have the action: if an internal package becomes a public one, its rule changes.
        const key = packageId === undefined ? "other-packages" : `package-${packageId}`;
        const known = packageId ?? allPackages;
        const id = Object.hasOwn(existingRules, known) ? existingRules[known] : undefined;
        return {
            key,
            id: id ?? key,
            action,
            ...(packageId !== undefined && { packageId }),
            exists: id !== undefined || existing === Existing.use,
        };
    };
    if (allow === undefined) return internalPackages.map((name) => rule("DENY", name));
    return [
        rule("DENY"),
        ...allow.map((name) => rule("ALLOW", name)),
        // An adopted repository can have rules that nobody named. If one allows an internal package, this rule cannot be created.
        ...internalPackages
            .filter((name) => existing === Existing.adopt && !name.endsWith("*"))
            .map((name) => rule("DENY", name)),
    ];
}

function remoteConfig({
    upstream,
    login,
}: MirrorSettings): artifactregistry.RepositoryArgs["remoteRepositoryConfig"] {
    if (upstream === "pypi") return { pythonRepository: { publicRepository: "PYPI" } };
    return {
        commonRepository: { uri: upstream },
        ...(login && {
            upstreamCredentials: {
                usernamePasswordCredentials: {
                    username: login.username,
                    passwordSecretVersion: login.passwordSecret,
                },
            },
        }),
    };
}

/** What a mirror's upstream needs of Google's service agent: the resource, and the role on it. */
interface AgentGrant {
    readonly kind: "secret" | "repository";
    readonly on: { readonly project: string; readonly location: string; readonly id: string };
    readonly name: string;
    readonly role: string;
}

/**
 * What Google's service agent must be granted: the secret with the password, or reading in a repository of another project. In its own
 * project, the agent can read already.
 *
 * @see https://cloud.google.com/artifact-registry/docs/ar-service-account
 */
function agentGrant({ upstream, login, existing }: MirrorSettings, project: string): AgentGrant | undefined {
    // Then its owner has granted it.
    if (existing === Existing.use) return undefined;
    const [name, kind, role] =
        login === undefined
            ? [upstream, "repository" as const, roleNames.reader]
            : [
                  login.passwordSecret.replace(/\/versions\/[^/]+$/, ""),
                  "secret" as const,
                  "roles/secretmanager.secretAccessor",
              ];
    const [, owner, location = "", id] =
        /^projects\/([^/]+)\/(?:locations\/([^/]+)\/)?[a-z]+\/([^/]+)$/.exec(name) ?? [];
    if (owner === undefined || id === undefined) return undefined;
    if (kind === "repository" && owner === project) return undefined;
    return { kind, on: { project: owner, location, id }, name, role };
}

/** Grants Google's service agent what the upstream needs. */
function grantToAgent(
    name: string,
    { kind, on, role }: AgentGrant,
    { resource, member }: ServiceAgent,
    opts: pulumi.CustomResourceOptions,
): pulumi.Resource {
    // What the agent reads at Google waits for the agent.
    const options = pulumi.mergeOptions(opts, { dependsOn: resource });
    return kind === "secret"
        ? new secretmanager.SecretIamMember(
              `${name}-password`,
              { project: on.project, secretId: on.id, role, member },
              options,
          )
        : new artifactregistry.RepositoryIamMember(
              `${name}-upstream`,
              { project: on.project, location: on.location, repository: on.id, role, member },
              options,
          );
}
