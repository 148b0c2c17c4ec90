import { accessChanges } from "./access";
import { clientFileChanges, otherOutputs } from "./files";
import { type Entry, line, quote } from "./entry";
import { type Preview, stackReference } from "./events";
import { findingsOf } from "./policies";
import { otherAccessChanges, otherChanges, replacedOrDeleted } from "./resources";
import { say } from "./sentence";

/** What a reviewer reads, in this order. */
export const sections = ["failed", "replaced", "access", "files", "policies", "messages", "other"] as const;
export type Section = (typeof sections)[number];

/** The review of one stack. */
export interface StackReview {
    readonly stack: string;
    readonly failed: boolean;
    readonly unchanged: boolean;
    /** Texts that only this stack has, such as its project id. Entries that differ in nothing else are told once. */
    readonly ownTexts: readonly string[];
    readonly entries: Readonly<Record<Section, readonly Entry[]>>;
}

/** Reviews the preview of a stack. */
export function reviewOf(preview: Preview): StackReview {
    const { stack, failed, notes } = preview;
    const replaced = replacedOrDeleted(preview);
    const access = [...accessChanges(preview), ...otherAccessChanges(preview)];
    const files = clientFileChanges(preview);
    const other = [...otherChanges(preview), ...otherOutputs(preview)];
    const unchanged = [replaced, access, files, other].every((entries) => entries.length === 0);
    return {
        stack,
        failed,
        unchanged: unchanged && !failed,
        ownTexts: ownTexts(preview),
        entries: {
            failed: failed ? failure(preview, unchanged) : [],
            replaced,
            access,
            files,
            policies: findingsOf(preview),
            messages: notes.map((note) => quote(say`The program says:`, note)),
            other,
        },
    };
}

function failure({ errors, findings }: Preview, nothingElse: boolean): Entry[] {
    const rest = nothingElse ? say` Nothing else is known.` : say` What follows may be incomplete.`;
    if (errors.length > 0) return [quote(say`The preview failed.${rest}`, errors.join("\n"))];
    const violated = findings.some(
        ({ level, exceptions }) => level === "mandatory" && exceptions.length === 0,
    );
    const reason = violated
        ? say`: a mandatory policy is violated.`
        : say`, and the engine gave no reason. See the log of the job.`;
    return [line(say`The preview failed${reason}`)];
}

/** Always in the same order, and a text that contains another one before it. */
function ownTexts({ outputs: { old = {}, new: next = old } }: Preview): string[] {
    const [before, after] = [stackReference(old), stackReference(next)];
    const host = ({ location }: typeof after) => `${location}-python.pkg.dev`;
    const url = (at: typeof after) => `${host(at)}/${at.project}/${at.id}`;
    const numbers = JSON.stringify([next["access"]]).matchAll(/(?<=\bprojects\/)\d+(?=\/)/g);
    return [
        ...[before, after].map(url),
        ...[before, after].map(host),
        ...[before, after].map(({ project }) => project),
        ...new Set([...numbers].map(String)),
    ];
}
