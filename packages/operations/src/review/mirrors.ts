import { changes, describe, getProject, repositoryType, ruleType } from "./describe";
import { type Entry, line } from "./entry";
import type { Preview, Step } from "./events";
import { say, type Sentence, strong } from "./sentence";
import { isRecord, parsePropertyPath, type Properties, serialize } from "./values";

// Which packages come into a registry, and from where. In bold: what can let in a package with the name of an internal one.

/** The settings of a repository that say where its packages come from. */
const sources = ["remoteRepositoryConfig", "virtualRepositoryConfig"];

/** Rules that no longer keep packages out, and repositories whose upstream changes. */
export function packageSourceChanges(preview: Preview): Entry[] {
    const project = getProject(preview);
    const deleted = new Set(
        preview.steps
            .filter(({ op, type }) => op === "delete" && type === repositoryType)
            .map(({ old }) => repositoryOf(old?.inputs ?? {})),
    );
    return preview.steps.flatMap((step): Entry[] => {
        if (step.type === repositoryType) return upstreamChange(step, project);
        if (step.type !== ruleType) return [];
        const before = step.old?.inputs ?? {};
        // With its repository, a rule opens nothing.
        if (deleted.has(repositoryOf(before))) return [];
        return opens(step)
            ? [line(strong(say`No longer keeps ${what(before)} out of the repository ${name(before)}.`))]
            : [];
    });
}

/** A cooldown that is shorter or gone: new public versions come in earlier. */
export function shorterCooldown({ outputs: { old, new: next } }: Preview): Entry[] {
    // Outputs that are hidden, or that nobody knows, have an entry of their own.
    const known = (value: unknown) => value === undefined || daysOf(value) !== undefined;
    if (next === undefined || !known(next["cooldown"])) return [];
    const [before = 0, after = 0] = [daysOf(old?.["cooldown"]), daysOf(next["cooldown"])];
    if (after >= before) return [];
    const how = after === 0 ? say`no longer wait` : say`wait ${after} days instead of ${before}`;
    return [line(strong(say`The tools ${how} before they take new versions of public packages.`))];
}

function daysOf(cooldown: unknown): number | undefined {
    const days = isRecord(cooldown) ? cooldown["days"] : undefined;
    return typeof days === "number" ? days : undefined;
}

function upstreamChange(step: Step, project: string): Entry[] {
    // A replacement is shown with its reason.
    if (step.op !== "update") return [];
    const paths = step.changedPaths.filter((path) => sources.includes(parsePropertyPath(path)[0] ?? ""));
    if (paths.length === 0) return [];
    return [
        line(
            say`${strong(say`Changes where the packages of the ${describe(step, project)} come from`)}${changes(step, paths)}`,
        ),
    ];
}

/** Whether a rule denied what it no longer denies, as far as the events say. */
function opens({ op, old, new: next }: Step): boolean {
    const denied = old?.inputs["action"] === "DENY";
    if (!denied || !/^(?:delete|update|replace)$/.test(op)) return false;
    if (op === "delete") return true;
    const same = ["action", "operation", "packageId", "repositoryId", "location", "project"].every(
        (key) => JSON.stringify(old.inputs[key]) === JSON.stringify(next?.inputs[key]),
    );
    // Without a condition, it denies more.
    const condition = next?.inputs["condition"] ?? undefined;
    return !same || (condition !== undefined && serialize(condition) !== serialize(old.inputs["condition"]));
}

function what({ packageId, condition }: Properties): Sentence {
    const packages =
        typeof packageId === "string"
            ? say`the package ${packageId}`
            : say`packages without a rule of their own`;
    return condition === undefined || condition === null ? packages : say`${packages}, under a condition,`;
}

function name({ repositoryId }: Properties): string {
    return typeof repositoryId === "string" ? repositoryId : "";
}

function repositoryOf({ project, location, repositoryId }: Properties): string {
    return JSON.stringify([project, location, repositoryId]);
}
