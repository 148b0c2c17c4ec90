import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { deployerRoles } from "../deployer-page";
import { bash } from "./workflows";
import { githubActions } from "../../packages/sandbox/src/issuers/github-actions";
import { gitlabCi, gitlabEnvironment } from "../../packages/sandbox/src/issuers/gitlab-ci";
import { type CelInput, parseCel } from "../../packages/sandbox/src/google/cel";
import { root } from "./repository";

// The providers that docs/deploying.md creates, evaluated as Google does, with tokens of jobs: which identity is which job?

type Claims = Readonly<Record<string, unknown>>;

/** What a provider of the page gives a token: its attributes, or undefined if the condition refuses it. */
async function findIdentity(
    section: string,
    claims: Claims,
): Promise<Record<string, CelInput | bigint> | undefined> {
    const page = await readFile(join(root, "docs", "deploying.md"), "utf8");
    const [, text = ""] = page.split(`\n## ${section}\n`);
    const [, condition = ""] = /--attribute-condition='(.*)'/.exec(text) ?? [];
    const [, mapping = ""] = /--attribute-mapping='(.*)'/.exec(text) ?? [];
    const variables = { assertion: claims as Record<string, CelInput> };
    if (parseCel(condition, ["assertion"]).evaluate(variables) !== true) return undefined;
    const entries = mapping.split(",").map((entry) => {
        const [name = "", ...source] = entry.split("=");
        return [name, parseCel(source.join("="), ["assertion"]).evaluate(variables)] as const;
    });
    return Object.fromEntries(entries) as Record<string, CelInput | bigint>;
}

describe("the identities of docs/deploying.md", () => {
    const push = { ...githubActions.claims, environment: "prod" };
    const pullRequest = { ...push, event_name: "pull_request", ref: "refs/pull/7/merge" };

    it("are the deployer of a stack for its update on main at GitHub, and a reader otherwise", async () => {
        const updated = await findIdentity("GitHub", push);
        assert.deepEqual(updated, {
            "google.subject": `github:2002:${String(push["run_id" as never])}`,
            "attribute.repository": "2002",
            "attribute.deployment": "2002:prod",
        });
        const { environment: _, ...withoutEnvironment } = push;
        for (const claims of [
            withoutEnvironment,
            pullRequest,
            { ...push, event_name: "pull_request_target" },
            { ...push, event_name: "workflow_dispatch" },
            { ...withoutEnvironment, event_name: "schedule" },
            { ...push, ref: "refs/heads/feature" },
            { ...push, ref: "refs/tags/main" },
        ]) {
            const identity = await findIdentity("GitHub", claims);
            assert.equal(identity?.["attribute.deployment"], "none");
            assert.equal(identity["attribute.repository"], "2002");
        }
    });

    it("do not include other repositories or owners at GitHub", async () => {
        assert.equal(await findIdentity("GitHub", { ...push, repository_id: "2003" }), undefined);
        assert.equal(await findIdentity("GitHub", { ...push, repository_owner_id: "1002" }), undefined);
    });

    it("are the deployer of a stack for its update on a protected main at GitLab, and a reader otherwise", async () => {
        const update = { ...gitlabCi.claims, project_id: "3003", ...gitlabEnvironment, environment: "prod" };
        assert.equal((await findIdentity("GitLab", update))?.["attribute.deployment"], "3003:prod");
        const { environment: _, ...withoutEnvironment } = update;
        for (const claims of [
            withoutEnvironment,
            { ...update, ref_protected: "false" },
            { ...update, ref_path: "refs/heads/feature" },
            { ...update, ref_path: "refs/merge-requests/7/merge" },
        ]) {
            const identity = await findIdentity("GitLab", claims);
            assert.equal(identity?.["attribute.deployment"], "none");
            assert.equal(identity["attribute.repository"], "3003");
        }
        // The token of a fork's merge request names the fork.
        assert.equal(await findIdentity("GitLab", { ...update, project_id: "3004" }), undefined);
    });

    it("get the least roles, and no other", async () => {
        const page = await readFile(join(root, "docs", "deploying.md"), "utf8");
        const [block = ""] = page.match(/(?<=```bash\n)(?:(?!```)[^])*grant_state[^]*?(?=```)/) ?? [];
        const gcloud = `gcloud() { if [[ $1 = projects && $2 = describe ]]; then echo 4444; else echo "$*"; fi; }`;
        const { exitCode, all } = await bash(`${gcloud}\n${block}`, root, {});
        assert.equal(exitCode, 0, all);
        const granted = all.split("\n").map((line) => {
            const [, on] =
                /^(?:projects|storage buckets|kms keys) add-iam-policy-binding (\S+) /.exec(line) ?? [];
            const [, member] = / --member=(\S+)/.exec(line) ?? [];
            const [, role] = / --role=(\S+)/.exec(line) ?? [];
            return [on, member, role].join(" ");
        });
        const needs = ["a repository", "`enableApis` on, which is the default", "service accounts"];
        const roles = deployerRoles.filter(({ need }) => needs.includes(need)).map(({ role }) => role);
        assert.equal(roles.length, needs.length);
        const jobs =
            "principalSet://iam.googleapis.com/projects/4444/locations/global/workloadIdentityPools/deployments";
        const reader = `${jobs}/attribute.repository/2002`;
        const state = (member: string, role: string) => [
            `gs://acme-pulumi-state ${member} roles/storage.${role}`,
            `state ${member} roles/cloudkms.cryptoKeyDecrypter`,
        ];
        const expected = ["dev", "prod"].flatMap((stack) => {
            const deployer = `${jobs}/attribute.deployment/2002:${stack}`;
            return [
                ...roles.map((role) => `acme-${stack} ${deployer} ${role}`),
                `acme-${stack} ${reader} projects/acme-${stack}/roles/pythonRegistryPreview`,
                ...state(deployer, "objectUser"),
            ];
        });
        assert.deepEqual(granted.sort(), [...expected, ...state(reader, "objectViewer")].sort());
    });
});
