import { indexUrl, mirrorUrl, project, type ProjectCase } from "./project-case";

const run = "uv lock";
/** The login of the project's index, where the user has none. */
const withLogin =
    "UV_INDEX_PYTHON_USERNAME=oauth2accesstoken UV_INDEX_PYTHON_PASSWORD=$GOOGLE_OAUTH_ACCESS_TOKEN";
const root = `${project}dependencies = ["acme-lib"]\n\n[tool.uv.workspace]\nmembers = ["packages/*"]\nexclude = ["packages/old-*"]\n`;
const member = (name: string, ...lines: string[]) =>
    [`[project]\nname = "${name}"\nversion = "7"\nrequires-python = ">=3.10"`, ...lines, ""].join("\n");
const uses = (...names: string[]) => `dependencies = ${JSON.stringify(names)}`;
const inWorkspace = "\n[tool.uv.sources]\nacme-lib = { workspace = true }\n";
const ours = `\n[[tool.uv.index]]\nname = "python"\nurl = "${indexUrl}"\n`;
const mirror = `\n[[tool.uv.index]]\nname = "mirror"\nurl = "${mirrorUrl}"\n`;
const library = { "packages/acme-lib/pyproject.toml": member("Acme_Lib") };

export const uvProjects: readonly ProjectCase[] = [
    {
        title: "in a member of a workspace, writes to the root and pins no member",
        first: true,
        files: {
            "pyproject.toml": root + inWorkspace,
            "packages/app/pyproject.toml": member("app", uses("acme-lib", "acme-app")),
            "packages/app/src/app/__init__.py": "",
            ...library,
        },
        directory: "packages/app/src",
        says: [/^note: uv reads indexes only from the root of the workspace: .*project\/pyproject\.toml$/m],
        doesNotSay: [/^warning:|acme-lib/m],
        run,
        locked: { "acme-app": "1.0.0", "acme-core": "1.0.0", "acme-lib": "7" },
    },
    {
        // With this strategy, only a pin keeps the attacker's version out.
        title: "in a virtual root, pins what a prefix covers in members, groups, extras and dev-dependencies",
        files: {
            "pyproject.toml":
                '[tool.uv]\nindex-strategy = "unsafe-best-match"\n\n[tool.uv.workspace]\nmembers = ["./packages/*/*"]\n',
            "packages/deep/app/pyproject.toml": member(
                "app",
                uses("acme-a", "Acme.B"),
                'optional-dependencies.x = ["Acme_C[y] >= 0"]\n\n[dependency-groups]\nz = ["acme-d"]\n',
                '[tool.uv]\ndev-dependencies = ["acme-e"]\nsources.acme-a = { workspace = true }',
            ),
            "packages/deep/acme-a/pyproject.toml": member("acme-a"),
        },
        directory: "packages/deep/app",
        internalPackages: ["acme-*"],
        doesNotSay: [],
        run,
        locked: {
            "acme-a": "7",
            "acme-b": "1.0.0",
            "acme-c": "1.0.0",
            "acme-d": "1.0.0",
            "acme-e": "1.0.0",
        },
    },
    {
        title: "pins what builds the project",
        files: {
            "pyproject.toml": `${project}\n[build-system]\nrequires = ["acme-new"]\nbuild-backend = "acme_new"\n`,
        },
        internalPackages: ["acme-*"],
        run: "! uv build --wheel > log 2>&1 && grep -q 'acme-new was not found in the package registry' log && uv lock --no-build",
        locked: {},
    },
    {
        title: "in a project that the workspace excludes, writes to the project",
        files: {
            "pyproject.toml": root + inWorkspace,
            "packages/old-app/pyproject.toml": member("old-app", uses("acme-lib")),
            ...library,
        },
        directory: "packages/old-app",
        edits: "packages/old-app/pyproject.toml",
        run,
        // The registry does not have it, and the workspace is not asked.
        locked: "fails",
    },
    {
        title: "in a project below one that is not in the workspace, writes to the project",
        files: {
            "pyproject.toml": root + inWorkspace,
            "other/pyproject.toml": member("other"),
            "other/packages/app/pyproject.toml": member("app", uses("acme-core")),
            ...library,
        },
        directory: "other/packages/app",
        edits: "other/packages/app/pyproject.toml",
        run,
        locked: { "acme-core": "1.0.0" },
    },
    {
        title: "in a project deeper than the workspace's globs reach, writes to the project",
        files: {
            "pyproject.toml": root + inWorkspace,
            "packages/group/app/pyproject.toml": member("app", uses("acme-core")),
            ...library,
        },
        directory: "packages/group/app",
        edits: "packages/group/app/pyproject.toml",
        run,
        locked: { "acme-core": "1.0.0" },
    },
    {
        title: "in a member that globs with classes, ? and ** find, writes to the root",
        files: {
            "pyproject.toml": `${project}\n[tool.uv.workspace]\nmembers = ["p/[!c]?-*", "q/**/b"]\n`,
            "p/ax-lib/pyproject.toml": member("acme-lib"),
            "p/cx-lib/pyproject.toml": member("acme-a"),
            "q/r/s/b/pyproject.toml": member("acme-b", uses("acme-a")),
        },
        directory: "q/r/s/b",
        run,
        locked: { "acme-a": "1.0.0", "acme-b": "7", "acme-lib": "7" },
    },
    {
        title: "leaves members alone that are not managed",
        files: {
            "pyproject.toml": root + inWorkspace,
            "packages/acme-a/pyproject.toml": member("acme-a", "\n[tool.uv]\nmanaged = false"),
            "packages/app/pyproject.toml": member("app", uses("acme-a")),
            ...library,
        },
        run,
        locked: { "acme-a": "1.0.0", "acme-lib": "7" },
    },
    {
        title: "finds the project that UV_PROJECT names",
        files: { "app/pyproject.toml": member("app", uses("acme-core")), "elsewhere/.keep": "" },
        directory: "elsewhere",
        environment: { UV_PROJECT: "../app" },
        edits: "app/pyproject.toml",
        run,
        locked: { "acme-core": "1.0.0" },
    },
    {
        title: "pins no package that has a source, a path or a URL of its own",
        files: {
            "pyproject.toml":
                project +
                uses("acme-a", "acme-b @ file:///${PROJECT_ROOT}/b", "acme-c", "acme-d", "acme-e") +
                '\n\n[tool.uv]\noverride-dependencies = ["acme-e @ file:///${PROJECT_ROOT}/e"]\n' +
                '\n[tool.uv.sources]\nACME_A = { path = "a" }\n' +
                'acme-c = [{ path = "c", marker = "os_name == \'nt\'" }, { path = "c", marker = "os_name != \'nt\'" }]\n',
            ...Object.fromEntries(
                ["a", "b", "c", "e"].map((name) => [`${name}/pyproject.toml`, member(`acme-${name}`)]),
            ),
        },
        says: [
            /note: uv: acme-a has its own source in \[tool\.uv\.sources\] of .*, which was kept: it is not pinned/,
            /note: uv: acme-b has its own URL or path in project\.dependencies of /,
            /note: uv: acme-c has its own source /,
        ],
        run,
        locked: { "acme-a": "7", "acme-b": "7", "acme-c": "7", "acme-d": "1.0.0", "acme-e": "7" },
    },
    {
        title: "pins no package that a member takes from another index",
        files: {
            "pyproject.toml": root + inWorkspace,
            "packages/app/pyproject.toml": `${member("app", uses("acme-a", "acme-b"))}${mirror}explicit = true\n\n[tool.uv.sources]\nacme-a = { index = "mirror" }\n`,
            ...library,
        },
        says: [
            /note: uv: acme-a has its own source in \[tool\.uv\.sources\] of .*packages\/app\/pyproject\.toml/,
        ],
        run,
        locked: { "acme-a": "99.0.0", "acme-b": "1.0.0", "acme-lib": "7" },
    },
    {
        title: "warns of an index that comes before the registry",
        files: { "pyproject.toml": project + uses("acme-a") + "\n" + mirror + ours },
        internalPackages: ["other"],
        says: [
            /^warning: uv asks the index "mirror" in .* before this registry, .*\. Move it below this registry/m,
        ],
        doesNotSay: [],
        run,
        locked: { "acme-a": "99.0.0" },
        cure: {
            file: "pyproject.toml",
            from: mirror,
            to: `${mirror}explicit = true\n`,
            locked: { "acme-a": "1.0.0" },
        },
    },
    {
        title: "warns of an index strategy",
        files: {
            "pyproject.toml": `${project}${uses("acme-a")}\n\n[tool.uv]\nindex-strategy = "unsafe-best-match"\n${mirror}`,
        },
        internalPackages: ["other"],
        says: [/^warning: index-strategy in .* makes uv take packages without a pin from any index/m],
        doesNotSay: [],
        run,
        locked: { "acme-a": "99.0.0" },
        cure: {
            file: "pyproject.toml",
            from: "unsafe-best-match",
            to: "first-index",
            locked: { "acme-a": "1.0.0" },
        },
    },
    {
        title: "warns of an index strategy and of no-sources in the user's own settings",
        files: {
            "pyproject.toml": `${project}${uses("acme-a")}\n${mirror}`,
            "../.config/uv/uv.toml": 'index-strategy = "unsafe-best-match"\nno-sources = true\n',
        },
        says: [
            /^warning: index-strategy in .*\.config\/uv\/uv\.toml /m,
            /^warning: no-sources in .*\.config\/uv\/uv\.toml /m,
        ],
        doesNotSay: [],
        run,
        locked: { "acme-a": "99.0.0" },
        cure: {
            file: "../.config/uv/uv.toml",
            from: "no-sources = true\n",
            to: "",
            locked: { "acme-a": "1.0.0" },
        },
    },
    {
        title: "warns of explicit in the registry's entry",
        files: { "pyproject.toml": `${project}${uses("acme-a")}\n${ours}explicit = true\n` },
        internalPackages: ["other"],
        says: [/^warning: the index "python" in .* has explicit = true/m],
        doesNotSay: [],
        run: `rm -f ~/.config/uv/uv.toml; ${withLogin} ${run}`,
        locked: { "acme-a": "99.0.0" },
        cure: { file: "pyproject.toml", from: "explicit = true\n", to: "", locked: { "acme-a": "1.0.0" } },
    },
    {
        title: "warns of ignore-error-codes in the registry's entry",
        files: { "pyproject.toml": `${project}${uses("acme-a")}\n${ours}ignore-error-codes = [401, 403]\n` },
        internalPackages: ["other"],
        says: [/^warning: the index "python" in .* has ignore-error-codes/m],
        doesNotSay: [],
        run: `UV_INDEX_PYTHON_USERNAME=oauth2accesstoken UV_INDEX_PYTHON_PASSWORD=expired ${run}`,
        locked: { "acme-a": "99.0.0" },
        cure: { file: "pyproject.toml", from: "ignore-error-codes = [401, 403]\n", to: "", locked: "fails" },
    },
    {
        title: "warns of settings that turn pins off",
        files: { "pyproject.toml": `${project}${uses("acme-new")}\n\n[tool.uv]\nno-sources = true\n` },
        says: [/^warning: no-sources in .* makes uv ignore the pins/m],
        doesNotSay: [],
        run,
        locked: { "acme-new": "99.0.0" },
        cure: { file: "pyproject.toml", from: "no-sources = true", to: "", locked: "fails" },
    },
    {
        title: "warns of variables that put another index first and turn pins off",
        files: { "pyproject.toml": `${project}${uses("acme-a")}\n` },
        environment: { UV_INDEX: `mirror=${mirrorUrl}`, UV_NO_SOURCES: "1" },
        says: [
            /^warning: uv asks the indexes in UV_INDEX before this registry/m,
            /^warning: UV_NO_SOURCES makes uv ignore the pins/m,
        ],
        doesNotSay: [],
        run,
        locked: { "acme-a": "99.0.0" },
    },
    {
        title: "warns of a variable with which uv ignores the project's settings",
        files: { "pyproject.toml": `${project}${uses("acme-a")}\n` },
        internalPackages: ["other"],
        environment: { UV_NO_CONFIG: "1" },
        says: [/^warning: UV_NO_CONFIG is set: uv ignores the order of indexes/m],
        doesNotSay: [],
        run,
        locked: { "acme-a": "99.0.0" },
    },
    {
        title: "is refused beside a uv.toml in the root of the workspace",
        files: {
            "pyproject.toml": root + inWorkspace,
            "uv.toml": "",
            "packages/app/pyproject.toml": member("app"),
            ...library,
        },
        directory: "packages/app",
        says: [/uv: .*project\/uv\.toml takes precedence over pyproject\.toml/],
        refused: true,
        run,
        locked: {},
    },
    {
        title: "says which settings above the project uv now ignores",
        files: {
            "uv.toml": `index-url = "${mirrorUrl}"\n`,
            "app/pyproject.toml": member("app", uses("acme-a")),
        },
        directory: "app",
        edits: "app/pyproject.toml",
        says: [
            /^note: uv now reads its settings from .*app\/pyproject\.toml, and ignores .*project\/uv\.toml here/m,
        ],
        run,
        locked: { "acme-a": "1.0.0" },
    },
];
