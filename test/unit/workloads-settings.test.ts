import assert from "node:assert/strict";
import { stackConfig } from "../../sandbox/engines/stack-config";
import { parseSettings } from "../../src/settings/settings";
import { azureOrganization, circleOrganization, given } from "./ci-tokens";

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
    mapping: { "google.subject": "assertion.sub" },
    condition: "assertion.org == '7'",
    subject: "release",
};

/** A valid entry of each type, with all its keys. */
const entries: Record<string, Values> = {
    github: {
        ...given.githubActions,
        access: "writer",
        ref: "refs/heads/main",
        environment: "pypi",
        issuer: "https://token.actions.githubusercontent.com/acme",
        jwksJson: '{"keys":[{"kty":"EC","crv":"P-256","x":"a","y":"b"}]}',
    },
    "gitlab-project": { ...given.gitlabCi, access: "reader", ref: "refs/tags/v1", protectedOnly: true },
    "gitlab-group": { type: "gitlabCi", namespaceId: "77", access: "writer", via: "python-publisher" },
    circle: { ...given.circleCi, access: "writer", ref: "refs/heads/main" },
    azure: { ...given.azureDevOps, access: "writer", pipelineId: "12", ref: "refs/heads/main" },
    terraform: { ...given.hcpTerraform, access: "reader", issuer: "https://tfe.acme.example" },
    "terraform-project": {
        type: "hcpTerraform",
        organizationId: "org-1",
        projectId: "prj-1",
        access: "admin",
    },
    buildkite: { ...given.buildkite, access: "writer" },
    custom: { ...oidc, audiences: ["python"] },
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
            `${key}workloads.github.environmnt: "environmnt" is an unknown key of the type githubActions (its value: "pypi"). Allowed: access, via, owner, repository, ownerId, repositoryId, ref, environment, issuer, jwksJson. Did you mean "environment"?`,
            `${key}workloads.github.access: "write" is not valid. Allowed: reader, writer, admin. Did you mean "writer"?`,
            `${key}workloads.github.ownerId: "acme" is not valid. ${gitHubIds("acme", "widgets")}`,
            `${key}workloads.github.repositoryId: is not set. ${gitHubIds("acme", "widgets")}`,
            `${key}workloads.github.ref: "main" is not a full ref. Allowed: refs/heads/BRANCH or refs/tags/TAG, without wildcards. Did you mean "refs/heads/main"?`,
            `${key}workloads.round.ownerId: 123456789012345680000 is not an exact number. Write it in quotes. ${gitHubIds("acme", "widgets")}`,
            `${key}workloads.gitlab.protectedOnly: "yes" is a string, not a boolean. Allowed: true, false.`,
            `${key}workloads.circle.organizationId: "acme" is not valid. Allowed: the organization's UUID, from Organization Settings.`,
            `${key}workloads.gke.namespace: "Builds" is not valid. Allowed: the name of a Kubernetes namespace.`,
            `${key}workloads.gke.serviceAccount: true is not text. Allowed: the name of a Kubernetes service account.`,
            `${key}workloads.refs.ref: "refs/heads/*" is not a full ref. Allowed: refs/heads/BRANCH or refs/tags/TAG, without wildcards.`,
            `${key}pool.existin: "existin" is an unknown key of pool (its value: "use"). Allowed: id, project, projectNumber, existing. Did you mean "existing"?`,
            `${key}pool.id: "gcp-pool" starts with gcp-, which Google reserves. Allowed: any other start.`,
            `${key}projectNumber: "acme-tools" is not valid. Allowed: a project number, which \`gcloud projects describe PROJECT\` prints.`,
            `${key}workloads.both: has both projectId and namespaceId. Allowed: one of them.`,
        ]);
    });

    it("need what keeps forks and pull requests from writing", () => {
        const { vcsOrigin: _, ...circle } = given.circleCi;
        const buildkite = { ...given.buildkite, ref: undefined };
        assert.deepEqual(
            mistakesIn({
                workloads: {
                    circle: { ...circle, access: "writer" },
                    buildkite: { ...buildkite, access: "admin" },
                    reads: { ...circle, access: "reader" },
                },
            }),
            [
                `${key}workloads.circle.vcsOrigin: is not set. It is required with access writer, because builds of forks have the same project. Allowed: the repository, as in github.com/acme/core.`,
                `${key}workloads.buildkite.ref: is not set. It is required with access admin, because builds of pull requests have the same pipeline. Allowed: a full ref, such as refs/heads/main.`,
            ],
        );
    });

    it("need exactly one of the ids that exclude each other", () => {
        assert.deepEqual(
            mistakesIn({
                workloads: {
                    a: { type: "gitlabCi", access: "reader" },
                    b: { type: "hcpTerraform", access: "reader", organizationId: "org-1" },
                    c: {
                        ...oidc,
                        attribute: "team/core",
                        mapping: { ...oidc.mapping, "attribute.team": "'x'" },
                    },
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
                `${key}workloads.c: has both subject and attribute. Allowed: one of them.`,
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
        const mistakes = mistakesIn({
            workloads: {
                vm: { type: "computeEngine", access: "reader" },
                run: { type: "cloudRun", access: "reader" },
                "run-elsewhere": { type: "cloudRun", access: "reader", project: "acme-vms" },
                here: { type: "cloudFunctions", access: "reader", project: "acme-tools" },
                build: { type: "cloudBuild", access: "reader", serviceAccount: email },
                app: { type: "appEngine", access: "reader", serviceAccount: email.toUpperCase() },
                reads: { ...given.githubActions, access: "reader" },
                writes: { ...given.githubActions, access: "writer" },
                deletes: { ...given.githubActions, access: "admin", owner: "renamed" },
                via: { ...given.githubActions, access: "writer", via: "python-publisher" },
            },
        });
        const same = (name: string, first: string) =>
            `${key}workloads.${name}: is the same identity as workloads.${first}. Allowed: each identity once.`;
        assert.deepEqual(mistakes, [
            same("run", "vm"),
            same("here", "vm"),
            same("app", "build"),
            same("deletes", "writes"),
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
                `${key}pool.projectNumber: "56" is another number of the project acme-tools than projectNumber has. Allowed: "55".`,
                `${key}workloads.pod.clusterProjectNumber: "57" is another number of the project acme-tools than projectNumber has. Allowed: "55".`,
            ],
        );
    });

    it("with the same issuer agree, and those with different ones need not", () => {
        const mapping = { ...oidc.mapping, "attribute.team": "assertion.team" };
        const jwks = (n: string) => JSON.stringify({ keys: [{ kty: "RSA", n, e: "AQAB" }] });
        const mistakes = mistakesIn({
            workloads: {
                a: { ...oidc, mapping },
                b: {
                    ...oidc,
                    mapping: { ...oidc.mapping, "attribute.team": "assertion.group" },
                    subject: "b",
                },
                c: { ...oidc, issuer: "https://other.example", mapping },
                d: { ...given.gitlabCi, issuer: oidc.issuer, access: "reader" },
                e: { ...given.gitlabCi, access: "reader", jwksJson: jwks("a") },
                f: { ...given.gitlabCi, access: "writer", jwksJson: jwks("b") },
            },
        });
        const differs = "differs from another workload with the same issuer. Allowed: the same expression.";
        assert.deepEqual(mistakes, [
            `${key}workloads.a.mapping["attribute.team"]: "assertion.team" ${differs}`,
            `${key}workloads.b.mapping["attribute.team"]: "assertion.group" ${differs}`,
            `${key}workloads.d.type: "gitlabCi" differs from workloads.a.type, which has the same issuer. Allowed: one type for each issuer.`,
            `${key}workloads.f.jwksJson: differs from workloads.e.jwksJson, which has the same issuer. Allowed: the same value.`,
        ]);
    });

    it("have values that Google can compare", () => {
        const long = "x".repeat(120);
        const [byRef, byEnvironment, ...rest] = mistakesIn({
            workloads: {
                a: { ...given.githubActions, access: "reader", ref: `refs/heads/${long}` },
                b: { ...given.githubActions, access: "reader", ref: "refs/heads/a", environment: long },
            },
        });
        assert.deepEqual(rest, []);
        assert.match(
            byRef!,
            /^python-registry:workloads\.a\.ref: "refs\/heads\/x+… is too long: the value that Google compares, "github:9001:70001:refs\/heads\/x+…, has 149 bytes\. Allowed: at most 127\.$/,
        );
        assert.match(byEnvironment!, /^python-registry:workloads\.b\.environment: "x+…? ?/);
    });

    it("never show a secret", () => {
        const secret = "hunter2-hunter2";
        const workloads = {
            [secret]: { type: secret, access: secret },
            b: { ...given.githubActions, ownerId: secret, owner: secret, access: "reader", via: secret },
            c: { ...oidc, condition: `assertion.sub != '${secret}'`, issuer: `https://${secret}.example/?` },
            d: { ...oidc, condition: `${secret} ==` },
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

describe("settings: the condition of an oidc workload", () => {
    const conditions = (condition: string, more: Values = {}) =>
        mistakesIn({ workloads: { ci: { ...oidc, ...more, condition } } });
    const stranger = (condition: string) => {
        const [mistake, ...rest] = conditions(condition);
        assert.deepEqual(rest, []);
        return mistake ?? "";
    };

    for (const condition of [
        "assertion.sub == assertion.sub",
        "assertion.sub != ''",
        "has(assertion.sub)",
        "!has(assertion.sub)",
        "size(assertion.sub) > 0",
        `assertion.iss == '${oidc.issuer}'`,
        "assertion.aud == 'python'",
        "assertion.sub.matches('.*')",
        "assertion.sub.matches('^[0-9]+$')",
        "assertion.sub.startsWith('')",
        "assertion.sub.startsWith('https://')",
        "assertion.sub.contains('/')",
        "assertion.sub.contains('-')",
        "true || assertion.x == 'y'",
        "!(assertion.x == 'y')",
        "assertion.x != 'x'",
        "!(assertion.x in ['a', 'b'])",
        "assertion.verified == true",
        "assertion.ref_protected == 'true'",
        "assertion.organization == '7' || assertion.other != '7'",
        "has(assertion.a) && !has(assertion.b)",
        "assertion.a != assertion.b",
        "assertion.exp > 0",
        "assertion.groups.size() >= 0",
        "assertion.groups.all(g, g != 'x')",
        "google.subject != ''",
        "google.subject == assertion.sub",
        "attribute.team != 'x'",
        "assertion['a-b'] != 'x'",
        "size(assertion.sub) < 100",
        "size(assertion.sub) > 100",
        "int(assertion.id) > 100",
        "has(assertion.a.b)",
    ]) {
        it(`is refused if a stranger's token meets it: ${condition}`, () => {
            const mapping = { ...oidc.mapping, "attribute.team": "assertion.team" };
            const [mistake, ...rest] = conditions(condition, { audiences: ["python"], mapping });
            assert.deepEqual(rest, []);
            assert.ok(
                mistake?.startsWith(
                    `${key}workloads.ci.condition: ${JSON.stringify(condition)} accepts a token of a stranger, with `,
                ),
                mistake,
            );
            assert.ok(
                mistake?.endsWith(
                    'Allowed: a CEL expression that compares a stable id of your tenant, as in assertion.organization_id == "ID".',
                ),
            );
        });
    }

    for (const condition of ["true", "1 == 1", "'a'.startsWith('')", "size([1]) > 0"]) {
        it(`is refused if it names no claim: ${condition}`, () => {
            assert.match(
                stranger(condition),
                /names no claim, so it does not depend on the token\. Allowed: /,
            );
        });
    }

    it("is refused if it is empty", () => {
        for (const condition of ["", "  ", "\n"]) {
            assert.match(
                stranger(condition),
                /is empty, so every token of the issuer would be accepted\. Allowed: /,
            );
        }
        assert.match(
            mistakesIn({ workloads: { ci: { ...oidc, condition: undefined } } })[0]!,
            /condition: is not set\. Allowed: a CEL expression on a stable id of your tenant\.$/,
        );
    });

    it("is refused if it compares only the default audience", () => {
        assert.match(
            stranger(
                "assertion.aud == 'https://iam.googleapis.com/projects/5/locations/global/workloadIdentityPools/p/providers/q'",
            ),
            /accepts a token of a stranger/,
        );
    });

    it("names what was accepted", () => {
        assert.equal(
            stranger("assertion.org != '7'"),
            `${key}workloads.ci.condition: "assertion.org != '7'" accepts a token of a stranger, with the claims {"org":"stranger-5feceb66ffc8"}. Allowed: a CEL expression that compares a stable id of your tenant, as in assertion.organization_id == "ID".`,
        );
    });

    it("and the mapping are refused with the parser's message if they are not CEL", () => {
        const mapping = {
            "google.subject": "assertion.sub +",
            "attribute.a": "claims.sub",
            "attribute.b": "google.subject",
        };
        const mistakes = conditions("assertion.org ==", { mapping });
        assert.equal(mistakes.length, 4);
        assert.match(
            mistakes[0]!,
            /mapping\["google\.subject"\]: "assertion\.sub \+" is not a valid CEL expression \(.+\)\. Allowed: a CEL expression over assertion, as in assertion\.sub\.$/,
        );
        assert.match(mistakes[1]!, /attribute\.a.*undeclared reference to 'claims'/);
        assert.match(mistakes[2]!, /attribute\.b.*undeclared reference to 'google'/);
        assert.match(mistakes[3]!, /condition: "assertion\.org ==" is not a valid CEL expression \(.+\)/);
        for (const mistake of mistakes) assert.doesNotMatch(mistake, /\n/);
    });

    for (const condition of [
        "assertion.org == '7'",
        "assertion.workspaceUuid == '{0b8a3e94-71f5-4d2a-9c66-2d5e8f103b01}'",
        "assertion.org in ['7', '8']",
        "assertion.sub.startsWith('org-1:')",
        "assertion.sub.startsWith('pulumi:deploy:org:acme:')",
        "assertion.sub.extract('org/{id}/') == '7'",
        "assertion.sub.split('/sc/')[1] == 'a/b'",
        "assertion.org == '7' && assertion.ref != 'refs/heads/dev'",
        "assertion.id == 12345",
        "'acme' in assertion.groups",
        "assertion.groups.exists(g, g == 'acme')",
        "has(assertion.org) && assertion.org == '7'",
        "google.subject == 'release'",
        "attribute.team == 'core'",
        "attribute.team == 'core' && google.subject != ''",
        "assertion['https://acme.example/org'] == '7'",
        "assertion.verified == true && assertion.email.endsWith('@acme.example')",
        "assertion.nested.org == '7'",
    ]) {
        it(`is accepted if it compares an id: ${condition}`, () => {
            const mapping = { ...oidc.mapping, "attribute.team": "assertion.team" };
            assert.deepEqual(conditions(condition, { mapping }), []);
        });
    }

    it("belongs to an issuer that has no type of its own, and to names that no other type has", () => {
        assert.deepEqual(
            mistakesIn({
                workloads: {
                    a: { ...oidc, issuer: "https://gitlab.com" },
                    b: {
                        ...oidc,
                        subject: "b",
                        issuer: "https://d.example",
                        mapping: { ...oidc.mapping, "attribute.trusted_repository_ref": "assertion.x" },
                    },
                    c: { ...oidc, issuer: "https://b.example", subject: undefined, attribute: "team/core" },
                    d: {
                        ...oidc,
                        issuer: "https://c.example",
                        mapping: { ...oidc.mapping, "attribute.oidc_97ae0743": "assertion.sub" },
                    },
                },
            }),
            [
                `${key}workloads.a.issuer: "https://gitlab.com" has its own type. Allowed: any other issuer. Use type: gitlabCi.`,
                `${key}workloads.b.mapping["attribute.trusted_repository_ref"]: is an attribute that this program maps itself. Allowed: any other name.`,
                `${key}workloads.c.attribute: "team/core" is not mapped: mapping has no attribute.team. Allowed: an attribute of mapping.`,
                `${key}workloads.d.mapping["attribute.oidc_97ae0743"]: is an attribute that this program maps itself. Allowed: any other name.`,
            ],
        );
    });

    it("needs a mapping, an issuer and audiences within Google's limits", () => {
        const mistakes = mistakesIn({
            workloads: {
                ci: {
                    ...oidc,
                    issuer: "http://ci.example?x",
                    audiences: ["", "x".repeat(257)],
                    mapping: { "attribute.Team": "assertion.team" },
                    subject: "x".repeat(128),
                    jwksJson: '{"keys":[{"kty":"RSA","d":"private"}]}',
                },
            },
        });
        assert.deepEqual(
            mistakes.map((mistake) => /workloads\.ci\.([a-zA-Z]+)/.exec(mistake)?.[1]),
            ["issuer", "jwksJson", "audiences", "audiences", "mapping", "mapping", "subject"],
        );
        assert.match(mistakes[4]!, /Team/);
        assert.match(
            mistakesIn({ workloads: { ci: { ...oidc, mapping: { "attribute.a": "assertion.a" } } } })[0]!,
            /has no google\.subject, which Google requires/,
        );
    });
});
