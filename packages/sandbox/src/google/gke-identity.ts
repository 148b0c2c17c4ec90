import type { Caller } from "./policy";

const subject =
    /^principal:\/\/(iam\.googleapis\.com\/projects\/\d+\/locations\/global\/workloadIdentityPools\/(.+\.svc\.id\.goog))\/subject\/ns\/([^/]+)\/sa\/([^/]+)$/;

/**
 * The caller that a Kubernetes service account is, from its principal identifier.
 * https://cloud.google.com/iam/docs/principal-identifiers
 */
export function kubernetesAccount(principal: string): Caller | undefined {
    const [, pool = "", name = "", namespace = "", account = ""] = subject.exec(principal) ?? [];
    if (pool === "") return undefined;
    return {
        principal,
        identities: [
            principal,
            `principalSet://${pool}/namespace/${namespace}`,
            `principalSet://${pool}/*`,
            // An older spelling, which policies can still have.
            `serviceAccount:${name}[${namespace}/${account}]`,
        ],
    };
}
