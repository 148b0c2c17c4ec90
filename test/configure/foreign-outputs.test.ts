import assert from "node:assert/strict";
import { pipConfWithKeyring } from "../../packages/registry/src/clients/pip";
import { assertDone, Machine, getOutputs, type StackOutputs, withoutSecrets } from "./machine";
import { itInRelease } from "../release";

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

        describe("adds no second registry without a yes", () => {
            const files: [string, () => Record<string, string>, scope?: "project"][] = [
                [
                    "pip",
                    () => ({ [pipConf]: ours.pipConf.replace("https://", "https://oauth2accesstoken:a/b@") }),
                ],
                ["uv", () => ({ [uvToml]: uvIndex("acme-tools") })],
                [
                    "poetry",
                    () => ({ "pyproject.toml": uvIndex("acme-tools", "tool.poetry.source") }),
                    "project",
                ],
                ["twine", () => ({ ".pypirc": ours.pypirc })],
                ["pip", () => ({ [pipConf]: ours.pipConf })],
                ["pip", () => ({ ".pip/pip.conf": ours.pipConf })],
                ["pip,twine", () => ({ ".pypirc": ours.pypirc })],
                ["pipenv", () => ({ Pipfile: uvIndex("acme-tools", "source") }), "project"],
                [
                    "pdm",
                    () => ({
                        ".config/pdm/config.toml": `[pypi.private]\nurl = "${url("acme-tools")}simple"\n`,
                    }),
                ],
                ["hatch", () => ({ [uvToml]: uvIndex("acme-tools") })],
            ];
            // The first cases are one of each format.
            const cases = [files.slice(0, 3), files.slice(3)] as const;
            for (const [some, test] of [
                [cases[0], it],
                [cases[1], itInRelease],
            ] as const) {
                test(`to the files of ${some.map(([tool]) => tool).join(", ")}`, async () => {
                    for (const [tool, content, scope = "user"] of some) {
                        await using machine = await Machine.open(content());
                        const before = { ...(await machine.everything()) };
                        const run = (outputs: StackOutputs) =>
                            machine.with(withoutSecrets(outputs), "--tool", tool, "--scope", scope);
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

    itInRelease("names the packages that it no longer restricts to the registry", async () => {
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

    describe("refuses a repository that contradicts itself:", () => {
        const indexUrl = "https://europe-west1-python.pkg.dev/acme-tools/python/simple/";
        const uploadUrl = "https://europe-west1-python.pkg.dev/acme-tools/python/";
        const evil = "https://europe-west1-python.pkg.dev/evil-project/python/simple/";
        for (const [what, change] of Object.entries({
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
                assert.match(output, /outputs\.json does not contain the outputs .* unexpected: repository/);
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

    it("takes no text of a client file from the outputs", async () => {
        const evil = "https://europe-west1-python.pkg.dev/evil-project/python/simple/";
        const files = async (outputs: object) => {
            await using machine = await Machine.open();
            assertDone(await machine.with(outputs, "--tool", "pip,twine,uv,pdm"));
            const { "outputs.json": _, ...written } = await machine.everything();
            return Object.fromEntries(
                Object.entries(written).filter(([file]) => !file.includes("python-registry")),
            );
        };
        const expected = await files(withoutSecrets(ours));
        assert.equal(Object.keys(expected).length, 4);
        for (const change of [
            { pipConf: `[global]\nextra-index-url = ${evil}\nproxy = evil.example:3128\n` },
            { pipConf: `[global]\nkeyring-provider = subprocess\n` },
            { pypirc: `[distutils]\nindex-servers = python\n\n[python]\nrepository: ${evil}\n` },
            { clients: { uv: { "uv.toml": `[[index]]\nname = "python"\nurl = "${evil}"\n` } } },
        ]) {
            assert.deepEqual(await files({ ...withoutSecrets(ours), ...change }), expected);
        }
    });

    it("refuses a keyring provider that is none", async () => {
        await using machine = await Machine.open();
        const output = await refused(machine, { ...withoutSecrets(ours), keyring: "/tmp/keyring" });
        assert.match(output, /unexpected: keyring/);
    });

    it("reads the keyring provider of an earlier release from pip.conf", async () => {
        for (const keyring of ["auto", "import", "subprocess"] as const) {
            const { keyring: given, ...outputs } = {
                ...(ours as StackOutputs & { keyring?: string }),
                pipConf: pipConfWithKeyring({ ...ours.repository, publicPackages: "pypi", keyring }),
            };
            assert.equal(given, "auto");
            await using machine = await Machine.open();
            assertDone(await machine.with(withoutSecrets(outputs), "--tool", "pip"));
            assert.equal(await machine.read(".config/pip/pip.conf"), outputs.pipConf);
        }
    });

    itInRelease(
        "accepts what a stack writes, with every kind of keyring and with internal packages",
        async () => {
            for (const settings of [
                { keyring: "import" },
                { keyring: "subprocess", internalPackages: ["acme-core", "acme-*"] },
                { repository: "python-dev" },
            ]) {
                const outputs = await getOutputs(settings, "example.com:tools");
                await using machine = await Machine.open();
                assertDone(await machine.with(withoutSecrets(outputs), "--tool", "pip", "--print"));
            }
        },
    );
});
