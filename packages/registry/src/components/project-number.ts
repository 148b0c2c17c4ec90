import * as organizations from "@pulumi/gcp/organizations";
import type * as pulumi from "@pulumi/pulumi";
import { serviceMessage } from "./existing";
import { userError } from "./user-error";

/**
 * Looks up the number of a project.
 *
 * @param what the number is a part of, for the message
 * @param setting the setting that makes the lookup unnecessary
 * @throws pulumi.RunError that says what to set instead
 */
export async function lookUpNumber(
    projectId: string,
    what: string,
    setting: string,
    parent: pulumi.Resource,
): Promise<string> {
    try {
        return (await organizations.getProject({ projectId }, { parent })).number;
    } catch (error) {
        throw userError(
            `Cannot look up the number of the project ${projectId}, which is part of ${what}. ` +
                `Set ${setting} to the number that this command prints: gcloud projects describe ${projectId} --format='value(projectNumber)'\n` +
                serviceMessage((error as Error).message),
        );
    }
}
