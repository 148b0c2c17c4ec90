import { type ResourceValidationPolicy, UnknownValueError } from "@pulumi/policy";
import type { AttributeMapping, StableClaims } from "../conditions";
import { known } from "../grants";
import { type Issuer, issuerNamed, withoutSlash } from "../issuers";
import type { ParameterSchema } from "../parameters";
import { isKind } from "../resource-types";

interface Parameters {
    /** From issuer to claims. */
    readonly stableClaims?: Readonly<Record<string, readonly string[]>>;
}

/** The arguments of a provider. */
interface ProviderProperties {
    readonly workloadIdentityPoolProviderId?: string;
    readonly attributeCondition?: string;
    readonly attributeMapping?: AttributeMapping;
    readonly disabled?: boolean;
    readonly oidc?: { readonly issuerUri?: string };
}

const stableClaimsSchema: ParameterSchema = {
    type: "object",
    additionalProperties: { type: "array", items: { type: "string" } },
    description:
        'More stable claims, by issuer, as in {"https://kubernetes.example.com": ["sub"]}. For claims that nobody else can get.',
    default: {},
};

/**
 * Refuses OIDC providers that do not compare a stable id of the token. A provider for AWS names its account, and one for SAML or
 * X.509 its own keys: these are no issuers that strangers share.
 */
export function federationCondition(name: string): ResourceValidationPolicy {
    return {
        name,
        description: "Workload identity federation accepts tokens by ids that cannot be renamed.",
        enforcementLevel: "mandatory",
        severity: "critical",
        configSchema: { properties: { stableClaims: stableClaimsSchema } },
        validateResource: (args, report) => {
            if (!isKind("provider", args.type)) return;
            const props = args.props as ProviderProperties;
            if (props.oidc === undefined || props.disabled === true) return;
            const issuer = props.oidc.issuerUri ?? "";
            const { stableClaims = {} } = args.getConfig<Parameters>();
            const system = issuerNamed(issuer);
            const configured = Object.entries(stableClaims)
                .filter(([each]) => withoutSlash(each) === withoutSlash(issuer))
                .flatMap(([, claims]) => claims);
            const problem = findProblem(props, issuer, system !== undefined, {
                has: (claim, value = "") =>
                    configured.includes(claim) ||
                    system?.claims.includes(claim) ||
                    (claim === "sub" && system?.subject?.test(value)) ||
                    false,
                hasPrefix: (claim, prefix) => (claim === "sub" && system?.subject?.test(prefix)) || false,
            });
            if (problem !== undefined) {
                const id = known(() => props.workloadIdentityPoolProviderId) ?? args.name;
                report(`The provider ${id} ${problem} ${remedyFor(issuer, system, name)}`);
            }
        },
    };
}

function findProblem(
    { attributeCondition: condition = "", attributeMapping: mapping = {} }: ProviderProperties,
    issuer: string,
    isKnown: boolean,
    stable: StableClaims,
): string | undefined {
    if (condition.trim() === "") {
        return `accepts every token of ${issuer}, because it has no attributeCondition.`;
    }
    let comparison;
    try {
        comparison = conditionsModule().compareClaims(condition, mapping, stable);
    } catch (error) {
        if (error instanceof UnknownValueError) throw error;
        return `has an attributeCondition or attributeMapping that cannot be read: ${(error as Error).message}.`;
    }
    if (comparison.stable) return undefined;
    const claims = [...comparison.claims];
    if (claims.some((claim) => stable.has(claim))) {
        return "can accept a token without comparing an id of it, because not every branch of its attributeCondition compares one with == or in.";
    }
    if (claims.length === 0) return "accepts tokens by an attributeCondition that reads no claim of them.";
    const names = claims.map((claim) => `assertion.${claim}`).join(", ");
    return isKnown
        ? `accepts tokens by ${names}. Other owners can get such names, for example after a rename.`
        : `accepts tokens by ${names}. This rule does not know the ids in tokens of ${issuer}.`;
}

/** Only a stack with an OIDC provider loads this module, and the parser with it. */
function conditionsModule(): typeof import("../conditions") {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- import() is not transpiled
    return require("../conditions") as typeof import("../conditions");
}

function remedyFor(issuer: string, system: Issuer | undefined, rule: string): string {
    return system === undefined
        ? `Compare an id of the owner with == or in, and add the claim to the parameter stableClaims of ${rule}, as in {"${issuer}": ["CLAIM"]}.`
        : `Compare an id with == or in, as in ${system.example ?? `assertion.${system.claims[0] ?? "sub"}`} == "ID".`;
}
