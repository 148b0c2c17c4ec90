import type { WorkloadOf } from "../validation/workloads";
import type { FederatedSystem } from "./federation";

type CircleCi = WorkloadOf<"circleCi">;

const project = 'assertion["oidc.circleci.com/project-id"]';
const origin = 'assertion["oidc.circleci.com/vcs-origin"]';
/** A claim that not every token has. An attribute that cannot be computed would refuse the token. */
const optional = (name: string) => `("${name}" in assertion ? assertion["${name}"] : "")`;
const unit = ({ projectId }: CircleCi) => ({ claim: project, value: projectId });

/**
 * CircleCI. Each organization has an issuer of its own. A build of a fork has the project of the original, but its own origin.
 *
 * @see https://circleci.com/docs/guides/permissions-authentication/openid-connect-tokens/
 */
export const circleCi: FederatedSystem<CircleCi> = {
    name: "circleci",
    issuer: ({ organizationId }) => `https://oidc.circleci.com/org/${organizationId}`,
    audiences: ({ organizationId }) => [organizationId],
    subject: project,
    tenant: unit,
    unit,
    select: (workload) => {
        const { vcsOrigin, ref } = workload;
        return {
            attribute: ["project", ...(vcsOrigin ? ["origin"] : []), ...(ref ? ["ref"] : [])].join("_"),
            claims: [
                unit(workload),
                ...(vcsOrigin ? [{ claim: optional("oidc.circleci.com/vcs-origin"), value: vcsOrigin }] : []),
                ...(ref ? [{ claim: optional("oidc.circleci.com/vcs-ref"), value: ref }] : []),
            ],
        };
    },
    untrusted: (writers) => {
        const origins = [...new Set(writers.map(({ vcsOrigin = "" }) => vcsOrigin))];
        return `!("oidc.circleci.com/vcs-origin" in assertion && ${origin} in ${JSON.stringify(origins)})`;
    },
};
