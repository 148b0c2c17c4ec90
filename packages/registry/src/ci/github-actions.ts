import { activate, prepare, getProvider, useRegistry } from "./commands";
import { asPattern, parseRef } from "./refs";
import type { SnippetContext } from "./snippet";
import { fileOf, indented, yamlString } from "./text";

// Commits, because a tag can be moved.
const checkout = "actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2";
const auth = "google-github-actions/auth@7c6bc770dae815cd3e89ee6cdf493a5fab2cc093 # v3.0.0";

/**
 * A workflow of GitHub Actions. The login comes after the checkout, which would remove its file, and after the build, whose
 * package could contain it.
 *
 * @see https://github.com/google-github-actions/auth
 */
export function githubActionsSnippet(context: SnippetContext<"githubActions">): string {
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
