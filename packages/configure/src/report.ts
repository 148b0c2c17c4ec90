import { createTwoFilesPatch, OMIT_HEADERS } from "diff";
import { isDeepStrictEqual, styleText } from "node:util";
import { cooldownIn } from "./formats/cooldown";
import { isOnlyIndexText } from "./formats/only-index";
import { unrestrictedPackages } from "./formats/toml-merge";
import type { Plan } from "./journal/journal";
import { registriesIn } from "./registry/expected";
import { holdsCredential, maskCredentials } from "./registry/masking";
import type { Format } from "./formats/merge";
import type { System } from "./machine/system";

/** What a plan does to its file. */
export function action({
    before,
    after,
}: Pick<Plan, "before" | "after">): "created" | "changed" | "unchanged" | "removed" {
    if (before === undefined) return after === undefined ? "unchanged" : "created";
    if (after === undefined) return "removed";
    return before.equals(after) ? "unchanged" : "changed";
}

/**
 * A plan as a unified diff, without any credential.
 *
 * @param credentials texts to mask everywhere
 */
export function unifiedDiff(plan: Plan, credentials: readonly string[]): string {
    const { path, before, after } = plan;
    const format = formatOfPlan(plan);
    const [from, to] = [before?.toString() ?? "", after?.toString() ?? ""];
    const hunks = createTwoFilesPatch(
        path,
        path,
        maskCredentials(from, format, credentials),
        maskCredentials(to, format, credentials, from),
        undefined,
        undefined,
        { headerOptions: OMIT_HEADERS },
    );
    // The library writes letters that are not ASCII as numbers.
    const [old, made] = [before, after].map((content) => (content === undefined ? "/dev/null" : path));
    return `--- ${old}\n+++ ${made}\n${hunks}`;
}

/** Warns if a file that we wrote contains a credential, ours or not, and other people can read it. */
export function warnIfReadable(plan: Plan, { kind }: System): void {
    const { path, after, mode = 0o600 } = plan;
    const readable = kind !== "windows" && (mode & 0o077) !== 0;
    if (readable && holdsCredential(after?.toString() ?? "", formatOfPlan(plan))) {
        printWarning(`${path} contains a credential, and other people can read it. Run: chmod 600 '${path}'`);
    }
}

/** All edits to a file have one format. */
function formatOfPlan({ previousEdits, edits }: Plan): Format | undefined {
    return [...edits, ...previousEdits][0]?.format;
}

/** Warns if a credential of ours could not be removed, because its lines have been edited. */
export function warnIfCredentialRemains({ path, after, previousEdits, edits }: Plan): void {
    const words = (text: string) => text.split(/[\s:@"']+/).filter((word) => word.length >= longWord);
    const wanted = new Set(edits.flatMap(({ text }) => words(text)));
    const gone = previousEdits.filter(({ secret }) => secret).flatMap(({ text }) => words(text));
    if (gone.some((word) => !wanted.has(word) && after?.includes(word) === true)) {
        printWarning(`${path} still contains a credential of an earlier run. Remove it by hand`);
    }
}

/**
 * Warns if tools could take packages from other indexes that an earlier run restricted to the registry, or from another repository: the
 * author of the outputs chooses the one in front of the registry.
 */
export function warnIfUnrestricted({ path, previousEdits, edits }: Plan): void {
    for (const { owner, format, text } of previousEdits) {
        const edit = edits.find((each) => isDeepStrictEqual(each.owner, owner));
        if (edit === undefined) continue;
        const before = registriesIn(text, format);
        const added = registriesIn(edit.text, format).filter((name) => !before.includes(name));
        // Beside the registry itself, only the repository that tools ask can change.
        if (added.some((name) => name !== owner.registry)) {
            printWarning(
                `After this change, ${owner.tool} with ${path} takes packages from ${[...new Set(added)].join(", ")}. ` +
                    "If you do not expect this, check publicPackages and repository.indexRepository in the outputs",
            );
        }
        if (isOnlyIndexText(format, edit.text)) continue;
        if (isOnlyIndexText(format, text)) {
            printWarning(
                `After this change, ${path} no longer restricts ${owner.tool} to the registry: it takes packages from PyPI too. ` +
                    "If you do not expect this, check publicPackages in the outputs",
            );
            continue;
        }
        if (format !== "toml") continue;
        const [waited = 0, waits = 0] = [cooldownIn(text), cooldownIn(edit.text)];
        if (waits < waited) {
            const now = waits === 0 ? "no longer waits" : `waits ${waits} days instead of ${waited}`;
            printWarning(
                `After this change, ${owner.tool} with ${path} ${now} before it takes new versions of public packages. ` +
                    "If you do not expect this, check cooldown in the outputs",
            );
        }
        const lost = unrestrictedPackages(text, edit.text);
        if (lost.length === 0) continue;
        printWarning(
            `After this change, ${path} no longer restricts these packages to the registry for ${owner.tool}: ${lost.join(", ")}. ` +
                "If you do not expect this, check internalPackages in the outputs",
        );
    }
}

/** Tokens have more than a hundred characters, keys thousands. Nothing else in our files has words of this length. */
const longWord = 80;

/** Results go to standard output, everything else to standard error. */
export function printLine(text: string): void {
    console.log(text);
}
export function printNote(text: string): void {
    printLabelled("dim", "note", text);
}
export function printWarning(text: string): void {
    printLabelled("yellow", "warning", text);
}
export function printError(text: string): void {
    printLabelled("red", "error", text);
}

function printLabelled(style: "dim" | "yellow" | "red", what: string, text: string): void {
    console.error(`${styleText(style, `${what}:`, { stream: process.stderr })} ${text}`);
}
