import type { ClaimValue, WorkloadOf } from "../validation/workloads";
import { literal } from "./federated-system";
import { shortIds } from "./oidc-issuers";
import { shortHash } from "./short-hash";

// The claims that a token of type oidc must have, in CEL.

type Oidc = WorkloadOf<"oidc">;

/** A CEL expression: whether a token has all the claims of a workload. */
export function matchingClaims({ claims }: Oidc): string {
    return sorted(claims)
        .map(([name, values]) => `${literal(name)} in assertion && ${comparison(claim(name), values)}`)
        .join(" && ");
}

/** A short id of what a workload compares. */
export function claimsHash({ claims }: Oidc): string {
    return shortHash(JSON.stringify(sorted(claims)), 16);
}

/** A CEL expression: the id in a token of one of the workloads, which have the same issuer. */
export function getSubject(workloads: readonly Oidc[]): string {
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
