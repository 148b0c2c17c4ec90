import * as pulumi from "@pulumi/pulumi";
import * as v from "valibot";
import { canonicalPrincipal, type PrincipalsByRole, Role } from "../names/principals";
import {
    acrossLists,
    existingMistakes,
    skipRegionValidation,
    unknownRegion,
    unusedKeys,
} from "../validation/checks";
import { entries, isRecord, projectId } from "../validation/schema";
import { configPath, type ConfigPath, type Say, sentence, shown } from "../validation/wording";
import type { RegistryArgs } from "./registry-args";
import type { RepositoryAccessArgs } from "./repository-access";
import type { ServiceAccountArgs } from "./service-account";

// The components' arguments are checked as a stack's configuration is, under the names of their properties. What becomes
// known only later is left out.

/**
 * @param name of the component, for the message
 * @returns the arguments, with each principal in its one spelling
 * @throws pulumi.InputPropertiesError that lists every mistake and names its property
 */
export function checkRegistryArgs(name: string, args: RegistryArgs): RegistryArgs {
    const { project, deletionProtection, description, labels, serviceAccounts = {}, ...own } = args;
    const given = defined({
        ...own,
        serviceAccounts,
        description: known(description),
        labels: isRecord(known(labels)) ? defined(labels as object) : undefined,
        protect: deletionProtection,
    });
    const errors = new Errors(([property, ...path]) => [
        property === "protect" ? "deletionProtection" : property,
        ...path,
    ]);
    errors.find(project, { location: undefined, repository: undefined, ...given });
    if (new pulumi.Config("gcp").get(skipRegionValidation.slice("gcp:".length)) !== "true") {
        unknownRegion(args.location, false, errors.say);
    }
    unusedKeys({ labels: given["labels"], serviceAccounts }, errors.say, (_, value) => shown(value));
    existingMistakes(given, errors.say);
    errors.throwAny(`Registry "${name}"`);
    return {
        ...args,
        readers: (args.readers ?? []).map(canonicalPrincipal),
        writers: (args.writers ?? []).map(canonicalPrincipal),
        admins: (args.admins ?? []).map(canonicalPrincipal),
    };
}

/** @throws pulumi.InputPropertiesError, as `checkRegistryArgs` does */
export function checkServiceAccountArgs(name: string, args: ServiceAccountArgs): void {
    const { project, accountId, existing, displayName, keys } = args;
    const account = defined({ access: Role.reader, existing, displayName: known(displayName), keys });
    const given = { serviceAccounts: { [accountId]: account } };
    const errors = new Errors(([, , property = "accountId", ...path]) => [String(property), ...path]);
    errors.find(project, given);
    existingMistakes(given, errors.say);
    errors.throwAny(`ServiceAccount "${name}"`);
}

/**
 * @returns who is granted which role, each principal in its one spelling
 * @throws pulumi.InputPropertiesError, as `checkRegistryArgs` does
 */
export function checkRepositoryAccessArgs(name: string, args: RepositoryAccessArgs): PrincipalsByRole {
    const { project, principals, allowPublic = false } = args;
    const { reader, writer, admin } = principals;
    const errors = new Errors(([list, ...path]) => ["principals", list.replace(/s$/, ""), ...path]);
    errors.find(project, {
        readers: reader,
        writers: writer,
        admins: admin,
        allowPublic,
        serviceAccounts: {},
    });
    errors.throwAny(`RepositoryAccess "${name}"`);
    return {
        reader: reader.map(canonicalPrincipal),
        writer: writer.map(canonicalPrincipal),
        admin: admin.map(canonicalPrincipal),
    };
}

/** The mistakes in a component's arguments. */
class Errors {
    readonly #errors: pulumi.InputPropertyErrorDetails[] = [];

    /** @param propertyPath of what stands at a path of the configuration */
    constructor(private readonly propertyPath: (path: ConfigPath) => ConfigPath) {}

    readonly say: Say = (path, value, message) => {
        const [property, ...rest] = this.propertyPath(path);
        // How to set a stack's configuration is no help here.
        const reason = sentence(value, message).replace(/ Set it with: .*/s, "");
        this.#errors.push({ propertyPath: `${property}${configPath(rest)}`, reason });
        return message;
    };

    /** Finds what is wrong with single values, and with the lists of principals as a whole. */
    find(project: string, given: Readonly<Record<string, unknown>>): void {
        for (const { input, message } of v.safeParse(projectId, project).issues ?? []) {
            this.#errors.push({ propertyPath: "project", reason: sentence(input, message) });
        }
        for (const [name, schema] of Object.entries(entries)) {
            if (!(name in given)) continue;
            for (const { path = [], input, message } of v.safeParse(schema, given[name]).issues ?? []) {
                this.say([name, ...path.map(({ key }) => key as string | number)], input, message);
            }
        }
        acrossLists(given, typeof project === "string" ? project : "", this.say, (_, value) => shown(value));
    }

    throwAny(component: string): void {
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

/** A value, if it is known now. */
function known(value: unknown): unknown {
    return pulumi.Output.isInstance(value) || value instanceof Promise ? undefined : value;
}

/** The entries that have a value which is known now. */
function defined(values: object): Record<string, unknown> {
    return Object.fromEntries(Object.entries(values).filter(([, value]) => known(value) !== undefined));
}
