import * as pulumi from "@pulumi/pulumi";
import * as v from "valibot";
import {
    lifecycleModule,
    type ParsedRegistry,
    parseRegistry,
    workloadsModule,
} from "python-registry/components/parse-registry";
import { principalsByRole } from "python-registry/names/principals";
import { redundantGrants, skipRegionValidation, unknownRegion } from "python-registry/validation/checks";
import { entries, jsonSettings, toRecord } from "python-registry/validation/schema";
import {
    configPath,
    formatJson,
    type FormatValue,
    type ReportMistake,
    unknownKey,
    withoutSuggestion,
    withValue,
} from "python-registry/validation/wording";

/** The result of parsing a configuration: the settings and notices about them, or every mistake. */
export type ParsedSettings =
    | { readonly settings: ParsedRegistry; readonly notices: readonly string[] }
    | { readonly mistakes: readonly string[] };

/**
 * Reads and validates the configuration of the stack. Logs each notice as a warning.
 *
 * @throws pulumi.RunError that lists every mistake with its key, its value, the allowed values and a suggestion
 */
export function readSettings(): ParsedRegistry {
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
    const fullKey = (name: string) => {
        if (name === "project") return "gcp:project";
        if (name === "location" && usesRegion) return "gcp:region";
        return `${namespace}:${name === "deletionProtection" ? "protect" : name}`;
    };
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

    const known = Object.keys(entries);
    for (const name of Object.keys(given).filter((each) => !known.includes(each))) {
        // Only a value can be secret, so the name of an unknown setting is always shown.
        const message = unknownKey(formatValue(name, given[name]), name, known);
        mistakes.push(`${namespace}:${name}: ${formatJson(name)} ${message}`);
    }
    mistakes.push(...misplacedKeys(config, namespace));
    const skipped = config[skipRegionValidation] === "true";
    if (skipped) unknownRegion(given["location"], undefined, reportIn(notices));
    // A message about workloads or the life of the repository can name values of other keys.
    const isSecret = (...names: string[]) => names.some((name) => secretKeys.has(fullKey(name)));
    const hidesWorkloads = isSecret("workloads", "pool", "serviceAccounts", "projectNumber");
    const hideMessage: ReportMistake = ([name]) =>
        mistakes.push(
            `${fullKey(name)}: [secret] has a mistake. Its message is not shown, because it could contain a part of a secret. Store the value as plain text to see it.`,
        );
    const { access, ...defaults } = v.getDefaults(v.object(entries));
    const { protect, ...args } = {
        ...defaults,
        ...(given["existing"] === undefined &&
            toRecord(given["mirror"])["existing"] === undefined && { access }),
        ...given,
    };
    const settings = parseRegistry(
        {
            ...args,
            project: config["gcp:project"],
            deletionProtection: protect,
            skipRegionValidation: skipped,
        },
        {
            report,
            formatValue,
            forNewRegion: skipped
                ? undefined
                : `run \`pulumi config set ${skipRegionValidation} true\` to accept it`,
            ...(hidesWorkloads && { reportWorkload: hideMessage }),
            ...(isSecret("cleanup", "encryption", "auditLogs", "location") && {
                reportLifecycle: hideMessage,
            }),
        },
    );
    if (settings === undefined || mistakes.length > 0) return { mistakes };
    const secret =
        secretKeys.has("gcp:project") || isSecret("readers", "writers", "admins", "serviceAccounts");
    notices.push(...redundantGrants(principalsByRole(settings), secret));
    if (settings.workloads !== undefined) {
        notices.push(...workloadsModule().sharedAccounts(settings.workloads, isSecret("workloads")));
    }
    if (settings.cleanup !== undefined) {
        notices.push(...lifecycleModule().cleanupNotices(settings.cleanup, isSecret("cleanup")));
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
const distinctSettings = [
    "readers",
    "writers",
    "admins",
    "serviceAccounts",
    "workloads",
    "publicPackages",
    "cooldown",
    "internalPackages",
    "cleanup",
    "auditLogs",
];

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

/** The defaults in Pulumi.yaml of settings that have no default. */
const unsetValues: ReadonlyMap<string, string> = new Map([
    ["location", ""],
    ["description", ""],
    ["existing", ""],
    ["access", ""],
    ["workloads", "{}"],
    ["pool", "{}"],
    ["projectNumber", "0"],
    ["mirror", "{}"],
    ["cooldown", "{}"],
    ["cleanup", "{}"],
    ["encryption", "{}"],
    ["scanning", "false"],
    ["auditLogs", "[]"],
]);

/** Parses JSON. Text that is not valid JSON stays as it is, so that the schema can report it. */
function parseJson(value: string): unknown {
    try {
        return JSON.parse(value);
    } catch {
        return value;
    }
}
