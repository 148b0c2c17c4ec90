export { joinLines as fileOf } from "../clients/client";

// The syntax that all snippets share: YAML and sh.

/** A YAML string in double quotes: every JSON string is one. */
export function yamlString(text: string): string {
    return JSON.stringify(text);
}

/** Lines with the same indentation, as the content of a YAML block scalar. Empty lines stay empty. */
export function indented(lines: readonly string[], spaces: number): string {
    return lines.map((line) => (line === "" ? "" : `${" ".repeat(spaces)}${line}`)).join("\n");
}

/** A word of sh in single quotes: the shell expands nothing in it. */
function quoted(text: string): string {
    return `'${text.replaceAll("'", `'\\''`)}'`;
}

/**
 * sh commands that write a file. They contain no here-document, because CircleCI expands what follows a `<<`.
 *
 * @param path a word of sh
 * @param expanded a variable in the text that the shell expands, such as `$dir`
 */
export function writeFile(path: string, text: string, expanded?: string): string[] {
    const lines = text.replace(/\n$/, "").split("\n").map(quoted);
    return [
        "printf '%s\\n' \\",
        ...lines
            .map((line) =>
                expanded === undefined ? line : line.replaceAll(expanded, () => `'"${expanded}"'`),
            )
            .map((line) => `  ${line} \\`),
        `  > ${path}`,
    ];
}
