import * as v from "valibot";
import { federatedScript, tokenAudience } from "../ci/commands";
import type { SnippetContext } from "../ci/context";
import { asRegExp, isPlain, parseRef } from "../ci/refs";
import { fileOf, indented, yamlString } from "../ci/text";
import { boolean } from "../validation/schema";
import { requireOneOf } from "./checks";
import { isAcceptedEvent, isBranchOrTag, optional } from "./claims";
import { federated } from "./federated";
import { common, environment, eventList, jwksJson, number, refOr, systemIssuer } from "./keys";
import type { Entry, ReportEntry, System } from "./system";

// https://docs.gitlab.com/ci/jobs/job_rules/#ci_pipeline_source-predefined-variable
const runEvents = {
    always: ["push", "web", "schedule", "api"],
    more: ["parent_pipeline", "pipeline", "trigger"],
};

const keys = {
    ...common,
    projectId: v.exactOptional(number("the numeric id of the project, in its menu")),
    namespaceId: v.exactOptional(number("the numeric id of the group or user namespace")),
    ref: refOr(
        "protect these branches or tags in GitLab, and leave out ref: writers only run on protected ones",
    ),
    environment,
    events: eventList(runEvents),
    protectedOnly: v.exactOptional(boolean),
    issuer: v.exactOptional(systemIssuer),
    jwksJson: v.exactOptional(jwksJson),
};
type GitLabCi = Entry<typeof keys>;

/**
 * GitLab CI. All claims are text. In a merge request from a fork, the project of the token is the fork; `job_project_id` can be
 * the parent, so nothing depends on it.
 *
 * @see https://docs.gitlab.com/ci/secrets/id_token_authentication/#token-payload
 */
const identity = federated<GitLabCi>({
    name: "gitlab",
    issuers: /^https:\/\/gitlab\.com(?:\/|$)/,
    issuer: "https://gitlab.com",
    subject: 'assertion.project_id + ":" + assertion.job_id',
    unit: ({ projectId, namespaceId = "" }) =>
        projectId === undefined
            ? { name: "namespace", claim: "assertion.namespace_id", value: namespaceId }
            : { name: "project", claim: "assertion.project_id", value: projectId },
    select: ({ access, ref, environment, protectedOnly }) => [
        { name: "ref", claim: optional("ref_path"), value: ref },
        { name: "environment", claim: optional("environment"), value: environment },
        {
            name: "protected",
            claim: optional("ref_protected"),
            // Writers are on protected refs in any case.
            value: access === "reader" && protectedOnly === true ? "true" : undefined,
        },
    ],
    trusted: ({ events, environment }) => [
        `${optional("ref_protected")} == "true"`,
        isAcceptedEvent("pipeline_source", runEvents, events),
        // A child pipeline of a merge request has the ref of the merge request.
        isBranchOrTag("assertion.ref_path"),
        ...(environment
            ? [
                  `${optional("environment_protected")} == "true"`,
                  `${optional("environment_action")} == "start"`,
              ]
            : []),
    ],
});

function check(workload: GitLabCi, report: ReportEntry): void {
    const { access, protectedOnly } = workload;
    if (access !== "reader" && protectedOnly === false) {
        report(
            ["protectedOnly"],
            undefined,
            `cannot be false with access ${access}. Allowed: true, or remove it, because writers only run on protected branches and tags.`,
        );
    }
    requireOneOf(workload, "projectId", "namespaceId", report);
}

/**
 * A job of GitLab CI.
 *
 * @see https://docs.gitlab.com/ci/secrets/id_token_authentication/
 */
function snippet(context: SnippetContext<GitLabCi>): string {
    const { name, workload } = context;
    const conditions = rules(workload);
    return fileOf(
        "# .gitlab-ci.yml",
        `python-${name}:`,
        "  image: python:3.13",
        ...(workload.environment === undefined
            ? []
            : [`  environment: {name: ${yamlString(workload.environment)}}`]),
        "  id_tokens:",
        "    GOOGLE_ID_TOKEN:",
        `      aud: ${tokenAudience(context)}`,
        ...(conditions.length === 0 ? [] : ["  rules:", `    - if: '${conditions.join(" && ")}'`]),
        "  script:",
        "    - |",
        indented(
            federatedScript(context, (file) => [`printf %s "$GOOGLE_ID_TOKEN" > ${file}`]),
            6,
        ),
    );
}

function rules({ access, ref, protectedOnly }: GitLabCi): string[] {
    return [
        // Google refuses merge requests and refs that are not protected as writers: nobody has accepted their code yet.
        ...(ref === undefined && access !== "reader" ? ['$CI_PIPELINE_SOURCE != "merge_request_event"'] : []),
        ...(ref === undefined ? [] : [refRule(ref)]),
        ...(protectedOnly === true || access !== "reader" ? ['$CI_COMMIT_REF_PROTECTED == "true"'] : []),
    ];
}

function refRule(ref: string): string {
    const { kind, name } = parseRef(ref);
    const variable = kind === "tag" ? "$CI_COMMIT_TAG" : "$CI_COMMIT_BRANCH";
    // GitLab has no escape for a quote in a string.
    return isPlain(name) ? `${variable} == "${name}"` : `${variable} =~ ${asRegExp(name)}`;
}

export const gitlabCi = { keys, check, identity, snippet } satisfies System<GitLabCi>;
