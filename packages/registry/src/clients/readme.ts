import { type Commands, isOnlyIndex, type Path, type PythonIndex } from "./client";
import type { Form } from "./credential";
import type { Guide, ToolDefinition } from "./tool";
import { type FormFile, joinParts, type Tool, type ToolClients, tools } from "./tools";

type Clients = Readonly<Record<Tool, ToolClients>>;

/** A tool on the page. */
interface PageTool extends Guide {
    readonly tool: Tool;
    readonly sharedFiles: readonly string[];
}

const onPage: readonly PageTool[] = Object.entries<ToolDefinition>(tools).flatMap(
    ([tool, { guide, sharedFiles = [] }]) =>
        guide === undefined ? [] : [{ ...guide, tool: tool as Tool, sharedFiles }],
);

/** In the order of the page: the tools that only upload are the last. */
const guides = [
    ...onPage.filter(({ safety }) => safety !== undefined),
    ...onPage.filter(({ safety }) => safety === undefined),
];

/**
 * The page for the people who install and publish: what to do on Linux, macOS and Windows, tool by tool, ready to paste.
 * Each tool has its files and commands for a keyring; what is different with a token is described once, as changes to these.
 * Markdown, for the stack's page in Pulumi Cloud and for a wiki.
 *
 * @see https://www.pulumi.com/docs/pulumi-cloud/projects-and-stacks/#stack-readme
 */
export function renderReadme(index: PythonIndex, clients: Clients): string {
    return markdown([
        ...introduction(index),
        ...signIn(index),
        ...existingFiles(index),
        ...internalNames(index),
        ...cooldown(index),
        ...guides.flatMap((guide) => withKeyring(guide, index, clients)),
        ...tokenIntroduction,
        ...guides.flatMap((guide) => withToken(guide, clients)),
    ]);
}

function introduction({ name, indexUrl, uploadUrl }: PythonIndex): string[] {
    return [
        `# Python packages: ${name}`,
        `You install private packages from ${code(indexUrl)} and publish them to ${code(uploadUrl)}.`,
        "The command `configure` of python-registry puts the files of this page in place and says what else to run. FILE is the " +
            "output of `pulumi stack output --json`, or an https address of it, which you get from the platform engineers.",
        "- From npm, after its first release: `npx python-registry-configure --outputs FILE`",
        "- In a checkout of python-registry, after `npm ci`: `npm run configure -- --outputs FILE`",
        "- For a project's files, in the project's folder: " +
            "`npx python-registry-configure --outputs FILE --scope project`, or in a checkout `npm --prefix CHECKOUT run configure -- …`",
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
function existingFiles(index: PythonIndex): string[] {
    const isOnly = isOnlyIndex(index);
    return [
        "## If a file exists already",
        "- If it has the same `[table]`, add the lines below that heading: a second table of the same name makes the file " +
            "invalid, in TOML, pip.conf and .pypirc. If it has the same list, add the values to it; " +
            (isOnly ? "`index-servers` takes" : "`extra-index-url` and `index-servers` take") +
            " one indented line for each value.",
        ...(isOnly
            ? [
                  "- This registry takes the place of every other index: remove `extra-index-url`, and replace an `index-url`, and " +
                      "every other index or source.",
              ]
            : []),
        "- Add a `[[table]]` beside the others, once. uv and Hatch have the same `[tool.uv]` and `[[tool.uv.index]]`: after uv's, " +
            "add only `[tool.hatch.envs.default]` for Hatch.",
        "- Add lines without a table, as in uv.toml, at the top of the file.",
    ];
}

function internalNames(index: PythonIndex): string[] {
    const names = index.internalPackages.map(code).join(", ");
    const isOnly = isOnlyIndex(index);
    return [
        "## Which names can come from PyPI",
        isOnly
            ? index.publicPackages === "mirror"
                ? mirrored
                : onlyRegistry
            : (names === ""
                  ? "`internalPackages` is empty: PDM and uv's pins need the internal names there to protect them. Ask the platform " +
                    "engineers to list them."
                  : `The internal names (\`internalPackages\`) are ${names}.`) +
              " Anyone can publish a package with an internal name on PyPI.",
        ...guides.flatMap(({ heading, safety }) =>
            safety === undefined ? [] : [`- **${heading}** ${safety(index)}`],
        ),
    ];
}

function cooldown(index: PythonIndex): string[] {
    if (index.cooldown === undefined) return [];
    const days = index.cooldown.days === 1 ? "1 day" : `${index.cooldown.days} days`;
    return [
        "## Which versions can be new",
        `Tools that wait take no public version younger than ${days}, because most malicious versions are found and removed before. From ` +
            "this registry, they take new versions too. A tool waits when it chooses a version: it still installs what a lock file names.",
        ...guides.flatMap(({ heading, cooldown: describe }) =>
            describe === undefined ? [] : [`- **${heading}** ${describe(index)}`],
        ),
    ];
}

const mirrored =
    "None directly: with these files, tools ask only this registry, which passes on public packages. It keeps out public packages " +
    "with the name of an internal one, as far as the platform engineers list the names. Only the keyring, twine and build come from " +
    "PyPI, by the commands below.";

const onlyRegistry =
    "None: with these files, tools ask only this registry. It must have everything that you install, also what a package depends " +
    "on and what builds it (`build-system.requires`). Only the keyring, twine and build come from PyPI, by the commands below. With " +
    "a token, you can leave out `--index-url https://pypi.org/simple/` if this registry has them too.";

function withKeyring(pageTool: PageTool, index: PythonIndex, clients: Clients): string[] {
    const { tool, heading, due, notes, build } = pageTool;
    const { keyring } = clients[tool].commands;
    return keyring === undefined
        ? []
        : [
              `## ${heading}`,
              ...(notes?.(index) ?? []),
              ...step(due?.(index) ?? "Once", keyring.setup.posix),
              ...filesFor("keyring", pageTool, clients).flatMap(fileText),
              ...step("Install", keyring.install.posix),
              ...step(`Publish what ${build?.(index) ?? ""} puts into \`dist/\``, keyring.publish.posix),
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
function withToken(pageTool: PageTool, clients: Clients): string[] {
    const { tool, heading } = pageTool;
    const { token } = clients[tool].commands;
    if (token === undefined) {
        return [];
    }
    const files = filesFor("token", pageTool, clients);
    const [install, publish] = [variables(token.install), variables(token.publish)];
    const same = install.join() === publish.join();
    return [
        `### ${heading}`,
        ...filesFor("keyring", pageTool, clients).flatMap((file) =>
            compareFiles(file, files.find(({ path }) => samePlace(file, path))?.text ?? file.text),
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
function compareFiles({ path, text }: PageFile, other: string): string[] {
    const file = code(path.linux.split("/").at(-1) ?? "");
    const after = getTables(other);
    return [...getTables(text)].flatMap(([table, lines]) => {
        const others = after.get(table);
        if (others === undefined) {
            return [`- In ${file}: leave out ${[table, ...lines].map(code).join(" and ")}`];
        }
        const given = others.filter((line) => !lines.includes(line));
        const replaced = new Set(given.map(getKey));
        const left = lines.filter((line) => !others.includes(line) && !replaced.has(getKey(line)));
        const what = [...given.map(code), ...left.map((line) => `leave out ${code(line)}`)];
        const where = table === "" ? file : `${code(table)} of ${file}`;
        return what.length === 0 ? [] : [`- In ${where}: ${what.join("; ")}`];
    });
}

/** A file's lines by the heading of their table, in TOML and INI; those above the first have none. */
function getTables(text: string): ReadonlyMap<string, readonly string[]> {
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

function getKey(line: string): string {
    return /^[\w-]*/.exec(line)?.[0] ?? "";
}

/** A file of a person or a project, all its parts together. */
interface PageFile extends FormFile {
    readonly onlyToPublish: boolean;
}

function filesFor(form: Form, { tool, sharedFiles }: PageTool, clients: Clients): PageFile[] {
    const { install, publish } = clients[tool];
    const files = [...install, ...publish].filter(
        (file) =>
            file.form === form &&
            ["user", "project"].includes(file.scope) &&
            !sharedFiles.includes(file.path.linux),
    );
    return joinParts(files).map((file) => {
        const ofInstall = install.some((other) => other.form === form && samePlace(other, file.path));
        return { ...file, onlyToPublish: install.length > 0 && !ofInstall };
    });
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
