import {
    accountType,
    changes,
    describe,
    keyGrantType,
    keyType,
    poolType,
    getProject,
    providerType,
    repositoryType,
    serviceType,
    settings,
    untoldInputs,
} from "./describe";
import { type Preview, stackType, type Step } from "./events";
import { countGrants, isRegistryGrant } from "./grants";
import { harmlessChanges, riskyChanges } from "./lifecycle";
import { type Entry, line } from "./entry";
import { packageSourceChanges, shorterCooldown } from "./mirrors";
import { say, type Sentence, strong } from "./sentence";
import { parsePropertyPath, serialize } from "./values";

// What happens to the resources.

/** What is replaced or deleted, or may be from now on. In bold: what the update destroys. */
export function replacedOrDeleted(preview: Preview): Entry[] {
    const project = getProject(preview);
    const made = preview.steps.filter(isAtProvider);
    return [
        ...made.filter((step) => !isRegistryGrant(step)).flatMap((step) => destruction(step, project)),
        ...made
            .filter(losesProtection)
            .map((step) =>
                line(
                    strong(
                        say`Removes the protection of the ${describe(step, project)}: a later update can delete it.`,
                    ),
                ),
            ),
        ...packageSourceChanges(preview),
        ...shorterCooldown(preview),
        ...grantDestruction(made.filter(isRegistryGrant), preview.steps, project),
        ...riskyChanges(preview).map(line),
    ];
}

/** Everything else, in a line each. */
export function otherChanges(preview: Preview): Entry[] {
    const project = getProject(preview);
    const whole = new Set(preview.steps.filter((step) => !isPart(step)).map(({ urn }) => urn));
    const grants = preview.steps.filter(isRegistryGrant);
    const counted = (verb: string, op: string) =>
        countGrants(
            verb,
            grants.filter((step) => step.op === op),
            project,
        );
    return [
        ...preview.steps
            .filter((step) => !isPart(step) || !whole.has(step.urn))
            .flatMap((step) => otherChange(step, project)),
        ...counted("Creates", "create"),
        ...counted("Imports", "import"),
        ...counted("Updates", "update"),
        ...harmlessChanges(preview),
    ].map(line);
}

/** Changes of the stack's state only, which are worth an entry if there is no other one. */
export function stateChanges({ steps }: Preview): Entry[] {
    return steps
        .filter((step) => isOwnComponent(step) && step.op !== "same" && !isPart(step))
        .map((step) =>
            line(say`Changes only the stack's state: operation ${step.op} on the ${describe(step, "")}`),
        );
}

/** What the review does not show, because the events do not say it or it is a secret. */
export function hiddenChanges(preview: Preview): Sentence[] {
    const project = getProject(preview);
    return preview.steps.flatMap((step) => {
        const what = describe(step, project);
        if (!operations.has(step.op)) {
            return [say`What the operation ${step.op} does to the ${what} is not known.`];
        }
        // Of a grant and a provider, everything is shown. Of other resources, what changes.
        const changed = /^(?:update|replace)$/.test(step.op) && isAtProvider(step);
        const all = /Iam|IAM|^gcp:iam\//.test(step.type) || (changed && !step.isDiffComplete);
        const shown = new Set([
            ...[...step.changedPaths, ...step.replaceKeys].map((path) => parsePropertyPath(path)[0]),
            ...untoldInputs(step),
        ]);
        return [
            ...(changed && step.op === "update" && changes(step).length === 0
                ? [say`What the update changes in the ${what} is not in the events.`]
                : []),
            ...step.hidden
                .filter(({ path }) => all || shown.has(parsePropertyPath(path)[0]))
                .map(({ path, why }) => say`${path} of the ${what} ${[{ words: why }]}.`),
        ];
    });
}

/** The engine's operations: https://github.com/pulumi/pulumi/blob/master/pkg/resource/deploy/step.go */
const operations = new Set([
    ...["same", "create", "update", "delete", "replace", "read", "refresh", "import", "discard"],
    ...[
        "create-replacement",
        "delete-replaced",
        "read-replacement",
        "import-replacement",
        "discard-replaced",
    ],
    "remove-pending-replace",
]);

/** A replacement has more steps, which are its parts. After a refresh, another step says what the update does. */
function isPart({ op }: Step): boolean {
    return op === "refresh" || /-replace(?:d|ment)?$/.test(op);
}

/** Components, and resources of the engine such as providers, are in the state only. */
function isAtProvider({ type, old, new: next }: Step): boolean {
    return (old ?? next)?.custom !== false && !type.startsWith("pulumi:");
}

/** The components of this project, whose resources are shown, and the stack, whose outputs are shown. */
function isOwnComponent({ type }: Step): boolean {
    return type.startsWith("python-registry:index:") || type === stackType;
}

function otherChange(step: Step, project: string): Sentence[] {
    const { op, type, new: next } = step;
    if (op === "same" || isOwnComponent(step)) return [];
    const what = describe(step, project);
    const isGrant = isRegistryGrant(step);
    switch (op) {
        case "create":
            return isGrant
                ? []
                : [say`${type === serviceType ? say`Enables` : say`Creates`} the ${what}${settings(step)}`];
        case "import":
            if (isGrant) return [];
            return [say`Imports the ${what}, which exists already${changes(step)}${settings(step)}`];
        case "update": {
            if (isGrant) return [];
            if (type !== providerType && type !== poolType) return [say`Updates the ${what}${changes(step)}`];
            // Whose tokens are accepted is shown with the access.
            const told =
                type === poolType
                    ? /^(?!(?:description|displayName)$)/
                    : /^(?:aws|saml|x509|attributeCondition|attributeMapping|disabled|oidc(?:$|\.(?:issuerUri|allowedAudiences|jwksJson)))/;
            const rest = changes(
                step,
                step.changedPaths.filter((path) => !told.test(path)),
            );
            const none = step.changedPaths.length === 0;
            return rest.length > 0 || none ? [say`Updates the ${what}${rest}`] : [];
        }
        case "delete":
            if (isAtProvider(step)) {
                return staysAtGoogle(step)
                    ? [say`Removes the ${what} from the stack. At Google, it stays.`]
                    : [];
            }
            return [say`Removes the ${what}`];
        case "replace":
            return isAtProvider(step) ? [] : [say`Replaces the ${what}${changes(step)}`];
        case "read":
        case "refresh": {
            const same = serialize(step.old?.outputs) === serialize(next?.outputs);
            if (same && step.old !== undefined) return [];
            if (step.old === undefined) return [say`Reads the ${what}`];
            if (next === undefined) return [say`The ${what} no longer exists`];
            const paths = Object.keys({ ...step.old.outputs, ...next.outputs }).filter(
                (key) => serialize(step.old?.outputs[key]) !== serialize(next.outputs[key]),
            );
            const states = {
                ...step,
                old: { ...step.old, inputs: step.old.outputs },
                new: { ...next, inputs: next.outputs },
            };
            return [say`The ${what} differs from the stack's state${changes(states, paths)}`];
        }
        default:
            return [say`Operation ${op} on the ${what}${settings(step)}`];
    }
}

function destruction(step: Step, project: string): Entry[] {
    const before = describe({ ...step, new: undefined }, project);
    if (step.op === "delete" && !staysAtGoogle(step)) {
        const and = step.type === repositoryType ? say`, with every package in it` : [];
        return [line(say`${strong(say`Deletes the ${before}${and}.`)}${consequence(step.type)}`)];
    }
    if (step.op === "replace") {
        const reasons = step.replaceKeys.length > 0 ? step.replaceKeys : step.changedPaths;
        const and = step.type === repositoryType ? say`, and deletes every package in it` : [];
        const what = strong(say`Replaces the ${before}${and}.`);
        const after = staysAtGoogle(step) ? say` The old one stays at Google.` : consequence(step.type);
        const tops = new Set(reasons.map((path) => parsePropertyPath(path)[0]));
        const rest = changes(
            step,
            step.changedPaths.filter((path) => !tops.has(parsePropertyPath(path)[0])),
        );
        const also = rest.length > 0 ? say`. Also${rest}` : [];
        return [line(say`${what}${after} Reason${changes(step, reasons)}${also}`)];
    }
    return [];
}

/** What a reviewer must know before a resource of a type is deleted. */
function consequence(type: string): Sentence {
    if (type === accountType) return say` Everything that uses it loses access, and its keys stop working.`;
    if (type === keyType) return say` Everything that still signs in with it loses access.`;
    if (type === keyGrantType)
        return say` Repositories that are encrypted with this key can then neither be read nor written.`;
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

/** Grants are counted: the section about access names the principals. */
function grantDestruction(grants: readonly Step[], steps: readonly Step[], project: string): Entry[] {
    const removed = new Set(
        steps
            .filter(({ op, type }) => op === "delete" && type === "python-registry:index:RepositoryAccess")
            .map(({ urn }) => urn),
    );
    // With their parent, grants leave the stack's state only. They are not revoked.
    const deleted = grants.filter(({ op, old }) => op === "delete" && !removed.has(old?.parent ?? ""));
    const replaced = grants.filter(({ op }) => op === "replace");
    return [...countGrants("Deletes", deleted, project), ...countGrants("Replaces", replaced, project)].map(
        (text) => line(strong(say`${text}.`)),
    );
}
