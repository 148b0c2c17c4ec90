import { createHash } from "node:crypto";

// A stack writes its own name on each resource that it creates: in a label, or in the description where the resource has no
// labels. The name shows who created the resource. It also makes it safe to recover an interrupted update: resources of another
// stack or person don't have the name.

/** Key of the label that names the stack that created a repository. */
export const stackLabel = "python-registry-stack";

/** The full name of a stack. */
export interface StackName {
    readonly organization: string;
    readonly project: string;
    readonly stack: string;
}

/**
 * The value of the label `stackLabel`: the full name of the stack in the characters that a label allows, at most 63. If the
 * name must be changed to fit, the value ends with a hash of the name, so that two stacks never have the same value.
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

/**
 * The description of a service account that a stack creates, at most 256 bytes.
 *
 * @see https://cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts
 */
export function stackDescription({ organization, project, stack }: StackName): string {
    return `Created by Pulumi stack ${organization}/${project}/${stack}`.slice(0, 256);
}
