import type { Commands, Path, PythonIndex } from "./client";
import type { Form } from "./credential";
import type { FormFile, Tool, ToolClients } from "./tools";

/** What the page says of a tool beside its files and commands. */
interface Guide {
    readonly tool: Tool;
    readonly heading: string;
    /** Which names the tool takes from this registry only, and which from PyPI; nothing for one that only uploads. */
    readonly safety?: (index: PythonIndex) => string;
    /** When the setup is due, if not once. */
    readonly due?: (index: PythonIndex) => string;
    /** What to know before pasting. */
    readonly notes?: (index: PythonIndex) => readonly string[];
    /** Makes what is published, in Markdown. */
    readonly build?: string;
}

type Clients = Readonly<Record<Tool, ToolClients>>;

/** In the order of the page; `clients` has more that is not for people. */
const guides: readonly Guide[] = [
    {
        tool: "pip",
        heading: "pip",
        safety: () =>
            "installs the highest version of any index: every name can come from PyPI. Own the internal names on PyPI " +
            "too, install with hashes (`--require-hashes`), or use a different tool.",
        due: ({ keyring }) =>
            keyring === "subprocess"
                ? "Once"
                : "Once in each virtual environment (with `--isolated` if pip.conf is in place already: pip cannot sign in to " +
                  "this registry before it has the keyring)",
        notes: () => [
            "On macOS, if the folder `~/Library/Application Support/pip` exists, pip.conf belongs there.",
        ],
    },
    {
        tool: "uv",
        heading: "uv",
        safety: (index) =>
            "takes names that the registry has only from the registry" +
            (exactNames(index).length === 0
                ? "."
                : "; in a project with the pins below, also the exact names of `internalPackages` that the registry does not have.") +
            " Any other name can come from PyPI, also one that only a prefix covers. `uv pip` and `uv tool` ignore pins and " +
            "know only the order of indexes in uv.toml.",
        notes: (index) => [
            "You need uv 0.8 or newer, and one of the two files: uv.toml for everything you do, or pyproject.toml for " +
                "everyone who works on the project." +
                (exactNames(index).length === 0
                    ? ""
                    : " Only pyproject.toml has pins (`constraint-dependencies`, `[tool.uv.sources]`). Leave the project's own " +
                      "name and the members of its workspace out of them: uv refuses those."),
        ],
        build: "`uv build`",
    },
    {
        tool: "poetry",
        heading: "Poetry",
        safety: () =>
            "takes a name from the registry if the registry has a version that fits, and from PyPI if not. While the " +
            "registry refuses the login (an expired token), every dependency without a source can come from PyPI. What you " +
            "add with `poetry add --source` always comes from the registry.",
        build: "`poetry build`",
    },
    {
        tool: "pdm",
        heading: "PDM",
        safety: ({ internalPackages }) =>
            internalPackages.length === 0
                ? "protects no name yet: it installs the highest version of any index."
                : "takes the names and prefixes of `internalPackages` only from the registry. Of any other name, it installs " +
                  "the highest version of any index. With PDM's setting `use_uv`, every name can come from PyPI.",
        notes: () => [
            "To install, one of the two files is enough; to publish, you need config.toml. If some people in a project use a " +
                "token, use the `url` for a token (see below) in its pyproject.toml: with config.toml as here, it works with a " +
                "keyring too.",
        ],
        build: "`pdm build`",
    },
    {
        tool: "hatch",
        heading: "Hatch",
        safety: () =>
            "takes names that the registry has only from the registry, with the installer uv as below. Any other name can " +
            "come from PyPI: Hatch has no pins. With the installer pip, Hatch's default, every name can.",
        due: () => "Once, with Hatch from `pipx install hatch`",
        build: "`hatch build`",
    },
    {
        tool: "pipenv",
        heading: "Pipenv",
        safety: () =>
            "takes what you install with `--index` only from the registry. What only a dependency asks for comes from PyPI: " +
            "name it in the same `pipenv install --index`.",
        notes: () => [
            "In a new project, run `pipenv install` first: it writes a Pipfile with PyPI as the first source. PyPI must stay " +
                "the first; add this source after it.",
        ],
    },
    {
        tool: "twine",
        heading: "twine",
        build: "`python -m build` (after `pip install build`)",
    },
];

/**
 * The page for the people who install and publish: what to do on Linux, macOS and Windows, tool by tool, ready to paste.
 * Each tool has its files and commands for a keyring; what is different with a token is told once, as changes to these.
 * Markdown, for the stack's page in Pulumi Cloud and for a wiki.
 *
 * @see https://www.pulumi.com/docs/pulumi-cloud/projects-and-stacks/#stack-readme
 */
export function readmeOf(index: PythonIndex, clients: Clients): string {
    return markdown([
        ...introduction(index),
        ...signIn(index),
        ...existingFiles,
        ...internalNames(index),
        ...guides.flatMap((guide) => withKeyring(guide, index, clients)),
        ...tokenIntroduction,
        ...guides.flatMap((guide) => withToken(guide, clients)),
    ]);
}

function introduction({ name, indexUrl, uploadUrl }: PythonIndex): string[] {
    return [
        `# Python packages: ${name}`,
        `You install private packages from ${code(indexUrl)} and publish them to ${code(uploadUrl)}.`,
        "The command `configure` of the platform engineers' python-registry puts the files of this page in place and says what " +
            "else to run. FILE is the output of `pulumi stack output --json`, which you get from the platform engineers.",
        "- In a checkout of python-registry, after `npm ci`: `npm run configure -- --outputs FILE`",
        "- For a project's files, in the project's folder: " +
            "`npm --prefix CHECKOUT run configure -- --outputs FILE --scope project`",
        "- To print one tool's file instead: add `--tool TOOL --print`",
        "Or paste the files and commands below; `PACKAGE` is the name of a package. The commands are the same in sh, bash, zsh " +
            "and PowerShell, except that `export NAME=VALUE` is `$env:NAME = VALUE` in PowerShell.",
    ];
}

function signIn({ keyring }: PythonIndex): string[] {
    return [
        "## Sign in",
        "- Once, with the [gcloud CLI](https://cloud.google.com/sdk/docs/install): `gcloud auth application-default login`",
        "- A build machine with an identity of its own (Cloud Build, GKE, workload identity federation) needs only the files " +
            "and the keyring. On any other, set `GOOGLE_APPLICATION_CREDENTIALS` to the path of a key file." +
            (keyring === "auto"
                ? " Under `--no-input`, pip asks a keyring only with `--keyring-provider import`."
                : ""),
        "- 401: you are not signed in, or your token has expired. 403: you are signed in, but you have no role on this " +
            "repository.",
        "- To get pipx: `apt install pipx` (Debian, Ubuntu), `brew install pipx` (macOS) or `py -m pip install --user pipx` " +
            "(Windows); then `pipx ensurepath` (Windows: `py -m pipx ensurepath`) and a new terminal.",
    ];
}

/** How to join what is pasted with what is there. */
const existingFiles: readonly string[] = [
    "## If a file exists already",
    "- If it has the same `[table]`, add the lines below that heading: a second table of the same name makes the file " +
        "invalid, in TOML, pip.conf and .pypirc. If it has the same list, add the values to it; `extra-index-url` and " +
        "`index-servers` take one indented line for each value.",
    "- Add a `[[table]]` beside the others, once. uv and Hatch have the same `[tool.uv]` and `[[tool.uv.index]]`: after uv's, " +
        "add only `[tool.hatch.envs.default]` for Hatch.",
    "- Add lines without a table, as in uv.toml, at the top of the file.",
];

function internalNames(index: PythonIndex): string[] {
    const names = index.internalPackages.map(code).join(", ");
    return [
        "## Which names can come from PyPI",
        (names === ""
            ? "`internalPackages` is empty: PDM and uv's pins need the internal names there to protect them. Ask the platform " +
              "engineers to list them."
            : `The internal names (\`internalPackages\`) are ${names}.`) +
            " Anyone can publish a package with an internal name on PyPI.",
        ...guides.flatMap(({ heading, safety }) =>
            safety === undefined ? [] : [`- **${heading}** ${safety(index)}`],
        ),
    ];
}

function withKeyring(
    { tool, heading, due, notes, build }: Guide,
    index: PythonIndex,
    clients: Clients,
): string[] {
    const { keyring } = clients[tool].commands;
    return keyring === undefined
        ? []
        : [
              `## ${heading}`,
              ...(notes?.(index) ?? []),
              ...step(due?.(index) ?? "Once", keyring.setup.posix),
              ...filesFor("keyring", tool, clients).flatMap(fileText),
              ...step("Install", keyring.install.posix),
              ...step(`Publish what ${build ?? ""} puts into \`dist/\``, keyring.publish.posix),
          ];
}

const tokenIntroduction: readonly string[] = [
    "## With a token instead of a keyring",
    "Sign in with `gcloud auth login`. A token lasts an hour; after that, set the variables again. Or let `configure` write " +
        "a token into your own files: `npm run configure -- --outputs FILE --auth token`",
    'Do as above, with these differences: skip the steps above that begin with "Once". A line given here for a file replaces ' +
        "the line with the same key in its table, or is added to that table. Before you install or publish, set the " +
        "variables given here and no others.",
];

/** What is different from the keyring's files and commands: the install and publish commands are the same. */
function withToken({ tool, heading }: Guide, clients: Clients): string[] {
    const { token } = clients[tool].commands;
    if (token === undefined) {
        return [];
    }
    const files = filesFor("token", tool, clients);
    const [install, publish] = [variables(token.install), variables(token.publish)];
    const same = install.join() === publish.join();
    return [
        `### ${heading}`,
        ...filesFor("keyring", tool, clients).flatMap((file) =>
            changesOf(file, files.find(({ path }) => samePlace(file, path))?.text ?? file.text),
        ),
        ...step("Once", token.setup.posix),
        ...step(same ? "To install and to publish" : "To install", install),
        ...(same ? [] : step("To publish", publish)),
    ];
}

/** The lines that set variables. */
function variables({ posix }: Commands): string[] {
    return posix.filter((line) => line.startsWith("export "));
}

/** Table by table, the lines of a file that are different in another form of it. */
function changesOf({ path, text }: PageFile, other: string): string[] {
    const file = code(path.linux.split("/").at(-1) ?? "");
    const after = tablesOf(other);
    return [...tablesOf(text)].flatMap(([table, lines]) => {
        const others = after.get(table);
        if (others === undefined) {
            return [`- In ${file}: leave out ${[table, ...lines].map(code).join(" and ")}`];
        }
        const given = others.filter((line) => !lines.includes(line));
        const replaced = new Set(given.map(keyOf));
        const left = lines.filter((line) => !others.includes(line) && !replaced.has(keyOf(line)));
        const what = [...given.map(code), ...left.map((line) => `leave out ${code(line)}`)];
        const where = table === "" ? file : `${code(table)} of ${file}`;
        return what.length === 0 ? [] : [`- In ${where}: ${what.join("; ")}`];
    });
}

/** A file's lines by the heading of their table, in TOML and INI; those above the first have none. */
function tablesOf(text: string): ReadonlyMap<string, readonly string[]> {
    const tables = new Map<string, string[]>([["", []]]);
    let lines = tables.get("");
    for (const line of text.split("\n")) {
        if (line.startsWith("[")) {
            lines = tables.get(line) ?? [];
            tables.set(line, lines);
        } else if (line !== "") {
            lines?.push(line);
        }
    }
    return tables;
}

function keyOf(line: string): string {
    return /^[\w-]*/.exec(line)?.[0] ?? "";
}

/** A file of a person or a project, all its parts together. */
interface PageFile extends Pick<FormFile, "path" | "scope" | "text"> {
    readonly onlyToPublish: boolean;
}

function filesFor(form: Form, tool: Tool, clients: Clients): PageFile[] {
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

/** Commands and when to run them: one is an item of a list, several are a block. Comments go before: zsh takes none. */
function step(title: string, commands: readonly string[]): string[] {
    const comments = commands.filter(isComment).map((line) => line.replace(/^#\s*|:$/g, ""));
    const lines = commands.filter((line) => !isComment(line));
    const heading = [title, ...comments].join(". ");
    if (lines.length < 2) {
        return lines.map((line) => `- ${heading}: ${code(line)}`);
    }
    return [`${heading}:`, fenced("sh", lines)];
}

function isComment(line: string): boolean {
    return line.startsWith("#");
}

/** Names without prefixes: those that uv can pin. */
function exactNames({ internalPackages }: PythonIndex): string[] {
    return internalPackages.filter((name) => !name.endsWith("*"));
}

/** Paragraphs, and items of lists, which have no blank line between them. */
function markdown(parts: readonly string[]): string {
    const isItem = (part = "") => part.startsWith("- ");
    return parts
        .map((part, at) => (isItem(part) && isItem(parts[at + 1]) ? `${part}\n` : `${part}\n\n`))
        .join("")
        .trimEnd()
        .concat("\n");
}

function fenced(language: string, lines: readonly string[]): string {
    return ["```" + language, ...lines, "```"].join("\n");
}

function code(text: string): string {
    return `\`${text}\``;
}
