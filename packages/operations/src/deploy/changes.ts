/** The stack of `npm start`, which is never deployed. */
const emulated = "sandbox";

/**
 * What neither the program nor its policies load: a change here changes no stack. Everything else counts as code, also what is
 * new, so that a mistake in this list costs a preview and does not hide a change.
 */
const unrelated = [
    /^(?:docs|examples|packages\/(?:configure|operations|sandbox)|test)\//,
    /^\.(?:github|gitlab|vscode)\//,
    /\.md$/,
    /^(?:LICENSE|eslint\.config\.mjs|\.gitignore|\.gitattributes|\.gitlab-ci\.yml)$/,
    /^\.(?:mocharc|prettierrc)(?:\.\w+)?$/,
];

/** The stack whose settings a file contains, or undefined if it is a different file. */
function findStack(path: string): string | undefined {
    return /^Pulumi\.([^/]+)\.ya?ml$/.exec(path)?.[1];
}

/**
 * The stacks of a project, in order, from its files.
 *
 * @throws Error if a name is not one that Pulumi accepts: it becomes an argument of commands
 */
export function stacksIn(files: readonly string[]): string[] {
    const stacks = files.flatMap((file) => findStack(file) ?? []).filter((stack) => stack !== emulated);
    const wrong = stacks.find((stack) => !/^[a-z0-9_][\w.-]{0,99}$/i.test(stack));
    if (wrong !== undefined) {
        throw new Error(
            `${JSON.stringify(`Pulumi.${wrong}.yaml`)} is not the file of a stack. Names of stacks have letters, digits, hyphens, underscores and periods. Rename the file`,
        );
    }
    return [...new Set(stacks)].sort();
}

/**
 * The stacks that a change touches: a stack file touches its stack, and code touches all.
 *
 * @param changed the paths that were added, changed or deleted; of a renamed file, both
 * @param stacks the stacks after the change
 */
export function touchedStacks(changed: readonly string[], stacks: readonly string[]): string[] {
    const code = changed.some(
        (path) => findStack(path) === undefined && !unrelated.some((pattern) => pattern.test(path)),
    );
    return stacks.filter((stack) => code || changed.some((path) => findStack(path) === stack));
}

/** The stacks whose files are gone after a change. */
export function removedStacks(changed: readonly string[], stacks: readonly string[]): string[] {
    return changed
        .flatMap((path) => findStack(path) ?? [])
        .filter((stack) => stack !== emulated && !stacks.includes(stack));
}
