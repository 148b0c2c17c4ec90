import { changes, describe, poolType, getProject, providerType, valueBefore, valueText } from "./describe";
import type { Preview, Step } from "./events";
import { type Entry, line } from "./entry";
import { say, type Sentence, strong } from "./sentence";
import { isRecord, ownValue, type Properties, serialize, valueAt } from "./values";

// Whose tokens are accepted: workload identity providers and their pools.

/** What decides whose tokens a provider accepts, by property path. */
const terms: readonly (readonly [path: string, words: Sentence])[] = [
    ["oidc.issuerUri", say`issuer`],
    ["aws", say`AWS account`],
    ["saml", say`SAML issuer`],
    ["x509", say`certificates`],
    ["attributeCondition", say`condition`],
    ["oidc.allowedAudiences", say`audiences`],
    ["oidc.jwksJson", say`keys in place of the issuer's own`],
    ["disabled", say`disabled`],
];
/** Operations that leave a provider as it is, or are a part of a replacement. */
const silent = /^(?:same|read|refresh|diff|.*-replace(?:d|ment))$/;

/** The pools and providers that change, and what a token must fulfil. */
export function providerChanges(preview: Preview): Entry[] {
    return preview.steps
        .filter(({ type, op }) => (type === providerType || type === poolType) && !silent.test(op))
        .flatMap((step) => (step.type === providerType ? ofProvider : ofPool)(step, getProject(preview)))
        .map(line);
}

function ofProvider(step: Step, project: string): Sentence[] {
    const { op, old, new: next } = step;
    const what = describe(step, project);
    const entry = (change: string, rest: Sentence) => [say`${strong([{ words: change }])}: ${what}${rest}`];
    if (op === "delete") {
        return old?.retainOnDelete === true
            ? entry("leaves the stack, but still accepts tokens at Google", acceptance(old.inputs))
            : entry("no longer accepts tokens", acceptance(old?.inputs ?? {}));
    }
    if (op === "create" || op === "import") {
        return entry(
            op === "create" ? "accepts tokens" : "is imported, and accepts tokens",
            acceptance(next?.inputs ?? {}),
        );
    }
    const [before, after] = [disabledBefore(step), next?.inputs["disabled"] === true];
    if (after)
        return entry(
            before ? "stays disabled, with other rules" : "no longer accepts tokens",
            termChanges(step),
        );
    // A provider that starts to accept tokens is like a new one.
    if (before)
        return entry(
            "accepts tokens again",
            say`${acceptance(next?.inputs ?? {})}. Changes${termChanges(step)}`,
        );
    const changed = termChanges(step);
    if (op === "update" && changed.length === 0) return [];
    return entry(
        op === "replace" ? "is replaced, and accepts tokens by other rules" : "accepts tokens by other rules",
        changed,
    );
}

function disabledBefore(step: Step): boolean {
    return valueBefore(step, "disabled") === true;
}

/** A pool that is disabled, or enabled again, with all its providers. Its creation and deletion are other changes. */
function ofPool(step: Step, project: string): Sentence[] {
    const paths = step.changedPaths.filter((path) => !/^(?:description|displayName|__)/.test(path));
    if (step.op !== "update" || paths.length === 0) return [];
    return [
        say`${strong(say`accepts tokens by other rules`)}: ${describe(step, project)}${changes(step, paths)}`,
    ];
}

/** Whose tokens a provider accepts. */
function acceptance(inputs: Properties): Sentence {
    const given = getTerms(inputs).flatMap(([path, words]) => {
        const value = valueAt(inputs, path);
        return value === undefined || value === null || value === "" || value === false
            ? []
            : [say`${words} ${valueText(value)}`];
    });
    const { attributeCondition } = inputs;
    const without =
        attributeCondition === undefined || attributeCondition === null || attributeCondition === "";
    return joined([
        ...given,
        ...(without ? [strong(say`no condition, so every token of the issuer is accepted`)] : []),
    ]);
}

/** What changes in whose tokens a provider accepts. */
function termChanges(step: Step): Sentence {
    const inputs = step.new?.inputs ?? {};
    const all = new Map([
        ...getTerms(step.old?.inputs ?? {}),
        ...getTerms(step.old?.outputs ?? {}),
        ...getTerms(inputs),
    ]);
    return joined(
        [...all].flatMap(([path, words]) => {
            const [before, after] = [valueBefore(step, path), valueAt(inputs, path)].map((value) =>
                value === false ? "" : (value ?? ""),
            );
            return serialize(before) === serialize(after)
                ? []
                : [say`${words} ${valueText(before)} → ${valueText(after)}`];
        }),
    );
}

/** The terms, and each attribute that is mapped. */
function getTerms({ attributeMapping }: Properties): [string, Sentence][] {
    const mapped = isRecord(attributeMapping) ? Object.keys(attributeMapping) : [];
    return [
        ...terms.map(([path, words]): [string, Sentence] => [path, words]),
        ...(isRecord(attributeMapping) || attributeMapping === undefined
            ? []
            : [["attributeMapping", say`attribute mapping`] as [string, Sentence]]),
        ...mapped
            .sort()
            .map((name): [string, Sentence] => [
                `attributeMapping[${JSON.stringify(name)}]`,
                say`${name} is`,
            ]),
    ];
}

function joined(parts: readonly Sentence[]): Sentence {
    return parts.flatMap((part, index) => (index === 0 ? say`: ${part}` : say`; ${part}`));
}

/** A federated principal: who it is, and the pool that says so. */
export interface FederatedPrincipal {
    /** What follows the pool decides who it is: the owner, the repository and the branch. */
    readonly selector: string;
    readonly pool: string;
    /** The number of the pool's project. */
    readonly project: string;
}

/**
 * Reads a federated principal; undefined if a principal is of another kind.
 *
 * @see https://cloud.google.com/iam/docs/principal-identifiers
 */
export function federatedPrincipal(principal: string): FederatedPrincipal | undefined {
    const [, project, pool, selector] =
        /^principal(?:Set)?:\/\/iam\.googleapis\.com\/projects\/(\d+)\/locations\/global\/workloadIdentityPools\/([^/]+)\/(.+)$/s.exec(
            principal,
        ) ?? [];
    if (project === undefined || pool === undefined || selector === undefined) return undefined;
    return { selector, pool, project };
}

/** The number of the stack's project, from its pools at Google; an empty text if none says it, or they differ. */
export function ownProjectNumber(steps: readonly Step[], project: string): string {
    const numbers = steps.flatMap(({ type, old, new: next }) => {
        const state = next ?? old;
        if ((type !== poolType && type !== providerType) || state?.inputs["project"] !== project) return [];
        const { name } = state.outputs;
        return typeof name === "string" ? (/^projects\/(\d+)\//.exec(name)?.[1] ?? []) : [];
    });
    const [number = "", ...others] = new Set(numbers);
    return others.length === 0 ? number : "";
}

/** Whose tokens the pool of a principal accepts, if no other entry says so. */
export function getIssuers({ selector, pool }: FederatedPrincipal, steps: readonly Step[]): Sentence {
    // The pool of a project's clusters: Google issues the tokens.
    if (pool.endsWith(".svc.id.goog")) return [];
    const [attribute = ""] = selector.split("/");
    const providers = steps.filter(
        ({ type, new: next }) =>
            type === providerType &&
            next?.inputs["workloadIdentityPoolId"] === pool &&
            (!attribute.startsWith("attribute.") ||
                ownValue(next.inputs["attributeMapping"], attribute) !== undefined),
    );
    if (providers.length === 0) return say`. The preview does not say whose tokens its pool accepts.`;
    return providers
        .filter(({ op }) => op === "same")
        .flatMap(({ new: next }) => say`. Its pool accepts tokens${acceptance(next?.inputs ?? {})}.`);
}
