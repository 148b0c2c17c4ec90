import type { Role } from "../names/principals";
import { shortHash } from "../names/short-hash";
import { literal } from "./claims";
import type { Federation, TokenRules } from "./system";

// A system that signs tokens with known claims. A provider says whose tokens are accepted (condition) and which of their claims a
// grant can name (mapping).

/** A comparison of a claim with the value that a workload has. */
interface ClaimMatch {
    /** The claim as a CEL expression, such as `assertion.repository_id`. */
    readonly claim: string;
    readonly value: string;
}

/** One of the claims that identify a workload. An attribute is composed of them. */
interface SelectedClaim {
    /** Its part of the attribute's name. */
    readonly name?: string;
    readonly claim: string;
    /** undefined: the workload accepts every value. */
    readonly value: string | undefined;
}

/** The claims of a system's tokens. They are read in CEL. */
export interface Claims<W> {
    /** Short name, in lowercase letters. It is the id of the provider if the system has one issuer for everyone. */
    readonly name: string;
    /** Recognizes the issuers of the system, in canonical spelling. */
    readonly issuers: RegExp;
    /**
     * The issuer, exactly as in the claim `iss`, unless the workload has one of its own: one for all customers of the system, or
     * one for each organization.
     */
    readonly issuer: string | ((workload: W) => string);
    /** The audiences of the tokens if they cannot be the name of the provider. */
    readonly audiences?: (workload: W) => readonly string[];
    /** The tokens' subject as a CEL expression of short claims, for Google's logs. No grant names it. */
    readonly subject: string;
    /** The id of the tenant, if it is not the unit: tokens of other tenants are refused. */
    readonly tenant?: (workload: W) => ClaimMatch;
    /** The repository, project or pipeline that the token is for. */
    readonly unit: (workload: W) => SelectedClaim & ClaimMatch;
    /**
     * The claims that identify a workload of that unit, in the order in which the attribute has them. Google accepts at most 127
     * bytes for all values together.
     */
    readonly select?: (workload: W) => readonly SelectedClaim[];
    /**
     * CEL expressions that are all true if a token comes from code that was accepted, and from a run that no stranger can start.
     * They follow from the attribute that the workload selects and from its `events`. Without a claim, one of them is false: if it
     * had no value, Google would refuse the token, also as a reader.
     *
     * @param workload one that can upload
     */
    readonly trusted: (workload: W) => readonly [string, ...string[]];
}

/** The entries of all these systems have these keys, some of them only at some systems. */
interface FederatedEntry {
    readonly access: Role;
    readonly issuer?: string;
    readonly events?: readonly string[];
}

/** How Google recognizes the tokens of a system with known claims. */
export function federated<W extends FederatedEntry>(system: Claims<W>): Federation<W> {
    const issuer = (workload: W) =>
        workload.issuer ?? (typeof system.issuer === "string" ? system.issuer : system.issuer(workload));
    const providerId = (workload: W) =>
        issuer(workload) === system.issuer ? system.name : `${system.name}-${shortHash(issuer(workload))}`;
    return {
        issuers: system.issuers,
        issuer,
        providerId,
        selector: (workload) => {
            const { attribute, claims } = getSelection(system, workload);
            return `${attribute}/${[providerId(workload), ...claims.map(({ value }) => value)].join(":")}`;
        },
        rules: (workloads) => getRules(system, workloads, providerId),
    };
}

function getRules<W extends FederatedEntry>(
    system: Claims<W>,
    workloads: readonly W[],
    providerId: (workload: W) => string,
): TokenRules {
    const [first] = workloads as [W];
    const mapping: Record<string, string> = {
        "google.subject": joined(literal(system.name), system.subject),
    };
    const readers: ClaimMatch[] = [];
    const trusted = new Set<string>();
    for (const workload of workloads) {
        const { attribute, claims } = getSelection(system, workload);
        const value = joined(literal(providerId(first)), ...claims.map(({ claim }) => claim));
        const condition = system.trusted(workload).join(" && ");
        if (workload.access === "reader") readers.push(system.unit(workload));
        else trusted.add(condition);
        mapping[attribute] = workload.access === "reader" ? value : `${condition} ? ${value} : "untrusted"`;
    }
    const tenants = anyOf(workloads.map(system.tenant ?? system.unit));
    const admitted = [...trusted, ...(readers.length === 0 ? [] : [anyOf(readers)])].join(" || ");
    return {
        audiences: system.audiences?.(first) ?? [],
        mapping,
        condition: trusted.size === 0 ? tenants : `(${tenants}) && (${admitted})`,
    };
}

/** The attribute by which IAM recognizes a workload, and the claims that it is composed of. */
function getSelection<W extends FederatedEntry>(
    { tenant, unit, select }: Claims<W>,
    workload: W,
): { attribute: string; claims: SelectedClaim[] } {
    const claims = [unit(workload), ...(select?.(workload) ?? [])].filter(({ value }) => value !== undefined);
    const names = claims.flatMap(({ name }) => name ?? []);
    // Writers have attributes of their own, which only tokens of accepted code get.
    const attribute =
        workload.access === "reader" ? names : ["trusted", ...names, ...[...(workload.events ?? [])].sort()];
    return {
        attribute: `attribute.${attribute.join("_")}`,
        claims: [...(tenant === undefined ? [] : [tenant(workload)]), ...claims],
    };
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
