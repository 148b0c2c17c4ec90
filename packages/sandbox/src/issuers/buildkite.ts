import type { CiSystem } from "./ci-system";

/** With `--claim "organization_id,pipeline_id"`: without it, the two ids are absent. https://buildkite.com/docs/agent/v3/cli/reference/oidc */
export const buildkite: CiSystem = {
    issuer: "https://agent.buildkite.com",
    claims: {
        sub: "organization:acme:pipeline:widgets:ref:refs/heads/main:commit:4a1b7c9:step:upload",
        organization_slug: "acme",
        organization_id: "e5f6a7b8-c9d0-4bcd-8ef0-123456789a09",
        pipeline_slug: "widgets",
        pipeline_id: "f6a7b8c9-d0e1-4cde-9f01-23456789ab10",
        build_number: 42,
        build_branch: "main",
        build_commit: "4a1b7c9e0d2f3a5b6c7d8e9f0a1b2c3d4e5f6a7b",
        build_source: "webhook",
        step_key: "upload",
        job_id: "a7b8c9d0-e1f2-4def-8012-3456789abc11",
        agent_id: "b8c9d0e1-f203-4ef0-9123-456789abcd12",
        runner_environment: "self-hosted",
    },
};
