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
    unknownKey,
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
const grantSchemas = {
    access: oneOf(roles),
    principal: v.any(),
    identity: v.optional(v.string()),
} satisfies Schemas<WorkloadGrant>;

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
    return {
        ...errors.finish(args),
        ...(workloadSettings as Partial<RegistryArgs>),
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
    return errors.finish(args);
}

/**
 * Checks the arguments of a `RepositoryAccess`. A principal that is an output is checked when it is known: a grant that waits
 * for it then fails.
 *
 * @returns the principals, each in its canonical spelling
 * @throws pulumi.InputPropertiesError that lists every mistake and names its property
 */
export function checkRepositoryAccessArgs(
    name: string,
    args: RepositoryAccessArgs,
): Required<Pick<RepositoryAccessArgs, "principals" | "createdPrincipals" | "workloads">> {
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
        const fields = errors.check(path, grant, grantSchemas);
        const access = fields["access"] as Role;
        const schema = roles.includes(access) ? grantable(access, allowPublic === true) : principal;
        return {
            access,
            principal: errors.parse([...path, "principal"], fields["principal"], schema),
            ...(typeof fields["identity"] === "string" ? { identity: fields["identity"] } : {}),
        };
    });
    const created = errors.checkMap(["createdPrincipals"], given["createdPrincipals"], (path, output) => {
        const key = canonicalPrincipal(String(path[path.length - 1]));
        const message = "is a different principal than its key. Allowed: the principal in the key.";
        const equalsKey = v.check((value: string) => canonicalPrincipal(value) === key, message);
        const schema = v.pipe(principal, equalsKey, v.transform(canonicalPrincipal));
        return errors.parse(path, output, schema);
    });
    errors.finish(args);
    const canonical = (role: Role) => args.principals[role].map(canonicalPrincipal);
    return {
        principals: { reader: canonical("reader"), writer: canonical("writer"), admin: canonical("admin") },
        createdPrincipals: Object.fromEntries(
            Object.entries(created).map(([principal, output]) => [canonicalPrincipal(principal), output]),
        ),
        workloads,
    };
}

const principal = text("an IAM principal");

/** Schema of a principal that can have a role. */
function grantable(role: Role, allowPublic: boolean): v.GenericSchema<unknown, string> {
    const schema = v.pipe(
        principal,
        principalsSchemas[role].item,
        v.check((value) => allowPublic || !isPublic(value), publicReader),
        v.transform(canonicalPrincipal),
    );
    return v.config(schema, { abortPipeEarly: true });
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

    /** @param propertyPath converts a path in the configuration to a path in the arguments */
    constructor(
        private readonly component: string,
        private readonly propertyPath: (path: ConfigPath) => Path = (path) => path,
    ) {}

    /** Reports a mistake under its path in the configuration. */
    readonly report: ReportMistake = (path, value, message) => {
        this.#add(this.propertyPath(path), value, message);
    };

    #add([property = "args", ...rest]: Path, value: unknown, message: string): void {
        // Commands that set the configuration of a stack don't apply to arguments.
        const reason = withValue(value, message).replace(/ Set it with: .*/s, "");
        this.#errors.push({ propertyPath: `${property}${configPath(rest)}`, reason });
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
            if (path.length === 0) this.#throwIfAny();
            return {};
        }
        for (const key of Object.keys(given).filter((each) => !known.includes(each))) {
            this.#add([...path, key], key, unknownKey(formatJson(plain(given[key])), key, known));
        }
        const values: Record<string, unknown> = {};
        for (const [key, schema] of Object.entries(schemas)) {
            const value = given[key];
            if (value === undefined && /optional/.test(schema.type)) continue;
            // The caller checks what can be anything.
            if (schema.type === "any" || !hasOutput(value)) {
                this.#parse([...path, key], value, schema);
                values[key] = value;
            } else if (inputs.includes(key)) {
                this.#pending.push([key, schema]);
            } else {
                const reason =
                    "is an output. Allowed: a plain value, so that a preview shows what is created.";
                this.#add([...path, key], undefined, reason);
            }
        }
        return values;
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
        unknownRegion(location, false, (path, value, message) => {
            this.#add(path, value, message);
        });
    }

    /** Parses a value now, or an output when it is known: then a mistake fails the update. */
    parse<T>(path: Path, given: unknown, schema: v.GenericSchema<unknown, T>): pulumi.Input<T> {
        if (!hasOutput(given)) return this.#parse(path, given, schema).output as T;
        return pulumi.output(given as object).apply((value: unknown) => {
            const result = this.#parse(path, value, schema);
            if (!result.success) throw userError(this.#message("."));
            return result.output;
        });
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
            this.parse([key], given[key], schema),
        ]);
        return { ...args, ...Object.fromEntries(checked) };
    }

    #isMap(path: Path, given: unknown, allowed: string): given is Record<string, unknown> {
        if (isRecord(given) && !isOutput(given)) return true;
        const what = isOutput(given) ? "is an output, not a map." : typeMismatch(given, "a map");
        this.#add(path, plain(given), `${what} Allowed: ${allowed}.`);
        return false;
    }

    #parse<T>(
        path: Path,
        value: unknown,
        schema: v.GenericSchema<unknown, T>,
    ): v.SafeParseResult<typeof schema> {
        const result = v.safeParse(schema, value);
        for (const { path: below = [], input, message } of result.issues ?? []) {
            this.#add([...path, ...below.map(({ key }) => key as string | number)], input, message);
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
