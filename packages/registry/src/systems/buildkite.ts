import * as v from "valibot";
import { federatedScript, tokenAudience } from "../ci/commands";
import type { SnippetContext } from "../ci/context";
import { asRegExp, isPlain, parseRef } from "../ci/refs";
import { fileOf, indented, yamlString } from "../ci/text";
import { boolean } from "../validation/schema";
import { requireKey } from "./checks";
import { isAcceptedEvent, optional } from "./claims";
import { federated } from "./federated";
import { common, eventList, refOr, uuid } from "./keys";
import type { Entry, ReportEntry, System } from "./system";

// https://buildkite.com/docs/agent/cli/reference/oidc#claims
const runEvents = { always: ["webhook", "schedule"], more: ["api", "trigger_job", "ui"] };

const keys = {
    ...common,
    organizationId: uuid("the organization's UUID"),
    pipelineId: uuid("the pipeline's UUID"),
    ref: refOr("name each ref, or upload from a branch"),
    events: eventList(runEvents),
    forkBranchesArePrefixed: v.exactOptional(boolean),
};
type Buildkite = Entry<typeof keys>;

/** A build of a tag has the name of the tag as its branch too. */
const refClaim = `(${optional("build_tag")} != "" ? "refs/tags/" + assertion.build_tag : "refs/heads/" + ${optional("build_branch")})`;

/**
 * Buildkite. The ids are in a token only if the job asks for them: `--claim organization_id,pipeline_id`. Nothing in a token
 * distinguishes a branch of a fork from one of ours, except a prefix that is a setting of the pipeline.
 *
 * @see https://buildkite.com/docs/agent/v3/cli/reference/oidc
 */
const identity = federated<Buildkite>({
    name: "buildkite",
    issuers: /^https:\/\/agent\.buildkite\.com(?:\/|$)/,
    issuer: "https://agent.buildkite.com",
    subject: 'assertion.pipeline_id + ":" + string(assertion.build_number)',
    tenant: ({ organizationId }) => ({ claim: "assertion.organization_id", value: organizationId }),
    unit: ({ pipelineId }) => ({ name: "pipeline", claim: "assertion.pipeline_id", value: pipelineId }),
    select: ({ ref }) => [{ name: "ref", claim: refClaim, value: ref }],
    trusted: ({ events }) => [
        isAcceptedEvent("build_source", runEvents, events),
        // The prefix of a fork. Git does not allow a colon in the name of a branch.
        'has(assertion.build_branch) && !assertion.build_branch.contains(":")',
    ],
});

function check(workload: Buildkite, report: ReportEntry): void {
    const { access, forkBranchesArePrefixed } = workload;
    if (access === "reader") return;
    const pullRequests =
        "builds of pull requests have the same pipeline. Allowed: a full ref, such as refs/heads/main.";
    requireKey(workload, "ref", pullRequests, report);
    if (forkBranchesArePrefixed === true) return;
    report(
        ["forkBranchesArePrefixed"],
        undefined,
        `is not true. It is required with access ${access}, because otherwise a fork's branch main is the same as yours. Turn off "Build pull requests from third-party forked repositories", or turn on "Prefix third-party fork branch names", in the pipeline's settings for its repository. Allowed: true, once this is so.`,
    );
}

/**
 * A step of Buildkite. The ids are in a token only if the job asks for them. A token is valid for five minutes unless the job
 * asks for more.
 *
 * @see https://buildkite.com/docs/agent/v3/cli/reference/oidc
 */
function snippet(context: SnippetContext<Buildkite>): string {
    const { name, workload } = context;
    const commands = federatedScript(context, (file) => [
        `buildkite-agent oidc request-token --audience ${tokenAudience(context)} \\`,
        `  --claim organization_id,pipeline_id --lifetime 3600 > ${file}`,
    ]);
    return fileOf(
        "# .buildkite/pipeline.yml",
        "steps:",
        `  - label: python-${name}`,
        ...(workload.ref === undefined ? [] : [`    if: ${yamlString(escaped(condition(workload.ref)))}`]),
        "    command: |",
        escaped(indented(commands, 6)),
    );
}

function condition(ref: string): string {
    const { kind, name } = parseRef(ref);
    return isPlain(name) ? `build.${kind} == "${name}"` : `build.${kind} =~ ${asRegExp(name)}`;
}

/** The upload of a pipeline replaces variables. */
function escaped(text: string): string {
    return text.replaceAll("$", "$$$$");
}

export const buildkite = { keys, check, identity, snippet } satisfies System<Buildkite>;
