import * as pulumi from "@pulumi/pulumi";

/**
 * The option that calls a function before the engine creates a resource, in previews too. If the function throws, the resource is not
 * created. The mocks of a test have no state, and call no hooks.
 *
 * @param name unique in the program
 * @returns undefined with mocks
 * @see https://www.pulumi.com/docs/iac/concepts/resources/options/hooks/
 */
export function beforeCreate(name: string, callback: () => void): pulumi.ResourceHookBinding | undefined {
    const monitor = pulumi.runtime.getMonitor() as object | undefined;
    return monitor !== undefined && "registerResourceHook" in monitor
        ? { beforeCreate: [new pulumi.ResourceHook(name, callback, { onDryRun: true })] }
        : undefined;
}
