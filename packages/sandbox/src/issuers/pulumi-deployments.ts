import type { CiSystem } from "./ci-system";

/** https://www.pulumi.com/docs/deployments/deployments/oidc/ */
export const pulumiDeployments: CiSystem = {
    issuer: "https://api.pulumi.com/oidc",
    claims: {
        sub: "pulumi:deploy:org:acme:project:registry:stack:production:operation:update:scope:write",
        aud: "acme",
        org: "acme",
        project: "registry",
        stack: "production",
        operation: "update",
        deployment: "25364758-6970-4456-9789-abcdef012318",
        scope: "write",
    },
};
