import * as projects from "@pulumi/gcp/projects";
import * as pulumi from "@pulumi/pulumi";
import { callAfter, type CallOptions } from "./dependencies";
import { lookUpNumber } from "./project-number";

// The account as which Artifact Registry itself uses other services. Only a registry that grants it something loads this file.

/** Artifact Registry's service agent in a project. */
export interface ServiceAgent {
    /** A grant to the agent waits for it. */
    readonly resource: pulumi.Resource;
    /** The agent as an IAM principal. Known in a preview. */
    readonly member: pulumi.Output<string>;
}

/**
 * The service agent of a project. It may not exist before its first use, so the update generates it.
 *
 * @param projectNumber undefined if it is to be looked up
 * @param options of a child that waits for the Artifact Registry API
 * @see https://cloud.google.com/artifact-registry/docs/ar-service-account
 */
export function serviceAgent(
    name: string,
    { project, projectNumber }: { readonly project: string; readonly projectNumber?: string },
    calls: CallOptions,
    options: pulumi.CustomResourceOptions,
): ServiceAgent {
    const service = "artifactregistry.googleapis.com";
    const what = "the address of Artifact Registry's service agent";
    const number =
        projectNumber === undefined
            ? callAfter(calls, () => lookUpNumber(project, what, "projectNumber", calls.parent))
            : pulumi.output(projectNumber);
    return {
        resource: new projects.ServiceIdentity(`${name}-service-agent`, { project, service }, options),
        member: number.apply(
            (digits) => `serviceAccount:service-${digits}@gcp-sa-artifactregistry.iam.gserviceaccount.com`,
        ),
    };
}
