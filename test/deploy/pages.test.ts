import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "./repository";
import { bash } from "./workflows";

// The commands of the pages on deploying, state and outputs that decide who is trusted. The clients of GitHub, GitLab and Google
// are replaced by functions that print what they were asked.

/** The block of commands of a page that contains a text. */
async function blockWith(page: string, text: string): Promise<string> {
    const content = await readFile(join(root, "docs", page), "utf8");
    const blocks = [...content.matchAll(/^( *)```bash\n([^]*?)^ *```/gm)].map(([, indent = "", block = ""]) =>
        block.replaceAll(new RegExp(`^${indent}`, "gm"), ""),
    );
    const found = blocks.filter((block) => block.includes(text));
    assert.equal(found.length, 1, `${text} is in ${found.length} blocks of ${page}`);
    return found[0] ?? "";
}

describe("the commands of the pages", () => {
    let directory: string;
    beforeEach(async () => {
        directory = await mkdtemp(join(tmpdir(), "python-registry-pages-"));
    });
    afterEach(() => rm(directory, { recursive: true }));

    /** Runs the lines as a terminal does, which goes on after a line that fails. */
    const run = (script: string, env: Record<string, string> = {}) =>
        bash(`set +e\n${script}`, directory, env);

    it("create environments whose updates someone else must approve, at GitHub and GitLab", async () => {
        const client = (name: string) =>
            `${name}() { echo "$*"; case "$*" in *--input*) tr '\\n' ' '; echo ;; esac; }`;
        const github = await run(`${client("gh")}\n${await blockWith("deploying.md", "reviewers")}`);
        assert.equal(github.exitCode, 0, github.all);
        const lines = github.all.split("\n");
        for (const [index, stack] of ["dev", "prod"].entries()) {
            const [put = "", body = "", policy = ""] = lines.slice(index * 3);
            assert.match(
                put,
                new RegExp(`--method PUT repos/OWNER/REPOSITORY/environments/${stack} --input -$`),
            );
            assert.deepEqual(JSON.parse(body), {
                reviewers: [{ type: "Team", id: 4004 }],
                prevent_self_review: true,
                deployment_branch_policy: { protected_branches: false, custom_branch_policies: true },
            });
            assert.match(
                policy,
                new RegExp(`/environments/${stack}/deployment-branch-policies --field name=main$`),
            );
        }

        const gitlab = await run(`${client("glab")}\n${await blockWith("deploying.md", "approval_rules")}`);
        assert.equal(gitlab.exitCode, 0, gitlab.all);
        const bodies = gitlab.all.split("\n").filter((line) => line.startsWith("{"));
        assert.deepEqual(
            bodies.map((body) => JSON.parse(body) as unknown),
            ["dev", "prod"].map((name) => ({
                name,
                deploy_access_levels: [{ group_id: 4004 }],
                approval_rules: [{ group_id: 4004, required_approvals: 1 }],
            })),
        );
        assert.match(gitlab.all, /allow_pipeline_trigger_approve_deployment=false/);
        assert.match(gitlab.all, /ci_forward_deployment_rollback_allowed=false/);
    });

    it("open the state of a stack of its own to its approved update, and to nobody else", async () => {
        const gcloud = `gcloud() { if [[ $1 = projects && $2 = describe ]]; then echo 4444; else echo "$*"; fi; }`;
        const { exitCode, all } = await run(
            `${gcloud}\n${await blockWith("state.md", "gs://acme-pulumi-state-prod --member")}`,
        );
        assert.equal(exitCode, 0, all);
        const deployer =
            "principalSet://iam.googleapis.com/projects/4444/locations/global/workloadIdentityPools/deployments/attribute.deployment/2002:prod";
        assert.deepEqual(
            all.split("\n").flatMap((line) => {
                const [, member] = /--member=(\S+)/.exec(line) ?? [];
                return member === undefined
                    ? []
                    : [[line.match(/acme-pulumi-state-prod|state-prod/)?.[0], member]];
            }),
            [
                ["acme-pulumi-state-prod", deployer],
                ["state-prod", deployer],
            ],
        );
        // Nothing of what the page says for all stacks names this bucket or key.
        const shared = await blockWith("deploying.md", "grant_state");
        assert.doesNotMatch(shared, /state-prod/);
        const variables = await blockWith("state.md", "STACKS_WITHOUT_PREVIEW");
        assert.match(
            variables,
            /^gh variable set PULUMI_BACKEND_URL --env prod --body gs:\/\/acme-pulumi-state-prod$/m,
        );
    });

    it("take a file from the outputs only if it is the expected one", async function () {
        if ((await bash("command -v jq sha256sum", directory, {})).exitCode !== 0) {
            console.log("    skipped: this machine lacks jq or sha256sum");
            this.skip();
        }
        const outputs = (project: string, more = "") =>
            JSON.stringify({
                pipConf: `[global]\nextra-index-url = https://europe-west1-python.pkg.dev/${project}/python/simple/\n${more}`,
            });
        const good = outputs("acme-prod");
        const env = { OUTPUTS_SHA256: createHash("sha256").update(good).digest("hex") };
        for (const block of [
            await blockWith("consuming.md", "sha256sum"),
            await blockWith("consuming.md", "--exit-status"),
        ]) {
            await writeFile(join(directory, "prod.json"), good);
            const taken = await run(block, env);
            assert.equal(taken.exitCode, 0, taken.all);
            const file = join(directory, "pip.conf");
            assert.equal(await readFile(file, "utf8"), (JSON.parse(good) as { pipConf: string }).pipConf);
            await rm(file);
            for (const foreign of [
                outputs("evil-project"),
                outputs("acme-prod", "trusted-host = evil.example\n"),
                outputs("acme-prod", "index-url = https://evil.example/simple/\n"),
                outputs("acme-prod/python/simple/\nproxy = evil.example\nx = "),
                "{}",
            ]) {
                await writeFile(join(directory, "prod.json"), foreign);
                assert.notEqual((await run(block, env)).exitCode, 0, foreign);
                await assert.rejects(readFile(file), { code: "ENOENT" });
            }
        }
    });

    it("verify the branch and the workflow that signed the outputs", async () => {
        const block = await blockWith("consuming.md", "gh attestation verify");
        assert.match(block, /--repo acme\/python-registry --source-ref refs\/heads\/main /);
        assert.match(
            block,
            /--cert-identity https:\/\/github\.com\/acme\/python-registry\/\.github\/workflows\/update-stack\.yml@refs\/heads\/main &&$/m,
        );
        // What is not verified is not used.
        const lines = `gh() { case "$1" in attestation) return 1 ;; esac; }\nnpx() { echo used; }\n${block}`;
        const { exitCode, all } = await run(lines);
        assert.deepEqual([exitCode, all], [1, ""]);
    });
});
