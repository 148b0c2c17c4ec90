import * as pulumi from "@pulumi/pulumi";
import { userError } from "./user-error";

/**
 * A value that follows from inputs, as an output of the resource that it is about: a preview knows it, and what uses it
 * waits for the resource.
 */
export function knownAfter<T>(resource: pulumi.Resource, value: T): pulumi.Output<T> {
    return resource.urn.apply<T>(() => value);
}

/**
 * Compares a value that was derived from inputs, so that a preview could show it, with what the service reports once the
 * resource is there. A difference fails the update with both values; a service that reports nothing contradicts
 * nothing.
 *
 * @param what names the value in the error
 */
export function verifyDerived(what: string, derived: string, reported: pulumi.Output<string>): void {
    reported.apply((value) => {
        // What a preview knows is a guess of the provider's, which is wrong for accounts of domain-scoped projects.
        if (value && value !== derived && !pulumi.runtime.isDryRun()) {
            throw userError(
                `The ${what} that the client files use is "${derived}", but the service reports "${value}". ` +
                    "Do not use the files; report both values to the maintainers of python-registry.",
            );
        }
    });
}
