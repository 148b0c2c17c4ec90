import { mirrorUrl, project, type ProjectCase } from "./project-case";

const run = "pdm lock -G :all";
const application = "\n[tool.pdm]\ndistribution = false\n";
const mirror = (...lines: string[]) =>
    ["", "[[tool.pdm.source]]", 'name = "mirror"', `url = "${mirrorUrl}"`, ...lines, ""].join("\n");
const files = (...parts: string[]) => ({
    "pyproject.toml": [project, 'dependencies = ["acme-app"]\n', application, ...parts].join(""),
});
const internal = { "acme-app": "1.0.0", "acme-core": "1.0.0" };
const attacked = { "acme-app": "1.0.0", "acme-core": "99.0.0" };
const included =
    /^warning: the source "mirror" in .* includes internal packages: .* Remove them from its include_packages$/m;

export const pdmProjects: readonly ProjectCase[] = [
    {
        title: "restricts internal packages in every list, whatever the other sources and their order",
        first: true,
        files: {
            "pyproject.toml":
                `${project}dependencies = ["acme-app"]\noptional-dependencies.x = ["Acme_A"]\n\n` +
                `[dependency-groups]\ny = ["acme-b"]\n${application}\n[tool.pdm.dev-dependencies]\nz = ["acme-c"]\n` +
                `\n[tool.pdm.resolution]\nrespect-source-order = true\n${mirror()}`,
        },
        internalPackages: ["acme-*"],
        run,
        locked: { ...internal, "acme-a": "1.0.0", "acme-b": "1.0.0", "acme-c": "1.0.0" },
    },
    {
        title: "warns of another source that includes internal packages",
        files: files(mirror('include_packages = ["acme-c*"]')),
        says: [included],
        doesNotSay: [],
        run,
        locked: attacked,
        cure: { file: "pyproject.toml", from: 'include_packages = ["acme-c*"]', to: "", locked: internal },
    },
    {
        title: "warns of a source in pdm.toml that includes internal packages, and of use_uv",
        files: {
            ...files(),
            "pdm.toml": `use_uv = true\n\n[pypi.mirror]\nurl = "${mirrorUrl}"\ninclude_packages = ["*"]\n`,
        },
        says: [included, /^warning: use_uv in .*pdm\.toml makes pdm take internal packages from any index/m],
        doesNotSay: [],
        run,
        locked: attacked,
        cure: {
            file: "pdm.toml",
            from: `use_uv = true\n\n[pypi.mirror]\nurl = "${mirrorUrl}"\ninclude_packages = ["*"]\n`,
            to: "",
            locked: internal,
        },
    },
    {
        title: "warns of a variable that turns use_uv on",
        files: files(),
        environment: { PDM_USE_UV: "1" },
        says: [/^warning: PDM_USE_UV makes pdm take internal packages from any index/m],
        doesNotSay: [],
        run,
        locked: attacked,
    },
    {
        title: "warns of no source that includes other packages",
        files: files(mirror('include_packages = ["other", "acmex-*"]')),
        run,
        locked: internal,
    },
    {
        title: "finds the project that PDM_PROJECT names",
        files: { "app/pyproject.toml": files()["pyproject.toml"], "pyproject.toml": project },
        environment: { PDM_PROJECT: "app" },
        edits: "app/pyproject.toml",
        run,
        locked: internal,
    },
];
