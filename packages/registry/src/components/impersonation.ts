import * as serviceaccount from "@pulumi/gcp/serviceaccount";
import * as pulumi from "@pulumi/pulumi";
import type { ImpersonationRole } from "../systems/system";
import type { Existing } from "./existing";

/** A principal that can impersonate a service account. */
export interface Impersonator {
    /** What the grant is named after: the principal, with the id of a project in place of its number if it is a workload's. */
    readonly key: string;
    readonly role: ImpersonationRole;
    readonly member: pulumi.Input<string>;
    /** The name of the workload, after which earlier versions named the grant. */
    readonly workload?: string;
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
 * @param name of the component
 * @param serviceAccountId resource name of the account, `projects/P/serviceAccounts/EMAIL`
 * @returns whether anyone can impersonate the account
 */
export function grantImpersonation(
    name: string,
    serviceAccountId: string,
    existing: Existing | undefined,
    impersonators: readonly Impersonator[],
    options: pulumi.CustomResourceOptions,
): boolean {
    if (existing !== undefined) {
        // A workload can be a principal that is also listed.
        const named = new Map(
            impersonators.map((each) => [`${name}-${shortName(each.role)}-${each.key}`, each]),
        );
        for (const [grantName, { role, member, workload }] of named) {
            const aliases =
                workload === undefined ? [] : [{ name: `${name}-${shortName(role)}-workload:${workload}` }];
            new serviceaccount.IAMMember(
                grantName,
                { serviceAccountId, role, member },
                { ...options, aliases },
            );
        }
        return impersonators.length > 0;
    }
    for (const role of new Set(impersonators.map((each) => each.role))) {
        const members = impersonators.filter((each) => each.role === role).map(({ member }) => member);
        const grant = { serviceAccountId, role, members };
        new serviceaccount.IAMBinding(`${name}-${shortName(role)}`, grant, options);
    }
    return impersonators.length > 0;
}

function shortName(role: ImpersonationRole): string {
    return role.slice("roles/iam.".length);
}
