import type { WorkloadOf } from "../validation/workloads";
import type { FederatedSystem } from "./federation";

/**
 * GitHub Actions. The claim `sub` is not used: its format differs between repositories, owners can change it, and a long
 * branch name makes it longer than Google accepts.
 *
 * @see https://docs.github.com/en/actions/reference/security/oidc
 */
export const githubActions: FederatedSystem<WorkloadOf<"githubActions">> = {
    name: "github",
    sharedIssuer: "https://token.actions.githubusercontent.com",
    issuer: ({ issuer }) => issuer ?? "https://token.actions.githubusercontent.com",
    subject: 'assertion.repository_id + ":" + assertion.run_id',
    tenant: ({ ownerId }) => ({ claim: "assertion.repository_owner_id", value: ownerId }),
    unit: ({ repositoryId }) => ({ claim: "assertion.repository_id", value: repositoryId }),
    select: ({ ownerId, repositoryId, ref, environment }) => ({
        attribute: ["repository", ...(ref ? ["ref"] : []), ...(environment ? ["environment"] : [])].join("_"),
        claims: [
            { claim: "assertion.repository_owner_id", value: ownerId },
            { claim: "assertion.repository_id", value: repositoryId },
            ...(ref ? [{ claim: "assertion.ref", value: ref }] : []),
            // Jobs without an environment have no such claim, and an attribute that cannot be computed refuses the token.
            ...(environment
                ? [
                      {
                          claim: '(has(assertion.environment) ? assertion.environment : "")',
                          value: environment,
                      },
                  ]
                : []),
        ],
    }),
    // The events pull_request_target, pull_request_review and the like begin in the same way.
    untrusted: () =>
        'assertion.event_name.startsWith("pull_request") || assertion.ref.startsWith("refs/pull/")',
};
