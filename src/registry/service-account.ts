import * as serviceaccount from "@pulumi/gcp/serviceaccount";
import * as pulumi from "@pulumi/pulumi";
import { checkServiceAccountArgs } from "./check-args";
import { inheritDependsOn } from "./dependencies";
import { knownAfter, verifyDerived } from "./derived";
import { Existing } from "./existing";
import { serviceAccountEmail } from "../names/principals";
import { stackDescription, type StackName } from "../names/stack-mark";

/** What a dedicated service account is made of. Plain values: its e-mail address follows from them. */
export interface ServiceAccountArgs {
    /** Project id. */
    readonly project: string;
    /** Account id: the part of the e-mail address before the `@`. */
    readonly accountId: string;
    /** The account exists already: `use` leaves it to its owner, `adopt` brings it under the stack. */
    readonly existing?: Existing;
    readonly displayName?: pulumi.Input<string>;
    /** Names of the key generations to keep, oldest first; the last is the current one. None by default. */
    readonly keys?: string[];
    /** The stack that creates the account: its description says so. */
    readonly createdBy: StackName;
}

/** Resource name of a project's own account, `projects/P/serviceAccounts/EMAIL`. */
export function serviceAccountName(project: string, accountId: string): string {
    return `projects/${project}/serviceAccounts/${serviceAccountEmail(project, accountId)}`;
}

/** The current key of a service account. */
export interface ServiceAccountKey {
    /** Name of the generation. */
    readonly generation: string;
    /** Standard base64 of the JSON key file; secret. */
    readonly keyBase64: pulumi.Output<string>;
}

/**
 * A service account of its own for one use, with as many key generations as are named: none, unless a tool cannot do
 * without. To rotate, add a generation, take the new files everywhere, then remove the old one.
 *
 * @see https://cloud.google.com/iam/docs/best-practices-service-accounts
 */
export class ServiceAccount extends pulumi.ComponentResource {
    /** The account itself, for what must wait for it but not for its keys. */
    readonly account: serviceaccount.Account;
    /** E-mail address; known in a preview. What uses it waits for the account. */
    readonly email: pulumi.Output<string>;
    /** The account as a principal, `serviceAccount:EMAIL`; likewise. */
    readonly member: pulumi.Output<string>;
    /** The current key; undefined without any. */
    readonly currentKey?: ServiceAccountKey;

    /** @throws pulumi.InputPropertiesError that names every property with a mistake; nothing is registered then */
    constructor(name: string, args: ServiceAccountArgs, opts?: pulumi.ComponentResourceOptions) {
        checkServiceAccountArgs(name, args);
        super("python-registry:index:ServiceAccount", name, { ...args }, opts);
        const { project, accountId } = args;

        this.account = accountResource(name, args, inheritDependsOn(opts, { parent: this }));
        const email = serviceAccountEmail(project, accountId);
        verifyDerived("service account's address", email, this.account.email);
        this.email = knownAfter(this.account, email);
        this.member = knownAfter(this.account, `serviceAccount:${email}`);

        const keys = (args.keys ?? []).map((generation): ServiceAccountKey => {
            const key = new serviceaccount.Key(
                `${name}-${generation}`,
                { serviceAccountId: serviceAccountName(project, accountId) },
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
 * The account: created with a description that names the stack, or an existing one, read (`use`) or imported (`adopt`). An
 * adopted account keeps what the arguments do not mention.
 */
function accountResource(
    name: string,
    { project, accountId, existing, displayName, createdBy }: ServiceAccountArgs,
    opts: pulumi.CustomResourceOptions,
): serviceaccount.Account {
    const id = serviceAccountName(project, accountId);
    if (existing === Existing.use) {
        return serviceaccount.Account.get(name, id, undefined, opts);
    }
    const own = { project, accountId, ...(displayName === undefined ? {} : { displayName }) };
    if (existing === Existing.adopt) {
        const kept = ["description", "disabled", ...(displayName === undefined ? ["displayName"] : [])];
        return new serviceaccount.Account(
            name,
            own,
            pulumi.mergeOptions(opts, { import: id, ignoreChanges: kept }),
        );
    }
    return new serviceaccount.Account(name, { ...own, description: stackDescription(createdBy) }, opts);
}
