import { federatedScript } from "./commands";
import { asRegExp, isPlain, parseRef } from "./refs";
import type { SnippetContext } from "./snippet";
import { fileOf, indented, yamlString } from "./text";

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
export function circleCiSnippet(context: SnippetContext<"circleCi">): string {
    const { name } = context;
    const commands = federatedScript(context, (file) => [`printf %s "$CIRCLE_OIDC_TOKEN" > ${file}`], {
        lasting: true,
    });
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
