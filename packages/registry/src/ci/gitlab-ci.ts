import type { WorkloadOf } from "../validation/workloads";
import { federatedScript, tokenAudience } from "./commands";
import { asRegExp, isPlain, parseRef } from "./refs";
import type { SnippetContext } from "./snippet";
import { fileOf, indented, yamlString } from "./text";

/**
 * A job of GitLab CI.
 *
 * @see https://docs.gitlab.com/ci/secrets/id_token_authentication/
 */
export function gitlabCiSnippet(context: SnippetContext<"gitlabCi">): string {
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

function rules({ access, ref, protectedOnly }: WorkloadOf<"gitlabCi">): string[] {
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
