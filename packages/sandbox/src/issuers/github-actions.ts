import type { CiSystem } from "./ci-system";

/** https://docs.github.com/en/actions/reference/security/oidc */
export const githubActions: CiSystem = {
    issuer: "https://token.actions.githubusercontent.com",
    claims: {
        jti: "f3a1c5d2-8d55-4f0b-9d0e-3f8c9f7b1a01",
        sub: "repo:acme@1001/widgets@2002:ref:refs/heads/main",
        actor: "dev",
        actor_id: "3003",
        base_ref: "",
        event_name: "push",
        head_ref: "",
        job_workflow_ref: "acme/widgets/.github/workflows/release.yml@refs/heads/main",
        job_workflow_sha: "4a1b7c9e0d2f3a5b6c7d8e9f0a1b2c3d4e5f6a7b",
        ref: "refs/heads/main",
        ref_protected: "true",
        ref_type: "branch",
        repository: "acme/widgets",
        repository_id: "2002",
        repository_owner: "acme",
        repository_owner_id: "1001",
        repository_visibility: "private",
        run_id: "9009009009",
        run_number: "17",
        run_attempt: "1",
        runner_environment: "github-hosted",
        sha: "4a1b7c9e0d2f3a5b6c7d8e9f0a1b2c3d4e5f6a7b",
        workflow: "release",
        workflow_ref: "acme/widgets/.github/workflows/release.yml@refs/heads/main",
        workflow_sha: "4a1b7c9e0d2f3a5b6c7d8e9f0a1b2c3d4e5f6a7b",
    },
};

/** GitHub Enterprise Cloud with an issuer of its own, and GitHub Enterprise Server. */
export const githubEnterprise = (slug: string): CiSystem => ({
    issuer: `${githubActions.issuer}/${slug}`,
    claims: { ...githubActions.claims, enterprise: slug, enterprise_id: "4004" },
});
export const githubServer = (host: string): CiSystem => ({
    issuer: `https://${host}/_services/token`,
    claims: { ...githubActions.claims, sub: "repo:acme/widgets:ref:refs/heads/main" },
});
