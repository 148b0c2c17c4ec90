// Which deployment Google considers as which identity. The claims of the tokens:
// https://www.pulumi.com/docs/deployments/guides/oidc/

export const issuer = "https://api.pulumi.com/oidc";

/**
 * Which tokens Google accepts: those of deployments of one project. Environments of Pulumi ESC get tokens from the same issuer.
 */
export function attributeCondition(organization: string, project: string): string {
    return [
        'assertion.sub.startsWith("pulumi:deploy:")',
        `assertion.org == ${JSON.stringify(organization)}`,
        `assertion.project == ${JSON.stringify(project)}`,
    ].join(" && ");
}

const stack = 'assertion.project + ":" + assertion.stack';

/** `attribute.stack` is every deployment of a stack, `attribute.deployment` its updates. */
export const attributeMapping = {
    // Not assertion.sub: with long names, it has more than the 127 bytes that Google allows.
    "google.subject": 'assertion.stack + ":" + assertion.operation',
    "attribute.stack": stack,
    "attribute.deployment": `assertion.operation == "update" ? ${stack} : "none"`,
};
