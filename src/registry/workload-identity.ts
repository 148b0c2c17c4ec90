import * as iam from "@pulumi/gcp/iam";
import * as organizations from "@pulumi/gcp/organizations";
import * as pulumi from "@pulumi/pulumi";
import { stackDescription, type StackName } from "../names/stack-label";
import { poolName } from "../workloads/identity";
import type { Provider } from "../workloads/federation";
import { planWorkloads, type WorkloadPlan } from "../workloads/plan";
import { parseWorkloadSettings } from "../workloads/settings";
import { type Role, serviceAccountEmail } from "../names/principals";
import type { Workload } from "../validation/workloads";
import type { Impersonator } from "./impersonation";
import type { EnableApi } from "./registry";
import type { RegistryArgs } from "./registry-args";
import { inheritDependsOn } from "./dependencies";
import { verifyDerived } from "./derived";
import { Existing, serviceMessage, verifyPool } from "./existing";
import { userError } from "./user-error";

// Workload identity federation. Only a registry with workloads loads this file.

/** The arguments of `WorkloadIdentity`. */
export interface WorkloadIdentityArgs {
    /** Id of the pool. */
    readonly poolId: string;
    /** Project id of the pool. */
    readonly project: string;
    /** Number of that project. */
    readonly projectNumber: pulumi.Input<string>;
    /** Set if the pool already exists: `use` only adds providers to it, `adopt` imports it into the stack. */
    readonly existing?: Existing;
    readonly providers: readonly Provider[];
    /** The stack that creates the pool. The descriptions of pool and providers contain its name. */
    readonly createdBy: StackName;
}

/**
 * A workload identity pool with a provider for each issuer.
 *
 * Google keeps the id of a deleted pool for 30 days, in which it cannot be created again. So the pool and its providers stay
 * when the stack is destroyed: without grants, they give access to nothing. The next update finds them, recognizes them by
 * their descriptions, and imports them.
 *
 * @see https://cloud.google.com/iam/docs/workload-identity-federation
 */
export class WorkloadIdentity extends pulumi.ComponentResource {
    readonly pool: iam.WorkloadIdentityPool;

    constructor(name: string, args: WorkloadIdentityArgs, opts?: pulumi.ComponentResourceOptions) {
        const { poolId, project, projectNumber, existing, providers, createdBy } = args;
        super("python-registry:index:WorkloadIdentity", name, { poolId, project, existing }, opts);
        const description = stackDescription(createdBy);
        const poolPath = poolName(project, poolId);
        // Deleting is what Google makes expensive; removing the grants is what takes access away.
        const options = inheritDependsOn(opts, { parent: this, retainOnDelete: true });
        const found = new ExistingFederation(project, poolId, description, this);

        this.pool =
            existing === Existing.use
                ? iam.WorkloadIdentityPool.get(name, poolPath, undefined, options)
                : new iam.WorkloadIdentityPool(
                      name,
                      {
                          project,
                          workloadIdentityPoolId: poolId,
                          ...(existing === Existing.adopt ? {} : { description }),
                      },
                      existing === Existing.adopt
                          ? pulumi.mergeOptions(options, {
                                import: poolPath,
                                ignoreChanges: ["description", "displayName", "disabled"],
                            })
                          : pulumi.mergeOptions(options, {
                                transforms: [importIf(async () => (await found.pool()) && poolPath)],
                            }),
                  );
        verifyDerived(
            "name of the workload identity pool",
            pulumi.output(projectNumber).apply((number) => poolName(number, poolId)),
            this.pool.name,
        );

        for (const { id, issuer, audiences, jwksJson, mapping, condition } of providers) {
            new iam.WorkloadIdentityPoolProvider(
                `${name}-${id}`,
                {
                    project,
                    workloadIdentityPoolId: poolId,
                    workloadIdentityPoolProviderId: id,
                    description,
                    attributeMapping: { ...mapping },
                    attributeCondition: condition,
                    oidc: {
                        issuerUri: issuer,
                        ...(audiences.length === 0 ? {} : { allowedAudiences: [...audiences] }),
                        ...(jwksJson === undefined ? {} : { jwksJson }),
                    },
                },
                pulumi.mergeOptions(options, {
                    dependsOn: this.pool,
                    transforms: [
                        importIf(async () => (await found.provider(id)) && `${poolPath}/providers/${id}`),
                    ],
                }),
            );
        }
        this.registerOutputs({ pool: this.pool });
    }
}

/**
 * Imports a resource if it exists. A transform can wait for a lookup; the constructor of a resource cannot. An import of a
 * resource that is in the state already does nothing.
 *
 * @param id the id to import; false if there is nothing to import
 * @see https://www.pulumi.com/docs/iac/concepts/resources/options/transforms/
 */
function importIf(id: () => Promise<string | false>): pulumi.ResourceTransform {
    return async ({ props, opts }) => {
        const found = await id();
        return found === false ? undefined : { props, opts: { ...opts, import: found } };
    };
}

/** Looks up which pool and providers exist, and whether this stack created them. */
class ExistingFederation {
    #pool: Promise<boolean> | undefined;

    constructor(
        private readonly project: string,
        private readonly poolId: string,
        private readonly description: string,
        private readonly parent: pulumi.Resource,
    ) {}

    /** @throws Error if a pool exists that this stack did not create */
    pool(): Promise<boolean> {
        return (this.#pool ??= this.#exists(
            `workload identity pool ${this.poolId}`,
            "Set pool.existing to use or adopt, or choose a different pool.id.",
            () =>
                iam.getWorkloadIdentityPool(
                    { project: this.project, workloadIdentityPoolId: this.poolId },
                    { parent: this.parent },
                ),
        ));
    }

    /** @throws Error if a provider exists that this stack did not create */
    provider(id: string): Promise<boolean> {
        return this.#exists(
            `provider ${id} of the workload identity pool ${this.poolId}`,
            "Choose a different pool.id, so that the stack has a pool of its own.",
            () =>
                iam.getWorkloadIdentityPoolProvider(
                    {
                        project: this.project,
                        workloadIdentityPoolId: this.poolId,
                        workloadIdentityPoolProviderId: id,
                    },
                    { parent: this.parent },
                ),
        );
    }

    async #exists(
        what: string,
        remedy: string,
        lookup: () => Promise<{ description: string }>,
    ): Promise<boolean> {
        let description: string;
        try {
            ({ description } = await lookup());
        } catch {
            // It does not exist, or the lookup is refused. In the second case, its creation reports the reason.
            return false;
        }
        if (description === this.description) return true;
        throw userError(
            `The ${what} in the project ${this.project} already exists, and this stack did not create it. ${remedy}`,
        );
    }
}

/** A workload after its pool and provider are registered. */
export interface CreatedWorkload {
    readonly workload: Workload;
    readonly access: Role;
    readonly via?: string;
    /** Email address of the account that it impersonates. */
    readonly serviceAccount?: string;
    /** The workload as an IAM principal. A resource that uses this output waits for the pool. */
    readonly principal: pulumi.Output<string>;
    /** Resource name of the provider, with the number of its project; undefined if it needs none. */
    readonly provider?: pulumi.Output<string>;
}

/** The workloads of a registry, and the accounts that they impersonate. */
export interface CreatedWorkloads {
    readonly workloads: Record<string, CreatedWorkload>;
    /** By account id. */
    readonly impersonators: Record<string, Impersonator[]>;
}

/** What the registry brings. */
export interface WorkloadsOptions {
    readonly createdBy: StackName;
    readonly enable: EnableApi;
    /** The options of a child that waits for the IAM API. */
    readonly options: pulumi.ComponentResourceOptions;
}

/** Verifies the pool of a registry if it is declared as existing, and if a workload needs it. */
export function verifyExistingPool(registry: pulumi.Resource, args: RegistryArgs): pulumi.Output<string[]>[] {
    const existing = args.pool?.existing;
    const { providers, poolId, poolProject: project } = planOf(args);
    if (existing === undefined || providers.length === 0) return [];
    const lookup = () =>
        iam.getWorkloadIdentityPool({ project, workloadIdentityPoolId: poolId }, { parent: registry });
    return [verifyPool({ project, poolId, existing }, lookup, registry)];
}

function planOf(args: RegistryArgs): WorkloadPlan {
    // The arguments were checked before.
    return planWorkloads(
        args,
        parseWorkloadSettings(args, () => ""),
    );
}

/** Creates the pool and the providers that the workloads of a registry need, and derives their principals. */
export function createWorkloads(
    name: string,
    registry: pulumi.Resource,
    args: RegistryArgs,
    { createdBy, enable, options }: WorkloadsOptions,
): CreatedWorkloads {
    const plan = planOf(args);
    const { poolId, poolProject: project, providers } = plan;
    const numbers = projectNumbers(plan, args.project, registry);
    const existing = args.pool?.existing;
    const poolNumber = numbers.get(project);
    let pool: pulumi.Resource | undefined;
    if (providers.length > 0 && poolNumber !== undefined) {
        enable("sts", project);
        // The API of the registry's own project is enabled already.
        const iamOfPool = project === args.project || existing === Existing.use ? [] : enable("iam", project);
        ({ pool } = new WorkloadIdentity(
            name,
            {
                poolId,
                project,
                projectNumber: poolNumber,
                ...(existing === undefined ? {} : { existing }),
                providers,
                createdBy,
            },
            pulumi.mergeOptions(options, { dependsOn: iamOfPool }),
        ));
    }
    const workloads: Record<string, CreatedWorkload> = {};
    const impersonators: Record<string, Impersonator[]> = {};
    for (const planned of plan.workloads) {
        const { name: key, workload, numberOf, providerId, impersonationRole: role } = planned;
        const { access, via } = workload;
        const number = numbers.get(numberOf ?? "") ?? pulumi.output("");
        const waitsFor = providerId === undefined ? undefined : pool?.urn;
        const member = pulumi.all([number, waitsFor]).apply(([digits]) => planned.principal(digits));
        workloads[key] = {
            workload,
            access,
            principal: member,
            ...(via === undefined ? {} : { via, serviceAccount: serviceAccountEmail(args.project, via) }),
            ...(providerId === undefined
                ? {}
                : {
                      provider: number.apply(
                          (digits) => `${poolName(digits, poolId)}/providers/${providerId}`,
                      ),
                  }),
        };
        if (via !== undefined) (impersonators[via] ??= []).push({ key: `workload:${key}`, role, member });
    }
    return { workloads, impersonators };
}

/** The number of each project that a plan needs: as configured, or looked up. */
function projectNumbers(
    { projectNumbers: known, poolProject }: WorkloadPlan,
    project: string,
    parent: pulumi.Resource,
): ReadonlyMap<string, pulumi.Output<string>> {
    const settingFor = (id: string) =>
        id === project
            ? "projectNumber"
            : id === poolProject
              ? "pool.projectNumber"
              : "projectNumber, or with type gke clusterProjectNumber, of the workload";
    return new Map(
        [...known].map(([id, number]) => [
            id,
            pulumi.output(number ?? lookUpNumber(id, settingFor(id), parent)),
        ]),
    );
}

async function lookUpNumber(projectId: string, setting: string, parent: pulumi.Resource): Promise<string> {
    try {
        return (await organizations.getProject({ projectId }, { parent })).number;
    } catch (error) {
        throw userError(
            `Cannot look up the number of the project ${projectId}, which is part of a workload's principal. ` +
                `Set ${setting} to the number that this command prints: gcloud projects describe ${projectId} --format='value(projectNumber)'\n` +
                serviceMessage((error as Error).message),
        );
    }
}
