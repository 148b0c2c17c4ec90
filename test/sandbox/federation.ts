import type { Claims } from "../../packages/sandbox/src/issuers/ci-system";
import { githubActions } from "../../packages/sandbox/src/issuers/github-actions";
import type { TokenOptions } from "../../packages/sandbox/src/issuers/issuers";
import type { Sandbox } from "../../packages/sandbox/src/sandbox";
import { ok, projectPath, through, type Json } from "./client";

// A pool with a provider for GitHub Actions, and the exchange of tokens as Google's libraries do it.

export const poolsPath = `/iam/v1${projectPath}/locations/global/workloadIdentityPools`;
export const poolPath = `${poolsPath}/machines`;
export const providerPath = `${poolPath}/providers/github`;
export const poolName = "projects/123456789012/locations/global/workloadIdentityPools/machines";
export const audience = `//iam.googleapis.com/${poolName}/providers/github`;

export const githubProvider = {
    attributeMapping: {
        "google.subject": "'github:' + assertion.repository_id + ':' + assertion.run_id",
        "attribute.repository": "'github:' + assertion.repository_owner_id + ':' + assertion.repository_id",
        "attribute.repository_ref":
            "'github:' + assertion.repository_owner_id + ':' + assertion.repository_id + ':' + assertion.ref",
    },
    attributeCondition: "assertion.repository_owner_id == '1001'",
    oidc: { issuerUri: githubActions.issuer },
};

/** Enables the APIs of federation, and creates the pool and the provider. */
export async function createFederation(sandbox: Sandbox, provider: object = githubProvider): Promise<void> {
    await ok(sandbox, "POST", `/serviceusage/v1${projectPath}/services:batchEnable`, {
        serviceIds: ["iam.googleapis.com", "sts.googleapis.com", "iamcredentials.googleapis.com"],
    });
    await ok(sandbox, "POST", `${poolsPath}?workloadIdentityPoolId=machines`, {});
    await ok(sandbox, "POST", `${poolPath}/providers?workloadIdentityPoolProviderId=github`, provider);
}

/** A token of a job of GitHub Actions, with some claims changed. */
export function githubToken(
    sandbox: Sandbox,
    claims: Claims = {},
    options: TokenOptions & { issuer?: string } = {},
): Promise<string> {
    const { issuer = githubActions.issuer, ...rest } = options;
    return sandbox.issuers.issue(
        issuer,
        { ...githubActions.claims, ...claims },
        { audience: `https:${audience}`, ...rest },
    );
}

/** The answer of the Security Token Service. */
export async function exchange(
    sandbox: Sandbox,
    token: string,
    {
        host = "sts.googleapis.com",
        form = false,
        fields = {},
    }: { host?: string; form?: boolean; fields?: Record<string, string> } = {},
): Promise<{ status: number; json: Json }> {
    const all = {
        grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
        requested_token_type: "urn:ietf:params:oauth:token-type:access_token",
        subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
        scope: "https://www.googleapis.com/auth/cloud-platform",
        audience,
        subject_token: token,
        ...fields,
    };
    const camelCased = Object.entries(all).map(([name, value]) => [
        name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase()),
        value,
    ]);
    const reply = await through(sandbox, `https://${host}/v1/token`, {
        method: "POST",
        headers: { "Content-Type": form ? "application/x-www-form-urlencoded" : "application/json" },
        body: Buffer.from(
            form ? String(new URLSearchParams(all)) : JSON.stringify(Object.fromEntries(camelCased)),
        ),
    });
    return { status: reply.status, json: JSON.parse(reply.text) as Json };
}
