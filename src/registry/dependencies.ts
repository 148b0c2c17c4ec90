import * as pulumi from "@pulumi/pulumi";

/**
 * The options of a component's child, which is to wait for what the component was told to wait for too: a component's
 * own `dependsOn` does not reach its children.
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
