import type { Commands, Path, PythonIndex } from "./client";
import type { FormFile, Tool, ToolClients } from "./tools";

/** How the tools are headed, in the order of the page; `clients` has more that is not for people. */
const headings: readonly (readonly [tool: Tool, heading: string])[] = [
    ["pip", "pip"],
    ["uv", "uv"],
    ["poetry", "Poetry"],
    ["pdm", "PDM"],
    ["hatch", "Hatch"],
    ["pipenv", "Pipenv"],
    ["twine", "twine"],
];

/**
 * The page for the people who install and publish: what to do on Linux, macOS and Windows, tool by tool, ready to paste.
 * Markdown, for the stack's page in Pulumi Cloud and for a wiki.
 *
 * @see https://www.pulumi.com/docs/pulumi-cloud/projects-and-stacks/#stack-readme
 */
export function readmeOf(index: PythonIndex, clients: Readonly<Record<Tool, ToolClients>>): string {
    return [
        `# Python packages: ${index.name}`,
        `Private packages come from ${code(index.indexUrl)}; uploads go to ${code(index.uploadUrl)}.`,
        "## Sign in, once",
        "With the [gcloud CLI](https://cloud.google.com/sdk/docs/install), on Linux, macOS and Windows:",
        fenced("sh", ["gcloud auth application-default login"]),
        "On a build machine there is nothing to do where it has an identity of its own (Cloud Build, GKE, workload " +
            "identity federation); elsewhere `GOOGLE_APPLICATION_CREDENTIALS` names a key file.",
        "401 means that nobody is signed in; 403 that whoever is has no role on this repository.",
        ...internalNames(index),
        ...headings.flatMap(([tool, heading]) => section(heading, clients[tool])),
        "",
    ]
        .join("\n\n")
        .replace(/\n+$/, "\n");
}

function internalNames({ internalPackages }: PythonIndex): string[] {
    const names = internalPackages.map(code).join(", ");
    return [
        "## Names that are ours",
        internalPackages.length === 0
            ? "No names are kept for this registry yet. A public package of the same name as one of ours may then be installed instead: ask the platform team to list ours in `internalPackages`."
            : `${names} come from this registry only, with uv, Poetry and PDM. pip, and Hatch through it, take the highest version that any index has: who uses them is not protected.`,
    ];
}

function section(heading: string, { install, publish, commands }: ToolClients): string[] {
    const files = [...install, ...publish].filter(
        ({ form, scope }) => form === "keyring" && (scope === "user" || scope === "project"),
    );
    const once = new Map(files.map((file) => [file.path.linux, file]));
    const { keyring, token } = commands;
    const withToken = token && { ...token, setup: { posix: [], powershell: [] } };
    return [
        `## ${heading}`,
        ...(keyring === undefined ? [] : titled("Once:", keyring.setup)),
        ...[...once.values()].flatMap(fileText),
        ...(keyring === undefined
            ? []
            : [...titled("Install:", keyring.install), ...titled("Publish:", keyring.publish)]),
        ...(withToken === undefined
            ? []
            : [
                  ...titled("Install without a keyring, with a token for an hour:", withToken.install),
                  ...titled("Publish without a keyring:", withToken.publish),
              ]),
    ];
}

function fileText({ path, scope, text }: FormFile): string[] {
    const where = scope === "project" ? `In the project's ${code(path.linux)}:` : `${places(path)}:`;
    const language =
        /\.(toml|conf|pypirc)$/.exec(path.linux)?.[1] === "toml" || path.linux === "Pipfile" ? "toml" : "ini";
    return [where, fenced(language, text.trimEnd().split("\n"))];
}

function places({ linux, macos, windows }: Path): string {
    return linux === macos
        ? `${code(linux)}, on Windows ${code(windows)}`
        : `${code(linux)}, on macOS ${code(macos)}, on Windows ${code(windows)}`;
}

function titled(title: string, { posix, powershell }: Commands): string[] {
    if (posix.length === 0) {
        return [];
    }
    return posix.join("\n") === powershell.join("\n")
        ? [title, fenced("sh", posix)]
        : [title, fenced("sh", posix), "In PowerShell:", fenced("powershell", powershell)];
}

function fenced(language: string, lines: readonly string[]): string {
    return ["```" + language, ...lines, "```"].join("\n");
}

function code(text: string): string {
    return `\`${text}\``;
}
