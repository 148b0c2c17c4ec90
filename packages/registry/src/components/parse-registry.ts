import * as v from "valibot";
import { KeyringProvider, PublicPackages } from "../clients/client";
import { normalizedName } from "../names/package-names";
import { canonicalPrincipal } from "../names/principals";
import {
    concernsLifecycle,
    concernsWorkloads,
    existingMistakes,
    ignoredKeys,
    policyMistakes,
    unknownRegion,
} from "../validation/checks";
import { boolean, entries, projectId } from "../validation/schema";
import type { FormatValue, ReportMistake } from "../validation/wording";
import type { LifecycleSettings } from "../lifecycle/settings";
import type { Mirror } from "../validation/mirror";
import type { WorkloadSettings } from "../workloads/settings";
import type { RegistryArgs } from "./registry-args";

// One parser for what a registry can be given: the configuration of a stack and the arguments of the component.

const { protect: deletionProtection, ...shared } = entries;
/** The schema of each argument. */
export const registrySchemas = {
    project: projectId,
    ...shared,
    repository: v.unwrap(entries.repository),
    deletionProtection,
    skipRegionValidation: v.optional(boolean, false),
} satisfies { readonly [K in keyof Required<RegistryArgs>]: v.GenericSchema };

/** The arguments that can be outputs, because nothing is named after them. */
export type InputArgs = Pick<RegistryArgs, "description" | "labels">;

type WorkloadArgs = "workloads" | "pool" | "projectNumber";
type LifecycleArgs = keyof LifecycleSettings | "mirror";
type Complete = "readers" | "writers" | "admins" | "keyring" | "publicPackages" | "internalPackages";
interface Values
    extends
        Omit<RegistryArgs, WorkloadArgs | LifecycleArgs | Complete>,
        Required<Pick<RegistryArgs, Complete>>,
        LifecycleSettings {
    /** Undefined if no setting concerns workloads. */
    readonly workloads?: WorkloadSettings["workloads"];
    readonly pool?: WorkloadSettings["pool"];
    readonly projectNumber?: string;
    /** Undefined without a mirror. */
    readonly mirror?: Mirror;
}

/** What a registry is given, after it was parsed: principals and names are in their canonical spelling, and each id is text. */
export interface ParsedRegistry extends Values {
    readonly [brand]: true;
}
const brand = Symbol("parsed");

/** Whether arguments were parsed already. A copy of them was not: it could have other values. */
export function isParsed(args: object): args is ParsedRegistry {
    return brand in args;
}

/** How `parseRegistry` reports mistakes. */
export interface RegistryReport {
    readonly report: ReportMistake;
    readonly formatValue: FormatValue;
    /** What to do if a region is new; undefined if it is accepted. */
    readonly forNewRegion: string | undefined;
    /** Reports mistakes in workloads, if not as all others. */
    readonly reportWorkload?: ReportMistake;
    /** Reports mistakes in `cleanup`, `encryption` and `auditLogs`, if not as all others. */
    readonly reportLifecycle?: ReportMistake;
}

/**
 * Parses what a registry is given.
 *
 * @param given all values that are known
 * @param later values that are not known yet, which take the place of those in `given`
 * @returns undefined if a mistake was reported
 */
export function parseRegistry(
    given: Readonly<Record<string, unknown>>,
    { report, formatValue, forNewRegion, reportWorkload, reportLifecycle }: RegistryReport,
    later: InputArgs = {},
): ParsedRegistry | undefined {
    let mistakes = 0;
    const refuse =
        (reportTo: ReportMistake): ReportMistake =>
        (...mistake) => {
            mistakes += 1;
            reportTo(...mistake);
        };
    const refused = refuse(report);
    if (forNewRegion !== undefined) unknownRegion(given["location"], forNewRegion, refused);
    const values: Record<string, unknown> = {};
    for (const [key, schema] of Object.entries<v.GenericSchema>(registrySchemas)) {
        if ((given[key] === undefined && schema.type.includes("optional")) || key in later) continue;
        values[key] = parseValue(key, given[key], refused);
    }
    const { labels, serviceAccounts = {} } = given;
    const project = typeof given["project"] === "string" ? given["project"] : "";
    const withAccounts = { ...given, serviceAccounts };
    ignoredKeys({ labels, serviceAccounts }, refused, formatValue);
    policyMistakes(withAccounts, project, refused, formatValue);
    existingMistakes(withAccounts, project, refused);
    const workloads = concernsWorkloads(given)
        ? workloadsModule().parseWorkloadSettings(withAccounts, refuse(reportWorkload ?? report))
        : undefined;
    const lifecycle = concernsLifecycle(given)
        ? lifecycleModule().parseLifecycleSettings(given, refuse(reportLifecycle ?? report))
        : undefined;
    if (given["cooldown"] !== undefined) cooldownModule().cooldownMistakes(given, refused, formatValue);
    const mirror =
        given["publicPackages"] === PublicPackages.mirror || given["mirror"] !== undefined
            ? mirrorModule().parseMirror(given, refused, formatValue)
            : undefined;
    if (mistakes > 0) return undefined;
    // What these parsers know takes the place of what was given.
    const {
        workloads: _workloads,
        pool: _pool,
        projectNumber: _number,
        cleanup: _cleanup,
        encryption: _encryption,
        auditLogs: _auditLogs,
        mirror: _mirror,
        ...others
    } = values as unknown as RegistryArgs;
    const { readers = [], writers = [], admins = [], internalPackages = [] } = others;
    const parsed: Values = {
        ...others,
        ...later,
        ...workloads,
        ...lifecycle,
        ...(mirror && { mirror }),
        readers: readers.map(canonicalPrincipal),
        writers: writers.map(canonicalPrincipal),
        admins: admins.map(canonicalPrincipal),
        keyring: others.keyring ?? KeyringProvider.auto,
        publicPackages: others.publicPackages ?? PublicPackages.pypi,
        internalPackages: internalPackages.map(normalizedName),
    };
    return Object.defineProperty(parsed, brand, { value: true }) as ParsedRegistry;
}

/** Parses one argument. A mistake is reported. */
export function parseValue(key: string, value: unknown, report: ReportMistake): unknown {
    const schema: v.GenericSchema = registrySchemas[key as keyof RegistryArgs];
    const { issues = [], output } = v.safeParse(schema, value);
    for (const { path = [], input, message } of issues) {
        report([key, ...path.map((each) => each.key as string | number)], input, message);
    }
    return output;
}

/** A registry without workloads does not load this module. */
export function workloadsModule(): typeof import("../workloads/settings") {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- import() would make the constructor asynchronous
    return require("../workloads/settings") as typeof import("../workloads/settings");
}

/** A registry without a mirror does not load this module. */
function mirrorModule(): typeof import("../validation/mirror") {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- import() would make the constructor asynchronous
    return require("../validation/mirror") as typeof import("../validation/mirror");
}

/** A registry without a cooldown does not load this module. */
function cooldownModule(): typeof import("../validation/cooldown") {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- import() would make the constructor asynchronous
    return require("../validation/cooldown") as typeof import("../validation/cooldown");
}

/** A registry that sets nothing about the life of its repository does not load this module. */
export function lifecycleModule(): typeof import("../lifecycle/settings") {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- import() would make the constructor asynchronous
    return require("../lifecycle/settings") as typeof import("../lifecycle/settings");
}
