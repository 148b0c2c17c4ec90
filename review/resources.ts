import { type Preview, resourceName, type ResourceState, secret, type Step, unknown } from "./events";
import { valueAt } from "./property-path";
import { type Entry, line } from "./entry";
import { say, type Sentence, strong } from "./sentence";

// What happens to the resources at Google.

const repositoryType = "gcp:artifactregistry/repository:Repository";
const accountType = "gcp:serviceaccount/account:Account";
const keyType = "gcp:serviceaccount/key:Key";
const serviceType = "gcp:projects/service:Service";
const providerType = "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider";
const grantType = /(?:Iam|IAM)(?:Binding|Member|Policy)$/;
/** The grants that the stack's output `access` names. */
const registryGrant = /^gcp:(?:artifactregistry\/repositoryIam|serviceaccount\/iAM)(?:Binding|Member):/;

/** What is replaced or deleted, or may be from now on. In bold: what the update destroys. */
export function replacedOrDeleted({ steps }: Preview): Entry[] {
    const own = steps.filter(isAtGoogle);
    const grants = own.filter(isGrant);
    return [
        ...own.filter((step) => !isGrant(step)).flatMap(destruction),
        ...own.filter(losesProtection).map((step): Entry => ({
            kind: "line",
            text: strong(say`Removes the protection of the ${describe(step)}: a later update can delete it.`),
        })),
        ...grantDestruction(grants, steps),
    ];
}

/** Everything else, in a line each. */
export function otherChanges({ steps }: Preview): Entry[] {
    const own = steps.filter(isAtGoogle);
    const rest = own.filter((step) => !isGrant(step));
    return [
        ...rest
            .filter(({ op }) => op === "create")
            .map((step) =>
                line(say`${step.type === serviceType ? say`Enables` : say`Creates`} the ${describe(step)}`),
            ),
        ...rest
            .filter(({ op }) => op === "import")
            .map((step) => line(say`Imports the ${describe(step)}, which exists already${changes(step)}`)),
        ...rest
            .filter(({ op, type }) => op === "update" && type !== providerType)
            .map((step) => line(say`Updates the ${describe(step)}${changes(step)}`)),
        ...rest
            .filter((step) => step.op === "delete" && staysAtGoogle(step))
            .map((step) => line(say`Removes the ${describe(step)} from the stack. At Google, it stays.`)),
        ...grantSummary(own.filter(isGrant)),
    ];
}

/** Components and providers are resources of the engine only. */
function isAtGoogle({ type, old, new: next }: Step): boolean {
    return (old ?? next)?.custom === true && !type.startsWith("pulumi:");
}

function destruction(step: Step): Entry[] {
    const before = describe({ ...step, new: undefined });
    if (step.op === "delete" && !staysAtGoogle(step)) {
        const and = step.type === repositoryType ? say`, with every package in it` : [];
        return [line(say`${strong(say`Deletes the ${before}${and}.`)}${consequence(step.type)}`)];
    }
    if (step.op === "replace") {
        const reasons = step.replaceKeys.length > 0 ? step.replaceKeys : step.changedPaths;
        const and = step.type === repositoryType ? say`, and deletes every package in it` : [];
        const what = strong(say`Replaces the ${before}${and}.`);
        const after = staysAtGoogle(step) ? say` The old one stays at Google.` : consequence(step.type);
        return [line(say`${what}${after} Reason${changesOf(step, reasons)}`)];
    }
    return [];
}

/** What a reviewer must know before a resource of a type is deleted. */
function consequence(type: string): Sentence {
    if (type === accountType) return say` Everything that uses it loses access, and its keys stop working.`;
    if (type === keyType) return say` What still signs in with it loses access.`;
    return [];
}

function staysAtGoogle({ type, old }: Step): boolean {
    return (
        old?.retainOnDelete === true || (type === serviceType && old?.inputs["disableOnDestroy"] === false)
    );
}

function losesProtection({ old, new: next, op }: Step): boolean {
    return (
        old?.protect === true && next?.protect === false && op !== "replace" && op !== "create-replacement"
    );
}

function isGrant({ type }: Step): boolean {
    return registryGrant.test(type);
}

/** Grants are counted: the section about access names the principals. */
function grantDestruction(grants: readonly Step[], steps: readonly Step[]): Entry[] {
    const removed = new Set(
        steps
            .filter(({ op, type }) => op === "delete" && type === "python-registry:index:RepositoryAccess")
            .map(({ urn }) => urn),
    );
    // With their parent, grants leave the stack's state only. They are not revoked.
    const deleted = grants.filter(({ op, old }) => op === "delete" && !removed.has(old?.parent ?? ""));
    const replaced = grants.filter(({ op }) => op === "replace");
    return [...counted("Deletes", deleted), ...counted("Replaces", replaced)].map((text) =>
        line(strong(say`${text}.`)),
    );
}

function grantSummary(grants: readonly Step[]): Entry[] {
    const [created, updated] = ["create", "update"].map((op) => grants.filter((step) => step.op === op));
    return [...counted("Creates", created ?? []), ...counted("Updates", updated ?? [])].map(line);
}

/** The number of grants on each repository and account. */
function counted(verb: string, grants: readonly Step[]): Sentence[] {
    const numbers = new Map<string, { readonly target: Sentence; readonly number: number }>();
    for (const { old, new: next } of grants) {
        const { repository, serviceAccountId } = old?.inputs ?? next?.inputs ?? {};
        const target =
            typeof serviceAccountId === "string"
                ? say`service account ${accountId(serviceAccountId)}`
                : say`repository ${typeof repository === "string" ? repository : "?"}`;
        const key = JSON.stringify(target);
        numbers.set(key, { target, number: (numbers.get(key)?.number ?? 0) + 1 });
    }
    return [...numbers.values()].map(({ target, number }) => {
        const grantsOn: Sentence = [{ words: `${verb} ${number} grant${number === 1 ? "" : "s"} on the ` }];
        return [...grantsOn, ...target];
    });
}

/** The account id in an account's resource name. */
function accountId(name: string): string {
    return name.replace(/^.*\/([^/@]+)(?:@.*)?$/, "$1");
}

/** Grants that the output `access` does not name, and other rules for the tokens that are accepted. */
export function otherAccessChanges({ steps }: Preview): Entry[] {
    const verbs: Readonly<Record<string, string>> = {
        create: "grants",
        import: "grants",
        update: "changes the grant of",
        replace: "replaces the grant of",
        delete: "revokes",
    };
    return steps.flatMap((step): Entry[] => {
        const { op, type, urn, old, new: next } = step;
        const verb = verbs[op];
        if (type === providerType && op === "update") {
            return [
                line(say`${strong(say`accepts tokens by other rules`)}: ${describe(step)}${changes(step)}`),
            ];
        }
        if (verb === undefined || !grantType.test(type) || registryGrant.test(type)) return [];
        const { role, member, members, policyData } = next?.inputs ?? old?.inputs ?? {};
        const who = valueText(members ?? member ?? policyData);
        const what = strong([{ words: `${verb} ` }, ...valueText(role)]);
        return [line(say`${what} beside the registry: ${who}, by ${resourceName(urn)} (${type})`)];
    });
}

/** The kind and the name of a resource, as its owner knows it. */
function describe(
    step: Pick<Step, "urn" | "type"> & {
        readonly old?: ResourceState | undefined;
        readonly new?: ResourceState | undefined;
    },
): Sentence {
    const { urn, type, old, new: next } = step;
    const inputs = next?.inputs ?? old?.inputs ?? {};
    const named = (key: string) => {
        const value = inputs[key];
        return typeof value === "string" ? value : resourceName(urn);
    };
    switch (type) {
        case repositoryType:
            return say`repository ${named("repositoryId")}`;
        case accountType:
            return say`service account ${named("accountId")}`;
        case keyType: {
            const account = accountId(named("serviceAccountId"));
            const parent = resourceName(next?.parent ?? old?.parent ?? "");
            const name = resourceName(urn);
            const generation = name.startsWith(`${parent}-`) ? name.slice(parent.length + 1) : name;
            return say`key ${generation} of the service account ${account}`;
        }
        case serviceType:
            return say`API ${named("service")}`;
        case "gcp:iam/workloadIdentityPool:WorkloadIdentityPool":
            return say`workload identity pool ${named("workloadIdentityPoolId")}`;
        case providerType:
            return say`workload identity provider ${named("workloadIdentityPoolProviderId")}`;
        default:
            return say`resource ${resourceName(urn)} (${type})`;
    }
}

function changes(step: Step): Sentence {
    return step.changedPaths.length === 0 ? say`` : changesOf(step, step.changedPaths);
}

function changesOf({ old, new: next }: Step, paths: readonly string[]): Sentence {
    return paths
        .flatMap((path): Sentence[] => {
            const before = valueAt(old?.inputs, path) ?? valueAt(old?.outputs, path);
            const after = valueAt(next?.inputs, path);
            // The provider's own properties, such as a second copy of the labels.
            if (path.startsWith("__") || (before === undefined && after === undefined)) return [];
            return [say`${path}, ${valueText(before)} → ${valueText(after)}`];
        })
        .flatMap((change, index) => (index === 0 ? say`: ${change}` : say`; ${change}`));
}

function valueText(value: unknown): Sentence {
    if (value === undefined || value === null || value === "") return say`none`;
    if (value === secret) return say`a secret`;
    if (value === unknown) return say`known after the update`;
    const text =
        typeof value === "string"
            ? value
            : JSON.stringify(value, (_, each: unknown) => (typeof each === "symbol" ? "(hidden)" : each));
    return text.length > 200 ? say`${text.slice(0, 200)} …` : say`${text}`;
}
