import * as v from "valibot";
import { federatedScript, tokenAudience } from "../ci/commands";
import type { SnippetContext } from "../ci/context";
import { fileOf } from "../ci/text";
import { shortHash } from "../names/short-hash";
import { isRecord, text } from "../validation/schema";
import { literal } from "./claims";
import { common, issuerUrl, jwksJson } from "./keys";
import { claimMistakes, type ClaimValue, shortIds } from "./oidc-issuers";
import type { Entry, Federation, ReportEntry, System } from "./system";

// Any system that signs tokens. A workload says which claims a token must have.

const issuer = issuerUrl(
    /^(?!.*\/\.well-known\/)https:\/\/[a-z0-9.-]+(?::\d+)?(?:\/[^\s?#]*)?$/i,
    "query, fragment and /.well-known/",
);
const claimValues =
    "the exact value of the claim (text, an exact number, true or false), or a list of such values";
const claimValue = v.custom<ClaimValue>(
    (value) =>
        typeof value === "boolean" ||
        Number.isSafeInteger(value) ||
        // Control characters have no place in a condition, and an asterisk would look like a wildcard.
        (typeof value === "string" && /^[^\p{C}*]{1,512}$/u.test(value)),
    `is not valid. Allowed: ${claimValues}. Text has 1 to 512 characters, without control characters and *.`,
);
const claims = v.pipe(
    v.custom<Record<string, unknown>>(
        isRecord,
        ({ input }) =>
            `${input === undefined ? "is not set" : "is not a map"}. Allowed: a map from claim to ${claimValues}, as in sub: builds. Every claim must have its value.`,
    ),
    // A record would skip the keys that every JavaScript object has, and with them a condition.
    v.rawTransform(({ dataset, addIssue }): Record<string, ClaimValue[]> => {
        const parsed = Object.entries(dataset.value).map(([name, given]): [string, ClaimValue[]] => {
            const report = (message: string, value: unknown = name) => {
                addIssue({
                    message,
                    input: value,
                    path: [
                        { type: "object", origin: "value", input: dataset.value, key: name, value: given },
                    ],
                });
            };
            if (!/^[^\p{C}]{1,128}$/u.test(name)) {
                report(
                    "is not the name of a claim. Allowed: 1 to 128 characters, without control characters.",
                );
            } else if (["aud", "iss"].includes(name)) {
                report("has its own key. Allowed: other claims. Use audiences and issuer.");
            } else if (["__proto__", "constructor", "prototype"].includes(name)) {
                report("is a reserved name. Allowed: other claims.");
            }
            const list: readonly unknown[] = Array.isArray(given) ? given : [given];
            if (list.length === 0) report(`is an empty list. Allowed: ${claimValues}.`, given);
            for (const each of list) {
                for (const { message } of v.safeParse(claimValue, each).issues ?? []) report(message, each);
            }
            return [name, list as ClaimValue[]];
        });
        if (parsed.length === 0) addIssue({ message: "is empty. Allowed: at least one claim." });
        return Object.fromEntries(parsed);
    }),
);
const keys = {
    ...common,
    issuer,
    jwksJson: v.exactOptional(jwksJson),
    audiences: v.optional(
        v.pipe(
            v.array(
                v.pipe(
                    text("an audience"),
                    v.minLength(1, "is empty."),
                    v.maxLength(256, "is too long. Allowed: at most 256 characters."),
                ),
                "is not a list. Allowed: a list of audiences.",
            ),
            v.maxLength(10, "has too many entries. Allowed: at most 10 audiences."),
        ),
        [],
    ),
    claims,
};
type Oidc = Entry<typeof keys>;

const providerId = (workload: Oidc) => `oidc-${shortHash(workload.issuer)}`;

const identity: Federation<Oidc> = {
    issuer: (workload) => workload.issuer,
    providerId,
    selector: (workload) => `attribute.${getAttribute(workload)}/granted`,
    rules: (workloads) => ({
        audiences: [...new Set(workloads[0]?.audiences)],
        mapping: {
            "google.subject": getSubject(workloads),
            ...Object.fromEntries(
                workloads.map((workload) => [
                    `attribute.${getAttribute(workload)}`,
                    `${matchingClaims(workload)} ? "granted" : "none"`,
                ]),
            ),
        },
        condition: [...new Set(workloads.map(matchingClaims))].join(" || "),
    }),
};

/**
 * The attribute that says whether a token has the claims of a workload. Only the provider of this issuer maps it: all providers
 * of a pool share the subjects and the attributes, also those that stay when their workloads are removed.
 */
function getAttribute(workload: Oidc): string {
    return `${providerId(workload).replace("-", "_")}_${claimsHash(workload)}`;
}

/** A CEL expression: whether a token has all the claims of a workload. */
function matchingClaims({ claims }: Oidc): string {
    return sorted(claims)
        .map(([name, values]) => `${literal(name)} in assertion && ${comparison(claim(name), values)}`)
        .join(" && ");
}

/** A short id of what a workload compares. */
function claimsHash({ claims }: Oidc): string {
    return shortHash(JSON.stringify(sorted(claims)), 16);
}

/** A CEL expression: the id in a token of one of the workloads, which have the same issuer. */
function getSubject(workloads: readonly Oidc[]): string {
    const byId = new Map<string, string[]>();
    for (const workload of workloads) {
        const [name = "sub"] = shortIds(workload);
        const isText = workload.claims[name]?.every((value) => typeof value === "string");
        const id = isText === true ? claim(name) : `string(${claim(name)})`;
        byId.set(id, [...(byId.get(id) ?? []), matchingClaims(workload)]);
    }
    return [...byId].reduceRight(
        (rest, [id, matches]) => (rest === "" ? id : `${matches.join(" || ")} ? ${id} : ${rest}`),
        "",
    );
}

function claim(name: string): string {
    return `assertion[${literal(name)}]`;
}

function comparison(left: string, values: readonly ClaimValue[]): string {
    const strings = values.filter((value) => typeof value === "string");
    const any = [
        ...(strings.length > 1 ? [`${left} in ${literal(strings)}`] : []),
        ...values.flatMap((value) =>
            typeof value === "string"
                ? strings.length > 1
                    ? []
                    : [`${left} == ${literal(value)}`]
                : // A number in JSON can be an integer or a floating-point number in CEL.
                  [`${left} == ${value}`, ...(typeof value === "number" ? [`${left} == ${value}.0`] : [])],
        ),
    ];
    return any.length === 1 ? (any[0] ?? "") : `(${any.join(" || ")})`;
}

/** In one order, so that the order in the configuration makes no difference. */
function sorted(claims: Oidc["claims"]): [name: string, values: ClaimValue[]][] {
    return Object.entries(claims)
        .map(([name, values]): [string, ClaimValue[]] => [name, [...values].sort()])
        .sort(([one], [other]) => (one < other ? -1 : 1));
}

function check(workload: Oidc, report: ReportEntry): void {
    for (const mistake of claimMistakes(workload)) report(...mistake);
}

/** A job of any system that signs tokens: sh commands with the credential configuration file. */
function snippet(context: SnippetContext<Oidc>): string {
    return fileOf(
        "# In a job of your system, with its token in OIDC_TOKEN. Audience of the token:",
        // In JSON, an audience cannot end the comment.
        `# ${JSON.stringify(context.workload.audiences[0] ?? tokenAudience(context))}`,
        ...federatedScript(context, (file) => [`printf %s "$OIDC_TOKEN" > ${file}`]),
    );
}

export const oidc = { keys, check, identity, snippet } satisfies System<Oidc>;
