import assert from "node:assert/strict";
import { type ProgramOptions, runProgram } from "../../packages/sandbox/src/engines/in-process-engine";
import { stackConfig } from "../../packages/sandbox/src/engines/stack-config";
import { type LoggedRequest, type Sandbox, startSandbox } from "../../packages/sandbox/src/sandbox";
import type { WorkloadType } from "../../packages/registry/src/systems/workload-config";
import { forWriters, given } from "../unit/ci-tokens";

// Machines without a key, through the whole program: what it creates and grants, on what, to whom, and nothing else.

const project = "sandbox-project";
const number = "123456789012";
const poolId = "python-europe-west1";
const pool = `projects/${number}/locations/global/workloadIdentityPools/${poolId}`;
const attribute = (value: string, inPool = pool) =>
    `principalSet://iam.googleapis.com/${inPool}/attribute.${value}`;
const roles = {
    reader: "roles/artifactregistry.reader",
    writer: "roles/artifactregistry.writer",
    admin: "roles/artifactregistry.repoAdmin",
};
const publisher = `python-publisher@${project}.iam.gserviceaccount.com`;
const federationUser = "roles/iam.workloadIdentityUser";
const tokenCreator = "roles/iam.serviceAccountTokenCreator";
type Values = Readonly<Record<string, unknown>>;
const github = { ...given.githubActions, ...forWriters.githubActions, access: "writer" };
const gitHubPrincipal = "trusted_repository_ref/github:9001:70001:refs/heads/main";

describe("workloads", () => {
    let sandbox: Sandbox;
    beforeEach(async () => {
        sandbox = await startSandbox({ project });
    });
    afterEach(() => sandbox.close());

    const run = (values: Values, options: ProgramOptions = {}, inSandbox = sandbox) =>
        runProgram(
            {
                stack: "test",
                config: {
                    "gcp:project": project,
                    ...inSandbox.providerConfig,
                    ...stackConfig({ location: "europe-west1", serviceAccounts: {}, ...values }),
                },
            },
            options,
        );

    const cloud = (id = project) => sandbox.cloud.project(id);
    const bindings = (policy: {
        readonly bindings: readonly { role: string; members: readonly string[] }[];
    }) => Object.fromEntries(policy.bindings.map(({ role, members }) => [role, [...members].sort()]));
    const granted = () => bindings([...cloud().repositories.values()][0]!.policy);
    const grantedOn = (email: string, id = project) => bindings(cloud(id).serviceAccounts.get(email)!.policy);
    const providersIn = (id = project) =>
        [...cloud(id).workloadIdentityPools.values()].map((each) => [
            each.id,
            [...each.providers.keys()].sort(),
        ]);
    /** The calls that change something, without the ids of the resources' parents. */
    const changes = (requests: readonly LoggedRequest[] = sandbox.requests) =>
        requests
            .filter(({ method }) => method !== "GET")
            .map(({ method, path }) => `${method} ${path.replace(/^.*\//, "")}`)
            .sort();
    /** A lookup of the project's number. */
    const isLookup = ({ path }: LoggedRequest) => path.endsWith("/billingInfo");
    const always = [
        "POST artifactregistry.googleapis.com:enable",
        "POST iam.googleapis.com:enable",
        "POST repositories?repository_id=python",
    ];

    /** Type → the entry, the provider it needs, and the principal that is granted. */
    const cases: Record<
        WorkloadType,
        readonly [entry: Values, provider: string | undefined, principal: string]
    > = {
        githubActions: [
            { ...given.githubActions, ref: "refs/heads/main", environment: "pypi" },
            "github",
            attribute("trusted_repository_ref_environment/github:9001:70001:refs/heads/main:pypi"),
        ],
        gitlabCi: [
            { ...given.gitlabCi, environment: "production" },
            "gitlab",
            attribute("trusted_project_environment/gitlab:501:production"),
        ],
        circleCi: [
            { ...given.circleCi, ref: "refs/heads/main" },
            "circleci-2e154229",
            attribute(
                `trusted_project_origin_ref/circleci-2e154229:${given.circleCi.projectId}:github.com/acme/widgets:refs/heads/main`,
            ),
        ],
        azureDevOps: [
            { ...given.azureDevOps, pipelineId: 12, ref: "refs/heads/main" },
            "azure-601c84e3",
            attribute(
                `trusted_pipeline_ref/azure-601c84e3:${given.azureDevOps.projectId}:12:refs/heads/main`,
            ),
        ],
        hcpTerraform: [
            given.hcpTerraform,
            "terraform",
            attribute("trusted_workspace/terraform:org-GRNbCjYN:ws-mbsd5E3K"),
        ],
        buildkite: [
            { ...given.buildkite, ...forWriters.buildkite, events: ["api"] },
            "buildkite",
            attribute(
                `trusted_pipeline_ref_api/buildkite:${given.buildkite.organizationId}:${given.buildkite.pipelineId}:refs/heads/main`,
            ),
        ],
        oidc: [
            {
                type: "oidc",
                issuer: "https://ci.acme.example",
                audiences: ["python"],
                claims: { sub: "release", org_id: ["7", "8"] },
            },
            "oidc-97ae0743",
            attribute("oidc_97ae0743_b3c39c2969058ab2/granted"),
        ],
        gke: [
            { type: "gke", namespace: "builds", serviceAccount: "publisher" },
            undefined,
            `principal://iam.googleapis.com/projects/${number}/locations/global/workloadIdentityPools/${project}.svc.id.goog/subject/ns/builds/sa/publisher`,
        ],
        computeEngine: [
            { type: "computeEngine" },
            undefined,
            `serviceAccount:${number}-compute@developer.gserviceaccount.com`,
        ],
        cloudRun: [
            { type: "cloudRun", project: "other-project", projectNumber: "77" },
            undefined,
            "serviceAccount:77-compute@developer.gserviceaccount.com",
        ],
        cloudFunctions: [
            { type: "cloudFunctions", serviceAccount: "fn@other-project.iam.gserviceaccount.com" },
            undefined,
            "serviceAccount:fn@other-project.iam.gserviceaccount.com",
        ],
        appEngine: [
            { type: "appEngine" },
            undefined,
            `serviceAccount:${project}@appspot.gserviceaccount.com`,
        ],
        cloudBuild: [
            { type: "cloudBuild", legacy: true },
            undefined,
            `serviceAccount:${number}@cloudbuild.gserviceaccount.com`,
        ],
    };
    // One with a provider, and one without.
    for (const type of ["githubActions", "gke"] as const) {
        const [entry, provider, principal] = cases[type];
        it(`of the type ${type} get their role on the repository, and nothing else`, async () => {
            const { outputs } = await run({ workloads: { machine: { ...entry, access: "writer" } } });
            assert.ok(sandbox.requests.some(isLookup));
            assert.deepEqual(granted(), { [roles.writer]: [principal] });
            assert.deepEqual(providersIn(), provider === undefined ? [] : [[poolId, [provider]]]);
            assert.deepEqual(
                changes(),
                [
                    ...always,
                    ...(provider === undefined
                        ? []
                        : [
                              "POST sts.googleapis.com:enable",
                              `POST workloadIdentityPools?workloadIdentityPoolId=${poolId}`,
                              `POST providers?workloadIdentityPoolProviderId=${provider}`,
                          ]),
                    "POST python:setIamPolicy",
                ].sort(),
            );
            // Only `…/projects/ID:setIamPolicy` would grant a role on the project.
            assert.ok(sandbox.requests.every(({ path }) => !/projects\/[^/]+:setIamPolicy/.test(path)));
            assert.deepEqual(outputs["access"]?.value, {
                reader: [],
                writer: [principal],
                admin: [],
                workloads: { machine: { access: "writer", principal } },
            });
            const ci = outputs["ci"]?.value as Record<string, string>;
            assert.deepEqual(Object.keys(ci), ["machine"]);
            assert.equal(typeof ci["machine"], "string");
        });
    }

    const every = Object.fromEntries(
        Object.entries(cases).map(([type, [entry]]) => [
            type.toLowerCase(),
            type === "buildkite"
                ? { ...given.buildkite, access: "reader" }
                : { ...entry, access: type === "gke" ? "admin" : "writer" },
        ]),
    );

    it("of all types share one pool, each role has one grant, and a preview knows them and changes nothing", async () => {
        const preview = await run({ workloads: every }, { preview: true });
        assert.deepEqual(preview.unknown, []);
        assert.deepEqual(changes(), []);
        const { outputs } = await run({ workloads: every });
        for (const [name, output] of Object.entries(preview.outputs)) {
            assert.deepEqual(output, outputs[name], name);
        }
        assert.deepEqual(Object.keys(outputs["ci"]?.value as object), Object.keys(every));
        assert.ok(sandbox.requests.every(({ path }) => !/projects\/[^/]+:setIamPolicy/.test(path)));
        assert.deepEqual(providersIn(), [
            [
                poolId,
                Object.values(cases)
                    .flatMap(([, provider]) => (provider === undefined ? [] : [provider]))
                    .sort(),
            ],
        ]);
        const getPrincipal = (type: WorkloadType) => cases[type][2];
        assert.deepEqual(granted(), {
            [roles.reader]: [getPrincipal("buildkite").replace("trusted_pipeline_ref_api", "pipeline_ref")],
            [roles.writer]: (Object.keys(cases) as WorkloadType[])
                .filter((type) => !["gke", "buildkite"].includes(type))
                .map(getPrincipal)
                .sort(),
            [roles.admin]: [getPrincipal("gke")],
        });
        assert.equal(changes().filter((change) => change.endsWith("python:setIamPolicy")).length, 3);
    });

    it("have a provider with the issuer, a mapping and a condition, and take as many calls for fifty as for one", async () => {
        const machines = (count: number) =>
            Object.fromEntries(
                Array.from({ length: count }, (_, index) => [
                    `m${index}`,
                    { ...github, repositoryId: String(70001 + index) },
                ]),
            );
        await run({ workloads: machines(1) });
        const { settings } = cloud().workloadIdentityPools.get(poolId)!.providers.get("github")!;
        const trusted =
            '("event_name" in assertion ? assertion["event_name"] : "") in ["push", "release", "schedule", "workflow_dispatch"] && has(assertion.ref) && (assertion.ref.startsWith("refs/heads/") || assertion.ref.startsWith("refs/tags/"))';
        const { attributeMapping, attributeCondition, oidc } = settings as unknown as Values;
        assert.deepEqual(attributeMapping, {
            "google.subject": '"github" + ":" + assertion.repository_id + ":" + assertion.run_id',
            "attribute.trusted_repository_ref": `${trusted} ? "github" + ":" + assertion.repository_owner_id + ":" + assertion.repository_id + ":" + ("ref" in assertion ? assertion["ref"] : "") : "untrusted"`,
        });
        assert.equal(attributeCondition, `(assertion.repository_owner_id == "9001") && (${trusted})`);
        assert.equal((oidc as Values)["issuerUri"], "https://token.actions.githubusercontent.com");

        await using second = await startSandbox({ project });
        await run({ workloads: machines(50) }, {}, second);
        assert.deepEqual(changes(second.requests), changes());
        assert.equal(second.requests.length, sandbox.requests.length);
        const [repository] = second.cloud.project(project).repositories.values();
        assert.equal(bindings(repository!.policy)[roles.writer]?.length, 50);
    });

    it("get a grant each with additive access, and leave others' grants alone", async () => {
        await run({
            access: "additive",
            workloads: {
                a: github,
                b: { ...given.gitlabCi, access: "writer" },
            },
        });
        assert.deepEqual(granted(), {
            [roles.writer]: [attribute("trusted_project/gitlab:501"), attribute(gitHubPrincipal)],
        });
        assert.equal(changes().filter((change) => change.endsWith("python:setIamPolicy")).length, 2);
    });

    it("with via impersonate the account, and have no role of their own", async () => {
        const email = "ci@other-project.iam.gserviceaccount.com";
        const { outputs } = await run({
            serviceAccounts: { "python-publisher": { access: "writer" } },
            workloads: {
                github: { ...github, via: "python-publisher" },
                pod: { ...cases["gke"][0], access: "writer", via: "python-publisher" },
                run: { type: "cloudRun", serviceAccount: email, access: "writer", via: "python-publisher" },
            },
        });
        assert.deepEqual(granted(), { [roles.writer]: [`serviceAccount:${publisher}`] });
        assert.deepEqual(grantedOn(publisher), {
            [federationUser]: [cases["gke"][2], attribute(gitHubPrincipal)],
            [tokenCreator]: [`serviceAccount:${email}`],
        });
        assert.deepEqual(
            changes().filter((change) => change.endsWith(":enable")),
            ["artifactregistry", "iam", "iamcredentials", "sts"].map(
                (api) => `POST ${api}.googleapis.com:enable`,
            ),
        );
        const { workloads, writer } = outputs["access"]?.value as { workloads: Values; writer: string[] };
        assert.deepEqual(writer, [`serviceAccount:${publisher}`]);
        assert.deepEqual(workloads["run"], {
            access: "writer",
            principal: `serviceAccount:${email}`,
            via: "python-publisher",
        });
    });

    it("and people can impersonate an account, on the account alone", async () => {
        const { outputs } = await run({
            serviceAccounts: {
                "python-publisher": {
                    access: "writer",
                    impersonators: ["group:release@example.com", attribute("team/core").replace(number, "1")],
                },
            },
        });
        assert.deepEqual(grantedOn(publisher), {
            [tokenCreator]: ["group:release@example.com"],
            [federationUser]: [attribute("team/core").replace(number, "1")],
        });
        assert.deepEqual(
            changes().filter((change) => change.endsWith(":enable")),
            ["artifactregistry", "iam", "iamcredentials"].map((api) => `POST ${api}.googleapis.com:enable`),
        );
        assert.deepEqual((outputs["access"]?.value as Values)["impersonators"], {
            "python-publisher": ["group:release@example.com", attribute("team/core").replace(number, "1")],
        });
        assert.equal(outputs["ci"]?.value, undefined);
    });

    for (const existing of ["use", "adopt"]) {
        it(`impersonate an account of another project, with existing: ${existing}`, async () => {
            const other = sandbox.cloud.addProject("other-project", "77", "user:operator@example.com");
            other.services.add("iam.googleapis.com");
            const { email } = sandbox.cloud.addServiceAccount(other, "team-builds", "Theirs", "Theirs");
            sandbox.cloud.project("other-project").serviceAccounts.get(email)!.policy = {
                version: 1,
                etag: "a",
                bindings: [{ role: federationUser, members: ["user:owner@example.com"] }],
            };
            await run({
                serviceAccounts: { [email]: { access: "writer", existing } },
                workloads: { github: { ...github, via: email } },
            });
            assert.deepEqual(granted(), { [roles.writer]: [`serviceAccount:${email}`] });
            assert.deepEqual(grantedOn(email, "other-project"), {
                [federationUser]: [attribute(gitHubPrincipal), "user:owner@example.com"],
            });
            const { displayName, description } = other.serviceAccounts.get(email)!;
            assert.deepEqual([displayName, description], ["Theirs", "Theirs"]);
            assert.deepEqual(
                changes().filter((change) => change.endsWith("serviceAccounts")),
                [],
            );
        });
    }

    it("authenticate through a pool of another project", async () => {
        const pools = sandbox.cloud.addProject("acme-pools", "88", "user:operator@example.com");
        const id = "ours";
        await run({
            pool: { id, project: "acme-pools" },
            workloads: { github: { ...given.githubActions, access: "reader" } },
        });
        assert.deepEqual(providersIn(), []);
        assert.deepEqual(providersIn("acme-pools"), [[id, ["github"]]]);
        assert.deepEqual([...pools.services].filter((each) => /^(iam|sts)\./.test(each)).sort(), [
            "iam.googleapis.com",
            "sts.googleapis.com",
        ]);
        assert.deepEqual(granted(), {
            [roles.reader]: [
                attribute(
                    "repository/github:9001:70001",
                    `projects/88/locations/global/workloadIdentityPools/${id}`,
                ),
            ],
        });
    });

    it("use the number of the project that is configured, and look up no other", async () => {
        const workloads = { github: { ...given.githubActions, access: "reader" } };
        await run({ workloads, projectNumber: Number(number) });
        assert.ok(!sandbox.requests.some(isLookup));
        assert.deepEqual(granted(), { [roles.reader]: [attribute("repository/github:9001:70001")] });
    });

    it("fail with both values if the number is wrong", async () => {
        const workloads = { github: { ...given.githubActions, access: "reader" } };
        await assert.rejects(run({ workloads, projectNumber: 99 }), ({ message }: Error) => {
            assert.ok(message.includes(pool.replace(number, "99")), message);
            assert.ok(message.includes(pool), message);
            return true;
        });
    });

    it("cost a stack without them nothing: no module, no call", async () => {
        const only = /\/src\/(workloads|ci)\/|\/src\/validation\/workloads\.|workload-identity\.|@bufbuild/;
        const loadedBy = async (values: Values) => {
            const { modules } = await run(values, { preview: true });
            assert.ok(modules.some((each) => each.endsWith("/src/components/registry.ts")));
            return modules;
        };
        const unset = await loadedBy({ workloads: {}, pool: {}, projectNumber: 0 });
        assert.deepEqual(
            unset.filter((each) => only.test(each)),
            [],
        );
        // The program evaluates no expressions.
        const federated = await loadedBy({ workloads: every });
        assert.ok(federated.some((each) => only.test(each)));
        assert.deepEqual(
            federated.filter((each) => /@bufbuild|\/cel\./.test(each)),
            [],
        );
        // The number was looked up for the stacks that need it.
        const seen = sandbox.requests.length;
        await run({ readers: ["user:ada@example.com"] });
        assert.deepEqual(changes(), [...always, "POST python:setIamPolicy"].sort());
        assert.ok(!sandbox.requests.slice(seen).some(isLookup));
    });
});
