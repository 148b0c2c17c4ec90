import { format } from "prettier";
import { forms } from "../../../src/clients/credential";
import type { Attacked, Proved } from "./tool";

/** docs/clients.md: what a run has shown. */
export function page(proved: readonly Proved[], attacked: readonly Attacked[]): Promise<string> {
    const tools = [...new Map(proved.map(({ tool, version }) => [tool, version]))];
    const operations = (tool: string, form: string) =>
        proved
            .filter((each) => each.tool === tool && each.form === form)
            .map(({ operation }) => operation)
            .join(", ");
    const text = [
        "# What was proved of the client files",
        "This page is written by `npm run docs`, and a test fails when it is out of date. Each word in the first table " +
            "stands for a run of the real tool, in the version given, against the sandbox, with the generated file " +
            "unmodified and the generated command as it is.",
        "The forms: the tool asks a **keyring** (the Google backend, with Application Default Credentials), or has an " +
            "access **token** (from its environment and from the file), or a service account's **key**.",
        table(
            ["tool", "version", ...forms],
            tools.map(([tool, version]) => [
                tool,
                version,
                ...forms.map((form) => operations(tool, form) || "not supported"),
            ]),
        ),
        "## Dependency confusion",
        "The registry has `acme-core` 1.0.0. An attacker publishes `acme-core` 99.0.0 on the public index. Which one is " +
            "installed, where the project asks for `acme-core`, and where it asks for `acme-app`, which depends on it " +
            "(and where the attacker takes a name that the registry does not have yet):",
        table(
            ["tool", "version", "file", "asked for", "installed"],
            attacked.map(({ tool, version, file, asked, installed }) => [
                tool,
                version,
                file,
                asked,
                installed === "internal" ? "the internal package" : "**the attacker's package**",
            ]),
        ),
        "## What the files do not protect",
        [
            "- **pip**, and `.env` and the Dockerfile with it, has no order between indexes: with `extra-index-url` it takes " +
                "the highest version that any of them has, and no file can change that. Whoever uses pip with internal " +
                "names should own those names on PyPI too, or install by hashes (`--require-hashes`), or use one of the " +
                "tools whose file protects them.",
            "- **uv** takes a name that the registry does not have from PyPI, also where a prefix stands for it. Only the exact " +
                "names of `internalPackages` in a project's pyproject.toml are pinned; uv.toml and `.env` have no pins, and " +
                "`uv pip` and `uv tool` know none.",
            "- **Poetry** does the same, and with a version that the registry does not have. A refused login (an expired token) " +
                "is to it as if the registry had nothing: it then looks at PyPI for every dependency that names no source. " +
                "`poetry add --source` writes one.",
            "- **PDM** keeps the names and prefixes of `internalPackages` to the registry, and no others, and none with its " +
                "setting `use_uv` on.",
            "- **Hatch** is like uv without pins where its installer is uv, as in the generated file, and like pip with its " +
                "default.",
            "- **Pipenv** takes from the registry what is installed with `--index`; what only a dependency asks for comes from " +
                "PyPI, unless it is named in the same command.",
        ].join("\n"),
    ];
    return format(text.join("\n\n"), { parser: "markdown", printWidth: 110 });
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
    return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
