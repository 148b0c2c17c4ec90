import { createHash } from "node:crypto";
import { type CelExpression, type CelInput, type CelVariable, parseCel } from "../validation/cel";
import type { EntryMistake, WorkloadOf } from "../validation/workloads";
import { formatJson } from "../validation/wording";

// The expressions of an `oidc` workload. Only a stack with one loads this file, because the evaluator is large.

/** The mistakes in the mapping and the condition. The paths start with the key of the entry. */
export function expressionMistakes(workload: WorkloadOf<"oidc">): EntryMistake[] {
    const { mapping, condition } = workload;
    const mapped = Object.entries(mapping).map(([name, source]) => ({
        name,
        source,
        ...parsed(source, ["assertion"]),
    }));
    const { expression, error } = parsed(condition, ["assertion", "google", "attribute"]);
    return [
        ...mapped.flatMap((each): EntryMistake[] =>
            each.error === undefined
                ? []
                : [[["mapping", each.name], each.source, `${notParsed} (${each.error}). ${allowedMapping}`]],
        ),
        ...(expression === undefined
            ? [[["condition"], condition, `${notParsed} (${error ?? ""}). ${allowedCondition}`] as const]
            : conditionMistakes(
                  workload,
                  expression,
                  mapped.flatMap(({ name, expression: each }) => (each ? [{ name, expression: each }] : [])),
              )),
    ];
}

const notParsed = "is not a valid CEL expression";
const allowedMapping = "Allowed: a CEL expression over assertion, as in assertion.sub.";
const allowedCondition =
    'Allowed: a CEL expression that compares a stable id of your tenant, as in assertion.organization_id == "ID".';

function parsed(
    source: string,
    variables: readonly CelVariable[],
): { readonly expression?: CelExpression; readonly error?: string } {
    try {
        return { expression: parseCel(source, variables) };
    } catch (error) {
        return { error: (error as Error).message.replace(/\s+/g, " ").replace(/\.$/, "") };
    }
}

type Mapped = readonly { readonly name: string; readonly expression: CelExpression }[];

function conditionMistakes(
    workload: WorkloadOf<"oidc">,
    expression: CelExpression,
    mapping: Mapped,
): EntryMistake[] {
    const { condition } = workload;
    if (expression.fields.size === 0) {
        return [
            [
                ["condition"],
                condition,
                `names no claim, so it does not depend on the token. ${allowedCondition}`,
            ],
        ];
    }
    for (const token of strangers(workload)) {
        if (!accepts(expression, token, mapping)) continue;
        const named = [...(expression.fields.get("assertion") ?? [])].filter((claim) => claim in token);
        const shown = named.length === 0 ? ["sub"].filter((claim) => claim in token) : named;
        return [
            [
                ["condition"],
                condition,
                `accepts a token of a stranger, with ${shown.length === 0 ? "none of the claims that it names" : `the claims ${formatJson(Object.fromEntries(shown.map((claim) => [claim, token[claim]])))}`}. ${allowedCondition}`,
            ],
        ];
    }
    return [];
}

function accepts(condition: CelExpression, token: Token, mapping: Mapped): boolean {
    // A value that is not mapped for this token is mapped for another stranger's token.
    const google: Token = { subject: token["sub"] ?? "stranger" };
    const attribute: Token = {};
    for (const { name, expression } of mapping) {
        const [group = "", field = ""] = name.split(".");
        const target = group === "google" ? google : attribute;
        target[field] = valueOf(expression, token) ?? token["sub"] ?? "stranger";
    }
    try {
        return condition.evaluate({ assertion: token, google, attribute }) === true;
    } catch {
        return false;
    }
}

function valueOf(expression: CelExpression, token: Token): CelInput | undefined {
    try {
        const value = expression.evaluate({ assertion: token });
        return typeof value === "string" ? value : undefined;
    } catch {
        return undefined;
    }
}

type Token = Record<string, CelInput>;

const usualClaims = ["sub", "azp", "email", "jti", "nonce", "actor", "groups"];

/** Values that a stranger's claim can have. Undefined: the token has no such claim. */
const shapes: readonly ((random: string, fields: readonly string[]) => CelInput | undefined)[] = [
    (random) => `stranger-${random.slice(0, 12)}`,
    (random) => letters(random),
    (random) => letters(random).toUpperCase(),
    (random) => `9${String(Number.parseInt(random.slice(0, 10), 16))}`,
    (random) => Number.parseInt(random.slice(0, 8), 16) + 1,
    () => "true",
    () => "false",
    () => true,
    () => false,
    () => "",
    () => undefined,
    () => "~",
    (random) => `https://stranger.example/${random.slice(0, 8)}`,
    (random) => `${letters(random)}@stranger.example`,
    (random) =>
        `${random.slice(0, 8)}-${random.slice(8, 12)}-4${random.slice(13, 16)}-8${random.slice(17, 20)}-${random.slice(20, 32)}`,
    (random) => `org:stranger-${random.slice(0, 8)}:project:${random.slice(8, 16)}:ref:refs/heads/main`,
    (random) => `${random.slice(0, 8)}/${random.slice(8, 16)}`,
    (random) => random.repeat(5),
    (random) => [`stranger-${random.slice(0, 12)}`],
    () => [],
    (random, fields) => Object.fromEntries(fields.map((name) => [name, `stranger-${random.slice(0, 12)}`])),
];

function letters(random: string): string {
    return random.slice(0, 10).replace(/\d/g, (digit) => "ghijklmnop"[Number(digit)] ?? "q");
}

/**
 * Tokens of the issuer that no condition on a tenant accepts: the issuer and the audience are right, all other claims are
 * somebody else's. They are the same at every call, so that a preview and the update agree.
 */
function* strangers({ issuer, audiences, condition, mapping }: WorkloadOf<"oidc">): Generator<Token> {
    const literal = /"([^"\\]*)"|'([^'\\]*)'/g;
    const source = [condition, ...Object.values(mapping)].join(" ");
    const literals = [...source.matchAll(literal)].map(([, double, single]) => double ?? single ?? "");
    const identifiers = [...source.replace(literal, "").matchAll(/[A-Za-z_]\w*/g)].map(([name]) => name);
    const names = [...new Set([...usualClaims, ...identifiers, ...literals])].filter(
        (name) => !["iss", "aud", "iat", "nbf", "exp", "__proto__"].includes(name),
    );
    // Without configured audiences, the audience is the name of the provider, which has a number that is not known here.
    const accepted =
        audiences.length > 0
            ? audiences
            : [
                  "https://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/oidc",
                  ...literals.filter((literal) => literal.includes("iam.googleapis.com/")),
              ];
    const now = 1_800_000_000;
    const token = (aud: CelInput, claim: (name: string, index: number) => CelInput | undefined): Token => ({
        iss: issuer,
        aud,
        iat: now,
        nbf: now,
        exp: now + 3600,
        ...Object.fromEntries(
            names.flatMap((name, index) => {
                const value = claim(name, index);
                return value === undefined ? [] : [[name, value] as const];
            }),
        ),
    });
    for (const aud of accepted.flatMap((each): CelInput[] => [each, [each]])) {
        for (const [index, shape] of shapes.entries()) {
            // First, all claims have the same value; then, each its own.
            yield token(aud, () => shape(pseudoRandom(`${index}`), identifiers));
            yield token(aud, (name) => shape(pseudoRandom(`${index} ${name}`), identifiers));
        }
        for (let round = 0; round < 100; round++) {
            yield token(aud, (name) => {
                const random = pseudoRandom(`${round} ${name}`);
                return shapes[Number.parseInt(random.slice(-6), 16) % shapes.length]?.(random, identifiers);
            });
        }
    }
}

function pseudoRandom(seed: string): string {
    return createHash("sha256").update(seed).digest("hex");
}
