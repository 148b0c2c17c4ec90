import { type Preview, resourceName, type ResourceState, stackReference, type Step } from "./events";
import { say, type Sentence } from "./sentence";
import { nested, parsePropertyPath, type Properties, secret, serialize, unknown, valueAt } from "./values";

// Resources and their values in words.

export const repositoryType = "gcp:artifactregistry/repository:Repository";
export const ruleType = "gcp:artifactregistry/rule:Rule";
export const accountType = "gcp:serviceaccount/account:Account";
export const keyType = "gcp:serviceaccount/key:Key";
export const keyGrantType = "gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember";
export const serviceType = "gcp:projects/service:Service";
export const poolType = "gcp:iam/workloadIdentityPool:WorkloadIdentityPool";
export const providerType = "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider";

/** The stack's project. Resources elsewhere are named with theirs. */
export function getProject({ outputs: { old, new: next } }: Pick<Preview, "outputs">): string {
    return stackReference(next ?? old ?? {}).project;
}

/** The kind and the name of a resource, as its owner knows it, and its project if that is not the stack's. */
export function describe(
    step: Pick<Step, "urn" | "type"> & {
        readonly old?: ResourceState | undefined;
        readonly new?: ResourceState | undefined;
    },
    project: string,
): Sentence {
    const inputs = step.new?.inputs ?? step.old?.inputs ?? {};
    return [...describeName(step, inputs), ...elsewhere(inputs["project"], project)];
}

/** The project of something, if it is not the stack's own. */
export function elsewhere(project: unknown, own: string): Sentence {
    return typeof project === "string" && project !== own ? say` in the project ${project}` : [];
}

function describeName(
    { urn, type, old, new: next }: Parameters<typeof describe>[0],
    inputs: Properties,
): Sentence {
    const named = (key: string) => {
        // A resource that is only read has no inputs.
        const value = inputs[key] ?? (next ?? old)?.outputs[key];
        return typeof value === "string" ? value : resourceName(urn);
    };
    switch (type) {
        case repositoryType:
            return say`repository ${named("repositoryId")}`;
        case ruleType:
            return say`rule ${named("ruleId")} of the repository ${named("repositoryId")}`;
        case accountType:
            return say`service account ${named("accountId")}`;
        case keyType: {
            const parent = resourceName(next?.parent ?? old?.parent ?? "");
            const name = resourceName(urn);
            const generation = name.startsWith(`${parent}-`) ? name.slice(parent.length + 1) : name;
            return say`key ${generation} of the service account ${accountId(named("serviceAccountId"))}`;
        }
        case serviceType:
            return say`API ${named("service")}`;
        case keyGrantType:
            return say`grant ${named("role")} on the key ${named("cryptoKeyId")}`;
        case poolType:
            return say`workload identity pool ${named("workloadIdentityPoolId")}`;
        case providerType:
            return say`workload identity provider ${named("workloadIdentityPoolProviderId")} of the pool ${named("workloadIdentityPoolId")}`;
        default:
            return say`${(next ?? old)?.custom === false ? say`component` : say`resource`} ${resourceName(urn)} (${type})`;
    }
}

/** The account id in an account's resource name. */
export function accountId(name: string): string {
    return name.replace(/^.*\/([^/@]+)(?:@.*)?$/, "$1");
}

/** The inputs that this program sets, which the name of the resource, the outputs or a different section tell. */
const toldInputs = new Map([
    [repositoryType, ["deletionPolicy", "format", "labels", "location", "mode", "repositoryId"]],
    [ruleType, ["location", "repositoryId", "ruleId"]],
    [accountType, ["accountId", "description", "displayName"]],
    [keyType, ["keyAlgorithm", "privateKeyType", "publicKeyType", "serviceAccountId"]],
    [serviceType, ["disableOnDestroy", "service"]],
    [poolType, ["description", "workloadIdentityPoolId"]],
    [
        providerType,
        [
            ...["description", "workloadIdentityPoolId", "workloadIdentityPoolProviderId"],
            ...["attributeCondition", "attributeMapping", "aws", "disabled", "oidc", "saml", "x509"],
        ],
    ],
]);

/** The inputs of a new resource that nothing else tells. Of a type that the review does not know, these are all. */
export function untoldInputs({ op, type, new: next }: Pick<Step, "op" | "type" | "new">): string[] {
    // Of a component, only the resources are shown.
    if (!/^(?:create|import)/.test(op) || next?.custom !== true) return [];
    return Object.entries(next.inputs).flatMap(([key, value]) => {
        const told =
            key.startsWith("__") ||
            // The name of a resource says it, if it is not the stack's.
            (key === "project" && typeof value === "string") ||
            toldInputs.get(type)?.includes(key) === true;
        return told ? [] : [key];
    });
}

/** The inputs of a new resource that nothing else tells, as the end of a sentence. */
export function settings(step: Step): Sentence {
    return untoldInputs(step).flatMap((key, index) => {
        const setting = say`${key} = ${valueText(step.new?.inputs[key])}`;
        return index === 0 ? say` with ${setting}` : say`; ${setting}`;
    });
}

/** What changes, as the end of a sentence. */
export function changes(step: Step, paths = step.changedPaths): Sentence {
    return paths
        .flatMap((path): Sentence[] => {
            const [before, after] = [valueBefore(step, path), valueAt(step.new?.inputs, path)];
            // The provider's own properties, such as a second copy of the labels.
            if (path.startsWith("__") || (before === undefined && after === undefined)) return [];
            return [say`${path}, ${valueText(before)} → ${valueText(after)}`];
        })
        .flatMap((change, index) => (index === 0 ? say`: ${change}` : say`; ${change}`));
}

/**
 * The value at a path before the update. If the inputs stay the same, the value at Google is different: someone changed it
 * there.
 */
export function valueBefore({ old, new: next, changedPaths }: Step, path: string): unknown {
    const before = valueAt(old?.inputs, path);
    const drifted =
        serialize(before) === serialize(valueAt(next?.inputs, path)) &&
        changedPaths.some((each) => parsePropertyPath(each)[0] === parsePropertyPath(path)[0]);
    return before === undefined || drifted ? (valueAt(old?.outputs, path) ?? before) : before;
}

/** A value in a sentence. */
export function valueText(value: unknown): Sentence {
    if (value === undefined || value === null || value === "") return say`none`;
    if (value === secret) return say`a secret`;
    if (value === unknown) return say`known after the update`;
    if (value === nested) return say`too deeply nested to show`;
    const text =
        typeof value === "string"
            ? value
            : JSON.stringify(value, (_, each: unknown) => (typeof each === "symbol" ? "(hidden)" : each));
    return [{ value: text }];
}
