import * as pulumi from "@pulumi/pulumi";

/**
 * Holds a value that was derived from inputs, so that a preview could show it, against what the service reports once
 * the resource is there. A difference fails the update with both values; a service that reports nothing contradicts
 * nothing.
 *
 * @param what names the value in the error
 */
export function holdAgainst(what: string, derived: string, reported: pulumi.Output<string>): void {
    reported.apply((value) => {
        // What a preview knows is a guess of the provider's, which is wrong for accounts of domain-scoped projects.
        if (value && value !== derived && !pulumi.runtime.isDryRun()) {
            const difference = new pulumi.RunError(
                `The ${what} that the client files use is "${derived}", but the service reports "${value}". ` +
                    "Do not use the files; report both values to the maintainers of python-registry.",
            );
            // Pulumi hides the stack of such an error only while the program's own module runs.
            difference.stack = "";
            throw difference;
        }
    });
}
