import type { WorkloadOf } from "../validation/workloads";
import { type FederatedSystem, literal, optional } from "./federated-system";

const project = 'assertion["oidc.circleci.com/project-id"]';
const contexts = 'assertion["oidc.circleci.com/context-ids"]';

/**
 * CircleCI. Each organization has an issuer of its own. A build of a fork has the project of the original, but its own origin.
 *
 * @see https://circleci.com/docs/guides/permissions-authentication/openid-connect-tokens/
 */
export const circleCi: FederatedSystem<WorkloadOf<"circleCi">> = {
    name: "circleci",
    issuers: /^https:\/\/oidc\.circleci\.com(?:\/|$)/,
    issuer: ({ organizationId }) => `https://oidc.circleci.com/org/${organizationId}`,
    audiences: ({ organizationId }) => [organizationId],
    subject: project,
    unit: ({ projectId }) => ({ name: "project", claim: project, value: projectId }),
    select: ({ vcsOrigin, ref, contextId = "" }) => [
        { name: "origin", claim: optional("oidc.circleci.com/vcs-origin"), value: vcsOrigin },
        { name: "ref", claim: optional("oidc.circleci.com/vcs-ref"), value: ref },
        {
            // The claim is a list, so the attribute says whether this context is in it.
            name: `context_${contextId.replace(/-/g, "_")}`,
            claim: `("oidc.circleci.com/context-ids" in assertion && ${literal(contextId)} in ${contexts} ? "context" : "")`,
            value: contextId === "" ? undefined : "context",
        },
    ],
    // A rerun with SSH gives a shell that has the token of the branch.
    trusted: () => [
        '"oidc.circleci.com/ssh-rerun" in assertion',
        'assertion["oidc.circleci.com/ssh-rerun"] == false',
    ],
};
