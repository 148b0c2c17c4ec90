import * as pulumi from "@pulumi/pulumi";
import { userError } from "./user-error";

/**
 * A value that is derived from inputs, as an output that depends on the resource that it describes. The value is known in a
 * preview, and a resource that uses it waits for this resource.
 */
export function knownAfter<T>(resource: pulumi.Resource, value: T): pulumi.Output<T> {
    return resource.urn.apply<T>(() => value);
}

/**
 * Compares a value that is derived from inputs with the value that the service reports after it creates the resource. If they
 * differ, the update fails with an error that contains both values. If the service reports no value, there is no error.
 *
 * @param label the name of the value in the error message
 */
export function verifyDerived(
    label: string,
    derived: pulumi.Input<string>,
    reported: pulumi.Output<string>,
): void {
    pulumi.all([derived, reported]).apply(([expected, value]) => {
        // In a preview, the reported value is a guess by the provider, which is wrong for accounts of domain-scoped projects.
        if (value && value !== expected && !pulumi.runtime.isDryRun()) {
            throw userError(
                `The ${label} that the client files use is "${expected}", but the service reports "${value}". ` +
                    "Do not use the files; report both values to the maintainers of python-registry.",
            );
        }
    });
}
