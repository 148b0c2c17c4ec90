import * as pulumi from "@pulumi/pulumi";
import * as v from "valibot";
import type { KeyringProvider } from "../clients/client";
import type { Existing } from "../registry/existing";
import { normalizedName } from "../names/package-names";
import { canonicalPrincipal, principalsByRole } from "../names/principals";
import type { RegistryServiceAccountArgs } from "../registry/registry-args";
import type { AccessMode } from "../registry/repository-access";
import type { PoolArgs, WorkloadArgs } from "../registry/workload-args";
import {
    existingMistakes,
    policyMistakes,
    redundantGrants,
    skipRegionValidation,
    unknownKeys,
    unknownRegion,
} from "../validation/checks";
import { defaultAccounts, jsonSettings, projectId, schema } from "../validation/schema";
import {
    configPath,
    type ConfigPath,
    formatJson,
    type FormatValue,
    type ReportMistake,
    withoutSuggestion,
    withValue,
} from "../validation/wording";

/** The validated configuration of a stack, with defaults applied. All values are plain, without outputs. */
export interface Settings {
    /** Google Cloud project id, with or without a domain (`example.com:tools`). */
    readonly project: string;
    /** Region or multi-region. */
    readonly location: string;
    /** Repository id. */
    readonly repository: string;
    /** Set if the repository already exists: whether the stack only uses it, or adopts it. */
    readonly existing?: Existing;
    /** Description of the repository. */
    readonly description?: string;
    /** Labels of the repository. */
    readonly labels: Readonly<Record<string, string>>;
    /** IAM principals that can download, with email addresses in lower case. */
    readonly readers: string[];
    /** IAM principals that can upload and download. */
    readonly writers: string[];
    /** IAM principals that can delete packages, upload and download. */
    readonly admins: string[];
    /** Whether the stack owns all members of each role that it grants, or only adds its own members. */
    readonly access: AccessMode;
    /** Dedicated service accounts by account id. */
    readonly serviceAccounts: Readonly<Record<string, RegistryServiceAccountArgs>>;
    /** Machines that come in without a key, by name. */
    readonly workloads?: Record<string, WorkloadArgs>;
    /** The workload identity pool. */
    readonly pool?: PoolArgs;
    /** Number of the project, in digits. */
    readonly projectNumber?: string;
    /** Whether `readers` can contain `allUsers` and `allAuthenticatedUsers`. */
    readonly allowPublic: boolean;
    /** Names of packages that only this registry may serve, normalized (PEP 503). A prefix ends with an asterisk. */
    readonly internalPackages: readonly string[];
    /** The keyring provider that the client files ask pip for. */
    readonly keyring: KeyringProvider;
    /** Whether the stack enables the Google Cloud APIs that it needs. */
    readonly enableApis: boolean;
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
    for (const notice of parsed.notices) {
        void pulumi.log.warn(notice);
    }
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
    const formatMistake = (
        key: string,
        path: readonly (string | number)[],
        value: unknown,
        message: string,
    ) =>
        secretKeys.has(key)
            ? `${key}: [secret] ${withoutSuggestion(message)}`
            : `${key}${configPath(path)}: ${withValue(value, message)}`;
    const report: ReportMistake = ([name, ...path], value, message) =>
        formatMistake(fullKey(name), path, value, message);

    const project = v.safeParse(projectId, config["gcp:project"]);
    const parsed = v.safeParse(schema, given);
    const skipped = config[skipRegionValidation] === "true";
    const newRegion = unknownRegion(given["location"], skipped, report);
    const workloadMistakes: string[] = [];
    const workloadSettings = concernsWorkloads(given)
        ? workloadsModule().parseWorkloadSettings(
              { serviceAccounts: defaultAccounts, ...given, project: config["gcp:project"] },
              (path, value, message) => {
                  // A message can name values of other keys.
                  const secret = ["workloads", "pool", "serviceAccounts"].some((name) =>
                      secretKeys.has(fullKey(name)),
                  );
                  const text = secret
                      ? `${fullKey(path[0])}: [secret] has a mistake. Its message is not shown, because it could contain a part of a secret. Store the value as plain text to see it.`
                      : report(path, value, message);
                  workloadMistakes.push(text);
                  return text;
              },
          )
        : undefined;
    const mistakes = [
        ...(project.issues ?? []).map(({ input, message }) =>
            formatMistake("gcp:project", [], input, message),
        ),
        ...(newRegion !== undefined && !skipped ? [newRegion] : []),
        ...(parsed.issues ?? []).map(({ path = [], input, message }) =>
            report(path.map(({ key }) => key) as unknown as ConfigPath, input, message),
        ),
        ...unknownKeys(given, report, formatValue, fullKey),
        ...misplacedKeys(config, namespace),
        ...policyMistakes(given, config["gcp:project"] ?? "", report, formatValue),
        ...existingMistakes(given, config["gcp:project"] ?? "", report),
        ...workloadMistakes,
    ];
    if (mistakes.length > 0 || !parsed.success || !project.success) {
        return { mistakes };
    }
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
    };
    const secret = ["gcp:project", ...["readers", "writers", "admins", "serviceAccounts"].map(fullKey)].some(
        (key) => secretKeys.has(key),
    );
    return {
        settings,
        notices: [
            ...(newRegion === undefined ? [] : [newRegion]),
            ...redundantGrants(principalsByRole(settings), secret),
            ...(workloadSettings === undefined
                ? []
                : workloadsModule().sharedAccounts(
                      workloadSettings.workloads,
                      secretKeys.has(fullKey("workloads")),
                  )),
            ...[...secretKeys]
                .filter((key) => key.startsWith(`${namespace}:`))
                .map(
                    (key) =>
                        `${key} is encrypted in the configuration, but appears in plain text in the state and the outputs.`,
                ),
        ],
    };
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

function concernsWorkloads({ workloads, pool, projectNumber }: Readonly<Record<string, unknown>>): boolean {
    return [workloads, pool, projectNumber].some((value) => value !== undefined);
}

/** A stack without workloads does not load this module. */
function workloadsModule(): typeof import("../workloads/settings") {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- import() would make the settings asynchronous
    return require("../workloads/settings") as typeof import("../workloads/settings");
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
