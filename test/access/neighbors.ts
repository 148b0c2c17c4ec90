import { githubActions, githubServer } from "../../packages/sandbox/src/issuers/github-actions";
import { gitlabCi, gitlabServer } from "../../packages/sandbox/src/issuers/gitlab-ci";
import type { Forgery } from "../../packages/sandbox/src/issuers/issuers";
import type { Role } from "../../packages/registry/src/names/principals";
import type { Deviation, Step } from "./access-stack";
import { buildkiteSources, gitHubEvents, gitLabSources } from "../unit/ci-tokens";
import { type Identity, ownServers, project } from "./identities";
import type { Operation } from "./operations";

/** Somebody who is close to an identity that has a role, and tries what that identity may do. */
export interface Neighbor {
    /** The heading under which the page lists it. */
    readonly group: string;
    readonly who: string;
    readonly identity: Identity;
    readonly deviation?: Deviation;
    readonly operation: Operation;
    /** What must refuse it, and with which status; undefined: it gets in, because it is the same identity. */
    readonly refusedBy: readonly [step: Step, status: number] | undefined;
}

const exchange = ["token exchange", 400] as const;
const impersonation = ["impersonation", 403] as const;
const registry = ["registry", 403] as const;

const forgeries: readonly (readonly [Forgery, string])[] = [
    ["otherKey", "a token signed with somebody else's key, under the id of the issuer's key"],
    ["unknownKey", "a token signed with a key that the issuer does not publish"],
    ["unsigned", "a token without a signature (alg: none)"],
    ["publicKeyAsSecret", "a token signed with the issuer's public key as a secret (HS256)"],
];

/** @param find the identity in a row of the matrix */
export function neighbors(find: (row: string, role: Role) => Identity): Neighbor[] {
    const reader = find("githubActions", "reader");
    const onMain = find("githubActions, ref", "writer");
    const inRelease = find("githubActions, environment", "writer");
    const onServer = find("githubActions, server of your own", "writer");
    const viaOnMain = find("githubActions, ref, via an account", "writer");
    const all: Neighbor[] = [];
    let group = "";
    const add = (
        who: string,
        identity: Identity,
        deviation: Deviation,
        refusedBy: Neighbor["refusedBy"],
        operation: Operation = identity.role === "reader" ? "install" : "upload",
    ) => all.push({ group, who, identity, deviation, operation, refusedBy });
    /** The claims of another identity. */
    const getClaims = ({ login }: Identity) => (login.kind === "federation" ? login.claims : {});
    /** The machine with another identity. */
    const as = (identity: Identity, member: string): Identity => ({
        ...identity,
        login: { ...identity.login, member } as Identity["login"],
    });

    group = "People";
    const user = find("user", "writer");
    const ofDomain = find("user of a domain", "writer");
    add("the same address in other letters", as(user, "user:Writer@Example.com"), {}, undefined);
    add("a user whose address ends in the same way", as(user, "user:the.writer@example.com"), {}, registry);
    add(
        "a service account with the address of a user",
        as(user, "serviceAccount:writer@example.com"),
        {},
        registry,
    );
    add("a user of a subdomain", as(ofDomain, "user:somebody@sub.writer.example.org"), {}, registry);
    add(
        "a user of a domain that ends in the same way",
        as(ofDomain, "user:somebody@otherwriter.example.org"),
        {},
        registry,
    );
    add(
        "a service account with an address of the domain",
        as(ofDomain, "serviceAccount:robot@writer.example.org"),
        {},
        registry,
    );
    add("a member of a different group", find("member of a group", "reader"), {}, registry, "upload");
    add(
        "a service account of yet another project",
        as(
            find("service account of another project", "writer"),
            "serviceAccount:writer-robot@mallory-project.iam.gserviceaccount.com",
        ),
        {},
        registry,
    );

    group = "GitHub Actions";
    const fork = { repository: "mallory/widgets", repository_owner: "mallory" };
    add(
        "a fork",
        onMain,
        { claims: { ...fork, repository_id: "9999", repository_owner_id: "6666" } },
        exchange,
    );
    add(
        "a fork of a reader's repository",
        reader,
        { claims: { ...fork, repository_id: "9999", repository_owner_id: "6666" } },
        exchange,
    );
    add("a fork within the organization", onMain, { claims: { repository_id: "9999" } }, registry);
    add("another repository of the organization", reader, { claims: { repository_id: "9999" } }, registry);
    add(
        "a repository with the same names, whose owner registered the old name",
        onMain,
        { claims: { repository_id: "9999", repository_owner_id: "6666" } },
        exchange,
    );
    add(
        "the same repository id under another owner id (transferred)",
        onMain,
        { claims: { repository_owner_id: "6666" } },
        exchange,
    );
    add(
        "the same repository id under another owner id that the stack admits",
        onMain,
        { claims: { repository_owner_id: "1002" } },
        registry,
    );
    add(
        "the same repository after it was renamed",
        onMain,
        { claims: { repository: "acme/gadgets", sub: "repo:acme@1001/gadgets@2002:ref:refs/heads/main" } },
        undefined,
    );
    add("another branch", onMain, { claims: { ref: "refs/heads/feature" } }, registry);
    add(
        "a branch whose name starts in the same way",
        onMain,
        { claims: { ref: "refs/heads/main-2" } },
        registry,
    );
    add(
        "a tag named like the branch",
        onMain,
        { claims: { ref: "refs/tags/main", ref_type: "tag" } },
        registry,
    );
    add("a branch in other letters", onMain, { claims: { ref: "refs/heads/Main" } }, registry);
    add("another environment", inRelease, { claims: { environment: "staging" } }, registry);
    add("no environment", inRelease, { claims: { environment: undefined } }, registry);
    add(
        "a branch with the name of the environment",
        inRelease,
        { claims: { environment: undefined, ref: "refs/heads/release" } },
        registry,
    );
    const accepted = ["push", "release", "schedule", "workflow_dispatch"];
    for (const event_name of gitHubEvents) {
        add(
            `the event ${event_name}`,
            onMain,
            { claims: { event_name } },
            // The event that another workload adds passes the provider's condition, but this workload is not granted it.
            accepted.includes(event_name)
                ? undefined
                : event_name === "repository_dispatch"
                  ? registry
                  : exchange,
        );
    }
    add("a token without an event", onMain, { claims: { event_name: undefined } }, exchange);
    const dispatched = find("githubActions, ref and another event", "writer");
    add(
        "a pull request, where another event is added",
        dispatched,
        { claims: { event_name: "pull_request" } },
        exchange,
    );
    add(
        "another branch, where another event is added",
        dispatched,
        { claims: { ref: "refs/heads/x" } },
        registry,
    );
    add(
        "an accepted event on the ref of a pull request",
        onMain,
        { claims: { event_name: "workflow_dispatch", ref: "refs/pull/5/merge" } },
        exchange,
    );
    for (const ref of [
        "refs/heads/dependabot/pip/requests-3",
        "refs/heads/gh-readonly-queue/main/pr-5-4a1b",
    ]) {
        add(`${ref}, in the environment`, inRelease, { claims: { ref } }, registry);
    }
    add(
        "a deployment of a commit in the environment, which has no ref",
        inRelease,
        { claims: { ref: "" } },
        exchange,
    );
    const pull = { event_name: "pull_request", ref: "refs/pull/5/merge" };
    add("a pull request of a reader's repository, installing", reader, { claims: pull }, undefined);
    add("a pull request of a reader's repository, uploading", reader, { claims: pull }, registry, "upload");
    add("a reader's workflow, uploading", reader, {}, registry, "upload");
    add(
        "github.com, with the ids of a repository of the server",
        onMain,
        { claims: { repository_id: getClaims(onServer)["repository_id"] } },
        registry,
    );
    add(
        "the server, with the ids of a repository of github.com",
        onServer,
        { claims: { repository_id: getClaims(onMain)["repository_id"] } },
        registry,
    );
    add(
        "the server, at the provider of github.com",
        onMain,
        { issuer: githubServer(ownServers.github).issuer },
        exchange,
    );
    add(
        "an issuer of an enterprise, at the provider of github.com",
        onMain,
        { issuer: `${githubActions.issuer}/acme` },
        exchange,
    );
    add(
        "any other issuer that signs the same claims",
        onMain,
        { issuer: "https://login.example.net" },
        exchange,
    );
    add(
        "any other issuer that says it is GitHub",
        onMain,
        { issuer: "https://login.example.net", claims: { iss: githubActions.issuer } },
        exchange,
    );

    group = "Tokens";
    add(
        "a token with the issuer's key that names a different issuer",
        onMain,
        { claims: { iss: `${githubActions.issuer}/acme` } },
        exchange,
    );
    add("an expired token", onMain, { token: { expiresInSeconds: -120, issuedSecondsAgo: 600 } }, exchange);
    add(
        "a token from the future",
        onMain,
        { token: { issuedSecondsAgo: -600, expiresInSeconds: 900 } },
        exchange,
    );
    add("a token without an expiry", onMain, { claims: { exp: undefined } }, exchange);
    add("a token for another audience", onMain, { token: { audience: "https://github.com/acme" } }, exchange);
    add(
        "a token for another provider of the pool",
        onMain,
        {
            token: {
                audience:
                    "https://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/python-europe-west1/providers/gitlab",
            },
        },
        exchange,
    );
    add("a token without an audience", onMain, { claims: { aud: undefined } }, exchange);
    for (const [forge, who] of forgeries) add(who, onMain, { token: { forge } }, exchange);
    add(
        "a token whose claims were changed after it was signed",
        onMain,
        {
            claims: { repository_id: "9999" },
            tamper: (token) => withClaims(token, getClaims(onMain)),
        },
        exchange,
    );
    add(
        "a token without its signature",
        onMain,
        { tamper: (token) => token.replace(/[^.]*$/, "") },
        exchange,
    );
    add("no token at all", onMain, { tamper: () => "no token" }, exchange);
    add(
        "a token whose subject is longer than 127 bytes",
        onMain,
        { claims: { run_id: "9".repeat(130) } },
        exchange,
    );

    group = "GitLab CI";
    const gitlabWriter = find("gitlabCi, project", "writer");
    const deployed = find("gitlabCi, project and environment", "writer");
    const merge = { pipeline_source: "merge_request_event", ref_path: "refs/merge-requests/5/head" };
    add(
        "a merge request from a fork, which runs in the project",
        gitlabWriter,
        {
            claims: {
                ...merge,
                project_id: "9999",
                namespace_id: "6666",
                job_project_id: getClaims(gitlabWriter)["project_id"],
            },
        },
        exchange,
    );
    add("a merge request of a writer's project", gitlabWriter, { claims: merge }, exchange);
    add(
        "a child pipeline of a merge request",
        gitlabWriter,
        { claims: { pipeline_source: "parent_pipeline", ref_path: "refs/merge-requests/5/head" } },
        exchange,
    );
    add(
        "a merge request of a reader's project",
        find("gitlabCi, project", "reader"),
        { claims: merge },
        undefined,
    );
    add("another project", gitlabWriter, { claims: { project_id: "9999" } }, exchange);
    add(
        "the project after it was renamed",
        gitlabWriter,
        {
            claims: {
                project_path: "acme/gadgets",
                sub: "project_path:acme/gadgets:ref_type:branch:ref:main",
            },
        },
        undefined,
    );
    add(
        "another branch",
        find("gitlabCi, project and ref", "writer"),
        { claims: { ref: "feature", ref_path: "refs/heads/feature" } },
        registry,
    );
    for (const ref_protected of ["false", true, "", undefined]) {
        add(
            `a branch whose ref_protected is ${shown(ref_protected)}`,
            gitlabWriter,
            { claims: { ref_protected } },
            exchange,
        );
    }
    for (const pipeline_source of gitLabSources) {
        add(
            `the pipeline source ${pipeline_source}`,
            gitlabWriter,
            { claims: { pipeline_source } },
            ["push", "web", "schedule", "api"].includes(pipeline_source) ? undefined : exchange,
        );
    }
    for (const claims of [
        { environment_protected: "false" },
        { environment_protected: true },
        { environment_protected: undefined },
        { environment_action: "stop" },
        { environment_action: undefined },
    ]) {
        // The provider admits protected branches for other workloads of the stack.
        add(
            `a deployment with ${Object.entries(claims)
                .map(([name, value]) => `${name} ${shown(value)}`)
                .join()}`,
            deployed,
            { claims },
            registry,
        );
    }
    add("another environment", deployed, { claims: { environment: "staging" } }, registry);
    add("a job without an environment", deployed, { claims: { environment: undefined } }, registry);
    add(
        "another namespace",
        find("gitlabCi, namespace", "writer"),
        { claims: { namespace_id: "9999" } },
        exchange,
    );
    add(
        "a project with the id of the namespace",
        find("gitlabCi, namespace", "writer"),
        {
            claims: {
                project_id: getClaims(find("gitlabCi, namespace", "writer"))["namespace_id"],
                namespace_id: "9999",
            },
        },
        exchange,
    );
    add(
        "a server of your own, with the ids of a project of gitlab.com",
        find("gitlabCi, server of your own", "writer"),
        { claims: { project_id: getClaims(gitlabWriter)["project_id"] } },
        exchange,
    );
    add(
        "a server of your own, at the provider of gitlab.com",
        gitlabWriter,
        { issuer: gitlabServer(ownServers.gitlab).issuer },
        exchange,
    );
    add(
        "gitlab.com, at the provider of a server of your own",
        find("gitlabCi, server of your own", "writer"),
        { issuer: gitlabCi.issuer },
        exchange,
    );

    group = "Other CI systems";
    const circle = find("circleCi, origin and ref", "writer");
    add(
        "CircleCI: a build of a fork",
        circle,
        { claims: { "oidc.circleci.com/vcs-origin": "github.com/mallory/widgets" } },
        registry,
    );
    add(
        "CircleCI: a build without an origin",
        circle,
        { claims: { "oidc.circleci.com/vcs-origin": undefined } },
        registry,
    );
    for (const rerun of [true, "true", "false", 0, null, undefined]) {
        add(
            `CircleCI: a token whose ssh-rerun is ${shown(rerun)}`,
            circle,
            { claims: { "oidc.circleci.com/ssh-rerun": rerun } },
            exchange,
        );
    }
    const inContext = find("circleCi, origin and context", "writer");
    for (const contexts of [[], ["99999999-0000-4000-8000-000000000000"], undefined]) {
        add(
            `CircleCI: a job whose context-ids are ${shown(contexts)}`,
            inContext,
            { claims: { "oidc.circleci.com/context-ids": contexts } },
            registry,
        );
    }
    add(
        "CircleCI: another branch",
        circle,
        { claims: { "oidc.circleci.com/vcs-ref": "refs/heads/feature" } },
        registry,
    );
    const otherId = "99999999-0000-4000-8000-000000000000";
    add(
        "CircleCI: another project",
        circle,
        { claims: { "oidc.circleci.com/project-id": otherId } },
        exchange,
    );
    add(
        "CircleCI: another organization",
        circle,
        { issuer: `https://oidc.circleci.com/org/${otherId}`, claims: { aud: otherId } },
        exchange,
    );
    const azure = find("azureDevOps, pipeline and ref", "writer");
    add("Azure DevOps: a pull request", azure, { claims: { rpo_ref: "refs/pull/5/merge" } }, exchange);
    add("Azure DevOps: another pipeline", azure, { claims: { def_id: "13" } }, registry);
    add("Azure DevOps: another project", azure, { claims: { prj_id: otherId } }, exchange);
    add("Azure DevOps: another branch", azure, { claims: { rpo_ref: "refs/heads/feature" } }, registry);
    add(
        "Azure DevOps: another organization",
        azure,
        { issuer: `https://vstoken.dev.azure.com/${otherId}`, claims: { org_id: otherId } },
        exchange,
    );
    const terraform = find("hcpTerraform, workspace", "writer");
    add("HCP Terraform: a plan", terraform, { claims: { terraform_run_phase: "plan" } }, exchange);
    add("HCP Terraform: no phase", terraform, { claims: { terraform_run_phase: undefined } }, exchange);
    add(
        "HCP Terraform: another workspace",
        terraform,
        { claims: { terraform_workspace_id: "ws-other" } },
        registry,
    );
    add(
        "HCP Terraform: another organization",
        terraform,
        { claims: { terraform_organization_id: "org-other" } },
        exchange,
    );
    const build = find("buildkite, ref", "writer");
    add("Buildkite: a build of a fork", build, { claims: { build_branch: "mallory:main" } }, exchange);
    add(
        "Buildkite: a build of a fork's branch main, where the prefix is off (nothing in the token tells)",
        build,
        { claims: { sub: "organization:acme:pipeline:widgets:ref:refs/heads/main:commit:666:step:upload" } },
        undefined,
    );
    for (const build_source of [...buildkiteSources, undefined]) {
        add(
            `Buildkite: the source ${build_source ?? "absent"}`,
            build,
            { claims: { build_source } },
            ["webhook", "schedule"].includes(build_source ?? "") ? undefined : exchange,
        );
    }
    add("Buildkite: another branch", build, { claims: { build_branch: "feature" } }, registry);
    add("Buildkite: another pipeline", build, { claims: { pipeline_id: otherId } }, registry);
    add("Buildkite: another organization", build, { claims: { organization_id: otherId } }, exchange);
    add(
        "Buildkite: a token without the ids",
        build,
        { claims: { organization_id: undefined, pipeline_id: undefined } },
        exchange,
    );
    const bitbucket = find("oidc, ids (Bitbucket)", "writer");
    add("Bitbucket: another repository", bitbucket, { claims: { repositoryUuid: `{${otherId}}` } }, exchange);
    add(
        "Bitbucket: no deployment environment",
        bitbucket,
        { claims: { deploymentEnvironmentUuid: undefined } },
        exchange,
    );
    add("Bitbucket: another workspace", bitbucket, { claims: { workspaceUuid: `{${otherId}}` } }, exchange);
    const pulumi = find("oidc, subject (Pulumi Deployments)", "writer");
    add(
        "Pulumi Deployments: a preview",
        pulumi,
        { claims: { sub: String(getClaims(pulumi)["sub"]).replace(":update:", ":preview:") } },
        exchange,
    );
    add(
        "Pulumi Deployments: another stack",
        pulumi,
        { claims: { sub: `${String(getClaims(pulumi)["sub"])}:more` } },
        exchange,
    );
    add(
        "Pulumi Deployments: another organization",
        pulumi,
        { claims: { sub: String(getClaims(pulumi)["sub"]).replace("org:acme", "org:mallory"), aud: "acme" } },
        exchange,
    );

    group = "Machines in Google Cloud";
    const pod = find("gke", "writer");
    const member = pod.login.kind === "machine" ? pod.login.member : "";
    add("GKE: another namespace", as(pod, member.replace(/ns\/[^/]+/, "ns/default")), {}, registry);
    add("GKE: another account", as(pod, member.replace(/sa\/.*/, "sa/default")), {}, registry);
    add(
        "GKE: the same names in a cluster of another project",
        as(pod, member.replace("123456789012", "720000000000").replace(project, "mallory-project")),
        {},
        registry,
    );
    const computeAccount = (number: string) =>
        `serviceAccount:${number}-compute@developer.gserviceaccount.com`;
    add(
        "Compute Engine: the default account of another project",
        as(find("computeEngine, default account", "writer"), computeAccount("720000000000")),
        {},
        registry,
    );
    add(
        "Compute Engine: the default account, where a different account is named",
        as(find("computeEngine, named account", "writer"), computeAccount("720000000000")),
        {},
        registry,
    );
    add(
        "Cloud Build: the legacy account, where the default account is granted",
        as(
            find("cloudBuild, default account", "writer"),
            "serviceAccount:123456789012@cloudbuild.gserviceaccount.com",
        ),
        {},
        registry,
    );

    group = "Impersonation";
    add("a workload with an account, without impersonating it", viaOnMain, { impersonate: null }, registry);
    add(
        "a workload that impersonates a different account than its own",
        viaOnMain,
        { impersonate: "via-admin" },
        impersonation,
        "delete a package",
    );
    add(
        "a workload with a role of its own that impersonates an account",
        onMain,
        { impersonate: "via-admin" },
        impersonation,
        "delete a package",
    );
    add(
        "a workload with a reader's account, uploading",
        find("githubActions, ref, via an account", "reader"),
        {},
        registry,
        "upload",
    );
    add(
        "a workload with an account, from another branch",
        viaOnMain,
        { claims: { ref: "refs/heads/feature" } },
        impersonation,
    );
    const machine = find("computeEngine, default account, via an account", "writer");
    add("a machine with an account, without impersonating it", machine, { impersonate: null }, registry);
    add(
        "a machine that impersonates a different account than its own",
        machine,
        { impersonate: "via-admin" },
        impersonation,
        "delete a package",
    );
    const lent = find("service account, impersonated by a user", "writer");
    add("an impersonator, without impersonating the account", lent, { impersonate: null }, registry);
    add(
        "an impersonator of a different account",
        lent,
        { impersonate: "lent-admin" },
        impersonation,
        "delete a package",
    );
    add("a stranger who impersonates an account", as(lent, "user:stranger@example.net"), {}, impersonation);
    return all;
}

function shown(value: unknown): string {
    return value === undefined ? "absent" : JSON.stringify(value);
}

/** A token with other claims under the same signature. */
function withClaims(token: string, claims: object): string {
    const [header = "", payload = "", signature = ""] = token.split(".");
    const own = JSON.parse(Buffer.from(payload, "base64url").toString()) as object;
    const changed = Buffer.from(JSON.stringify({ ...own, ...claims })).toString("base64url");
    return [header, changed, signature].join(".");
}
