import assert from "node:assert/strict";
import { planWorkloads } from "../../packages/registry/src/workloads/plan";
import type { WorkloadSettings } from "../../packages/registry/src/workloads/settings";
import { given, parsed } from "./ci-tokens";

const place = { project: "acme-tools", location: "europe-west1", repository: "python" };

function plan(entries: Readonly<Record<string, object>>, more: Partial<WorkloadSettings> = {}) {
    const names = Object.keys(entries);
    const list = parsed(...Object.values(entries).map((entry) => ({ access: "writer", ...entry })));
    const workloads = Object.fromEntries(
        list.map((workload, index) => [names[index] ?? "", workload] as const),
    );
    const {
        workloads: planned,
        providers,
        poolId,
        poolProject,
        projectNumbers,
    } = planWorkloads({ ...place, workloads, ...more });
    return {
        providers,
        poolId,
        poolProject,
        principals: Object.fromEntries(
            planned.map(({ name, numberProject, principal }) => [
                name,
                principal((numberProject && projectNumbers.get(numberProject)) ?? "N"),
            ]),
        ),
        roles: planned.map(({ impersonationRole }) => impersonationRole),
        projectNumbers: Object.fromEntries(projectNumbers),
    };
}

const pod = { type: "gke", namespace: "builds", serviceAccount: "publisher" };

describe("the plan of workloads", () => {
    it("names identities by the number of the project that holds them", () => {
        const { principals, roles, projectNumbers } = plan(
            {
                github: given.githubActions,
                custom: {
                    type: "oidc",
                    issuer: "https://ci.acme.example",
                    claims: { sub: "release" },
                },
                pod: { ...pod, clusterProject: "acme-clusters", clusterProjectNumber: "3" },
                near: { ...pod, namespace: "near" },
                vm: { type: "computeEngine" },
                run: { type: "cloudRun", project: "acme-runs" },
                app: { type: "appEngine", project: "example.com:acme-app" },
                build: { type: "cloudBuild", project: "acme-builds", projectNumber: "5", legacy: true },
                modern: { type: "cloudBuild", project: "acme-builds" },
            },
            { projectNumber: "1", pool: { id: "ours", project: "acme-pools", projectNumber: "2" } },
        );
        const pools = (number: string) =>
            `//iam.googleapis.com/projects/${number}/locations/global/workloadIdentityPools`;
        assert.deepEqual(principals, {
            github: `principalSet:${pools("2")}/ours/attribute.trusted_repository/github:9001:70001`,
            custom: `principalSet:${pools("2")}/ours/attribute.oidc_97ae0743_ca6e5cfa6e1a5de7/granted`,
            pod: `principal:${pools("3")}/acme-clusters.svc.id.goog/subject/ns/builds/sa/publisher`,
            near: `principal:${pools("1")}/acme-tools.svc.id.goog/subject/ns/near/sa/publisher`,
            vm: "serviceAccount:1-compute@developer.gserviceaccount.com",
            run: "serviceAccount:N-compute@developer.gserviceaccount.com",
            app: "serviceAccount:acme-app.example.com@appspot.gserviceaccount.com",
            build: "serviceAccount:5@cloudbuild.gserviceaccount.com",
            modern: "serviceAccount:5-compute@developer.gserviceaccount.com",
        });
        assert.deepEqual(projectNumbers, {
            "acme-pools": "2",
            "acme-clusters": "3",
            "acme-tools": "1",
            "acme-runs": undefined,
            "acme-builds": "5",
        });
        const creator = "roles/iam.serviceAccountTokenCreator";
        assert.deepEqual(roles, [
            ...Array.from({ length: 4 }, () => "roles/iam.workloadIdentityUser"),
            ...Array.from({ length: 5 }, () => creator),
        ]);
    });

    it("needs a pool only for machines outside Google Cloud, and numbers only where a name holds one", () => {
        const email = "ci@acme-ci.iam.gserviceaccount.com";
        assert.deepEqual(
            plan({ run: { type: "cloudRun", serviceAccount: email }, app: { type: "appEngine" } }),
            {
                poolId: "python-europe-west1",
                poolProject: "acme-tools",
                providers: [],
                principals: {
                    run: `serviceAccount:${email}`,
                    app: "serviceAccount:acme-tools@appspot.gserviceaccount.com",
                },
                roles: ["roles/iam.serviceAccountTokenCreator", "roles/iam.serviceAccountTokenCreator"],
                projectNumbers: {},
            },
        );
        assert.deepEqual(plan({ pod }).providers, []);
        const { poolId, poolProject } = plan({ a: given.gitlabCi }, { pool: { project: "acme-pools" } });
        assert.match(poolId, /^python-europe-west1-[0-9a-f]{8}$/);
        assert.equal(poolProject, "acme-pools");
    });
});
