import * as v from "valibot";

// The objects of examples/kubernetes-operator/, as strict schemas: kubectl refuses a field that the cluster does not know.
// The fields are those that the example has, as in the operator's documentation:
// https://github.com/pulumi/pulumi-kubernetes-operator/blob/v2.9.0/docs/stacks.md.

/** The version of the operator that these schemas and the page describe. */
export const operatorVersion = "2.9.0";

/** Names of objects that also become host names and names of pods. */
const name = v.pipe(v.string(), v.maxLength(63), v.regex(/^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/));
const text = v.pipe(v.string(), v.nonEmpty());
const flag = v.boolean();
/** Annotations and labels have strings only: `false` without quotes is refused. */
const strings = v.record(text, v.string());
const metadata = v.strictObject({
    name: text,
    namespace: v.optional(name),
    labels: v.optional(strings),
});
/** Of an amount, such as 500m or 1Gi. */
const quantity = v.pipe(v.string(), v.regex(/^\d+(?:\.\d+)?(?:m|k|Ki|[MGTPE]i?)?$/));
const resources = v.strictObject({
    requests: v.record(v.picklist(["cpu", "memory", "ephemeral-storage"]), quantity),
    limits: v.record(v.picklist(["memory"]), quantity),
});

const workspaceTemplate = v.strictObject({
    spec: v.strictObject({
        image: text,
        env: v.array(v.strictObject({ name: text, value: v.string() })),
        resources,
        podTemplate: v.strictObject({ metadata: v.strictObject({ annotations: strings }) }),
    }),
});

/** At least the 60 seconds that the operator uses for less. */
const seconds = v.pipe(v.number(), v.integer(), v.minValue(60));

const spec = v.strictObject({
    stack: text,
    projectRepo: v.pipe(v.string(), v.url()),
    branch: v.optional(text),
    commit: v.optional(v.pipe(v.string(), v.regex(/^[0-9a-f]{40}$/))),
    shallow: flag,
    backend: v.pipe(v.string(), v.regex(/^gs:\/\//)),
    serviceAccountName: name,
    refresh: flag,
    preview: v.optional(flag),
    prerequisites: v.optional(v.array(v.strictObject({ name }))),
    continueResyncOnCommitMatch: v.optional(flag),
    resyncFrequencySeconds: v.optional(seconds),
    useLocalStackOnly: flag,
    workspaceReclaimPolicy: v.picklist(["Retain", "Delete"]),
    workspaceTemplate,
    updateTemplate: v.optional(v.strictObject({ spec: v.strictObject({ expectNoChanges: flag }) })),
});

const stack = v.strictObject({
    apiVersion: v.literal("pulumi.com/v1"),
    kind: v.literal("Stack"),
    // The operator makes longer names from it.
    metadata: v.strictObject({ ...metadata.entries, name: v.pipe(name, v.maxLength(42)), namespace: name }),
    spec: v.pipe(
        spec,
        v.check(
            ({ branch, commit }) => (branch === undefined) !== (commit === undefined),
            "a git source has a branch or a commit",
        ),
    ),
});

/** An object of the example, as it reaches the cluster. */
export const objectSchema = v.variant("kind", [
    v.strictObject({ apiVersion: v.literal("v1"), kind: v.literal("Namespace"), metadata }),
    v.strictObject({
        apiVersion: v.literal("v1"),
        kind: v.literal("ServiceAccount"),
        metadata: v.strictObject({ ...metadata.entries, name, namespace: name }),
    }),
    v.strictObject({
        apiVersion: v.literal("rbac.authorization.k8s.io/v1"),
        kind: v.literal("ClusterRoleBinding"),
        metadata,
        roleRef: v.strictObject({
            apiGroup: v.literal("rbac.authorization.k8s.io"),
            kind: v.literal("ClusterRole"),
            name: text,
        }),
        subjects: v.array(
            v.strictObject({
                apiGroup: v.literal("rbac.authorization.k8s.io"),
                kind: v.literal("Group"),
                name: text,
            }),
        ),
    }),
    stack,
]);

/** kustomization.yaml: files of objects, and one patch for all Stack objects. */
export const kustomizationSchema = v.strictObject({
    apiVersion: v.literal("kustomize.config.k8s.io/v1beta1"),
    kind: v.literal("Kustomization"),
    resources: v.array(text),
    patches: v.tuple([
        v.strictObject({
            path: text,
            target: v.strictObject({ group: v.literal("pulumi.com"), kind: v.literal("Stack") }),
        }),
    ]),
});

export type Stack = v.InferOutput<typeof stack>;
