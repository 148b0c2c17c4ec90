import type { Registration } from "./analyze";

// Good and bad resources, by resource type: what the whole pack must say about each.

/** The resource types that grant roles, by what they grant a role on, and by package. */
export const grantTypes = {
    repository: [
        "gcp:artifactregistry/repositoryIam*:RepositoryIam*",
        "google:index/artifactRegistryRepositoryIam*:ArtifactRegistryRepositoryIam*",
        "google-beta:index/artifactRegistryRepositoryIam*:ArtifactRegistryRepositoryIam*",
        "google-native:artifactregistry/v1:RepositoryIam*",
        "google-native:artifactregistry/v1beta2:RepositoryIam*",
    ],
    account: [
        "gcp:serviceaccount/iAM*:IAM*",
        "gcp:serviceAccount/iAM*:IAM*",
        "google:index/serviceAccountIam*:ServiceAccountIam*",
        "google-native:iam/v1:ServiceAccountIam*",
    ],
    pool: [
        "gcp:iam/workloadIdentityPoolIam*:WorkloadIdentityPoolIam*",
        "gcp:iam/workforcePoolIam*:WorkforcePoolIam*",
        "google-beta:index/iamWorkloadIdentityPoolIam*:IamWorkloadIdentityPoolIam*",
        "google-native:iam/v1:WorkforcePoolIam*",
    ],
    above: [
        "gcp:projects/iAM*:IAM*",
        "gcp:folder/iAM*:IAM*",
        "gcp:organizations/iAM*:IAM*",
        "google:index/projectIam*:ProjectIam*",
        "google:index/folderIam*:FolderIam*",
        "google-beta:index/organizationIam*:OrganizationIam*",
        "google-native:cloudresourcemanager/v1:ProjectIam*",
        "google-native:cloudresourcemanager/v3:FolderIam*",
        "google-native:cloudresourcemanager/v3:OrganizationIam*",
    ],
} as const;

export type Level = keyof typeof grantTypes;

/** The resources that request a role instead of granting it. They are on projects, folders and organizations. */
export const entitlementTypes = [
    "gcp:privilegedaccessmanager/entitlement:entitlement",
    "google:index/privilegedAccessManagerEntitlement:PrivilegedAccessManagerEntitlement",
];

/** The same grant with each resource that can make it. */
export function grants(level: Level, role: string, ...members: readonly string[]): Registration[] {
    const first = grantTypes[level].flatMap((pattern) => {
        const type = (form: string) => pattern.replaceAll("*", form);
        const bindings = [
            { role: "roles/browser", members: ["user:b@example.com"] },
            { role, members },
        ];
        return [
            ...members.map((member) => ({ type: type("Member"), props: { role, member } })),
            { type: type("Binding"), props: { role, members } },
            {
                type: type("Policy"),
                props: pattern.startsWith("google-native:")
                    ? { bindings: bindings.slice(1) }
                    : { policyData: JSON.stringify({ bindings: bindings.slice(1), etag: "" }) },
            },
        ];
    });
    return level === "above"
        ? [...first, ...entitlementTypes.map((type) => entitlement(type, role, members))]
        : first;
}

function entitlement(type: string, role: string, principals: readonly string[]): Registration {
    const gcpIamAccess = {
        resource: "//cloudresourcemanager.googleapis.com/projects/acme",
        roleBindings: [{ role: "roles/browser" }, { role }],
    };
    return {
        type,
        props: {
            privilegedAccess: { gcpIamAccess },
            eligibleUsers: [{ principals: ["user:b@example.com"] }, { principals }],
        },
    };
}

const pool = "principalSet://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/ci";

/** Everyone. */
export const publicPrincipals = [
    "allUsers",
    "allAuthenticatedUsers",
    "ALLUSERS",
    "principalSet://goog/public:all",
];

/** Many identities, some of which nobody chose. */
export const broadPrincipals = [
    "domain:example.com",
    "Domain:example.com",
    "principalSet://goog/cloudIdentityCustomerId/C01",
    `${pool}/*`,
    "principalSet://iam.googleapis.com/locations/global/workforcePools/staff/*",
    "principalSet://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p.svc.id.goog/kubernetes.cluster/https://container.googleapis.com/v1/projects/p/locations/l/clusters/c",
    "group:acme.svc.id.goog:/allAuthenticatedUsers/",
    "projectOwner:acme",
    "projectEditor:acme",
    "projectViewer:acme",
    "principalSet://cloudresourcemanager.googleapis.com/projects/1/type/ServiceAccount",
    "principalSet://cloudresourcemanager.googleapis.com/organizations/1/type/ServiceAgent",
    // In forms that the rule does not know.
    pool,
    `${pool}/attribute.ref/*`,
    "principalSet://example.com/everything",
    "everyone:example.com",
];

/** Chosen people and machines. */
export const chosenPrincipals = [
    "user:alice@example.com",
    "group:developers@example.com",
    "serviceAccount:ci@acme.iam.gserviceaccount.com",
    "serviceAccount:acme.svc.id.goog[ns/ksa]",
    "deleted:serviceAccount:ci@acme.iam.gserviceaccount.com?uid=1",
    `${pool.replace("Set", "")}/subject/x`,
    `${pool}/attribute.repository/github:1:2`,
    `${pool}/group/release`,
    "principalSet://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p.svc.id.goog/namespace/ci",
    "principalSet://iam.googleapis.com/locations/global/workforcePools/staff/group/release",
];

type Verdict = Readonly<Record<Level, readonly string[]>>;

const everywhere = (...rules: readonly string[]): Verdict => ({
    repository: rules,
    account: rules,
    pool: rules,
    above: rules,
});

const noBroadWriters = "no-broad-writers";
const repositoryGrants = "repository-grants";

/** What the pack says of a role, for broad and for chosen principals. */
export const roles: readonly {
    readonly what: string;
    readonly roles: readonly string[];
    readonly broad: Verdict;
    readonly chosen: Verdict;
}[] = [
    {
        what: "reads repositories",
        roles: ["roles/artifactregistry.reader", "roles/artifactregistry.viewer"],
        broad: { ...everywhere(), above: [repositoryGrants] },
        chosen: { ...everywhere(), above: [repositoryGrants] },
    },
    {
        what: "uploads",
        roles: [
            "roles/artifactregistry.writer",
            "roles/artifactregistry.repoAdmin",
            "roles/artifactregistry.admin",
            "roles/artifactregistry.createOnPushWriter",
            "roles/artifactregistry.createOnPushRepoAdmin",
            "roles/artifactregistry.containerRegistryMigrationAdmin",
            "roles/cloudbuild.builds.builder",
            "roles/composer.worker",
            "roles/run.builder",
            "roles/appengine.deployer",
            "roles/editor",
            "roles/owner",
        ],
        broad: { ...everywhere(noBroadWriters), above: [noBroadWriters, repositoryGrants] },
        chosen: { ...everywhere(), above: [repositoryGrants] },
    },
    {
        what: "acts as accounts, or changes who can",
        roles: [
            "roles/iam.serviceAccountTokenCreator",
            "roles/iam.serviceAccountOpenIdTokenCreator",
            "roles/iam.workloadIdentityUser",
            "roles/iam.serviceAccountUser",
            "roles/iam.serviceAccountKeyAdmin",
            "roles/iam.serviceAccountAdmin",
            "roles/iam.workloadIdentityPoolAdmin",
            "roles/iam.workforcePoolAdmin",
            "roles/iam.securityAdmin",
            "roles/iam.roleAdmin",
            "roles/resourcemanager.projectIamAdmin",
            "roles/resourcemanager.organizationAdmin",
            "roles/privilegedaccessmanager.admin",
            "roles/cloudbuild.builds.editor",
            "roles/deploymentmanager.editor",
        ],
        broad: everywhere(noBroadWriters),
        chosen: everywhere(),
    },
    {
        what: "does neither",
        roles: [
            "roles/logging.viewer",
            "roles/bigquery.jobUser",
            "roles/iam.workloadIdentityPoolViewer",
            "roles/browser",
            "roles/containeranalysis.notes.occurrences.viewer",
        ],
        broad: { ...everywhere(), repository: [noBroadWriters], account: [noBroadWriters] },
        chosen: everywhere(),
    },
    {
        what: "reads accounts",
        roles: ["roles/iam.serviceAccountViewer"],
        broad: { ...everywhere(), repository: [noBroadWriters] },
        chosen: everywhere(),
    },
    {
        what: "is not known to the pack",
        roles: ["roles/later.newRole", "roles/logging.viewer.more", "roles/logging", "roles/"],
        broad: everywhere(noBroadWriters),
        chosen: everywhere(),
    },
    {
        what: "is a custom role that the stack does not have",
        roles: ["projects/acme/roles/uploader", "organizations/1/roles/uploader"],
        broad: {
            repository: [noBroadWriters],
            account: [noBroadWriters],
            pool: ["custom-roles"],
            above: ["custom-roles"],
        },
        chosen: everywhere(),
    },
];

/** Custom roles of the stack with a permission, in each package. */
export function customRoles(id: string, permissions: readonly string[]): Registration[] {
    const name = `projects/acme/roles/${id}`;
    return [
        {
            type: "gcp:projects/iAMCustomRole:IAMCustomRole",
            props: { roleId: id, project: "acme", permissions, name },
        },
        {
            type: "google:index/projectIamCustomRole:ProjectIamCustomRole",
            props: { roleId: id, permissions },
        },
        {
            type: "google-native:iam/v1:Role",
            props: { roleId: id, project: "acme", includedPermissions: permissions },
        },
    ];
}

const github = { oidc: { issuerUri: "https://token.actions.githubusercontent.com" } };
const acceptsAll = { ...github, attributeCondition: 'assertion.repository == "acme/core"' };
const acceptsOne = { ...github, attributeCondition: 'assertion.repository_id == "1"' };

/** Resources that grant no role: what the pack says of each in a stack for production. */
export const otherResources: readonly {
    readonly types: readonly string[];
    readonly good?: Registration["props"];
    readonly bad?: Registration["props"];
    readonly opts?: Registration["opts"];
    readonly refusedBy?: readonly string[];
}[] = [
    {
        types: [
            "gcp:artifactregistry/repository:Repository",
            "google:index/artifactRegistryRepository:ArtifactRegistryRepository",
            "google-native:artifactregistry/v1:Repository",
        ],
        opts: { protect: true },
        good: { deletionPolicy: "PREVENT" },
        bad: {},
        refusedBy: ["production-protection"],
    },
    {
        types: [
            "gcp:serviceaccount/key:Key",
            "gcp:serviceAccount/key:Key",
            "google:index/serviceAccountKey:ServiceAccountKey",
            "google-native:iam/v1:Key",
        ],
        bad: { serviceAccountId: "ci" },
        refusedBy: ["no-production-keys"],
    },
    {
        types: [
            "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider",
            "google-beta:index/iamWorkloadIdentityPoolProvider:IamWorkloadIdentityPoolProvider",
            "google-native:iam/v1:Provider",
        ],
        good: acceptsOne,
        bad: acceptsAll,
        refusedBy: ["federation-condition"],
    },
    // Resources of other packages and services with the same properties.
    {
        types: [
            "aws:iam/role:Role",
            "yandex:index/iamServiceAccountIamMember:IamServiceAccountIamMember",
            "gcp:storage/bucketIAMMember:BucketIAMMember",
            "gcp:projects/iamMemberRemove:IamMemberRemove",
            "gcp:iam/denyPolicy:DenyPolicy",
        ],
        good: { ...acceptsAll, role: "roles/owner", member: "allUsers" },
    },
];

/** Resource types of Google's IAM in the provider's SDK that grant no role. A type that is neither here nor a grant fails a test. */
export const withoutGrants = [
    ...["artifactregistry/projectConfig", "artifactregistry/rule", "artifactregistry/vpcscConfig"],
    ...[
        "folder/accessApprovalSettings",
        "folder/iamAuditConfig",
        "folder/organizationPolicy",
        "folder/serviceIdentity",
    ],
    // Boundaries and denials take access away.
    ...["iam/accessBoundaryPolicy", "iam/denyPolicy", "iam/principalAccessBoundaryPolicy"],
    ...["iam/foldersPolicyBinding", "iam/organizationsPolicyBinding", "iam/projectsPolicyBinding"],
    // docs/policies.md names these as not covered.
    ...["iam/folderAccessPolicy", "iam/organizationAccessPolicy", "iam/projectAccessPolicy"],
    ...["iam/workforcePoolProvider", "iam/workforcePoolProviderKey"],
    ...["iam/workforcePoolProviderScimTenant", "iam/workforcePoolProviderScimToken"],
    ...["iam/oauthClient", "iam/oauthClientCredential", "iam/workforcePool", "iam/workloadIdentityPool"],
    ...[
        "iam/workloadIdentityPoolManagedIdentity",
        "iam/workloadIdentityPoolNamespace",
        "iam/workloadIdentityServiceAgent",
    ],
    ...["organizations/accessApprovalSettings", "organizations/folder", "organizations/iamAuditConfig"],
    ...["organizations/policy", "organizations/project", "organizations/serviceIdentity"],
    "privilegedaccessmanager/settings",
    ...["projects/accessApprovalSettings", "projects/apiKey", "projects/defaultServiceAccounts"],
    ...[
        "projects/iAMAuditConfig",
        "projects/iamMemberRemove",
        "projects/organizationPolicy",
        "projects/service",
    ],
    ...["projects/serviceIdentity", "projects/usageExportBucket"],
];

/** The services whose IAM resources grant roles on one of their own objects, which is no repository, account or pool. */
export const otherServices =
    "accesscontextmanager apigateway apigee beyondcorp biglake bigquery bigqueryanalyticshub bigquerydatapolicy bigtable billing binaryauthorization certificateauthority cloudbuildv2 clouddeploy cloudfunctions cloudfunctionsv2 cloudrun cloudrunv2 cloudtasks colab compute containeranalysis datacatalog dataform dataplex dataproc discoveryengine dns endpoints gemini gkebackup gkehub healthcare iap kms logging networkconnectivity networksecurity notebooks pubsub runtimeconfig secretmanager securesourcemanager securitycenter servicedirectory sourcerepo spanner storage tags vertex workbench workstations".split(
        " ",
    );
