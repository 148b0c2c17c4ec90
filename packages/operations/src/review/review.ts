import { accessChanges, unreadableAccess } from "./access";
import { getProject } from "./describe";
import { clientFileChanges, otherOutputs, unreadableFiles } from "./files";
import { type Entry, line, quote } from "./entry";
import { type Preview, stackReference } from "./events";
import { unreadableGrants } from "./grants";
import { getFindings } from "./policies";
import { ownProjectNumber } from "./providers";
import { hiddenChanges, otherChanges, replacedOrDeleted, stateChanges } from "./resources";
import { projectHost } from "python-registry/names/principals";
import { say, strong } from "./sentence";

/** What a reviewer reads, in this order. */
export const sections = [
    "failed",
    "hidden",
    "replaced",
    "access",
    "files",
    "policies",
    "messages",
    "other",
] as const;
export type Section = (typeof sections)[number];

/** The review of one stack. */
export interface StackReview {
    readonly stack: string;
    readonly failed: boolean;
    readonly unchanged: boolean;
    /**
     * What names the stack's own project and repository. Entries that differ in nothing else are shown once. The same thing is
     * at the same place for every stack.
     */
    readonly ownNames: readonly RegExp[];
    readonly entries: Readonly<Record<Section, readonly Entry[]>>;
}

/** Reviews the preview of a stack. */
export function reviewPreview(preview: Preview): StackReview {
    const { stack, failed, notes, problems, hiddenOutputs } = preview;
    const replaced = replacedOrDeleted(preview);
    const access = accessChanges(preview);
    const files = clientFileChanges(preview);
    const others = [...otherChanges(preview), ...otherOutputs(preview)];
    const nothing = [replaced, access, files, others].every((entries) => entries.length === 0);
    const other = nothing ? stateChanges(preview) : others;
    const hidden = [
        ...problems.map((problem) => line(say`${strong(say`The events are incomplete.`)} ${problem}`)),
        ...hiddenOutputs.map(({ path, why }) => line(say`The output ${path} ${[{ words: why }]}.`)),
        ...unreadableFiles(preview),
        ...unreadableAccess(preview).map(line),
        ...unreadableGrants(preview).map(line),
        ...hiddenChanges(preview).map(line),
    ];
    const unchanged = nothing && other.length === 0 && hidden.length === 0;
    return {
        stack,
        failed,
        unchanged: unchanged && !failed,
        ownNames: ownNames(preview),
        entries: {
            failed: failed ? failure(preview, nothing) : [],
            hidden,
            replaced,
            access,
            files,
            policies: getFindings(preview),
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

/**
 * Only where a text can name nothing else, and never as a part of a longer name. The account `ci@acme-dev.evil` and the project
 * `acme-dev-evil` are not the own ones of `acme-dev`.
 */
function ownNames(preview: Preview): RegExp[] {
    const { old = {}, new: next = old } = preview.outputs;
    const refs = [stackReference(next), stackReference(old)];
    const number = ownProjectNumber(preview.steps, getProject(preview));
    return [
        ...refs.map(({ project, location, id }) =>
            name(project && id, `${location}-python.pkg.dev/${project}/${id}`),
        ),
        // The host is the one of every project: alone, it names the own repository's.
        ...refs.map(({ location }) => name(location, `${location}-python.pkg.dev`, "/")),
        ...refs.map(({ project }) => name(project, `projects/${project}`, ":")),
        ...refs.map(({ project }) => name(project, `@${projectHost(project)}.iam.gserviceaccount.com`)),
        name(number, `projects/${number}`),
        name(number, `serviceAccount:${number}-compute@developer.gserviceaccount.com`),
    ];
}

/** A name where it is not a part of a longer one; nothing if the name is not known. */
function name(known: string, text: string, notBefore = ""): RegExp {
    if (known === "") return /(?!)/g;
    const start = /^\w/.test(text) ? "(?<![\\w.:-])" : "";
    return new RegExp(`${start}${text.replaceAll(/[^\w-]/g, String.raw`\$&`)}(?![\\w.%${notBefore}-])`, "g");
}
