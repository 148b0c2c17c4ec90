import * as pulumi from "@pulumi/pulumi";
import * as v from "valibot";
import { normalizedName } from "python-registry/names/package-names";
import { canonicalPrincipal, principalsByRole } from "python-registry/names/principals";
import type { RegistryArgs } from "python-registry/components/registry-args";
import {
    concernsWorkloads,
    existingMistakes,
    ignoredKeys,
    policyMistakes,
    redundantGrants,
    skipRegionValidation,
    unknownRegion,
} from "python-registry/validation/checks";
import { defaultAccounts, entries, jsonSettings, projectId, schema } from "python-registry/validation/schema";
import {
    configPath,
    type ConfigPath,
    formatJson,
    type FormatValue,
    type ReportMistake,
    unknownKey,
    withoutSuggestion,
    withValue,
} from "python-registry/validation/wording";

/** The settings that have no default. */
type Optional = "existing" | "description" | "workloads" | "pool" | "projectNumber";

/**
 * The validated configuration of a stack, with defaults applied. All values are plain, without outputs. Principals and names of
 * packages are in their canonical spelling.
 */
export interface Settings
    extends Required<Omit<RegistryArgs, Optional | "deletionProtection">>, Pick<RegistryArgs, Optional> {
    readonly description?: string;
    /** Whether to refuse to delete or replace the repository. */
    readonly protect: boolean;
}

/** The result of parsing a configuration: the settings and notices about them, or every mistake. */
export type ParsedSettings =
    | { readonly settings: Settings; readonly notices: readonly string[] }
    | { readonly mistakes: readonly string[] };

/**
 * Reads and validates the configuration of the stack. Logs each notice as a warning.
 *
 * @throws pulumi.RunError that lists every mistake with its key, its value, the allowed values and a suggestion
 */
export function readSettings(): Settings {
    const config = pulumi.runtime.allConfig();
    // Only this function of the SDK works on every engine: an in-process engine sets no environment variable.
    const { isConfigSecret } = pulumi.runtime as unknown as { isConfigSecret: (key: string) => boolean };
    const secretKeys = new Set(Object.keys(config).filter((key) => isConfigSecret(key)));
    const parsed = parseSettings(config, secretKeys, pulumi.getProject());
    if ("mistakes" in parsed) {
        const count = parsed.mistakes.length === 1 ? "a mistake" : `${parsed.mistakes.length} mistakes`;
        throw new pulumi.RunError(
            `The configuration of stack "${pulumi.getStack()}" has ${count}; nothing was changed.\n` +
                parsed.mistakes.map((mistake) => `  - ${mistake}`).join("\n"),
        );
    }
    for (const notice of parsed.notices) void pulumi.log.warn(notice);
    return parsed.settings;
}

/**
 * Parses and validates a configuration in the form in which Pulumi passes it to a program.
 *
 * @param config from full key (`python-registry:readers`) to text; lists, maps and booleans are JSON
 * @param secretKeys full keys whose values must not appear in a message
 * @param namespace the name of the Pulumi project, which a new project can choose
 */
export function parseSettings(
    config: Readonly<Record<string, string>>,
    secretKeys: ReadonlySet<string> = new Set(),
    namespace = "python-registry",
): ParsedSettings {
    const raw = Object.fromEntries(
        Object.entries(config)
            .filter(([key]) => key.startsWith(`${namespace}:`))
            .map(([key, text]) => [key.slice(namespace.length + 1), text] as const)
            .filter(([name, text]) => text !== unsetValues.get(name))
            .map(([name, text]) => [name, jsonSettings.has(name) ? parseJson(text) : text]),
    );
    const region = config["gcp:region"];
    const usesRegion = raw["location"] === undefined && region !== undefined;
    const given: Record<string, unknown> = usesRegion ? { ...raw, location: region } : raw;
    const fullKey = (name: string) =>
        usesRegion && name === "location" ? "gcp:region" : `${namespace}:${name}`;
    const formatValue: FormatValue = (name, value) =>
        secretKeys.has(fullKey(name)) ? "[secret]" : formatJson(value);
    const mistakes: string[] = [];
    const notices: string[] = [];
    const format = (key: string, path: readonly (string | number)[], value: unknown, message: string) =>
        secretKeys.has(key)
            ? `${key}: [secret] ${withoutSuggestion(message)}`
            : `${key}${configPath(path)}: ${withValue(value, message)}`;
    const reportIn =
        (reports: string[]): ReportMistake =>
        ([name, ...path], value, message) =>
            reports.push(format(fullKey(name), path, value, message));
    const report = reportIn(mistakes);

    const project = v.safeParse(projectId, config["gcp:project"]);
    const parsed = v.safeParse(schema, given);
    for (const { input, message } of project.issues ?? []) {
        mistakes.push(format("gcp:project", [], input, message));
    }
    const skipped = config[skipRegionValidation] === "true";
    const remedy = skipped
        ? undefined
        : `run \`pulumi config set ${skipRegionValidation} true\` to accept it`;
    unknownRegion(given["location"], remedy, skipped ? reportIn(notices) : report);
    for (const { path = [], input, message } of parsed.issues ?? []) {
        report(path.map(({ key }) => key) as unknown as ConfigPath, input, message);
    }
    const known = Object.keys(entries);
    for (const name of Object.keys(given).filter((each) => !known.includes(each))) {
        // Only a value can be secret, so the name of an unknown setting is always shown.
        const message = unknownKey(formatValue(name, given[name]), name, known);
        mistakes.push(`${fullKey(name)}: ${formatJson(name)} ${message}`);
    }
    ignoredKeys(given, report, formatValue);
    mistakes.push(...misplacedKeys(config, namespace));
    policyMistakes(given, config["gcp:project"] ?? "", report, formatValue);
    existingMistakes(given, config["gcp:project"] ?? "", report);
    // A message about workloads can name values of other keys.
    const isSecret = (...names: string[]) => names.some((name) => secretKeys.has(fullKey(name)));
    const hidesWorkloads = isSecret("workloads", "pool", "serviceAccounts", "projectNumber");
    const workloadSettings = concernsWorkloads(given)
        ? workloadsModule().parseWorkloadSettings(
              { serviceAccounts: defaultAccounts, ...given, project: config["gcp:project"] },
              hidesWorkloads
                  ? ([name]) =>
                        mistakes.push(
                            `${fullKey(name)}: [secret] has a mistake. Its message is not shown, because it could contain a part of a secret. Store the value as plain text to see it.`,
                        )
                  : report,
          )
        : undefined;
    if (mistakes.length > 0 || !parsed.success || !project.success) return { mistakes };
    // The workloads as they are given are replaced by the parsed ones.
    const { workloads: _workloads, pool: _pool, projectNumber: _projectNumber, ...values } = parsed.output;
    const settings: Settings = {
        ...values,
        ...(workloadSettings as Partial<Settings>),
        project: project.output,
        readers: values.readers.map(canonicalPrincipal),
        writers: values.writers.map(canonicalPrincipal),
        admins: values.admins.map(canonicalPrincipal),
        internalPackages: values.internalPackages.map(normalizedName),
        skipRegionValidation: skipped,
    };
    const secret =
        secretKeys.has("gcp:project") || isSecret("readers", "writers", "admins", "serviceAccounts");
    notices.push(...redundantGrants(principalsByRole(settings), secret));
    if (workloadSettings !== undefined) {
        notices.push(...workloadsModule().sharedAccounts(workloadSettings.workloads, isSecret("workloads")));
    }
    for (const key of secretKeys) {
        if (!key.startsWith(`${namespace}:`)) continue;
        notices.push(
            `${key} is encrypted in the configuration, but appears in plain text in the state and the outputs.`,
        );
    }
    return { settings, notices };
}

/** Settings that no provider has in its own configuration. */
const distinctSettings = ["readers", "writers", "admins", "serviceAccounts", "workloads", "internalPackages"];

/**
 * Reports the keys of a project with a different name, which this project would ignore. If it is not the usual name, only some
 * keys show that they are not those of a provider.
 */
function misplacedKeys(config: Readonly<Record<string, string>>, namespace: string): string[] {
    return Object.keys(config).flatMap((key) => {
        const [owner = "", name = ""] = key.split(":");
        if (owner === namespace || !(owner === "python-registry" || distinctSettings.includes(name)))
            return [];
        return `${key}: is not a key of this project, whose name is ${namespace}. Rename the key to ${namespace}:${name}`;
    });
}

/** A stack without workloads does not load this module. */
function workloadsModule(): typeof import("python-registry/workloads/settings") {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- import() would make the settings asynchronous
    return require("python-registry/workloads/settings") as typeof import("python-registry/workloads/settings");
}

/** The defaults in Pulumi.yaml of settings that have no default. */
const unsetValues: ReadonlyMap<string, string> = new Map([
    ["location", ""],
    ["description", ""],
    ["existing", ""],
    ["access", ""],
    ["workloads", "{}"],
    ["pool", "{}"],
    ["projectNumber", "0"],
]);

/** Parses JSON. Text that is not valid JSON stays as it is, so that the schema can report it. */
function parseJson(value: string): unknown {
    try {
        return JSON.parse(value);
    } catch {
        return value;
    }
}
