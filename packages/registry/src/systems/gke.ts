import * as v from "valibot";
import { prepare, start, useRegistry } from "../ci/commands";
import type { SnippetContext } from "../ci/context";
import { fileOf, indented, yamlString } from "../ci/text";
import * as pasted from "../validation/pasted";
import { projectId } from "../validation/schema";
import { common, projectNumber, required } from "./keys";
import { type Entry, type OwnIdentity, poolName, type System } from "./system";

const keys = {
    ...common,
    namespace: required(
        "the name of a Kubernetes namespace",
        /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
        pasted.namespaces,
    ),
    serviceAccount: required(
        "the name of a Kubernetes service account",
        /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/,
        pasted.kubernetesAccounts,
    ),
    clusterProject: v.exactOptional(projectId),
    clusterProjectNumber: v.exactOptional(projectNumber),
};
type Gke = Entry<typeof keys>;

/** The pool of a cluster's project is Google's. https://cloud.google.com/kubernetes-engine/docs/concepts/workload-identity */
function identity({ namespace, serviceAccount, clusterProject }: Gke, project: string): OwnIdentity {
    const numberProject = clusterProject ?? project;
    return {
        numberProject,
        principal: (number) =>
            `principal://iam.googleapis.com/${poolName(number, `${numberProject}.svc.id.goog`)}/subject/ns/${namespace}/sa/${serviceAccount}`,
        impersonationRole: "roles/iam.workloadIdentityUser",
    };
}

/**
 * A pod on GKE. With an account to impersonate, also the Kubernetes account, whose annotation GKE's metadata server reads.
 *
 * @see https://cloud.google.com/kubernetes-engine/docs/how-to/workload-identity
 */
function snippet(context: SnippetContext<Gke>): string {
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
        indented([...start, ...prepare(context), ...useRegistry(context)], 10),
    );
}

export const gke = {
    keys,
    identity,
    projectKeys: ["clusterProject", "clusterProjectNumber"],
    snippet,
} satisfies System<Gke>;
