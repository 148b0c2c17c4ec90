import * as serviceaccount from "@pulumi/gcp/serviceaccount";
import * as pulumi from "@pulumi/pulumi";
import { inheritDependsOn } from "./dependencies";
import { knownAfter, verifyDerived } from "./derived";
import { Existing } from "./existing";
import { type AccountCoordinates, serviceAccountEmail } from "../names/principals";
import { stackDescription, type StackName } from "../names/stack-label";

/** The arguments of a dedicated service account. The values that determine its email address are plain. */
export interface ServiceAccountArgs {
    /** Project id. */
    readonly project: string;
    /** Account id: the part of the email address before the `@`. */
    readonly accountId: string;
    /** Set if the account already exists: `use` leaves it to its owner, `adopt` imports it into the stack. */
    readonly existing?: Existing;
    /** Display name of the account, at most 100 bytes in UTF-8. */
    readonly displayName?: pulumi.Input<string>;
    /** Names of the key generations to keep, oldest first. The last one is the current key. None by default. */
    readonly keys?: string[];
    /** The stack that creates the account. The description of the account contains its name. */
    readonly createdBy: StackName;
}

/** The resource name of a service account, `projects/P/serviceAccounts/EMAIL`. */
export function serviceAccountName({ project, accountId }: AccountCoordinates): string {
    return `projects/${project}/serviceAccounts/${serviceAccountEmail(project, accountId)}`;
}

/** The current key of a service account. */
export interface ServiceAccountKey {
    /** Name of the key generation. */
    readonly generation: string;
    /** The JSON key file in standard base64. Secret. */
    readonly keyBase64: pulumi.Output<string>;
}

/**
 * A dedicated service account for one purpose, with one key for each named generation. Use no keys unless a tool needs one.
 * To rotate a key, add a generation, update the client files everywhere, and then remove the old generation.
 *
 * @see https://cloud.google.com/iam/docs/best-practices-service-accounts
 */
export class ServiceAccount extends pulumi.ComponentResource {
    /** The account resource. Depend on it to wait for the account but not for its keys. */
    readonly account: serviceaccount.Account;
    /** Email address. Known in a preview. A resource that uses this output waits for the account. */
    readonly email: pulumi.Output<string>;
    /** The account as an IAM principal, `serviceAccount:EMAIL`. Known in a preview. A resource that uses it also waits. */
    readonly member: pulumi.Output<string>;
    /** The current key; undefined if the account has no keys. */
    readonly currentKey?: ServiceAccountKey;

    constructor(name: string, args: ServiceAccountArgs, opts?: pulumi.ComponentResourceOptions) {
        super("python-registry:index:ServiceAccount", name, { ...args }, opts);
        const { project, accountId } = args;

        this.account = accountResource(name, args, inheritDependsOn(opts, { parent: this }));
        const email = serviceAccountEmail(project, accountId);
        verifyDerived("email address of the service account", email, this.account.email);
        this.email = knownAfter(this.account, email);
        this.member = knownAfter(this.account, `serviceAccount:${email}`);

        const keys = (args.keys ?? []).map((generation): ServiceAccountKey => {
            const key = new serviceaccount.Key(
                `${name}-${generation}`,
                { serviceAccountId: serviceAccountName(args) },
                { parent: this, dependsOn: this.account, additionalSecretOutputs: ["privateKey"] },
            );
            return { generation, keyBase64: pulumi.secret(key.privateKey) };
        });
        const currentKey = keys[keys.length - 1];
        if (currentKey !== undefined) this.currentKey = currentKey;

        this.registerOutputs({
            account: this.account,
            email: this.email,
            member: this.member,
            currentKey,
        });
    }
}

/**
 * The account resource. A new account gets a description that names the stack. An existing account is read (`use`) or
 * imported (`adopt`). An adopted account keeps all settings that the arguments do not set.
 */
function accountResource(
    name: string,
    { project, accountId, existing, displayName, createdBy }: ServiceAccountArgs,
    opts: pulumi.CustomResourceOptions,
): serviceaccount.Account {
    const id = serviceAccountName({ project, accountId });
    if (existing === Existing.use) return serviceaccount.Account.get(name, id, undefined, opts);
    const adopted = existing === Existing.adopt;
    const ignoreChanges = ["description", "disabled", ...(displayName === undefined ? ["displayName"] : [])];
    return new serviceaccount.Account(
        name,
        { project, accountId, displayName, ...(adopted ? {} : { description: stackDescription(createdBy) }) },
        adopted ? pulumi.mergeOptions(opts, { import: id, ignoreChanges }) : opts,
    );
}
