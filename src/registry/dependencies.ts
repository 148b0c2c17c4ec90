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
