// The syntax that all snippets share: YAML and sh.

/** A YAML string in double quotes: every JSON string is one. */
export function yamlString(text: string): string {
    return JSON.stringify(text);
}

/** Lines with the same indentation, as the content of a YAML block scalar. Empty lines stay empty. */
export function indented(lines: readonly string[], spaces: number): string {
    return lines.map((line) => (line === "" ? "" : `${" ".repeat(spaces)}${line}`)).join("\n");
}

/** Lines of a file, each with its line break. */
export function fileOf(...lines: readonly string[]): string {
    return lines.map((line) => `${line}\n`).join("");
}

/** sh commands that write a file. */
export function writeFile(path: string, text: string): string[] {
    return [`cat > ${path} <<'END'`, ...text.replace(/\n$/, "").split("\n"), "END"];
}
