import { type Answers, control, denied, type RepositoryAnswers } from "./observe";

/** Which of the undocumented possibilities the service has. */
export interface Verdict {
    /** Whether the index of the remote repository lists a package that its rule denies. */
    readonly index: "listed" | "hidden";
    /** Whether the rule of the remote repository holds for downloads through the virtual one. */
    readonly rules: "honoured" | "ignored";
    /** Whether the virtual repository's index lists it, which decides what tools do. */
    readonly isListedByVirtual: boolean;
}

/** Why answers allow no verdict yet. */
export interface Undecided {
    readonly because: string;
}

const isDenied = (status: number | undefined) => status === 403 || status === 404;

/**
 * What answers mean. They mean nothing before the package that no rule is about can be downloaded from both repositories, and the
 * rule holds where it is: on the remote one.
 */
export function judge({ remote, virtual }: Answers): Verdict | Undecided {
    const because =
        controlFault("remote", remote) ??
        controlFault("virtual", virtual) ??
        (isDenied(remote.denied.download)
            ? undefined
            : remote.denied.download === 200
              ? `the remote repository itself still lets ${denied.name} be downloaded`
              : `the remote repository ${answer(remote.denied.download)} for a file of ${denied.name}`) ??
        (isDenied(virtual.denied.download) || virtual.denied.download === 200
            ? undefined
            : `the virtual repository ${answer(virtual.denied.download)} for a file of ${denied.name}`) ??
        pageFault("remote", remote) ??
        pageFault("virtual", virtual);
    if (because !== undefined) return { because };
    return {
        index: remote.denied.isListed ? "listed" : "hidden",
        rules: isDenied(virtual.denied.download) ? "honoured" : "ignored",
        isListedByVirtual: virtual.denied.isListed,
    };
}

function controlFault(kind: string, { control: { page, isListed, download } }: RepositoryAnswers) {
    const what = `the ${kind} repository`;
    if (!isListed) return `${what} ${answer(page)} for the page of ${control.name}, which no rule denies`;
    if (download !== 200)
        return `${what} ${answer(download)} for a file of ${control.name}, which no rule denies`;
    return undefined;
}

/** A page is there with files, or not at all. */
function pageFault(kind: string, { denied: { page } }: RepositoryAnswers) {
    return page === 200 || isDenied(page)
        ? undefined
        : `the ${kind} repository ${answer(page)} for the page of ${denied.name}`;
}

function answer(status: number | undefined): string {
    return status === undefined ? "does not answer" : `answers ${status}`;
}
