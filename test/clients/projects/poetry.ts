import { indexUrl, mirrorUrl, project, type ProjectCase } from "./project-case";

const run = "poetry lock";
const mirror = `\n[[tool.poetry.source]]\nname = "mirror"\nurl = "${mirrorUrl}"\n`;
const ours = `\n[[tool.poetry.source]]\nname = "python"\nurl = "${indexUrl}"\n`;
const warning =
    /^warning: the source "mirror" in .* is primary, as this registry is: .* Set priority = "supplemental" in that source$/m;
const one = (version: string, ...names: string[]) =>
    Object.fromEntries(names.map((name) => [`acme-${name}`, version]));

export const poetryProjects: readonly ProjectCase[] = [
    {
        // Beside another primary source, only a pin keeps the attacker's version out.
        title: "pins every form of dependency in [project] and [dependency-groups]",
        first: true,
        files: {
            "pyproject.toml":
                `${project}dependencies = ["Acme.A [x] >= 0; python_version > '3'"]\n\n` +
                '[project.optional-dependencies]\nextra = ["acme-b"]\n\n' +
                '[dependency-groups]\nDev_Tools = ["acme_c>=0", { include-group = "more" }]\nmore = ["acme-d"]\n\n' +
                '[tool.poetry.group.other.dependencies]\nacme-e = "*"\nacme-f = [{ version = "*", python = "<3.11" }, { version = "*", python = ">=3.11" }]\n' +
                mirror,
        },
        says: [warning],
        doesNotSay: [],
        run,
        locked: one("1.0.0", "a", "b", "c", "d", "e", "f"),
    },
    {
        title: "pins every form of dependency in [tool.poetry]",
        files: {
            "pyproject.toml":
                '[tool.poetry]\nname = "acme-app"\nversion = "1"\n\n' +
                '[tool.poetry.dependencies]\npython = "^3.10"\nACME_A = "*"\nacme-b = { version = ">=0", extras = ["x"] }\n' +
                'acme-c = ["*"]\n\n[[tool.poetry.dependencies.acme-d]]\nversion = "*"\n\n' +
                '[tool.poetry.group.dev.dependencies.acme-e]\nversion = "*"\n\n' +
                `[tool.poetry.dev-dependencies]\nacme-f = "*"\n${mirror}`,
        },
        says: [warning],
        doesNotSay: [],
        run,
        locked: one("1.0.0", "a", "b", "c", "d", "e", "f"),
    },
    {
        title: "does not make a dependency of an extra a dependency of the project",
        files: {
            "pyproject.toml":
                `${project}dynamic = ["dependencies"]\n\n[project.optional-dependencies]\nextra = ["acme-a"]\n\n` +
                '[tool.poetry.dependencies]\nacme-b = "*"\n',
        },
        run: `${run} && poetry install --no-root --dry-run | grep "Installing acme" | grep -vc Skipped | grep -qx 1`,
        locked: one("1.0.0", "a", "b"),
    },
    {
        title: "leaves a dependency with its own URL or path alone",
        files: {
            "pyproject.toml":
                `${project}dependencies = ["acme-a @ file:./a"]\n\n` +
                '[tool.poetry.dependencies]\nacme-b = { path = "b" }\n\n[tool.poetry.group.dev.dependencies]\n' +
                'acme-b = [{ path = "b", markers = "os_name != \'nt\'" }, { version = "7", markers = "os_name == \'nt\'" }]\n',
            ...Object.fromEntries(
                ["a", "b"].map((name) => [
                    `${name}/pyproject.toml`,
                    `[project]\nname = "acme-${name}"\nversion = "7"\nrequires-python = ">=3.10"\n`,
                ]),
            ),
        },
        says: [/acme-b has a different source in this file, which was kept/],
        run: `sed -i "s,file:./a,file://$PWD/a," pyproject.toml; sed -i "s/, { version = \\"7\\".*}]/]/" pyproject.toml; ${run}`,
        locked: one("7", "a", "b"),
    },
    {
        title: "names internal packages that build the project",
        files: {
            "pyproject.toml": `${project}\n[build-system]\nrequires = ["acme-new"]\nbuild-backend = "acme_new"\n`,
        },
        says: [/^note: poetry has no pins for build-system\.requires: it takes acme-new from PyPI if /m],
        run: `poetry build 2>&1 | grep -q "acme_new" && ${run}`,
        locked: {},
    },
    {
        title: "warns of a primary source, whose packages it takes",
        files: { "pyproject.toml": `${project}dependencies = ["acme-app"]\n${mirror}` },
        says: [warning],
        doesNotSay: [],
        run,
        locked: { "acme-app": "1.0.0", "acme-core": "99.0.0" },
        cure: {
            file: "pyproject.toml",
            from: mirror,
            to: `${mirror}priority = "supplemental"\n`,
            locked: { "acme-app": "1.0.0", "acme-core": "1.0.0" },
        },
    },
    {
        title: "warns of no source that is supplemental or explicit, nor of PyPI, whose priority it sets",
        files: {
            "pyproject.toml":
                `${project}dependencies = ["acme-app"]\n${mirror}priority = "supplemental"\n` +
                `${mirror.replace('"mirror"', '"single"')}priority = "explicit"\n\n[[tool.poetry.source]]\nname = "pypi"\npriority = "primary"\n`,
        },
        run,
        locked: { "acme-app": "1.0.0", "acme-core": "1.0.0" },
    },
    ...[
        ["secondary", `${ours}secondary = true\n`, 'source "python": secondary = true'],
        ["default", `${mirror}default = true\n`, 'source "mirror": default = true'],
        ["priority default", `${mirror}priority = "default"\n`, 'source "mirror": priority = "default"'],
    ].map(([what = "", sources = "", said = ""]): ProjectCase => ({
        title: `refuses a source of poetry 1: ${what}`,
        files: { "pyproject.toml": `${project}dependencies = []\n${sources}` },
        says: [new RegExp(`error: poetry: .*\\(${said}\\). Replace it by priority = "supplemental"`)],
        refused: true,
        run,
        locked: {},
    })),
];
