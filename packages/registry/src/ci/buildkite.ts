import { federatedScript, tokenAudience } from "./commands";
import { asRegExp, isPlain, parseRef } from "./refs";
import type { SnippetContext } from "./snippet";
import { fileOf, indented, yamlString } from "./text";

/**
 * A step of Buildkite. The ids are in a token only if the job asks for them. A token is valid for five minutes unless the job
 * asks for more.
 *
 * @see https://buildkite.com/docs/agent/v3/cli/reference/oidc
 */
export function buildkiteSnippet(context: SnippetContext<"buildkite">): string {
    const { name, workload } = context;
    const commands = federatedScript(
        context,
        (file) => [
            `buildkite-agent oidc request-token --audience ${tokenAudience(context)} \\`,
            `  --claim organization_id,pipeline_id --lifetime 3600 > ${file}`,
        ],
        { lasting: true },
    );
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
