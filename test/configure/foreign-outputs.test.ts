import assert from "node:assert/strict";
import { assertDone, Machine, getOutputs, type StackOutputs, withoutSecrets } from "./machine";

// Files of outputs that someone else has written: consistent but for a different registry, or changed in one place.

const name = (project: string, repository = "python") =>
    `projects/${project}/locations/europe-west1/repositories/${repository}`;

describe("configure with the outputs of a different registry", () => {
    let ours: StackOutputs;
    let foreign: StackOutputs;
    let sibling: StackOutputs;
    before(async () => {
        ours = await getOutputs();
        foreign = await getOutputs({}, "evil-project");
        sibling = await getOutputs({ repository: "python-dev" });
    });

    const withOurs = async () => {
        const machine = await Machine.open();
        assertDone(await machine.with(withoutSecrets(ours), "--tool", "pip,twine"));
        return machine;
    };

    /** Runs the command, and asserts that it changes nothing. */
    async function refused(machine: Machine, outputs: object, ...args: string[]): Promise<string> {
        const { "outputs.json": _, ...before } = await machine.everything();
        const { exitCode, output } = await machine.with(outputs, "--tool", "pip", ...args);
        const { "outputs.json": __, ...after } = await machine.everything();
        assert.equal(exitCode, 1, output);
        assert.deepEqual(after, before);
        return output;
    }

    it("says on the first use which registry it adds", async () => {
        await using machine = await Machine.open();
        const { exitCode, output } = await machine.with(withoutSecrets(foreign), "--tool", "pip");
        assert.equal(exitCode, 0);
        assert.match(output, new RegExp(`^Registry ${name("evil-project")}$`, "m"));
    });

    it("refuses a registry that is not the expected one, also on the first use", async () => {
        await using machine = await Machine.open();
        const expected = ["--project", "acme-tools", "--location", "us", "--repository", "python-dev"];
        assert.match(
            await refused(machine, withoutSecrets(foreign), ...expected),
            new RegExp(
                `^error: outputs\\.json is for ${name("evil-project")}, but --project expects acme-tools and --location expects us and --repository expects python-dev\\. Nothing was changed$`,
                "m",
            ),
        );
        for (const command of [["--print"], ["--dry-run"], ["--undo"]])
            await refused(machine, withoutSecrets(foreign), ...command, "--project", "acme-tools");
        const check = await machine.configure(
            ...["check", "--outputs", "outputs.json", "--project", "acme-tools"],
        );
        assert.match(check.output, /is for projects\/evil-project\/.*--project expects acme-tools/);
        assertDone(await machine.with(withoutSecrets(ours), "--tool", "pip", "--project", "acme-tools"));
    });

    it("adds no second registry without a yes", async () => {
        await using machine = await withOurs();
        for (const [outputs, option] of [
            [foreign, "--project evil-project"],
            [sibling, "--repository python-dev"],
        ] as const) {
            const output = await refused(machine, withoutSecrets(outputs));
            assert.ok(
                output.includes(
                    `error: outputs.json is for ${outputs.repository.name}, but this machine has ${name("acme-tools")}. ` +
                        `Nothing was changed. If you expect this, add ${option}`,
                ),
                output,
            );
            await refused(machine, withoutSecrets(outputs), "--print");
        }
        // The project alone does not tell these two apart.
        await refused(machine, withoutSecrets(sibling), "--project", "acme-tools");
        assertDone(
            await machine.with(withoutSecrets(sibling), "--tool", "pip", "--repository", "python-dev"),
        );
        // Both are known now.
        for (const outputs of [ours, sibling])
            assertDone(await machine.with(withoutSecrets(outputs), "--tool", "pip,twine"));
        await refused(machine, withoutSecrets(foreign), "--repository", "python");
    });

    describe("on a machine whose files were made by hand", () => {
        const pipConf = ".config/pip/pip.conf";
        const uvToml = ".config/uv/uv.toml";
        const url = (project: string) => `https://europe-west1-python.pkg.dev/${project}/python/`;
        const uvIndex = (project: string, table = "index") =>
            `[[${table}]]\nname = "private"\nurl = "${url(project)}simple/"\n`;
        const byHand = async () => Machine.open({ [pipConf]: ours.pipConf, ".pypirc": ours.pypirc });

        it("adds no second registry without a yes", async () => {
            const login = ours.pipConf.replace("https://", "https://oauth2accesstoken:a/b@");
            const files: [string, Record<string, string>, ...string[]][] = [
                ["pip", { [pipConf]: ours.pipConf }],
                ["pip", { [pipConf]: login }],
                ["pip", { ".pip/pip.conf": ours.pipConf }],
                ["twine", { ".pypirc": ours.pypirc }],
                ["pip,twine", { ".pypirc": ours.pypirc }],
                ["uv", { [uvToml]: uvIndex("acme-tools") }],
                ["poetry", { "pyproject.toml": uvIndex("acme-tools", "tool.poetry.source") }, "project"],
                ["pipenv", { Pipfile: uvIndex("acme-tools", "source") }, "project"],
                [
                    "pdm",
                    { ".config/pdm/config.toml": `[pypi.private]\nurl = "${url("acme-tools")}simple"\n` },
                ],
                ["hatch", { [uvToml]: uvIndex("acme-tools") }],
            ];
            for (const [tool, content, scope = "user"] of files) {
                await using machine = await Machine.open(content);
                const before = { ...(await machine.everything()) };
                const run = (outputs: object, ...args: string[]) =>
                    machine.with(
                        withoutSecrets(outputs as StackOutputs),
                        "--tool",
                        tool,
                        "--scope",
                        scope,
                        ...args,
                    );
                const { exitCode, output } = await run(foreign);
                assert.equal(exitCode, 1, output);
                const { "outputs.json": _, ...after } = await machine.everything();
                assert.deepEqual(after, before);
                assert.match(
                    output,
                    new RegExp(
                        `error: outputs\\.json is for ${name("evil-project")}, but this machine has ${name("acme-tools")}\\. ` +
                            "Nothing was changed\\. If you expect this, add --project evil-project",
                    ),
                );
                assertDone(await run(ours));
            }
        });

        it("adds it with an option, or to files that have no registry", async () => {
            await using machine = await byHand();
            assertDone(await machine.with(withoutSecrets(foreign), "--tool", "uv"));
            await using other = await byHand();
            await refused(other, withoutSecrets(foreign), "--tool", "pip,twine");
            const args = ["--tool", "pip,twine", "--project", "evil-project"];
            assertDone(await other.with(withoutSecrets(foreign), ...args));
        });

        it("does not take a comment, or a file of the project, for a yes", async () => {
            await using machine = await Machine.open({
                [pipConf]: `# not ${url("evil-project")}\n${ours.pipConf}; ${url("evil-project")}\n`,
                [uvToml]: `${uvIndex("acme-tools")}# ${url("evil-project")}\n`,
                "pyproject.toml": uvIndex("evil-project", "tool.uv.index"),
            });
            await refused(machine, withoutSecrets(foreign));
            await refused(machine, withoutSecrets(foreign), "--tool", "uv");
            assertDone(await machine.with(withoutSecrets(ours), "--tool", "pip,uv"));
            await refused(machine, withoutSecrets(foreign), "--tool", "uv", "--scope", "project");
        });

        it("takes a comment for no registry", async () => {
            await using machine = await Machine.open({
                [pipConf]: `# ${ours.pipConf.split("\n")[1] ?? ""}\n`,
            });
            assertDone(await machine.with(withoutSecrets(foreign), "--tool", "pip"));
        });
    });

    it("asks on a terminal", async () => {
        await using machine = await withOurs();
        await machine.put("outputs.json", JSON.stringify(withoutSecrets(foreign)));
        const before = await machine.everything();
        const answer = (text: string) =>
            machine.shell(
                `echo '${text}' | python3 -c 'import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))' node $configure --outputs outputs.json --tool pip`,
            );
        for (const text of ["", "n", "nay"]) {
            const { exitCode, output } = await answer(text);
            assert.equal(exitCode, 1, output);
            assert.match(output, /evil-project.* Add the new registry\? \[y\/N\]/);
            assert.match(output, /Nothing was changed/);
            assert.deepEqual(await machine.everything(), before);
        }
        assertDone(await answer("y"));
        assert.match(await machine.read(".config/pip/pip.conf"), /evil-project/);
    });

    it("shows in a dry run what would need a yes", async () => {
        await using machine = await withOurs();
        const before = await machine.everything();
        const { exitCode, output } = await machine.with(
            withoutSecrets(foreign),
            "--tool",
            "pip",
            "--dry-run",
        );
        assert.equal(exitCode, 0);
        assert.match(
            output,
            /^note: outputs\.json is for .*evil-project.*If you expect this, add --project evil-project$/m,
        );
        assert.deepEqual(
            { ...(await machine.everything()), "outputs.json": "" },
            { ...before, "outputs.json": "" },
        );
    });

    it("names the packages that it no longer restricts to the registry", async () => {
        const outputs = async (...internalPackages: string[]) =>
            withoutSecrets(await getOutputs({ internalPackages }));
        const all = await outputs("acme-*", "acme-core", "core");
        const project = '[project]\nname = "app"\ndependencies = ["acme-core", "core"]\n';
        const warnings = (output: string) =>
            Object.fromEntries(
                [
                    ...output.matchAll(
                        /^warning: After this change, (?:.*\/)?(\S+) no longer .* for (\w+): (.*?)\. If/gm,
                    ),
                ].map(([, file = "", tool = "", packages = ""]) => [`${file} ${tool}`, packages]),
            );
        for (const [outputsAfter, expected] of [
            [
                await outputs(),
                {
                    "config.toml pdm": "acme-*, acme-core, core",
                    "pyproject.toml uv": "acme-core, core",
                    "pyproject.toml poetry": "acme-core, core",
                    "pyproject.toml pdm": "acme-*, acme-core, core",
                },
            ],
            // A prefix is enough, because the project declares the package.
            [await outputs("acme-*", "core"), {}],
            [
                await outputs("acme-*"),
                {
                    "pyproject.toml uv": "core",
                    "pyproject.toml poetry": "core",
                    "config.toml pdm": "core",
                    "pyproject.toml pdm": "core",
                },
            ],
            [await outputs("acme-*", "acme-core", "core", "more"), {}],
        ] as const) {
            await using machine = await Machine.open({ "pyproject.toml": project });
            const run = async (given: object, ...args: string[]) => {
                const user = await machine.with(given, "--tool", "pdm", "--project", "acme-tools", ...args);
                const inProject = await machine.with(
                    given,
                    ...["--tool", "uv,poetry,pdm", "--scope", "project", "--project", "acme-tools", ...args],
                );
                assertDone(user);
                assertDone(inProject);
                return warnings(user.output + inProject.output);
            };
            assert.deepEqual(await run(all), {});
            assert.deepEqual(await run(outputsAfter, "--dry-run"), expected);
            assert.deepEqual(await run(outputsAfter), expected);
            assert.deepEqual(await run(outputsAfter), {});
            assert.deepEqual(warnings((await machine.configure("--undo")).output), {});
        }
    });

    describe("refuses a file in which something differs from its repository:", () => {
        const indexUrl = "https://europe-west1-python.pkg.dev/acme-tools/python/simple/";
        const uploadUrl = "https://europe-west1-python.pkg.dev/acme-tools/python/";
        const evil = "https://europe-west1-python.pkg.dev/evil-project/python/simple/";
        const pip = `[global]\nextra-index-url = ${indexUrl}\n`;
        const pypirc = `[distutils]\nindex-servers =\n    python\n\n[python]\nrepository: ${uploadUrl}\n`;
        const uv = (url: string) => ({ uv: { "uv.toml": `[[index]]\nname = "python"\nurl = "${url}"\n` } });
        for (const [what, change] of Object.entries({
            "pip's URL": { pipConf: `[global]\nextra-index-url = ${evil}\n` },
            "pip's second URL": { pipConf: `[global]\nextra-index-url =\n    ${indexUrl}\n    ${evil}\n` },
            "a login in pip's URL": { pipConf: pip.replace("https://", "https://someone@") },
            "index-url": { pipConf: `${pip}index-url = ${evil}\n` },
            "trusted-host": { pipConf: `${pip}trusted-host = europe-west1-python.pkg.dev\n` },
            cert: { pipConf: `${pip}cert = /tmp/ca.pem\n` },
            proxy: { pipConf: `${pip}proxy = evil.example:3128\n` },
            "a different section": { pipConf: `${pip}[install]\nno-index = true\n` },
            "a default": { pipConf: `[DEFAULT]\nproxy = evil.example\n${pip}` },
            "a keyring provider that is none": { pipConf: `${pip}keyring-provider = /tmp/keyring\n` },
            "a file that Python cannot read": { pipConf: `${pip}[global]\n` },
            "the upload URL": { pypirc: pypirc.replace("acme-tools", "evil-project") },
            "a second upload section": { pypirc: `${pypirc}[pypi]\nrepository: ${evil}\n` },
            "a password": { pypirc: `${pypirc}password: secret\n` },
            "an upload section's certificate": { pypirc: `${pypirc}ca_cert: /tmp/ca.pem\n` },
            "uv's URL": { clients: uv(evil) },
            "uv's host": { clients: uv("https://evil.example/acme-tools/python/simple/") },
            "uv's scheme": { clients: uv(indexUrl.replace("https", "http")) },
            "uv's port": { clients: uv(indexUrl.replace("dev/", "dev:444/")) },
            "a repository whose name begins the same": {
                clients: uv(indexUrl.replace("/python/", "/python-evil/")),
            },
            "a path that leads elsewhere": { clients: uv(`${uploadUrl}../../evil-project/python/simple/`) },
            "a host behind a login": { clients: uv("https://pypi.org@evil.example/simple/") },
            "the repository's URL": { repository: { ...repositoryOfOurs(), indexUrl: evil } },
            "the repository's upload URL": {
                repository: { ...repositoryOfOurs(), uploadUrl: "https://evil.example/" },
            },
            "the repository's name": { repository: { ...repositoryOfOurs(), name: name("evil-project") } },
            "the location, as a host": { repository: { ...repositoryOfOurs(), location: "evil.example/x" } },
            "the project, as a path": { repository: { ...repositoryOfOurs(), project: "../evil" } },
        })) {
            it(what, async () => {
                await using machine = await Machine.open();
                const output = await refused(machine, { ...withoutSecrets(ours), ...change });
                assert.match(
                    output,
                    /outputs\.json (?:is for .*, but has something else in|does not contain the outputs)/,
                );
                assert.match(output, new RegExp(`\\b${Object.keys(change)[0] ?? ""}`));
            });
        }

        function repositoryOfOurs() {
            return {
                id: "python",
                name: name("acme-tools"),
                project: "acme-tools",
                location: "europe-west1",
                indexUrl,
                uploadUrl,
            };
        }
    });

    it("accepts what a stack writes, with every kind of keyring and with internal packages", async () => {
        for (const settings of [
            { keyring: "import" },
            { keyring: "subprocess", internalPackages: ["acme-core", "acme-*"] },
            { repository: "python-dev" },
        ]) {
            const outputs = await getOutputs(settings, "example.com:tools");
            await using machine = await Machine.open();
            assertDone(await machine.with(withoutSecrets(outputs), "--tool", "pip", "--print"));
        }
    });
});
