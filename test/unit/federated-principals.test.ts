import assert from "node:assert/strict";
import { stackConfig } from "../../sandbox/engines/stack-config";
import { isWholePool } from "../../src/names/federated-principals";
import { principalMistake } from "../../src/names/principals";
import { parseSettings } from "../../src/settings/settings";

const host = "iam.googleapis.com";
const pools = "projects/123/locations/global/workloadIdentityPools";
const set = (path: string) => `principalSet://${host}/${path}`;
const one = (path: string) => `principal://${host}/${path}`;

describe("a federated principal", () => {
    for (const principal of [
        one(`${pools}/ci/subject/repo:acme/core:ref:refs/heads/main`),
        one(`${pools}/ci/subject/${"x".repeat(127)}`),
        set(`${pools}/ci/group/developers`),
        set(`${pools}/ci/attribute.repository_id/7`),
        set(`${pools}/ci/attribute.repository/acme/core`),
        set(`${pools}/ci/*`),
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
        // Other hosts have forms that are not known here.
        "principalSet://cloudresourcemanager.googleapis.com/projects/123/type/ServiceAccount",
        "principal://goog/subject/ada@acme.example",
    ]) {
        it(`is accepted: ${principal}`, () => {
            assert.equal(principalMistake(principal), undefined);
        });
    }

    const selectors =
        "subject/SUBJECT (principal://), group/GROUP, attribute.NAME/VALUE or * (principalSet://)";
    const schemes = "principal:// with subject/, principalSet:// with group/, attribute. and *.";
    const inPool =
        "is not in a pool. Allowed: projects/NUMBER/locations/global/workloadIdentityPools/POOL/… or locations/global/workforcePools/POOL/… after the host.";
    const provider = "names a provider. Allowed: the pool alone, because a grant is to identities of a pool.";
    for (const [principal, mistake] of [
        [
            set("projects/acme-tools/locations/global/workloadIdentityPools/ci/*"),
            "has a project id. Allowed: the project number after projects/, which this command prints: gcloud projects describe acme-tools --format='value(projectNumber)'",
        ],
        [
            set(`${pools}/ci/providers/github`),
            `${provider} Did you mean ${JSON.stringify(set(`${pools}/ci/*`))}?`,
        ],
        [
            set(`${pools}/ci/providers/github/attribute.repository_id/7`),
            `${provider} Did you mean ${JSON.stringify(set(`${pools}/ci/attribute.repository_id/7`))}?`,
        ],
        [
            set(`${pools}/ci/providers/github/subject/x`),
            `${provider} Did you mean ${JSON.stringify(one(`${pools}/ci/subject/x`))}?`,
        ],
        [
            set(`${pools}/ci/subject/x`),
            `has the scheme of a set, but names one identity. Allowed: ${schemes} Did you mean ${JSON.stringify(one(`${pools}/ci/subject/x`))}?`,
        ],
        [
            one(`${pools}/ci/attribute.repository_id/7`),
            `has the scheme of one identity, but names a set. Allowed: ${schemes} Did you mean ${JSON.stringify(set(`${pools}/ci/attribute.repository_id/7`))}?`,
        ],
        [
            one(`${pools}/ci/*`),
            `has the scheme of one identity, but names a set. Allowed: ${schemes} Did you mean ${JSON.stringify(set(`${pools}/ci/*`))}?`,
        ],
        [
            set(`${pools}/acme-tools.svc.id.goog/kubernetes.serviceaccount.uid/0b8a`),
            `has the scheme of a set, but names one identity. Allowed: principal:// with subject/ and kubernetes.serviceaccount.uid/, principalSet:// with group/, attribute., namespace/, kubernetes.cluster/ and *. Did you mean ${JSON.stringify(one(`${pools}/acme-tools.svc.id.goog/kubernetes.serviceaccount.uid/0b8a`))}?`,
        ],
        [
            set(`${pools}/ci/attribute.repository/acme/*`),
            "has a wildcard, which matches nothing. Allowed: * only as the last part, for all identities of the pool.",
        ],
        [
            one(`${pools}/ci/subject/repo:acme/core:*`),
            "has a wildcard, which matches nothing. Allowed: * only as the last part, for all identities of the pool.",
        ],
        [
            set(`${pools}/*/attribute.repository_id/7`),
            "has a wildcard, which matches nothing. Allowed: * only as the last part, for all identities of the pool.",
        ],
        [
            set(`${pools}/ci`),
            `is a pool without a selector. Allowed after the pool: ${selectors}. Did you mean ${JSON.stringify(set(`${pools}/ci/*`))}?`,
        ],
        [
            set(`${pools}/ci/`),
            `is a pool without a selector. Allowed after the pool: ${selectors}. Did you mean ${JSON.stringify(set(`${pools}/ci/*`))}?`,
        ],
        [set(`${pools}/projects/group/x`), undefined],
        [
            set(`${pools}/ci/namespace/builds`),
            "has a selector of GKE. Allowed: only with a pool PROJECT_ID.svc.id.goog.",
        ],
        [
            one(`${pools}/ci/kubernetes.serviceaccount.uid/0b8a`),
            "has a selector of GKE. Allowed: only with a pool PROJECT_ID.svc.id.goog.",
        ],
        [
            set("locations/global/workforcePools/acme.svc.id.goog/namespace/builds"),
            "has a selector of GKE. Allowed: only with a pool PROJECT_ID.svc.id.goog.",
        ],
        [set(`${pools}/ci/repository/7`), `has an unknown selector. Allowed after the pool: ${selectors}.`],
        [
            set(`${pools}/ci/attribute.Repository/7`),
            `has an unknown selector. Allowed after the pool: ${selectors}.`,
        ],
        [set(`${pools}/ci/attribute.a/`), `has an unknown selector. Allowed after the pool: ${selectors}.`],
        [one(`${pools}/ci/subject/`), `has an unknown selector. Allowed after the pool: ${selectors}.`],
        [set("x/y"), inPool],
        [set("projects/123/locations/europe-west1/workloadIdentityPools/ci/*"), inPool],
        [set("projects/123/locations/global/workforcePools/staff/*"), inPool],
        [set("locations/global/workloadIdentityPools/ci/*"), inPool],
        [
            one(`${pools}/ci/subject/${"é".repeat(64)}`),
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

    it("that is a whole pool can only read", () => {
        const pool = set(`${pools}/ci/*`);
        assert.ok(isWholePool(pool));
        assert.ok(isWholePool(set("locations/global/workforcePools/staff/*")));
        assert.ok(!isWholePool(set(`${pools}/ci/group/x`)));
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
