import type { Commands, Path, PythonIndex } from "./client";
import type { Form } from "./credential";
import type { FormFile, Tool, ToolClients } from "./tools";

/** What the page says of a tool beside its files and commands. */
interface Guide {
    readonly tool: Tool;
    readonly heading: string;
    /** Which names come from this registry only, and which can come from PyPI; nothing for a tool that only uploads. */
    readonly safety?: (index: PythonIndex) => readonly [kept: string, open: string];
    /** When the setup is due. */
    readonly due?: (index: PythonIndex) => string;
    /** What to know before pasting. */
    readonly notes?: (index: PythonIndex) => readonly string[];
    /** Makes what is published. */
    readonly build?: string;
}

/** In the order of the page; `clients` has more that is not for people. */
const guides: readonly Guide[] = [
    {
        tool: "pip",
        heading: "pip",
        safety: () => [
            "nothing",
            "every name: the highest version of any index wins. Own the names on PyPI too, install by hashes (`--require-hashes`), or use another tool",
        ],
        due: ({ keyring }) =>
            keyring === "subprocess"
                ? "Once:"
                : "Once in each virtual environment (with `--isolated` where pip.conf is in place already, or pip asks this registry too, for which it has no keyring yet):",
        notes: () => [
            "On macOS pip.conf belongs into `~/Library/Application Support/pip/` where that folder exists.",
        ],
    },
    {
        tool: "uv",
        heading: "uv",
        safety: (index) => [
            exactNames(index).length === 0
                ? "names that the registry has"
                : "names that the registry has; in a project with the pins below, the exact names of `internalPackages` also while it does not have them",
            "any other name that the registry does not have, one that a prefix stands for too. `uv pip` and `uv tool` know no pins, only the order of indexes in uv.toml",
        ],
        notes: (index) => [
            "uv 0.8 or newer. One of the two files is enough: uv.toml is for all that you do, the project's part for all who work on it.",
            ...(exactNames(index).length === 0
                ? []
                : [
                      "Only the project's part has pins (`constraint-dependencies`, `[tool.uv.sources]`). Leave the project's own name out of them, and the members of its workspace: uv refuses those.",
                  ]),
        ],
        build: "uv build",
    },
    {
        tool: "poetry",
        heading: "Poetry",
        safety: () => [
            "names that the registry has in a version that fits; what `poetry add --source` has added, always",
            "any other name, and a version that the registry does not have. While it refuses the login (an expired token), every dependency that names no source",
        ],
        build: "poetry build",
    },
    {
        tool: "pdm",
        heading: "PDM",
        safety: ({ internalPackages }) => [
            internalPackages.length === 0 ? "nothing yet" : "the names and prefixes of `internalPackages`",
            "any other name: the highest version of any index wins. Every name where PDM's setting `use_uv` is on",
        ],
        notes: () => [
            "To install, one of the two files is enough; to publish, it takes config.toml. A team in which some use a token takes the project's part for a token: with config.toml as here, it works with a keyring too.",
        ],
        build: "pdm build",
    },
    {
        tool: "hatch",
        heading: "Hatch",
        safety: () => [
            "names that the registry has, with the installer uv as below",
            "any other name: Hatch's part has no pins. Every name with the installer pip, Hatch's default, as with pip itself",
        ],
        notes: () => ["Hatch itself is installed by pipx here: `pipx install hatch`."],
        build: "hatch build",
    },
    {
        tool: "pipenv",
        heading: "Pipenv",
        safety: () => [
            "what is installed with `--index`",
            "what only a dependency asks for: name it in the same `pipenv install --index`",
        ],
        notes: () => [
            "In a new project, run `pipenv install` first: it writes a Pipfile with the source of PyPI, which has to stay the first. Ours comes after it.",
        ],
    },
    {
        tool: "twine",
        heading: "twine",
        build: "python -m build",
        notes: () => ["For `python -m build`, also `pip install build`."],
    },
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
        "`configure --outputs FILE`, a command of the platform engineers' python-registry, puts all files of this page in place " +
            "and says what else to run. FILE is what they get from `pulumi stack output --json`. In a checkout of theirs, " +
            "after `npm ci`:",
        fenced("sh", ["npm run configure -- --outputs FILE"]),
        "For the parts of a project, in its folder: `npm --prefix CHECKOUT run configure -- --outputs FILE --scope project`.",
        "Pasting is the other way. `PACKAGE` stands for a package's name. The commands are for sh, bash and zsh on Linux and " +
            "macOS, and the same in PowerShell on Windows, where no other ones are given for it.",
        ...signIn(index),
        ...intoFiles,
        ...ourNames(index),
        ...guides.flatMap((guide) => section(guide, index, clients)),
    ]
        .join("\n\n")
        .concat("\n");
}

function signIn({ keyring }: PythonIndex): string[] {
    return [
        "## Sign in, once",
        "With the [gcloud CLI](https://cloud.google.com/sdk/docs/install), for keyrings:",
        fenced("sh", ["gcloud auth application-default login"]),
        "And for the commands below that do without a keyring, and take a token from gcloud, which lasts an hour:",
        fenced("sh", ["gcloud auth login"]),
        "A build machine with an identity of its own (Cloud Build, GKE, workload identity federation) needs no sign-in " +
            "where the tool asks a keyring, only the files and the keyring as below; one without has the path of a key file " +
            "in `GOOGLE_APPLICATION_CREDENTIALS`." +
            (keyring === "auto"
                ? " pip asks no keyring under `--no-input`, unless with `--keyring-provider import`."
                : ""),
        "401: nobody is signed in, or the token has expired. 403: whoever is has no role on this repository.",
        "pipx, where it is used below: `apt install pipx` (Debian, Ubuntu), `brew install pipx` (macOS), " +
            "`py -m pip install --user pipx` (Windows, then `py -m pipx` for `pipx`); then `pipx ensurepath`, and a new terminal.",
    ];
}

/** How to join what is pasted with what is there. */
const intoFiles: readonly string[] = [
    "## Into files that are there already",
    [
        "- A `[table]` that the file has too: our lines go below its heading. A second one of the same name makes the file " +
            "invalid, in TOML as in pip.conf and .pypirc. A list that is there gains our values; `extra-index-url` and " +
            "`index-servers` take one indented line each.",
        "- A `[[table]]`: beside the others, ours once. uv and Hatch bring the same `[tool.uv]` and `[[tool.uv.index]]`: " +
            "where uv's part is, Hatch's only adds `[tool.hatch.envs.default]`.",
        "- Lines above the first table, as in uv.toml: at the top of the file.",
    ].join("\n"),
];

function ourNames(index: PythonIndex): string[] {
    const names = index.internalPackages.map(code).join(", ");
    const rows = guides.flatMap(({ heading, safety }) =>
        safety === undefined ? [] : [[heading, ...safety(index)]],
    );
    return [
        "## Names that are ours",
        names === ""
            ? "`internalPackages` is empty: PDM, and uv's pins, need the names of our packages there to keep them to this registry. Ask the platform engineers to list them."
            : `In \`internalPackages\`: ${names}.`,
        "Somebody may publish a package on PyPI under a name of ours. What then comes from where:",
        table([["tool", "from this registry only", "can come from PyPI"], ...rows]),
    ];
}

function section(
    { tool, heading, due, notes, build }: Guide,
    index: PythonIndex,
    clients: Readonly<Record<Tool, ToolClients>>,
): string[] {
    const { keyring, token } = clients[tool].commands;
    const ofKeyring = filesFor("keyring", tool, clients);
    const publishing = `Publish, after ${code(build ?? "")} has filled \`dist/\``;
    const otherwise = filesFor("token", tool, clients).filter(
        ({ path, text }) => !ofKeyring.some((file) => samePlace(file, path) && file.text === text),
    );
    return [
        `## ${heading}`,
        ...(notes?.(index) ?? []),
        ...(keyring === undefined
            ? []
            : [
                  ...titled(due?.(index) ?? "Once:", keyring.setup),
                  ...ofKeyring.flatMap(fileText),
                  ...titled("Install:", keyring.install),
                  ...titled(`${publishing}:`, keyring.publish),
              ]),
        ...(token === undefined
            ? []
            : [
                  `### ${heading} with a token, without a keyring`,
                  ...titled("Once:", token.setup),
                  otherwise.length === 0 ? "With the files above." : "With the files above, but for:",
                  ...otherwise.flatMap(fileText),
                  ...titled("Install:", token.install),
                  ...titled(`${publishing}:`, token.publish),
              ]),
    ];
}

/** A file of a person or a project, all its parts together. */
interface PageFile extends Pick<FormFile, "path" | "scope" | "text"> {
    readonly onlyToPublish: boolean;
}

function filesFor(form: Form, tool: Tool, clients: Readonly<Record<Tool, ToolClients>>): PageFile[] {
    const { install, publish } = clients[tool];
    const files: PageFile[] = [];
    for (const { path, scope, text, ...file } of [...install, ...publish]) {
        if (file.form !== form || !["user", "project"].includes(scope)) continue;
        // Hatch's environments are a project's: without uv's own file, it is uv for them all the same.
        if (tool === "hatch" && clients.uv.install.some((ofUv) => ofUv.text === text)) continue;
        const at = files.findIndex((other) => samePlace(other, path));
        const earlier = files[at];
        if (earlier === undefined) {
            const ofInstall = install.some((other) => other.form === form && samePlace(other, path));
            files.push({ path, scope, text, onlyToPublish: install.length > 0 && !ofInstall });
        } else if (earlier.text !== text) {
            // One file can have a part for installing and another for publishing.
            files[at] = { ...earlier, text: `${earlier.text}\n${text}` };
        }
    }
    return files;
}

function samePlace(file: Pick<FormFile, "path">, path: Path): boolean {
    return file.path.linux === path.linux;
}

function fileText({ path, scope, text, onlyToPublish }: PageFile): string[] {
    const where = scope === "project" ? `In the project's ${code(path.linux)}` : places(path);
    const language = /\.toml$|Pipfile$/.test(path.linux) ? "toml" : "ini";
    return [`${where}${onlyToPublish ? ", to publish" : ""}:`, fenced(language, text.trimEnd().split("\n"))];
}

function places({ linux, macos, windows }: Path): string {
    return linux === macos
        ? `In ${code(linux)}, on Windows ${code(windows)}`
        : `In ${code(linux)}, on macOS ${code(macos)}, on Windows ${code(windows)}`;
}

function titled(title: string, { posix, powershell }: Commands): string[] {
    if (posix.length === 0) {
        return [];
    }
    // zsh takes no comments where commands are typed.
    const comments = posix.filter(isComment).map((line) => line.replace(/^#\s*/, ""));
    const [sh, ps] = [posix, powershell].map((lines) => lines.filter((line) => !isComment(line))) as [
        string[],
        string[],
    ];
    const heading = comments.length === 0 ? title : `${title.replace(/:$/, ".")} ${comments.join(" ")}`;
    return sh.join("\n") === ps.join("\n")
        ? [heading, fenced("sh", sh)]
        : [heading, fenced("sh", sh), "In PowerShell:", fenced("powershell", ps)];
}

function isComment(line: string): boolean {
    return line.startsWith("#");
}

/** Names without prefixes: those that uv can pin. */
function exactNames({ internalPackages }: PythonIndex): string[] {
    return internalPackages.filter((name) => !name.endsWith("*"));
}

/** Columns as wide as their widest cell: Markdown that can be read as text. */
function table(rows: readonly (readonly string[])[]): string {
    const widths = (rows[0] ?? []).map((_, column) =>
        Math.max(...rows.map((row) => row[column]?.length ?? 0)),
    );
    const lines = rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)));
    lines.splice(
        1,
        0,
        widths.map((width) => "-".repeat(width)),
    );
    return lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

function fenced(language: string, lines: readonly string[]): string {
    return ["```" + language, ...lines, "```"].join("\n");
}

function code(text: string): string {
    return `\`${text}\``;
}
