import type { WorkloadType } from "../names/workload-types";
import type { Workload, WorkloadOf } from "../validation/workloads";
import { azureDevOps } from "./azure-devops";
import { buildkite } from "./buildkite";
import { circleCi } from "./circle-ci";
import { type ClaimMatch, type FederatedSystem, literal, type SelectedClaim } from "./federated-system";
import { githubActions } from "./github-actions";
import { gitlabCi } from "./gitlab-ci";
import { hcpTerraform } from "./hcp-terraform";
import { claimsHash, matchingClaims, getSubject } from "./oidc";
import { canonicalIssuer } from "./oidc-issuers";
import { shortHash } from "./short-hash";

// Workload identity federation: Google exchanges the token of another system for one of its own. A provider says whose
// tokens are accepted (condition) and which of their claims a grant can name (mapping).

type FederatedType = "githubActions" | "gitlabCi" | "circleCi" | "azureDevOps" | "hcpTerraform" | "buildkite";

const systems: { readonly [T in FederatedType]: FederatedSystem<WorkloadOf<T>> } = {
    githubActions,
    gitlabCi,
    circleCi,
    azureDevOps,
    hcpTerraform,
    buildkite,
};

/** A provider of a workload identity pool. */
export interface Provider {
    /** Id, 4 to 32 lowercase letters, digits and hyphens. Follows from the issuer. */
    readonly id: string;
    readonly issuer: string;
    /** Empty: the name of the provider is the audience. */
    readonly audiences: readonly string[];
    readonly jwksJson?: string;
    /** From attribute to CEL expression. */
    readonly mapping: Readonly<Record<string, string>>;
    /** CEL expression. Never empty. */
    readonly condition: string;
}

/** Which tokens a provider accepts, and what a grant can name of them. */
type TokenRules = Pick<Provider, "audiences" | "mapping" | "condition">;

/** A federated workload: its provider, and what of the mapped token is granted. */
export interface FederatedIdentity {
    readonly providerId: string;
    /** The last part of the principal: `attribute.NAME/VALUE`. */
    readonly selector: string;
}

/** The workloads that a pool needs a provider for. */
export type FederatedWorkload = WorkloadOf<FederatedType | "oidc">;

/** Whether a workload authenticates through a workload identity pool of this registry. */
export function isFederated(workload: Workload): workload is FederatedWorkload {
    return workload.type === "oidc" || workload.type in systems;
}

/** The type of the system that an issuer belongs to; undefined if it is none of the known ones. */
export function typeOfIssuer(issuer: string): WorkloadType | undefined {
    const canonical = canonicalIssuer(issuer);
    return (Object.keys(systems) as FederatedType[]).find((type) => systems[type].issuers.test(canonical));
}

/** The issuer of a workload's tokens. */
export function getIssuer(workload: FederatedWorkload): string {
    if (workload.type === "oidc") return workload.issuer;
    const { issuer: own } = workload as { readonly issuer?: string };
    if (own !== undefined) return own;
    const { issuer } = getSystem(workload);
    return typeof issuer === "string" ? issuer : issuer(workload);
}

/** How IAM recognizes a federated workload. */
export function federatedIdentity(workload: FederatedWorkload): FederatedIdentity {
    const providerId = getProviderId(workload);
    if (workload.type === "oidc")
        return { providerId, selector: `attribute.${claimsAttribute(workload)}/granted` };
    const { attribute, claims } = getSelection(workload);
    return {
        providerId,
        selector: `${attribute}/${[providerId, ...claims.map(({ value }) => value)].join(":")}`,
    };
}

/** The providers that workloads need, one for each issuer. */
export function providersFor(workloads: readonly Workload[]): Provider[] {
    const byIssuer = new Map<string, FederatedWorkload[]>();
    for (const workload of workloads.filter(isFederated)) {
        byIssuer.set(getIssuer(workload), [...(byIssuer.get(getIssuer(workload)) ?? []), workload]);
    }
    return [...byIssuer].map(([issuer, group]) => {
        const [first] = group as [FederatedWorkload];
        const jwksJson = group.map((each) => ("jwksJson" in each ? each.jwksJson : undefined)).find(Boolean);
        return {
            id: getProviderId(first),
            issuer,
            ...(jwksJson === undefined ? {} : { jwksJson }),
            ...(first.type === "oidc"
                ? claimsProvider(group as WorkloadOf<"oidc">[])
                : systemProvider(group as WorkloadOf<FederatedType>[])),
        };
    });
}

/** Groups come from one type, because an issuer belongs to one type. */
function systemProvider(group: readonly WorkloadOf<FederatedType>[]): TokenRules {
    const [first] = group as [WorkloadOf<FederatedType>];
    const system = getSystem(first);
    const mapping: Record<string, string> = {
        "google.subject": joined(literal(system.name), system.subject),
    };
    const readers: ClaimMatch[] = [];
    const trusted = new Set<string>();
    for (const workload of group) {
        const { attribute, claims } = getSelection(workload);
        const value = joined(literal(getProviderId(first)), ...claims.map(({ claim }) => claim));
        const condition = system.trusted(workload).join(" && ");
        if (workload.access === "reader") readers.push(system.unit(workload));
        else trusted.add(condition);
        mapping[attribute] = workload.access === "reader" ? value : `${condition} ? ${value} : "untrusted"`;
    }
    const tenants = anyOf(group.map(system.tenant ?? system.unit));
    const admitted = [...trusted, ...(readers.length === 0 ? [] : [anyOf(readers)])].join(" || ");
    return {
        audiences: system.audiences?.(first) ?? [],
        mapping,
        condition: trusted.size === 0 ? tenants : `(${tenants}) && (${admitted})`,
    };
}

function claimsProvider(group: readonly WorkloadOf<"oidc">[]): TokenRules {
    return {
        audiences: [...new Set(group[0]?.audiences)],
        mapping: {
            "google.subject": getSubject(group),
            ...Object.fromEntries(
                group.map((workload) => [
                    `attribute.${claimsAttribute(workload)}`,
                    `${matchingClaims(workload)} ? "granted" : "none"`,
                ]),
            ),
        },
        condition: [...new Set(group.map(matchingClaims))].join(" || "),
    };
}

/**
 * The attribute that says whether a token has the claims of a workload. Only the provider of this issuer maps it: all providers
 * of a pool share the subjects and the attributes, also those that stay when their workloads are removed.
 */
function claimsAttribute(workload: WorkloadOf<"oidc">): string {
    return `${getProviderId(workload).replace("-", "_")}_${claimsHash(workload)}`;
}

function getSystem(workload: WorkloadOf<FederatedType>): FederatedSystem<WorkloadOf<FederatedType>> {
    // Each system gets only entries of its own type.
    return systems[workload.type] as FederatedSystem<WorkloadOf<FederatedType>>;
}

/** The attribute by which IAM recognizes a workload, and the claims that it is composed of. */
function getSelection(workload: WorkloadOf<FederatedType>): { attribute: string; claims: SelectedClaim[] } {
    const { tenant, unit, select } = getSystem(workload);
    const claims = [unit(workload), ...(select?.(workload) ?? [])].filter(({ value }) => value !== undefined);
    const names = claims.flatMap(({ name }) => name ?? []);
    const added = "events" in workload ? [...(workload.events ?? [])].sort() : [];
    // Writers have attributes of their own, which only tokens of accepted code get.
    const attribute = workload.access === "reader" ? names : ["trusted", ...names, ...added];
    return {
        attribute: `attribute.${attribute.join("_")}`,
        claims: [...(tenant === undefined ? [] : [tenant(workload)]), ...claims],
    };
}

function getProviderId(workload: FederatedWorkload): string {
    const issuer = getIssuer(workload);
    if (workload.type === "oidc") return `oidc-${shortHash(issuer)}`;
    const system = getSystem(workload);
    return issuer === system.issuer ? system.name : `${system.name}-${shortHash(issuer)}`;
}

/** A CEL expression: whether a claim has one of the values that it has in the list. */
function anyOf(matches: readonly ClaimMatch[]): string {
    const values = new Map<string, Set<string>>();
    for (const { claim, value } of matches) values.set(claim, (values.get(claim) ?? new Set()).add(value));
    return [...values]
        .map(([claim, set]) => {
            const [only = "", ...rest] = set;
            return rest.length === 0 ? `${claim} == ${literal(only)}` : `${claim} in ${literal([...set])}`;
        })
        .join(" || ");
}

function joined(...expressions: readonly string[]): string {
    return expressions.join(' + ":" + ');
}
