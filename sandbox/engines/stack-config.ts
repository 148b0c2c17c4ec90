import { readFile } from "node:fs/promises";
import { parse } from "yaml";

/** The stack's configuration as its file has it, in the form in which Pulumi hands it to a program. */
export async function readStackConfig(file: string): Promise<Record<string, string>> {
    const { config } = parse(await readFile(file, "utf8")) as { config: Record<string, unknown> };
    return Object.fromEntries(
        Object.entries(config).map(([key, value]) => [
            key,
            typeof value === "string" ? value : JSON.stringify(value),
        ]),
    );
}
