import { stripVTControlCharacters } from "node:util";

// Foreign text in a log: what a registry or twine says.

/** Without control characters, and without what the runner of a CI system takes as a command (`##[`). */
export function printable(text: string): string {
    return stripVTControlCharacters(text)
        .replace(/(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "")
        .replaceAll("##[", "## [");
}

/** The beginning of a text, in one line. */
export function oneLine(text: string): string {
    const line = printable(text).replace(/\s+/g, " ").trim();
    return line.length > 300 ? `${line.slice(0, 300)}…` : line;
}

/** The last lines of a text, each behind a prefix: a runner takes a line that begins with `::` as a command. */
export function lastLines(text: string, prefix: string): string {
    return printable(text)
        .split("\n")
        .map((line) => line.trim())
        .filter((line) => line !== "")
        .slice(-8)
        .map((line) => `${prefix}${line.slice(0, 500)}`)
        .join("\n");
}
