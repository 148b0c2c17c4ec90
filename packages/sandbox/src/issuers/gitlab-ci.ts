import type { CiSystem } from "./ci-system";

/** All values are text. https://docs.gitlab.com/ci/secrets/id_token_authentication/ */
export const gitlabCi: CiSystem = {
    issuer: "https://gitlab.com",
    claims: {
        jti: "6c4f1f0e-0a94-4a0c-a9f6-6b5ce2f0a002",
        sub: "project_path:acme/widgets:ref_type:branch:ref:main",
        namespace_id: "101",
        namespace_path: "acme",
        project_id: "202",
        project_path: "acme/widgets",
        project_visibility: "private",
        user_id: "303",
        user_login: "dev",
        user_email: "dev@example.com",
        user_access_level: "maintainer",
        user_identities: [],
        groups_direct: ["acme"],
        pipeline_id: "404",
        pipeline_source: "push",
        job_id: "505",
        job_source: "push",
        job_config: { url: "https://gitlab.com/acme/widgets/-/blob/main/.gitlab-ci.yml" },
        job_project_id: "202",
        job_project_path: "acme/widgets",
        job_namespace_id: "101",
        job_namespace_path: "acme",
        ref: "main",
        ref_type: "branch",
        ref_path: "refs/heads/main",
        ref_protected: "true",
        runner_id: 1,
        runner_environment: "gitlab-hosted",
        sha: "4a1b7c9e0d2f3a5b6c7d8e9f0a1b2c3d4e5f6a7b",
        ci_config_ref_uri: "gitlab.com/acme/widgets//.gitlab-ci.yml@refs/heads/main",
        ci_config_sha: "4a1b7c9e0d2f3a5b6c7d8e9f0a1b2c3d4e5f6a7b",
    },
};

/** The claims that a job with an environment has in addition. */
export const gitlabEnvironment = {
    environment: "production",
    environment_protected: "true",
    deployment_tier: "production",
    environment_action: "start",
};

/** An instance of one's own. */
export const gitlabServer = (host: string): CiSystem => ({
    issuer: `https://${host}`,
    claims: gitlabCi.claims,
});
