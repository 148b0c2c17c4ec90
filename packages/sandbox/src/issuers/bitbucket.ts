import type { CiSystem } from "./ci-system";

const workspace = "c9d0e1f2-0314-4f01-8234-56789abcde13";

/** An issuer for each workspace; ids are in braces. https://support.atlassian.com/bitbucket-cloud/docs/deploy-on-google-cloud-using-bitbucket-pipelines-openid-connect/ */
export const bitbucket: CiSystem = {
    issuer: "https://api.bitbucket.org/2.0/workspaces/acme/pipelines-config/identity/oidc",
    claims: {
        sub: "{d0e1f203-1425-4012-9345-6789abcdef14}:{e1f20314-2536-4123-8456-789abcdef015}",
        aud: `ari:cloud:bitbucket::workspace/${workspace}`,
        workspaceUuid: `{${workspace}}`,
        repositoryUuid: "{d0e1f203-1425-4012-9345-6789abcdef14}",
        pipelineUuid: "{f2031425-3647-4234-9567-89abcdef0116}",
        stepUuid: "{e1f20314-2536-4123-8456-789abcdef015}",
        deploymentEnvironmentUuid: "{03142536-4758-4345-8678-9abcdef01217}",
        branchName: "main",
    },
};
