import type { WorkloadOf } from "../validation/workloads";
import { type FederatedSystem, literal, optional } from "./federated-system";

type CircleCi = WorkloadOf<"circleCi">;

const project = 'assertion["oidc.circleci.com/project-id"]';
const contexts = 'assertion["oidc.circleci.com/context-ids"]';
const unit = ({ projectId }: CircleCi) => ({ claim: project, value: projectId });

/**
 * CircleCI. Each organization has an issuer of its own. A build of a fork has the project of the original, but its own origin.
 *
 * @see https://circleci.com/docs/guides/permissions-authentication/openid-connect-tokens/
 */
export const circleCi: FederatedSystem<CircleCi> = {
    name: "circleci",
    issuers: /^https:\/\/oidc\.circleci\.com(?:\/|$)/,
    issuer: ({ organizationId }) => `https://oidc.circleci.com/org/${organizationId}`,
    audiences: ({ organizationId }) => [organizationId],
    subject: project,
    tenant: unit,
    unit,
    select: (workload) => {
        const { vcsOrigin, ref, contextId } = workload;
        return {
            attribute: [
                "project",
                ...(vcsOrigin ? ["origin"] : []),
                ...(ref ? ["ref"] : []),
                // The claim is a list, so the attribute says whether this context is in it.
                ...(contextId ? ["context", contextId.replace(/-/g, "_")] : []),
            ].join("_"),
            claims: [
                unit(workload),
                ...(vcsOrigin ? [{ claim: optional("oidc.circleci.com/vcs-origin"), value: vcsOrigin }] : []),
                ...(ref ? [{ claim: optional("oidc.circleci.com/vcs-ref"), value: ref }] : []),
                ...(contextId
                    ? [
                          {
                              claim: `("oidc.circleci.com/context-ids" in assertion && ${literal(contextId)} in ${contexts} ? "context" : "")`,
                              value: "context",
                          },
                      ]
                    : []),
            ],
        };
    },
    // A rerun with SSH gives a shell that has the token of the branch.
    trusted: () => [
        '"oidc.circleci.com/ssh-rerun" in assertion',
        'assertion["oidc.circleci.com/ssh-rerun"] == false',
    ],
};
