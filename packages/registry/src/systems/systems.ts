import type { SnippetContext } from "../ci/context";
import type { WorkloadType } from "./workload-config";
import { azureDevOps } from "./azure-devops";
import { buildkite } from "./buildkite";
import { circleCi } from "./circle-ci";
import { githubActions } from "./github-actions";
import { gitlabCi } from "./gitlab-ci";
import { gke } from "./gke";
import { appEngine, cloudBuild, cloudFunctions, cloudRun, computeEngine } from "./google-services";
import { hcpTerraform } from "./hcp-terraform";
import { oidc } from "./oidc";
import type { Entry, Keys, System } from "./system";

const systems = {
    githubActions,
    gitlabCi,
    circleCi,
    azureDevOps,
    hcpTerraform,
    buildkite,
    oidc,
    gke,
    computeEngine,
    cloudRun,
    cloudFunctions,
    appEngine,
    cloudBuild,
} satisfies Readonly<Record<WorkloadType, { readonly keys: Keys }>>;

/** The names of all types of workloads. */
export const workloadTypes = Object.keys(systems) as readonly WorkloadType[];

/** A validated entry of `workloads`. Every id is text. */
export type Workload = {
    [T in keyof typeof systems]: { readonly type: T } & Entry<(typeof systems)[T]["keys"]>;
}[keyof typeof systems];

/** What is known about a system. Its functions get only workloads of its type. */
export function getSystem(type: WorkloadType): System<Workload> {
    return systems[type] as System<Workload>;
}

/** The configuration of a workload's system. See `System.snippet`. */
export function renderSnippet(context: SnippetContext<Workload>): string {
    return getSystem(context.workload.type).snippet(context);
}
