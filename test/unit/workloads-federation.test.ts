import assert from "node:assert/strict";
import fc from "fast-check";
import { parseCel } from "../../packages/sandbox/src/google/cel";
import { getSystem, type Workload, workloadTypes } from "../../packages/registry/src/systems/systems";
import { getFederation, providersFor } from "../../packages/registry/src/workloads/federation";
import { defaultPoolId } from "../../packages/registry/src/workloads/pool";
import { workloadMistakes } from "../../packages/registry/src/workloads/rules";
import {
    buildkiteSources,
    circleOrganization,
    admitted,
    type Claims,
    forWriters,
    gitHubEvents,
    gitLabSources,
    type Given,
    given,
    parsed,
    getSelector,
    tokens,
    getWorkloads,
} from "./ci-tokens";

type Type = keyof typeof given;
const types = Object.keys(given) as Type[];
const other = "ffffffff-ffff-4fff-8fff-ffffffffffff";

const without = (claims: Claims, ...names: string[]): Claims =>
    Object.fromEntries(Object.entries(claims).filter(([name]) => !names.includes(name)));

/** Tokens that are not the workload in `given`, whatever its role. */
const strangers: Readonly<Record<Type, Readonly<Record<string, Claims>>>> = {
    githubActions: {
        "a fork": { repository_owner_id: "666", repository_id: "70002", repository: "mallory/widgets" },
        "the same name under another owner": { repository_owner_id: "666", repository_id: "70002" },
        "a new repository with the old name": { repository_id: "70002" },
        "the same repository id under another owner": { repository_owner_id: "666" },
        "another issuer": { iss: "https://token.actions.githubusercontent.com/mallory" },
    },
    gitlabCi: {
        "a merge request from a fork": {
            project_id: "502",
            namespace_id: "666",
            job_project_id: "501",
            pipeline_source: "merge_request_event",
        },
        "a push in a fork, by a job of the project": {
            project_id: "502",
            namespace_id: "666",
            job_project_id: "501",
            job_namespace_id: "77",
        },
        "another project of the group": { project_id: "502" },
        "another issuer": { iss: "https://gitlab.mallory.example" },
    },
    circleCi: {
        "another project of the organization": { "oidc.circleci.com/project-id": other },
        "a fork": { "oidc.circleci.com/vcs-origin": "github.com/mallory/widgets" },
        "another issuer": { iss: `https://oidc.circleci.com/org/${other}` },
    },
    azureDevOps: {
        "another project of the organization": { prj_id: other },
        "another issuer": { iss: `https://vstoken.dev.azure.com/${other}` },
    },
    hcpTerraform: {
        "another workspace": { terraform_workspace_id: "ws-other" },
        "another organization": { terraform_organization_id: "org-other" },
        "another issuer": { iss: "https://tfe.mallory.example" },
    },
    buildkite: {
        "another pipeline": { pipeline_id: other },
        "another organization": { organization_id: other },
        "another branch": { build_branch: "feature" },
        "a tag with the name of the branch": { build_tag: "main" },
        "another issuer": { iss: "https://agent.mallory.example" },
    },
};

const each = (claim: string, values: readonly string[], accepted: readonly string[]) =>
    Object.fromEntries(
        values
            .filter((value) => !accepted.includes(value))
            .map((value) => [`${claim} ${value}`, { [claim]: value }]),
    );

/** Tokens of runs that a stranger can start, or of code that is only proposed. A reader accepts them, a writer does not. */
const proposals: Readonly<Record<Type, Readonly<Record<string, Claims>>>> = {
    githubActions: {
        ...each("event_name", gitHubEvents, ["push", "release", "schedule", "workflow_dispatch"]),
        "an event with a longer name": { event_name: "push_request" },
        "no event": { event_name: "" },
        "an event in other letters": { event_name: "Push" },
        "a list of events": { event_name: ["push"] },
        "the merged ref of a pull request": { ref: "refs/pull/7/merge" },
        "the head of a pull request, dispatched by hand": {
            event_name: "workflow_dispatch",
            ref: "refs/pull/7/head",
        },
        "a deployment of a commit, which has no ref": { ref: "" },
        "a push of Dependabot": { ref: "refs/heads/dependabot/pip/requests-3" },
        "a push of Dependabot, with another separator": { ref: "refs/heads/dependabot-pip-requests-3" },
        "a merge queue": { ref: "refs/heads/gh-readonly-queue/main/pr-7-4a1b" },
    },
    gitlabCi: {
        ...each("pipeline_source", gitLabSources, ["push", "web", "schedule", "api"]),
        "a merge request": { pipeline_source: "merge_request_event", ref_path: "refs/merge-requests/3/head" },
        "a child pipeline of a merge request": {
            pipeline_source: "parent_pipeline",
            ref_path: "refs/merge-requests/3/merge",
        },
        "the ref of a merge request, by hand": {
            pipeline_source: "web",
            ref_path: "refs/merge-requests/3/head",
        },
        "a branch that is not protected": { ref_protected: "false" },
        "a protection of the wrong type": { ref_protected: true },
    },
    circleCi: {
        "a rerun with SSH": { "oidc.circleci.com/ssh-rerun": true },
        "a rerun with SSH, as text": { "oidc.circleci.com/ssh-rerun": "true" },
        "no rerun, as text": { "oidc.circleci.com/ssh-rerun": "false" },
        "no rerun, as nothing": { "oidc.circleci.com/ssh-rerun": null },
    },
    azureDevOps: {
        "a pull request": { rpo_ref: "refs/pull/7/merge" },
        "no ref": { rpo_ref: "" },
        "a ref without its kind": { rpo_ref: "main" },
    },
    hcpTerraform: {
        "a plan": { terraform_run_phase: "plan" },
        "another phase": { terraform_run_phase: "test" },
        "a list of phases": { terraform_run_phase: ["apply"] },
    },
    buildkite: each("build_source", buildkiteSources, ["webhook", "schedule"]),
};

/** What else a reader of the same unit can select. */
const selections: Readonly<Record<Type, readonly Given[]>> = {
    githubActions: [{ ref: "refs/heads/main" }, { environment: "pypi" }],
    gitlabCi: [{ ref: "refs/heads/main" }, { environment: "production" }, { protectedOnly: true }],
    circleCi: [{ ref: "refs/heads/main" }, { contextId: other }],
    azureDevOps: [{ ref: "refs/heads/main" }, { pipelineId: 12 }],
    hcpTerraform: [],
    buildkite: [{ ref: "refs/heads/main" }],
};

describe("a token of a federated workload", () => {
    it("is here for every type that has known claims", () => {
        const federated = workloadTypes.filter((type) => typeof getSystem(type).identity !== "function");
        assert.deepEqual([...types, "oidc"].sort(), federated.sort());
    });

    for (const type of types) {
        for (const access of ["reader", "writer", "admin"]) {
            it(`of the type ${type} gets what the ${access} is granted, and no stranger's token does`, () => {
                const workloads = parsed({ ...given[type], access });
                assert.deepEqual(getWorkloads(workloads, tokens[type]), [0]);
                for (const [who, claims] of Object.entries(strangers[type])) {
                    assert.deepEqual(getWorkloads(workloads, { ...tokens[type], ...claims }), [], who);
                }
                for (const [what, claims] of Object.entries(proposals[type])) {
                    const token = { ...tokens[type], ...claims };
                    assert.deepEqual(getWorkloads(workloads, token), access === "reader" ? [0] : [], what);
                    if (access !== "reader") {
                        assert.equal(
                            admitted(providersFor(workloads), token),
                            undefined,
                            `${what} is accepted`,
                        );
                    }
                }
            });
        }

        it(`of the type ${type} is the writer and the reader, but only the reader if it is proposed`, () => {
            const workloads = parsed(
                { ...given[type], ...forWriters[type], access: "writer" },
                { ...given[type], access: "reader" },
            );
            assert.deepEqual(
                workloadMistakes({ workloads: Object.fromEntries(workloads.entries()) }, ""),
                [],
            );
            assert.deepEqual(getWorkloads(workloads, tokens[type]), [0, 1]);
            for (const claims of Object.values(proposals[type])) {
                assert.deepEqual(getWorkloads(workloads, { ...tokens[type], ...claims }), [1]);
            }
            for (const [who, claims] of Object.entries(strangers[type])) {
                assert.deepEqual(getWorkloads(workloads, { ...tokens[type], ...claims }), [], who);
            }
        });

        it(`of the type ${type} is refused without any claim that identifies it`, () => {
            const workloads = parsed({ ...given[type], access: "writer" });
            const { mapping, condition } = providersFor(workloads)[0]!;
            const named = [...Object.values(mapping), condition].flatMap((source) => [
                ...(parseCel(source, ["assertion", "google", "attribute"]).fields.get("assertion") ?? []),
            ]);
            for (const name of new Set(named)) {
                // A token of a branch has no tag.
                if (name === "build_tag") continue;
                const token = without(tokens[type], name);
                assert.deepEqual(getWorkloads(workloads, token), [], name);
                // The origin of CircleCI is in the granted attribute alone.
                if (name.endsWith("vcs-origin")) continue;
                assert.equal(
                    admitted(providersFor(workloads), token),
                    undefined,
                    `without ${name}, it is accepted`,
                );
            }
        });

        it(`of the type ${type} is a reader without any claim that it does not need, also beside others`, () => {
            const reader = { ...given[type], access: "reader" };
            const writer = { ...given[type], ...forWriters[type], access: "writer" };
            const alone = parsed(reader);
            const beside = parsed(
                reader,
                writer,
                ...selections[type].map((entry) => ({ ...reader, ...entry })),
            );
            for (const name of Object.keys(tokens[type])) {
                const token = without(tokens[type], name);
                assert.deepEqual(
                    getWorkloads(beside, token).filter((index) => index === 0),
                    getWorkloads(alone, token),
                    `without ${name}`,
                );
            }
        });

        it(`of the type ${type} has a subject that the other types do not have, within Google's limit`, () => {
            const workloads = parsed({ ...given[type], access: "writer" });
            const subjects = [...(admitted(providersFor(workloads), tokens[type]) ?? [])].filter((each) =>
                each.startsWith("subject/"),
            );
            const name = providersFor(workloads)[0]!.id.replace(/-.*/, "");
            assert.equal(subjects.length, 1);
            assert.ok(subjects[0]!.startsWith(`subject/${name}:`));
            assert.ok(Buffer.byteLength(subjects[0]!) <= 127 + "subject/".length);
        });
    }
});

describe("a federated workload with", () => {
    const cases: readonly [what: string, entry: Given, right: Claims, wrong: readonly Claims[]][] = [
        [
            "a ref, on GitHub",
            { ...given.githubActions, ref: "refs/heads/main" },
            tokens.githubActions,
            [{ ref: "refs/heads/dev" }, { ref: "refs/tags/main" }, { ref: "refs/heads/main2" }],
        ],
        [
            "an environment, on GitHub",
            { ...given.githubActions, environment: "pypi" },
            { ...tokens.githubActions, environment: "pypi" },
            [{ environment: "test" }, { environment: "" }, { environment: "PyPI" }],
        ],
        [
            "a ref and an environment, on GitHub",
            { ...given.githubActions, ref: "refs/tags/v1", environment: "pypi" },
            { ...tokens.githubActions, ref: "refs/tags/v1", environment: "pypi" },
            [
                { environment: "test" },
                { ref: "refs/heads/v1" },
                { ref: "refs/tags/v1:pypi", environment: "" },
            ],
        ],
        [
            "an issuer of its own, on GitHub",
            { ...given.githubActions, issuer: "https://ghes.acme.example/_services/token" },
            { ...tokens.githubActions, iss: "https://ghes.acme.example/_services/token" },
            [{ iss: "https://token.actions.githubusercontent.com" }],
        ],
        [
            "a ref, on GitLab",
            { ...given.gitlabCi, ref: "refs/tags/v1" },
            { ...tokens.gitlabCi, ref_path: "refs/tags/v1" },
            [{ ref_path: "refs/heads/v1" }],
        ],
        [
            "an environment, on GitLab",
            { ...given.gitlabCi, environment: "production" },
            {
                ...tokens.gitlabCi,
                environment: "production",
                environment_protected: "true",
                environment_action: "start",
            },
            [{ environment: "staging" }, { environment: "" }, { environment: "Production" }],
        ],
        [
            "protectedOnly, on GitLab",
            { ...given.gitlabCi, protectedOnly: true },
            tokens.gitlabCi,
            [{ ref_protected: "false" }],
        ],
        [
            "a namespace, on GitLab",
            { type: "gitlabCi", namespaceId: "77", ref: "refs/heads/main", protectedOnly: true },
            { ...tokens.gitlabCi, project_id: "999" },
            [{ namespace_id: "78" }, { ref_protected: "false" }, { ref_path: "refs/heads/x" }],
        ],
        [
            "a ref, on CircleCI",
            { ...given.circleCi, ref: "refs/heads/main" },
            tokens.circleCi,
            [{ "oidc.circleci.com/vcs-ref": "refs/heads/x" }, { "oidc.circleci.com/vcs-ref": "" }],
        ],
        [
            "a context, on CircleCI",
            { ...given.circleCi, contextId: "0b8a3e94-71f5-4d2a-9c66-2d5e8f103b06" },
            tokens.circleCi,
            [
                { "oidc.circleci.com/context-ids": [] },
                { "oidc.circleci.com/context-ids": [other] },
                { "oidc.circleci.com/context-ids": ["context"] },
            ],
        ],
        [
            "a pipeline and a ref, on Azure DevOps",
            { ...given.azureDevOps, pipelineId: 12, ref: "refs/heads/main" },
            { ...tokens.azureDevOps, def_id: 12 },
            [{ def_id: 13 }, { rpo_ref: "refs/heads/x" }, { prj_id: other }],
        ],
        [
            "a project, on HCP Terraform",
            { type: "hcpTerraform", organizationId: "org-GRNbCjYN", projectId: "prj-vegSA59s" },
            tokens.hcpTerraform,
            [{ terraform_project_id: "prj-x" }, { terraform_organization_id: "org-x" }],
        ],
        [
            "a tag, on Buildkite",
            { ...given.buildkite, ref: "refs/tags/v1" },
            { ...tokens.buildkite, build_branch: "v1", build_tag: "v1" },
            [{ build_tag: "v2" }, { build_tag: "" }],
        ],
        [
            "a branch, on Buildkite, with an empty tag",
            given.buildkite,
            { ...tokens.buildkite, build_tag: "" },
            [{ build_branch: "mallory:main" }],
        ],
    ];
    for (const [what, entry, right, wrong] of cases) {
        for (const access of ["reader", "writer"]) {
            it(`${what}, is accepted as ${access} exactly with that`, () => {
                const workloads = parsed({ ...entry, access });
                assert.deepEqual(getWorkloads(workloads, right), [0]);
                for (const claims of wrong) {
                    assert.deepEqual(
                        getWorkloads(workloads, { ...right, ...claims }),
                        [],
                        JSON.stringify(claims),
                    );
                }
            });
        }
    }

    it("an environment on GitLab uploads only from a deployment to a protected one", () => {
        const environment = {
            environment: "production",
            environment_protected: "true",
            environment_action: "start",
        };
        const token = { ...tokens.gitlabCi, ...environment };
        const workloads = parsed({ ...given.gitlabCi, environment: "production", access: "writer" });
        assert.deepEqual(getWorkloads(workloads, token), [0]);
        for (const claims of [
            { environment_protected: "false" },
            { environment_protected: true },
            ...["prepare", "stop", "verify", "access"].map((action) => ({ environment_action: action })),
            { ref_protected: "false" },
            { pipeline_source: "merge_request_event" },
        ]) {
            assert.deepEqual(getWorkloads(workloads, { ...token, ...claims }), [], JSON.stringify(claims));
        }
        for (const name of Object.keys(environment)) {
            assert.deepEqual(getWorkloads(workloads, without(token, name)), [], name);
        }
    });

    it("events is accepted with these too, and another workload of the same repository does not", () => {
        const entries: readonly (readonly [Type, string, string, readonly string[]])[] = [
            ["githubActions", "event_name", "repository_dispatch", gitHubEvents],
            ["gitlabCi", "pipeline_source", "trigger", gitLabSources],
            ["buildkite", "build_source", "api", buildkiteSources],
        ];
        for (const [type, claim, added, all] of entries) {
            const writer = { ...given[type], ...forWriters[type], access: "writer" };
            const workloads = parsed(writer, { ...writer, events: [added] });
            const accepted = (event: string) => getWorkloads(workloads, { ...tokens[type], [claim]: event });
            assert.deepEqual(accepted(added), [1], type);
            for (const event of all.filter((other) => other !== added)) {
                assert.ok([0, 2].includes(accepted(event).length), `${type}: ${event}`);
            }
            assert.deepEqual(accepted(tokens[type][claim] as string), [0, 1], type);
        }
    });

    it("any value of a claim that decides on trust is accepted as writer only with those that are trusted", () => {
        const deciding: Readonly<Record<Type, Readonly<Record<string, readonly unknown[]>>>> = {
            githubActions: { event_name: ["push", "release", "schedule", "workflow_dispatch"] },
            gitlabCi: { pipeline_source: ["push", "web", "schedule", "api"], ref_protected: ["true"] },
            circleCi: { "oidc.circleci.com/ssh-rerun": [false] },
            azureDevOps: { rpo_ref: ["refs/heads/main"] },
            hcpTerraform: { terraform_run_phase: ["apply"] },
            buildkite: { build_source: ["webhook", "schedule"] },
        };
        for (const type of types) {
            const workloads = parsed({ ...given[type], ...forWriters[type], access: "admin" });
            for (const [claim, trusted] of Object.entries(deciding[type])) {
                const values = fc.oneof(
                    fc.jsonValue() as fc.Arbitrary<Claims[string]>,
                    fc.constantFrom(
                        ...gitHubEvents,
                        ...gitLabSources,
                        ...buildkiteSources,
                        "apply",
                        "true",
                        "false",
                    ),
                    fc.constantFrom(...(trusted as Claims[string][])),
                );
                fc.assert(
                    fc.property(values, (value) => {
                        const got = getWorkloads(workloads, { ...tokens[type], [claim]: value });
                        assert.equal(got.length, trusted.includes(value) ? 1 : 0, claim);
                    }),
                );
            }
        }
    });

    it("an optional claim does not keep out another workload whose tokens have no such claim", () => {
        const github = parsed(
            { ...given.githubActions, access: "writer", environment: "pypi" },
            { ...given.githubActions, access: "reader" },
        );
        assert.deepEqual(getWorkloads(github, tokens.githubActions), [1]);
        const { vcsOrigin: _, ...anyOrigin } = given.circleCi;
        const circle = parsed(
            { ...given.circleCi, access: "reader", ref: "refs/heads/main" },
            { ...anyOrigin, access: "reader" },
            { ...given.circleCi, access: "writer" },
        );
        assert.deepEqual(getWorkloads(circle, tokens.circleCi), [0, 1, 2]);
        const webhook = without(tokens.circleCi, "oidc.circleci.com/vcs-ref", "oidc.circleci.com/vcs-origin");
        assert.deepEqual(getWorkloads(circle, webhook), [1]);
    });
});

describe("the provider of several workloads", () => {
    it("is one for each issuer, with a stable id", () => {
        const workloads = parsed(
            ...types.map((type) => ({ ...given[type], access: "writer" })),
            { ...given.githubActions, repositoryId: 1, access: "reader" },
            { ...given.githubActions, issuer: "https://ghes.acme.example/_services/token", access: "reader" },
            {
                type: "oidc",
                access: "reader",
                issuer: "https://ci.acme.example",
                claims: { sub: "build", org_id: "7" },
            },
        );
        assert.deepEqual(
            providersFor(workloads).map(({ id, issuer, audiences }) => [id, issuer, audiences]),
            [
                ["github", "https://token.actions.githubusercontent.com", []],
                ["gitlab", "https://gitlab.com", []],
                ["circleci-2e154229", tokens.circleCi["iss"], [tokens.circleCi["aud"]]],
                ["azure-601c84e3", tokens.azureDevOps["iss"], ["api://AzureADTokenExchange"]],
                ["terraform", "https://app.terraform.io", []],
                ["buildkite", "https://agent.buildkite.com", []],
                ["github-4ff13923", "https://ghes.acme.example/_services/token", []],
                ["oidc-97ae0743", "https://ci.acme.example", []],
            ],
        );
    });

    it("lets the pull requests of a reader in, and not those of a writer", () => {
        const workloads = parsed(
            { ...given.githubActions, access: "reader" },
            { ...given.githubActions, access: "writer", repositoryId: "70005" },
        );
        const proposed = { ...tokens.githubActions, event_name: "pull_request" };
        assert.deepEqual(getWorkloads(workloads, proposed), [0]);
        assert.equal(admitted(providersFor(workloads), { ...proposed, repository_id: "70005" }), undefined);
        assert.deepEqual(getWorkloads(workloads, { ...tokens.githubActions, repository_id: "70005" }), [1]);
    });

    it("lets no branch of a fork in for a writer", () => {
        const workloads = parsed({ ...given.buildkite, access: "writer" });
        const fork = { ...tokens.buildkite, build_branch: "mallory:main" };
        assert.equal(admitted(providersFor(workloads), fork), undefined);
        assert.notEqual(admitted(providersFor(workloads), { ...fork, build_branch: "dev" }), undefined);
    });

    it("gives nothing to a token with the ids of two tenants", () => {
        const mixed: readonly [Given, Given, Claims][] = [
            [
                given.githubActions,
                { ...given.githubActions, ownerId: "2", repositoryId: "3" },
                { ...tokens.githubActions, repository_owner_id: "2" },
            ],
            [
                given.hcpTerraform,
                { ...given.hcpTerraform, organizationId: "org-2", workspaceId: "ws-3" },
                { ...tokens.hcpTerraform, terraform_organization_id: "org-2" },
            ],
            [
                given.buildkite,
                { ...given.buildkite, organizationId: other, pipelineId: circleOrganization },
                { ...tokens.buildkite, organization_id: other },
            ],
        ];
        for (const [one, two, token] of mixed) {
            for (const access of ["reader", "writer"]) {
                const workloads = parsed({ ...one, access }, { ...two, access });
                assert.deepEqual(getWorkloads(workloads, token), []);
            }
        }
    });

    it("has the keys of the issuer if one of them brings them", () => {
        const jwksJson = '{"keys":[{"kty":"RSA"}]}';
        const [provider] = providersFor(
            parsed(
                { ...given.gitlabCi, access: "reader" },
                { ...given.gitlabCi, access: "writer", jwksJson },
            ),
        );
        assert.equal(provider?.jwksJson, jwksJson);
    });
});

describe("the provider of oidc workloads", () => {
    const issuer = "https://ci.acme.example";
    const entry = { type: "oidc", access: "writer", issuer };
    const token = { iss: issuer, sub: "release", org_id: "7", team: "core" };

    it("lets in what has all claims of a workload, and nothing else", () => {
        const workloads = parsed(
            { ...entry, claims: { sub: "release", org_id: ["7", "8"] } },
            { ...entry, claims: { org_id: "7", team: "core" } },
        );
        assert.deepEqual(getWorkloads(workloads, token), [0, 1]);
        assert.deepEqual(getWorkloads(workloads, { ...token, team: "x" }), [0]);
        assert.deepEqual(getWorkloads(workloads, { ...token, org_id: "8" }), [0]);
        assert.deepEqual(getWorkloads(workloads, { ...token, sub: "x" }), [1]);
        for (const claims of [
            { org_id: "9" },
            { org_id: 7 },
            { org_id: ["7"] },
            { sub: "x", team: "x" },
            { sub: "release ", team: "" },
            { sub: ["release"], team: ["core"] },
        ]) {
            const stranger = { ...token, ...claims };
            assert.equal(admitted(providersFor(workloads), stranger), undefined, JSON.stringify(claims));
        }
        for (const name of ["org_id", "iss"]) {
            assert.equal(admitted(providersFor(workloads), without(token, name)), undefined, name);
        }
    });

    it("keeps the types of values apart", () => {
        for (const [value, others] of [
            [true, ["true", 1, false]],
            [false, ["false", 0, "", null]],
            [42, ["42", 42.5, [42]]],
            ["42", [42, ["42"]]],
            ["true", [true]],
        ] as const) {
            const workloads = parsed({ ...entry, claims: { sub: "release", value } });
            assert.deepEqual(getWorkloads(workloads, { ...token, value }), [0]);
            for (const other of others) {
                const claims = { ...token, value: other } as Claims;
                assert.deepEqual(getWorkloads(workloads, claims), [], JSON.stringify([value, other]));
            }
        }
        const mixed = parsed({ ...entry, claims: { sub: "release", value: ["a", "b", 1, true] } });
        for (const value of ["a", "b", 1, true])
            assert.deepEqual(getWorkloads(mixed, { ...token, value }), [0]);
        for (const value of ["c", "1", "true", 2, false]) {
            assert.deepEqual(getWorkloads(mixed, { ...token, value }), []);
        }
    });

    it("compares any name and any text exactly, also those that look like CEL", () => {
        const text = fc.oneof(
            fc.string({ minLength: 1, maxLength: 20, unit: "grapheme" }),
            fc.constantFrom(
                '" || true || "',
                '"] == "" || assertion["sub',
                "\\",
                '\\"',
                "\\u0041",
                "'",
                "`",
                "${sub}",
                "\u2028",
                "😀",
                "a.b/c:d",
            ),
        );
        // The settings refuse these names.
        const reserved = ["aud", "iss", "sub", "__proto__", "constructor", "prototype"];
        const valid = text.filter((each) => !/[\p{C}*]/u.test(each) && !reserved.includes(each));
        fc.assert(
            fc.property(valid, valid, valid, (name, value, other) => {
                fc.pre(value !== other);
                const workloads = parsed({ ...entry, claims: { sub: "release", [name]: value } });
                assert.deepEqual(getWorkloads(workloads, { ...token, [name]: value }), [0]);
                assert.equal(admitted(providersFor(workloads), { ...token, [name]: other }), undefined);
                assert.equal(admitted(providersFor(workloads), without(token, name)), undefined);
            }),
        );
    });

    it("has attributes of its own, so a provider that stays in the pool gives nothing to another issuer's workload", () => {
        const granted = { ...entry, claims: { sub: "release" } };
        const before = parsed({ ...granted, issuer: "https://old.example" });
        const after = parsed({ ...granted, issuer: "https://new.example" });
        const identities = (issuer: string) =>
            admitted(providersFor([...before, ...after]), { ...token, iss: issuer });
        const [moved] = after;
        assert.ok(identities("https://new.example")?.has(getSelector(moved!)));
        assert.ok(identities("https://old.example"));
        assert.ok(!identities("https://old.example")?.has(getSelector(moved!)));
    });

    it("has the id of a token as its subject, of at most 127 bytes", () => {
        const long = "x".repeat(200);
        const workloads = parsed(
            { ...entry, claims: { sub: long, project_id: 12 } },
            { ...entry, claims: { tenant_id: "t" } },
            { ...entry, claims: { sub: "release" } },
        );
        const subjectIn = (claims: Claims) =>
            [...(admitted(providersFor(workloads), { iss: issuer, ...claims }) ?? [])].find((principal) =>
                principal.startsWith("subject/"),
            );
        assert.equal(subjectIn({ sub: long, project_id: 12 }), "subject/12");
        assert.equal(subjectIn({ sub: long, tenant_id: "t" }), "subject/t");
        assert.equal(subjectIn({ sub: "release" }), "subject/release");
    });

    it("does not depend on the order of claims and values, nor on the name and the role of a workload", () => {
        const [one, two] = parsed(
            { ...entry, claims: { sub: ["a", "b"], org_id: "7" } },
            { ...entry, access: "reader", claims: { org_id: ["7"], sub: ["b", "a"] } },
        );
        assert.equal(getSelector(one!), getSelector(two!));
        const [changed] = parsed({ ...entry, claims: { sub: ["a"], org_id: "7" } });
        assert.notEqual(getSelector(one!), getSelector(changed!));
    });
});

describe("any set of federated workloads", () => {
    const id = fc.integer({ min: 1, max: 12 }).map(String);
    const access = fc.constantFrom("reader", "writer", "admin");
    const ref = fc.option(fc.constantFrom("refs/heads/main", "refs/heads/a/b", "refs/tags/v1"), {
        nil: undefined,
    });
    const environment = fc.option(fc.constantFrom("pypi", "test"), { nil: undefined });
    const set = (entry: Record<string, unknown>): Given =>
        Object.fromEntries(Object.entries(entry).filter(([, value]) => value !== undefined));
    const github = fc
        .record({ access, ownerId: id, repositoryId: id, ref, environment })
        .map((each) => set({ ...given.githubActions, ...each }));
    const gitlab = fc
        .record({
            access,
            id,
            ref,
            protectedOnly: fc.constant(true),
            by: fc.constantFrom("projectId", "namespaceId"),
        })
        .map(({ id: value, by, ...each }) => set({ type: "gitlabCi", [by]: value, ...each }));
    const terraform = fc
        .record({ access, organizationId: id.map((n) => `org-${n}`), workspaceId: id.map((n) => `ws-${n}`) })
        .map((each) => set({ type: "hcpTerraform", ...each }));
    const sets = fc
        .array(fc.oneof(github, gitlab, terraform), { minLength: 1, maxLength: 12 })
        .map((entries) => parsed(...entries));

    /** A token that is this workload and nothing more. */
    function getToken(workload: Workload): Claims {
        switch (workload.type) {
            case "githubActions":
                return {
                    ...tokens.githubActions,
                    repository_owner_id: workload.ownerId,
                    repository_id: workload.repositoryId,
                    ...(workload.ref === undefined ? {} : { ref: workload.ref }),
                    ...(workload.environment === undefined ? {} : { environment: workload.environment }),
                };
            case "gitlabCi":
                return {
                    ...tokens.gitlabCi,
                    project_id: workload.projectId ?? "9999",
                    namespace_id: workload.namespaceId ?? "9999",
                    ...(workload.ref === undefined ? {} : { ref_path: workload.ref }),
                };
            case "hcpTerraform":
                return {
                    ...tokens.hcpTerraform,
                    terraform_organization_id: workload.organizationId,
                    terraform_workspace_id: workload.workspaceId ?? "",
                };
            default:
                throw new Error(workload.type);
        }
    }

    it("is reachable by its own tokens, and by no token of another tenant", () => {
        fc.assert(
            fc.property(sets, (workloads) => {
                const providers = providersFor(workloads);
                for (const workload of workloads) {
                    const token = getToken(workload);
                    const got = admitted(providers, token);
                    assert.ok(
                        got?.has(getSelector(workload)),
                        JSON.stringify({ workload, got: [...(got ?? [])] }),
                    );
                    const stranger = {
                        ...token,
                        repository_owner_id: "666",
                        project_id: "666",
                        namespace_id: "666",
                        terraform_organization_id: "org-666",
                    };
                    assert.equal(admitted(providers, stranger), undefined);
                }
            }),
            { numRuns: 40 },
        );
    });

    it("has conditions that depend on the token, and valid, different ids", () => {
        fc.assert(
            fc.property(sets, (workloads) => {
                const providers = providersFor(workloads);
                for (const { id: providerId, condition, mapping } of providers) {
                    assert.match(providerId, /^(?!gcp-)[a-z0-9-]{4,32}$/);
                    assert.ok(Buffer.byteLength(condition) <= 4096);
                    assert.ok((parseCel(condition, ["assertion"]).fields.get("assertion")?.size ?? 0) > 0);
                    for (const [name, source] of Object.entries(mapping)) {
                        assert.match(name, /^(google\.subject|attribute\.[a-z0-9_]{1,100})$/);
                        assert.ok(source.length <= 2048);
                    }
                }
                assert.equal(new Set(providers.map(({ id: each }) => each)).size, providers.length);
            }),
        );
    });

    it("has attribute values that start with the provider, so no other issuer's token has them", () => {
        fc.assert(
            fc.property(sets, (workloads) => {
                const ids = new Map(providersFor(workloads).map(({ id: each, issuer }) => [issuer, each]));
                for (const workload of workloads) {
                    const issuer = getFederation(workload)?.issuer(workload) ?? "";
                    const value = getSelector(workload).replace(/^[^/]*\//, "");
                    assert.ok(value.startsWith(`${ids.get(issuer) ?? ""}:`), value);
                }
            }),
        );
    });

    it("is reported if its condition is longer than Google accepts", () => {
        const many = (count: number) =>
            parsed(
                ...Array.from({ length: count }, (_, index) => ({
                    ...given.githubActions,
                    ...forWriters.githubActions,
                    ownerId: 10_000_000_000 + index,
                    repositoryId: index + 1,
                    access: "writer",
                })),
            );
        const mistakes = (workloads: Workload[]) =>
            workloadMistakes({ workloads: Object.fromEntries(workloads.entries()) }, "acme-tools");
        assert.deepEqual(mistakes(many(200)), []);
        const [mistake, ...rest] = mistakes(many(300));
        assert.deepEqual(rest, []);
        const custom = (count: number, values: number) =>
            parsed(
                ...Array.from({ length: count }, (_, index) => ({
                    type: "oidc",
                    access: "writer",
                    issuer: "https://ci.acme.example",
                    claims: {
                        sub: `w${index}`,
                        ref: Array.from(
                            { length: values },
                            (__, n) => `refs/heads/a-branch-with-a-long-name-${n}`,
                        ),
                    },
                })),
            );
        assert.deepEqual(mistakes(custom(5, 5)), []);
        assert.match(
            mistakes(custom(1, 60))[0]![2],
            / need a mapping of \d+ bytes\. Allowed: at most 2048\./,
        );
        assert.match(mistakes(custom(51, 1)).at(-1)![2], / need 51 attributes\. Allowed: at most 50\./);
        assert.match(
            mistake![2],
            /^and the other workloads of https:\/\/token\.actions\.githubusercontent\.com need a condition of \d+ bytes\. Allowed: at most 4096\. Move some of them to another stack\.$/,
        );
    });
});

describe("the id of a pool", () => {
    const place = { project: "acme-tools", location: "europe-west1", repository: "python" };

    it("is made of the repository and its location", () => {
        assert.equal(defaultPoolId(place, "acme-tools"), "python-europe-west1");
    });

    it("ends with a hash in a project of several registries, and if it is too long or reserved", () => {
        assert.match(defaultPoolId(place, "acme-pools"), /^python-europe-west1-[0-9a-f]{8}$/);
        assert.notEqual(
            defaultPoolId(place, "acme-pools"),
            defaultPoolId({ ...place, project: "acme-other" }, "acme-pools"),
        );
        assert.notEqual(
            defaultPoolId({ ...place, repository: "gcp" }, "acme-tools"),
            defaultPoolId({ ...place, repository: "xgcp" }, "acme-tools"),
        );
    });

    it("is valid for any repository", () => {
        fc.assert(
            fc.property(
                fc.stringMatching(/^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/),
                fc.constantFrom("us", "asia", "europe-west12"),
                fc.constantFrom("acme-tools", "acme-pools"),
                (repository, location, project) => {
                    const id = defaultPoolId({ project: "acme-tools", location, repository }, project);
                    assert.match(id, /^(?!gcp-)[a-z0-9-]{4,32}$/);
                },
            ),
        );
    });
});
