import { accountId, describe, elsewhere, getProject, valueBefore, valueText } from "./describe";
import { type Preview, resourceName, type StackReference, stackReference, type Step } from "./events";
import { type Entry, line } from "./entry";
import { say, type Sentence, strong } from "./sentence";
import { isRecord, type Properties, serialize } from "./values";

// Grants, by their resources.

const grantType = /(?:Iam|IAM)(?:Binding|Member|Policy)$/;
/** The grants that the stack's output `access` names. */
const registryGrant = /^gcp:(?:artifactregistry\/repositoryIam|serviceaccount\/iAM)(?:Binding|Member):/;

/** Whether a resource is a grant on a repository or an account. */
export function isRegistryGrant({ type }: Step): boolean {
    return registryGrant.test(type);
}

/** What a resource grants to one principal. */
interface Grant {
    /** As in `roles/artifactregistry.reader`; undefined for a whole policy. */
    readonly role: unknown;
    readonly principal: unknown;
    readonly condition: unknown;
    /** What the role is granted on: the other inputs; none for the stack's repository. */
    readonly on: Properties;
}

/** Whether another entry names a grant that is made or revoked. */
export type IsNamed = (change: {
    readonly principal: string;
    readonly role: string;
    readonly on: Properties;
    readonly gains: boolean;
}) => boolean;

/**
 * The grants that no other entry names: those beside the registry, those with a condition, and those on the repository and its
 * accounts of which the stack's outputs say something else.
 */
export function grantChanges(preview: Preview, isNamed: IsNamed): Entry[] {
    const { old = {}, new: next = old } = preview.outputs;
    const [from, to] = [stackReference(old), stackReference(next)];
    const steps = preview.steps
        .filter(({ type }) => grantType.test(type))
        .map((step) => {
            const [old, next] = findInputs(step);
            const before = old ? readGrants(old, from) : [];
            const after = next ? readGrants(next, to) : [];
            return { step, gained: without(after, before), lost: without(before, after) };
        });
    const gained = new Set(steps.flatMap((each) => each.gained.map(serialize)));
    const lost = new Set(steps.flatMap((each) => each.lost.map(serialize)));
    const isTold = (grant: Grant, gains: boolean) => {
        // The same grant by a different resource: nothing changes.
        if ((gains ? lost : gained).has(serialize(grant))) return true;
        const { role, principal, condition, on } = grant;
        if (typeof role !== "string" || typeof principal !== "string" || condition !== undefined)
            return false;
        return isNamed({ role, principal, on, gains });
    };
    return steps.flatMap(({ step, ...changed }) =>
        ([true, false] as const).flatMap((gains): Entry[] => {
            const all = gains ? changed.gained : changed.lost;
            const rest = isRegistryGrant(step) ? all.filter((grant) => !isTold(grant, gains)) : all;
            return byRole(rest).map((grants) => line(changeText(step, grants, gains, to)));
        }),
    );
}

/** The resources of grants in which no one is found. */
export function unreadableGrants(preview: Preview): Sentence[] {
    return preview.steps
        .filter(
            (step) =>
                grantType.test(step.type) && findInputs(step).some((inputs) => inputs && !isReadable(inputs)),
        )
        .map((step) => say`What the ${describe(step, getProject(preview))} grants cannot be read.`);
}

/** Whether inputs say in a known way who has which role. Nobody is an answer, too. */
function isReadable({ role, member, members, policyData, bindings }: Properties): boolean {
    const isGiven = (value: unknown) => value !== undefined && value !== null && value !== "";
    const one = isGiven(member) || isGiven(members);
    const all =
        Array.isArray(bindings) &&
        bindings.every((each) => isRecord(each) && Array.isArray(each["members"]) && isGiven(each["role"]));
    return (one || all || isGiven(policyData)) && (!one || isGiven(role)) && (all || !isGiven(bindings));
}

/** The inputs of a grant before and after the update, if it exists then. */
function findInputs(step: Step): [old: Properties | undefined, next: Properties | undefined] {
    return [
        /^(?:update|replace|delete)$/.test(step.op) ? inputsBefore(step) : undefined,
        /^(?:update|replace|create|import)$/.test(step.op) ? (step.new?.inputs ?? {}) : undefined,
    ];
}

/** The inputs before the update. A member that someone added at Google is in the outputs only. */
function inputsBefore(step: Step): Properties {
    const inputs = step.old?.inputs ?? {};
    return Object.fromEntries(Object.keys(inputs).map((key) => [key, valueBefore(step, key)]));
}

function readGrants(
    { role, member, members, policyData, condition, bindings, ...on }: Properties,
    stack: StackReference,
): Grant[] {
    const inPolicy = Array.isArray(bindings) ? bindings.filter(isRecord) : [];
    const { project = stack.project, location = stack.location, repository } = on;
    const own =
        repositoryId(repository) === stack.id && project === stack.project && location === stack.location;
    return [{ role, members: [members, member, policyData].flat(), condition }, ...inPolicy].flatMap((each) =>
        [each.members]
            .flat()
            .filter((principal) => principal !== undefined && principal !== null && principal !== "")
            .map((principal: unknown) => ({
                role: each.role,
                principal,
                condition: each.condition ?? undefined,
                on: own ? {} : on,
            })),
    );
}

/** The id of a repository, which may be given by its resource name. */
function repositoryId(repository: unknown): string | undefined {
    return typeof repository === "string" ? repository.replace(/^.*\//, "") : undefined;
}

function without(some: readonly Grant[], others: readonly Grant[]): Grant[] {
    const known = new Set(others.map(serialize));
    return some.filter((grant) => !known.has(serialize(grant)));
}

function byRole(grants: readonly Grant[]): Grant[][] {
    const groups = new Map<string, Grant[]>();
    for (const grant of grants) {
        const key = serialize([grant.role, grant.condition, grant.on]);
        groups.set(key, [...(groups.get(key) ?? []), grant]);
    }
    return [...groups.values()];
}

function changeText(step: Step, grants: readonly Grant[], gains: boolean, stack: StackReference): Sentence {
    const [{ role, condition, on } = { role: "", condition: undefined, on: {} }] = grants;
    const verb = gains ? say`grants ` : say`revokes `;
    const what = strong([...verb, ...(role === undefined ? say`by a whole policy` : valueText(role))]);
    const who = grants.flatMap(({ principal }, index) => [
        ...(index === 0 ? [] : say`, `),
        ...valueText(principal),
    ]);
    const where = isRegistryGrant(step)
        ? say` on the ${getTarget({ repository: stack.id, ...on }, stack.project)}`
        : say` beside the registry`;
    const only = condition === undefined ? [] : say`, with the condition ${valueText(condition)}`;
    return say`${what}${where}: ${who}${only}, by ${resourceName(step.urn)} (${step.type})`;
}

/** The repository or account of a grant. */
function getTarget({ repository, serviceAccountId, project }: Properties, own: string): Sentence {
    if (typeof serviceAccountId === "string") {
        const [, of] = /^projects\/([^/]+)\//.exec(serviceAccountId) ?? [];
        return say`service account ${accountId(serviceAccountId)}${elsewhere(of === "-" ? undefined : of, own)}`;
    }
    return say`repository ${repositoryId(repository) ?? "?"}${elsewhere(project, own)}`;
}

/** The number of grants on each repository and account. */
export function countGrants(verb: string, grants: readonly Step[], project: string): Sentence[] {
    const numbers = new Map<string, { readonly target: Sentence; readonly number: number }>();
    for (const { old, new: next } of grants) {
        const target = getTarget(old?.inputs ?? next?.inputs ?? {}, project);
        const key = JSON.stringify(target);
        numbers.set(key, { target, number: (numbers.get(key)?.number ?? 0) + 1 });
    }
    return [...numbers.values()].map(({ target, number }) => {
        const grantsOn: Sentence = [{ words: `${verb} ${number} grant${number === 1 ? "" : "s"} on the ` }];
        return [...grantsOn, ...target];
    });
}
