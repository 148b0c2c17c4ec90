/** The permissions that the sandbox's APIs check: one for each method that needs one. */
export const permissions = [
    "artifactregistry.repositories.create",
    "artifactregistry.repositories.delete",
    "artifactregistry.repositories.downloadArtifacts",
    "artifactregistry.repositories.get",
    "artifactregistry.repositories.getIamPolicy",
    "artifactregistry.repositories.list",
    "artifactregistry.repositories.readViaVirtualRepository",
    "artifactregistry.repositories.setIamPolicy",
    "artifactregistry.repositories.update",
    "artifactregistry.repositories.uploadArtifacts",
    "artifactregistry.files.download",
    "artifactregistry.files.get",
    "artifactregistry.files.list",
    "artifactregistry.packages.delete",
    "artifactregistry.packages.get",
    "artifactregistry.packages.list",
    "artifactregistry.pythonpackages.get",
    "artifactregistry.pythonpackages.list",
    "artifactregistry.rules.create",
    "artifactregistry.rules.delete",
    "artifactregistry.rules.get",
    "artifactregistry.rules.list",
    "artifactregistry.rules.update",
    "artifactregistry.versions.delete",
    "artifactregistry.versions.get",
    "artifactregistry.versions.list",
    "cloudkms.cryptoKeyVersions.useToDecrypt",
    "cloudkms.cryptoKeyVersions.useToEncrypt",
    "cloudkms.cryptoKeys.get",
    "cloudkms.cryptoKeys.getIamPolicy",
    "cloudkms.cryptoKeys.setIamPolicy",
    "iam.serviceAccountKeys.create",
    "iam.serviceAccountKeys.delete",
    "iam.serviceAccountKeys.disable",
    "iam.serviceAccountKeys.enable",
    "iam.serviceAccountKeys.get",
    "iam.serviceAccountKeys.list",
    "iam.serviceAccounts.create",
    "iam.serviceAccounts.delete",
    "iam.serviceAccounts.disable",
    "iam.serviceAccounts.enable",
    "iam.serviceAccounts.get",
    "iam.serviceAccounts.getAccessToken",
    "iam.serviceAccounts.getIamPolicy",
    "iam.serviceAccounts.list",
    "iam.serviceAccounts.setIamPolicy",
    "iam.serviceAccounts.update",
    "iam.workloadIdentityPoolProviders.create",
    "iam.workloadIdentityPoolProviders.delete",
    "iam.workloadIdentityPoolProviders.get",
    "iam.workloadIdentityPoolProviders.list",
    "iam.workloadIdentityPoolProviders.undelete",
    "iam.workloadIdentityPoolProviders.update",
    "iam.workloadIdentityPools.create",
    "iam.workloadIdentityPools.delete",
    "iam.workloadIdentityPools.get",
    "iam.workloadIdentityPools.getAttestationRules",
    "iam.workloadIdentityPools.list",
    "iam.workloadIdentityPools.undelete",
    "iam.workloadIdentityPools.update",
    "resourcemanager.projects.get",
    "resourcemanager.projects.getIamPolicy",
    "resourcemanager.projects.setIamPolicy",
    "secretmanager.secrets.get",
    "secretmanager.secrets.getIamPolicy",
    "secretmanager.secrets.setIamPolicy",
    "secretmanager.versions.access",
    "serviceusage.services.disable",
    "serviceusage.services.enable",
    "serviceusage.services.get",
    "serviceusage.services.list",
] as const;

export type Permission = (typeof permissions)[number];

/** The permissions of these resources, such as `iam.serviceAccounts`, with these verbs. */
function on(resource: string, ...verbs: readonly string[]): Permission[] {
    return permissions.filter((each) => {
        const end = each.lastIndexOf(".");
        return each.slice(0, end) === resource && verbs.includes(each.slice(end + 1));
    });
}

function all(resource: string): Permission[] {
    return permissions.filter((each) => each.startsWith(`${resource}.`));
}

const project = on("resourcemanager.projects", "get");
const downloads = [
    ...on("artifactregistry.repositories", "get", "list", "downloadArtifacts", "readViaVirtualRepository"),
    ...on("artifactregistry.files", "download", "get", "list"),
    ...on("artifactregistry.packages", "get", "list"),
    ...on("artifactregistry.pythonpackages", "get", "list"),
    ...on("artifactregistry.rules", "get", "list"),
    ...on("artifactregistry.versions", "get", "list"),
];
const uploads = [...downloads, ...on("artifactregistry.repositories", "uploadArtifacts")];
const deletes = [
    ...uploads,
    ...on("artifactregistry.packages", "delete"),
    ...on("artifactregistry.rules", "create", "delete", "update"),
    ...on("artifactregistry.versions", "delete"),
];
const viewedPools = [
    ...on("iam.workloadIdentityPools", "get", "getAttestationRules", "list"),
    ...on("iam.workloadIdentityPoolProviders", "get", "list"),
];
const viewedAccounts = [
    ...on("iam.serviceAccounts", "get", "getIamPolicy", "list"),
    ...on("iam.serviceAccountKeys", "get", "list"),
];
const viewedServices = on("serviceusage.services", "get", "list");

/**
 * The predefined roles that matter here, each with those of its permissions that the sandbox checks. The rest of a
 * role's permissions is left out.
 *
 * `gcloud iam roles describe ROLE` prints the complete list. https://cloud.google.com/iam/docs/roles-permissions
 */
export const predefinedRoles: ReadonlyMap<string, readonly Permission[]> = new Map<
    string,
    readonly Permission[]
>([
    ["roles/artifactregistry.reader", [...downloads, ...project]],
    ["roles/artifactregistry.writer", [...uploads, ...project]],
    ["roles/artifactregistry.repoAdmin", [...deletes, ...project]],
    ["roles/artifactregistry.admin", [...all("artifactregistry"), ...project]],
    ["roles/iam.serviceAccountViewer", [...viewedAccounts, ...project]],
    ["roles/iam.serviceAccountCreator", [...on("iam.serviceAccounts", "create", "get", "list"), ...project]],
    ["roles/iam.serviceAccountDeleter", [...on("iam.serviceAccounts", "delete", "get", "list"), ...project]],
    [
        "roles/iam.serviceAccountAdmin",
        [...all("iam.serviceAccounts").filter((each) => !each.endsWith(".getAccessToken")), ...project],
    ],
    [
        "roles/iam.serviceAccountKeyAdmin",
        [...all("iam.serviceAccountKeys"), ...on("iam.serviceAccounts", "get", "list"), ...project],
    ],
    [
        "roles/iam.serviceAccountTokenCreator",
        [...on("iam.serviceAccounts", "get", "getAccessToken", "list"), ...project],
    ],
    ["roles/iam.workloadIdentityUser", on("iam.serviceAccounts", "get", "getAccessToken", "list")],
    ["roles/iam.workloadIdentityPoolViewer", [...viewedPools, ...project]],
    [
        "roles/iam.workloadIdentityPoolAdmin",
        [...all("iam.workloadIdentityPools"), ...all("iam.workloadIdentityPoolProviders"), ...project],
    ],
    ["roles/secretmanager.secretAccessor", [...on("secretmanager.versions", "access"), ...project]],
    [
        "roles/secretmanager.admin",
        [...all("secretmanager.secrets"), ...on("secretmanager.versions", "access"), ...project],
    ],
    ["roles/cloudkms.cryptoKeyEncrypterDecrypter", [...all("cloudkms.cryptoKeyVersions"), ...project]],
    ["roles/cloudkms.admin", [...all("cloudkms.cryptoKeys"), ...project]],
    ["roles/resourcemanager.projectIamAdmin", all("resourcemanager.projects")],
    ["roles/serviceusage.serviceUsageViewer", viewedServices],
    ["roles/serviceusage.serviceUsageConsumer", viewedServices],
    ["roles/serviceusage.serviceUsageAdmin", all("serviceusage.services")],
    ["roles/browser", project],
    [
        "roles/viewer",
        [
            ...downloads,
            ...on("artifactregistry.repositories", "getIamPolicy"),
            ...viewedAccounts,
            ...viewedPools,
            ...viewedServices,
            ...project,
        ],
    ],
]);
