import { readFile } from "node:fs/promises";
import { parse } from "yaml";

/**
 * Settings in the form in which Pulumi passes them to a program: a key without a namespace belongs to the project, text
 * stays as it is, everything else is JSON.
 */
export function stackConfig(settings: object, project = "python-registry"): Record<string, string> {
    return Object.fromEntries(
        Object.entries(settings).map(([key, value]: [string, unknown]) => [
            key.includes(":") ? key : `${project}:${key}`,
            typeof value === "string" ? value : JSON.stringify(value),
        ]),
    );
}

/** The configuration in a stack file, such as `Pulumi.dev.yaml`, in the same form. */
export async function readStackConfig(file: string): Promise<Record<string, string>> {
    const { config } = parse(await readFile(file, "utf8")) as { config: object };
    return stackConfig(config);
}
