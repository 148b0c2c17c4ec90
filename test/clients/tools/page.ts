import { format } from "prettier";
import { forms } from "../../../packages/registry/src/clients/credential";
import type { ProvedCooldown } from "./cooldown";
import { behaviors, pinnedVersion, type ProvedAttack, type ProvedMirror, type ProvedOperation } from "./tool";

/** The text of docs/clients.md: what the tests prove, and which command runs them. */
export function page(
    operations: readonly ProvedOperation[],
    attacks: readonly ProvedAttack[],
    mirrors: readonly ProvedMirror[],
    cooldowns: readonly ProvedCooldown[],
): Promise<string> {
    const tools = [...new Set(operations.map(({ tool }) => tool))];
    const getOperations = (tool: string, form: string) =>
        operations
            .filter((each) => each.tool === tool && each.form === form)
            .map(({ operation, by }) => (by === "npm test" ? operation : `${operation} ⁺`))
            .join(", ");
    const text = [
        "# What the tests prove about the client files",
        "`npm run docs` writes this page, and a test fails if it is out of date. Each word in the first table is a run of " +
            "the real tool, in the version given, against the sandbox, with the generated file and the generated command " +
            "unmodified.",
        "`npm test` runs each tool by the keyring, or by a token if it asks no keyring, and one attack on it (on pip, one for each value of `publicPackages`). `npm run test:release` runs the rest, which has a ⁺. It also " +
            "sets up each form in every other way, such as a token in the file, or the file of the project.",
        "The forms of credential: the tool asks a **keyring** (the Google backend, with Application Default Credentials), " +
            "has an access **token** (from its environment or from the file), or has a service account's **key**.",
        table(
            ["tool", "version", ...forms],
            tools.map((tool) => [
                tool,
                pinnedVersion(tool),
                ...forms.map((form) => getOperations(tool, form) || "not supported"),
            ]),
        ),
        "## Dependency confusion",
        "The registry has `acme-core` 1.0.0. An attacker publishes `acme-core` 99.0.0 on the public index. The table shows " +
            "which one the tool installs with its file for a value of `publicPackages`, if the project asks for `acme-core` (directly), and if it asks for `acme-app`, " +
            "which depends on it (by a dependency). In some rows, the attacker uses a name that the registry does not have " +
            "yet. With `none`, the files name only the registry: the tools then send no request to the public index, and do " +
            "not find a package that is only there. Behind a mirror, the same files are attacked directly: see the next table.",
        table(
            ["tool", "version", "`publicPackages`", "file", "asked for", "installed"],
            attacks.map(({ tool, file, asked, installs, publicPackages, by }) => [
                tool,
                pinnedVersion(tool),
                publicPackages,
                file,
                asked,
                (installs === "internal" ? "the internal package" : "**the attacker's package**") +
                    (by === "npm test" ? "" : " ⁺"),
            ]),
        ),
        "## Behind a mirror",
        "With `publicPackages: mirror`, the files are those of `none`, and a rule denies the public `acme-core` 99.0.0. Two things " +
            "are not known about the service, so the attack is made under each: whether the index still lists a package that a rule " +
            "denies, and whether the rules of the remote repository hold for those who ask the virtual one. The project asks for " +
            "`acme-core` directly. **nothing**: the tool chooses the version that is listed, cannot download it, and fails; with a " +
            "version that the registry has, as in `acme-core==1.0.0`, the installation works. No tool sends a request to the public index. " +
            "`.netrc`, `.env` and the Dockerfile are not in the table, because pip and uv run with them.",
        table(
            [
                "tool",
                "file",
                ...behaviors.map(
                    ({ deniedPackages, virtualRules }) => `${deniedPackages}, rules ${virtualRules}`,
                ),
            ],
            [...new Set(mirrors.map(({ tool, file }) => `${tool} | ${file}`))].map((row) => [
                row,
                ...mirrors
                    .filter(({ tool, file }) => `${tool} | ${file}` === row)
                    .map(
                        ({ installs, by }) =>
                            ({
                                internal: "the internal package",
                                public: "**the attacker's package**",
                                nothing: "nothing",
                            })[installs] + (by === "npm test" ? "" : " ⁺"),
                    ),
            ]),
        ),
        "## Cooldown",
        "With `cooldown: {days: 7}`. The public index has `long-known` 1.0.0, which is a month old, and 2.0.0, which an attacker has uploaded " +
            "an hour ago. The project asks for it, and for `ready-made`, which was just uploaded to the registry; Artifact Registry does not say when. " +
            "The table shows which version is installed if the public index says when its files were uploaded, as PyPI does, and if it does " +
            "not, as some proxies and mirrors do. `ready-made` is installed too, except where nothing is. Where a tool takes **the attacker's version** " +
            "although its file has the cooldown (Poetry, Pipenv), it does so without a message: `configure check` asks the tool, and reports it.",
        table(
            ["tool", "version", "file", "an index with times", "an index without times"],
            cooldowns
                .filter(({ index }) => index === "with times")
                .map(({ tool, file }) => [
                    tool,
                    pinnedVersion(tool),
                    file,
                    ...cooldowns
                        .filter((each) => each.tool === tool && each.file === file)
                        .map(
                            ({ installs, by }) =>
                                ({
                                    known: "the known version",
                                    fresh: "**the attacker's version**",
                                    nothing: "nothing",
                                })[installs] + (by === "npm test" ? "" : " ⁺"),
                        ),
                ]),
        ),
        "No file waits for what a lock file names already, and the files for pip do not wait at all: `.env`, `.netrc`, the Dockerfile " +
            "and pip.conf. With its own option, pip installs nothing beside this registry.",
        "## What the files do not protect",
        "With `publicPackages: none`, every name is protected, as long as no other file, variable or option adds an index. With " +
            "`pypi`:",
        [
            "- **pip**, and with it `.env` and the Dockerfile, has no order between indexes: with `extra-index-url` it takes " +
                "the highest version that any of them has, and no file can change that but one without PyPI. If you use pip with internal names, " +
                "own those names on PyPI too, install by hashes (`--require-hashes`), or use a tool whose file protects them.",
            "- **uv** takes a name that the registry does not have from PyPI, even if a prefix covers the name. Only the exact " +
                "names of `internalPackages` in a project's pyproject.toml are pinned, and what the project declares of a prefix " +
                "(`configure --scope project`). uv.toml and `.env` have no pins, and `uv pip` and `uv tool` ignore pins. What is " +
                "not pinned can come from an index that comes before the registry, and from any with `index-strategy`.",
            "- **Poetry** does the same, and takes a version that the registry does not have from PyPI too. If the project has " +
                "another primary source (a mirror without a `priority`), the highest version of both wins. If the registry " +
                "refuses the login (an expired token), Poetry behaves as if the registry had no packages: it looks at PyPI for " +
                "every dependency without a source. `poetry add --source` writes a source.",
            "- **PDM** takes the names and prefixes of `internalPackages` only from the registry, if no other source has them in its " +
                "`include_packages`. It protects no other names, and none at all with its setting `use_uv`.",
            "- **Hatch** is like uv without pins if its installer is uv, as in the generated file, and like pip with its " +
                "default installer. A detached environment does not inherit the installer.",
            "- **Pipenv** takes what you install with `--index` from the registry, and what the Pipfile lists with an `index`. What " +
                "only a dependency asks for comes from the first source, unless you name it in the same command.",
        ].join("\n"),
    ];
    return format(text.join("\n\n"), { parser: "markdown", printWidth: 110 });
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
    return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
