import * as pulumi from "@pulumi/pulumi";
import * as v from "valibot";
import type { KeyringProvider } from "../clients/client";
import type { Existing } from "../registry/existing";
import { normalizedName } from "../names/package-names";
import { canonicalPrincipal, principalsByRole } from "../names/principals";
import type { RegistryServiceAccountArgs } from "../registry/registry-args";
import type { AccessMode } from "../registry/repository-access";
import {
    acrossLists,
    existingMistakes,
    redundantGrants,
    skipRegionValidation,
    unknownRegion,
    unusedKeys,
} from "../validation/checks";
import { namespace, projectId, schema, structured } from "../validation/schema";
import {
    configPath,
    type ConfigPath,
    type Say,
    sentence,
    type Show,
    shown,
    withoutSuggestion,
} from "../validation/wording";

/** A stack's configuration: validated, with the defaults filled in, plain values only. */
export interface Settings {
    /** Google Cloud project id, domain-scoped (`example.com:tools`) or not. */
    readonly project: string;
    /** Region or multi-region. */
    readonly location: string;
    /** Repository id. */
    readonly repository: string;
    /** The repository exists already: whether it is only used, or adopted. */
    readonly existing?: Existing;
    readonly description?: string;
    readonly labels: Readonly<Record<string, string>>;
    /** IAM principals, addresses in lower case. */
    readonly readers: string[];
    readonly writers: string[];
    readonly admins: string[];
    /** Whether the stack owns the members of each role that it grants, or only adds its own. */
    readonly access: AccessMode;
    /** Dedicated accounts by account id. */
    readonly serviceAccounts: Readonly<Record<string, RegistryServiceAccountArgs>>;
    /** Accept `allUsers` and `allAuthenticatedUsers` among the readers. */
    readonly allowPublic: boolean;
    /** Names that only this registry may serve, normalised (PEP 503); a prefix ends with an asterisk. */
    readonly internalPackages: readonly string[];
    readonly keyring: KeyringProvider;
    readonly enableApis: boolean;
    /** Refuse to delete or replace the repository. */
    readonly protect: boolean;
}

/** What a configuration amounts to: settings, or every mistake in it. */
export type ParsedSettings =
    | { readonly settings: Settings; readonly notices: readonly string[] }
    | { readonly mistakes: readonly string[] };

/**
 * Reads the stack's configuration and validates all of it.
 *
 * @throws pulumi.RunError that lists every mistake, with key, value, what is allowed and the likely meant value.
 */
export function readSettings(): Settings {
    const config = pulumi.runtime.allConfig();
    // Only the SDK's own function knows it for every engine: an in-process one sets no environment variable.
    const { isConfigSecret } = pulumi.runtime as unknown as { isConfigSecret: (key: string) => boolean };
    const parsed = parseSettings(config, new Set(Object.keys(config).filter((key) => isConfigSecret(key))));
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
 * Turns configuration as Pulumi hands it to a program into settings.
 *
 * @param config full key (`python-registry:readers`) → text; lists, maps and booleans as JSON
 * @param secretKeys full keys whose values must not be repeated
 */
export function parseSettings(
    config: Readonly<Record<string, string>>,
    secretKeys: ReadonlySet<string> = new Set(),
): ParsedSettings {
    const raw = Object.fromEntries(
        Object.entries(config)
            .filter(([key]) => key.startsWith(`${namespace}:`))
            .map(([key, text]) => [key.slice(namespace.length + 1), text] as const)
            // An empty text is how a declared default says "not set".
            .filter(([name, text]) => text !== "" || !unsetWhenEmpty.has(name))
            .map(([name, text]) => [name, structured.has(name) ? json(text) : text]),
    );
    const region = config["gcp:region"];
    const regional = raw["location"] === undefined && region !== undefined;
    const given: Record<string, unknown> = regional ? { ...raw, location: region } : raw;
    const fullKey = (name: string) =>
        regional && name === "location" ? "gcp:region" : `${namespace}:${name}`;
    const show: Show = (name, value) => (secretKeys.has(fullKey(name)) ? "[secret]" : shown(value));
    const tell = (key: string, path: readonly (string | number)[], value: unknown, message: string) =>
        secretKeys.has(key)
            ? `${key}: [secret] ${withoutSuggestion(message)}`
            : `${key}${configPath(path)}: ${sentence(value, message)}`;
    const say: Say = ([name, ...path], value, message) => tell(fullKey(name), path, value, message);

    const project = v.safeParse(projectId, config["gcp:project"]);
    const own = v.safeParse(schema, given);
    const skipped = config[skipRegionValidation] === "true";
    const newRegion = unknownRegion(given["location"], skipped, say);
    const mistakes = [
        ...(project.issues ?? []).map(({ input, message }) => tell("gcp:project", [], input, message)),
        ...(newRegion !== undefined && !skipped ? [newRegion] : []),
        ...(own.issues ?? []).map(({ path = [], input, message }) =>
            say(path.map(({ key }) => key) as unknown as ConfigPath, input, message),
        ),
        ...unusedKeys(given, say, show),
        ...acrossLists(given, config["gcp:project"] ?? "", say, show),
        ...existingMistakes(given, say),
    ];
    if (mistakes.length > 0 || !own.success || !project.success) {
        return { mistakes };
    }
    const values = own.output;
    const settings: Settings = {
        ...values,
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
            ...[...secretKeys]
                .filter((key) => key.startsWith(`${namespace}:`))
                .map(
                    (key) =>
                        `${key} is encrypted in the configuration, but stands in plain text in state and outputs.`,
                ),
        ],
    };
}

const unsetWhenEmpty = new Set(["location", "description", "existing", "access"]);

/** What is no JSON stays text, so that the schema can say what it found. */
function json(value: string): unknown {
    try {
        return JSON.parse(value);
    } catch {
        return value;
    }
}
