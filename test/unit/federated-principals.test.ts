import assert from "node:assert/strict";
import { stackConfig } from "../../packages/sandbox/src/engines/stack-config";
import { unchosenIdentities } from "../../packages/registry/src/validation/federated-principals";
import { principalMistake } from "../../packages/registry/src/validation/principals";
import { parseSettings } from "../../src/settings";

const host = "iam.googleapis.com";
const pools = "projects/123/locations/global/workloadIdentityPools";
const set = (path: string) => `principalSet://${host}/${path}`;
const one = (path: string) => `principal://${host}/${path}`;

describe("a federated principal", () => {
    for (const principal of [
        one(`${pools}/machines/subject/repo:acme/core:ref:refs/heads/main`),
        one(`${pools}/machines/subject/${"x".repeat(127)}`),
        set(`${pools}/machines/group/developers`),
        set(`${pools}/machines/attribute.repository_id/7`),
        set(`${pools}/machines/attribute.repository/acme/core`),
        set(`${pools}/machines/*`),
        one(`${pools}/acme-tools.svc.id.goog/subject/ns/builds/sa/publisher`),
        one(`${pools}/acme-tools.svc.id.goog/kubernetes.serviceaccount.uid/0b8a3e94-71f5`),
        set(`${pools}/acme-tools.svc.id.goog/namespace/builds`),
        set(
            `${pools}/acme-tools.svc.id.goog/kubernetes.cluster/https://container.googleapis.com/v1/projects/acme-tools/locations/europe-west1/clusters/main`,
        ),
        one("locations/global/workforcePools/staff/subject/ada@acme.example"),
        set("locations/global/workforcePools/staff/group/developers"),
        set("locations/global/workforcePools/staff/attribute.team/core"),
        set("locations/global/workforcePools/staff/*"),
        // GitHub's environments can have spaces.
        set(`${pools}/machines/attribute.repository_environment/7:late release`),
        one(`${pools}/example.com:tools.svc.id.goog/subject/ns/builds/sa/publisher`),
        "principalSet://cloudresourcemanager.googleapis.com/projects/123/type/ServiceAccount",
        "principalSet://cloudresourcemanager.googleapis.com/folders/123/type/ServiceAccount",
        "principalSet://cloudresourcemanager.googleapis.com/organizations/123/type/ServiceAccount",
    ]) {
        it(`is accepted: ${principal}`, () => {
            assert.equal(principalMistake(principal), undefined);
        });
    }

    const selectors =
        "subject/SUBJECT (principal://), group/GROUP, attribute.NAME/VALUE or * (principalSet://)";
    const kubernetesSelectors =
        "subject/SUBJECT or kubernetes.serviceaccount.uid/UID (principal://), namespace/NAMESPACE, kubernetes.cluster/CLUSTER or * (principalSet://)";
    const schemes = "principal:// with subject/, principalSet:// with group/, attribute. and *.";
    const inPool =
        "is not in a pool. Allowed: projects/NUMBER/locations/global/workloadIdentityPools/POOL/… or locations/global/workforcePools/POOL/… after the host.";
    const provider = "names a provider. Allowed: the pool alone, because a grant is to identities of a pool.";
    for (const [principal, mistake] of [
        [
            set("projects/acme-tools/locations/global/workloadIdentityPools/machines/*"),
            "has a project id. Allowed: the project number after projects/, which this command prints: gcloud projects describe acme-tools --format='value(projectNumber)'",
        ],
        [
            set(`${pools}/machines/providers/github`),
            `${provider} Did you mean ${JSON.stringify(set(`${pools}/machines/*`))}?`,
        ],
        [
            set(`${pools}/machines/providers/github/attribute.repository_id/7`),
            `${provider} Did you mean ${JSON.stringify(set(`${pools}/machines/attribute.repository_id/7`))}?`,
        ],
        [
            set(`${pools}/machines/providers/github/subject/x`),
            `${provider} Did you mean ${JSON.stringify(one(`${pools}/machines/subject/x`))}?`,
        ],
        [
            set(`${pools}/machines/subject/x`),
            `has the scheme of a set, but names one identity. Allowed: ${schemes} Did you mean ${JSON.stringify(one(`${pools}/machines/subject/x`))}?`,
        ],
        [
            one(`${pools}/machines/attribute.repository_id/7`),
            `has the scheme of one identity, but names a set. Allowed: ${schemes} Did you mean ${JSON.stringify(set(`${pools}/machines/attribute.repository_id/7`))}?`,
        ],
        [
            one(`${pools}/machines/*`),
            `has the scheme of one identity, but names a set. Allowed: ${schemes} Did you mean ${JSON.stringify(set(`${pools}/machines/*`))}?`,
        ],
        [
            set(`${pools}/acme-tools.svc.id.goog/kubernetes.serviceaccount.uid/0b8a`),
            `has the scheme of a set, but names one identity. Allowed: principal:// with subject/ and kubernetes.serviceaccount.uid/, principalSet:// with namespace/, kubernetes.cluster/ and *. Did you mean ${JSON.stringify(one(`${pools}/acme-tools.svc.id.goog/kubernetes.serviceaccount.uid/0b8a`))}?`,
        ],
        [
            set(`${pools}/machines/attribute.repository/acme/*`),
            "has a wildcard, which matches nothing. Allowed: * only as the last part, for all identities of the pool.",
        ],
        [
            one(`${pools}/machines/subject/repo:acme/core:*`),
            "has a wildcard, which matches nothing. Allowed: * only as the last part, for all identities of the pool.",
        ],
        [
            set(`${pools}/*/attribute.repository_id/7`),
            "has a wildcard, which matches nothing. Allowed: * only as the last part, for all identities of the pool.",
        ],
        [
            set(`${pools}/machines`),
            `is a pool without a selector. Allowed after the pool: ${selectors}. Did you mean ${JSON.stringify(set(`${pools}/machines/*`))}?`,
        ],
        [
            set(`${pools}/machines/`),
            `is a pool without a selector. Allowed after the pool: ${selectors}. Did you mean ${JSON.stringify(set(`${pools}/machines/*`))}?`,
        ],
        [set(`${pools}/projects/group/x`), undefined],
        [
            set(`${pools}/machines/namespace/builds`),
            "has a selector of GKE. Allowed: only with a pool PROJECT_ID.svc.id.goog.",
        ],
        [
            one(`${pools}/machines/kubernetes.serviceaccount.uid/0b8a`),
            "has a selector of GKE. Allowed: only with a pool PROJECT_ID.svc.id.goog.",
        ],
        [
            set("locations/global/workforcePools/acme.svc.id.goog/namespace/builds"),
            "has a selector of GKE. Allowed: only with a pool PROJECT_ID.svc.id.goog.",
        ],
        [
            set(`${pools}/machines/repository/7`),
            `has an unknown selector. Allowed after the pool: ${selectors}.`,
        ],
        [
            set(`${pools}/machines/attribute.Repository/7`),
            `has an unknown selector. Allowed after the pool: ${selectors}.`,
        ],
        [
            set(`${pools}/machines/attribute.a/`),
            `has an unknown selector. Allowed after the pool: ${selectors}.`,
        ],
        [one(`${pools}/machines/subject/`), `has an unknown selector. Allowed after the pool: ${selectors}.`],
        [set("x/y"), inPool],
        [set("projects/123/locations/europe-west1/workloadIdentityPools/machines/*"), inPool],
        [set("projects/123/locations/global/workforcePools/staff/*"), inPool],
        [set("locations/global/workloadIdentityPools/machines/*"), inPool],
        [
            one(`${pools}/machines/subject/${"é".repeat(64)}`),
            "has a subject of 128 bytes. Allowed: at most 127, because Google refuses tokens with a longer one.",
        ],
        [
            "principal:iam.googleapis.com/x",
            "is not a federated identity. Allowed: principal:// followed by a path, for example principal://iam.googleapis.com/….",
        ],
    ] as const) {
        it(`${mistake === undefined ? "is accepted" : "is refused, with what was likely meant"}: ${principal}`, () => {
            assert.equal(principalMistake(principal), mistake);
        });
    }

    const hosts =
        "has an unknown host. Allowed: iam.googleapis.com, with a pool, and cloudresourcemanager.googleapis.com, with all service accounts of a project.";
    const accounts =
        "is not a set of service accounts. Allowed with this host: principalSet://, and projects/NUMBER/type/ServiceAccount after it, also with folders/ or organizations/.";
    for (const [principal, mistake] of [
        // Google's spellings for deny policies and boundaries.
        ["principalSet://goog/public:all", hosts],
        ["principalSet://goog/cloudIdentityCustomerId/C01Abc35", hosts],
        ["principal://goog/subject/ada@acme.example", `${hosts} Did you mean "user:ada@acme.example"?`],
        ["principalSet://goog/group/team@acme.example", `${hosts} Did you mean "group:team@acme.example"?`],
        [
            one("projects/-/serviceAccounts/ci@acme-tools.iam.gserviceaccount.com"),
            `${inPool} Did you mean "serviceAccount:ci@acme-tools.iam.gserviceaccount.com"?`,
        ],
        // Identities of agents and of resources, which do not install packages.
        [
            "principal://agents.global.org-123.system.id.goog/resources/aiplatform/projects/9/locations/us/reasoningEngines/a",
            hosts,
        ],
        ["principal://parametermanager.googleapis.com/projects/1/uid/locations/global/parameters/a", hosts],
        [one("projects/123/name/locations/global/workloadIdentityPools/machines"), inPool],
        // Other hosts, and other spellings of the right ones.
        ["principalSet://example.com/projects/123/locations/global/workloadIdentityPools/machines/*", hosts],
        [`principalSet://IAM.googleapis.com/${pools}/machines/*`, hosts],
        [`principalSet://iam.googleapis.com./${pools}/machines/*`, hosts],
        [`principalSet://iam.googleapis.com:443/${pools}/machines/*`, hosts],
        [`principalSet://user@iam.googleapis.com/${pools}/machines/*`, hosts],
        [`principalSet://iam%2Egoogleapis.com/${pools}/machines/*`, hosts],
        [`principalSet://iam.googleapis.com//${pools}/machines/*`, inPool],
        [set(`%70rojects/123/locations/global/workloadIdentityPools/machines/*`), inPool],
        [
            set("projects/0123/locations/global/workloadIdentityPools/machines/*"),
            "has a project id. Allowed: the project number after projects/, which this command prints: gcloud projects describe PROJECT --format='value(projectNumber)'",
        ],
        [
            set("projects/$(id)/locations/global/workloadIdentityPools/machines/*"),
            "has a project id. Allowed: the project number after projects/, which this command prints: gcloud projects describe PROJECT --format='value(projectNumber)'",
        ],
        ...["CI-1", "c%69-1", "ci_1", "сі-1", "ab", "a".repeat(33), "gcp-x"].map(
            (pool) =>
                [
                    set(`${pools}/${pool}/group/x`),
                    "has a pool with a name that Google does not allow. Allowed: 4 to 32 lowercase letters, digits and hyphens, without gcp- at the start; for GKE, PROJECT_ID.svc.id.goog.",
                ] as const,
        ),
        ...["Staff", "st_aff", "a".repeat(64)].map(
            (pool) =>
                [
                    set(`locations/global/workforcePools/${pool}/group/x`),
                    "has a pool with a name that Google does not allow. Allowed: lowercase letters, digits and hyphens.",
                ] as const,
        ),
        ...["group/developers", "attribute.repository/x"].map(
            (selector) =>
                [
                    set(`${pools}/acme-tools.svc.id.goog/${selector}`),
                    `has an unknown selector. Allowed after the pool: ${kubernetesSelectors}.`,
                ] as const,
        ),
        [
            set(`projects/${"9".repeat(26)}/locations/global/workloadIdentityPools/machines/*`),
            "has a project id. Allowed: the project number after projects/, which this command prints: gcloud projects describe PROJECT --format='value(projectNumber)'",
        ],
        [
            "principalSet://cloudresourcemanager.googleapis.com/projects/acme-tools/type/ServiceAccount",
            accounts,
        ],
        ["principalSet://cloudresourcemanager.googleapis.com/projects/123/type/ServiceAgent", accounts],
        ["principalSet://cloudresourcemanager.googleapis.com/projects/123/type/ServiceAccount/", accounts],
        ["principalSet://cloudresourcemanager.googleapis.com/projects/123", accounts],
        ["principal://cloudresourcemanager.googleapis.com/projects/123/type/ServiceAccount", accounts],
        [
            set(`${pools}/acme-tools.svc.id.goog/kubernetes.cluster/https://example.com/clusters/main`),
            `has an unknown selector. Allowed after the pool: ${kubernetesSelectors}.`,
        ],
        [
            set(`${pools}/acme-tools.svc.id.goog/namespace/Builds`),
            `has an unknown selector. Allowed after the pool: ${kubernetesSelectors}.`,
        ],
    ] as const) {
        it(`is refused, because no allow policy of a repository takes it: ${principal}`, () => {
            assert.equal(principalMistake(principal), mistake);
        });
    }

    it("in a different spelling is refused", () => {
        const type = /^has an unknown type\. Allowed: user:, group: or serviceAccount:/;
        const federated = /^is not a federated identity\. Allowed: principal(?:Set)?:\/\/ followed by a path/;
        for (const [principal, mistake] of [
            [`PRINCIPALSET://${host}/${pools}/machines/*`, type],
            [`principalset://${host}/${pools}/machines/*`, type],
            [` principalSet://${host}/${pools}/machines/*`, type],
            [`principal%53et://${host}/${pools}/machines/*`, type],
            [`iamMember:principalSet://${host}/${pools}/machines/*`, type],
            [`member:user:ada@acme.example`, type],
            [`deleted:${one(`${pools}/machines/subject/x`)}`, type],
            ["deleted:serviceAccount:ci@acme-tools.iam.gserviceaccount.com?uid=1", type],
            ["projectOwner:acme-tools", type],
            ["projectEditor:acme-tools", type],
            ["projectViewer:acme-tools", type],
            ["special:allUsers", type],
            [`principalSet://${host}/${pools}/machines/group/x `, federated],
            [`principalSet://${host}/ ${pools}/machines/group/x`, federated],
            [`principalSet:// ${host}/${pools}/machines/group/x`, federated],
            [`principalSet://${host}/${pools}/machines/group/x\n`, federated],
            [`principalSet://${host}/${pools}/machines/group/x\u200b`, federated],
            [`principalSet://${host}/${pools}/machines/group/a\u00a0b`, federated],
            [`principalSet:\\\\${host}/${pools}/machines/*`, federated],
            [`principalSet:/${host}/${pools}/machines/*`, federated],
            ["allusers", /^is not an IAM principal/],
            ["allUsers ", /^is not an IAM principal/],
            ["AllAuthenticatedUsers", /^is not an IAM principal/],
            [`//${host}/${pools}/machines/*`, /^is not an IAM principal/],
        ] as const) {
            assert.match(principalMistake(principal) ?? "accepted", mistake, principal);
        }
    });

    it("with an address has one of a documented form", () => {
        const address =
            /^does not have (?:a valid email address|the address of a service account)\. Allowed: /;
        for (const principal of [
            "user: ada@acme.example",
            "user:ada @acme.example",
            "user:ada@acme.example ",
            "user:аda@acme.example",
            "user:ada@аcme.example",
            "user:ada%40x@acme.example",
            "user:ada@acme.example?uid=1",
            "user:*@acme.example",
            'user:"ada"@acme.example',
            "user:ada\u200b@acme.example",
            "group:goog/team@acme.example",
            "group:acme-tools.svc.id.goog:/allAuthenticatedUsers/",
            "serviceAccount: ci@acme-tools.iam.gserviceaccount.com",
            "serviceAccount:ci@acme-tools.iam.gserviceaccount.com ",
            "serviceAccount:ci$(id)@acme-tools.iam.gserviceaccount.com",
            "serviceAccount:ci@acme-tools.iam.gserviceaccount.com.example.com",
            "serviceAccount:ci@acme-tools",
            "serviceAccount:acme-tools.svc.id.goog[builds]",
            "serviceAccount:acme-tools.svc.id.goog[builds/*]",
        ]) {
            assert.match(principalMistake(principal) ?? "accepted", address, principal);
        }
        assert.equal(
            principalMistake("serviceAccount:ada@acme.example"),
            'does not have the address of a service account. Allowed: serviceAccount: followed by an address, for example serviceAccount:name@project.iam.gserviceaccount.com. Did you mean "user:ada@acme.example" or "group:ada@acme.example"?',
        );
        for (const principal of [
            "user:ada.lovelace+ci_1@acme.example",
            "user:o'hara@acme.example",
            "serviceAccount:123-compute@developer.gserviceaccount.com",
            "serviceAccount:123@cloudbuild.gserviceaccount.com",
            "serviceAccount:tools.example.com@appspot.gserviceaccount.com",
            "serviceAccount:service-1@gcp-sa-artifactregistry.iam.gserviceaccount.com",
            "serviceAccount:ci@tools.example.com.iam.gserviceaccount.com",
            "serviceAccount:acme-tools.svc.id.goog[builds/publisher]",
        ]) {
            assert.equal(principalMistake(principal), undefined);
        }
    });

    it("that is a whole pool, or all service accounts of a project, can only read", () => {
        const pool = set(`${pools}/machines/*`);
        const all = "principalSet://cloudresourcemanager.googleapis.com/folders/123/type/ServiceAccount";
        assert.equal(
            unchosenIdentities(set("locations/global/workforcePools/staff/*")),
            "every identity of the pool",
        );
        assert.equal(unchosenIdentities(set(`${pools}/machines/group/x`)), undefined);
        const refused = parseSettings(
            stackConfig({ "gcp:project": "acme-tools", location: "us", readers: [all], writers: [all] }),
        );
        assert.deepEqual("mistakes" in refused ? refused.mistakes : [], [
            `python-registry:writers[0]: ${JSON.stringify(all)} would let every service account of the folder upload. Allowed: single service accounts; all of them only in readers.`,
        ]);
        const parsed = parseSettings(
            stackConfig({
                "gcp:project": "acme-tools",
                location: "us",
                readers: [pool],
                writers: [pool],
                admins: [pool],
                serviceAccounts: { "ci-builds": { access: "writer", impersonators: [pool] } },
            }),
        );
        const allowed = "Allowed: a subject, a group or an attribute of the pool; * only in readers.";
        assert.deepEqual("mistakes" in parsed ? parsed.mistakes : [], [
            `python-registry:writers[0]: ${JSON.stringify(pool)} would let every identity of the pool upload. ${allowed}`,
            `python-registry:admins[0]: ${JSON.stringify(pool)} would let every identity of the pool delete packages. ${allowed}`,
            `python-registry:serviceAccounts.ci-builds.impersonators[0]: ${JSON.stringify(pool)} would let every identity of the pool act as the account. ${allowed}`,
        ]);
    });
});
