import fc from "fast-check";
import assert from "node:assert/strict";
import { compareClaims } from "../../packages/policy/src/conditions";
import { parseCel } from "../../packages/sandbox/src/google/cel";
import { parseWorkloads } from "../../packages/registry/src/workloads/parse";
import { providersFor } from "../../packages/registry/src/workloads/federation";
import { messages, unknown } from "./analyze";

// The rule federation-condition.

const type = "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider";
const github = "https://token.actions.githubusercontent.com";

function findings(attributeCondition: unknown, more: object = {}, parameters = {}): Promise<string[]> {
    const props = {
        workloadIdentityPoolProviderId: "ci",
        oidc: { issuerUri: github },
        ...(attributeCondition === undefined ? {} : { attributeCondition }),
        ...more,
    };
    return messages("federation-condition", { type, props }, parameters);
}

describe("policy federation-condition", () => {
    it("refuses a provider without a condition", async () => {
        for (const condition of [undefined, "", "  "]) {
            assert.deepEqual(await findings(condition), [
                `The provider ci accepts every token of ${github}, because it has no attributeCondition. Compare an id with == or in, as in assertion.repository_owner_id == "ID".`,
            ]);
        }
    });

    for (const condition of [
        'assertion.repository_owner_id == "1"',
        '"1" == assertion.repository_owner_id',
        "assertion.repository_owner_id == '1' && assertion.ref == 'refs/heads/main'",
        "assertion['repository_owner_id'] == '1'",
        'assertion.repository_owner_id in ["1", "2"]',
        'assertion.repository_owner_id in ["1"] || assertion.enterprise_id == "5"',
        "string(assertion.repository_id) == '3'",
        "int(assertion.repository_id) == 3",
        // Comments, spaces, and all forms of text.
        'assertion.repository_id == "1" // the registry',
        '// the registry\nassertion.repository_id == "1"\n// the end',
        ' assertion\n  .repository_id\n  ==\t"1" ',
        'assertion.repository_id == "1" || false // && true',
        'assertion.repository_id == r"1"',
        'assertion.repository_id == """1"""',
        'assertion.repository_id == "\\x31"',
        // Macros.
        '["1", "2"].exists(id, assertion.repository_id == id)',
        '["1", "2"].exists(id, id == assertion.repository_id && assertion.ref == "refs/heads/main")',
        '["1", "2"].exists_one(id, assertion.repository_id == id)',
        '!["1", "2"].all(id, assertion.repository_id != id)',
        '["1"].all(id, assertion.repository_id == id)',
        '["refs/heads/main", "refs/heads/next"].exists(ref, assertion.ref == ref) && assertion.repository_id == "1"',
        'assertion.enterprise_id.exists(id, id == "1")',
        '["1"].exists(a, ["2"].exists(b, assertion.repository_id == a || assertion.repository_id == b))',
        '["1"].exists(a, ["2"].exists(a, assertion.repository_id == a))',
        // GitHub's subjects with ids.
        'assertion.sub == "repo:acme@1/core@2:ref:refs/heads/main"',
        'assertion.sub in ["repo:acme@1/core@2:pull_request", "repo:acme@1/core@2:environment:pypi"]',
        'assertion.sub.startsWith("repo:acme@1/core@2:")',
        'assertion.sub.startsWith("repo:acme@1/")',
        '["repo:acme@1/core@2:", "repo:acme@1/tools@3:"].exists(start, assertion.sub.startsWith(start))',
        '!(assertion.repository_id != "1")',
        '!(assertion.repository_id != "1" || assertion.ref == "x")',
        'assertion.ref == "x" ? assertion.repository_id == "1" : assertion.repository_id == "2"',
        'assertion.repository_id == "1" ? true : false',
        // An id at the start of a text, up to a separator.
        'assertion.repository_id + ":" + assertion.ref == "1:refs/heads/main"',
        'assertion.repository_id + ":" + assertion.environment + ":" + assertion.ref == "1:pypi:refs/heads/main"',
        'assertion.repository_owner_id + ":" + assertion.repository_id == "1:2"',
        '"github:" + assertion.repository_id == "github:1"',
        'assertion.sub + "" == "repo:acme@1/core@2:pull_request"',
        '"1" + assertion.repository_id + "/" == "12/"',
        'string(assertion.repository_id) + ":" + assertion.ref in ["1:main", "2:main"]',
    ]) {
        it(`accepts ${condition}`, async () => {
            assert.deepEqual(await findings(condition), []);
        });
    }

    for (const [condition, problem] of [
        ["true", /reads no claim/],
        ["1 == 1", /reads no claim/],
        ["assertion.repository == 'acme/core'", /by assertion\.repository\. Other owners/],
        ["assertion.repository_owner == 'acme'", /by assertion\.repository_owner\. Other owners/],
        ["assertion.sub == 'repo:acme/core:ref:refs/heads/main'", /by assertion\.sub\./],
        ["assertion.sub.startsWith('repo:acme/')", /by assertion\.sub\./],
        ["assertion.project_path == 'acme/core'", /by assertion\.project_path\./],
        ["assertion.namespace_path == 'acme' && assertion.ref == 'x'", /namespace_path, assertion\.ref\./],
        // The id of a person, who can be made to start a job elsewhere.
        ["assertion.actor_id == '1'", /by assertion\.actor_id\./],
        ["assertion.repository_owner_id == '1' || true", /not every branch/],
        ["assertion.repository_owner_id == '1' || assertion.repository == 'acme/core'", /not every branch/],
        ["assertion.repository_owner_id != '1'", /not every branch/],
        ["!(assertion.repository_owner_id == '1')", /not every branch/],
        ["assertion.repository_owner_id == assertion.repository_owner_id", /not every branch/],
        ["assertion.repository_owner_id in [assertion.repository_owner_id]", /not every branch/],
        ["!(assertion.repository_owner_id in ['1'])", /not every branch/],
        ["has(assertion.repository_owner_id) == true", /reads no claim/],
        ["string(has(assertion.repository_owner_id)) == 'true'", /reads no claim/],
        ["(assertion.ref == 'x' ? 'a' : assertion.repository_id) + ':' == 'a:'", /not every branch/],
        // Tokens of owners without an enterprise.
        ["assertion.enterprise_id == ''", /not every branch/],
        ["assertion.enterprise_id in ['', '5']", /not every branch/],
        ["assertion.enterprise_id + ':' + assertion.ref == ':main'", /not every branch/],
        ["'e' + assertion.enterprise_id + ':' in ['e5:', 'e:']", /not every branch/],
        ["assertion.enterprise_id == null", /not every branch/],
        ["has(assertion.repository_owner_id)", /reads no claim/],
        ["assertion.repository_owner_id.startsWith('1')", /not every branch/],
        ["assertion.ref == 'x' ? true : assertion.repository_id == '1'", /not every branch/],
        ["assertion.repository_id == '1' ? true : true", /not every branch/],
        // "1" + "23" is "12" + "3".
        ["assertion.repository_id + assertion.run_id == '123'", /not every branch/],
        ["assertion.repository_owner_id + assertion.repository_id == '123'", /not every branch/],
        ["assertion.repository_id + '' + assertion.ref == '1x'", /not every branch/],
        // "1" + "0" + "0x" is "10" + "0" + "x".
        ["assertion.repository_id + '0' + assertion.ref == '100x'", /not every branch/],
        ["assertion.repository_id + '-a' + assertion.ref == '1-ax'", /not every branch/],
        // Repository 2, with the environment "a:1:b" and the workflow "c".
        [
            "assertion.environment + ':' + assertion.repository_id + ':' + assertion.workflow == 'a:1:b:2:c'",
            /not every branch/,
        ],
        ["assertion.ref + ':' + assertion.repository_id == 'main:1'", /not every branch/],
        ["'x' + assertion.ref + ':' + assertion.repository_id == 'xmain:1'", /not every branch/],
        ["assertion.repository_id + assertion.ref + ':' == '1main:'", /not every branch/],
        ["string(assertion.ref) + ':' + assertion.repository_id in ['main:1']", /not every branch/],
        [
            "'a:1' == (assertion.ref == 'x' ? 'a' : assertion.environment) + ':' + assertion.repository_id",
            /not every branch/,
        ],
        ["assertion.repository ==", /cannot be read/],
        ["assertion.repository_id == '1' /* comment */", /cannot be read/],
        ["assertion.repository_id == '1' // \n || true", /not every branch/],
        ["assertion.repository // .repository_id == '1'\n == 'a'", /by assertion\.repository\./],
        // Macros that a stranger's token can fulfill.
        ["[assertion.repository_id].exists(id, id == '1' || id != '1')", /not every branch/],
        ["['1', '2'].exists(id, assertion.repository_id != id)", /not every branch/],
        ["!['1', '2'].exists(id, assertion.repository_id == id)", /not every branch/],
        ["['1'].exists(id, assertion.repository_id == '1' || id == '1')", /not every branch/],
        ["[].all(id, assertion.repository_id == id)", /not every branch/],
        ["assertion.enterprise_id.all(id, id == '1')", /not every branch/],
        ["!assertion.enterprise_id.exists(id, id == '1')", /not every branch/],
        ["!['1'].exists_one(id, assertion.repository_id != id)", /not every branch/],
        ["['1', assertion.repository_id].exists(id, assertion.repository_id == id)", /not every branch/],
        ["['1'].filter(id, assertion.repository_id == id).size() >= 0", /not every branch/],
        ["'1' in ['1'].map(id, assertion.repository_id == id ? '1' : '1')", /not every branch/],
        ["['1'].exists(assertion, assertion == '1')", /not every branch|reads no claim/],
        ["(assertion.enterprise_id + ['1']).exists(id, id == '1')", /not every branch/],
        // GitHub's subjects: names, and the beginning of an id.
        ["assertion.sub.startsWith('repo:acme@1')", /by assertion\.sub\./],
        ["assertion.sub.startsWith('repo:')", /by assertion\.sub\./],
        ["assertion.sub.startsWith('')", /by assertion\.sub\./],
        ["!assertion.sub.startsWith('repo:acme@1/')", /by assertion\.sub\./],
        ["assertion.sub.endsWith('repo:acme@1/core@2:ref:refs/heads/main')", /by assertion\.sub\./],
        ["assertion.sub.contains('repo:acme@1/core@2:')", /by assertion\.sub\./],
        ["assertion.sub.matches('repo:acme@1/core@2:')", /by assertion\.sub\./],
        ["assertion.job_workflow_ref.startsWith('repo:acme@1/')", /by assertion\.job_workflow_ref\./],
        [
            "assertion.sub in ['repo:acme@1/core@2:pull_request', 'repo:acme/core:pull_request']",
            /by assertion/,
        ],
        ["assertion.sub == 'repo:acme@x/core@2:pull_request'", /by assertion\.sub\./],
        ["assertion.sub + '' == 'repo:acme/core:pull_request'", /by assertion\.sub\./],
        ["assertion.sub + ':' + assertion.ref == 'repo:acme@1/core@2:x:y'", /by assertion\.sub/],
        // Ids of other systems.
        ["assertion.project_id == '7'", /by assertion\.project_id\./],
        ["assertion.oid == 'u'", /by assertion\.oid\./],
    ] as const) {
        it(`refuses ${condition}`, async () => {
            const [message = "", ...more] = await findings(condition);
            assert.deepEqual(more, []);
            assert.match(message, problem);
            assert.match(message, /as in assertion\.repository_owner_id == "ID"\.$/);
        });
    }

    const uuid = "11111111-2222-3333-4444-555555555555";
    for (const [issuer, good, bad] of [
        [`${github}/acme`, 'assertion.repository_id == "1"', 'assertion.repository == "acme/core"'],
        [
            "https://token.actions.acme.ghe.com",
            'assertion.sub == "repo:acme@1/core@2:ref:refs/heads/main"',
            'assertion.sub == "repo:acme/core:ref:refs/heads/main"',
        ],
        [
            "https://github.example.com/_services/token",
            'assertion.repository_owner_id == "1"',
            'assertion.sub == "repo:acme@1/core@2:ref:refs/heads/main"',
        ],
        ["https://gitlab.com", 'assertion.project_id == "7"', 'assertion.job_project_id == "7"'],
        ["https://gitlab.com/", "int(assertion.namespace_id) == 7", 'assertion.repository_id == "7"'],
        ["https://gitlab.example.com", 'assertion.namespace_id in ["7"]', 'assertion.sub == "x"'],
        [
            `https://oidc.circleci.com/org/${uuid}`,
            'assertion["oidc.circleci.com/context-ids"].exists(c, c == "u")',
            `assertion.sub == "org/${uuid}/project/p/user/u"`,
        ],
        [
            "https://api.bitbucket.org/2.0/workspaces/acme/pipelines-config/identity/oidc",
            'assertion.repositoryUuid == "{u}"',
            'assertion.branchName == "main"',
        ],
        [`https://vstoken.dev.azure.com/${uuid}`, 'assertion.def_id == "3"', 'assertion.sub == "sc://a/b/c"'],
        [
            `https://login.microsoftonline.com/${uuid}/v2.0`,
            'assertion.sub == "/eid1/c/pub/t/x/a/y/sc/org/connection"',
            'assertion.sub.startsWith("/eid1/")',
        ],
        [`https://sts.windows.net/${uuid}/`, 'assertion.oid == "u"', 'assertion.upn == "a@example.com"'],
        [
            "https://app.terraform.io",
            'assertion.terraform_workspace_id == "ws-1"',
            'assertion.terraform_organization_name == "acme"',
        ],
        ["https://agent.buildkite.com", 'assertion.pipeline_id == "u"', 'assertion.pipeline_slug == "core"'],
        ["https://accounts.google.com", 'assertion.sub == "123"', 'assertion.email == "a@example.com"'],
        [
            "https://container.googleapis.com/v1/projects/p/locations/l/clusters/c",
            'assertion["kubernetes.io"].serviceaccount.uid == "u"',
            'assertion["kubernetes.io"].namespace == "ci"',
        ],
        [
            "https://oidc.eks.eu-west-1.amazonaws.com/id/ABC",
            'assertion["kubernetes.io"]["serviceaccount"]["uid"] == "u"',
            'assertion.uid == "u"',
        ],
    ] as const) {
        it(`knows the ids in tokens of ${issuer}`, async () => {
            const oidc = { issuerUri: issuer };
            assert.deepEqual(await findings(good, { oidc }), []);
            assert.equal((await findings(bad, { oidc })).length, 1);
        });
    }

    it("does not mix up a variable of a macro and the token", async () => {
        const oidc = { issuerUri: "https://oidc.eks.eu-west-1.amazonaws.com/id/ABC" };
        const cluster = 'assertion["kubernetes.io"]';
        const condition = (name: string) =>
            `assertion.serviceaccount.uid.exists(x, [${cluster}].exists(${name}, x == "u"))`;
        for (const name of ["y", "assertion"]) {
            assert.equal((await findings(condition(name), { oidc })).length, 1, name);
        }
    });

    it("does not know the ids in tokens of other issuers", async () => {
        for (const issuerUri of [
            "https://ci.example.com",
            "https://gitlab.com.example.com/group",
            "https://token.actions.githubusercontent.com.example.com",
            "https://login.microsoftonline.com/common/v2.0",
            "http://token.actions.githubusercontent.com",
        ]) {
            for (const claim of ["repository_id", "project_id", "oid", "organization_id", "sub"]) {
                const [message = ""] = await findings(`assertion.${claim} == "1"`, { oidc: { issuerUri } });
                assert.equal(
                    message,
                    `The provider ci accepts tokens by assertion.${claim}. This rule does not know the ids in tokens of ${issuerUri}. Compare an id of the owner with == or in, and add the claim to the parameter stableClaims of federation-condition, as in {"${issuerUri}": ["CLAIM"]}.`,
                );
            }
        }
    });

    it("is never satisfied with a condition that a token with other ids fulfills", () => {
        const claim = fc.constantFrom(
            "assertion.repository_id",
            "assertion.namespace_id",
            "assertion.ref",
            "assertion.sub",
            "attribute.composed",
        );
        const text = fc.constantFrom('"1"', '"x"', '"other"', '"1:x"');
        const mapping = {
            "attribute.composed":
                'assertion.sub == "x" ? "x" : assertion.repository_id + ":" + assertion.ref',
        };
        const { condition } = fc.letrec<{ condition: string; value: string }>((tie) => ({
            value: fc.oneof(
                claim,
                text,
                fc.tuple(tie("value"), text, claim).map((parts) => `(${parts.join(" + ")})`),
                fc.tuple(tie("condition"), claim, text).map(([a, b, c]) => `(${a} ? ${b} : ${c})`),
            ),
            condition: fc.oneof(
                { depthSize: "small" },
                fc.constantFrom("true", "false"),
                fc
                    .tuple(tie("value"), fc.constantFrom("==", "!="), tie("value"))
                    .map((all) => `(${all.join(" ")})`),
                fc.tuple(tie("value"), text, tie("value")).map(([a, b, c]) => `(${a} in [${b}, ${c}])`),
                fc
                    .tuple(
                        fc.constantFrom("exists", "all", "exists_one"),
                        fc.array(text, { maxLength: 2 }),
                        tie("condition"),
                        fc.constantFrom("==", "!="),
                        tie("value"),
                        fc.constantFrom("&&", "||"),
                    )
                    .map(
                        ([macro, list, a, operator, b, and]) =>
                            `[${list.join(", ")}].${macro}(v, (v ${operator} ${b}) ${and} ${a})`,
                    ),
                tie("condition").map((a) => `!${a}`),
                fc
                    .tuple(tie("condition"), fc.constantFrom("&&", "||"), tie("condition"))
                    .map((all) => `(${all.join(" ")})`),
                fc
                    .tuple(tie("condition"), tie("condition"), tie("condition"))
                    .map(([a, b, c]) => `(${a} ? ${b} : ${c})`),
            ),
        }));
        const value = fc.constantFrom("1", "x", "other");
        let satisfied = 0;
        fc.assert(
            fc.property(condition, value, value, (source, ref, sub) => {
                const stable = { has: (name: string) => name.endsWith("_id"), hasPrefix: () => false };
                if (!compareClaims(source, mapping, stable).stable) return;
                satisfied += 1;
                // No condition above has these ids.
                const assertion = { repository_id: "8", namespace_id: "9", ref, sub };
                const composed = parseCel(mapping["attribute.composed"], ["assertion"]).evaluate({
                    assertion,
                }) as string;
                const variables = { assertion, attribute: { composed } };
                assert.notEqual(parseCel(source, ["assertion", "attribute"]).evaluate(variables), true);
            }),
            { numRuns: 1500 },
        );
        assert.ok(satisfied > 200, String(satisfied));
    });

    it("follows the attributes that a condition compares to their mapping", async () => {
        const accepted = (condition: string, attributeMapping: object) =>
            findings(condition, { attributeMapping }).then((all) => all.length === 0);
        const composed = {
            "attribute.repository": '"github:" + assertion.repository_id + ":" + assertion.ref',
        };
        assert.ok(await accepted('attribute.repository == "github:1:main"', composed));
        assert.ok(!(await accepted('attribute.other == "github:1:main"', composed)));
        assert.ok(await accepted('google.subject == "1"', { "google.subject": "assertion.repository_id" }));
        assert.ok(!(await accepted('google.subject == "1"', { "google.subject": "assertion.sub" })));
        // The end of the id may be in the condition, or in the mapping.
        const first = { "attribute.id": '"r" + assertion.repository_id' };
        assert.ok(await accepted('attribute.id + ":" + assertion.ref == "r1:main"', first));
        assert.ok(!(await accepted('attribute.id + "0" + assertion.ref == "r10main"', first)));
        assert.ok(!(await accepted('assertion.ref + ":" + attribute.id == "main:r1"', first)));
        const last = { "attribute.job": 'assertion.environment + ":" + assertion.repository_id' };
        assert.ok(!(await accepted('attribute.job == "a:1"', last)));
        assert.ok(!(await accepted('attribute.job + ":" + assertion.workflow == "a:1:b:2:c"', last)));
        const trusted = { "attribute.trusted": 'assertion.ref == "x" ? "none" : assertion.repository_id' };
        assert.ok(await accepted('attribute.trusted == "1"', trusted));
        assert.ok(!(await accepted('attribute.trusted == "none"', trusted)));
        const circle = { "attribute.a": "attribute.b", "attribute.b": "attribute.a" };
        const [message = ""] = await findings('attribute.a == "1"', { attributeMapping: circle });
        assert.match(message, /reads no claim/);
    });

    it("takes more stable claims of an issuer from its parameter", async () => {
        const stableClaims = { "https://kubernetes.example.com/": ["sub"] };
        const at = (issuerUri: string) =>
            findings(
                "assertion.sub == 'system:serviceaccount:ci:builder'",
                { oidc: { issuerUri } },
                { stableClaims },
            );
        assert.deepEqual(await at("https://kubernetes.example.com"), []);
        assert.match(
            (await at("https://other.example.com")).join(),
            /add the claim to the parameter stableClaims/,
        );
    });

    it("takes a subject, which can have a separator in it, only as a whole or at the end", async () => {
        for (const issuerUri of ["https://accounts.google.com", "https://kubernetes.example.com"]) {
            const stableClaims = { "https://kubernetes.example.com": ["sub"] };
            const count = async (condition: string) =>
                (await findings(condition, { oidc: { issuerUri } }, { stableClaims })).length;
            assert.equal(await count('"user:" + assertion.sub == "user:a:b"'), 0);
            // "a" with "b:c", or "a:b" with "c".
            assert.equal(await count('assertion.sub + ":" + assertion.email == "a:b:c"'), 1);
            assert.equal(await count('attribute.a + ":" + assertion.email == "a:b:c"'), 1);
        }
    });

    it("leaves alone providers that are disabled, for AWS, SAML and X.509, and other resources", async () => {
        assert.deepEqual(await findings(undefined, { disabled: true }), []);
        assert.equal((await findings(undefined, { disabled: false })).length, 1);
        for (const props of [{ aws: { accountId: "1" } }, { saml: { idpMetadataXml: "x" } }, { x509: {} }]) {
            assert.deepEqual(await messages("federation-condition", { type, props }), []);
        }
        const pool = { type: "gcp:iam/workloadIdentityPool:WorkloadIdentityPool", props: { oidc: {} } };
        assert.deepEqual(await messages("federation-condition", pool), []);
    });

    it("says in a preview that it needs the condition, or the mapping of what it compares", async () => {
        const attributeMapping = { "attribute.id": unknown };
        const [message = "", ...more] = await findings('attribute.id == "1"', { attributeMapping });
        assert.deepEqual(more, []);
        assert.match(message, /^string value at \.attributeMapping\.attribute\.id can't be known/);
        assert.deepEqual(await findings('assertion.repository_id == "1"', { attributeMapping }), []);
        assert.match((await findings(unknown)).join(), /attributeCondition can't be known/);
        const known = await findings('assertion.repository_id == "1"', {
            workloadIdentityPoolProviderId: unknown,
        });
        assert.deepEqual(known, []);
        assert.match(
            (await findings("true", { workloadIdentityPoolProviderId: unknown })).join(),
            /accepts tokens by an attributeCondition that reads no claim/,
        );
    });

    it("accepts what this project makes for each type of workload", async () => {
        const uuid = "11111111-2222-3333-4444-555555555555";
        const ids = { organizationId: uuid, projectId: uuid };
        const gitHub = { type: "githubActions", owner: "a", repository: "b", ownerId: 1, repositoryId: 2 };
        const custom = {
            type: "oidc",
            issuer: "https://api.bitbucket.org/2.0/workspaces/acme/pipelines-config/identity/oidc",
            claims: { workspaceUuid: "{1}", repositoryUuid: ["{2}", "{3}"] },
        };
        const given: Record<string, object> = {
            github: { ...gitHub, ref: "refs/heads/main", environment: "pypi" },
            "github-own": { ...gitHub, issuer: "https://github.example.com/_services/token" },
            gitlab: { type: "gitlabCi", projectId: 7, protectedOnly: true },
            "gitlab-group": { type: "gitlabCi", namespaceId: 8 },
            circle: { type: "circleCi", ...ids, vcsOrigin: "github.com/acme/core" },
            azure: { type: "azureDevOps", ...ids, pipelineId: 3 },
            terraform: { type: "hcpTerraform", organizationId: "org-1", workspaceId: "ws-1" },
            buildkite: { type: "buildkite", organizationId: uuid, pipelineId: uuid, ref: "refs/heads/main" },
            custom,
        };
        for (const access of ["reader", "writer"]) {
            const entries = Object.entries(given).map(([name, each]) => [name, { ...each, access }]);
            const { workloads, mistakes } = parseWorkloads(
                Object.fromEntries(entries) as Record<string, unknown>,
            );
            assert.deepEqual(mistakes, []);
            const providers = providersFor(Object.values(workloads));
            assert.equal(providers.length, Object.keys(given).length - 1);
            for (const { issuer, condition, mapping } of providers) {
                const oidc = { issuerUri: issuer };
                const stableClaims = { "https://ci.example.com": ["org_id"] };
                assert.deepEqual(
                    await findings(condition, { oidc, attributeMapping: mapping }, { stableClaims }),
                    [],
                );
            }
        }
    });
});
