import type { WorkloadOf } from "../validation/workloads";
import { googleCommands } from "./google-services";
import type { SnippetContext } from "./snippet";
import { fileOf, indented } from "./text";

/**
 * A build configuration of Cloud Build.
 *
 * @see https://cloud.google.com/build/docs/build-config-file-schema
 */
export function cloudBuildSnippet(context: SnippetContext, workload: WorkloadOf<"cloudBuild">): string {
    const { serviceAccount } = workload;
    return fileOf(
        "# cloudbuild.yaml. `docker build` has this login only with --network=cloudbuild and without BuildKit.",
        "steps:",
        "  - name: python:3.13",
        "    script: |",
        indented(googleCommands(context, ".."), 6),
        ...(serviceAccount === undefined
            ? []
            : [
                  `serviceAccount: projects/${projectOf(serviceAccount) ?? context.project}/serviceAccounts/${serviceAccount}`,
                  "options:",
                  "  logging: CLOUD_LOGGING_ONLY",
              ]),
    );
}

/** The project in the address of a service account that a person created. */
function projectOf(address: string): string | undefined {
    return /@(.+)\.iam\.gserviceaccount\.com$/.exec(address)?.[1];
}
