import * as artifactregistry from "@pulumi/gcp/artifactregistry";
import * as pulumi from "@pulumi/pulumi";
import type { PrincipalsByRole } from "../names/principals";
import { repositoryName } from "../names/urls";
import type { CallOptions } from "./dependencies";
import {
    difference,
    Existing,
    keyMistakes,
    labelDifferences,
    lookUp,
    serviceMessage,
    tellKept,
    unmanagedSettings,
    warnAboutChanges,
    warnAboutRemovedMembers,
} from "./existing";
import { downloadRules, type MirroredRegistry } from "./mirror";

// A mirror whose repositories exist already. Only a registry that sets `mirror.existing` loads this file.

type Found = artifactregistry.GetRepositoryResult;

/** Another repository whose packages a virtual repository has. */
type OtherUpstream = { readonly name: string } & ({ readonly mode: string } | { readonly error: string });

/**
 * Looks up the repositories and the rules of a mirror that exist already, and logs what the update changes about them. Google does
 * not let a provider list rules: only those are looked up whose ids are known.
 *
 * @param name of the registry
 * @param readers who is granted reading if access is authoritative. The update removes all other readers of an adopted mirror.
 * @returns the errors: empty if the repositories are as this registry needs them
 */
export function verifyMirror(
    name: string,
    registry: MirroredRegistry & { readonly mirror: { readonly existing: Existing } },
    readers: PrincipalsByRole | undefined,
    options: CallOptions,
): pulumi.Output<string[]>[] {
    const { parent } = options;
    const { project, location, mirror, internalPackages } = registry;
    const { existing } = mirror;
    const find = (id: string) => {
        const [, ofProject = project, ofLocation = location, repositoryId = id] =
            /^projects\/([^/]+)\/locations\/([^/]+)\/repositories\/([^/]+)$/.exec(id) ?? [];
        return artifactregistry.getRepository(
            { project: ofProject, location: ofLocation, repositoryId },
            { parent },
        );
    };
    const [remote, virtual] = [mirror.repository, mirror.virtualRepository].map((repositoryId) =>
        repositoryName({ project, location, repositoryId }),
    ) as [string, string];

    const remoteErrors = pulumi
        .all([
            lookUp(`repository ${remote} (mirror.repository)`, existing, options, () => find(remote)),
            registry.labels,
        ])
        .apply(([found, labels = {}]) => {
            if ("error" in found) return [found.error];
            const mistakes = [
                ...modeMistakes(existing, remote, found, "mirror.repository", "REMOTE_REPOSITORY"),
                ...upstreamMistakes(existing, remote, found, mirror.upstream),
            ].slice(0, 1);
            const [{ noCaches, upstreamCredentials } = { noCaches: [], upstreamCredentials: [] }] =
                found.remoteRepositoryConfigs;
            if (noCaches.length > 0) {
                void pulumi.log.warn(
                    `The existing repository ${remote} keeps no packages (noCache): to install them, tools need its upstream.`,
                    parent,
                );
            }
            if (existing === Existing.use || mistakes.length > 0) return mistakes;
            const [login] = upstreamCredentials.flatMap((each) => each.usernamePasswordCredentials);
            const { username, passwordSecret } = mirror.login ?? {};
            return adoption(
                remote,
                registry,
                found,
                [
                    ...labelDifferences(found, labels),
                    ...difference("username", login?.username, username),
                    ...difference("passwordSecret", login?.passwordSecretVersion, passwordSecret),
                ],
                login !== undefined && mirror.login === undefined ? ["upstreamCredentials"] : [],
                parent,
            );
        });

    const lookup = lookUp(`repository ${virtual} (mirror.virtualRepository)`, existing, options, async () => {
        const found = await find(virtual);
        const others = upstreamPolicies(found).filter(
            ({ repository }) => repository !== remote && repository !== privateName(registry),
        );
        return {
            found,
            others: await Promise.all(
                others.map(({ repository }): Promise<OtherUpstream> =>
                    find(repository).then(
                        ({ mode }) => ({ name: repository, mode }),
                        (error: unknown) => ({
                            name: repository,
                            error: serviceMessage((error as Error).message),
                        }),
                    ),
                ),
            ),
            policy:
                existing === Existing.adopt && readers !== undefined
                    ? await artifactregistry.getRepositoryIamPolicy(
                          { project, location, repository: mirror.virtualRepository },
                          { parent },
                      )
                    : undefined,
        };
    });
    const virtualErrors = pulumi.all([lookup, registry.labels]).apply(([result, labels = {}]) => {
        if ("error" in result) return [result.error];
        const { found, others, policy } = result;
        const wrong = modeMistakes(
            existing,
            virtual,
            found,
            "mirror.virtualRepository",
            "VIRTUAL_REPOSITORY",
        );
        if (wrong.length > 0) return wrong;
        const mistakes = [
            ...priorityMistakes(existing, virtual, found, privateName(registry), remote),
            ...others.flatMap((other) => otherMistakes(existing, virtual, other, internalPackages)),
        ];
        if (mistakes.length > 0) return mistakes;
        for (const { name: other } of others) {
            void pulumi.log.warn(
                `The existing repository ${virtual} also has the packages of ${other}. ` +
                    "Everyone who can upload there can serve a package with an internal name: tools take the highest version.",
                parent,
            );
        }
        if (existing === Existing.use) return [];
        if (readers && policy) warnAboutRemovedMembers(virtual, readers, policy.policyData, parent);
        return adoption(virtual, registry, found, labelDifferences(found, labels), [], parent);
    });

    const listRules = `gcloud artifacts rules list --repository=${mirror.repository} --location=${location} --project=${project}`;
    const rules = downloadRules(mirror, internalPackages).filter(({ exists }) => exists);
    const ruleErrors = rules.map(({ key, id, action, packageId }) => {
        const rule = `${remote}/rules/${id}`;
        const found = artifactregistry.Rule.get(`${name}-existing-${key}`, rule, undefined, {
            parent,
            ...(options.dependsOn === undefined ? {} : { dependsOn: options.dependsOn }),
        });
        return found.action.apply(async (foundAction) => {
            const [foundPackage, condition] = [
                await valueOf(found.packageId),
                await valueOf(found.condition),
            ];
            const describe = (name = "") => (name === "" ? "the whole repository" : `the package ${name}`);
            if (describe(foundPackage) !== describe(packageId)) {
                return [
                    `existing: ${existing}: the rule ${rule} is for ${describe(foundPackage)}, not for ${describe(packageId)}. ` +
                        `Set mirror.existingRules to the ids that this command prints: ${listRules}`,
                ];
            }
            if (existing === Existing.use) {
                return foundAction === action && !condition
                    ? []
                    : [
                          `existing: use: the rule ${rule} ${foundAction === action ? "applies only under a condition" : `has the action ${foundAction}`}. ` +
                              "The mirror needs the action DENY without a condition: ask the owner to change the rule, or set mirror.existing: adopt.",
                      ];
            }
            const kept = condition !== undefined && action === "ALLOW";
            warnAboutChanges(
                `rule ${rule}`,
                [
                    ...difference("action", foundAction, action),
                    ...(condition === undefined || kept
                        ? []
                        : [`condition: ${JSON.stringify(condition.expression)} is removed`]),
                ],
                parent,
            );
            tellKept(`rule ${rule}`, kept ? ["condition"] : [], parent);
            return [];
        });
    });
    if (existing === Existing.adopt && mirror.allow !== undefined) {
        void pulumi.log.warn(
            `Rules of ${remote} that are not in mirror.existingRules stay, and this program cannot see them. None of them may allow an internal package. ` +
                `This command lists them: ${listRules}`,
            parent,
        );
    }
    return [remoteErrors, virtualErrors, ...ruleErrors];
}

/** The value of an output of a resource that was read: undefined if it has none, which a preview does not know. */
async function valueOf<T>(output: pulumi.Output<T>): Promise<T | undefined> {
    const found = output as unknown as { readonly isKnown: Promise<boolean>; promise(): Promise<T | null> };
    // The provider has null for what a resource lacks.
    return (await found.isKnown) ? ((await found.promise()) ?? undefined) : undefined;
}

/** Tells what the import of a repository changes and keeps. Returns what would replace it. */
function adoption(
    name: string,
    { encryption }: MirroredRegistry,
    found: Found,
    differences: readonly string[],
    kept: readonly string[],
    parent: pulumi.Resource,
): string[] {
    const managed = encryption === undefined ? {} : { encryption };
    const mistakes = keyMistakes(`repository ${name}`, found, managed);
    if (mistakes.length > 0) return mistakes;
    warnAboutChanges(`repository ${name}`, differences, parent);
    tellKept(`repository ${name}`, [...unmanagedSettings(found, managed), ...kept], parent);
    return [];
}

function modeMistakes(
    existing: Existing,
    name: string,
    { format, mode }: Found,
    key: string,
    needed: string,
): string[] {
    if (format === "PYTHON" && mode === needed) return [];
    return [
        `existing: ${existing}: the repository ${name} is ${format}, ${mode}. ` +
            `A mirror needs PYTHON, ${needed}. Set ${key} to a different repository.`,
    ];
}

function upstreamMistakes(existing: Existing, name: string, found: Found, wanted: string): string[] {
    const [config] = found.remoteRepositoryConfigs;
    const [python] = config?.pythonRepositories ?? [];
    const upstream =
        python?.publicRepository === "PYPI"
            ? "pypi"
            : (python?.customRepositories[0]?.uri ?? config?.commonRepositories[0]?.uri ?? "");
    if (withoutSlash(upstream) === withoutSlash(wanted)) return [];
    // An address at the service can have a login.
    const shown = upstream.replace(/\/\/[^/]*@/, "//");
    return [
        `existing: ${existing}: the repository ${name} gets its packages from ${shown}, not from ${wanted}. ` +
            `The upstream of a repository cannot be changed. Set mirror.upstream to ${shown}, or mirror.repository to a different repository.`,
    ];
}

function withoutSlash(address: string): string {
    return address.replace(/\/+$/, "");
}

function upstreamPolicies({ virtualRepositoryConfigs }: Found) {
    return virtualRepositoryConfigs.flatMap((config) => config.upstreamPolicies);
}

/** That a virtual repository lacks one of the two repositories, or does not prefer the private one. */
function priorityMistakes(
    existing: Existing,
    name: string,
    found: Found,
    own: string,
    remote: string,
): string[] {
    const priorityOf = (repository: string) =>
        upstreamPolicies(found).find((each) => each.repository === repository)?.priority;
    const [high, low] = [priorityOf(own), priorityOf(remote)];
    const problem =
        high === undefined || low === undefined
            ? [own, remote]
                  .filter((each) => priorityOf(each) === undefined)
                  .map((each) => `does not have the packages of ${each}`)
                  .join(" and ")
            : high > low
              ? undefined
              : `prefers ${remote} (priority ${low}) to ${own} (priority ${high})`;
    if (problem === undefined) return [];
    return [
        `existing: ${existing}: the repository ${name} ${problem}. ` +
            `A mirror needs both as upstreams, ${own} with the higher priority. Change its upstream policies: gcloud artifacts repositories update --upstream-policy-file.`,
    ];
}

/** That another repository passes on packages that the rules of this registry do not concern. */
function otherMistakes(
    existing: Existing,
    name: string,
    other: OtherUpstream,
    internalPackages: readonly string[],
): string[] {
    if ("error" in other) {
        return [
            `existing: ${existing}: the repository ${name} also has the packages of ${other.name}, which cannot be looked up. ${other.error}`,
        ];
    }
    if (other.mode !== "REMOTE_REPOSITORY" || internalPackages.length === 0) return [];
    return [
        `existing: ${existing}: the repository ${name} also has the packages of ${other.name}, a remote repository. ` +
            "This registry has no download rules there: a public package with an internal name would come in. Remove it from the upstream policies.",
    ];
}

/** The resource name of the private repository. */
function privateName({ project, location, repository: repositoryId }: MirroredRegistry): string {
    return repositoryName({ project, location, repositoryId });
}
