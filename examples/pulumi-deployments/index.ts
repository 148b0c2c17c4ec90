import { WorkloadIdentityPool, WorkloadIdentityPoolProvider } from "@pulumi/gcp/iam";
import { IAMMember } from "@pulumi/gcp/serviceaccount";
import * as pulumi from "@pulumi/pulumi";
import { DeploymentSettings, DriftSchedule } from "@pulumi/pulumiservice";
import { join } from "node:path";
import { attributeCondition, attributeMapping, issuer } from "./federation";
import { pathFilters } from "./paths";
import { preRunCommands } from "./pre-run";
import { accountEmail, readProject } from "./stacks";

const config = new pulumi.Config();
const repository = config.require("repository");
const manual = config.getObject<string[]>("manual") ?? [];
const organization = pulumi.getOrganization();
const { name: project, stacks, stackFiles } = readProject(join(__dirname, "..", ".."));

const missing = manual.filter((stack) => !stacks.some(({ name }) => name === stack));
if (missing.length > 0) {
    throw new pulumi.RunError(
        `manual has ${missing.join(", ")}, without a stack file. Correct or remove the name.`,
    );
}

// Google keeps the id of a deleted pool for 30 days. A pool without grants gives access to nothing, so it stays.
const kept = { retainOnDelete: true };
const pool = new WorkloadIdentityPool(
    "pulumi-deployments",
    { workloadIdentityPoolId: "pulumi-deployments" },
    kept,
);
const provider = new WorkloadIdentityPoolProvider(
    "pulumi",
    {
        workloadIdentityPoolId: pool.workloadIdentityPoolId,
        workloadIdentityPoolProviderId: "pulumi",
        attributeMapping,
        attributeCondition: attributeCondition(organization, project),
        oidc: { issuerUri: issuer, allowedAudiences: [organization] },
    },
    kept,
);

for (const { name: stack, googleProject } of stacks) {
    // The two accounts of docs/deployer.md, in the project of the stack.
    const grant = (account: string, attribute: string) =>
        new IAMMember(`${stack}-${account}`, {
            serviceAccountId: `projects/${googleProject}/serviceAccounts/${accountEmail(account, googleProject)}`,
            role: "roles/iam.workloadIdentityUser",
            member: pulumi.interpolate`principalSet://iam.googleapis.com/${pool.name}/attribute.${attribute}/${project}:${stack}`,
        });
    const grants = [grant("previewer", "stack"), grant("deployer", "deployment")];

    const identity = { organization, project, stack };
    const settings = new DeploymentSettings(
        stack,
        {
            ...identity,
            sourceContext: { git: { branch: "refs/heads/main" } },
            vcs: {
                provider: "github",
                repository,
                previewPullRequests: !manual.includes(stack),
                deployCommits: !manual.includes(stack),
                paths: pathFilters(stack, stackFiles),
            },
            operationContext: {
                preRunCommands,
                // Replaces the token of Pulumi's GitHub app, which can write to all repositories of the app.
                environmentVariables: { GITHUB_TOKEN: "none" },
                oidc: {
                    gcp: {
                        projectId: pool.name.apply((name) => name.split("/")[1] ?? ""),
                        workloadPoolId: pool.workloadIdentityPoolId,
                        providerId: provider.workloadIdentityPoolProviderId,
                        serviceAccount: accountEmail("previewer", googleProject),
                    },
                },
                // Not skipIntermediateDeployments: it would also skip the waiting previews of other pull requests.
                options: { skipInstallDependencies: true },
            },
            // No cacheOptions: a preview of unreviewed code and an update would share the cache.
        },
        { dependsOn: grants },
    );

    new DriftSchedule(
        stack,
        { ...identity, scheduleCron: "0 3 * * *", autoRemediate: false },
        { dependsOn: settings },
    );
}
