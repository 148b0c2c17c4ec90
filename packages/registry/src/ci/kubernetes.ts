import { prepare, start, useRegistry } from "./commands";
import type { SnippetContext } from "./snippet";
import { fileOf, indented, yamlString } from "./text";

/**
 * A pod on GKE. With an account to impersonate, also the Kubernetes account, whose annotation GKE's metadata server reads.
 *
 * @see https://cloud.google.com/kubernetes-engine/docs/how-to/workload-identity
 */
export function kubernetesSnippet(context: SnippetContext<"gke">): string {
    const { name, workload, serviceAccount } = context;
    const namespace = `  namespace: ${yamlString(workload.namespace)}`;
    const account = yamlString(workload.serviceAccount);
    return fileOf(
        "# pod.yaml. The cluster needs Workload Identity Federation for GKE, and the image needs requirements.txt.",
        ...(serviceAccount === undefined
            ? []
            : [
                  "apiVersion: v1",
                  "kind: ServiceAccount",
                  "metadata:",
                  `  name: ${account}`,
                  namespace,
                  "  annotations:",
                  `    iam.gke.io/gcp-service-account: ${serviceAccount}`,
                  "---",
              ]),
        "apiVersion: v1",
        "kind: Pod",
        "metadata:",
        `  name: python-${name}`,
        namespace,
        "spec:",
        `  serviceAccountName: ${account}`,
        "  restartPolicy: Never",
        "  containers:",
        "    - name: python",
        "      image: python:3.13",
        "      command: [sh, -c]",
        "      args:",
        "        - |",
        indented([...start(), ...prepare(context), ...useRegistry(context)], 10),
    );
}
