import type { WorkloadOf } from "../validation/workloads";
import { acceptedEvents, type FederatedSystem, isBranchOrTag, literal, optional } from "./federated-system";

/**
 * GitHub Actions. The claim `sub` is not used: its format differs between repositories, owners can change it, and a long
 * branch name makes it longer than Google accepts.
 *
 * @see https://docs.github.com/en/actions/reference/security/oidc
 */
export const githubActions: FederatedSystem<WorkloadOf<"githubActions">> = {
    name: "github",
    issuers:
        /^https:\/\/(?:(?:vs)?token\.actions\.(?:githubusercontent|[^/]+\.ghe)\.com(?:\/|$)|[^/]+\/_services\/token(?:\/|$))/,
    issuer: "https://token.actions.githubusercontent.com",
    subject: 'assertion.repository_id + ":" + assertion.run_id',
    tenant: ({ ownerId }) => ({ claim: "assertion.repository_owner_id", value: ownerId }),
    unit: ({ repositoryId }) => ({
        name: "repository",
        claim: "assertion.repository_id",
        value: repositoryId,
    }),
    select: ({ ref, environment }) => [
        { name: "ref", claim: optional("ref"), value: ref },
        // Jobs without an environment have no such claim.
        { name: "environment", claim: optional("environment"), value: environment },
    ],
    trusted: ({ events, ref }) => [
        `${optional("event_name")} in ${literal(acceptedEvents("githubActions", events))}`,
        isBranchOrTag("assertion.ref"),
        // An environment without protection rules accepts every branch, also these with code that nobody has accepted.
        ...(ref ? [] : ["dependabot", "gh-readonly-queue"]).map(
            (start) => `!assertion.ref.startsWith("refs/heads/${start}")`,
        ),
    ],
};
