import * as iam from "@pulumi/gcp/iam";
import * as pulumi from "@pulumi/pulumi";
import type { RepositoryCoordinates } from "../names/urls";
import { stackDescription, type StackName } from "../names/stack-label";
import { type ImpersonationRole, poolName } from "../systems/system";
import type { Workload } from "../systems/systems";
import type { Provider } from "../workloads/federation";
import { planWorkloads, type WorkloadPlan } from "../workloads/plan";
import type { WorkloadSettings } from "../workloads/settings";
import { serviceAccountEmail } from "../names/principals";
import type { EnableApi } from "./registry";
import { callAfter, type CallOptions, inheritDependsOn } from "./dependencies";
import { beforeCreate } from "./hooks";
import { verifyDerived } from "./derived";
import { Existing, lookUp, warnThatDisabled } from "./existing";
import { lookUpNumber } from "./project-number";
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
    readonly existing: WorkloadPlan["existing"];
    readonly providers: readonly Provider[];
    /** The stack that creates the pool. The descriptions of pool and providers contain its name. */
    readonly createdBy: StackName;
}

/**
 * A workload identity pool with a provider for each issuer.
 *
 * Google keeps the id of a deleted pool for 30 days, in which it cannot be created again. So the pool and its providers stay
 * when the stack is destroyed: without grants, they give access to nothing. The next update finds them, recognizes them by
 * their descriptions, and imports them. In a pool of someone else, the providers are deleted.
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
        // Deleting is what Google makes expensive; removing the grants is what takes access away. But the owner of a pool can
        // have granted roles to all identities in it, so a provider in it ends with the stack.
        const retainOnDelete = existing !== Existing.use;
        const options = inheritDependsOn(opts, { parent: this, retainOnDelete });

        const pool = { project, workloadIdentityPoolId: poolId };
        const inProject = `workload identity pool ${poolId} in the project ${project}`;

        this.pool =
            existing === Existing.use
                ? iam.WorkloadIdentityPool.get(name, poolPath, undefined, options)
                : new iam.WorkloadIdentityPool(
                      name,
                      { ...pool, description: existing === Existing.adopt ? undefined : description },
                      pulumi.mergeOptions(
                          options,
                          existing === Existing.adopt
                              ? {
                                    import: poolPath,
                                    ignoreChanges: ["description", "displayName", "disabled"],
                                }
                              : importOwn({
                                    id: poolPath,
                                    description,
                                    what: inProject,
                                    remedy: "Set pool.existing to use or adopt, or choose a different pool.id.",
                                    takeOver: `gcloud iam workload-identity-pools update ${poolId} --location=global --project=${project}`,
                                    lookup: () => iam.getWorkloadIdentityPool(pool, { parent: this }),
                                }),
                      ),
                  );
        verifyDerived(
            "name of the workload identity pool",
            pulumi.output(projectNumber).apply((number) => poolName(number, poolId)),
            this.pool.name,
        );

        for (const { id, issuer, audiences, jwksJson, mapping, condition } of providers) {
            const provider = { ...pool, workloadIdentityPoolProviderId: id };
            new iam.WorkloadIdentityPoolProvider(
                `${name}-${id}`,
                {
                    ...provider,
                    description,
                    attributeMapping: { ...mapping },
                    attributeCondition: condition,
                    oidc: {
                        issuerUri: issuer,
                        allowedAudiences: audiences.length === 0 ? undefined : [...audiences],
                        jwksJson,
                    },
                },
                pulumi.mergeOptions(options, {
                    dependsOn: this.pool,
                    ...importOwn({
                        id: `${poolPath}/providers/${id}`,
                        description,
                        what: `provider ${id} of the ${inProject}`,
                        remedy: "Choose a different pool.id, so that the stack has a pool of its own.",
                        takeOver: `gcloud iam workload-identity-pools providers update-oidc ${id} --workload-identity-pool=${poolId} --location=global --project=${project}`,
                        lookup: () => iam.getWorkloadIdentityPoolProvider(provider, { parent: this }),
                    }),
                }),
            );
        }
        this.registerOutputs({ pool: this.pool });
    }
}

/** A resource that an earlier deployment of this stack can have left behind. */
interface LeftResource {
    /** The id to import. */
    readonly id: string;
    /** The description that this stack gives it. */
    readonly description: string;
    /** What it is, and what to do if someone else created it, for a message. */
    readonly what: string;
    readonly remedy: string;
    /** The command that gives it the description of this stack, without that description. */
    readonly takeOver: string;
    readonly lookup: () => Promise<{ readonly description?: string }>;
}

/**
 * The options with which a resource is imported if it exists and this stack created it. A resource in the state belongs to this
 * stack, whatever its description says: it has another name if the stack was renamed or moved.
 *
 * A transform can wait for a lookup; the constructor of a resource cannot. An import of a resource that is in the state already
 * does nothing. Only the engine knows what is in the state: it calls the hook before it creates what is not.
 *
 * @throws Error if someone else created it
 * @see https://www.pulumi.com/docs/iac/concepts/resources/options/transforms/
 */
function importOwn(resource: LeftResource): pulumi.CustomResourceOptions {
    const { id, description, what, remedy, takeOver, lookup } = resource;
    let existing: string | undefined;
    const refuse = () => {
        if (existing === undefined || existing === description) return;
        throw userError(
            `The ${what} already exists, and this stack did not create it (its description: ${JSON.stringify(existing)}). ${remedy} ` +
                `If this stack created it under another name, run: ${takeOver} --description='${description}'`,
        );
    };
    const hooks = beforeCreate(`create ${id}`, refuse);
    return {
        ...(hooks === undefined ? {} : { hooks }),
        transforms: [
            async ({ props, opts }) => {
                // If the lookup is refused, the creation reports the reason.
                const found = await lookup().catch(() => undefined);
                existing = found && (found.description ?? "");
                if (existing === description) return { props, opts: { ...opts, import: id } };
                if (hooks === undefined) refuse();
                return undefined;
            },
        ],
    };
}

/** A workload after its pool and provider are registered. */
export interface CreatedWorkload {
    readonly workload: Workload;
    /** Email address of the account that it impersonates. */
    readonly serviceAccount: string | undefined;
    /** The role on this account that lets it impersonate the account. */
    readonly impersonationRole: ImpersonationRole;
    /** The workload as an IAM principal. A resource that uses this output waits for the pool. */
    readonly principal: pulumi.Output<string>;
    /** The same, with the id of a project in place of its number. Grants are named after it, so they do not depend on names. */
    readonly identity: string;
    /** Resource name of the provider, with the number of its project; undefined if it needs none. */
    readonly provider: pulumi.Output<string> | undefined;
}

/** What `createWorkloads` needs from the registry. */
interface WorkloadsOptions {
    readonly createdBy: StackName;
    readonly enable: EnableApi;
    readonly calls: CallOptions;
    /** The options of a child that waits for the IAM API. */
    readonly options: pulumi.ComponentResourceOptions;
}

/** The workloads of a registry: `verify` the pool first, then `create` what they need. */
export function prepareWorkloads(registry: RepositoryCoordinates & Partial<WorkloadSettings>) {
    const plan = planWorkloads(registry);
    return {
        verify: (calls: CallOptions) => verifyPool(plan, calls),
        create: (name: string, options: WorkloadsOptions) => createWorkloads(name, plan, options),
    };
}

/** Verifies the pool of a registry if it is declared as existing, and if a workload needs it. */
function verifyPool(
    { providers, poolId, poolProject: project, existing }: WorkloadPlan,
    calls: CallOptions,
): pulumi.Output<string[]>[] {
    if (existing === undefined || providers.length === 0) return [];
    const resource = `workload identity pool ${poolId} in the project ${project}`;
    const { parent } = calls;
    const lookup = lookUp(resource, existing, calls, () =>
        iam.getWorkloadIdentityPool({ project, workloadIdentityPoolId: poolId }, { parent }),
    );
    const errors = lookup.apply((found) => {
        if ("error" in found) return [`pool.${found.error}`];
        if (found.disabled) warnThatDisabled(resource, "No workload can authenticate", parent);
        return [];
    });
    return [errors];
}

/**
 * Creates the pool and the providers that the workloads of a registry need, and derives their principals.
 *
 * @returns the workloads by name
 */
function createWorkloads(
    name: string,
    plan: WorkloadPlan,
    { createdBy, enable, calls, options }: WorkloadsOptions,
): Record<string, CreatedWorkload> {
    const { poolId, poolProject: project, providers, existing } = plan;
    const numbers = projectNumbers(plan, calls);
    const getNumber = (id = "") => numbers.get(id) ?? pulumi.output("");
    let pool: pulumi.Resource | undefined;
    if (providers.length > 0) {
        enable("sts", project);
        // The API of the registry's own project is enabled already.
        const iamOfPool = project === plan.project || existing === Existing.use ? [] : enable("iam", project);
        ({ pool } = new WorkloadIdentity(
            name,
            { poolId, project, projectNumber: getNumber(project), existing, providers, createdBy },
            pulumi.mergeOptions(options, { dependsOn: iamOfPool }),
        ));
    }
    const created = plan.workloads.map((planned): [string, CreatedWorkload] => {
        const { workload, providerId, impersonationRole } = planned;
        const { via } = workload;
        const number = getNumber(planned.numberProject);
        const waitsFor = providerId === undefined ? undefined : pool?.urn;
        const ofProvider = (digits: string) => `${poolName(digits, poolId)}/providers/${providerId ?? ""}`;
        return [
            planned.name,
            {
                workload,
                serviceAccount: via === undefined ? undefined : serviceAccountEmail(plan.project, via),
                impersonationRole,
                principal: pulumi.all([number, waitsFor]).apply(([digits]) => planned.principal(digits)),
                identity: planned.principal(planned.numberProject ?? ""),
                provider: providerId === undefined ? undefined : number.apply(ofProvider),
            },
        ];
    });
    return Object.fromEntries(created);
}

/** The number of each project that a plan needs: as configured, or looked up. */
function projectNumbers(
    { project, projectNumbers: known, poolProject }: WorkloadPlan,
    calls: CallOptions,
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
            number === undefined
                ? callAfter(calls, () =>
                      lookUpNumber(id, "a workload's principal", settingFor(id), calls.parent),
                  )
                : pulumi.output(number),
        ]),
    );
}
