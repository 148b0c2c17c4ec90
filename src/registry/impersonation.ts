import * as serviceaccount from "@pulumi/gcp/serviceaccount";
import * as pulumi from "@pulumi/pulumi";
import type { Existing } from "./existing";
import type { ServiceAccount } from "./service-account";

/** The roles on a service account that let a principal impersonate it. */
export type ImpersonationRole = "roles/iam.workloadIdentityUser" | "roles/iam.serviceAccountTokenCreator";

/** A principal that can impersonate a service account. */
export interface Impersonator {
    /** Distinguishes the resources of an account: the principal, or the name of a workload. */
    readonly key: string;
    readonly role: ImpersonationRole;
    readonly member: pulumi.Input<string>;
}

/** The service account on which roles are granted. */
export interface ImpersonatedAccount {
    /** Name of the component. */
    readonly name: string;
    readonly account: ServiceAccount;
    /** Resource name, `projects/P/serviceAccounts/EMAIL`. */
    readonly resourceName: string;
    readonly existing?: Existing;
}

/**
 * A principal that is listed by itself, as an impersonator.
 *
 * @see https://cloud.google.com/iam/docs/service-account-permissions
 */
export function listedImpersonator(principal: string): Impersonator {
    const federated = /^principal|\.svc\.id\.goog\[/.test(principal);
    return {
        key: principal,
        role: federated ? "roles/iam.workloadIdentityUser" : "roles/iam.serviceAccountTokenCreator",
        member: principal,
    };
}

/**
 * Lets principals impersonate a service account, with grants on this account alone. An account that the stack created has one
 * binding for each role, for any number of principals. An existing account also has grants of its owner, so the stack only
 * adds members to it.
 *
 * @returns whether anyone can impersonate the account
 */
export function grantImpersonation(
    { name, account, resourceName, existing }: ImpersonatedAccount,
    impersonators: readonly Impersonator[],
    opts: pulumi.CustomResourceOptions,
): boolean {
    const options = pulumi.mergeOptions(opts, { parent: account, dependsOn: account.account });
    const serviceAccountId = resourceName;
    if (existing !== undefined) {
        for (const { key, role, member } of impersonators) {
            new serviceaccount.IAMMember(
                `${name}-${shortName(role)}-${key}`,
                { serviceAccountId, role, member },
                options,
            );
        }
        return impersonators.length > 0;
    }
    for (const role of new Set(impersonators.map((each) => each.role))) {
        const members = impersonators.filter((each) => each.role === role).map(({ member }) => member);
        new serviceaccount.IAMBinding(
            `${name}-${shortName(role)}`,
            { serviceAccountId, role, members },
            options,
        );
    }
    return impersonators.length > 0;
}

function shortName(role: ImpersonationRole): string {
    return role.slice("roles/iam.".length);
}
