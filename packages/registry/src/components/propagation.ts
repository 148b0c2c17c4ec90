import * as pulumi from "@pulumi/pulumi";
import * as state from "@pulumi/pulumi/runtime/state";
import { serviceAccountEmail } from "../names/principals";

// For some minutes, services of Google can refuse a new account, a new pool or a newly enabled API. The provider polls for a new
// account, and retries none of these errors.

/** Errors that name what Google does not know: an API, the address of an account, or the id of a pool. */
const unknownNames: readonly RegExp[] = [
    /googleapi: Error 403: .* has not been used in project .* before or it is disabled\. Enable it by visiting \S+\/apis\/api\/([a-z]+\.googleapis\.com)\//,
    /googleapi: Error 400: Service account (\S+@\S+) does not exist\./,
    /googleapi: Error 400: Identity Pool does not exist \(projects\/[^/]+\/locations\/global\/workloadIdentityPools\/([^/)]+)\)/,
];
/**
 * Errors about the account or pool in which a resource is created, or the key that encrypts it. An error while the provider waits for a key is not among them,
 * because the key then exists.
 */
const unknownParents: readonly RegExp[] = [
    /Error creating service account key: googleapi: Error 404: /,
    /Error retrieving IAM policy for service account '[^']+': googleapi: Error 404: /,
    /Error creating WorkloadIdentityPoolProvider: googleapi: Error 404: /,
    // A grant on a key, which the update has just made.
    /Permission denied on Cloud KMS key\. Please ensure your Artifact Registry service account has been authorized/,
];

/**
 * Whether an error only says that a service of Google does not know yet what the program has created.
 *
 * @param error as the provider reports it
 * @param parent the account or pool in which the failed resource is created, or the key that encrypts it, if there is one
 * @param created the names of the APIs, the addresses of the accounts and the ids of the pools that this update creates, and the keys
 *     on which it grants a role
 */
export function isPropagationError(
    error: string,
    parent: string | undefined,
    created: ReadonlySet<string>,
): boolean {
    return (
        unknownNames.some((pattern) => created.has(pattern.exec(error)?.[1] ?? "")) ||
        (created.has(parent ?? "") && unknownParents.some((pattern) => pattern.test(error)))
    );
}

/** The seconds to wait before each retry: about two minutes in all. */
export const retryDelays: readonly number[] = [3, 6, 12, 24, 36, 48];

/**
 * The options of a component that retries the creations and updates of its children after an error that `isPropagationError`
 * accepts. Previews, mocks and a CLI without error hooks do not retry.
 *
 * @param hookName unique in the program
 * @see https://www.pulumi.com/docs/iac/concepts/resources/options/hooks/
 */
export function retryPropagation(hookName: string): pulumi.ComponentResourceOptions {
    if (pulumi.runtime.isDryRun() || !supportsErrorHooks()) return {};
    const created = new Set<string>();
    const hook = new pulumi.ErrorHook(hookName, async ({ errors, failedOperation, newInputs = {} }) => {
        const { serviceAccountId, workloadIdentityPoolId, kmsKeyName } = newInputs as Record<
            string,
            string | undefined
        >;
        const parent = serviceAccountId?.replace(/^.*\//, "") ?? workloadIdentityPoolId ?? kmsKeyName;
        const delay = retryDelays[errors.length - 1];
        if (delay === undefined || failedOperation === "delete") return false;
        if (!isPropagationError(errors[0] ?? "", parent, created)) return false;
        await new Promise((resolve) => setTimeout(resolve, delay * 1000));
        return true;
    });
    const record = new pulumi.ResourceHook(`${hookName}: record`, ({ type, newInputs = {} }) => {
        for (const name of createdNames[type]?.(newInputs as Record<string, string>) ?? []) created.add(name);
    });
    return {
        transformations: [
            ({ type, props, opts }) => {
                // With an id, the resource is only read.
                if (!type.startsWith("gcp:") || "id" in opts) return undefined;
                const { onError = [], beforeCreate = [] } = opts.hooks ?? {};
                const hooks = {
                    ...opts.hooks,
                    onError: [...onError, hook],
                    ...(type in createdNames &&
                        !("import" in opts) && { beforeCreate: [...beforeCreate, record] }),
                };
                return { props, opts: { ...opts, hooks } };
            },
        ],
    };
}

/** By the type of a resource: what errors call it. */
const createdNames: Readonly<Record<string, (inputs: Readonly<Record<string, string>>) => string[]>> = {
    "gcp:projects/service:Service": ({ service = "" }) => [service],
    "gcp:serviceaccount/account:Account": ({ project = "", accountId = "" }) => [
        serviceAccountEmail(project, accountId),
    ],
    "gcp:iam/workloadIdentityPool:WorkloadIdentityPool": ({ workloadIdentityPoolId = "" }) => [
        workloadIdentityPoolId,
    ],
    // Its member is a service agent, which may exist only since this update generated it.
    "gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember": ({ cryptoKeyId = "", member = "" }) => [
        cryptoKeyId,
        member.replace("serviceAccount:", ""),
    ],
};

/** The SDK has no public function for this. An error hook in a CLI without support would fail the update. */
function supportsErrorHooks(): boolean {
    const { getStore } = state as { getStore?: () => { supportsErrorHooks?: boolean } };
    const monitor = pulumi.runtime.getMonitor() as object | undefined;
    return (
        monitor !== undefined && "registerErrorHook" in monitor && getStore?.().supportsErrorHooks === true
    );
}
