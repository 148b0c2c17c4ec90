import * as pulumi from "@pulumi/pulumi";
import * as v from "valibot";
import { canonicalPrincipal, type Role } from "../names/principals";
import {
    acrossLists,
    existingMistakes,
    skipRegionValidation,
    unknownRegion,
    unusedKeys,
} from "../validation/checks";
import { isRecord, projectId, schema } from "../validation/schema";
import { configPath, type Say, sentence, shown } from "../validation/wording";
import type { Existing } from "./existing";
import type { AccessMode } from "./repository-access";

/** A dedicated service account of a registry. */
export interface RegistryServiceAccountArgs {
    /** Its role on the repository. */
    readonly access: Role;
    /** The account exists already: `use` leaves it to its owner, `adopt` brings it under the stack. */
    readonly existing?: Existing;
    /** At most 100 bytes in UTF-8. */
    readonly displayName?: string;
    /** Names of its key generations, oldest first; the last is the current one. None by default. */
    readonly keys?: string[];
}

/**
 * What a registry is made of. What names it (project, location, repository, accounts, principals) is plain, so that
 * addresses and client files are complete in a preview.
 */
export interface RegistryArgs {
    /** Project id, domain-scoped (`example.com:tools`) or not. */
    readonly project: string;
    /** Region or multi-region. */
    readonly location: string;
    /** Repository id. */
    readonly repository: string;
    /** The repository exists already: `use` only grants access to it, `adopt` brings it under the stack. */
    readonly existing?: Existing;
    readonly description?: pulumi.Input<string>;
    readonly labels?: pulumi.Input<Record<string, pulumi.Input<string>>>;
    /** IAM principals that may download. */
    readonly readers?: string[];
    /** IAM principals that may upload too. */
    readonly writers?: string[];
    /** IAM principals that may delete packages too. */
    readonly admins?: string[];
    /** Default `authoritative`. With `existing`, it has no default. */
    readonly access?: AccessMode;
    /** Accept `allUsers` and `allAuthenticatedUsers` among the readers. Default false. */
    readonly allowPublic?: boolean;
    /** Dedicated accounts by account id; none by default. */
    readonly serviceAccounts?: Record<string, RegistryServiceAccountArgs>;
    /** Enable the APIs that are needed; they stay enabled when the stack goes. Default true. */
    readonly enableApis?: boolean;
    /** Refuse to delete or replace the repository, in Pulumi and in the provider. Default true. */
    readonly deletionProtection?: boolean;
}

/**
 * Checks a registry's arguments as a stack's configuration is checked; what becomes known only later is left out.
 *
 * @param name of the component, for the message
 * @returns the arguments, with each principal in its one spelling
 * @throws pulumi.InputPropertiesError that lists every mistake and names its property
 */
export function checkRegistryArgs(name: string, args: RegistryArgs): RegistryArgs {
    const { project, deletionProtection, description, labels, serviceAccounts = {}, ...own } = args;
    const given: Record<string, unknown> = Object.fromEntries(
        Object.entries({
            ...own,
            serviceAccounts,
            description: typeof description === "string" ? description : undefined,
            labels: knownLabels(labels),
            protect: deletionProtection,
        }).filter(([, value]) => value !== undefined),
    );
    const errors: pulumi.InputPropertyErrorDetails[] = [];
    const say: Say = ([property, ...path], value, message) => {
        errors.push({
            propertyPath: `${property === "protect" ? "deletionProtection" : property}${configPath(path)}`,
            // How to set a stack's configuration is no help here.
            reason: sentence(value, message).replace(/ Set it with: .*/s, ""),
        });
        return message;
    };
    for (const { input, message } of v.safeParse(projectId, project).issues ?? []) {
        say(["project"], input, message);
    }
    for (const { path = [], input, message } of v.safeParse(schema, given).issues ?? []) {
        const [property = "", ...rest] = path.map(({ key }) => key as string);
        say([property, ...rest], input, message);
    }
    if (new pulumi.Config("gcp").get(skipRegionValidation.slice("gcp:".length)) !== "true") {
        unknownRegion(args.location, false, say);
    }
    unusedKeys({ labels: given["labels"], serviceAccounts }, say, (_, value) => shown(value));
    acrossLists(given, typeof project === "string" ? project : "", say, (_, value) => shown(value));
    existingMistakes(given, say);
    if (errors.length > 0) {
        throw new pulumi.InputPropertiesError({
            message:
                `The arguments of Registry "${name}" have ${errors.length === 1 ? "a mistake" : `${errors.length} mistakes`}; nothing was changed.\n` +
                errors.map(({ propertyPath, reason }) => `  - ${propertyPath}: ${reason}`).join("\n"),
            errors,
        });
    }
    return {
        ...args,
        readers: (args.readers ?? []).map(canonicalPrincipal),
        writers: (args.writers ?? []).map(canonicalPrincipal),
        admins: (args.admins ?? []).map(canonicalPrincipal),
    };
}

/** The labels that are known now. */
function knownLabels(labels: RegistryArgs["labels"]): unknown {
    if (pulumi.Output.isInstance(labels) || labels instanceof Promise || !isRecord(labels)) return undefined;
    return Object.fromEntries(
        Object.entries(labels).filter(
            ([, value]) => !pulumi.Output.isInstance(value) && !((value as unknown) instanceof Promise),
        ),
    );
}
