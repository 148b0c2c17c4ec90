import * as v from "valibot";
import { federatedScript } from "../ci/commands";
import type { SnippetContext } from "../ci/context";
import { asRegExp, isPlain, parseRef } from "../ci/refs";
import { fileOf, indented, yamlString } from "../ci/text";
import * as pasted from "../validation/pasted";
import { matching } from "../validation/schema";
import { requireKey, requireRefOr } from "./checks";
import { literal, optional } from "./claims";
import { federated } from "./federated";
import { common, refOr, uuid } from "./keys";
import type { Entry, ReportEntry, System } from "./system";

const keys = {
    ...common,
    organizationId: uuid(
        "the organization's UUID, from Organization Settings",
        "org",
        "organization/circleci",
    ),
    projectId: uuid("the project's UUID, from Project Settings", "project"),
    vcsOrigin: v.exactOptional(
        matching(
            /^(?!.*\.git$)[a-z0-9.-]+\/[A-Za-z0-9._/-]+$/,
            "the repository without a scheme and .git, as in github.com/acme/core",
            pasted.gitOrigins,
        ),
    ),
    ref: refOr("set contextId instead, to a context that is restricted to these branches or tags"),
    contextId: v.exactOptional(uuid("the context's UUID, from Organization Settings", "contexts")),
};
type CircleCi = Entry<typeof keys>;

const project = 'assertion["oidc.circleci.com/project-id"]';
const contexts = 'assertion["oidc.circleci.com/context-ids"]';

/**
 * CircleCI. Each organization has an issuer of its own. A build of a fork has the project of the original, but its own origin.
 *
 * @see https://circleci.com/docs/guides/permissions-authentication/openid-connect-tokens/
 */
const identity = federated<CircleCi>({
    name: "circleci",
    issuers: /^https:\/\/oidc\.circleci\.com(?:\/|$)/,
    issuer: ({ organizationId }) => `https://oidc.circleci.com/org/${organizationId}`,
    audiences: ({ organizationId }) => [organizationId],
    subject: project,
    unit: ({ projectId }) => ({ name: "project", claim: project, value: projectId }),
    select: ({ vcsOrigin, ref, contextId = "" }) => [
        { name: "origin", claim: optional("oidc.circleci.com/vcs-origin"), value: vcsOrigin },
        { name: "ref", claim: optional("oidc.circleci.com/vcs-ref"), value: ref },
        {
            // The claim is a list, so the attribute says whether this context is in it.
            name: `context_${contextId.replace(/-/g, "_")}`,
            claim: `("oidc.circleci.com/context-ids" in assertion && ${literal(contextId)} in ${contexts} ? "context" : "")`,
            value: contextId === "" ? undefined : "context",
        },
    ],
    // A rerun with SSH gives a shell that has the token of the branch.
    trusted: () => [
        '"oidc.circleci.com/ssh-rerun" in assertion',
        'assertion["oidc.circleci.com/ssh-rerun"] == false',
    ],
});

function check(workload: CircleCi, report: ReportEntry): void {
    if (workload.access === "reader") return;
    const forks =
        "builds of forks have the same project. Allowed: the repository, as in github.com/acme/core.";
    requireKey(workload, "vcsOrigin", forks, report);
    requireRefOr(workload, "contextId", "a context that is restricted", report);
}

/**
 * A job and a workflow of CircleCI. The token is `CIRCLE_OIDC_TOKEN`, which has the organization as its audience.
 *
 * CircleCI expands `<< … >>` in every value. A backslash escapes `<<`, but a `<<` after a backslash cannot be escaped: the
 * configuration has none.
 *
 * @throws RangeError if it would have one
 * @see https://circleci.com/docs/guides/permissions-authentication/openid-connect-tokens/
 * @see https://circleci.com/docs/guides/orchestrate/config-templating/
 */
function snippet(context: SnippetContext<CircleCi>): string {
    const { name } = context;
    const commands = federatedScript(context, (file) => [`printf %s "$CIRCLE_OIDC_TOKEN" > ${file}`]);
    const job = `python-${name}`;
    const { ref, contextId } = context.workload;
    const settings = [
        ...(contextId === undefined
            ? []
            : [`          # NAME: the name of the context ${contextId}`, "          context: [NAME]"]),
        ...(ref === undefined ? [] : ["          filters:", ...filters(ref)]),
    ];
    const text = fileOf(
        "# .circleci/config.yml",
        "version: 2.1",
        "jobs:",
        `  ${job}:`,
        "    docker:",
        "      - image: cimg/python:3.13",
        "    steps:",
        "      - checkout",
        "      - run: |",
        indented(commands, 10),
        "workflows:",
        `  ${job}:`,
        "    jobs:",
        ...(settings.length === 0 ? [`      - ${job}`] : [`      - ${job}:`, ...settings]),
    );
    if (text.includes("<<"))
        throw new RangeError(`the configuration of ${name} would contain <<, which CircleCI expands`);
    return text;
}

function filters(ref: string): string[] {
    const { kind, name } = parseRef(ref);
    const pattern = yamlString(isPlain(name) ? name : asRegExp(name));
    return kind === "tag"
        ? [`            tags: {only: ${pattern}}`, "            branches: {ignore: /.*/}"]
        : [`            branches: {only: ${pattern}}`];
}

export const circleCi = { keys, check, identity, snippet } satisfies System<CircleCi>;
