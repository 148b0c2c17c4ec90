import { createHash } from "node:crypto";
import type { Workload, WorkloadOf } from "../validation/workloads";
import { azureDevOps } from "./azure-devops";
import { buildkite } from "./buildkite";
import { circleCi } from "./circle-ci";
import { githubActions } from "./github-actions";
import { gitlabCi } from "./gitlab-ci";
import { hcpTerraform } from "./hcp-terraform";

// Workload identity federation: Google exchanges the token of another system for one of its own. A provider says whose
// tokens are accepted (condition) and which of their claims a grant can name (mapping).

/** A comparison of a claim with the value that a workload has. */
export interface ClaimMatch {
    /** The claim as a CEL expression, such as `assertion.repository_id`. */
    readonly claim: string;
    readonly value: string;
}

/** What a workload must be, in terms of its tokens. */
export interface Selection {
    /** Name of the attribute that is composed of the claims, without the prefix for writers. */
    readonly attribute: string;
    /** The claims that identify the workload, in the order in which the attribute has them. */
    readonly claims: readonly ClaimMatch[];
}

/** A CI system, or another system that signs tokens with known claims. `W` is an entry of `workloads` of its type. */
export interface FederatedSystem<W> {
    /** Short name, in lowercase letters. It is the id of the provider if the system has one issuer for everyone. */
    readonly name: string;
    /** The issuer, exactly as in the claim `iss`. */
    issuer(workload: W): string;
    /** The issuer that all customers of the system share; undefined if each organization has its own. */
    readonly sharedIssuer?: string;
    /** The audiences of the tokens if they cannot be the name of the provider. */
    audiences?(workload: W): readonly string[];
    /** The tokens' subject as a CEL expression of short claims, for Google's logs. No grant names it. */
    readonly subject: string;
    /** The id of the tenant: tokens of other tenants are refused. */
    tenant(workload: W): ClaimMatch;
    /** The repository, project or pipeline that the token is for. */
    unit(workload: W): ClaimMatch;
    select(workload: W): Selection;
    /**
     * A CEL expression: whether a token comes from code that someone else proposes, such as a pull request.
     *
     * @param writers the workloads with the same issuer that can upload
     */
    untrusted(writers: readonly W[]): string;
}

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

/** A federated workload: its provider, and what of the mapped token is granted. */
export interface FederatedIdentity {
    readonly providerId: string;
    /** The last part of the principal: `attribute.NAME/VALUE`. */
    readonly selector: string;
}

/** The workloads that a pool needs a provider for. */
export type FederatedWorkload = WorkloadOf<FederatedType | "oidc">;

/** Whether a workload comes in through a workload identity pool of this registry. */
export function isFederated(workload: Workload): workload is FederatedWorkload {
    return workload.type === "oidc" || workload.type in systems;
}

/** The issuers of the known systems that all their customers share, by type. */
export const sharedIssuers: ReadonlyMap<string, string> = new Map(
    Object.entries(systems).flatMap(([type, { sharedIssuer }]) =>
        sharedIssuer === undefined ? [] : [[sharedIssuer, type] as const],
    ),
);

/** The names of the attributes that are granted. The mapping of an `oidc` workload cannot have them. */
export function isReservedAttribute(name: string): boolean {
    return /^(?:oidc_.*|(?:trusted_)?(?:repository|project|namespace|pipeline|workspace)(?:_(?:ref|environment|protected|origin))*)$/.test(
        name,
    );
}

/** The issuer of a workload's tokens. */
export function issuerOf(workload: FederatedWorkload): string {
    return workload.type === "oidc" ? workload.issuer : systemOf(workload).issuer(workload);
}

/** How IAM recognizes a federated workload. */
export function federatedIdentity(workload: FederatedWorkload): FederatedIdentity {
    const providerId = providerIdOf(workload);
    if (workload.type === "oidc") {
        const { mapped, value } = grantedValue(workload);
        return { providerId, selector: `attribute.${issuerAttribute(providerId, mapped)}/${value}` };
    }
    const { attribute, claims } = systemOf(workload).select(workload);
    return {
        providerId,
        selector: `attribute.${attributeName(workload, attribute)}/${[providerId, ...claims.map(({ value }) => value)].join(":")}`,
    };
}

/** The providers that workloads need, one for each issuer. */
export function providersFor(workloads: readonly Workload[]): Provider[] {
    const byIssuer = new Map<string, FederatedWorkload[]>();
    for (const workload of workloads.filter(isFederated)) {
        byIssuer.set(issuerOf(workload), [...(byIssuer.get(issuerOf(workload)) ?? []), workload]);
    }
    return [...byIssuer].map(([issuer, group]) => {
        const [first] = group as [FederatedWorkload];
        const jwksJson = group.map((each) => ("jwksJson" in each ? each.jwksJson : undefined)).find(Boolean);
        return {
            id: providerIdOf(first),
            issuer,
            ...(jwksJson === undefined ? {} : { jwksJson }),
            ...(first.type === "oidc"
                ? customProvider(group as WorkloadOf<"oidc">[])
                : systemProvider(group as WorkloadOf<FederatedType>[])),
        };
    });
}

/** Groups come from one type, because an issuer belongs to one type. */
function systemProvider(
    group: readonly WorkloadOf<FederatedType>[],
): Pick<Provider, "audiences" | "mapping" | "condition"> {
    const [first] = group as [WorkloadOf<FederatedType>];
    const system = systemOf(first);
    const providerId = providerIdOf(first);
    const writers = group.filter(({ access }) => access !== "reader");
    const untrusted = system.untrusted(writers);
    const mapping: Record<string, string> = { "google.subject": joined(quoted(system.name), system.subject) };
    for (const workload of group) {
        const { attribute, claims } = system.select(workload);
        const value = joined(quoted(providerId), ...claims.map(({ claim }) => claim));
        mapping[`attribute.${attributeName(workload, attribute)}`] =
            workload.access === "reader" ? value : `${untrusted} ? "pull_request" : ${value}`;
    }
    const admitted = anyOf(group.map((workload) => system.tenant(workload)));
    const readers = group
        .filter(({ access }) => access === "reader")
        .map((workload) => system.unit(workload));
    const condition =
        writers.length === 0
            ? admitted
            : readers.length === 0
              ? `(${admitted}) && !(${untrusted})`
              : `(${admitted}) && (!(${untrusted}) || ${anyOf(readers)})`;
    return { audiences: system.audiences?.(first) ?? [], mapping, condition };
}

function customProvider(
    group: readonly WorkloadOf<"oidc">[],
): Pick<Provider, "audiences" | "mapping" | "condition"> {
    const mapping = Object.assign({}, ...group.map((each) => each.mapping)) as Record<string, string>;
    const byCondition = new Map<string, ClaimMatch[]>();
    for (const workload of group) {
        const { mapped, value } = grantedValue(workload);
        const others = byCondition.get(workload.condition) ?? [];
        byCondition.set(workload.condition, [...others, { claim: mapped, value }]);
    }
    const ownAttributes = group.map((workload): [string, string] => {
        const { mapped } = grantedValue(workload);
        return [`attribute.${issuerAttribute(providerIdOf(workload), mapped)}`, mapping[mapped] ?? ""];
    });
    const granted = anyOf([...byCondition.values()].flat());
    const [first = "", ...others] = byCondition.keys();
    // A token that has what one workload is granted must meet the condition of that workload.
    const conditions =
        others.length === 0
            ? `(${first})`
            : [...byCondition]
                  .map(([condition, matches]) => `(!(${anyOf(matches)}) || (${condition}))`)
                  .join(" && ");
    return {
        audiences: [...new Set(group.flatMap(({ audiences }) => audiences))],
        mapping: { ...mapping, ...Object.fromEntries(ownAttributes) },
        condition: `${conditions} && (${granted})`,
    };
}

/** What of its mapping an `oidc` workload is granted by. */
function grantedValue({ subject, attribute = "" }: WorkloadOf<"oidc">): { mapped: string; value: string } {
    if (subject !== undefined) return { mapped: "google.subject", value: subject };
    const slash = attribute.indexOf("/");
    return { mapped: `attribute.${attribute.slice(0, slash)}`, value: attribute.slice(slash + 1) };
}

/**
 * The attribute of the pool with the same value, which only the provider of this issuer maps. All providers of a pool share
 * the subjects and the other attributes, also those that stay when their workloads are removed. So a grant by one of these
 * would also be a grant to what another issuer puts there.
 */
function issuerAttribute(providerId: string, mapped: string): string {
    return (
        providerId.replace("-", "_") + mapped.replace(/^google\.subject$/, "").replace(/^attribute\./, "_")
    );
}

function systemOf(workload: WorkloadOf<FederatedType>): FederatedSystem<WorkloadOf<FederatedType>> {
    // Each system gets only entries of its own type.
    return systems[workload.type];
}

/** Writers have attributes of their own, which no pull request gets. */
function attributeName({ access }: Pick<Workload, "access">, attribute: string): string {
    return access === "reader" ? attribute : `trusted_${attribute}`;
}

function providerIdOf(workload: FederatedWorkload): string {
    const issuer = issuerOf(workload);
    if (workload.type === "oidc") return `oidc-${shortHash(issuer)}`;
    const { name, sharedIssuer } = systemOf(workload);
    return issuer === sharedIssuer ? name : `${name}-${shortHash(issuer)}`;
}

function shortHash(text: string): string {
    return createHash("sha256").update(text).digest("hex").slice(0, 8);
}

/** A CEL expression: whether a claim has one of the values that it has in the list. */
function anyOf(matches: readonly ClaimMatch[]): string {
    const values = new Map<string, Set<string>>();
    for (const { claim, value } of matches) values.set(claim, (values.get(claim) ?? new Set()).add(value));
    return [...values]
        .map(([claim, set]) => {
            const [only, ...rest] = [...set].map(quoted);
            return rest.length === 0
                ? `${claim} == ${only ?? ""}`
                : `${claim} in [${[only, ...rest].join(", ")}]`;
        })
        .join(" || ");
}

function joined(...expressions: readonly string[]): string {
    return expressions.join(' + ":" + ');
}

/** A CEL string literal. https://github.com/google/cel-spec/blob/master/doc/langdef.md#string-and-bytes-values */
function quoted(text: string): string {
    return JSON.stringify(text);
}
