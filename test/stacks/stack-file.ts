import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { stackConfig } from "../../sandbox/engines/stack-config";

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
    readonly config?: Readonly<Record<string, unknown>>;
    readonly environment?: unknown;
}

const read = (name: string) => parse(readFileSync(join(root, name), "utf8")) as Yaml | null;
const isRecord = (value: unknown): value is Record<string, unknown> =>
    typeof value === "object" && value !== null;

/** The stack files of this project, but not that of `npm start`, which is never deployed. */
export function stackFiles(): StackFile[] {
    const { name: project, config: shared = {} } = read("Pulumi.yaml") ?? { name: "" };
    // Pulumi.yaml can have values for all stacks. The program knows the defaults.
    const values = Object.fromEntries(
        Object.entries(shared).flatMap(([key, entry]) => {
            if (!isRecord(entry)) return [[key, entry]];
            return "value" in entry ? [[key, entry["value"]]] : [];
        }),
    );
    return readdirSync(root)
        .flatMap((name) => /^Pulumi\.(.+)\.yaml$/.exec(name)?.[1] ?? [])
        .filter((stack) => stack !== "sandbox")
        .map((stack) => {
            const { config = {}, environment } = read(`Pulumi.${stack}.yaml`) ?? {};
            const encrypted = Object.entries(config)
                .filter(
                    ([key, value]) => isRead(key, project) && JSON.stringify(value).includes('{"secure":'),
                )
                .map(([key]) => key);
            const unknown =
                environment === undefined
                    ? encrypted.length === 0
                        ? undefined
                        : `${encrypted.join(", ")} is encrypted`
                    : "an environment of Pulumi ESC has a part of it";
            return {
                stack,
                project,
                config: inNamespace({ ...values, ...config }, project),
                ...(unknown === undefined ? {} : { unknown }),
            };
        });
}

/** Whether the program reads a key itself, and not only the Google provider. */
function isRead(key: string, project: string): boolean {
    return key.startsWith(`${project}:`) || ["gcp:project", "gcp:region"].includes(key);
}

/** A key without a namespace is in the project's. */
function inNamespace(config: object, project: string): Record<string, string> {
    return stackConfig(
        Object.fromEntries(
            Object.entries(config).map(([key, value]: [string, unknown]) => [
                key.includes(":") ? key : `${project}:${key}`,
                value,
            ]),
        ),
    );
}
