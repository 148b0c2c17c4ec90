import * as v from "valibot";

/**
 * The outputs that a client needs. Not among them: `credentials`, which are secret, and `access` and `ci`, which name people
 * and machines.
 */
const published = [
    "repository",
    "pipConf",
    "pypirc",
    "clients",
    "readme",
    "publicPackages",
    "cooldown",
    "internalPackages",
    "keyring",
    "serviceAccounts",
] as const;

/** What Pulumi prints instead of a secret, and what keys look like in the outputs. */
const secret = /"\[secret\]"|PRIVATE KEY|_json_key/;

/**
 * The part of a stack's outputs that may be published.
 *
 * @param json what `pulumi stack output --json` printed
 * @throws Error if it is not a stack's outputs, or if a published output contains a secret
 */
export function publishedOutputs(json: string): string {
    const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), v.record(v.string(), v.unknown())), json);
    if (!parsed.success || !Object.hasOwn(parsed.output, "repository")) {
        throw new Error(
            "Standard input does not contain the outputs of a python-registry stack. Use the output of this command: pulumi stack output --json",
        );
    }
    const { output } = parsed;
    const kept = published.filter((name) => Object.hasOwn(output, name));
    for (const name of kept) {
        // readme and the files contain quoted text: a key in them is in one string.
        if (secret.test(JSON.stringify(output[name]))) {
            throw new Error(`The output ${name} contains a secret. Nothing was published`);
        }
    }
    return `${JSON.stringify(Object.fromEntries(kept.map((name) => [name, output[name]])), undefined, 2)}\n`;
}
