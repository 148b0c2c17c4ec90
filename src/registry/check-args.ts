import * as pulumi from "@pulumi/pulumi";
import * as v from "valibot";
import { canonicalPrincipal, isPublic, type PrincipalsByRole, Role, roles } from "../names/principals";
import {
    concernsWorkloads,
    existingMistakes,
    ignoredKeys,
    policyMistakes,
    publicReader,
    skipRegionValidation,
    unknownKey,
    unknownRegion,
} from "../validation/checks";
import { accountEntries, accountId, entries, isRecord, oneOf, projectId, text } from "../validation/schema";
import {
    configPath,
    type ConfigPath,
    formatJson,
    type FormatValue,
    type ReportMistake,
    typeMismatch,
    withValue,
} from "../validation/wording";
import type { RegistryArgs } from "./registry-args";
import type { RepositoryAccessArgs, WorkloadGrant } from "./repository-access";
import type { ServiceAccountArgs } from "./service-account";
import { userError } from "./user-error";

// Checks the arguments of components with the schema of the stack's configuration, and reports mistakes under the names of
// the properties. Callers without types, such as programs in other languages, can pass anything.

const place = { location: entries.location, repository: v.unwrap(entries.repository) };
const { keyring: _keyring, internalPackages: _packages, protect: deletionProtection, ...shared } = entries;
const registrySchemas = {
    project: projectId,
    ...shared,
    ...place,
    deletionProtection,
} satisfies Schemas<RegistryArgs>;
const { existing, displayName, keys } = accountEntries;
const accountSchemas = {
    project: projectId,
    accountId,
    existing,
    displayName,
    keys,
    createdBy: v.any(),
} satisfies Schemas<ServiceAccountArgs>;
const name = text("a name");
const creatorSchemas = { organization: name, project: name, stack: name };
const accessSchemas = {
    project: projectId,
    ...place,
    principals: v.any(),
    mode: v.unwrap(entries.access),
    origin: v.exactOptional(oneOf(["created", "adopted", "used"])),
    allowPublic: entries.allowPublic,
    createdPrincipals: v.any(),
    workloads: v.any(),
} satisfies Schemas<RepositoryAccessArgs>;
const principalsSchemas = {
    reader: v.unwrap(entries.readers),
    writer: v.unwrap(entries.writers),
    admin: v.unwrap(entries.admins),
} satisfies Schemas<PrincipalsByRole>;
const grantSchemas = { access: oneOf(roles), principal: v.any() } satisfies Schemas<WorkloadGrant>;

/**
 * Checks the arguments of a `Registry`.
 *
 * @param name the name of the component, for the message
 * @returns the arguments, with each principal in its canonical spelling
 * @throws pulumi.InputPropertiesError that lists every mistake and names its property
 */
export function checkRegistryArgs(name: string, args: RegistryArgs): RegistryArgs {
    const errors = new ArgumentErrors(`Registry "${name}"`);
    const given = errors.check([], args, registrySchemas, ["description", "labels"]);
    const { project, labels, serviceAccounts = {} } = given;
    errors.checkRegion(given);
    ignoredKeys({ labels, serviceAccounts }, errors.report, format);
    const withAccounts = { ...given, serviceAccounts };
    policyMistakes(withAccounts, textOr(project), errors.report, format);
    existingMistakes(withAccounts, textOr(project), errors.report);
    const workloadSettings = concernsWorkloads(given)
        ? workloadsModule().parseWorkloadSettings(given, errors.report)
        : undefined;
    errors.throwIfAny();
    return {
        ...args,
        ...(workloadSettings as Partial<RegistryArgs>),
        ...errors.whenKnown(args, registrySchemas, ["description", "labels"]),
        readers: (args.readers ?? []).map(canonicalPrincipal),
        writers: (args.writers ?? []).map(canonicalPrincipal),
        admins: (args.admins ?? []).map(canonicalPrincipal),
    };
}

/**
 * Checks the arguments of a `ServiceAccount`.
 *
 * @returns the arguments
 * @throws pulumi.InputPropertiesError that lists every mistake and names its property
 */
export function checkServiceAccountArgs(name: string, args: ServiceAccountArgs): ServiceAccountArgs {
    const errors = new ArgumentErrors(`ServiceAccount "${name}"`, ([, , ...path]) => path);
    const given = errors.check([], args, accountSchemas, ["displayName"]);
    const { project, accountId: id, createdBy, ...account } = given;
    errors.check(["createdBy"], createdBy, creatorSchemas);
    existingMistakes({ serviceAccounts: { [textOr(id)]: account } }, textOr(project), errors.report);
    errors.throwIfAny();
    return { ...args, ...errors.whenKnown(args, accountSchemas, ["displayName"]) };
}

/** The arguments of a `RepositoryAccess` that were checked, or are when they are known. */
export interface CheckedAccess {
    /** In their canonical spelling. */
    readonly principals: PrincipalsByRole;
    /** From canonical principal to the same principal as an output. */
    readonly createdPrincipals: ReadonlyMap<string, pulumi.Input<string>>;
    readonly workloads: Readonly<Record<string, WorkloadGrant>>;
}

/**
 * Checks the arguments of a `RepositoryAccess`. A principal that is an output is checked when it is known: a grant that waits
 * for it then fails.
 *
 * @throws pulumi.InputPropertiesError that lists every mistake and names its property
 */
export function checkRepositoryAccessArgs(name: string, args: RepositoryAccessArgs): CheckedAccess {
    const errors = new ArgumentErrors(`RepositoryAccess "${name}"`, ([list, ...path]) => [
        "principals",
        list.replace(/s$/, ""),
        ...path,
    ]);
    const given = errors.check([], args, accessSchemas);
    const { project, allowPublic } = given;
    const principals = errors.check(["principals"], given["principals"], principalsSchemas);
    errors.checkRegion(given);
    const { reader: readers, writer: writers, admin: admins } = principals;
    policyMistakes(
        { readers, writers, admins, allowPublic, serviceAccounts: {}, workloads: given["workloads"] },
        textOr(project),
        errors.report,
        format,
    );
    const workloads = errors.checkMap(["workloads"], given["workloads"], (path, grant) => {
        const { access, principal } = errors.check(path, grant, grantSchemas);
        return {
            access: access as Role,
            principal: errors.principal([...path, "principal"], principal, (value) =>
                grantMistake(value, access, allowPublic === true),
            ),
        };
    });
    const created = errors.checkMap(["createdPrincipals"], given["createdPrincipals"], (path, principal) =>
        errors.principal(path, principal, (value) =>
            canonicalPrincipal(value) === canonicalPrincipal(String(path[path.length - 1]))
                ? undefined
                : "is a different principal than its key. Allowed: the principal in the key.",
        ),
    );
    errors.throwIfAny();
    const canonical = (role: Role) => args.principals[role].map(canonicalPrincipal);
    return {
        principals: { reader: canonical("reader"), writer: canonical("writer"), admin: canonical("admin") },
        createdPrincipals: new Map(
            Object.entries(created).map(([principal, output]) => [canonicalPrincipal(principal), output]),
        ),
        workloads,
    };
}

/** Why a principal cannot have a role; undefined if it can. */
function grantMistake(principal: string, role: unknown, allowPublic: boolean): string | undefined {
    const known = roles.find((each) => each === role);
    if (known === undefined) return undefined;
    const [issue] = v.safeParse(principalsSchemas[known], [principal]).issues ?? [];
    return issue?.message ?? (isPublic(principal) && !allowPublic ? publicReader : undefined);
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

    /** @param propertyPath converts a path in the configuration to a path in the arguments */
    constructor(
        private readonly component: string,
        private readonly propertyPath: (path: ConfigPath) => Path = (path) => path,
    ) {}

    /** Reports a mistake under its path in the configuration. */
    readonly report: ReportMistake = (path, value, message) =>
        this.#add(this.propertyPath(path), value, message);

    #add([property = "args", ...rest]: Path, value: unknown, message: string): string {
        // Commands that set the configuration of a stack don't apply to arguments.
        const reason = withValue(value, message).replace(/ Set it with: .*/s, "");
        this.#errors.push({ propertyPath: `${property}${configPath(rest)}`, reason });
        return message;
    }

    /**
     * Checks a map with fixed keys.
     *
     * @param inputs the keys whose values can be outputs
     * @returns the values that are known
     */
    check(
        path: Path,
        given: unknown,
        schemas: Readonly<Record<string, v.GenericSchema>>,
        inputs: readonly string[] = [],
    ): Record<string, unknown> {
        const known = Object.keys(schemas);
        if (!this.#isMap(path, given, `a map with the keys ${known.join(", ")}`)) {
            if (path.length === 0) this.throwIfAny();
            return {};
        }
        for (const key of Object.keys(given).filter((each) => !known.includes(each))) {
            this.#add([...path, key], key, unknownKey(formatJson(plain(given[key])), key, known));
        }
        return Object.fromEntries(
            Object.entries(schemas).flatMap(([key, schema]): [string, unknown][] => {
                const value = given[key];
                // The caller checks it.
                if (schema.type === "any") return [[key, value]];
                if (value === undefined && /optional/.test(schema.type)) return [];
                if (!hasOutput(value)) {
                    this.#parse([...path, key], value, schema);
                    return [[key, value]];
                }
                if (!inputs.includes(key)) {
                    const reason =
                        "is an output. Allowed: a plain value, so that a preview shows what is created.";
                    this.#add([...path, key], undefined, reason);
                }
                return [];
            }),
        );
    }

    /** Checks a map with any keys; undefined is an empty map. */
    checkMap<T>(path: Path, given: unknown, check: (path: Path, value: unknown) => T): Record<string, T> {
        if (given === undefined || !this.#isMap(path, given, "a map")) return {};
        return Object.fromEntries(
            Object.entries(given).map(([key, value]) => [key, check([...path, key], value)]),
        );
    }

    /** Checks a location as the configuration is checked. */
    checkRegion({ location }: Readonly<Record<string, unknown>>): void {
        if (new pulumi.Config("gcp").get(skipRegionValidation.slice("gcp:".length)) === "true") return;
        unknownRegion(location, false, (_, value, message) => this.#add(["location"], value, message));
    }

    /** A principal whose mistake is reported now, or fails the update when the principal is known. */
    principal(
        path: Path,
        given: unknown,
        mistake: (value: string) => string | undefined,
    ): pulumi.Output<string> {
        const check = (value: unknown) =>
            typeof value === "string"
                ? mistake(value)
                : `${typeMismatch(value, "a string")} Allowed: an IAM principal.`;
        if (isOutput(given)) {
            return pulumi.output(given as string).apply((value: unknown) => {
                const message = check(value);
                if (message === undefined) return canonicalPrincipal(value as string);
                this.#add(path, value, message);
                throw userError(this.#message("."));
            });
        }
        const message = check(given);
        if (message !== undefined) this.#add(path, given, message);
        return pulumi.output(message === undefined ? canonicalPrincipal(given as string) : "");
    }

    /** The inputs that have outputs. If one of them has a mistake when it is known, the update fails. */
    whenKnown<T extends object>(
        args: T,
        schemas: Schemas<T>,
        inputs: readonly (keyof T & string)[],
    ): Partial<T> {
        const pending = inputs.filter((key) => hasOutput(args[key]));
        const checked = (key: keyof T & string) =>
            pulumi.output(args[key] as object).apply((value: unknown) => {
                this.#parse([key], value, schemas[key]);
                if (this.#errors.length > 0) throw userError(this.#message("."));
                return value;
            });
        return Object.fromEntries(pending.map((key) => [key, checked(key)])) as Partial<T>;
    }

    #isMap(path: Path, given: unknown, allowed: string): given is Record<string, unknown> {
        if (isRecord(given) && !isOutput(given)) return true;
        const what = isOutput(given) ? "is an output, not a map." : typeMismatch(given, "a map");
        this.#add(path, plain(given), `${what} Allowed: ${allowed}.`);
        return false;
    }

    #parse(path: Path, value: unknown, schema: v.GenericSchema): void {
        for (const { path: below = [], input, message } of v.safeParse(schema, value).issues ?? []) {
            this.#add([...path, ...below.map(({ key }) => key as string | number)], input, message);
        }
    }

    #message(end: string): string {
        const errors = this.#errors;
        const count = errors.length === 1 ? "a mistake" : `${errors.length} mistakes`;
        return (
            `The arguments of ${this.component} have ${count}${end}\n` +
            errors.map(({ propertyPath, reason }) => `  - ${propertyPath}: ${reason}`).join("\n")
        );
    }

    /** @throws pulumi.InputPropertiesError if there are mistakes */
    throwIfAny(): void {
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
