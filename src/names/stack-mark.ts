import { createHash } from "node:crypto";

// What a stack writes on the resources that it creates, so that anyone can see which stack that was, and an interrupted
// update can be recovered without taking over what another stack or a person created.

/** Label of a repository with the stack that created it. */
export const stackLabel = "python-registry-stack";

/** A stack's full name. */
export interface StackName {
    readonly organization: string;
    readonly project: string;
    readonly stack: string;
}

/**
 * The value of `stackLabel`: the stack's name as far as a label can hold it, at most 63 characters. A name that had to be
 * changed for that ends in a hash, so that two stacks never have the same value.
 *
 * @see https://cloud.google.com/resource-manager/docs/labels-overview#requirements
 */
export function stackLabelValue({ organization, project, stack }: StackName): string {
    const name = [organization, project, stack].join("/");
    const value = [organization, project, stack].join("_").replace(/[^a-z0-9_-]/g, "-");
    if (value.length <= 63 && ![organization, project, stack].some((part) => /[^a-z0-9-]/.test(part))) {
        return value;
    }
    const hash = createHash("sha256").update(name).digest("hex").slice(0, 10);
    return `${value.slice(0, 52)}-${hash}`;
}

/** A service account's description, which at most 256 bytes fit into. */
export function stackDescription({ organization, project, stack }: StackName): string {
    return `Created by Pulumi stack ${organization}/${project}/${stack}`.slice(0, 256);
}

/** Which stack created a repository, by its label: the command `recover` looks for this. */
export function createdByStack(name: string, labelValue: string): string {
    return `The existing repository ${name} was created by the stack ${labelValue} (label ${stackLabel}).`;
}
