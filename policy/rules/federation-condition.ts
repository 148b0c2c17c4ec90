import type { ResourceValidationPolicy } from "@pulumi/policy";
import { type AttributeMapping, compareClaims } from "../conditions";
import { known } from "../grants";
import type { ParameterSchema } from "../parameters";

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

/**
 * Claims that no rename, transfer or new owner changes. Not among them: ids of a person, such as `actor_id` and `user_id`,
 * because a person can be made to start a job of someone else's repository.
 */
const stableClaims: ReadonlySet<string> = new Set([
    // GitHub Actions
    ...["repository_id", "repository_owner_id", "enterprise_id"],
    // GitLab CI
    ...["project_id", "namespace_id", "job_project_id", "job_namespace_id"],
    // CircleCI
    ...["oidc.circleci.com/project-id", "oidc.circleci.com/context-ids"],
    // Bitbucket Pipelines
    ...["workspaceUuid", "repositoryUuid", "deploymentEnvironmentUuid"],
    // Azure DevOps, with its own issuer and with Microsoft Entra
    ...["org_id", "prj_id", "def_id", "rpo_id", "oid", "tid"],
    // HCP Terraform
    ...["terraform_organization_id", "terraform_project_id", "terraform_workspace_id"],
    // Buildkite
    ...["organization_id", "pipeline_id"],
    // Kubernetes
    "kubernetes.io.serviceaccount.uid",
]);

/** For messages: the claim to compare, by the host of the issuer. */
const examples: Readonly<Record<string, string>> = {
    "token.actions.githubusercontent.com": "repository_owner_id",
    "gitlab.com": "namespace_id",
    "app.terraform.io": "terraform_organization_id",
    "agent.buildkite.com": "organization_id",
    "vstoken.dev.azure.com": "prj_id",
    "login.microsoftonline.com": "oid",
    "api.bitbucket.org": "workspaceUuid",
};

const stableClaimsSchema: ParameterSchema = {
    type: "object",
    additionalProperties: { type: "array", items: { type: "string" } },
    description:
        'More stable claims, by issuer, as in {"https://kubernetes.example.com": ["sub"]}. For issuers whose names nobody else can get.',
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
            if (args.type !== "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider") return;
            const props = args.props as ProviderProperties;
            if (props.oidc === undefined || props.disabled === true) return;
            const issuer = props.oidc.issuerUri ?? "";
            const { stableClaims: more = {} } = args.getConfig<Parameters>();
            const configured = Object.entries(more).find(
                ([each]) => withoutSlash(each) === withoutSlash(issuer),
            );
            const isStable = (claim: string) =>
                stableClaims.has(claim) || (configured?.[1].includes(claim) ?? false);
            const problem = problemOf(props, issuer, isStable);
            if (problem !== undefined) {
                const id = known(() => props.workloadIdentityPoolProviderId) ?? args.name;
                report(`The provider ${id} ${problem} ${remedyFor(issuer)}`);
            }
        },
    };
}

function problemOf(
    { attributeCondition: condition = "", attributeMapping: mapping = {} }: ProviderProperties,
    issuer: string,
    isStable: (claim: string) => boolean,
): string | undefined {
    if (condition.trim() === "") {
        return `accepts every token of ${issuer}, because it has no attributeCondition.`;
    }
    let comparison;
    try {
        comparison = compareClaims(condition, mapping, isStable);
    } catch (error) {
        return `has an attributeCondition or attributeMapping that cannot be read: ${(error as Error).message}.`;
    }
    if (comparison.stable) return undefined;
    const claims = [...comparison.claims];
    if (claims.some(isStable)) {
        return "can accept a token without comparing an id of it, because not every branch of its attributeCondition compares one with == or in.";
    }
    return claims.length === 0
        ? "accepts tokens by an attributeCondition that reads no claim of them."
        : `accepts tokens by ${claims.map((claim) => `assertion.${claim}`).join(", ")}. Other owners can get such names, for example after a rename.`;
}

function remedyFor(issuer: string): string {
    const example = examples[withoutSlash(issuer).replace(/^https:\/\/([^/]+).*$/, "$1")];
    return example === undefined
        ? "Compare an id of the owner with == or in, and add the claim to the parameter stableClaims if this rule does not have it."
        : `Compare an id with == or in, as in assertion.${example} == "ID".`;
}

function withoutSlash(issuer: string): string {
    return issuer.replace(/\/$/, "");
}
