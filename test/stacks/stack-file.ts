import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { stackConfig } from "../../packages/sandbox/src/engines/stack-config";

const root = join(__dirname, "..", "..");

/** The configuration of a stack as its program gets it. */
export interface StackFile {
    readonly stack: string;
    /** The name of the project, which is the namespace of its settings. */
    readonly project: string;
    readonly config: Readonly<Record<string, string>>;
    /** Why the configuration is not known here; completes a sentence such as "skipped: …". */
    readonly unknown?: string;
}

interface Yaml {
    readonly name: string;
    readonly config?: Readonly<Record<string, unknown>> | null;
    readonly environment?: unknown;
}

const read = (name: string) => parse(readFileSync(join(root, name), "utf8")) as Yaml | null;
const isRecord = (value: unknown): value is Record<string, unknown> =>
    typeof value === "object" && value !== null && !Array.isArray(value);

/** The stack files of this project, but not that of `npm start`, which is never deployed. */
export function stackFiles(): StackFile[] {
    const { name: project, config: shared } = read("Pulumi.yaml") ?? { name: "" };
    const forAllStacks = stackConfig(sharedValues(shared ?? {}), project);
    return readdirSync(root)
        .flatMap((name) => /^Pulumi\.(.+)\.yaml$/.exec(name)?.[1] ?? [])
        .filter((stack) => stack !== "sandbox")
        .map((stack) => {
            const { config, environment } = read(`Pulumi.${stack}.yaml`) ?? {};
            const own = stackConfig(config ?? {}, project);
            const encrypted = Object.keys(own).filter(
                (key) => isRead(key, project) && own[key]?.includes('{"secure":"'),
            );
            const unknown =
                environment === undefined
                    ? encrypted.length === 0
                        ? undefined
                        : `${encrypted.join(", ")} is encrypted`
                    : "an environment of Pulumi ESC has a part of it";
            return {
                stack,
                project,
                config: { ...forAllStacks, ...own },
                ...(unknown === undefined ? {} : { unknown }),
            };
        });
}

/**
 * The values and defaults that Pulumi.yaml has for all stacks: an entry is a value, or describes one. If a key is there with
 * and without its namespace, Pulumi takes the first one in alphabetical order.
 */
function sharedValues(shared: Readonly<Record<string, unknown>>): Record<string, unknown> {
    const entries = Object.keys(shared)
        .sort()
        .reverse()
        .flatMap((key) => {
            const entry = shared[key];
            const value = isRecord(entry) ? (entry["value"] ?? entry["default"]) : entry;
            return value === undefined ? [] : [[key, value] as const];
        });
    return Object.fromEntries(entries);
}

/** Whether the program reads a key itself, and not only the Google provider. */
function isRead(key: string, project: string): boolean {
    return key.startsWith(`${project}:`) || ["gcp:project", "gcp:region"].includes(key);
}
