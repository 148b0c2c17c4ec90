import type { WorkloadOf } from "../validation/workloads";
import { login, registryCommands } from "./commands";
import { asRegExp, isPlain, parseRef } from "./refs";
import type { SnippetContext } from "./snippet";
import { fileOf, indented, yamlString } from "./text";

/**
 * A job and a workflow of CircleCI. The token is `CIRCLE_OIDC_TOKEN`, which has the organization as its audience.
 *
 * @see https://circleci.com/docs/guides/permissions-authentication/openid-connect-tokens/
 */
export function circleCiSnippet(context: SnippetContext, workload: WorkloadOf<"circleCi">): string {
    const { name } = context;
    const { prepare, use } = registryCommands(context, "..");
    const commands = [
        "set -eu",
        ...prepare,
        ...login(context, "$PWD/..", (file) => [`printf %s "$CIRCLE_OIDC_TOKEN" > ${file}`]),
        ...use,
    ];
    const job = `python-${name}`;
    return fileOf(
        "# .circleci/config.yml",
        "version: 2.1",
        "jobs:",
        `  ${job}:`,
        "    docker:",
        "      - image: cimg/python:3.13",
        "    steps:",
        "      - checkout",
        "      - run: |",
        // CircleCI expands parameters, which start with <<.
        indented(commands, 10).replaceAll("<<", "\\<<"),
        "workflows:",
        `  ${job}:`,
        "    jobs:",
        ...(workload.ref === undefined
            ? [`      - ${job}`]
            : [`      - ${job}:`, "          filters:", ...filters(workload.ref)]),
    );
}

function filters(ref: string): string[] {
    const { kind, name } = parseRef(ref);
    const pattern = yamlString(isPlain(name) ? name : asRegExp(name));
    return kind === "tag"
        ? [`            tags: {only: ${pattern}}`, "            branches: {ignore: /.*/}"]
        : [`            branches: {only: ${pattern}}`];
}
