import assert from "node:assert/strict";
import { type CelInput, parseCel } from "../../packages/sandbox/src/google/cel";
import type { Workload } from "../../packages/registry/src/systems/systems";
import { parseWorkloads } from "../../packages/registry/src/workloads/parse";
import { getFederation, type Provider, providersFor } from "../../packages/registry/src/workloads/federation";

// Tokens of CI systems with realistic claims, and what Google makes of them, by the mapping and the condition of a provider.

export type Claims = Readonly<Record<string, CelInput>>;
export type Given = Readonly<Record<string, unknown>>;

export const circleOrganization = "5c2f7d1e-6d3b-4c59-8e20-0f6d1a4b7c01";
export const azureOrganization = "3f5c1d7a-9b2e-4c68-a0d4-7e8f9a0b1c01";
const uuid = (digit: string) => `0b8a3e94-71f5-4d2a-9c66-2d5e8f103b0${digit}`;

/** A workload of each federated type with the ids of the token below. */
export const given = {
    githubActions: {
        type: "githubActions",
        owner: "acme",
        repository: "widgets",
        ownerId: "9001",
        repositoryId: "70001",
    },
    gitlabCi: { type: "gitlabCi", projectId: "501" },
    circleCi: {
        type: "circleCi",
        organizationId: circleOrganization,
        projectId: uuid("1"),
        vcsOrigin: "github.com/acme/widgets",
    },
    azureDevOps: { type: "azureDevOps", organizationId: azureOrganization, projectId: uuid("2") },
    hcpTerraform: { type: "hcpTerraform", organizationId: "org-GRNbCjYN", workspaceId: "ws-mbsd5E3K" },
    buildkite: {
        type: "buildkite",
        organizationId: uuid("3"),
        pipelineId: uuid("4"),
        ref: "refs/heads/main",
    },
} as const;

/** What a writer needs in addition. */
export const forWriters = {
    githubActions: { ref: "refs/heads/main" },
    gitlabCi: {},
    circleCi: { ref: "refs/heads/main" },
    azureDevOps: { ref: "refs/heads/main" },
    hcpTerraform: {},
    buildkite: { forkBranchesArePrefixed: true },
} as const;

/**
 * The events of GitHub that its documentation lists, also the older ones.
 *
 * @see https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows
 */
export const gitHubEvents = [
    ...["branch_protection_rule", "check_run", "check_suite", "create", "delete", "deployment"],
    ...["deployment_status", "discussion", "discussion_comment", "fork", "gollum", "image_version"],
    ...["issue_comment", "issues", "label", "member", "merge_group", "milestone", "page_build", "project"],
    ...["project_card", "project_column", "public", "pull_request", "pull_request_comment"],
    ...["pull_request_review", "pull_request_review_comment", "pull_request_target", "push"],
    ...["registry_package", "release", "repository_dispatch", "schedule", "status", "watch"],
    ...["workflow_call", "workflow_dispatch", "workflow_run"],
    // Dependabot and other workflows that GitHub manages.
    "dynamic",
] as const;
/** The sources of GitLab's pipelines. https://docs.gitlab.com/ci/jobs/job_rules/#ci_pipeline_source-predefined-variable */
export const gitLabSources = [
    ...["api", "chat", "external", "external_pull_request_event", "merge_request_event"],
    ...["ondemand_dast_scan", "ondemand_dast_validation", "parent_pipeline", "pipeline", "push"],
    ...["schedule", "security_orchestration_policy", "trigger", "web", "webide", "duo_workflow"],
] as const;
/** The sources of Buildkite's builds. https://buildkite.com/docs/agent/cli/reference/oidc#claims */
export const buildkiteSources = ["ui", "api", "webhook", "trigger_job", "schedule"] as const;

/** A token of a trusted job on the branch main, of each type. */
export const tokens: Readonly<Record<keyof typeof given, Claims>> = {
    githubActions: {
        iss: "https://token.actions.githubusercontent.com",
        sub: "repo:acme@9001/widgets@70001:ref:refs/heads/main",
        actor: "ada",
        actor_id: "31",
        base_ref: "",
        event_name: "push",
        head_ref: "",
        job_workflow_ref: "acme/widgets/.github/workflows/release.yml@refs/heads/main",
        ref: "refs/heads/main",
        ref_type: "branch",
        repository: "acme/widgets",
        repository_id: "70001",
        repository_owner: "acme",
        repository_owner_id: "9001",
        repository_visibility: "private",
        run_attempt: "1",
        run_id: "16000000001",
        runner_environment: "github-hosted",
        workflow: "release",
    },
    gitlabCi: {
        iss: "https://gitlab.com",
        sub: "project_path:acme/widgets:ref_type:branch:ref:main",
        namespace_id: "77",
        namespace_path: "acme",
        project_id: "501",
        project_path: "acme/widgets",
        pipeline_id: "1",
        pipeline_source: "push",
        job_id: "987654321",
        ref: "main",
        ref_path: "refs/heads/main",
        ref_protected: "true",
        ref_type: "branch",
    },
    circleCi: {
        iss: `https://oidc.circleci.com/org/${circleOrganization}`,
        aud: circleOrganization,
        sub: `org/${circleOrganization}/project/${uuid("1")}/user/${uuid("9")}`,
        "oidc.circleci.com/project-id": uuid("1"),
        "oidc.circleci.com/context-ids": [uuid("6"), uuid("7")],
        "oidc.circleci.com/ssh-rerun": false,
        "oidc.circleci.com/vcs-origin": "github.com/acme/widgets",
        "oidc.circleci.com/vcs-ref": "refs/heads/main",
    },
    azureDevOps: {
        iss: `https://vstoken.dev.azure.com/${azureOrganization}`,
        aud: "api://AzureADTokenExchange",
        sub: "p://acme/widgets/release",
        org_id: azureOrganization,
        prj_id: uuid("2"),
        def_id: "12",
        rpo_id: uuid("8"),
        rpo_ref: "refs/heads/main",
        run_id: "345",
    },
    hcpTerraform: {
        iss: "https://app.terraform.io",
        sub: "organization:acme:project:registry:workspace:production:run_phase:apply",
        terraform_organization_id: "org-GRNbCjYN",
        terraform_project_id: "prj-vegSA59s",
        terraform_workspace_id: "ws-mbsd5E3K",
        terraform_run_phase: "apply",
    },
    buildkite: {
        iss: "https://agent.buildkite.com",
        sub: "organization:acme:pipeline:widgets:ref:refs/heads/main:commit:4a1b:step:upload",
        organization_id: uuid("3"),
        pipeline_id: uuid("4"),
        build_number: 42,
        build_branch: "main",
        build_source: "webhook",
    },
};

/** Parsed entries of `workloads`, in order. */
export function parsed(...entries: readonly Given[]): Workload[] {
    const { workloads, mistakes } = parseWorkloads(
        Object.fromEntries(entries.map((entry, index) => [`w${index}`, entry])),
    );
    assert.deepEqual(mistakes, []);
    return Object.values(workloads);
}

/** What the workload is granted: the end of its principal. */
export function getSelector(workload: Workload): string {
    const selector = getFederation(workload)?.selector(workload);
    assert.ok(selector !== undefined);
    return selector;
}

/**
 * The principals that a token gets, by the ends of their names.
 *
 * @returns undefined if the token is refused: by its issuer, its condition, or a mapping that has no value
 */
export function admitted(providers: readonly Provider[], token: Claims): Set<string> | undefined {
    const provider = providers.find(({ issuer }) => issuer === token["iss"]);
    if (provider === undefined) return undefined;
    try {
        const values = Object.entries(provider.mapping).map(([name, source]) => {
            const value = parseCel(source, ["assertion"]).evaluate({ assertion: token });
            if (typeof value !== "string") throw new TypeError(`${name} is not text`);
            return [name, value] as const;
        });
        const part = (start: string) =>
            Object.fromEntries(
                values.flatMap(([name, value]) =>
                    name.startsWith(start) ? [[name.slice(start.length), value] as const] : [],
                ),
            );
        const condition = parseCel(provider.condition, ["assertion", "google", "attribute"]);
        const accepts = condition.evaluate({
            assertion: token,
            google: part("google."),
            attribute: part("attribute."),
        });
        if (accepts !== true) return undefined;
        return new Set(
            values.map(([name, value]) =>
                name === "google.subject" ? `subject/${value}` : `${name}/${value}`,
            ),
        );
    } catch {
        return undefined;
    }
}

/** Which of the workloads a token is, by their positions. */
export function getWorkloads(workloads: readonly Workload[], token: Claims): number[] {
    const got = admitted(providersFor(workloads), token);
    return workloads.flatMap((workload, index) => (got?.has(getSelector(workload)) ? [index] : []));
}
