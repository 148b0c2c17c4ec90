/** Where a machine runs that installs or uploads packages without a key. */
export const WorkloadType = {
    githubActions: "githubActions",
    gitlabCi: "gitlabCi",
    circleCi: "circleCi",
    azureDevOps: "azureDevOps",
    hcpTerraform: "hcpTerraform",
    buildkite: "buildkite",
    oidc: "oidc",
    gke: "gke",
    computeEngine: "computeEngine",
    cloudRun: "cloudRun",
    cloudFunctions: "cloudFunctions",
    appEngine: "appEngine",
    cloudBuild: "cloudBuild",
} as const;
/** Where a machine runs that installs or uploads packages without a key. */
export type WorkloadType = (typeof WorkloadType)[keyof typeof WorkloadType];
