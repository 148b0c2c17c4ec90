import assert from "node:assert/strict";
import fc from "fast-check";
import { stackConfig } from "../../packages/sandbox/src/engines/stack-config";
import { parseSettings } from "../../src/settings";

// What people paste where a setting expects one value. The suggestion is what was meant, and is valid itself: put in the place of
// the pasted text, it leaves no mistake.

type Values = Readonly<Record<string, unknown>>;
/** The configuration in which a value has its place. */
type Place = (value: string) => Values;

const valid = { "gcp:project": "acme-tools", location: "europe-west1" };
const mistakesIn = (values: Values) => {
    const parsed = parseSettings(stackConfig({ ...valid, ...values }));
    return "mistakes" in parsed ? parsed.mistakes : [];
};
/** What is wrong with a key that is not set: the mistake without the path. */
const message = (mistake: string) => mistake.replace(/^.*(?=: is not set\.)/s, "");
/** What a mistake suggests. Text can contain the words of a suggestion, so only the last ones count. */
function suggestions(mistake: string): string[] {
    const said = / Did you mean (?<list>\[.*\])\?|(?:.*) Did you mean (?<values>".*")\?/s.exec(
        mistake,
    )?.groups;
    if (said?.["list"] !== undefined) return JSON.parse(said["list"]) as string[];
    return said?.["values"] === undefined
        ? []
        : (JSON.parse(`[${said["values"].replaceAll('" or "', '","')}]`) as string[]);
}

const workload = (type: string, more: Values) => (key: string) => (value: string) => ({
    serviceAccounts: { "python-publisher": { access: "reader" }, "ci-reader": { access: "reader" } },
    projectNumber: "7",
    workloads: { w: { type, access: "reader", ...more, [key]: value } },
});
const id = "0b1c2d3e-4f50-4a6b-8c7d-9e0f1a2b3c4d";
const other = id.replace("0b", "1c");
const github = workload("githubActions", {
    owner: "acme",
    repository: "core",
    ownerId: "1",
    repositoryId: "2",
});
const gitlab = workload("gitlabCi", { projectId: "3" });
const circle = workload("circleCi", { organizationId: id, projectId: id });
const azure = workload("azureDevOps", { organizationId: id, projectId: id });
const terraform = workload("hcpTerraform", { organizationId: "org-Ab1", workspaceId: "ws-Ab1" });
const buildkite = workload("buildkite", { organizationId: id, pipelineId: id });
const oidc = workload("oidc", { issuer: "https://issuer.example", claims: { sub: "builds" } });
const gke = workload("gke", { namespace: "builds", serviceAccount: "publisher" });
const run = workload("cloudRun", { serviceAccount: "ci@acme-tools.iam.gserviceaccount.com" });
const inPool = (key: string) => (value: string) => ({
    projectNumber: "7",
    pool: { project: "acme-pools", projectNumber: "8", [key]: value },
});
const account = (key: string) => (value: string) => ({
    serviceAccounts: { "python-ci": { access: "reader", [key]: value } },
});
const accountList = (key: string) => (value: string) => ({
    serviceAccounts: { "python-ci": { access: "reader", [key]: [value] } },
});

const url = "https://europe-west1-python.pkg.dev/acme-tools/python";
const pool = "projects/7/locations/global/workloadIdentityPools/acme-machines";
const ci = "ci@acme-tools.iam.gserviceaccount.com";
const projects: Readonly<Record<string, string | readonly string[]>> = {
    "acme-dev/python": [],
    "organizations/5500": [],
    "example.com/acme-dev": [],
    "projects/acme-dev": "acme-dev",
    "//cloudresourcemanager.googleapis.com/projects/acme-dev": "acme-dev",
    "projects/acme-dev/locations/europe-west1/repositories/python": "acme-dev",
    "https://console.cloud.google.com/artifacts?project=acme-dev&hl=en": "acme-dev",
    "https://europe-west1-python.pkg.dev/acme-dev/python/simple/": "acme-dev",
    "acme-dev (Acme Development)": "acme-dev",
    "project: acme-dev": "acme-dev",
    "--project=acme-dev": "acme-dev",
    "Acme Development (acme-dev)": "acme-dev",
    "ci@acme-dev.iam.gserviceaccount.com": "acme-dev",
    "acme-dev@appspot.gserviceaccount.com": "acme-dev",
    "acme-dev.svc.id.goog": "acme-dev",
    " acme-dev": "acme-dev",
    "ACME-DEV": "acme-dev",
    acme_dev: "acme-dev",
};
const projectNumbers: Readonly<Record<string, string>> = {
    "projects/123": "123",
    "//cloudresourcemanager.googleapis.com/projects/123": "123",
    [pool.replace("7", "123")]: "123",
    "123-compute@developer.gserviceaccount.com": "123",
    "service-123@gcp-sa-artifactregistry.iam.gserviceaccount.com": "123",
    "acme-tools (123)": "123",
    "Project number: 123": "123",
};
const branches: Readonly<Record<string, string | readonly string[]>> = {
    "refs/pull/1/merge": [],
    "pull/1": [],
    "refs/heads/": [],
    HEAD: [],
    "0b1c2d3e4f504a6b8c7d9e0f1a2b3c4d5e6f7a8b": [],
    main: "refs/heads/main",
    "release/1.x": "refs/heads/release/1.x",
    "origin/main": "refs/heads/main",
    "refs/remotes/origin/main": "refs/heads/main",
    "heads/main": "refs/heads/main",
    "refs/head/main": "refs/heads/main",
    "Refs/Heads/main": "refs/heads/main",
    "/refs/heads/main": "refs/heads/main",
    " refs/heads/main": "refs/heads/main",
    "tags/v1.2": "refs/tags/v1.2",
    "refs/tag/v1.2": "refs/tags/v1.2",
    "v1.2.3": "refs/tags/v1.2.3",
    "https://github.com/acme/core/tree/main": "refs/heads/main",
    "https://github.com/acme/core/tree/release/1.x": "refs/heads/release/1.x",
    "https://github.com/acme/core/releases/tag/v1.2": "refs/tags/v1.2",
    "https://gitlab.com/acme/core/-/tree/main?ref_type=heads": "refs/heads/main",
    "https://gitlab.com/acme/core/-/tags/v1.2": "refs/tags/v1.2",
};
const uuids: Readonly<Record<string, string>> = {
    [`{${id}}`]: id,
    [`urn:uuid:${id.toUpperCase()}`]: id,
    [`https://example.com/organizations/${id}/settings`]: id,
    [` ${id}`]: id,
};
const roles: Readonly<Record<string, string>> = {
    "roles/artifactregistry.reader": "reader",
    "artifactregistry.reader": "reader",
    "Artifact Registry Reader": "reader",
    READER: "reader",
    readers: "reader",
};
const issuerForms = (issuer: string): Readonly<Record<string, string>> => ({
    [`${issuer}/.well-known/openid-configuration`]: issuer,
    [`${issuer}/.well-known/jwks.json`]: issuer,
    [issuer.replace("https://", "")]: issuer,
    [issuer.replace("https:", "http:")]: issuer,
    [`${issuer}?x=1`]: issuer,
    [` ${issuer}`]: issuer,
});

const principals: Readonly<Record<string, readonly string[]>> = {
    "a@b.com": ["user:a@b.com", "group:a@b.com"],
    "mailto:a@b.com": ["user:a@b.com", "group:a@b.com"],
    "Ada Lovelace <a@b.com>": ["user:a@b.com", "group:a@b.com"],
    "USER:a@b.com": ["user:a@b.com"],
    "users:a@b.com": ["user:a@b.com"],
    "user: a@b.com": ["user:a@b.com"],
    "user:a@b.com,": ["user:a@b.com"],
    " user:a@b.com": ["user:a@b.com"],
    "user:mailto:a@b.com": ["user:a@b.com"],
    "Group:team@b.com ": ["group:team@b.com"],
    "email:a@b.com": ["user:a@b.com", "group:a@b.com"],
    "team@googlegroups.com": ["group:team@googlegroups.com"],
    "https://groups.google.com/g/team": ["group:team@googlegroups.com"],
    "https://groups.google.com/a/b.com/g/team?pli=1": ["group:team@b.com"],
    [ci]: [`serviceAccount:${ci}`],
    [`user:${ci}`]: [`serviceAccount:${ci}`],
    [`group:${ci}`]: [`serviceAccount:${ci}`],
    [`sa:${ci}`]: [`serviceAccount:${ci}`],
    [`serviceaccount:${ci}`]: [`serviceAccount:${ci}`],
    [`service_account:${ci}`]: [`serviceAccount:${ci}`],
    [`mailto:${ci}`]: [`serviceAccount:${ci}`],
    [`projects/acme-tools/serviceAccounts/${ci}`]: [`serviceAccount:${ci}`],
    [`serviceAccount:projects/-/serviceAccounts/${ci}`]: [`serviceAccount:${ci}`],
    [`//iam.googleapis.com/projects/acme-tools/serviceAccounts/${ci}`]: [`serviceAccount:${ci}`],
    "serviceAccount:ci@acme-tools": [`serviceAccount:${ci}`],
    "serviceAccount:a@b.com": ["user:a@b.com", "group:a@b.com"],
    "acme-tools.svc.id.goog[builds/publisher]": ["serviceAccount:acme-tools.svc.id.goog[builds/publisher]"],
    "b.com": ["domain:b.com"],
    "@b.com": ["domain:b.com"],
    "*@b.com": ["domain:b.com"],
    "domain:@b.com": ["domain:b.com"],
    // An address says nothing about who may read.
    "https://b.com/": [],
    // A pool or a provider admits more than one principal.
    [`//iam.googleapis.com/${pool}`]: [],
    [`//iam.googleapis.com/${pool}/providers/github`]: [],
    [`principal:iam.googleapis.com/${pool}/subject/x`]: [`principal://iam.googleapis.com/${pool}/subject/x`],
    "user:a@b.com;group:team@b.com": [],
    "user=a@b.com": ["user:a@b.com"],
    "user:a@localhost": [],
    "serviceAccount:ci@acme-tools.iam": [`serviceAccount:${ci}`],
    "ci@acme-tools.iam": [`serviceAccount:${ci}`],
    "ci@acme-tools": [`serviceAccount:${ci}`],
    // A host of Google is nobody's domain.
    "ci.acme-tools.iam.gserviceaccount.com": [],
    "acme-tools.svc.id.goog": [],
    "https://europe-west1-python.pkg.dev": [],
    "console.cloud.google.com": [],
    [`//iam.googleapis.com/${pool}/subject/x`]: [`principal://iam.googleapis.com/${pool}/subject/x`],
    [`${pool}/providers/github/attribute.repository/2`]: [
        `principalSet://iam.googleapis.com/${pool}/attribute.repository/2`,
    ],
    [`https://iam.googleapis.com/${pool}/group/x`]: [`principalSet://iam.googleapis.com/${pool}/group/x`],
    // The principal no longer exists.
    [`deleted:serviceAccount:${ci}?uid=1`]: [],
};
/** Only readers can be a whole pool. */
const wholePools: readonly string[] = [
    `principalSet://iam.googleapis.com/${pool}`,
    `principalSet://iam.googleapis.com/${pool}/providers/github`,
];
const packages: Readonly<Record<string, string | readonly string[]>> = {
    "acme-core>=1": "acme-core",
    "acme-core == 1.0": "acme-core",
    "acme-core~=1.0,!=1.3": "acme-core",
    "acme-core (>=1,<2)": "acme-core",
    "acme-core[s3,extra]>=1": "acme-core",
    'acme-core; python_version < "3.12"': "acme-core",
    'acme_core[s3] >= 1 ; sys_platform == "linux"': "acme_core",
    "acme-core @ git+https://github.com/acme/other.git@v1": "acme-core",
    "acme-core@https://files.example/acme_core-1.0-py3-none-any.whl": "acme-core",
    "acme-core==1.0 --hash=sha256:abc": "acme-core",
    "acme-core==1.0 # why": "acme-core",
    'acme-core = "^1.0"': "acme-core",
    'acme-core = { version = "1" }': "acme-core",
    "acme-core 1.0": "acme-core",
    '"acme-core"': "acme-core",
    "acme-core,": "acme-core",
    " acme-core": "acme-core",
    "acme core": "acme-core",
    "acme-core\\": "acme-core",
    'name = "acme-core"': "acme-core",
    "Requires-Dist: acme-core (>=1)": "acme-core",
    "acme-core.git": "acme-core",
    "acme-*>=1": "acme-*",
    "acme-core:1.0": "acme-core",
    "acme_core-1.0.dist-info": "acme-core",
    "from acme_core import x": "acme-core",
    "pip install --index-url https://pypi.example/simple acme-core": [],
    "https://pypi.org/simple/": [],
    "pip install acme-core": "acme-core",
    "uv add --dev acme-core": "acme-core",
    "git+https://github.com/acme/acme-core.git@v1": "acme-core",
    "git+https://github.com/acme/monorepo.git#egg=acme-core&subdirectory=core": "acme-core",
    "-e git+https://github.com/acme/acme-core#egg=acme_core": "acme_core",
    "git@github.com:acme/acme-core.git": "acme-core",
    "https://github.com/acme/acme-core": "acme-core",
    "https://pypi.org/project/acme-core/": "acme-core",
    "https://pypi.org/project/acme-core/1.0/#files": "acme-core",
    "https://pypi.org/simple/acme-core/": "acme-core",
    "https://pypi.org/pypi/acme-core/json": "acme-core",
    [`${url}/simple/acme-core/`]: "acme-core",
    [`${url}/acme-core/acme_core-1.0.tar.gz`]: "acme-core",
    "projects/p/locations/europe-west1/repositories/python/packages/acme-core": "acme-core",
    "pkg:pypi/acme-core@1.0": "acme-core",
    "acme_core-1.0-py3-none-any.whl": "acme-core",
    "dist/acme_core-1.0-1-cp312-cp312-manylinux_2_17_x86_64.whl": "acme-core",
    "acme_core-1.0.tar.gz": "acme-core",
    "acme-core-1.0.zip": "acme-core",
    "./libs/acme-core": "acme-core",
    "../acme-core/": "acme-core",
    "# acme-core": "acme-core",
    "acme-core:": "acme-core",
    "python -m pip install acme-core": "acme-core",
    'packages = ["acme-core"]': "acme-core",
    "https://github.com/acme/acme-core/tree/main": "acme-core",
    "https://github.com/acme/acme-core/issues/3": "acme-core",
    "https://github.com/acme/acme-core/archive/refs/tags/v1.0.tar.gz": "acme-core",
    "https://gitlab.com/acme/libs/acme-core/-/tree/main": "acme-core",
    // Several names, and patterns that have no valid form.
    "acme-core, acme-app": [],
    "acme-core acme-app": [],
    "acme-core\nacme-app": [],
    "acme/*": [],
    "acme-?": [],
    "*-core": [],
    "acme_core/__init__.py": [],
    "-r requirements.txt": [],
    // Which name it has is in the file alone.
    "*": [],
};

/** By the key: where the value is, and what is suggested for each pasted text. */
const pasted: readonly (readonly [
    key: string,
    place: Place,
    meant: Readonly<Record<string, string | readonly string[]>>,
])[] = [
    ["gcp:project", (value) => ({ "gcp:project": value, serviceAccounts: {} }), projects],
    [
        "location",
        (location) => ({ location }),
        {
            "projects/p/locations/europe-west1/repositories/python": "europe-west1",
            "projects/europe-west3-team/locations/us": "us",
            "locations/europe-west1": "europe-west1",
            "europe-west1-b": "europe-west1",
            "projects/p/zones/europe-west12-b": "europe-west12",
            "https://www.googleapis.com/compute/v1/projects/p/regions/us-east1": "us-east1",
            "europe-west1-python.pkg.dev": "europe-west1",
            "us-docker.pkg.dev": "us",
            [`${url}/simple/`]: "europe-west1",
            "https://oauth2accesstoken@asia-python.pkg.dev/p/r/simple/": "asia",
            "https://console.cloud.google.com/artifacts/python/p/europe-west1/python?project=p":
                "europe-west1",
            "europe-west1 (Belgium)": "europe-west1",
            "Belgium (europe-west1)": "europe-west1",
            "EUROPE-WEST1": "europe-west1",
            " europe-west1": "europe-west1",
            eu: "europe",
        },
    ],
    [
        "repository",
        (repository) => ({ repository }),
        {
            [url.replace("/python", "/internal").replace(/\/python$/, "/internal")]: "internal",
            "https://europe-west1-python.pkg.dev/p/internal/simple/": "internal",
            "https://europe-west1-python.pkg.dev/p/internal/": "internal",
            "https://oauth2accesstoken@europe-west1-python.pkg.dev/p/internal/simple/acme-core/": "internal",
            "europe-west1-docker.pkg.dev/p/internal": "internal",
            "projects/p/locations/europe-west1/repositories/internal": "internal",
            "//artifactregistry.googleapis.com/projects/p/locations/us/repositories/internal/packages/x":
                "internal",
            "https://console.cloud.google.com/artifacts/python/p/europe-west1/internal?project=p": "internal",
            "p/europe-west1/internal": "internal",
            "europe-west1/internal": "internal",
            Internal: "internal",
            "repository: internal": "internal",
            "--repository=internal": "internal",
            '"internal"': "internal",
            my_packages: "my-packages",
            "https://europe-west1-python.pkg.dev/b.com:tools/internal/simple/": "internal",
            "https://europe-west1-python.pkg.dev/b.com/tools/internal/simple/": "internal",
            "pypi/simple": [],
            "projects/p/locations/us": [],
            // The name of a section in .pypirc.
            "https://europe-west1-python.pkg.dev/p/distutils/": [],
            Distutils: [],
        },
    ],
    ["readers", (value) => ({ readers: [value] }), principals],
    ["writers", (value) => ({ writers: [value] }), principals],
    ["admins", (value) => ({ admins: [value] }), principals],
    ["serviceAccounts.ID.impersonators", accountList("impersonators"), principals],
    [
        "readers",
        (value) => ({ readers: [value] }),
        Object.fromEntries(wholePools.map((each) => [each, `principalSet://iam.googleapis.com/${pool}/*`])),
    ],
    ["writers", (value) => ({ writers: [value] }), Object.fromEntries(wholePools.map((each) => [each, []]))],
    ["writers", (value) => ({ writers: [value] }), { allusers: [] }],
    [
        "readers, not a list",
        (readers) => ({ readers }),
        {
            "group:team@b.com": ["group:team@b.com"],
            "group:team@b.com, user:a@b.com": ["group:team@b.com", "user:a@b.com"],
            "a@b.com": [],
        },
    ],
    [
        "internalPackages, not a list",
        (internalPackages) => ({ internalPackages }),
        { "acme-core": ["acme-core"], "acme-core, acme-*": ["acme-core", "acme-*"], "acme-core>=1": [] },
    ],
    ["internalPackages", (value) => ({ internalPackages: [value] }), packages],
    [
        "labels",
        (value) => ({ labels: { [value]: "x" } }),
        {
            Team: "team",
            "cost center": "cost-center",
            "team=platform": "team",
            "Goog-Pulumi-Provisioned": [],
        },
    ],
    [
        "labels.KEY",
        (value) => ({ labels: { team: value } }),
        { "Platform One": "platform-one", "team=platform": "platform", " x": "x", "a@b.com": [] },
    ],
    [
        "serviceAccounts",
        (value) => ({ serviceAccounts: { [value]: { access: "reader", existing: "use" } } }),
        {
            [`serviceAccount:ci-reader@acme-tools.iam.gserviceaccount.com`]:
                "ci-reader@acme-tools.iam.gserviceaccount.com",
            "projects/p/serviceAccounts/ci-reader@acme-dev.iam.gserviceaccount.com":
                "ci-reader@acme-dev.iam.gserviceaccount.com",
            "mailto:ci-reader@acme-dev.iam.gserviceaccount.com": "ci-reader@acme-dev.iam.gserviceaccount.com",
            "serviceAccount:ci-reader": "ci-reader",
            Python_CI: "python-ci",
        },
    ],
    [
        "serviceAccounts",
        (value) => ({ serviceAccounts: { [value]: { access: "reader" } } }),
        { "ci-reader@acme-tools.iam.gserviceaccount.com": "ci-reader" },
    ],
    ["serviceAccounts.ID.access", account("access"), roles],
    [
        "serviceAccounts.ID.access",
        account("access"),
        {
            "roles/artifactregistry.repoAdmin": "admin",
            "roles/artifactregistry.writer": "writer",
            "Artifact Registry Repository Administrator": "admin",
        },
    ],
    ["serviceAccounts.ID.existing", account("existing"), { Use: "use", adopted: "adopt" }],
    ["serviceAccounts.ID.keys, not a list", account("keys"), { "2026-11": ["2026-11"] }],
    ["serviceAccounts.ID.keys", accountList("keys"), { "2026/11": "2026-11" }],
    ["access", (access) => ({ access }), { Additive: "additive", "access: additive": "additive" }],
    ["existing", (existing) => ({ existing, access: "additive" }), { adopted: "adopt" }],
    [
        "keyring",
        (keyring) => ({ keyring }),
        { "keyring-provider = subprocess": "subprocess", "--keyring-provider=import": "import" },
    ],
    [
        "pool.id",
        inPool("id"),
        {
            [pool]: "acme-machines",
            [`//iam.googleapis.com/${pool}/providers/github`]: "acme-machines",
            Acme_Machines: "acme-machines",
            "GCP-machines": [],
        },
    ],
    ["pool.project", inPool("project"), projects],
    ["pool.projectNumber", inPool("projectNumber"), projectNumbers],
    ["projectNumber", (projectNumber) => ({ projectNumber }), projectNumbers],
    [
        "workloads.NAME.access",
        (value) => ({
            projectNumber: "7",
            workloads: { w: { ...(github("x")("y").workloads.w as object), x: undefined, access: value } },
        }),
        roles,
    ],
    [
        "workloads.NAME.type",
        (type) => ({ projectNumber: "7", workloads: { w: { type, access: "reader", projectId: "3" } } }),
        { gitlab: "gitlabCi", "GitLab-CI": "gitlabCi" },
    ],
    [
        "workloads.NAME.via",
        github("via"),
        {
            "serviceAccount:ci-reader@acme-tools.iam.gserviceaccount.com": "ci-reader",
            "ci-reader@acme-tools.iam.gserviceaccount.com": "ci-reader",
        },
    ],
    [
        "githubActions.owner",
        github("owner"),
        {
            "https://github.com/acme-inc/core": "acme-inc",
            "https://github.com/acme-inc": "acme-inc",
            "github.com/acme-inc": "acme-inc",
            "git@github.com:acme-inc/core.git": "acme-inc",
            "ssh://git@github.com/acme-inc/core": "acme-inc",
            "https://api.github.com/repos/acme-inc/core": "acme-inc",
            "acme-inc/core": "acme-inc",
            "@acme-inc": "acme-inc",
            "https://github.com/orgs/acme-inc/teams/x": "acme-inc",
            "https://github.com/enterprises/acme-inc": [],
            "https://github.com/settings/profile": [],
            " acme-inc": "acme-inc",
        },
    ],
    [
        "githubActions.repository",
        github("repository"),
        {
            "https://github.com/acme/core-lib": "core-lib",
            "https://github.com/acme/core-lib.git": "core-lib",
            "https://github.com/acme/core-lib/tree/main": "core-lib",
            "git@github.com:acme/core-lib.git": "core-lib",
            "git+ssh://git@github.com/acme/core-lib.git@v1": "core-lib",
            "https://api.github.com/repos/acme/core-lib": "core-lib",
            "acme/core-lib": "core-lib",
            "core-lib.git": "core-lib",
            "https://github.com/orgs/acme/repositories": [],
            "core-lib/": "core-lib",
        },
    ],
    ["githubActions.ownerId", github("ownerId"), { "12 ": "12", "id: 12": "12", acme2: [] }],
    ["githubActions.repositoryId", github("repositoryId"), { '"id": 12,': "12" }],
    ["githubActions.ref", github("ref"), branches],
    [
        "githubActions.issuer",
        github("issuer"),
        {
            ...issuerForms("https://ghe.example/_services/token"),
            "https://ghe.example/_services/token/": "https://ghe.example/_services/token",
        },
    ],
    [
        "gitlabCi.projectId",
        gitlab("projectId"),
        { "Project ID: 12": "12", "https://gitlab.com/projects/12": "12" },
    ],
    [
        "githubActions.environment",
        github("environment"),
        { "https://github.com/acme/core/deployments/production": "production", "environment: pypi": "pypi" },
    ],
    ["gitlabCi.ref", gitlab("ref"), branches],
    [
        "gitlabCi.issuer",
        gitlab("issuer"),
        { ...issuerForms("https://gitlab.example"), "https://gitlab.example/": "https://gitlab.example" },
    ],
    ["circleCi.organizationId", circle("organizationId"), uuids],
    [
        "circleCi.projectId",
        circle("projectId"),
        { ...uuids, [`org/${other}/project/${id}/user/${other}`]: id },
    ],
    [
        "circleCi.contextId",
        circle("contextId"),
        {
            ...uuids,
            [`https://app.circleci.com/settings/organization/circleci/${other}/contexts/${id}`]: id,
            [`https://app.circleci.com/pipelines/circleci/${other}/${id}`]: [],
        },
    ],
    [
        "circleCi.vcsOrigin",
        circle("vcsOrigin"),
        {
            "https://github.com/acme/core": "github.com/acme/core",
            "https://github.com/acme/core.git": "github.com/acme/core",
            "git@github.com:acme/core.git": "github.com/acme/core",
            "ssh://git@github.com:22/acme/core": "github.com/acme/core",
            "github.com/acme/core.git": "github.com/acme/core",
            "GitHub.com/acme/core": "github.com/acme/core",
        },
    ],
    ["circleCi.ref", circle("ref"), branches],
    ["azureDevOps.organizationId", azure("organizationId"), uuids],
    [
        "azureDevOps.pipelineId",
        azure("pipelineId"),
        { "https://dev.azure.com/acme/core/_build?definitionId=12&_a=summary": "12" },
    ],
    [
        "hcpTerraform.organizationId",
        terraform("organizationId"),
        { "https://app.terraform.io/api/v2/organizations/org-Ab2": "org-Ab2", " org-Ab2": "org-Ab2" },
    ],
    [
        "hcpTerraform.workspaceId",
        terraform("workspaceId"),
        { "https://app.terraform.io/api/v2/workspaces/ws-Ab2": "ws-Ab2", "ID: ws-Ab2": "ws-Ab2" },
    ],
    [
        "hcpTerraform.projectId",
        workload("hcpTerraform", { organizationId: "org-Ab1" })("projectId"),
        { "https://app.terraform.io/app/acme/projects/prj-Ab2": "prj-Ab2" },
    ],
    ["buildkite.pipelineId", buildkite("pipelineId"), uuids],
    ["oidc.issuer", oidc("issuer"), issuerForms("https://issuer.example/tenant")],
    [
        "gke.namespace",
        gke("namespace"),
        {
            "namespaces/ns-1": "ns-1",
            "ns-1/publisher": "ns-1",
            "system:serviceaccount:ns-1:publisher": "ns-1",
            "acme-tools.svc.id.goog[ns-1/publisher]": "ns-1",
            " ns-1": "ns-1",
        },
    ],
    [
        "gke.serviceAccount",
        gke("serviceAccount"),
        {
            "ns-1/publish": "publish",
            "system:serviceaccount:ns-1:publish": "publish",
            "acme-tools.svc.id.goog[ns-1/publish]": "publish",
            "namespaces/ns-1/serviceaccounts/publish": "publish",
        },
    ],
    ["gke.clusterProject", gke("clusterProject"), projects],
    ["gke.clusterProjectNumber", gke("clusterProjectNumber"), { "projects/7": "7" }],
    [
        "cloudRun.serviceAccount",
        run("serviceAccount"),
        { [`serviceAccount:${ci}`]: ci, [`projects/acme-tools/serviceAccounts/${ci}`]: ci, [` ${ci}`]: ci },
    ],
    ["cloudRun.project", workload("cloudRun", { projectNumber: "9" })("project"), projects],
    [
        "cloudRun.projectNumber",
        workload("cloudRun", { project: "acme-dev" })("projectNumber"),
        projectNumbers,
    ],
];

describe("a pasted value", () => {
    for (const [key, place, meant] of pasted) {
        for (const [text, expected] of Object.entries(meant)) {
            it(`in ${key} gets the suggestion that it contains: ${text}`, () => {
                const [mistake = "", ...more] = mistakesIn(place(text));
                assert.deepEqual(more, []);
                assert.deepEqual(suggestions(mistake), [expected].flat(), mistake);
                if (key.endsWith("not a list")) return;
                for (const suggested of suggestions(mistake))
                    assert.deepEqual(mistakesIn(place(suggested)), []);
            });
        }
    }

    it("that is a project number in place of an id gets the command that prints the id", () => {
        for (const text of [
            "123456789012",
            "projects/123456789012",
            "//cloudresourcemanager.googleapis.com/projects/123456789012",
            " 123456789012",
        ]) {
            const [mistake = ""] = mistakesIn({ "gcp:project": text, serviceAccounts: {} });
            assert.ok(
                mistake.endsWith(
                    "This is a project number. This command prints the id: gcloud projects describe 123456789012 --format='value(projectId)'",
                ),
            );
        }
    });

    it("that is secret gets no suggestion, because the suggestion is a part of it", () => {
        const secrets = new Set(["gcp:project", "python-registry:projectNumber"]);
        const config = {
            "gcp:project": "projects/123456789012",
            projectNumber: 55,
            pool: { projectNumber: 56 },
        };
        const parsed = parseSettings(stackConfig({ ...valid, ...config }), secrets);
        const mistakes = "mistakes" in parsed ? parsed.mistakes : [];
        assert.equal(mistakes.length, 2);
        for (const mistake of mistakes) assert.doesNotMatch(mistake, /1234|55|56/);
    });

    it("is not the name of a package that only looks like a file", () => {
        for (const name of ["acme.zip", "acme-core.egg", "my.tar.x", "acme_core.egg-info"]) {
            assert.deepEqual(mistakesIn({ internalPackages: [name] }), []);
        }
    });

    it("that is an account of the registry's project is suggested as its address, and as its id without `existing`", () => {
        const address = "ci-reader@acme-tools.iam.gserviceaccount.com";
        const serviceAccounts = { [`${address}/acme-dev/python`]: { access: "reader" } };
        assert.deepEqual(mistakesIn({ serviceAccounts }).flatMap(suggestions), [address, "ci-reader"]);
    });

    it("never gets a suggestion that has a mistake itself", () => {
        // Each type has keys of its own.
        const places = pasted.filter(([key]) => key !== "workloads.NAME.type");
        const texts = pasted.flatMap(([, , meant]) => Object.entries(meant).flat(2));
        const parts = fc.oneof(
            fc.constantFrom(...texts),
            fc.constantFrom(
                "https://",
                "projects/",
                "/",
                ":",
                "@",
                " ",
                "-",
                ".git",
                "[x]",
                "==1",
                "?project=",
                "#",
            ),
            fc.string({ maxLength: 12 }),
        );
        const text = fc.array(parts, { minLength: 1, maxLength: 4 }).map((each) => each.join(""));
        fc.assert(
            fc.property(fc.constantFrom(...places), text, ([key, place], value) => {
                const mistakes = mistakesIn(place(value));
                // What is wrong with another key is said at once, and stays until it is corrected too.
                const messages = new Set(mistakes.map(message));
                for (const mistake of mistakes) {
                    if (/is listed twice|is the account|key \(its value/.test(mistake)) continue;
                    for (const suggested of key.endsWith("not a list") ? [] : suggestions(mistake)) {
                        const left = mistakesIn(place(suggested)).filter(
                            (each) =>
                                !messages.has(message(each)) &&
                                (suggestions(each).length > 0 ||
                                    / is not valid\.| is an unknown | is not an? /.test(each)),
                        );
                        assert.deepEqual(left, [], mistake);
                    }
                }
            }),
            { numRuns: 1500 },
        );
    });
});
