import * as v from "valibot";
import { activate, getProvider, prepare, useRegistry } from "../ci/commands";
import type { SnippetContext } from "../ci/context";
import { asPattern, parseRef } from "../ci/refs";
import { fileOf, indented, yamlString } from "../ci/text";
import * as pasted from "../validation/pasted";
import { requireRefOr } from "./checks";
import { isAcceptedEvent, isBranchOrTag, optional } from "./claims";
import { federated } from "./federated";
import { common, environment, eventList, jwksJson, number, refOr, required, systemIssuer } from "./keys";
import type { Entry, ReportEntry, System } from "./system";

// https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows
const runEvents = {
    always: ["push", "release", "schedule", "workflow_dispatch"],
    more: ["create", "repository_dispatch"],
};

const ids =
    "a number. This command prints both ids: gh api repos/OWNER/REPOSITORY --jq '{owner: .owner.id, repository: .id}'";
const keys = {
    ...common,
    owner: required(
        "the name of the owner, as in github.com/OWNER",
        /^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,98})$/,
        pasted.gitOwners,
    ),
    repository: required(
        "the name of the repository without its owner and without .git",
        /^(?!.*\.git$)[A-Za-z0-9._-]{1,100}$/i,
        pasted.gitRepositories,
    ),
    ownerId: number(ids),
    repositoryId: number(ids),
    ref: refOr("set environment instead, to an environment that is limited to these branches or tags"),
    environment,
    events: eventList(runEvents),
    issuer: v.exactOptional(systemIssuer),
    jwksJson: v.exactOptional(jwksJson),
};
type GitHubActions = Entry<typeof keys>;

/**
 * GitHub Actions. The claim `sub` is not used: its format differs between repositories, owners can change it, and a long
 * branch name makes it longer than Google accepts.
 *
 * @see https://docs.github.com/en/actions/reference/security/oidc
 */
const identity = federated<GitHubActions>({
    name: "github",
    issuers:
        /^https:\/\/(?:(?:vs)?token\.actions\.(?:githubusercontent|[^/]+\.ghe)\.com(?:\/|$)|[^/]+\/_services\/token(?:\/|$))/,
    issuer: "https://token.actions.githubusercontent.com",
    subject: 'assertion.repository_id + ":" + assertion.run_id',
    tenant: ({ ownerId }) => ({ claim: "assertion.repository_owner_id", value: ownerId }),
    unit: ({ repositoryId }) => ({
        name: "repository",
        claim: "assertion.repository_id",
        value: repositoryId,
    }),
    select: ({ ref, environment }) => [
        { name: "ref", claim: optional("ref"), value: ref },
        // Jobs without an environment have no such claim.
        { name: "environment", claim: optional("environment"), value: environment },
    ],
    trusted: ({ events, ref }) => [
        isAcceptedEvent("event_name", runEvents, events),
        isBranchOrTag("assertion.ref"),
        // An environment without protection rules accepts every branch, also these with code that nobody has accepted.
        ...(ref ? [] : ["dependabot", "gh-readonly-queue"]).map(
            (start) => `!assertion.ref.startsWith("refs/heads/${start}")`,
        ),
    ],
});

function check(workload: GitHubActions, report: ReportEntry): void {
    if (workload.access === "reader") return;
    requireRefOr(workload, "environment", "an environment that has protection rules", report);
}

// Commits, because a tag can be moved.
const checkout = "actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2";
const auth = "google-github-actions/auth@7c6bc770dae815cd3e89ee6cdf493a5fab2cc093 # v3.0.0";

/**
 * A workflow of GitHub Actions. The login comes after the checkout, which would remove its file, and after the build, whose
 * package could contain it.
 *
 * @see https://github.com/google-github-actions/auth
 */
function snippet(context: SnippetContext<GitHubActions>): string {
    const { name, workload, serviceAccount } = context;
    return fileOf(
        `# .github/workflows/python-${name}.yml in ${workload.owner}/${workload.repository}`,
        ...triggers(workload.ref),
        "permissions: {}",
        "jobs:",
        "  python:",
        // GitHub Enterprise Server has no runners of its own.
        `    runs-on: ${workload.issuer?.endsWith("/_services/token") === true ? "self-hosted" : "ubuntu-latest"}`,
        ...(workload.environment === undefined
            ? []
            : [`    environment: ${yamlString(workload.environment)}`]),
        "    permissions: {contents: read, id-token: write}",
        "    steps:",
        `      - uses: ${checkout}`,
        "        with: {persist-credentials: false}",
        "      - run: |",
        // The runner empties its own folder after each job. Each step has a shell of its own.
        indented(
            [
                'dir=$(mktemp -d "$RUNNER_TEMP/registry.XXXXXX")',
                'echo "dir=$dir" >> "$GITHUB_ENV"',
                ...prepare(context),
            ],
            10,
        ),
        `      - uses: ${auth}`,
        "        with:",
        `          workload_identity_provider: ${getProvider(context)}`,
        ...(serviceAccount === undefined ? [] : [`          service_account: ${serviceAccount}`]),
        "      - run: |",
        indented([activate, ...useRegistry(context)], 10),
    );
}

/** What starts the workflow. A pattern that is too wide starts a run that Google refuses. */
function triggers(ref: string | undefined): string[] {
    if (ref === undefined) return ["on: push"];
    const { kind, name } = parseRef(ref);
    return [
        "on:",
        "  push:",
        `    ${kind === "tag" ? "tags" : "branches"}: [${yamlString(asPattern(name))}]`,
    ];
}

export const githubActions = { keys, check, identity, snippet } satisfies System<GitHubActions>;
