import assert from "node:assert/strict";
import { assertDone, getOutputs, Machine, type StackOutputs, withoutSecrets } from "./machine";

// The registry as the only index (`publicPackages: none`): what configure does to files with other indexes, and when the value changes.

const internalPackages = ["acme-core", "acme-*"];
const pyproject =
    '# mine\n[project]\nname = "app"\nversion = "1"\ndependencies = ["acme-core", "requests"]\n\n[tool.pdm]\ndistribution = false\n';
const pipfile =
    '[[source]]\nurl = "https://pypi.org/simple"\nverify_ssl = true\nname = "pypi"\n\n[packages]\nacme-core = "*"\n';
const untouched: Readonly<Record<string, string>> = {
    ".config/pip/pip.conf": "# mine\n[global]\ntimeout = 60\n[install]\nuser = no\n",
    ".config/uv/uv.toml": "# mine\nnative-tls = true\n",
    ".config/pdm/config.toml": '[pypi]\nurl = "https://pypi.org/simple"\n\n[venv]\nin_project = true\n',
    "app/pyproject.toml": pyproject,
    "app/Pipfile": pipfile,
};

describe("configure, with the registry as the only index", () => {
    let none: StackOutputs;
    let pypi: StackOutputs;
    before(async () => {
        none = await getOutputs({ publicPackages: "none", internalPackages });
        pypi = await getOutputs({ internalPackages });
    });

    /** Configures the user's files and the project's. */
    async function configured(machine: Machine, outputs: StackOutputs): Promise<string> {
        const user = await machine.with(withoutSecrets(outputs), "--tool", "pip,uv,pdm");
        assertDone(user);
        const project = await machine.shell(
            'cd app && node "$configure" --outputs ../outputs.json --scope project --tool uv,poetry,pdm,pipenv',
        );
        assertDone(project);
        return user.output + project.output;
    }
    const contents = async (machine: Machine) =>
        Object.fromEntries(
            await Promise.all(
                Object.keys(untouched).map(async (path) => [path, await machine.read(path)] as const),
            ),
        );

    it("replaces the entries of a run with the other value, in both directions, and undoes all of it", async () => {
        await using machine = await Machine.open(untouched);
        await configured(machine, pypi);
        const beside = await contents(machine);
        assert.match(beside["app/pyproject.toml"] ?? "", /constraint-dependencies/);

        assert.doesNotMatch(await configured(machine, none), /warning:/);
        const alone = await contents(machine);
        const { indexUrl } = none.repository;
        const url = JSON.stringify(indexUrl);
        assert.equal(
            alone[".config/pip/pip.conf"],
            `# mine\n[global]\ntimeout = 60\nindex-url = ${indexUrl}\n[install]\nuser = no\n`,
        );
        assert.match(alone[".config/uv/uv.toml"] ?? "", /^default = true$/m);
        assert.ok(alone[".config/pdm/config.toml"]?.startsWith(`[pypi]\nurl = ${url}\n`));
        assert.ok(alone["app/Pipfile"]?.startsWith(`[[source]]\nurl = ${url.replace(/\/"$/, '"')}\n`));
        const project = alone["app/pyproject.toml"] ?? "";
        assert.match(project, /^\[\[tool\.uv\.index\]\]\n(?:.+\n)*default = true$/m);
        assert.ok(project.includes(`[[tool.pdm.source]]\nname = "pypi"\nurl = ${url}\n`), project);
        for (const text of Object.values(alone)) {
            assert.doesNotMatch(text, /pypi\.org|extra-index|PyPI|supplemental|constraint|include_packages/);
        }
        assert.match(alone["app/Pipfile"] ?? "", /^acme-core = "\*"$/m);
        const again = await configured(machine, none);
        assert.doesNotMatch(again, /^(?:changed|created|removed) /m);

        const output = await configured(machine, pypi);
        assert.match(
            output,
            /^warning: .*pip\.conf no longer restricts pip to the registry: .*publicPackages/m,
        );
        assert.match(output, /^warning: .*pyproject\.toml no longer restricts poetry to the registry/m);
        assert.deepEqual(await contents(machine), beside);

        await configured(machine, none);
        assertDone(await machine.configure("--undo"));
        assert.deepEqual(await contents(machine), untouched);
    });

    it("replaces a different index-url of pip, says so, and restores it", async () => {
        const theirs =
            "[global]\nindex-url = https://me:s3cret@mirror.example/simple/\nextra-index-url = https://a.example/\n[install]\nindex-url=https://b.example/\n";
        await using machine = await Machine.open({ ".config/pip/pip.conf": theirs });
        const { output } = await machine.with(withoutSecrets(none), "--tool", "pip");
        for (const section of ["global", "install"]) {
            assert.ok(
                output.includes(`index-url in [${section}] was a different index; it is now this registry`),
                output,
            );
        }
        assert.match(output, /^note: extra-index-url in \[global\] was kept: pip takes the highest version/m);
        assert.doesNotMatch(output, /s3cret/);
        assert.equal(
            await machine.read(".config/pip/pip.conf"),
            theirs.replaceAll(/(index-url ?= ?)https:\/\/(?:me|b).*/g, `$1${none.repository.indexUrl}`),
        );
        assertDone(await machine.configure("--undo"));
        assert.equal(await machine.read(".config/pip/pip.conf"), theirs);
    });

    it("names every other index that it leaves, and what hides this one", async () => {
        await using machine = await Machine.open(
            {
                ".config/uv/uv.toml":
                    '[[index]]\nname = "a"\nurl = "https://a.example/"\n\n[[index]]\nname = "b"\nurl = "https://b.example/"\ndefault = true\n\n[[index]]\nname = "c"\nurl = "https://c.example/"\nexplicit = true\n',
                "app/pyproject.toml": `${pyproject}\n[[tool.poetry.source]]\nname = "PyPI"\n\n[[tool.pdm.source]]\nname = "a"\nurl = "https://a.example/"\n`,
                "app/Pipfile": `${pipfile}[[source]]\nname = "a"\nurl = "https://a.example/"\n`,
                "app/requirements.txt": "--extra-index-url https://a.example/\n",
            },
            { UV_EXTRA_INDEX_URL: "https://a.example/", PIP_EXTRA_INDEX_URL: "https://a.example/" },
        );
        const { output: user } = await machine.with(withoutSecrets(none), "--tool", "uv,pip");
        assert.match(
            user,
            /^warning: uv asks the index "a" in .*uv\.toml before this registry\. Remove it$/m,
        );
        assert.match(user, /^warning: the index "b" in .* has default = true, as this registry/m);
        assert.doesNotMatch(user, /index "c"/);
        assert.match(user, /^warning: UV_EXTRA_INDEX_URL names another index/m);
        assert.match(user, /^note: extra-index-url from PIP_EXTRA_INDEX_URL adds other indexes/m);
        // Ours is the first, so it is the default one.
        const uv = await machine.read(".config/uv/uv.toml");
        assert.ok(uv.indexOf('name = "python"') < uv.indexOf('name = "a"'), uv);
        const { output } = await machine.shell(
            'cd app && node "$configure" --outputs ../outputs.json --scope project --tool uv,poetry,pdm,pipenv',
        );
        assert.match(
            output,
            /^warning: the source "PyPI" in .*pyproject\.toml is another index .* poetry can/m,
        );
        assert.match(output, /^warning: the source "a" in .*pyproject\.toml is another index .* pdm can/m);
        assert.match(output, /^warning: the source "a" in .*Pipfile is another index .* pipenv takes/m);
    });

    it("does not send a login for PyPI's place to the registry, and does not replace a mirror there", async () => {
        for (const [text, tool, file] of [
            ['[pypi]\nurl = "https://mirror.example/simple"\n', "pdm", ".config/pdm/config.toml"],
            ['[pypi]\nusername = "me"\npassword = "s3cret"\n', "pdm", ".config/pdm/config.toml"],
            ['[[source]]\nname = "pypi"\nurl = "https://mirror.example/simple"\n', "pipenv", "Pipfile"],
        ] as const) {
            await using machine = await Machine.open({ [file]: text });
            const scope = tool === "pdm" ? "user" : "project";
            const run = await machine.with(withoutSecrets(none), "--tool", tool, "--scope", scope);
            assert.equal(run.exitCode, 1, run.output);
            assert.match(run.output, /a different index, or a login, in the place of PyPI .*Remove it/);
            assert.equal(await machine.read(file), text);
        }
    });

    it("is understood by check, which names the files of the other value and the indexes of others", async () => {
        await using machine = await Machine.open(untouched);
        const check = async () => {
            const args = [
                "check",
                "--outputs",
                "outputs.json",
                "--offline",
                "--json",
                "--tool",
                "pip,uv,pdm",
            ];
            const { output } = await machine.configure(...args);
            const findings = JSON.parse(output) as { tool: string; status: string; message: string }[];
            return findings
                .filter(({ status }) => status === "warning")
                .map(({ tool, message }) => `${tool}: ${message.replaceAll(machine.path(""), "~")}`);
        };
        await machine.with(withoutSecrets(pypi), "--tool", "pip,uv,pdm");
        assert.deepEqual(await check(), []);
        await machine.put("outputs.json", JSON.stringify(withoutSecrets(none)));
        assert.deepEqual(await check(), [
            "pip: pip asks PyPI too, because no file sets index-url to this registry",
            'uv: the index "python" in ~/.config/uv/uv.toml does not take the place of PyPI: uv asks PyPI too. Set default = true in it, and remove explicit',
            'pdm: the source "pypi" in ~/.config/pdm/config.toml is another index beside this registry: pdm can take every package from it. Remove it',
            'pdm: no source named "pypi" is this registry: pdm asks PyPI too. Run python-registry-configure --tool pdm',
            "pdm: include_packages in ~/.config/pdm/config.toml is a setting of this registry's source: pdm does not find some packages in it. Remove it",
        ]);
        await machine.with(withoutSecrets(none), "--tool", "pip,uv,pdm");
        assert.deepEqual(await check(), []);
        const pipConf = await machine.read(".config/pip/pip.conf");
        await machine.put(
            ".config/pip/pip.conf",
            `${pipConf}extra-index-url = https://me:s3cret@a.example/\n`,
        );
        assert.deepEqual(await check(), [
            "pip: extra-index-url from ~/.config/pip/pip.conf names another index: pip takes the highest version of it and this registry",
        ]);
    });

    it("refuses a value that this release does not know", async () => {
        await using machine = await Machine.open();
        const run = await machine.with({ ...withoutSecrets(none), publicPackages: "other" }, "--tool", "pip");
        assert.equal(run.exitCode, 1);
        assert.match(run.output, /missing or unexpected: publicPackages/);
    });
});
