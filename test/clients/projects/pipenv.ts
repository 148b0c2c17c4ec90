import { mirrorUrl, type ProjectCase } from "./project-case";

const source = (name: string, url: string) =>
    `[[source]]\nname = "${name}"\nurl = "${url}"\nverify_ssl = true\n\n`;
const pypi = source("pypi", "https://pypi.org/simple");

export const pipenvProjects: readonly ProjectCase[] = [
    {
        title: "pins internal packages in every category, whatever the other sources",
        first: true,
        files: {
            Pipfile:
                `${source("mirror", mirrorUrl)}${pypi}[packages]\nAcme_A = "*"\nacme-b = { version = "*", markers = "os_name != 'nt'" }\n\n` +
                '[dev-packages]\nacme-c = "*"\n\n[docs]\nacme-d = ">=0"\n',
        },
        run: "pipenv lock && pipenv lock --categories docs",
        locked: { "acme-a": "1.0.0", "acme-b": "1.0.0", "acme-c": "1.0.0", "acme-d": "1.0.0" },
    },
    {
        title: "warns of install_search_all_sources",
        files: {
            Pipfile: `${pypi}[packages]\nacme-core = "*"\n\n[pipenv]\ninstall_search_all_sources = true\n`,
        },
        says: [
            /^warning: install_search_all_sources in .*Pipfile makes pipenv take packages from any source/m,
        ],
        doesNotSay: [],
        run: `rm -rf .venv && pipenv install --skip-lock && .venv/bin/python -c "from importlib.metadata import version; print('acme-core==' + version('acme-core'))"`,
        locked: { "acme-core": "99.0.0" },
        cure: {
            file: "Pipfile",
            from: "install_search_all_sources = true",
            to: "",
            locked: { "acme-core": "1.0.0" },
        },
    },
    {
        title: "is refused where pipenv does not look for a Pipfile",
        files: { Pipfile: pypi, "a/b/.keep": "" },
        directory: "a/b",
        environment: { PIPENV_MAX_DEPTH: "2" },
        says: [/there is no Pipfile in this directory or the 1 above it/],
        refused: true,
        run: "",
        locked: {},
    },
    {
        title: "edits the file that PIPENV_PIPFILE names",
        files: { Pipfile: pypi, "other/Pipfile": `${pypi}[packages]\nacme-a = "*"\n` },
        environment: { PIPENV_PIPFILE: "other/Pipfile" },
        edits: "other/Pipfile",
        run: "pipenv lock",
        locked: { "acme-a": "1.0.0" },
    },
];
