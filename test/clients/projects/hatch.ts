import { project, type ProjectCase } from "./project-case";

const run =
    "hatch env prune && hatch run python -c \"from importlib.metadata import version; print('acme-core==' + version('acme-core'))\"";
const environment = (name: string, ...lines: string[]) =>
    [`\n[tool.hatch.envs.${name}]`, "skip-install = true", 'dependencies = ["acme-core"]', ...lines, ""].join(
        "\n",
    );
const noPins = /^note: hatch has no pins: it takes acme-core from PyPI if the registry does not have it/m;

export const hatchProjects: readonly ProjectCase[] = [
    {
        title: "warns of an environment that does not inherit the installer",
        first: true,
        files: { "pyproject.toml": project + environment("own", "detached = true") },
        environment: { HATCH_ENV: "own" },
        says: [
            noPins,
            /^warning: the environment own of .* installs with pip, .* Set installer = "uv" in it$/m,
        ],
        doesNotSay: [],
        run,
        locked: { "acme-core": "99.0.0" },
        cure: {
            file: "pyproject.toml",
            from: "detached = true",
            to: 'detached = true\ninstaller = "uv"',
            locked: { "acme-core": "1.0.0" },
        },
    },
    {
        title: "warns of no environment that inherits it",
        files: {
            "pyproject.toml":
                project +
                environment("base", 'extra-dependencies = ["acme-a"]') +
                environment(
                    "own",
                    'template = "base"',
                    'overrides.env.NONE.dependencies = [{ value = "acme-b" }]',
                ) +
                '\n[tool.hatch.build.targets.wheel]\ndependencies = ["acme-c"]\n',
        },
        environment: { HATCH_ENV: "own" },
        says: [/^note: hatch has no pins: it takes acme-c, acme-core, acme-a and acme-b from PyPI if /m],
        run,
        locked: { "acme-core": "1.0.0" },
    },
    {
        title: "is refused if hatch.toml replaces the environments",
        files: { "pyproject.toml": project, "hatch.toml": "[envs.own]\nskip-install = true\n" },
        says: [
            /hatch\.toml has environments, so hatch ignores those in pyproject\.toml\. Set installer = "uv" in its \[envs\.default\]/,
        ],
        refused: true,
        run,
        locked: {},
    },
    {
        title: "takes the installer that hatch.toml has",
        files: {
            "pyproject.toml": project,
            "hatch.toml":
                '[envs.default]\ninstaller = "uv"\n\n[envs.own]\nskip-install = true\ndependencies = ["acme-core"]\n',
        },
        environment: { HATCH_ENV: "own" },
        says: [noPins],
        run,
        locked: { "acme-core": "1.0.0" },
    },
    {
        title: "is refused in a member of a uv workspace",
        files: {
            "pyproject.toml": '[tool.uv.workspace]\nmembers = ["*"]\n',
            "app/pyproject.toml": project,
        },
        directory: "app",
        says: [
            /is a member of the uv workspace in .*project, where uv reads its indexes\. Run this command with --tool uv/,
        ],
        refused: true,
        run,
        locked: {},
    },
    {
        title: "is refused below a setup.py, where hatch does not look further",
        files: { "pyproject.toml": project, "old/setup.py": "" },
        directory: "old",
        says: [/the project in .*old has no pyproject\.toml\. Create it first/],
        refused: true,
        run,
        locked: {},
    },
];
