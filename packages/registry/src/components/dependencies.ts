import * as pulumi from "@pulumi/pulumi";

/**
 * Adds the `dependsOn` of a component to the options of its child. Without this, the child does not wait: Pulumi does not
 * pass `dependsOn` from a component to its children.
 *
 * @param component the options of the component
 * @param child the options of the child
 * @returns the options of the child with both dependencies
 *
 * @see https://www.pulumi.com/docs/iac/concepts/resources/options/dependson/
 */
export function inheritDependsOn<T extends pulumi.ResourceOptions>(
    component: pulumi.ComponentResourceOptions | undefined,
    child: T,
): T {
    return component?.dependsOn === undefined
        ? child
        : (pulumi.mergeOptions({ dependsOn: component.dependsOn }, child) as T);
}

/** Where and when a component calls the functions of the provider. */
export interface CallOptions {
    /** The component. */
    readonly parent: pulumi.Resource;
    /** The option of the component. */
    readonly dependsOn: pulumi.ResourceOptions["dependsOn"];
}

/**
 * Calls a function of the provider after all that the component depends on exists. In a preview in which some of it is still to be
 * created, nothing is called, and the result is unknown.
 */
export function callAfter<T>({ parent, dependsOn }: CallOptions, call: () => Promise<T>): pulumi.Output<T> {
    if (dependsOn === undefined) return pulumi.output(call()) as pulumi.Output<T>;
    // Only a call waits for the children of a component. This one asks the engine, and calls no API. Its argument is a promise,
    // because with an output of the component it would wait for the component's own children.
    const urn = new Promise<string>((resolve) => parent.urn.apply(resolve));
    const exists: pulumi.Output<unknown> = pulumi.runtime.invokeOutput(
        "pulumi:pulumi:getResource",
        { urn },
        { dependsOn },
    );
    return exists.apply<T>(call);
}

/**
 * Options of a resource that Google deletes together with a repository: a new repository with the same name replaces it too. It names the
 * repository with plain values, because with outputs it would be deleted before a replacement that can fail.
 *
 * @param cause what replaces the repository if it changes, and is not in the arguments of the resource. Never undefined: the engine compares
 *     only with an earlier value
 */
export function replacedWith(cause: string): pulumi.CustomResourceOptions {
    // If the new one was created first, deleting the old one would delete it.
    return { replacementTrigger: cause, deleteBeforeReplace: true };
}
