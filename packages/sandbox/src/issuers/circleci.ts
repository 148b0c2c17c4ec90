import type { CiSystem } from "./ci-system";

const organization = "5c2f7d1e-6d3b-4c59-8e20-0f6d1a4b7c01";
const project = "0b8a3e94-71f5-4d2a-9c66-2d5e8f103b02";

/** An issuer for each organization. https://circleci.com/docs/guides/permissions-authentication/openid-connect-tokens/ */
export const circleci: CiSystem = {
    issuer: `https://oidc.circleci.com/org/${organization}`,
    claims: {
        // 127 bytes: the limit of google.subject.
        sub: `org/${organization}/project/${project}/user/9d7e6f5c-4b3a-4291-8170-6f5e4d3c2b03`,
        aud: organization,
        "oidc.circleci.com/org-id": organization,
        "oidc.circleci.com/project-id": project,
        "oidc.circleci.com/context-ids": ["7e1d2c3b-4a59-4687-9786-5a4b3c2d1e04"],
        "oidc.circleci.com/pipeline-id": "a1b2c3d4-e5f6-4789-8abc-def012345605",
        "oidc.circleci.com/workflow-id": "b2c3d4e5-f6a7-489a-9bcd-ef0123456706",
        "oidc.circleci.com/job-id": "c3d4e5f6-a7b8-49ab-8cde-f01234567807",
        "oidc.circleci.com/vcs-origin": "github.com/acme/widgets",
        "oidc.circleci.com/vcs-ref": "refs/heads/main",
        "oidc.circleci.com/ssh-rerun": false,
    },
};
