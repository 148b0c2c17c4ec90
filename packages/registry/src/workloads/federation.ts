import type { WorkloadType } from "../systems/workload-config";
import { canonicalIssuer } from "../systems/oidc-issuers";
import type { Federation, TokenRules } from "../systems/system";
import { getSystem, type Workload, workloadTypes } from "../systems/systems";

// Workload identity federation: Google exchanges the token of another system for one of its own.

/** A provider of a workload identity pool. It says whose tokens are accepted. */
export interface Provider extends TokenRules {
    /** Id, 4 to 32 lowercase letters, digits and hyphens. Follows from the issuer. */
    readonly id: string;
    readonly issuer: string;
    readonly jwksJson?: string;
}

/** How Google recognizes the tokens of a workload; undefined if it needs no workload identity pool of this registry. */
export function getFederation({ type }: Pick<Workload, "type">): Federation<Workload> | undefined {
    const { identity } = getSystem(type);
    return typeof identity === "function" ? undefined : identity;
}

/** The type of the system that an issuer belongs to; undefined if it is none of the known ones. */
export function typeOfIssuer(issuer: string): WorkloadType | undefined {
    const canonical = canonicalIssuer(issuer);
    return workloadTypes.find((type) => getFederation({ type })?.issuers?.test(canonical));
}

/** The providers that workloads need, one for each issuer. Workloads that share an issuer have the same type. */
export function providersFor(workloads: readonly Workload[]): Provider[] {
    const byIssuer = new Map<string, { federation: Federation<Workload>; group: Workload[] }>();
    for (const workload of workloads) {
        const federation = getFederation(workload);
        if (federation === undefined) continue;
        const issuer = federation.issuer(workload);
        const group = byIssuer.get(issuer)?.group ?? [];
        byIssuer.set(issuer, { federation, group: [...group, workload] });
    }
    return [...byIssuer].map(([issuer, { federation, group }]) => {
        const [first] = group as [Workload];
        const jwksJson = group.map((each) => ("jwksJson" in each ? each.jwksJson : undefined)).find(Boolean);
        return {
            id: federation.providerId(first),
            issuer,
            ...(jwksJson === undefined ? {} : { jwksJson }),
            ...federation.rules(group),
        };
    });
}
