import { parseCleanup } from "python-registry/lifecycle/cleanup";
import { repositoryName } from "python-registry/names/urls";
import { configPath, withValue } from "python-registry/validation/wording";
import { isRecord } from "python-registry/validation/schema";
import type { Policies } from "./evaluate";

/** What the configuration of a stack says about cleanup. */
export interface StackPolicies {
    /** Resource name of the repository. */
    readonly repository: string;
    /** Undefined if the stack does not manage the policies. */
    readonly cleanup: { readonly policies: Policies; readonly dryRun: boolean } | undefined;
}

/**
 * Reads the repository and its policies from the configuration of a stack.
 *
 * @param config from full key to text, as the Pulumi CLI prints it
 * @param namespace the name of the Pulumi project
 * @param secretKeys full keys whose values must not appear in a message
 * @throws Error that lists every mistake in the policies, or names what is missing
 */
export function stackPolicies(
    config: Readonly<Record<string, string>>,
    namespace: string,
    secretKeys: ReadonlySet<string> = new Set(),
): StackPolicies {
    const get = (name: string) => config[`${namespace}:${name}`] || undefined;
    const project = config["gcp:project"];
    const location = get("location") ?? config["gcp:region"];
    if (project === undefined) throw new Error("The stack's configuration has no gcp:project");
    if (location === undefined) throw new Error("The stack's configuration has no location");
    const repository = repositoryName({ project, location, repositoryId: get("repository") ?? "python" });
    const cleanup = readCleanup(get("cleanup"), namespace, secretKeys.has(`${namespace}:cleanup`));
    return { repository, cleanup };
}

function readCleanup(
    text: string | undefined,
    namespace: string,
    isSecret: boolean,
): StackPolicies["cleanup"] {
    const given = text === undefined ? {} : parseJson(text);
    if (!isRecord(given)) throw new Error(`${namespace}:cleanup is not a map`);
    if (Object.keys(given).length === 0) return undefined;
    const mistakes: string[] = [];
    const cleanup = parseCleanup(given, ([name, ...path], value, message) =>
        mistakes.push(`${namespace}:${name}${configPath(path)}: ${withValue(value, message)}`),
    );
    if (mistakes.length > 0 && isSecret) {
        throw new Error(
            `${namespace}:cleanup has mistakes. They are not shown, because it is a secret. Store it as plain text to see them`,
        );
    }
    if (mistakes.length > 0) {
        throw new Error(
            `The configuration has mistakes:\n${mistakes.map((each) => `  - ${each}`).join("\n")}`,
        );
    }
    return cleanup;
}

/** The error of JSON.parse would repeat the text. */
function parseJson(text: string): unknown {
    try {
        return JSON.parse(text);
    } catch {
        return undefined;
    }
}
