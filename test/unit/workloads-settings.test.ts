import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { stackConfig } from "../../packages/sandbox/src/engines/stack-config";
import { parseSettings } from "../../src/settings";
import { providersFor } from "../../packages/registry/src/workloads/federation";
import {
    azureOrganization,
    buildkiteSources,
    circleOrganization,
    gitHubEvents,
    gitLabSources,
    given,
    parsed,
} from "./ci-tokens";

type Values = Record<string, unknown>;

const place: Values = { "gcp:project": "acme-tools", location: "europe-west1" };
const key = "python-registry:";
const gitHubIds = (owner: string, repository: string) =>
    `Allowed: a number. This command prints both ids: gh api repos/${owner}/${repository} --jq '{owner: .owner.id, repository: .id}'.`;

function mistakesIn(values: Values, secretKeys: readonly string[] = []): readonly string[] {
    const parsed = parseSettings(stackConfig({ ...place, ...values }), new Set(secretKeys));
    return "mistakes" in parsed ? parsed.mistakes : [];
}

function accepted(values: Values) {
    const parsed = parseSettings(stackConfig({ ...place, ...values }));
    assert.ok("settings" in parsed, JSON.stringify(parsed));
    return parsed;
}

const oidc = {
    type: "oidc",
    access: "writer",
    issuer: "https://ci.acme.example",
    claims: { sub: ["release"] },
};

/** A valid entry of each type, with all its keys. */
const entries: Record<string, Values> = {
    github: {
        ...given.githubActions,
        access: "writer",
        ref: "refs/heads/main",
        environment: "pypi",
        events: ["repository_dispatch", "create"],
        issuer: "https://token.actions.githubusercontent.com/acme",
        jwksJson: '{"keys":[{"kty":"EC","crv":"P-256","x":"a","y":"b"}]}',
    },
    "gitlab-project": { ...given.gitlabCi, access: "reader", ref: "refs/tags/v1", protectedOnly: true },
    "gitlab-group": {
        type: "gitlabCi",
        namespaceId: "77",
        access: "writer",
        environment: "production",
        events: ["trigger"],
        protectedOnly: true,
        via: "python-publisher",
    },
    circle: { ...given.circleCi, access: "writer", ref: "refs/heads/main" },
    "circle-context": { ...given.circleCi, access: "writer", contextId: circleOrganization },
    azure: { ...given.azureDevOps, access: "writer", pipelineId: "12", ref: "refs/heads/main" },
    terraform: { ...given.hcpTerraform, access: "reader", issuer: "https://tfe.acme.example" },
    "terraform-project": {
        type: "hcpTerraform",
        organizationId: "org-1",
        projectId: "prj-1",
        access: "admin",
    },
    buildkite: { ...given.buildkite, access: "writer", forkBranchesArePrefixed: true, events: ["api"] },
    custom: { ...oidc, audiences: ["python"], claims: { sub: ["a", "b"], tenant_id: [7], verified: [true] } },
    pod: {
        type: "gke",
        access: "writer",
        namespace: "builds",
        serviceAccount: "publisher",
        clusterProject: "acme-clusters",
        clusterProjectNumber: "123",
    },
    vm: { type: "computeEngine", access: "reader", project: "acme-vms", projectNumber: "124" },
    run: { type: "cloudRun", access: "writer", serviceAccount: "svc@acme-tools.iam.gserviceaccount.com" },
    functions: { type: "cloudFunctions", access: "reader" },
    engine: { type: "appEngine", access: "reader" },
    build: { type: "cloudBuild", access: "reader", legacy: true },
};

describe("settings: workloads", () => {
    it("of every type are accepted as they are", () => {
        const pool = { id: "acme-ci", project: "acme-pools", projectNumber: "99", existing: "use" };
        const { settings, notices } = accepted({ workloads: entries, pool, projectNumber: 55 });
        assert.deepEqual(settings.workloads, entries);
        assert.deepEqual(settings.pool, pool);
        assert.equal(settings.projectNumber, "55");
        assert.deepEqual(notices, []);
    });

    it("have ids as text, however they are written, and addresses and UUIDs in lower case", () => {
        const { settings } = accepted({
            workloads: {
                a: { ...given.githubActions, ownerId: 9001, repositoryId: 70001, access: "reader" },
                b: {
                    ...given.azureDevOps,
                    organizationId: azureOrganization.toUpperCase(),
                    access: "reader",
                },
                c: {
                    type: "cloudRun",
                    access: "reader",
                    serviceAccount: "Svc@Acme-Tools.iam.gserviceaccount.com",
                },
            },
            projectNumber: "55",
        });
        assert.deepEqual(settings.workloads, {
            a: { ...given.githubActions, access: "reader" },
            b: { ...given.azureDevOps, access: "reader" },
            c: {
                type: "cloudRun",
                access: "reader",
                serviceAccount: "svc@acme-tools.iam.gserviceaccount.com",
            },
        });
        assert.equal(settings.projectNumber, "55");
    });

    it("are absent if they are not set, or set to the defaults of Pulumi.yaml", () => {
        for (const values of [{}, { workloads: {}, pool: {}, projectNumber: 0 }]) {
            const { settings } = accepted(values);
            assert.deepEqual(
                ["workloads", "pool", "projectNumber"].filter((name) => name in settings),
                [],
            );
        }
    });

    it("have all their mistakes reported at once", () => {
        const mistakes = mistakesIn({
            workloads: {
                Bad_Name: { type: "gke", access: "reader", namespace: "a", serviceAccount: "b" },
                none: {},
                text: "githubActions",
                typo: { type: "githubAction", access: "reader" },
                github: {
                    type: "githubActions",
                    access: "write",
                    owner: "acme",
                    repository: "widgets",
                    ownerId: "acme",
                    ref: "main",
                    environmnt: "pypi",
                },
                round: { ...given.githubActions, ownerId: 123456789012345680000, access: "reader" },
                gitlab: { type: "gitlabCi", access: "reader", protectedOnly: "yes" },
                both: { type: "gitlabCi", access: "reader", projectId: 1, namespaceId: 2 },
                circle: {
                    type: "circleCi",
                    access: "reader",
                    organizationId: "acme",
                    projectId: circleOrganization,
                },
                gke: { type: "gke", access: "reader", namespace: "Builds", serviceAccount: true },
                refs: { ...given.buildkite, ref: "refs/heads/*", access: "writer" },
            },
            pool: { id: "gcp-pool", existin: "use" },
            projectNumber: "acme-tools",
        });
        assert.deepEqual(mistakes, [
            `${key}workloads.Bad_Name: "Bad_Name" is not a valid name. Allowed: 1 to 63 lowercase letters, digits and hyphens, starting with a letter and not ending with a hyphen.`,
            `${key}workloads.none.type: is not set. Allowed: githubActions, gitlabCi, circleCi, azureDevOps, hcpTerraform, buildkite, oidc, gke, computeEngine, cloudRun, cloudFunctions, appEngine, cloudBuild.`,
            `${key}workloads.text: "githubActions" is not a map. Allowed: a map with type, access, and the keys of the type.`,
            `${key}workloads.typo.type: "githubAction" is not valid. Allowed: githubActions, gitlabCi, circleCi, azureDevOps, hcpTerraform, buildkite, oidc, gke, computeEngine, cloudRun, cloudFunctions, appEngine, cloudBuild. Did you mean "githubActions"?`,
            `${key}workloads.github.environmnt: "environmnt" is an unknown key of the type githubActions (its value: "pypi"). Allowed: access, via, owner, repository, ownerId, repositoryId, ref, environment, events, issuer, jwksJson. Did you mean "environment"?`,
            `${key}workloads.github.access: "write" is not valid. Allowed: reader, writer, admin. Did you mean "writer"?`,
            `${key}workloads.github.ownerId: "acme" is not valid. ${gitHubIds("acme", "widgets")}`,
            `${key}workloads.github.repositoryId: is not set. ${gitHubIds("acme", "widgets")}`,
            `${key}workloads.github.ref: "main" is not a full ref. Allowed: refs/heads/BRANCH or refs/tags/TAG, without wildcards. Did you mean "refs/heads/main"?`,
            `${key}workloads.round.ownerId: 123456789012345680000 is not an exact number. Write it in quotes. ${gitHubIds("acme", "widgets")}`,
            `${key}workloads.gitlab.protectedOnly: "yes" is a string, not a boolean. Allowed: true, false.`,
            `${key}workloads.circle.organizationId: "acme" is not valid. Allowed: the organization's UUID, from Organization Settings.`,
            `${key}workloads.gke.namespace: "Builds" is not valid. Allowed: the name of a Kubernetes namespace.`,
            `${key}workloads.gke.serviceAccount: true is not text. Allowed: the name of a Kubernetes service account.`,
            `${key}workloads.refs.ref: "refs/heads/*" is not a full ref. Allowed: refs/heads/BRANCH or refs/tags/TAG, without wildcards. For a pattern, name each ref, or upload from a branch.`,
            `${key}pool.existin: "existin" is an unknown key of pool (its value: "use"). Allowed: id, project, projectNumber, existing. Did you mean "existing"?`,
            `${key}pool.id: "gcp-pool" starts with gcp-, which Google reserves. Allowed: any other start.`,
            `${key}projectNumber: "acme-tools" is not valid. Allowed: a project number, which \`gcloud projects describe PROJECT\` prints.`,
            `${key}workloads.both: has both projectId and namespaceId. Allowed: one of them.`,
        ]);
    });

    it("need what keeps forks, pull requests and other branches from writing", () => {
        const { vcsOrigin: _, ...circle } = given.circleCi;
        const { ref: __, ...buildkite } = given.buildkite;
        const branch = "otherwise every branch can upload. Allowed: ";
        const ref = "a full ref, such as refs/heads/main";
        assert.deepEqual(
            mistakesIn({
                workloads: {
                    github: { ...given.githubActions, access: "writer" },
                    gitlab: { ...given.gitlabCi, access: "writer", protectedOnly: false },
                    circle: { ...circle, access: "writer" },
                    azure: { ...given.azureDevOps, access: "admin", pipelineId: 12 },
                    buildkite: { ...buildkite, access: "admin" },
                    prefixed: { ...given.buildkite, access: "writer", forkBranchesArePrefixed: false },
                    "reads-github": { ...given.githubActions, access: "reader" },
                    "reads-gitlab": { ...given.gitlabCi, access: "reader", protectedOnly: false },
                    "reads-circle": { ...circle, access: "reader" },
                    "reads-azure": { ...given.azureDevOps, access: "reader" },
                    "reads-buildkite": { ...buildkite, access: "reader" },
                },
            }),
            [
                `${key}workloads.github.ref: is not set, and neither is environment. One of them is required with access writer, because ${branch}ref with ${ref}, or environment with an environment that has protection rules.`,
                `${key}workloads.gitlab.protectedOnly: cannot be false with access writer. Allowed: true, or remove it, because writers only run on protected branches and tags.`,
                `${key}workloads.circle.vcsOrigin: is not set. It is required with access writer, because builds of forks have the same project. Allowed: the repository, as in github.com/acme/core.`,
                `${key}workloads.circle.ref: is not set, and neither is contextId. One of them is required with access writer, because ${branch}ref with ${ref}, or contextId with a context that is restricted.`,
                `${key}workloads.azure.ref: is not set. It is required with access admin, because ${branch}${ref}.`,
                `${key}workloads.buildkite.ref: is not set. It is required with access admin, because builds of pull requests have the same pipeline. Allowed: ${ref}.`,
                ...[
                    ["buildkite", "admin"],
                    ["prefixed", "writer"],
                ].map(
                    ([name, access]) =>
                        `${key}workloads.${name}.forkBranchesArePrefixed: is not true. It is required with access ${access}, because otherwise a fork's branch main is the same as yours. Turn off "Build pull requests from third-party forked repositories", or turn on "Prefix third-party fork branch names", in the pipeline's settings for its repository. Allowed: true, once this is so.`,
                ),
            ],
        );
    });

    it("can add events that no stranger causes, and no others", () => {
        const github = { ...given.githubActions, access: "writer", ref: "refs/heads/main" };
        const gitlab = { ...given.gitlabCi, access: "writer" };
        const buildkite = { ...given.buildkite, access: "writer", forkBranchesArePrefixed: true };
        for (const [entry, all, more, always] of [
            [
                github,
                gitHubEvents,
                ["create", "repository_dispatch"],
                "push, release, schedule, workflow_dispatch",
            ],
            [gitlab, gitLabSources, ["parent_pipeline", "pipeline", "trigger"], "push, web, schedule, api"],
            [buildkite, buildkiteSources, ["api", "trigger_job", "ui"], "webhook, schedule"],
        ] as const) {
            for (const event of all) {
                const mistakes = mistakesIn({ workloads: { a: { ...entry, events: [event] } } });
                if ((more as readonly string[]).includes(event)) {
                    assert.deepEqual(mistakes, []);
                    continue;
                }
                const reason = always.split(", ").includes(event)
                    ? "it is always accepted"
                    : "a stranger can cause it, or it is not known";
                assert.ok(
                    mistakes[0]?.startsWith(
                        `${key}workloads.a.events[0]: "${event}" cannot be added: ${reason}. Allowed: ${more.join(", ")}, in addition to ${always}, which are always accepted.`,
                    ),
                    mistakes[0],
                );
            }
            for (const events of [[], "push", [...more, more[0]], [1], ["*"]]) {
                assert.equal(
                    mistakesIn({ workloads: { a: { ...entry, events } } }).length,
                    1,
                    JSON.stringify(events),
                );
            }
        }
        assert.deepEqual(
            mistakesIn({
                workloads: { a: { ...given.githubActions, access: "reader", events: ["create"] } },
            }),
            [
                `${key}workloads.a.events: cannot be set with access reader. Allowed: remove it, because readers accept every event.`,
            ],
        );
    });

    it("say what works instead of a pattern of branches or tags", () => {
        const pattern = "refs/tags/v*";
        for (const [entry, instead] of [
            [
                given.githubActions,
                "set environment instead, to an environment that is limited to these branches or tags",
            ],
            [
                given.gitlabCi,
                "protect these branches or tags in GitLab, and leave out ref: writers only run on protected ones",
            ],
            [
                given.circleCi,
                "set contextId instead, to a context that is restricted to these branches or tags",
            ],
            [given.azureDevOps, "name each ref, or upload from a branch"],
        ] as const) {
            for (const ref of [pattern, "v*", "refs/tags/v[0-9]"]) {
                assert.deepEqual(mistakesIn({ workloads: { a: { ...entry, access: "writer", ref } } }), [
                    `${key}workloads.a.ref: ${JSON.stringify(ref)} is not a full ref. Allowed: refs/heads/BRANCH or refs/tags/TAG, without wildcards. For a pattern, ${instead}.`,
                ]);
            }
        }
    });

    it("need exactly one of the ids that exclude each other", () => {
        assert.deepEqual(
            mistakesIn({
                workloads: {
                    a: { type: "gitlabCi", access: "reader" },
                    b: { type: "hcpTerraform", access: "reader", organizationId: "org-1" },
                    d: {
                        type: "cloudBuild",
                        access: "reader",
                        serviceAccount: "ci@acme-tools.iam.gserviceaccount.com",
                        legacy: true,
                        project: "acme-vms",
                    },
                },
            }),
            [
                `${key}workloads.a: has neither projectId nor namespaceId. Allowed: one of them.`,
                `${key}workloads.b: has neither workspaceId nor projectId. Allowed: one of them.`,
                `${key}workloads.d.project: cannot be set with serviceAccount. Allowed: only one of them, because it is for the default account.`,
                `${key}workloads.d.legacy: cannot be set with serviceAccount. Allowed: only one of them, because it is for the default account.`,
            ],
        );
    });

    it("impersonate an account of the stack that has the same role", () => {
        const entry = { ...given.githubActions, access: "reader" };
        assert.deepEqual(mistakesIn({ workloads: { a: { ...entry, via: "python-publishr" } } }), [
            `${key}workloads.a.via: "python-publishr" is not an account of serviceAccounts. Allowed: python-publisher. Did you mean "python-publisher"?`,
        ]);
        assert.deepEqual(mistakesIn({ workloads: { a: { ...entry, via: "x" } }, serviceAccounts: {} }), [
            `${key}workloads.a.via: "x" is not an account of serviceAccounts. Allowed: an account of serviceAccounts, which has none.`,
        ]);
        assert.deepEqual(mistakesIn({ workloads: { a: { ...entry, via: "python-publisher" } } }), [
            `${key}workloads.a.access: "reader" is not the role of the account python-publisher. Allowed: "writer", because the workload gets what the account has.`,
        ]);
    });

    it("are each an identity of their own", () => {
        const email = "ci@acme-tools.iam.gserviceaccount.com";
        const github = { ...given.githubActions, ref: "refs/heads/main" };
        const mistakes = mistakesIn({
            workloads: {
                vm: { type: "computeEngine", access: "reader" },
                run: { type: "cloudRun", access: "reader" },
                "run-elsewhere": { type: "cloudRun", access: "reader", project: "acme-vms" },
                here: { type: "cloudFunctions", access: "reader", project: "acme-tools" },
                build: { type: "cloudBuild", access: "reader", serviceAccount: email },
                app: { type: "appEngine", access: "reader", serviceAccount: email.toUpperCase() },
                reads: { ...github, access: "reader" },
                writes: { ...github, access: "writer" },
                deletes: { ...github, access: "admin", owner: "renamed" },
                via: { ...github, access: "writer", via: "python-publisher" },
                dispatched: { ...github, access: "writer", events: ["repository_dispatch"] },
                "gitlab-a": { ...given.gitlabCi, access: "writer" },
                "gitlab-b": { ...given.gitlabCi, access: "writer", protectedOnly: true },
                "oidc-a": { ...oidc, claims: { sub: "a", tenant_id: ["1", "2"] } },
                "oidc-b": { ...oidc, access: "reader", claims: { tenant_id: ["2", "1"], sub: ["a"] } },
            },
        });
        const same = (name: string, first: string) =>
            `${key}workloads.${name}: is the same identity as workloads.${first}. Allowed: each identity once.`;
        assert.deepEqual(mistakes, [
            same("run", "vm"),
            same("here", "vm"),
            same("app", "build"),
            same("deletes", "writes"),
            same("gitlab-b", "gitlab-a"),
            same("oidc-b", "oidc-a"),
        ]);
    });

    it("are not granted a second time what their address is granted elsewhere", () => {
        const email = "ci@acme-tools.iam.gserviceaccount.com";
        const account = (serviceAccount: string) => ({ type: "cloudRun", access: "writer", serviceAccount });
        assert.deepEqual(
            mistakesIn({
                writers: [`serviceAccount:CI@acme-tools.iam.gserviceaccount.com`],
                readers: ["serviceAccount:other@acme-tools.iam.gserviceaccount.com"],
                workloads: {
                    a: account(email),
                    b: account("python-publisher@acme-tools.iam.gserviceaccount.com"),
                    c: account("other@acme-tools.iam.gserviceaccount.com"),
                },
            }),
            ["a", "b"].map(
                (name) =>
                    `${key}workloads.${name}: already has the role writer through writers or serviceAccounts. Allowed: each principal once.`,
            ),
        );
    });

    it("can impersonate an account, and have the role themselves through a list", () => {
        const serviceAccount = "ci@acme-tools.iam.gserviceaccount.com";
        accepted({
            writers: [`serviceAccount:${serviceAccount}`],
            workloads: {
                run: { type: "cloudRun", access: "writer", serviceAccount, via: "python-publisher" },
            },
        });
    });

    it("have refs that Git and Google allow", () => {
        for (const ref of ["refs/heads/main", "refs/tags/v1.0", "refs/heads/a/b-c_d", "refs/heads/größe"]) {
            accepted({ workloads: { a: { ...given.gitlabCi, access: "reader", ref } } });
        }
        for (const ref of [
            "refs/heads/",
            "refs/pull/7/merge",
            "refs/heads/a b",
            "refs/heads/a:b",
            "refs/heads/*",
            "refs/heads/a*",
            "refs/heads/a?",
            "refs/heads/a..b",
            "refs/heads/a//b",
            "refs/heads/a@{1}",
            "refs/heads/a\\b",
            "refs/heads/a\n",
            " refs/heads/a",
            "heads/*",
        ]) {
            const mistakes = mistakesIn({ workloads: { a: { ...given.gitlabCi, access: "reader", ref } } });
            assert.equal(mistakes.length, 1, ref);
            assert.match(mistakes[0]!, /is not a full ref\. Allowed: refs\/heads\/BRANCH or refs\/tags\/TAG/);
        }
    });

    it("agree with each other on the number of a project", () => {
        assert.deepEqual(
            mistakesIn({
                projectNumber: 55,
                pool: { projectNumber: 56 },
                workloads: {
                    pod: {
                        type: "gke",
                        access: "reader",
                        namespace: "a",
                        serviceAccount: "b",
                        clusterProjectNumber: 57,
                    },
                    vm: { type: "computeEngine", access: "reader", project: "acme-vms", projectNumber: 58 },
                    run: {
                        type: "cloudBuild",
                        access: "reader",
                        project: "acme-vms",
                        legacy: true,
                        projectNumber: 58,
                    },
                },
            }),
            [
                `${key}pool.projectNumber: "56" differs from projectNumber (55), which is the number of the same project (acme-tools). Allowed: "55".`,
                `${key}workloads.pod.clusterProjectNumber: "57" differs from projectNumber (55), which is the number of the same project (acme-tools). Allowed: "55".`,
            ],
        );
    });

    it("with the same issuer agree, and those with different ones need not", () => {
        const jwks = (n: string) => JSON.stringify({ keys: [{ kty: "RSA", n, e: "AQAB" }] });
        const mistakes = mistakesIn({
            workloads: {
                a: oidc,
                b: { ...oidc, claims: { sub: "b" } },
                c: { ...oidc, issuer: "https://other.example", audiences: ["x"] },
                d: { ...given.gitlabCi, issuer: oidc.issuer, access: "reader" },
                e: { ...given.gitlabCi, access: "reader", jwksJson: jwks("a") },
                f: { ...given.gitlabCi, access: "writer", jwksJson: jwks("b") },
            },
        });
        assert.deepEqual(mistakes, [
            `${key}workloads.d.type: "gitlabCi" differs from workloads.a.type, which has the same issuer. Allowed: one type for each issuer.`,
            `${key}workloads.f.jwksJson: differs from workloads.e.jwksJson, which has the same issuer. Allowed: the same value.`,
        ]);
    });

    it("with the same issuer and the type oidc have the same audiences, which their provider shares", () => {
        const entry = (sub: string, ...audiences: string[]) => ({ ...oidc, claims: { sub }, audiences });
        const differs = (name: string, first: string) =>
            `${key}workloads.${name}.audiences: differs from workloads.${first}.audiences, which has the same issuer. Allowed: the same value.`;
        const { audiences: _, ...none } = entry("none");
        const ten = Array.from({ length: 10 }, (_, index) => `a${index}`);
        assert.deepEqual(
            mistakesIn({
                workloads: {
                    none,
                    b: entry("b", "x"),
                    empty: entry("c"),
                    d: entry("d", ...ten),
                },
            }),
            [differs("b", "none"), differs("d", "none")],
        );
        assert.deepEqual(mistakesIn({ workloads: { a: entry("a", ...ten), b: entry("b", "k"), c: none } }), [
            differs("b", "a"),
            differs("c", "a"),
        ]);
        const same = { a: entry("a", "x", "y"), b: entry("b", "y", "x", "x") };
        accepted({ workloads: same });
        const [provider] = providersFor(parsed(same.a, same.b));
        assert.deepEqual(provider?.audiences, ["x", "y"]);
    });

    it("have values that Google can compare", () => {
        const long = "x".repeat(120);
        const [byRef, byEnvironment, byOrigin, ...rest] = mistakesIn({
            workloads: {
                a: { ...given.githubActions, access: "reader", ref: `refs/heads/${long}` },
                b: { ...given.githubActions, access: "reader", ref: "refs/heads/a", environment: long },
                c: {
                    ...given.circleCi,
                    access: "reader",
                    vcsOrigin: `github.com/${long}`,
                    ref: "refs/heads/a",
                },
            },
        });
        assert.deepEqual(rest, []);
        assert.match(
            byRef!,
            /^python-registry:workloads\.a\.ref: "refs\/heads\/x+… is too long: the value that Google compares, "github:9001:70001:refs\/heads\/x+…, has 149 bytes\. Allowed: at most 127\.$/,
        );
        assert.match(byEnvironment!, /^python-registry:workloads\.b\.environment: "x+…? ?/);
        assert.match(byOrigin!, /^python-registry:workloads\.c\.vcsOrigin: "github\.com\/x+…? ?/);
    });

    it("never show a secret", () => {
        const secret = "hunter2-hunter2";
        const workloads = {
            [secret]: { type: secret, access: secret },
            b: { ...given.githubActions, ownerId: secret, owner: secret, access: "reader", via: secret },
            c: { ...oidc, claims: { [secret]: `${secret}*` }, issuer: `https://${secret}.example/?` },
            d: { ...oidc, condition: `${secret} ==` },
            e: { ...oidc, claims: { [secret]: secret } },
            f: { ...oidc, issuer: "https://gitlab.com" },
        };
        const report = mistakesIn(
            { workloads, pool: { id: secret.toUpperCase() }, projectNumber: secret },
            ["workloads", "pool", "projectNumber"].map((name) => key + name),
        );
        assert.ok(report.length >= 6);
        for (const mistake of report) assert.ok(!mistake.includes("hunter2"), mistake);
        const accounts = { "hunter2-hunter2": { access: "writer" } };
        const viaSecret = mistakesIn(
            {
                workloads: { a: { ...given.gitlabCi, access: "reader", via: "x" } },
                serviceAccounts: accounts,
            },
            [`${key}serviceAccounts`],
        );
        assert.equal(viaSecret.length, 1);
        assert.ok(!viaSecret[0]!.includes("hunter2"), viaSecret[0]);
        for (const type of ["computeEngine", "cloudRun"]) {
            const parsed = parseSettings(
                stackConfig({ ...place, workloads: { hunter2: { type, access: "writer" } } }),
                new Set([`${key}workloads`]),
            );
            assert.ok("notices" in parsed && parsed.notices.length === 2);
            assert.ok(!parsed.notices.join().includes("hunter2"));
        }
    });

    it("that upload as an account that other machines share are pointed out", () => {
        const notice = (name: string, what: string) =>
            `workloads.${name} lets every machine that runs as the default account of its project ${what}. Recommended: serviceAccount, with an account that only this workload runs as.`;
        const { notices } = accepted({
            workloads: {
                vm: { type: "computeEngine", access: "writer" },
                run: { type: "cloudRun", access: "admin", project: "acme-vms" },
                app: { type: "appEngine", access: "reader" },
                build: { type: "cloudBuild", access: "writer", project: "acme-ci" },
                fn: {
                    type: "cloudFunctions",
                    access: "writer",
                    serviceAccount: "fn@acme-ci.iam.gserviceaccount.com",
                },
                pod: { type: "gke", access: "writer", namespace: "a", serviceAccount: "b" },
            },
        });
        assert.deepEqual(notices, [
            notice("vm", "upload"),
            notice("run", "delete packages"),
            notice("build", "upload"),
        ]);
    });
});

describe("settings: the claims of an oidc workload", () => {
    const getMistakes = (entry: Values) =>
        mistakesIn({ workloads: { ci: { ...oidc, ...entry } } }).map((mistake) =>
            mistake.replace(`${key}workloads.ci`, ""),
        );
    const values =
        "the exact value of the claim (text, an exact number, true or false), or a list of such values";

    it("are a map from claim to exact values", () => {
        const { settings } = accepted({
            workloads: { ci: { ...oidc, claims: { sub: "a", n: 1, yes: true, "x.y/z:w": ["b", 'q"\\'] } } },
        });
        assert.deepEqual(settings.workloads?.["ci"], {
            ...oidc,
            audiences: [],
            claims: { sub: ["a"], n: [1], yes: [true], "x.y/z:w": ["b", 'q"\\'] },
        });
        const valid = `Allowed: ${values}. Text has 1 to 512 characters, without control characters and *.`;
        for (const value of [
            "",
            "repo:acme/*",
            "a\nb",
            "a\u0000",
            "a\u202eb",
            "\ud800",
            1.5,
            2 ** 60,
            null,
            {},
            [[]],
        ]) {
            const shown = JSON.stringify(value === null || !Array.isArray(value) ? value : value[0]);
            assert.deepEqual(getMistakes({ claims: { sub: "a", x: value } }), [
                `.claims.x: ${shown} is not valid. ${valid}`,
            ]);
        }
        assert.deepEqual(getMistakes({ claims: { sub: [] } }), [
            `.claims.sub: [] is an empty list. Allowed: ${values}.`,
        ]);
        const map = `Allowed: a map from claim to ${values}, as in sub: builds. Every claim must have its value.`;
        assert.deepEqual(getMistakes({ claims: undefined }), [`.claims: is not set. ${map}`]);
        assert.deepEqual(getMistakes({ claims: ["sub"] }), [`.claims: ["sub"] is not a map. ${map}`]);
        assert.deepEqual(getMistakes({ claims: {} }), [`.claims: {} is empty. Allowed: at least one claim.`]);
        assert.deepEqual(getMistakes({ claims: { aud: "python", iss: oidc.issuer, "a\nb": 1, sub: "x" } }), [
            '.claims.aud: "aud" has its own key. Allowed: other claims. Use audiences and issuer.',
            '.claims.iss: "iss" has its own key. Allowed: other claims. Use audiences and issuer.',
            '.claims["a\\nb"]: "a\\nb" is not the name of a claim. Allowed: 1 to 128 characters, without control characters.',
        ]);
    });

    it("are never ignored because every JavaScript object has their name", () => {
        for (const name of ["__proto__", "constructor", "prototype"]) {
            const claims = JSON.parse(`{"sub": "a", "${name}": "b"}`) as Values;
            assert.deepEqual(getMistakes({ claims }), [
                `.claims.${name}: "${name}" is a reserved name. Allowed: other claims.`,
            ]);
        }
    });

    it("replace the expressions, and one message says how", () => {
        for (const [old, these] of [
            [{ condition: "assertion.org == '7'" }, "this key"],
            [{ mapping: {}, condition: "true", subject: "x", attribute: "a/b" }, "these keys"],
        ] as const) {
            assert.deepEqual(getMistakes({ ...old, claims: undefined }), [
                `: has ${Object.keys(old).join(", ")}, which the type oidc no longer has. Write the claims that a token must have, with their exact values, as in claims: {sub: builds, tenant_id: "42"}, and remove ${these}. Patterns need a provider of your own: see docs/workloads.md.`,
            ]);
        }
    });

    const noId =
        ".claims: have no id of a known kind, so a stranger can have a token with the same claims. Allowed: claims with sub, or with the id of a tenant, organization, account, project, repository, workspace, namespace, group, pipeline or stack, such as project_id.";

    it("have an id, also at an issuer that is not known", () => {
        for (const claims of [
            { sub: "a" },
            { project_id: "7", ref: "refs/heads/main" },
            { "https://acme.example/tenant-id": 7 },
            { "https://acme.example/claims/org_id": 7 },
            { "ci.acme.example/repositoryId": 7 },
            { workspaceUuid: "{1}" },
            { tenantId: ["a", "b"] },
            { oid: "x" },
            { "account.id": "x" },
            { organizationID: "x" },
            ...[
                ...["tenant", "org", "organization", "account", "project", "repository", "repo"],
                ...["workspace", "namespace", "group", "pipeline", "stack"],
            ].flatMap((kind) => [
                { [`${kind}_id`]: "x" },
                { [`${kind}-guid`]: "x" },
                { [`${kind}Uuid`]: "x" },
            ]),
        ]) {
            assert.deepEqual(getMistakes({ claims }), [], JSON.stringify(claims));
        }
        for (const claims of [
            { ref: "refs/heads/main", environment: "production", event_name: "push" },
            { verified: true },
            { sub: true },
            { project_id: ["7", false] },
            { ref_protected: "true", runner_environment: "github-hosted" },
            { repository_visibility: "private" },
            { organization: "acme", repository: "acme/widgets" },
            { email: "ci@acme.example" },
            { valid: "1", paid: "1", grid: "a", cid: "b" },
            { client_id: "a", sessionId: "b", job_id: "c", run_id: "d", clientId: "e", appId: "f" },
            { exp: 1, azp: "x", scope: "write", jti: "y" },
            { id: "a", "run.id": "b", "https://ci/run/id": "c", "client-guid": "d", "app.id": "e" },
            { runner_id: "a", region_id: "eu", plan_id: "free", commit_id: "b", role_id: "c" },
            { runner_group_id: 1, runnerGroupId: 1, job_project_id: "a", "job.project.id": "b" },
            { service_account_id: "a", "https://ci.example/run_id": "b", "run/project_id": "c" },
            { merge_request_source_project_id: "a", sub_id: "b", sub: false, "x.example/sub": "c" },
        ]) {
            for (const access of ["reader", "writer"]) {
                assert.deepEqual(getMistakes({ access, claims }), [noId], JSON.stringify(claims));
            }
        }
        const long = "x".repeat(128);
        assert.deepEqual(getMistakes({ claims: { sub: long } }), [
            ".claims: have no id of at most 127 bytes, which Google requires. Allowed: a shorter id in addition to sub.",
        ]);
        assert.deepEqual(getMistakes({ claims: { sub: long, project_id: "7" } }), []);
    });

    /** Issuer → claims with an id, and what a writer needs in addition. */
    const issuers: readonly (readonly [issuer: string, ids: Values, writer?: Values])[] = [
        ["https://accounts.google.com", { sub: "103547991597142817347" }],
        ["https://securetoken.google.com/acme", { sub: "AbC" }],
        ["https://session.firebase.google.com/acme", { user_id: "AbC" }],
        ["https://login.microsoftonline.com/8d4e2f6a-0c1b-4d97-b3e5-6a7c8d9e0f02/v2.0", { oid: "5e6f" }],
        ["https://login.microsoftonline.com/common/v2.0", { oid: "5e6f" }],
        ["https://sts.windows.net/8d4e2f6a-0c1b-4d97-b3e5-6a7c8d9e0f02/", { sub: "x" }],
        ["https://acme.b2clogin.com/acme/v2.0/", { oid: "5e6f" }],
        ["https://api.pulumi.com/oidc/v2", { "https://pulumi.com/org_id": "a" }],
        [
            "https://api.pulumi.com/oidc",
            { sub: "pulumi:deploy:org:acme:project:p:stack:s:operation:preview:scope:write" },
            { sub: "pulumi:deploy:org:acme:project:p:stack:s:operation:update:scope:write" },
        ],
        [
            "https://api.bitbucket.org/2.0/workspaces/acme/pipelines-config/identity/oidc",
            { repositoryUuid: "{1}", workspaceUuid: "{2}" },
            { deploymentEnvironmentUuid: "{3}" },
        ],
        ["https://oidc.vercel.com/acme", { project_id: "prj_1" }, { environment: "production" }],
        ["https://oidc.vercel.com", { owner_id: "team_1" }, { environment: "production" }],
        ["https://oidc.fly.io/acme", { app_id: "1" }],
        ["https://oidc.codefresh.io", { pipeline_id: "1" }],
        ["https://token.builds.bitrise.io", { app_slug: "1" }],
        [
            "https://acme.semaphoreci.com",
            { prj_id: "1", ref: "refs/pull/1" },
            { ref: "refs/heads/main", job_type: "pipeline_job" },
        ],
        ["https://acme.app.spacelift.io", { callerId: "a", runType: "PROPOSED" }, { runType: "TRACKED" }],
        [
            "https://identity.depot.dev",
            { repository_id: "1", event_name: "pull_request_target" },
            { event_name: "push", ref: "refs/heads/main" },
        ],
    ];
    for (const [issuer, ids, writer = {}] of issuers) {
        it(`have an id of the tenant at ${issuer}`, () => {
            const others = {
                org: "acme",
                email: "ci@acme.example",
                azp: "a",
                tid: "t",
                other_id: "1",
                ref: "refs/heads/main",
                environment: "production",
                event_name: "push",
                job_type: "pipeline_job",
                runType: "TRACKED",
                deploymentEnvironmentId: "1",
            };
            for (const spelled of [
                issuer,
                `${issuer}/`,
                issuer.replace("https://", "https://").toUpperCase().replace("HTTPS", "https"),
            ]) {
                for (const access of ["reader", "admin"]) {
                    const [mistake, ...rest] = getMistakes({ access, issuer: spelled, claims: others });
                    assert.deepEqual(rest, []);
                    assert.match(mistake ?? "", /^\.claims: have no id, and many tenants share the issuer /);
                }
            }
            assert.deepEqual(getMistakes({ access: "reader", issuer, claims: ids }), []);
            assert.deepEqual(getMistakes({ access: "writer", issuer, claims: { ...ids, ...writer } }), []);
            for (const name of Object.keys(writer)) {
                const given = { ...ids, ...writer, [name]: ids[name] ?? "other" };
                const [mistake = "", ...rest] = getMistakes({ access: "writer", issuer, claims: given });
                assert.deepEqual(rest, []);
                assert.ok(mistake.startsWith(`.claims.${name}: `), mistake);
                assert.match(
                    mistake,
                    / is not valid\. It is required with access writer, because untrusted code, such as that of a pull request, can get a token of the same issuer\. Allowed: /,
                );
                const mixed = { ...ids, ...writer, [name]: [writer[name], ids[name] ?? "other"] };
                assert.equal(getMistakes({ access: "writer", issuer, claims: mixed }).length, 1);
            }
        });
    }

    it("need what docs/workloads.md says, by issuer", () => {
        const page = readFileSync(join(__dirname, "..", "..", "docs", "workloads.md"), "utf8");
        const rows = [...page.matchAll(/^\| `(https:.*?)` +\| (.*?) +\| (.*?) +\|$/gm)];
        assert.equal(rows.length, 13);
        const names = (text: string) => [...text.matchAll(/`(.+?)`/g)].map(([, name = ""]) => name);
        for (const [, issuer = "", ids = "", needed = ""] of rows) {
            for (const id of names(ids)) {
                assert.deepEqual(
                    getMistakes({ access: "reader", issuer, claims: { [id]: "x" } }),
                    [],
                    issuer,
                );
            }
            const [first = ""] = names(ids);
            const missing = getMistakes({ issuer, claims: { [first]: "x" } }).map(
                (mistake) => /^\.claims\.(\w+)/.exec(mistake)?.[1],
            );
            assert.deepEqual(
                missing.sort(),
                needed
                    .split(";")
                    .flatMap((each) => names(each).slice(0, 1))
                    .sort(),
            );
        }
    });

    it("are those of an issuer that has no type of its own, however it is spelled", () => {
        const types: Readonly<Record<keyof typeof given, readonly string[]>> = {
            githubActions: [
                "https://token.actions.githubusercontent.com",
                "https://token.actions.githubusercontent.com/acme",
                "https://vstoken.actions.githubusercontent.com",
                "https://token.actions.acme.ghe.com",
                "https://git.acme.example/_services/token",
                "https://git.acme.example/_services/token/acme",
                "https://git.acme.example//_services//token",
            ],
            gitlabCi: ["https://gitlab.com"],
            circleCi: ["https://oidc.circleci.com", `https://oidc.circleci.com/org/${circleOrganization}`],
            azureDevOps: [`https://vstoken.dev.azure.com/${azureOrganization}`],
            hcpTerraform: ["https://app.terraform.io", "https://app.eu.terraform.io"],
            buildkite: ["https://agent.buildkite.com"],
        };
        for (const [type, known] of Object.entries(types)) {
            for (const issuer of known) {
                const [, host = "", path = ""] = /^https:\/\/([^/]+)(.*)$/.exec(issuer) ?? [];
                for (const spelled of [
                    issuer,
                    `${issuer}/`,
                    `${issuer}//`,
                    `https://${host.toUpperCase()}${path}`,
                    `https://${host}${path.toUpperCase()}`,
                    `https://${host}.${path}`,
                    `https://${host}:443${path}`,
                    `https://${host}:8443${path}`,
                ]) {
                    assert.deepEqual(getMistakes({ issuer: spelled }), [
                        `.issuer: ${JSON.stringify(spelled)} has its own type. Allowed: any other issuer. Use type: ${type}.`,
                    ]);
                }
            }
        }
        for (const issuer of [
            "https://gitlab.com.acme.example",
            "https://acme.example/gitlab.com",
            "https://ci.gitlab.com",
        ]) {
            assert.deepEqual(getMistakes({ issuer }), []);
        }
        assert.deepEqual(
            mistakesIn({
                workloads: {
                    a: { ...given.gitlabCi, access: "reader", issuer: "https://agent.buildkite.com" },
                },
            }),
            [
                `${key}workloads.a.issuer: "https://agent.buildkite.com" has its own type. Allowed: any other issuer. Use type: buildkite.`,
            ],
        );
    });

    it("come with an issuer, keys and audiences within Google's limits", () => {
        const mistakes = getMistakes({
            issuer: "http://ci.example?x",
            audiences: ["", "x".repeat(257)],
            jwksJson: '{"keys":[{"kty":"RSA","d":"private"}]}',
        });
        assert.deepEqual(
            mistakes.map((mistake) => /^\.([a-zA-Z]+)/.exec(mistake)?.[1]),
            ["issuer", "jwksJson", "audiences", "audiences"],
        );
        assert.match(getMistakes({ issuer: "https://256.256.256.256" })[0] ?? "", /is not a URL/);
    });
});
