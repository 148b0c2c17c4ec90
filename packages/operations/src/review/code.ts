// Foreign text in Markdown. As code, it has no meaning: it cannot format, link, mention anyone or end early.

/**
 * Control and format characters except the tab, which may reorder or hide the text around them, and characters without a shape.
 * An empty braille pattern is among these.
 */
const invisible = /(?!\t)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]/gu;

/** Shows invisible characters by their number, so that a reviewer sees them. */
export function visible(text: string): string {
    return text.replaceAll(invisible, (found) => `\\u{${(found.codePointAt(0) ?? 0).toString(16)}}`);
}

/** A text as inline code, on one line. */
export function inlineCode(text: string): string {
    const line = visible(text.replaceAll(/\r?\n|\r/g, "⏎").replaceAll("\t", " "));
    if (line === "") return "``` ```";
    const fence = "`".repeat(longestRun(line) + 1);
    // A space at each end is removed if both are there and the text is not only spaces.
    const padded = /^`|`$|^ .*[^ ].* $/.test(line) ? ` ${line} ` : line;
    return `${fence}${padded}${fence}`;
}

/** A text as a code block. */
export function codeBlock(text: string, language: "diff" | "text"): string {
    const fence = "`".repeat(Math.max(3, longestRun(text) + 1));
    const lines = text
        .replace(/(?:\r?\n)+$/, "")
        .split(/\r?\n|\r/)
        .map(visible);
    return `${fence}${language}\n${lines.join("\n")}\n${fence}`;
}

function longestRun(text: string): number {
    return Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
}
