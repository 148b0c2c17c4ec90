import { codeBlock, inlineCode } from "./code";
import type { Entry } from "./entry";
import { type Section, sections, type StackReview } from "./review";
import { list, type Piece, say, type Sentence } from "./sentence";

/** How long a comment may be, and where the rest is. */
export interface CommentOptions {
    /** In UTF-16 units, which are never fewer than characters. */
    readonly limit: number;
    /** The file that has the whole review. */
    readonly details?: string;
}

const headings: Readonly<Record<Section, string>> = {
    failed: "Failed",
    hidden: "Not shown",
    replaced: "Replaced or deleted",
    access: "Access",
    files: "Client files",
    policies: "Policies",
    messages: "Messages",
    other: "Other changes",
};

/** Longer lists are folded from here on. */
const foldAfter = 40;
/** Longer diffs are folded. */
const foldedLines = 40;
/** In a comment that is too long, messages are cut after this number of characters. */
const cutQuotes = 2000;
/** A value is cut after this number of characters. The condition of a workload identity provider is shorter. */
const cutValues = 4096;
/** A heading names not more stacks than this, and neither does an entry of a comment that is too long. */
const maxNames = 20;
/** If this number of stacks or fewer are missing among many, their names are shorter to read. */
const maxExceptions = 5;

/** The whole review. */
export function renderReview(reviews: readonly StackReview[]): string {
    return assemble(renderFrame(reviews), renderParts(reviews, Infinity));
}

/** The review as a comment: cut where it would be longer than the limit, the most important first. */
export function renderComment(reviews: readonly StackReview[], { limit, details }: CommentOptions): string {
    const whole = renderReview(reviews);
    if (whole.length <= limit) return whole;
    const rest =
        details === undefined
            ? say`This comment is too long for the rest. ${"--details FILE"} writes all of it to a file.`
            : say`This comment is too long for the rest. All of it is in the file ${details}.`;
    const frame = renderFrame(reviews, limit, rest);
    const parts = renderParts(reviews, cutQuotes);
    const reserve = frame.top.length + frame.bottom.length + 4;
    // Every section keeps its heading and the number of what is left out.
    const overhead = parts.map(({ heading, blocks }) => heading.length + leftOut(blocks.length).length + 80);
    let room = limit - reserve - overhead.reduce((sum, each) => sum + each, 0);
    const cut = parts.map(({ blocks, ...part }) => {
        const kept = blocks.filter(({ text }) => {
            if (text.length + 2 > room) return false;
            room -= text.length + 2;
            return true;
        });
        return { ...part, blocks: kept, omitted: blocks.length - kept.length };
    });
    return assemble(frame, cut);
}

interface Frame {
    readonly top: string;
    readonly bottom: string;
}

interface Block {
    readonly text: string;
    /** Whether it is an item of a list. */
    readonly item: boolean;
}

interface Part {
    readonly heading: string;
    /** Whether the end of a long list is folded. */
    readonly folds: boolean;
    readonly blocks: readonly Block[];
    readonly omitted?: number;
}

function assemble({ top, bottom }: Frame, parts: readonly Part[]): string {
    const texts = parts.map(({ heading, folds, blocks, omitted = 0 }) => {
        const more = omitted === 0 ? [] : [leftOut(omitted)];
        return [heading, ...(folds ? folded : joined)(blocks), ...more].join("\n\n");
    });
    return `${[top, ...texts, bottom].filter((text) => text !== "").join("\n\n")}\n`;
}

/** The blocks, with items of a list on adjacent lines and the end of a long list folded. */
function folded(blocks: readonly Block[]): string[] {
    const [shown, hidden] = [blocks.slice(0, foldAfter), blocks.slice(foldAfter)];
    if (hidden.length === 0) return joined(shown);
    return [...joined(shown), fold(`${hidden.length} more`, joined(hidden).join("\n\n"))];
}

function joined(blocks: readonly Block[]): string[] {
    const texts: string[] = [];
    blocks.forEach(({ text, item }, index) => {
        const before = blocks[index - 1];
        const oneLiners = !text.includes("\n") && before?.text.includes("\n") === false;
        if (item && before?.item === true && oneLiners) texts.push(`${texts.pop() ?? ""}\n${text}`);
        else texts.push(text);
    });
    return texts;
}

/** GitHub and GitLab render the Markdown in it because of the blank lines. */
function fold(summary: string, body: string): string {
    return `<details><summary>${summary}</summary>\n\n${body}\n\n</details>`;
}

function leftOut(count: number): string {
    return `… and ${count} more, which do not fit here.`;
}

/** What is before and after the sections. */
function renderFrame(reviews: readonly StackReview[], limit = Infinity, rest: Sentence = []): Frame {
    const names = reviews.map(({ stack }) => stack);
    const unchanged = reviews.filter((review) => review.unchanged).map(({ stack }) => stack);
    const none = unchanged.length === 0 ? "" : render(say`No changes: ${some(unchanged, limit)}.`);
    const quiet = reviews.every(({ entries }) => sections.every((section) => entries[section].length === 0));
    return {
        top: quiet ? "" : `## ${render(say`Preview of ${title(names, limit)}`)}`,
        bottom: [none, render(rest)].filter((text) => text !== "").join("\n\n"),
    };
}

/** A heading with a hundred names hides what comes after it. */
function title(names: readonly string[], limit: number): Sentence {
    return names.length > maxNames ? say`${names.length} stacks` : some(names, limit);
}

/** Names, unless they take more than a twentieth of the room. */
function some(names: readonly string[], limit: number): Sentence {
    const all = list(names);
    return render(all).length <= limit / 20 ? all : say`${names.length} stacks`;
}

function renderParts(reviews: readonly StackReview[], cut: number): Part[] {
    return sections.flatMap((section) => {
        const merged = merge(reviews, section);
        if (merged.length === 0) return [];
        const reviewed = reviews.map(({ stack }) => stack);
        const blocks = merged.map((each) => renderBlock(each, reviewed, cut));
        const folds = section !== "failed" && section !== "hidden" && section !== "replaced";
        return [{ heading: `### ${headings[section]}`, folds, blocks }];
    });
}

interface MergedEntry {
    readonly entry: Entry;
    readonly stacks: readonly string[];
    /** Whether it reads a little differently for the other stacks. */
    readonly example: boolean;
}

/** The entries of a section in all stacks. Those that differ only in their stack's own names are shown once. */
function merge(reviews: readonly StackReview[], section: Section): MergedEntry[] {
    const merged = new Map<string, { entry: Entry; stacks: string[]; example: boolean }>();
    for (const { stack, ownNames, entries } of reviews) {
        for (const entry of entries[section]) {
            const key = neutral(JSON.stringify(entry), ownNames);
            const known = merged.get(key);
            if (known === undefined) merged.set(key, { entry, stacks: [stack], example: false });
            else if (!known.stacks.includes(stack)) {
                known.stacks.push(stack);
                known.example ||= JSON.stringify(known.entry) !== JSON.stringify(entry);
            }
        }
    }
    return [...merged.values()];
}

/** JSON without the own names of a stack. It contains no control characters, so no text can be taken for a replacement. */
function neutral(json: string, ownNames: readonly RegExp[]): string {
    return ownNames.reduce((text, name, index) => text.replaceAll(name, `\0${index}\0`), json);
}

function renderBlock(
    { entry, stacks, example }: MergedEntry,
    reviewed: readonly string[],
    cut: number,
): Block {
    const named: Sentence = reviewed.length === 1 ? [] : say`${getNames(stacks, reviewed, cut)}: `;
    const [first = ""] = stacks;
    const note = example ? say` (shown for ${first})` : [];
    const text = render([...named, ...entry.text, ...note]);
    if (entry.kind === "line") return { text: `- ${text}`, item: true };
    if (entry.kind === "quote") {
        const block = codeBlock(shorten(entry.quoted, cut), "text");
        return { text: `- ${text}\n\n${indent(block)}`, item: true };
    }
    const block = codeBlock(entry.hunks, "diff");
    const lines = block.split("\n").length - 2;
    const body = lines > foldedLines ? fold(`${lines} lines`, block) : block;
    return { text: `${text}\n\n${body}`, item: false };
}

/** Names of stacks, or the few that are missing; in a comment that is too long, not more than fit on a few lines. */
function getNames(stacks: readonly string[], reviewed: readonly string[], cut: number): Sentence {
    const missing = reviewed.filter((stack) => !stacks.includes(stack));
    if (missing.length === 0) return say`all ${stacks.length} stacks`;
    if (stacks.length <= maxNames) return list(stacks);
    if (missing.length <= maxExceptions) return say`all stacks except ${list(missing)}`;
    if (cut === Infinity) return list(stacks);
    return say`${list(stacks.slice(0, maxNames))} and ${stacks.length - maxNames} more stacks`;
}

function shorten(text: string, length: number): string {
    return text.length <= length
        ? text
        : `${text.slice(0, length)}\n… ${text.length - length} more characters`;
}

function indent(text: string): string {
    return text.replaceAll(/^(?=.)/gm, "  ");
}

/** A sentence as Markdown. */
export function render(sentence: Sentence): string {
    return sentence.map(renderPiece).join("");
}

function renderPiece(piece: Piece): string {
    if ("words" in piece) return piece.words;
    if ("strong" in piece) return `**${render(piece.strong)}**`;
    if ("name" in piece) return inlineCode(piece.name);
    const { value } = piece;
    return value.length > cutValues
        ? `${inlineCode(value.slice(0, cutValues))} … ${value.length - cutValues} more characters`
        : inlineCode(value);
}
