/** The tests of a team: those of its stack files, and of the types. */
const keptTests = /^test\/(?:types\.test\.ts$|stacks\/|policy\/(?:analyze|register)\.ts$)/;

/** What only this repository needs: its stacks, the other tests, and pages about its source and its releases. */
const left = [
    /^\.(?:ci|github)\//,
    /^(?:CHANGELOG|CONTRIBUTING|SECURITY)\.md$/,
    /^(?:packages\/operations\/src\/template|test)\//,
    /^Pulumi\.(?!sandbox\.)[^/]+\.yaml$/,
    /^docs\/(?:architecture|new-project)\.md$/,
];

/** Whether a file of this repository is a part of a new project. */
export function isPartOfProject(path: string): boolean {
    return keptTests.test(path) || !left.some((pattern) => pattern.test(path));
}

type Edit = (text: string, section: string) => string;

/** Replaces a text that must be there. */
function replace(text: string, from: string, to: string): string {
    if (!text.includes(from))
        throw new Error(`packages/operations/src/template/files.ts replaces a text that is gone: ${from}`);
    return text.replace(from, () => to);
}

const withoutGenerator = (test: string): Edit => {
    const sentence = `\`npm run docs\` writes this page, and ${test} fails if it is out of date. `;
    return (text) => replace(text, sentence, "");
};

const edits: Readonly<Record<string, Edit>> = {
    "Pulumi.yaml": (text, section) => text + section,
    "package.json": (text) => {
        const { scripts, ...manifest } = JSON.parse(text) as { scripts: Record<string, string> };
        const { docs: _docs, template: _template, "test:release": _release, ...kept } = scripts;
        return formatJson({ ...manifest, scripts: kept });
    },
    ".mocharc.json": (text) => {
        const { fgrep: _fgrep, invert: _invert, ...kept } = JSON.parse(text) as Record<string, unknown>;
        return formatJson({ ...kept, spec: ["test/types.test.ts", "test/stacks/*.test.ts"] });
    },
    "docs/access.md": withoutGenerator("a test"),
    "docs/clients.md": withoutGenerator("a test"),
    "docs/dependencies.md": (text) => replace(text, " A test compares this page with these files.", ""),
    "README.md": (text) =>
        replace(
            // Without the lines about what is not a part of the project: each is a row of a table or a sentence.
            text
                .split("\n")
                .filter(
                    (line) =>
                        !/\bPulumi\.(?:dev|prod)\.yaml\b|\(docs\/(?:architecture|new-project)\.md\)/.test(
                            line,
                        ),
                )
                .join("\n"),
            "This command runs all tests. A test that the machine cannot run is skipped, with a line that says what is missing.",
            "This command checks the types and every stack file: that it has no mistakes, and that the [policies](docs/policies.md)\n" +
                "accept what it registers. A stack whose settings are encrypted or come from an environment of Pulumi ESC is skipped,\n" +
                "with a line that says so.",
        ),
};

/** Where a page names the project: in a key of the configuration, in the full name of a stack, and as the namespace. */
const projectName = /(?<=namespace, `)python-registry|\bpython-registry(?=:[a-z]|\/(?:dev|prod)\b)/g;

/** `pulumi new` replaces this with the name of the project. */
const placeholder = "${PROJECT}";

/**
 * The text of a file in the template.
 *
 * @param section the section `template` of Pulumi.yaml: what `pulumi new` asks for
 */
export function templateText(path: string, text: string, section: string): string {
    const edited = edits[path]?.(text, section) ?? text;
    return path.endsWith(".md") ? edited.replace(projectName, () => placeholder) : edited;
}

function formatJson(value: object): string {
    return `${JSON.stringify(value, undefined, 2)}\n`;
}
