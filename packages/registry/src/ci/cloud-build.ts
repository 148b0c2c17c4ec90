import { projectOfAccount } from "../names/principals";
import { start } from "./commands";
import { googleCommands } from "./google-services";
import type { SnippetContext } from "./snippet";
import { fileOf, indented } from "./text";

/**
 * A build configuration of Cloud Build.
 *
 * @see https://cloud.google.com/build/docs/build-config-file-schema
 */
export function cloudBuildSnippet(context: SnippetContext<"cloudBuild">): string {
    const { serviceAccount, project = context.project } = context.workload;
    return fileOf(
        "# cloudbuild.yaml. `docker build` has this login only with --network=cloudbuild and without BuildKit.",
        "steps:",
        "  - name: python:3.13",
        "    script: |",
        indented([...start(), ...googleCommands(context)], 6),
        ...(serviceAccount === undefined
            ? []
            : [
                  `serviceAccount: projects/${projectOfAccount(serviceAccount) ?? project}/serviceAccounts/${serviceAccount}`,
                  "options:",
                  "  logging: CLOUD_LOGGING_ONLY",
              ]),
    );
}
