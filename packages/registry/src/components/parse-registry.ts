import * as pulumi from "@pulumi/pulumi";
import * as v from "valibot";
import { canonicalPrincipal } from "../names/principals";
import {
    concernsWorkloads,
    existingMistakes,
    ignoredKeys,
    policyMistakes,
    unknownRegion,
} from "../validation/checks";
import { boolean, entries, isRecord, projectId } from "../validation/schema";
import {
    configPath,
    formatJson,
    type FormatValue,
    type ReportMistake,
    typeMismatch,
    unknownKey,
    withValue,
} from "../validation/wording";
import type { WorkloadSettings } from "../workloads/settings";
import type { RegistryArgs } from "./registry-args";
import { userError } from "./user-error";

// Parses the arguments of a registry with the schema of the stack's configuration, and reports mistakes under the names of
// the properties. Callers without types, such as programs in other languages, can pass anything.

const place = { location: entries.location, repository: v.unwrap(entries.repository) };
const { protect: deletionProtection, ...shared } = entries;
const registrySchemas = {
    project: projectId,
    ...shared,
    ...place,
    deletionProtection,
    skipRegionValidation: v.optional(boolean, false),
} satisfies Schemas<RegistryArgs>;

/** The arguments of a registry after they are parsed. Principals are in their canonical spelling, and each id is text. */
export interface ParsedRegistry extends Omit<
    RegistryArgs,
    "readers" | "writers" | "admins" | "workloads" | "pool" | "projectNumber"
> {
    readonly readers: readonly string[];
    readonly writers: readonly string[];
    readonly admins: readonly string[];
    /** Undefined if no setting concerns workloads. */
    readonly workloads?: WorkloadSettings["workloads"];
    readonly pool?: WorkloadSettings["pool"];
    readonly projectNumber?: string;
}

/**
 * Parses the arguments of a `Registry`.
 *
 * @param name the name of the component, for the message
 * @throws pulumi.InputPropertiesError that lists every mistake and names its property
 */
export function parseRegistry(name: string, args: RegistryArgs): ParsedRegistry {
    const errors = new ArgumentErrors(`Registry "${name}"`);
    const given = errors.check(args, registrySchemas, ["description", "labels"]);
    const { project, labels, serviceAccounts = {} } = given;
    if (given["skipRegionValidation"] !== true) {
        unknownRegion(given["location"], "set skipRegionValidation to true to accept it", errors.report);
    }
    ignoredKeys({ labels, serviceAccounts }, errors.report, format);
    const withAccounts = { ...given, serviceAccounts };
    policyMistakes(withAccounts, textOr(project), errors.report, format);
    existingMistakes(withAccounts, textOr(project), errors.report);
    const workloadSettings = concernsWorkloads(given)
        ? workloadsModule().parseWorkloadSettings(given, errors.report)
        : undefined;
    const { workloads: _workloads, pool: _pool, projectNumber: _number, ...others } = errors.finish(args);
    return {
        ...others,
        ...workloadSettings,
        readers: (args.readers ?? []).map(canonicalPrincipal),
        writers: (args.writers ?? []).map(canonicalPrincipal),
        admins: (args.admins ?? []).map(canonicalPrincipal),
    };
}

const format: FormatValue = (_, value) => formatJson(value);

/** A registry without workloads does not load this module. */
function workloadsModule(): typeof import("../workloads/settings") {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- import() would make the constructor asynchronous
    return require("../workloads/settings") as typeof import("../workloads/settings");
}

/** A schema for each property, so that every property is checked. */
type Schemas<T> = { readonly [K in keyof Required<T>]: v.GenericSchema };
type Path = readonly (string | number)[];

/** Collects the mistakes in the arguments of a component. */
class ArgumentErrors {
    readonly #errors: pulumi.InputPropertyErrorDetails[] = [];
    /** The arguments that are outputs, with their schemas. */
    readonly #pending: [key: string, schema: v.GenericSchema][] = [];

    constructor(private readonly component: string) {}

    /** Reports a mistake. */
    readonly report: ReportMistake = (path, value, message) => {
        this.#add(path, value, message);
    };

    #add([property = "args", ...rest]: Path, value: unknown, message: string): void {
        // Commands that set the configuration of a stack don't apply to arguments.
        const reason = withValue(value, message).replace(/ Set it with: .*/s, "");
        this.#errors.push({ propertyPath: `${property}${configPath(rest)}`, reason });
    }

    /**
     * Checks the arguments one by one.
     *
     * @param inputs the keys whose values can be outputs
     * @returns the values that are known
     */
    check(
        given: unknown,
        schemas: Readonly<Record<string, v.GenericSchema>>,
        inputs: readonly string[] = [],
    ): Record<string, unknown> {
        const known = Object.keys(schemas);
        if (!isRecord(given) || isOutput(given)) {
            const what = isOutput(given) ? "is an output, not a map." : typeMismatch(given, "a map");
            this.#add([], plain(given), `${what} Allowed: a map with the keys ${known.join(", ")}.`);
            this.#throwIfAny();
            return {};
        }
        for (const key of Object.keys(given).filter((each) => !known.includes(each))) {
            this.#add([key], key, unknownKey(formatJson(plain(given[key])), key, known));
        }
        const values: Record<string, unknown> = {};
        for (const [key, schema] of Object.entries(schemas)) {
            const value = given[key];
            if (value === undefined && /optional/.test(schema.type)) continue;
            if (!hasOutput(value)) {
                this.#parse(key, value, schema);
                values[key] = value;
            } else if (inputs.includes(key)) {
                this.#pending.push([key, schema]);
            } else {
                const reason =
                    "is an output. Allowed: a plain value, so that a preview shows what is created.";
                this.#add([key], undefined, reason);
            }
        }
        return values;
    }

    /**
     * @returns the arguments, in which outputs are checked when they are known
     * @throws pulumi.InputPropertiesError if there are mistakes
     */
    finish<T extends object>(args: T): T {
        this.#throwIfAny();
        const given = args as Readonly<Record<string, unknown>>;
        const checked = this.#pending.map(([key, schema]): [string, unknown] => [
            key,
            pulumi.output(given[key] as object).apply((value: unknown) => {
                const result = this.#parse(key, value, schema);
                if (!result.success) throw userError(this.#message("."));
                return result.output;
            }),
        ]);
        return { ...args, ...Object.fromEntries(checked) };
    }

    #parse(key: string, value: unknown, schema: v.GenericSchema): v.SafeParseResult<typeof schema> {
        const result = v.safeParse(schema, value);
        for (const { path: below = [], input, message } of result.issues ?? []) {
            this.#add([key, ...below.map((each) => each.key as string | number)], input, message);
        }
        return result;
    }

    #message(end: string): string {
        const errors = this.#errors;
        const count = errors.length === 1 ? "a mistake" : `${errors.length} mistakes`;
        return (
            `The arguments of ${this.component} have ${count}${end}\n` +
            errors.map(({ propertyPath, reason }) => `  - ${propertyPath}: ${reason}`).join("\n")
        );
    }

    #throwIfAny(): void {
        if (this.#errors.length === 0) return;
        throw new pulumi.InputPropertiesError({
            message: this.#message("; nothing was changed."),
            errors: this.#errors,
        });
    }
}

function isOutput(value: unknown): boolean {
    return pulumi.Output.isInstance(value) || value instanceof Promise || pulumi.Resource.isInstance(value);
}

/** Whether a value is an output, or has one in its lists and maps. */
function hasOutput(value: unknown): boolean {
    return (
        isOutput(value) ||
        (typeof value === "object" && value !== null && Object.values(value).some(hasOutput))
    );
}

/** A value for a message; undefined if it cannot be shown. */
function plain(value: unknown): unknown {
    return hasOutput(value) ? undefined : value;
}

function textOr(value: unknown): string {
    return typeof value === "string" ? value : "";
}
