// What a resource is, by its type. These packages have the resources of Google Cloud under different names: gcp, google-native,
// and google and google-beta, which `pulumi package add terraform-provider` makes of the Terraform providers.

/** What an IAM resource grants a role on: a pool is one of workload identities or of a workforce, above is a project, folder or organization. */
export type GrantLevel = "repository" | "account" | "pool" | "above";

/** The resources that rules look at, other than grants. */
export type ResourceKind = "repository" | "rule" | "account" | "key" | "provider" | "customRole";

/** How a resource grants roles: to one member, to the members of one role, by a whole policy, or to those who ask for the role. */
export type GrantForm = "member" | "binding" | "policy" | "entitlement";

/** The names that {@link getName} returns. */
const kinds: Readonly<Record<ResourceKind, RegExp>> = {
    repository: /^artifactregistryrepository$/,
    rule: /^artifactregistry(?:repository)?rule$/,
    account: /^serviceaccount(?:account)?$|^iamserviceaccount$/,
    key: /^(?:serviceaccount|iam)key$/,
    provider: /^iam(?:workloadidentitypool)?provider$/,
    customRole: /^(?:projects?|organizations?)iamcustomrole$|^iam(?:organization)?role$/,
};

const grants: Readonly<Record<GrantLevel, RegExp>> = {
    repository: /^artifactregistryrepositoryiam(member|binding|policy)$/,
    account: /^(?:iam)?serviceaccountiam(member|binding|policy)$/,
    pool: /^iamwork(?:loadidentity|force)pooliam(member|binding|policy)$/,
    above: /^(?:cloudresourcemanager)?(?:projects?|folder|organizations?)iam(member|binding|policy)$|^privilegedaccessmanager(entitlement)$/,
};

/** Whether a resource is of a kind. */
export function isKind(kind: ResourceKind, type: string): boolean {
    return kinds[kind].test(getName(type));
}

/** What a resource grants roles on, and how; undefined if it does not grant roles on one of these. */
export function findGrant(
    type: string,
): { readonly level: GrantLevel; readonly form: GrantForm } | undefined {
    const name = getName(type);
    for (const level of Object.keys(grants) as GrantLevel[]) {
        const form = grants[level].exec(name)?.slice(1).find(Boolean);
        if (form !== undefined) return { level, form: form as GrantForm };
    }
    return undefined;
}

/**
 * The name of a resource type in lowercase letters, with its module: `serviceaccountiammember` for
 * `gcp:serviceaccount/iAMMember:IAMMember` and `google:index/serviceAccountIamMember:ServiceAccountIamMember`, and
 * `iamserviceaccountiammember` for `google-native:iam/v1:ServiceAccountIamMember`. Empty for other packages.
 */
function getName(type: string): string {
    const [, module = "", name = ""] =
        /^(?:gcp|google(?:-native|-beta)?):([^/:]+)[^:]*:(.+)$/.exec(type) ?? [];
    return ((module === "index" ? "" : module) + name).toLowerCase();
}
