import * as v from "valibot";

// The objects of examples/kubernetes-operator/, as strict schemas: kubectl refuses a field that the cluster does not know.
// The fields of Stack are those of the operator's documentation that the example can use:
// https://github.com/pulumi/pulumi-kubernetes-operator/blob/v2.9.0/docs/stacks.md. Deprecated fields are missing, and so are
// those that version 2 accepts and ignores (expectNoRefreshChanges, retryOnUpdateConflict).

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
    annotations: v.optional(strings),
});
const embeddedMetadata = v.strictObject({ labels: v.optional(strings), annotations: v.optional(strings) });
/** Of an amount, such as 500m or 1Gi. */
const quantity = v.pipe(v.string(), v.regex(/^\d+(?:\.\d+)?(?:m|k|Ki|[MGTPE]i?)?$/));
const resources = v.strictObject({
    requests: v.optional(v.record(v.picklist(["cpu", "memory", "ephemeral-storage"]), quantity)),
    limits: v.optional(v.record(v.picklist(["cpu", "memory", "ephemeral-storage"]), quantity)),
});
const environmentVariables = v.array(v.strictObject({ name: text, value: v.string() }));

const secret = v.strictObject({
    type: v.literal("Secret"),
    secret: v.strictObject({ name, key: text, namespace: v.optional(name) }),
});
const reference = v.variant("type", [
    secret,
    v.strictObject({ type: v.literal("Literal"), literal: v.strictObject({ value: v.string() }) }),
]);

const workspaceTemplate = v.strictObject({
    metadata: v.optional(embeddedMetadata),
    spec: v.strictObject({
        image: v.optional(text),
        imagePullPolicy: v.optional(v.picklist(["Always", "Never", "IfNotPresent"])),
        securityProfile: v.optional(v.picklist(["baseline", "restricted"])),
        env: v.optional(environmentVariables),
        resources: v.optional(resources),
        podTemplate: v.optional(
            v.strictObject({
                metadata: v.optional(embeddedMetadata),
                spec: v.optional(
                    v.strictObject({
                        containers: v.array(v.strictObject({ name: v.literal("pulumi") })),
                        nodeSelector: v.optional(strings),
                        tolerations: v.optional(
                            v.array(
                                v.strictObject({
                                    key: v.optional(text),
                                    operator: v.optional(v.picklist(["Exists", "Equal"])),
                                    value: v.optional(v.string()),
                                    effect: v.optional(
                                        v.picklist(["NoSchedule", "PreferNoSchedule", "NoExecute"]),
                                    ),
                                }),
                            ),
                        ),
                        imagePullSecrets: v.optional(v.array(v.strictObject({ name }))),
                    }),
                ),
            }),
        ),
    }),
});

const updateTemplate = v.strictObject({
    metadata: v.optional(embeddedMetadata),
    spec: v.strictObject({
        expectNoChanges: v.optional(flag),
        continueOnError: v.optional(flag),
        parallel: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1))),
        message: v.optional(text),
        ttlAfterCompleted: v.optional(v.pipe(v.string(), v.regex(/^(?:\d+(?:s|m|h))+$/))),
    }),
});

/** At least the 60 seconds that the operator uses for less. */
const seconds = v.pipe(v.number(), v.integer(), v.minValue(60));

const spec = v.strictObject({
    stack: text,
    projectRepo: v.optional(v.pipe(v.string(), v.url())),
    branch: v.optional(text),
    commit: v.optional(v.pipe(v.string(), v.regex(/^[0-9a-f]{40}$/))),
    repoDir: v.optional(text),
    shallow: v.optional(flag),
    gitAuth: v.optional(
        v.strictObject({
            accessToken: v.optional(secret),
            basicAuth: v.optional(v.strictObject({ userName: secret, password: secret })),
            sshAuth: v.optional(v.strictObject({ sshPrivateKey: secret, password: v.optional(secret) })),
            githubApp: v.optional(
                v.strictObject({ appID: secret, installationID: secret, privateKey: secret }),
            ),
        }),
    ),
    fluxSource: v.optional(
        v.strictObject({
            dir: v.optional(text),
            sourceRef: v.strictObject({ apiVersion: text, kind: text, name }),
        }),
    ),
    backend: v.optional(v.pipe(v.string(), v.regex(/^(?:gs|s3|azblob|https):\/\//))),
    secretsProvider: v.optional(text),
    environment: v.optional(v.array(text)),
    envRefs: v.optional(v.record(text, reference)),
    config: v.optional(v.record(text, v.unknown())),
    configRef: v.optional(v.record(text, v.strictObject({ name, key: text, json: v.optional(flag) }))),
    secretsRef: v.optional(v.record(text, reference)),
    serviceAccountName: v.optional(name),
    refresh: v.optional(flag),
    preview: v.optional(flag),
    targets: v.optional(v.array(text)),
    targetDependents: v.optional(flag),
    prerequisites: v.optional(
        v.array(
            v.strictObject({
                name,
                requirement: v.optional(v.strictObject({ succeededWithinDuration: v.optional(text) })),
            }),
        ),
    ),
    continueResyncOnCommitMatch: v.optional(flag),
    resyncFrequencySeconds: v.optional(seconds),
    retryMaxBackoffDurationSeconds: v.optional(seconds),
    useLocalStackOnly: v.optional(flag),
    destroyOnFinalize: v.optional(flag),
    runProgram: v.optional(flag),
    workspaceReclaimPolicy: v.optional(v.picklist(["Retain", "Delete"])),
    workspaceTemplate: v.optional(workspaceTemplate),
    updateTemplate: v.optional(updateTemplate),
});

const stack = v.strictObject({
    apiVersion: v.literal("pulumi.com/v1"),
    kind: v.literal("Stack"),
    // The operator makes longer names from it.
    metadata: v.strictObject({ ...metadata.entries, name: v.pipe(name, v.maxLength(42)), namespace: name }),
    spec: v.pipe(
        spec,
        v.check(
            ({ projectRepo, branch, commit }) =>
                projectRepo === undefined || (branch === undefined) !== (commit === undefined),
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
