import assert from "node:assert/strict";
import type { LoggedRequest } from "../packages/sandbox/src/sandbox";
import type { Permission } from "../packages/sandbox/src/google/roles";

// Which permission a request needs, from Google's documentation: not from the sandbox, which is compared with it.
//
// https://cloud.google.com/artifact-registry/docs/audit-logging
// https://cloud.google.com/artifact-registry/docs/restrict-artifact-downloads
// https://cloud.google.com/iam/docs/audit-logging
// https://cloud.google.com/secret-manager/docs/access-control
// https://cloud.google.com/kms/docs/reference/permissions-and-roles
// https://cloud.google.com/service-usage/docs/access-control
// https://cloud.google.com/resource-manager/reference/rest/v1/projects/get
// https://cloud.google.com/billing/docs/reference/rest/v1/projects/getBillingInfo

/** A method of the control plane. Its path is that of a request to the sandbox, with `*` for an id. */
export interface Method {
    readonly call: string;
    readonly permission: Permission;
    readonly changes: boolean;
}

const repositories = "/artifactregistry/v1/projects/*/locations/*/repositories";
const secrets = "/secretmanager/v1/projects/*/secrets";
const cryptoKeys = "/cloudkms/v1/projects/*/locations/*/keyRings/*/cryptoKeys";
const accounts = "/iam/v1/projects/*/serviceAccounts";
const pools = "/iam/v1/projects/*/locations/global/workloadIdentityPools";
const services = "/serviceusage/v1/projects/*/services";

const reading: readonly (readonly [call: string, permission: Permission])[] = [
    [`GET ${repositories}`, "artifactregistry.repositories.list"],
    [`GET ${repositories}/*`, "artifactregistry.repositories.get"],
    [`GET ${repositories}/*:getIamPolicy`, "artifactregistry.repositories.getIamPolicy"],
    [`GET ${repositories}/*/packages`, "artifactregistry.packages.list"],
    [`GET ${repositories}/*/packages/*`, "artifactregistry.packages.get"],
    [`GET ${repositories}/*/packages/*/versions`, "artifactregistry.versions.list"],
    [`GET ${repositories}/*/packages/*/versions/*`, "artifactregistry.versions.get"],
    [`GET ${repositories}/*/pythonPackages`, "artifactregistry.pythonpackages.list"],
    [`GET ${repositories}/*/pythonPackages/*`, "artifactregistry.pythonpackages.get"],
    [`GET ${repositories}/*/files`, "artifactregistry.files.list"],
    [`GET ${repositories}/*/files/*`, "artifactregistry.files.get"],
    [`GET ${repositories}/*/files/*:download`, "artifactregistry.files.download"],
    [`GET ${repositories}/*/rules`, "artifactregistry.rules.list"],
    [`GET ${repositories}/*/rules/*`, "artifactregistry.rules.get"],
    [`GET ${secrets}/*`, "secretmanager.secrets.get"],
    [`GET ${secrets}/*:getIamPolicy`, "secretmanager.secrets.getIamPolicy"],
    [`GET ${cryptoKeys}/*`, "cloudkms.cryptoKeys.get"],
    [`GET ${cryptoKeys}/*:getIamPolicy`, "cloudkms.cryptoKeys.getIamPolicy"],
    [`GET ${accounts}`, "iam.serviceAccounts.list"],
    [`GET ${accounts}/*`, "iam.serviceAccounts.get"],
    [`POST ${accounts}/*:getIamPolicy`, "iam.serviceAccounts.getIamPolicy"],
    [`GET ${accounts}/*/keys`, "iam.serviceAccountKeys.list"],
    [`GET ${accounts}/*/keys/*`, "iam.serviceAccountKeys.get"],
    [`GET ${pools}`, "iam.workloadIdentityPools.list"],
    [`GET ${pools}/*`, "iam.workloadIdentityPools.get"],
    [`GET ${pools}/*:listAttestationRules`, "iam.workloadIdentityPools.getAttestationRules"],
    [`GET ${pools}/*/providers`, "iam.workloadIdentityPoolProviders.list"],
    [`GET ${pools}/*/providers/*`, "iam.workloadIdentityPoolProviders.get"],
    [`GET ${services}`, "serviceusage.services.list"],
    [`GET ${services}/*`, "serviceusage.services.get"],
    ["GET /cloudresourcemanager/v1/projects/*", "resourcemanager.projects.get"],
    ["POST /cloudresourcemanager/v1/projects/*:getIamPolicy", "resourcemanager.projects.getIamPolicy"],
    ["GET /cloudbilling/v1/projects/*/billingInfo", "resourcemanager.projects.get"],
];

const changing: readonly (readonly [call: string, permission: Permission])[] = [
    [`POST ${repositories}`, "artifactregistry.repositories.create"],
    [`PATCH ${repositories}/*`, "artifactregistry.repositories.update"],
    [`POST ${repositories}/*:setIamPolicy`, "artifactregistry.repositories.setIamPolicy"],
    [`POST ${repositories}/*/rules`, "artifactregistry.rules.create"],
    [`PATCH ${repositories}/*/rules/*`, "artifactregistry.rules.update"],
    [`DELETE ${repositories}/*/rules/*`, "artifactregistry.rules.delete"],
    [`POST ${secrets}/*:setIamPolicy`, "secretmanager.secrets.setIamPolicy"],
    [`POST ${cryptoKeys}/*:setIamPolicy`, "cloudkms.cryptoKeys.setIamPolicy"],
    ["POST /cloudresourcemanager/v1/projects/*:setIamPolicy", "resourcemanager.projects.setIamPolicy"],
    [`DELETE ${repositories}/*/packages/*/versions/*`, "artifactregistry.versions.delete"],
    [`DELETE ${repositories}/*/packages/*`, "artifactregistry.packages.delete"],
    [`DELETE ${repositories}/*`, "artifactregistry.repositories.delete"],
    [`POST ${accounts}`, "iam.serviceAccounts.create"],
    [`PATCH ${accounts}/*`, "iam.serviceAccounts.update"],
    [`POST ${accounts}/*:disable`, "iam.serviceAccounts.disable"],
    [`POST ${accounts}/*:enable`, "iam.serviceAccounts.enable"],
    [`POST ${accounts}/*:setIamPolicy`, "iam.serviceAccounts.setIamPolicy"],
    [`POST ${accounts}/*/keys`, "iam.serviceAccountKeys.create"],
    [`POST ${accounts}/*/keys/*:disable`, "iam.serviceAccountKeys.disable"],
    [`POST ${accounts}/*/keys/*:enable`, "iam.serviceAccountKeys.enable"],
    [`DELETE ${accounts}/*/keys/*`, "iam.serviceAccountKeys.delete"],
    [`DELETE ${accounts}/*`, "iam.serviceAccounts.delete"],
    [`POST ${pools}`, "iam.workloadIdentityPools.create"],
    [`PATCH ${pools}/*`, "iam.workloadIdentityPools.update"],
    [`POST ${pools}/*/providers`, "iam.workloadIdentityPoolProviders.create"],
    [`PATCH ${pools}/*/providers/*`, "iam.workloadIdentityPoolProviders.update"],
    [`DELETE ${pools}/*/providers/*`, "iam.workloadIdentityPoolProviders.delete"],
    [`POST ${pools}/*/providers/*:undelete`, "iam.workloadIdentityPoolProviders.undelete"],
    [`DELETE ${pools}/*`, "iam.workloadIdentityPools.delete"],
    [`POST ${pools}/*:undelete`, "iam.workloadIdentityPools.undelete"],
    [`POST ${services}/*:enable`, "serviceusage.services.enable"],
    // Not documented for this method.
    [`POST ${services}/*:generateServiceIdentity`, "serviceusage.services.enable"],
    [`POST ${services}:batchEnable`, "serviceusage.services.enable"],
    [`POST ${services}/*:disable`, "serviceusage.services.disable"],
];

/** Every method that the sandbox has, those that delete a resource after those that need it. */
export const methods: readonly Method[] = [
    ...reading.map(([call, permission]) => ({ call, permission, changes: false })),
    ...changing.map(([call, permission]) => ({ call, permission, changes: true })),
];

/** The method of a request. */
function getMethod({ method, path }: Pick<LoggedRequest, "method" | "path">): Method {
    const call = `${method} ${path.replace(/\?.*/, "")}`;
    const found = methods.find((each) => {
        // Of all that these paths have, only `*` has a meaning in a regular expression.
        return new RegExp(`^${each.call.replaceAll("*", "[^/:]+")}$`).test(call);
    });
    assert.ok(found, `${call} is not in the table`);
    return found;
}

/** The permissions that these requests to the control plane need, each once, sorted. */
export function permissionsNeeded(requests: readonly LoggedRequest[]): Permission[] {
    const control = requests.filter(({ plane }) => plane === "control");
    return [...new Set(control.map((request) => getMethod(request).permission))].sort();
}

/** Whether the message of a refusal is that of the service, for a lack of this permission. */
export function isRefusal(message: string, permission: Permission): boolean {
    if (permission.startsWith("resourcemanager.projects."))
        return message.includes("The caller does not have permission");
    if (permission.startsWith("serviceusage.")) {
        const verb = permission.slice(permission.lastIndexOf(".") + 1);
        return new RegExp(`Permission denied to ${verb} services? `).test(message);
    }
    return message.includes(`Permission '${permission}' denied on resource`);
}
