import { isFileOf } from "./stacks";

/** What no stack loads: the list of packages/operations/src/deploy/changes.ts, as far as globs can say it. What it lacks costs a deployment too many. */
const unrelated = [
    ...["docs", "examples", "packages/configure", "packages/operations", "packages/sandbox", "test"],
    ...[".github", ".gitlab", ".vscode"],
]
    .map((folder) => `${folder}/**`)
    .concat("*.md", "**/*.md", "LICENSE", "eslint.config.mjs", ".mocharc.json")
    .concat(".prettierrc.json", ".gitignore", ".gitattributes", ".gitlab-ci.yml");

/**
 * The path filters of a stack: its own file touches it, code touches all stacks, also code in a new folder. An exclude filter
 * wins over every include filter, so each stack names the files of the others.
 *
 * @see https://www.pulumi.com/docs/deployments/concepts/settings/path-filtering/
 */
export function pathFilters(stack: string, stackFiles: readonly string[]): string[] {
    const others = stackFiles.filter((file) => !isFileOf(stack, file));
    return [...unrelated, ...others].map((pattern) => `!${pattern}`);
}
