import * as pulumi from "@pulumi/pulumi";
import * as v from "valibot";
import { canonicalPrincipal, type PrincipalsByRole, Role } from "../names/principals";
import {
    existingMistakes,
    policyMistakes,
    skipRegionValidation,
    unknownKeys,
    unknownRegion,
} from "../validation/checks";
import { entries, isRecord, projectId } from "../validation/schema";
import {
    configPath,
    type ConfigPath,
    formatJson,
    type ReportMistake,
    withValue,
} from "../validation/wording";
import type { RegistryArgs } from "./registry-args";
import type { RepositoryAccessArgs } from "./repository-access";
import type { ServiceAccountArgs } from "./service-account";

// Checks the arguments of components with the schema of the stack's configuration, and reports mistakes under the names of
// the properties. A value that is not known yet is not checked.

/**
 * Checks the arguments of a `Registry`.
 *
 * @param name the name of the component, for the message
 * @returns the arguments, with each principal in its canonical spelling
 * @throws pulumi.InputPropertiesError that lists every mistake and names its property
 */
export function checkRegistryArgs(name: string, args: RegistryArgs): RegistryArgs {
    const { project, deletionProtection, description, labels, serviceAccounts = {}, ...otherArgs } = args;
    const given = defined({
        ...otherArgs,
        serviceAccounts,
        description: known(description),
        labels: isRecord(known(labels)) ? defined(labels as object) : undefined,
        protect: deletionProtection,
    });
    const errors = new ArgumentErrors(([property, ...path]) => [
        property === "protect" ? "deletionProtection" : property,
        ...path,
    ]);
    errors.check(project, { location: undefined, repository: undefined, ...given });
    if (new pulumi.Config("gcp").get(skipRegionValidation.slice("gcp:".length)) !== "true") {
        unknownRegion(args.location, false, errors.report);
    }
    unknownKeys({ labels: given["labels"], serviceAccounts }, errors.report, (_, value) => formatJson(value));
    existingMistakes(given, project, errors.report);
    const workloadSettings = concernsWorkloads(args)
        ? workloadsModule().parseWorkloadSettings(args, errors.report)
        : undefined;
    errors.throwIfAny(`Registry "${name}"`);
    return {
        ...args,
        ...(workloadSettings as Partial<RegistryArgs>),
        readers: (args.readers ?? []).map(canonicalPrincipal),
        writers: (args.writers ?? []).map(canonicalPrincipal),
        admins: (args.admins ?? []).map(canonicalPrincipal),
    };
}

/**
 * Checks the arguments of a `ServiceAccount`.
 *
 * @throws pulumi.InputPropertiesError that lists every mistake and names its property
 */
export function checkServiceAccountArgs(name: string, args: ServiceAccountArgs): void {
    const { project, accountId, existing, displayName, keys } = args;
    const account = defined({ access: Role.reader, existing, displayName: known(displayName), keys });
    const given = { serviceAccounts: { [accountId]: account } };
    const errors = new ArgumentErrors(([, , property = "accountId", ...path]) => [String(property), ...path]);
    errors.check(project, given);
    existingMistakes(given, project, errors.report);
    errors.throwIfAny(`ServiceAccount "${name}"`);
}

/**
 * Checks the arguments of a `RepositoryAccess`.
 *
 * @returns the principals of each role, in their canonical spelling
 * @throws pulumi.InputPropertiesError that lists every mistake and names its property
 */
export function checkRepositoryAccessArgs(name: string, args: RepositoryAccessArgs): PrincipalsByRole {
    const { project, principals, allowPublic = false } = args;
    const { reader, writer, admin } = principals;
    const errors = new ArgumentErrors(([list, ...path]) => ["principals", list.replace(/s$/, ""), ...path]);
    errors.check(project, {
        readers: reader,
        writers: writer,
        admins: admin,
        allowPublic,
        serviceAccounts: {},
    });
    errors.throwIfAny(`RepositoryAccess "${name}"`);
    return {
        reader: reader.map(canonicalPrincipal),
        writer: writer.map(canonicalPrincipal),
        admin: admin.map(canonicalPrincipal),
    };
}

function concernsWorkloads({ workloads, pool, projectNumber }: RegistryArgs): boolean {
    return [workloads, pool, projectNumber].some((value) => value !== undefined);
}

/** A registry without workloads does not load this module. */
function workloadsModule(): typeof import("../workloads/settings") {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- import() would make the constructor asynchronous
    return require("../workloads/settings") as typeof import("../workloads/settings");
}

/** Collects the mistakes in the arguments of a component. */
class ArgumentErrors {
    readonly #errors: pulumi.InputPropertyErrorDetails[] = [];

    /** @param propertyPath converts a path in the configuration to a path in the arguments */
    constructor(private readonly propertyPath: (path: ConfigPath) => ConfigPath) {}

    readonly report: ReportMistake = (path, value, message) => {
        const [property, ...rest] = this.propertyPath(path);
        // Commands that set the configuration of a stack don't apply to arguments.
        const reason = withValue(value, message).replace(/ Set it with: .*/s, "");
        this.#errors.push({ propertyPath: `${property}${configPath(rest)}`, reason });
        return message;
    };

    /** Collects the mistakes in single values, and in the lists of principals as a whole. */
    check(project: string, given: Readonly<Record<string, unknown>>): void {
        for (const { input, message } of v.safeParse(projectId, project).issues ?? []) {
            this.#errors.push({ propertyPath: "project", reason: withValue(input, message) });
        }
        for (const [name, schema] of Object.entries(entries)) {
            if (!(name in given)) continue;
            for (const { path = [], input, message } of v.safeParse(schema, given[name]).issues ?? []) {
                this.report([name, ...path.map(({ key }) => key as string | number)], input, message);
            }
        }
        policyMistakes(given, typeof project === "string" ? project : "", this.report, (_, value) =>
            formatJson(value),
        );
    }

    /** @throws pulumi.InputPropertiesError if there are mistakes */
    throwIfAny(component: string): void {
        const errors = this.#errors;
        if (errors.length === 0) return;
        const count = errors.length === 1 ? "a mistake" : `${errors.length} mistakes`;
        throw new pulumi.InputPropertiesError({
            message:
                `The arguments of ${component} have ${count}; nothing was changed.\n` +
                errors.map(({ propertyPath, reason }) => `  - ${propertyPath}: ${reason}`).join("\n"),
            errors,
        });
    }
}

/** The value, or undefined if it is an output or a promise. */
function known(value: unknown): unknown {
    return pulumi.Output.isInstance(value) || value instanceof Promise ? undefined : value;
}

/** The entries whose value is known and not undefined. */
function defined(values: object): Record<string, unknown> {
    return Object.fromEntries(Object.entries(values).filter(([, value]) => known(value) !== undefined));
}
