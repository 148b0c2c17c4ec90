import assert from "node:assert/strict";
import { mkdir, readFile, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import { itInRelease } from "../release";
import { assertDone, Machine, getOutputs, type StackOutputs, withoutSecrets } from "./machine";

// The command as a user runs it: in its own process, with real files.

const token = "ya29.c.b0Aaekm1-an_access~token.of/40+characters=";
const pipConf = ".config/pip/pip.conf";
const keys = { "python-publisher": { access: "writer", keys: ["first"] } };

describe("configure", () => {
    let outputs: StackOutputs;
    before(async () => {
        outputs = await getOutputs({ serviceAccounts: keys });
    });

    describe("on a machine without configuration files", () => {
        it("writes the files from the outputs, and --undo leaves nothing", async () => {
            await using machine = await Machine.open();
            await writeFile(machine.path("readable"), "", { mode: 0o644 });
            const clean = await machine.everything();
            assertDone(await machine.with(withoutSecrets(outputs), "--tool", "pip,twine"));
            assert.equal(await machine.read(pipConf), outputs.pipConf);
            assert.equal(await machine.read(".pypirc"), outputs.pypirc);
            assert.equal(await machine.mode(".pypirc"), await machine.mode("readable"));
            assertDone(await machine.configure("--undo"));
            const { "outputs.json": _, ...left } = await machine.everything();
            assert.deepEqual(left, clean);
            await assert.rejects(machine.read(".config/pip"), { code: "ENOENT" });
        });

        it("reads the outputs from standard input", async () => {
            await using machine = await Machine.open({
                "outputs.json": JSON.stringify(withoutSecrets(outputs)),
            });
            assertDone(await machine.shell('node "$configure" --outputs - --tool pip < outputs.json'));
            assert.equal(await machine.read(pipConf), outputs.pipConf);
        });

        it("reads the outputs from the Pulumi CLI, and reports its error", async () => {
            await using machine = await Machine.open(
                { "outputs.json": JSON.stringify(withoutSecrets(outputs)) },
                {},
                ["bin"],
            );
            await machine.put(
                "bin/pulumi",
                '#!/bin/sh\necho "$*" > "$HOME/asked"\ncase "$*" in *"--stack dev"*) cat "$HOME/outputs.json";; *) echo "error: no stack named" >&2; exit 255;; esac\n',
                0o700,
            );
            assertDone(await machine.configure("--stack", "dev", "--tool", "pip"));
            assert.equal(await machine.read(pipConf), outputs.pipConf);
            assert.equal(await machine.read("asked"), "stack output --json --non-interactive --stack dev\n");
            const { exitCode, output } = await machine.configure("--stack", "other", "--tool", "pip");
            assert.equal(exitCode, 1);
            assert.match(
                output,
                /Cannot read the outputs of stack other: pulumi failed \(exit code 255\): error: no stack named/,
            );
        });

        it("uses an installed Pulumi CLI, also if npm puts its launcher in front on PATH", async () => {
            await using machine = await Machine.open(
                { "outputs.json": JSON.stringify(withoutSecrets(outputs)) },
                {},
                ["node_modules/.bin", "bin"],
            );
            await machine.put("node_modules/.bin/pulumi", "#!/bin/sh\necho downloading >&2; exit 1\n", 0o700);
            await machine.put("bin/pulumi", '#!/bin/sh\ncat "$HOME/outputs.json"\n', 0o700);
            assertDone(await machine.configure("--stack", "dev", "--tool", "pip"));
            await rm(machine.path("bin/pulumi"));
            const { output } = await machine.configure("--stack", "dev", "--tool", "pip");
            assert.match(output, /pulumi failed \(exit code 1\): downloading/);
        });

        it("uses the installed tools, and prints their names", async () => {
            await using machine = await Machine.open({}, {}, ["bin"]);
            await machine.put("bin/uv", "#!/bin/sh\n", 0o700);
            const { output, exitCode } = await machine.with(withoutSecrets(outputs), "--dry-run");
            assert.equal(exitCode, 0, output);
            assert.match(output, /^Tools found: (?:.*, )?uv\b/m);
        });
    });

    describe("with existing files", () => {
        const files = {
            [pipConf]:
                "# mine\r\n[global]\r\nindex-url = https://me:s3cret@mirror.example/simple/ \r\nextra-index-url =\r\n\thttps://a.example/simple/\r\n\r\n[install]\r\nno-binary=:all:",
            ".pypirc":
                "\ufeff; by hand\n[distutils]\nindex-servers=pypi\n  testpypi\n\n[pypi]\nusername:__token__\npassword = pypi-%AgEI%%\n",
        };

        it("keeps their content, changes nothing twice, and --undo restores the same bytes", async () => {
            await using machine = await Machine.open(files);
            const before = await machine.everything();
            assertDone(await machine.with(withoutSecrets(outputs), "--tool", "pip,twine"));
            const pip = await machine.read(pipConf);
            for (const line of files[pipConf].split("\r\n")) {
                assert.ok(pip.split("\r\n").includes(line), JSON.stringify(line));
            }
            assert.ok(pip.includes(`\r\n\t${outputs.repository.indexUrl}\r\n`), pip);
            assert.ok((await machine.read(".pypirc")).includes("[python]\nrepository: https://"));

            await machine.age(pipConf);
            const again = await machine.with(withoutSecrets(outputs), "--tool", "pip,twine");
            assertDone(again);
            assert.match(again.output, /^unchanged .*pip\.conf$/m);
            assert.ok(await machine.isAged(pipConf));

            assertDone(await machine.configure("--undo"));
            const { "outputs.json": _, ...after } = await machine.everything();
            assert.deepEqual(after, before);
        });

        it("removes only its own lines after the user has edited others", async () => {
            await using machine = await Machine.open(files);
            assertDone(await machine.with(withoutSecrets(outputs), "--tool", "pip"));
            const written = await machine.read(pipConf);
            const edit = (text: string) =>
                text
                    .replace("# mine", "# still mine")
                    .replace("no-binary=:all:", "no-binary=:none:\r\npre = true");
            await machine.put(pipConf, edit(written));
            assertDone(await machine.configure("--undo"));
            assert.equal(await machine.read(pipConf), edit(files[pipConf]));
        });

        it("keeps links and permission bits, and warns if others can read a credential", async () => {
            await using machine = await Machine.open({});
            await machine.put("dotfiles/pypirc", "[distutils]\nindex-servers = pypi\n", 0o644);
            await symlink("dotfiles/pypirc", machine.path(".pypirc"));
            const done = await machine.with(outputs, "--tool", "twine", "--auth", "key");
            assertDone(done);
            assert.match(
                done.output,
                /warning: .*dotfiles\/pypirc contains a credential, and other people can read it/,
            );
            assert.equal(await machine.mode("dotfiles/pypirc"), 0o644);
            assert.ok((await machine.read("dotfiles/pypirc")).includes("username: _json_key_base64"));
        });

        it("does not change an unsupported file, reports the line, and changes the others", async () => {
            await using machine = await Machine.open({
                ".pypirc": "[distutils]\nindex-servers =\n    pypi\nwhat is this\n",
            });
            const before = await machine.read(".pypirc");
            const { exitCode, output } = await machine.with(withoutSecrets(outputs), "--tool", "pip,twine");
            assert.equal(exitCode, 1);
            assert.match(output, /error: twine: .*\.pypirc:4: /);
            assert.ok(!output.includes("what is this"));
            assert.equal(await machine.read(".pypirc"), before);
            assert.equal(await machine.read(pipConf), outputs.pipConf);
        });
    });

    describe("with a credential", () => {
        /** Asserts that a secret is not in the output, and only in files that may contain it. */
        async function assertHidden(
            machine: Machine,
            secret: string,
            output: string,
            may: readonly string[],
        ) {
            assert.ok(!output.includes(secret), "printed");
            for (const [file, text] of Object.entries(await machine.everything())) {
                if (!text.includes(secret) && !text.includes(encodeURIComponent(secret))) continue;
                assert.ok(
                    may.some((name) => file.startsWith(name)),
                    file,
                );
                assert.equal(await machine.mode(file), 0o600, file);
            }
        }

        it("takes a token from the environment, and never shows it", async () => {
            for (const name of ["CLOUDSDK_AUTH_ACCESS_TOKEN", "GOOGLE_OAUTH_ACCESS_TOKEN"]) {
                await using machine = await Machine.open({}, { [name]: token });
                const done = await machine.with(
                    withoutSecrets(outputs),
                    "--tool",
                    "pip,twine",
                    "--auth",
                    "token",
                );
                assertDone(done);
                assert.match(done.output, new RegExp(`^Credential: an access token from ${name}$`, "m"));
                assert.ok(
                    (await machine.read(pipConf)).includes(`oauth2accesstoken:${encodeURIComponent(token)}@`),
                );
                await assertHidden(machine, token, done.output, [
                    pipConf,
                    ".pypirc",
                    ".local/state/python-registry/",
                ]);
            }
        });

        it("takes a token from a file, from standard input, and from gcloud", async () => {
            await using machine = await Machine.open({ token: `${token}\n` }, {}, ["bin"]);
            await machine.put("bin/gcloud", `#!/bin/sh\necho "$*" > "$HOME/asked"\necho '${token}'\n`, 0o700);
            for (const [args, from] of [
                ["--credential-file token", "token"],
                ["--credential-file - < token", "standard input"],
                ["", "gcloud"],
                [
                    "--account python-publisher",
                    "gcloud for python-publisher@acme-tools.iam.gserviceaccount.com",
                ],
            ] as const) {
                await machine.put("outputs.json", JSON.stringify(withoutSecrets(outputs)));
                const done = await machine.shell(
                    `node "$configure" --outputs outputs.json --tool twine --auth token ${args}`,
                );
                assertDone(done);
                assert.ok(done.output.includes(`Credential: an access token from ${from}\n`), done.output);
                assert.ok((await machine.read(".pypirc")).includes(`password: ${token}\n`));
                assertDone(await machine.configure("--undo"));
            }
            assert.equal(
                await machine.read("asked"),
                "auth print-access-token --quiet --impersonate-service-account=python-publisher@acme-tools.iam.gserviceaccount.com\n",
            );
        });

        it("reports that gcloud printed no token, with its exit code and output", async () => {
            await using machine = await Machine.open({}, {}, ["bin"]);
            for (const [command, expected] of [
                ["exit 1", /^error: gcloud did not print an access token \(exit code 1, no output\)$/m],
                [
                    "echo 'ERROR: not signed in' >&2; exit 2",
                    /^error: gcloud did not print an access token \(exit code 2\): ERROR: not signed in$/m,
                ],
            ] as const) {
                await machine.put("bin/gcloud", `#!/bin/sh\n${command}\n`, 0o700);
                const { exitCode, output } = await machine.with(
                    withoutSecrets(outputs),
                    "--tool",
                    "pip",
                    "--auth",
                    "token",
                );
                assert.equal(exitCode, 1);
                assert.match(output, expected);
            }
        });

        it("takes a key from the outputs, and names the account", async () => {
            await using machine = await Machine.open();
            const done = await machine.with(outputs, "--tool", "pip,twine", "--auth", "key");
            assertDone(done);
            const credential = outputs.credentials["python-publisher"]!;
            assert.equal(await machine.read(pipConf), credential.pipConf);
            assert.equal(await machine.read(".pypirc"), credential.pypirc);
            assert.match(
                done.output,
                /a key from .*python-publisher@acme-tools\.iam\.gserviceaccount\.com$/m,
            );
            const key = Buffer.from(credential.keyFile).toString("base64");
            await assertHidden(machine, key, done.output, [
                pipConf,
                ".pypirc",
                "outputs.json",
                ".local/state/python-registry/",
            ]);
        });

        it("says what to do if there is none", async () => {
            await using machine = await Machine.open({ "not-a-key.json": '{"private": "s3cret"}' });
            const refused = async (expected: RegExp, given: object, ...args: string[]) => {
                const { exitCode, output } = await machine.with(given, "--tool", "pip", ...args);
                assert.equal(exitCode, 1);
                assert.match(output, expected);
                assert.ok(!output.includes("s3cret"));
                await assert.rejects(machine.read(pipConf), { code: "ENOENT" });
            };
            await refused(/--show-secrets/, withoutSecrets(outputs), "--auth", "key");
            await refused(
                /not-a-key\.json does not contain a service account key/,
                outputs,
                "--auth",
                "key",
                "--credential-file",
                "not-a-key.json",
            );
            await refused(
                /not-a-key\.json does not contain an access token/,
                outputs,
                "--auth",
                "token",
                "--credential-file",
                "not-a-key.json",
            );
            await refused(
                /none\.json cannot be read: ENOENT/,
                outputs,
                "--auth",
                "key",
                "--credential-file",
                "none.json",
            );
            await refused(
                /This registry has no account nobody\. Its accounts: python-publisher\./,
                outputs,
                "--auth",
                "key",
                "--account",
                "nobody",
            );
            await refused(/need --auth token or --auth key/, outputs, "--credential-file", "x");
        });

        it("is removed when the tools use the keyring again", async () => {
            await using machine = await Machine.open(
                { ".pypirc": "[pypi]\nusername = me\n" },
                { GOOGLE_OAUTH_ACCESS_TOKEN: token },
            );
            const all = "pip,twine,uv,poetry,pdm,hatch,netrc";
            assertDone(await machine.with(withoutSecrets(outputs), "--tool", all, "--auth", "token"));
            // netrc cannot ask a keyring: it is left out by name, and says so.
            assertDone(
                await machine.with(withoutSecrets(outputs), "--tool", "pip,twine,uv,poetry,pdm,hatch"),
            );
            assertDone(await machine.configure("--undo", "--tool", "netrc"));
            for (const [file, text] of Object.entries(await machine.everything())) {
                assert.ok(!text.includes(token) && !text.includes(encodeURIComponent(token)), file);
            }
        });

        it("is not shown in a dry run, which changes nothing", async () => {
            await using machine = await Machine.open(
                {
                    ".pypirc":
                        "[python]\nrepository: https://europe-west1-python.pkg.dev/acme-tools/python/\npassword: older-s3cret\n",
                },
                { GOOGLE_OAUTH_ACCESS_TOKEN: token },
            );
            await machine.put("outputs.json", JSON.stringify(withoutSecrets(outputs)));
            const before = await machine.everything();
            const { exitCode, output } = await machine.with(
                withoutSecrets(outputs),
                "--tool",
                "pip,twine",
                "--auth",
                "token",
                "--dry-run",
            );
            assert.equal(exitCode, 0, output);
            assert.match(output, /^\+\+\+ .*pip\.conf$/m);
            assert.match(output, /^\+extra-index-url = https:\/\/oauth2accesstoken:\*{8} \(new\)@/m);
            assert.match(output, /^-password: \*{8}$/m);
            assert.ok(!output.includes(token) && !output.includes("older-s3cret"));
            assert.deepEqual(await machine.everything(), before);
        });
    });

    describe("with two registries", () => {
        it("gives the second a different name if the first one's is used, and can remove either", async () => {
            await using machine = await Machine.open();
            const others = await getOutputs({}, "other-team");
            const all = "pip,twine,uv,poetry,pdm,hatch";
            assertDone(await machine.with(withoutSecrets(outputs), "--tool", all));
            const first = await machine.everything();
            const expected = ["--project", "other-team"];
            const second = await machine.with(withoutSecrets(others), "--tool", all, ...expected);
            assertDone(second);
            assert.match(
                second.output,
                /^twine: "python" is already used for another registry in this file; this one is named "other-team-python"$/m,
            );
            const pypirc = await machine.read(".pypirc");
            assert.match(
                pypirc,
                /^\[python\]\nrepository: https:\/\/europe-west1-python\.pkg\.dev\/acme-tools\/python\/$/m,
            );
            assert.match(
                pypirc,
                /^\[other-team-python\]\nrepository: https:\/\/europe-west1-python\.pkg\.dev\/other-team\/python\/$/m,
            );
            assert.equal((await machine.read(pipConf)).match(/https:/g)?.length, 2);

            assertDone(await machine.with(withoutSecrets(others), "--tool", all));
            assertDone(await machine.configure("--undo", "--outputs", "outputs.json"));
            const clean = ({ "outputs.json": _, ...files }: Record<string, string>) =>
                Object.fromEntries(Object.entries(files).filter(([file]) => !file.startsWith(".local/")));
            assert.deepEqual(clean(await machine.everything()), clean(first));
        });
    });

    describe("in a project", () => {
        const pyproject =
            '# a project\n[project]\nname = "app"\nversion = "1.0"\ndependencies = ["acme-core"]\n';

        it("works from a subdirectory, and never writes a credential to the project", async () => {
            await using machine = await Machine.open(
                { "app/pyproject.toml": pyproject },
                { GOOGLE_OAUTH_ACCESS_TOKEN: token },
            );
            await mkdir(machine.path("app/src"));
            await machine.put("outputs.json", JSON.stringify(withoutSecrets(outputs)));
            for (const auth of ["keyring", "token"]) {
                const done = await machine.shell(
                    `cd app/src && node "$configure" --outputs ../../outputs.json --tool uv,poetry,pdm --scope project --auth ${auth}`,
                );
                assertDone(done);
                const written = await machine.read("app/pyproject.toml");
                assert.ok(written.startsWith(pyproject), written);
                assert.ok(
                    written.includes("[[tool.uv.index]]") && written.includes("[[tool.poetry.source]]"),
                    written,
                );
                assert.ok(!written.includes(token));
            }
            assertDone(await machine.configure("--undo"));
            assert.equal(await machine.read("app/pyproject.toml"), pyproject);
        });
    });

    it("pins a project's dependencies, but not the project itself", async () => {
        const text = await getOutputs({ internalPackages: ["acme-*", "acme-app", "acme-core"] });
        const app =
            '[project]\nname = "Acme_App"\nversion = "1"\ndependencies = ["acme.util >= 1", "requests"]\n';
        await using machine = await Machine.open({ "app/pyproject.toml": app });
        await machine.put("outputs.json", JSON.stringify(withoutSecrets(text)));
        assertDone(
            await machine.shell(
                'cd app && node "$configure" --outputs ../outputs.json --tool uv,poetry --scope project',
            ),
        );
        const written = await machine.read("app/pyproject.toml");
        assert.match(
            written,
            /^\[tool\.uv\.sources\]\nacme-core = \{ index = "python" \}\nacme-util = \{ index = "python" \}\n\n/m,
        );
        assert.match(written, /^constraint-dependencies = \["acme-core>=0", "acme-util>=0"\]$/m);
        assert.match(written, /^\[tool\.poetry\.dependencies\]\nacme-util = \{ source = "python" \}\n/m);
    });

    describe("in a project, without --tool, configures the tools that it shows signs of:", () => {
        const hatchling =
            '[build-system]\nbuild-backend = "hatchling.build"\n\n[tool.hatch.version]\npath = "x"\n';
        const cases: [title: string, files: Record<string, string>, expected: string | RegExp][] = [
            ["a lock file", { "uv.lock": "", "pyproject.toml": "[project]\n" }, "uv"],
            ["a table", { "pyproject.toml": "[tool.poetry.dependencies]\n" }, "poetry"],
            ["an empty table", { "pyproject.toml": "[tool.pdm]\n" }, "pdm"],
            ["a file of its own", { "hatch.toml": "", "pyproject.toml": "" }, "hatch"],
            ["a Pipfile", { Pipfile: "[[source]]\n" }, "pipenv"],
            ["a build backend", { "pyproject.toml": hatchling }, "hatch"],
            [
                "not a build backend if another tool shows",
                { "pyproject.toml": `[tool.uv]\n${hatchling}` },
                "uv",
            ],
            [
                "nor the tables of one",
                { "pyproject.toml": "[tool.pdm.build]\n[tool.poetry]\npackages = []\n", "uv.lock": "" },
                "uv",
            ],
            [
                "several tools",
                { "pyproject.toml": "[tool.uv]\n[tool.hatch.envs.x]\n", "poetry.toml": "" },
                "uv, poetry, hatch",
            ],
            [
                "none",
                { "pyproject.toml": '[build-system]\nbuild-backend = "setuptools.build_meta"\n' },
                /name the tools with --tool: uv, poetry, pdm, hatch, pipenv$/m,
            ],
            [
                "a project above only where there is none",
                { "../uv.lock": "", "../pyproject.toml": "", "pyproject.toml": "" },
                /^error: No file here shows/m,
            ],
            [
                "those of a member in its workspace",
                {
                    "../pyproject.toml": '[tool.uv.workspace]\nmembers = ["*"]\n',
                    "pyproject.toml": '[project]\nname = "m"\n',
                },
                "uv",
            ],
            ["no project", {}, /^error: No file here shows which tool this project uses/m],
        ];
        for (const [title, files, expected] of cases) {
            it(title, async () => {
                await using machine = await Machine.open(
                    Object.fromEntries(
                        Object.entries(files).map(([file, text]) => [join("ws/app", file), text]),
                    ),
                );
                await mkdir(machine.path("ws/app"), { recursive: true });
                await machine.put("outputs.json", JSON.stringify(withoutSecrets(outputs)));
                const { output, exitCode } = await machine.shell(
                    'cd ws/app && node "$configure" --outputs ../../outputs.json --scope project --dry-run',
                );
                if (typeof expected === "string") {
                    assert.ok(output.includes(`Tools of this project: ${expected}\n`), output);
                } else {
                    assert.match(output, expected);
                    assert.equal(exitCode, 1);
                }
            });
        }
    });

    it("never adds a tool to a project of another one, unless it is named", async () => {
        const uv = '[project]\nname = "app"\n\n[tool.uv]\npackage = false\n';
        await using machine = await Machine.open({ "pyproject.toml": uv }, {}, ["bin"]);
        await machine.put("bin/poetry", "#!/bin/sh\n", 0o700);
        assertDone(await machine.with(withoutSecrets(outputs), "--scope", "project"));
        assert.ok(!(await machine.read("pyproject.toml")).includes("poetry"));
        assertDone(await machine.with(withoutSecrets(outputs), "--scope", "project", "--tool", "poetry"));
        assert.ok((await machine.read("pyproject.toml")).includes("[[tool.poetry.source]]"));
    });

    it("does not change a project in which it would do harm, or have no effect", async () => {
        await using machine = await Machine.open({
            "pyproject.toml": '[project]\nname = "app"\n',
            "uv.toml": "",
            Pipfile: "[packages]\n",
        });
        const { exitCode, output } = await machine.with(
            withoutSecrets(outputs),
            "--tool",
            "uv,pipenv",
            "--scope",
            "project",
        );
        assert.equal(exitCode, 1);
        assert.match(output, /uv: .*uv\.toml takes precedence over pyproject\.toml/);
        assert.match(output, /pipenv: .*Pipfile has no source/);
        assert.equal(await machine.read("Pipfile"), "[packages]\n");
    });

    itInRelease("loses nothing when twenty run at once", async () => {
        await using machine = await Machine.open({ ".pypirc": "# mine\n[pypi]\nusername = me\n" });
        const stacks = Array.from({ length: 20 }, (_, number) => {
            const text = JSON.stringify(withoutSecrets(outputs)).replaceAll(
                "acme-tools",
                `acme-tools-${number}`,
            );
            return [`outputs-${number}.json`, text, `acme-tools-${number}`] as const;
        });
        for (const [file, text] of stacks) await machine.put(file, text);
        const runs = await Promise.all(
            stacks.map(([file, , project]) =>
                machine.configure("--outputs", file, "--project", project, "--tool", "twine"),
            ),
        );
        runs.forEach(assertDone);
        const pypirc = await machine.read(".pypirc");
        for (const number of stacks.keys()) {
            assert.ok(pypirc.includes(`/acme-tools-${number}/python/`), String(number));
        }
        assertDone(await machine.configure("--undo"));
        assert.equal(await machine.read(".pypirc"), "# mine\n[pypi]\nusername = me\n");
    });

    it("reports that it waits for another run", async () => {
        await using machine = await Machine.open();
        const lock = machine.path(".local/state/python-registry/lock.lock");
        await mkdir(lock, { recursive: true });
        // A lock that does not get old, of a run that ends when it is waited for.
        const time = Date.now() / 1000 + 24 * 3600;
        await utimes(lock, time, time);
        const { output } = await machine.shell(
            '{ node "$configure" --undo; echo "exit code $?"; } 2>&1 | while read -r line; do echo "$line"; ' +
                'case "$line" in note:*) rmdir .local/state/python-registry/lock.lock;; esac; done',
        );
        assert.match(output, /^note: Waiting for another configure run to finish…\n(?:.*\n)*exit code 0$/m);
    });

    it("leaves no temporary directory if a signal ends a check", async () => {
        for (const signal of ["INT", "TERM", "HUP"]) {
            await using machine = await Machine.open(
                { "outputs.json": JSON.stringify(withoutSecrets(outputs)) },
                { HTTPS_PROXY: "http://127.0.0.1:1" },
                ["bin"],
            );
            // A tool that ends the process that started it, and goes on to write.
            await machine.put(
                "bin/pip",
                `#!/bin/sh\nls -d "$TMPDIR" > "$HOME/seen"\nkill -${signal} $PPID\n` +
                    'for i in $(seq 2000); do mkdir -p "$TMPDIR/again"; done\n',
                0o700,
            );
            const { output } = await machine.shell(
                'node "$configure" check --outputs outputs.json --tool pip --package acme; echo "exit code $?"; ls',
            );
            assert.match(output, /^exit code (?:129|130|143)$/m);
            assert.match(await machine.read("seen"), /python-registry-/);
            assert.doesNotMatch(output, /^python-registry-/m);
        }
    });

    it("recognizes gcloud's line with a raw key for the same registry, and never shows the key", async () => {
        const raw = "ab/cd+ef/s3cret==";
        const line = `extra-index-url = https://_json_key_base64:${raw}@europe-west1-python.pkg.dev/acme-tools/python/simple/`;
        await using machine = await Machine.open();
        await machine.put(pipConf, `[global]\n# keep\n${line}\n`, 0o644);
        const dry = await machine.with(withoutSecrets(outputs), "--tool", "pip", "--dry-run");
        assertDone(dry);
        assert.ok(!dry.output.includes("s3cret"), dry.output);
        assertDone(await machine.with(withoutSecrets(outputs), "--tool", "pip"));
        assert.equal(
            await machine.read(pipConf),
            `[global]\n# keep\nextra-index-url = ${outputs.repository.indexUrl}\n`,
        );
        assertDone(await machine.configure("--undo"));
        assert.equal(await machine.read(pipConf), `[global]\n# keep\n${line}\n`);
    });

    it("removes a section that Python's configparser has rewritten, with its token", async () => {
        await using machine = await Machine.open(
            { ".pypirc": "[pypi]\nusername: me\n" },
            { GOOGLE_OAUTH_ACCESS_TOKEN: token.repeat(3) },
        );
        assertDone(await machine.with(withoutSecrets(outputs), "--tool", "twine", "--auth", "token"));
        const rewrite =
            "import configparser as c; p = c.RawConfigParser(); p.read('.pypirc'); p.add_section('other'); p.set('other', 'a', 'b'); p.write(open('.pypirc', 'w'))";
        assertDone(await machine.toolEnvironment.run("python3", "-c", rewrite));
        const undone = await machine.configure("--undo");
        assertDone(undone);
        const left = await machine.read(".pypirc");
        assert.ok(!left.includes(token) && !left.includes("[python]"), left);
        assert.ok(left.includes("[other]\na = b"), left);
    });

    it("names what --undo leaves pinned to the index that it removes", async () => {
        for (const [tool, file, text, pin, named] of [
            [
                "poetry",
                "pyproject.toml",
                '[tool.poetry]\nname = "x"\n',
                '\n[tool.poetry.dependencies]\nidna = [{ version = "*", source = "python" }]\n',
                /note: these settings still name python, .*: tool\.poetry\.dependencies\.idna\.0\.source\. Remove them$/m,
            ],
            [
                "pipenv",
                "Pipfile",
                '[[source]]\nname = "pypi"\nurl = "https://pypi.org/simple"\nverify_ssl = true\n',
                '\n[packages]\nidna = { version = "*", index = "python" }\nflask = { version = "*", index = "pypi" }\n',
                /note: these settings still name python, .*: packages\.idna\.index\. Remove them$/m,
            ],
        ] as const) {
            await using machine = await Machine.open({ [file]: text });
            assertDone(await machine.with(withoutSecrets(outputs), "--tool", tool, "--scope", "project"));
            await machine.put(file, (await machine.read(file)) + pin);
            const undone = await machine.configure("--undo");
            assertDone(undone);
            assert.match(undone.output, named);
            assert.equal(await machine.read(file), text + pin);
        }
    });

    describe("undo in a file that was replaced", () => {
        const pypirc =
            "[distutils]\nindex-servers =\n    python\n\n[python]\nrepository: https://other.example/\n";

        it("changes nothing in it, says so, and forgets it", async () => {
            await using machine = await Machine.open({}, { GOOGLE_OAUTH_ACCESS_TOKEN: token });
            for (const [tool, file, replaced] of [
                ["twine", ".pypirc", pypirc],
                ["twine", ".pypirc", ""],
                [
                    "poetry",
                    ".config/pypoetry/auth.toml",
                    '[http-basic.python]\nusername = "oauth2accesstoken"\npassword = "x"\n',
                ],
                [
                    "netrc",
                    ".netrc",
                    "machine europe-west1-python.pkg.dev login oauth2accesstoken password x\n",
                ],
            ] as const) {
                assertDone(await machine.with(withoutSecrets(outputs), "--tool", tool, "--auth", "token"));
                await machine.put(file, replaced);
                const undone = await machine.configure("--undo");
                assertDone(undone);
                assert.match(undone.output, new RegExp(`^unchanged .*${file.replaceAll(".", "\\.")}$`, "m"));
                assert.match(
                    undone.output,
                    new RegExp(
                        `no longer contains the entry that configure added for ${tool}. It was left alone$`,
                        "m",
                    ),
                );
                assert.equal(await machine.read(file), replaced);
                assert.match((await machine.configure("--undo")).output, /There is nothing to remove/);
            }
        });

        it("does not add the entry of a different tool to it", async () => {
            await using machine = await Machine.open();
            const uvToml = ".config/uv/uv.toml";
            assertDone(await machine.with(withoutSecrets(outputs), "--tool", "uv,hatch"));
            await machine.put(uvToml, 'keyring-provider = "subprocess"\n');
            assertDone(await machine.configure("--undo", "--tool", "uv"));
            assert.equal(await machine.read(uvToml), 'keyring-provider = "subprocess"\n');
        });

        it("leaves a project alone on a branch without the entry, and works on the one with it", async () => {
            const project = '[project]\nname = "app"\n';
            await using machine = await Machine.open({ "pyproject.toml": project });
            assertDone(await machine.with(withoutSecrets(outputs), "--tool", "uv", "--scope", "project"));
            const ours = await machine.read("pyproject.toml");
            for (const branch of [`${project}\n[tool.uv]\nkeyring-provider = "subprocess"\n`, undefined]) {
                if (branch === undefined) await rm(machine.path("pyproject.toml"));
                else await machine.put("pyproject.toml", branch);
                const undone = await machine.configure("--undo");
                assertDone(undone);
                assert.match(
                    undone.output,
                    /If the entry comes back, for example with a different git branch, run --undo again$/m,
                );
                if (branch !== undefined) assert.equal(await machine.read("pyproject.toml"), branch);
            }
            await machine.put("pyproject.toml", `${ours}\n[tool.mine]\na = 1\n`);
            assertDone(await machine.configure("--undo"));
            assert.equal(await machine.read("pyproject.toml"), `${project}\n[tool.mine]\na = 1\n`);
            assert.match((await machine.configure("--undo")).output, /There is nothing to remove/);
        });

        it("by a link: removes its entry from the target only if it is there", async () => {
            for (const moved of [true, false]) {
                await using machine = await Machine.open({ ".pypirc": "# mine\n" });
                assertDone(await machine.with(withoutSecrets(outputs), "--tool", "twine"));
                await machine.put("dotfiles/pypirc", moved ? await machine.read(".pypirc") : pypirc);
                await rm(machine.path(".pypirc"));
                await symlink("dotfiles/pypirc", machine.path(".pypirc"));
                const dry = await machine.configure("--undo", "--dry-run");
                assert.match(dry.output, moved ? /^-\[python\]$/m : /was left alone/);
                assertDone(await machine.configure("--undo"));
                assert.equal(await machine.read("dotfiles/pypirc"), moved ? "# mine\n" : pypirc);
                assert.match((await machine.configure("--undo")).output, /There is nothing to remove/);
            }
        });

        it("keeps a setting that the user added to an entry, when the tools use the keyring again", async () => {
            await using machine = await Machine.open({}, { GOOGLE_OAUTH_ACCESS_TOKEN: token });
            const uvToml = ".config/uv/uv.toml";
            assertDone(await machine.with(withoutSecrets(outputs), "--tool", "uv,twine", "--auth", "token"));
            await machine.put(uvToml, `${await machine.read(uvToml)}explicit = true\n`);
            await machine.put(".pypirc", `${await machine.read(".pypirc")}ca_cert = /x\n`);
            assertDone(await machine.with(withoutSecrets(outputs), "--tool", "uv,twine"));
            const [uv, twine] = [await machine.read(uvToml), await machine.read(".pypirc")];
            assert.equal(uv.match(/\[\[index\]\]/g)?.length, 1);
            assert.match(uv, /^explicit = true$/m);
            assert.match(twine, /^\[python\]\nrepository: .*\nca_cert = \/x$/m);
            assert.ok(!`${uv}${twine}`.includes("ya29"), uv);
        });
    });

    it("warns of a credential that it cannot remove", async () => {
        const long = token.repeat(3);
        await using machine = await Machine.open({}, { GOOGLE_OAUTH_ACCESS_TOKEN: long });
        assertDone(await machine.with(withoutSecrets(outputs), "--tool", "twine", "--auth", "token"));
        await machine.put(".pypirc", (await machine.read(".pypirc")).replace("password: ", "password: x"));
        const { output } = await machine.configure("--undo");
        assert.match(output, /warning: .*\.pypirc still contains a credential of an earlier run/);
        assert.ok(!output.includes(long));
    });

    it("removes only one scope", async () => {
        await using machine = await Machine.open({ "pyproject.toml": "[project]\n" });
        assertDone(await machine.with(withoutSecrets(outputs), "--tool", "uv"));
        assertDone(await machine.with(withoutSecrets(outputs), "--tool", "uv", "--scope", "project"));
        assertDone(await machine.configure("--undo", "--scope", "project"));
        assert.equal(await machine.read("pyproject.toml"), "[project]\n");
        assert.match(await machine.read(".config/uv/uv.toml"), /python-?.*/);
        assert.match(
            (await machine.configure("--undo", "--auth", "key")).output,
            /--undo does not use --auth/,
        );
    });

    it("does not edit a file that Python cannot read in this locale", async () => {
        const theirs = Buffer.from("# caf\u00e9\n[global]\ntimeout = 5\n", "latin1");
        for (const [environment, isEdited] of [
            [{}, false],
            [{ LANG: "C" }, false],
            [{ LC_ALL: "de_DE.ISO-8859-1" }, true],
        ] as const) {
            await using machine = await Machine.open({}, environment);
            await machine.put(pipConf, "");
            await writeFile(machine.path(pipConf), theirs);
            const run = await machine.with(withoutSecrets(outputs), "--tool", "pip");
            const after = await readFile(machine.path(pipConf));
            if (isEdited) {
                assertDone(run);
                assert.ok(after.subarray(0, theirs.length).equals(theirs));
            } else {
                assert.equal(run.exitCode, 1);
                assert.match(
                    run.output,
                    /pip\.conf:1: not encoded in UTF-8, as Python expects here\. Save the file as UTF-8/,
                );
                assert.ok(after.equals(theirs));
            }
        }
    });

    it("reads what PowerShell has saved", async () => {
        await using machine = await Machine.open();
        const utf16 = Buffer.from(`\ufeff${JSON.stringify(withoutSecrets(outputs))}`, "utf16le");
        await writeFile(machine.path("outputs.json"), utf16);
        assertDone(await machine.configure("--outputs", "outputs.json", "--tool", "pip"));
    });

    it("continues to its end if nobody reads its output", async () => {
        await using machine = await Machine.open();
        await machine.put("outputs.json", JSON.stringify(withoutSecrets(outputs)));
        await machine.shell('node "$configure" --outputs outputs.json --tool pip,twine | true');
        assert.equal(await machine.read(".pypirc"), outputs.pypirc);
    });

    it("reports what pip now ignores", async () => {
        const theirs = "[global]\nextra-index-url = https://mirror.example/simple/\n";
        await using machine = await Machine.open({ [pipConf]: theirs });
        await mkdir(machine.path("venv"));
        await machine.put("outputs.json", JSON.stringify(withoutSecrets(outputs)));
        const inside = await machine.shell(
            'VIRTUAL_ENV=$HOME/venv node "$configure" --outputs outputs.json --tool pip --scope venv',
        );
        assertDone(inside);
        assert.match(
            inside.output,
            /note: pip now ignores extra-index-url in .*\.config\/pip\/pip\.conf, because .*venv\/pip\.conf overrides it\. Copy the URLs you need to .*venv\/pip\.conf$/m,
        );
        const outside = await machine.shell(
            'PIP_EXTRA_INDEX_URL=https://x.example/ node "$configure" --outputs outputs.json --tool pip',
        );
        assert.match(
            outside.output,
            /note: pip ignores extra-index-url in .*pip\.conf, because PIP_EXTRA_INDEX_URL overrides it$/m,
        );
    });

    it("finds files in the directory in which npm was started", async () => {
        await using machine = await Machine.open({}, { npm_lifecycle_event: "configure" });
        await machine.put("below/outputs.json", JSON.stringify(withoutSecrets(outputs)));
        const done = await machine.shell(
            'INIT_CWD=$HOME/below node "$configure" --outputs outputs.json --tool pip',
        );
        assertDone(done);
        assert.equal(await machine.read(pipConf), outputs.pipConf);
    });

    it("sends no credential to an address that the outputs choose", async () => {
        const evil = JSON.parse(
            JSON.stringify(withoutSecrets(outputs)).replaceAll("europe-west1-python.pkg.dev", "evil.example"),
        ) as object;
        const { repository } = outputs;
        await using machine = await Machine.open({}, { GOOGLE_OAUTH_ACCESS_TOKEN: token });
        for (const hostile of [
            evil,
            { ...outputs, repository: { ...repository, id: "python\n[evil]" } },
            { ...outputs, repository: { ...repository, name: "\u001b[2J" } },
            { ...outputs, internalPackages: ['a"]\nx = ["'] },
            { ...outputs, serviceAccounts: { x: { email: "$(touch /tmp/x)@example.com" } } },
        ]) {
            const { exitCode, output } = await machine.with(hostile, "--tool", "pip,uv", "--auth", "token");
            assert.equal(exitCode, 1, output);
            assert.match(output, /does not contain the outputs of a python-registry stack/);
            assert.ok(!output.includes("\u001b[2J"));
            await assert.rejects(machine.read(pipConf), { code: "ENOENT" });
        }
    });

    describe("with invalid arguments", () => {
        for (const [args, expected] of [
            [[], /No registry given\. Use --stack NAME or --outputs FILE/],
            [["--outputs", "outputs.json", "--tool", "pip,conda"], /conda is not one of pip, uv, twine/],
            [["--outputs", "outputs.json", "--stack", "x"], /cannot be used with/],
            [["--outputs", "outputs.json", "--auth", "password"], /Allowed choices are keyring, token, key/],
            [["--outputs", "none.json"], /none\.json cannot be read: ENOENT/],
            [["--outputs", "broken.json", "--tool", "pip"], /broken\.json is not JSON/],
            [
                ["--outputs", "other.json", "--tool", "pip"],
                /does not contain the outputs of a python-registry stack .*repository/,
            ],
            [
                ["--outputs", "outputs.json", "--tool", "pip", "--scope", "venv"],
                /pip: no virtual environment is active/,
            ],
            [
                ["--outputs", "outputs.json", "--tool", "twine", "--scope", "global"],
                /twine has no files for --scope global\. Use --scope user/,
            ],
            [
                ["--outputs", "outputs.json", "--auth", "token", "--account", "constructor"],
                /This registry has no account constructor/,
            ],
            [
                ["--outputs", "-", "--auth", "key", "--credential-file", "-"],
                /cannot both be read from standard input/,
            ],
        ] as const) {
            it(args.join(" ") || "no arguments", async () => {
                await using machine = await Machine.open({
                    "outputs.json": JSON.stringify(withoutSecrets(outputs)),
                    "broken.json": "{s3cret",
                    "other.json": '{"bucket": "s3cret"}',
                });
                const before = await machine.everything();
                const { exitCode, output } = await machine.configure(...args);
                assert.equal(exitCode, 1);
                assert.match(output, expected);
                assert.ok(!output.includes("s3cret") && !output.includes("    at "), output);
                const after = Object.entries(await machine.everything()).filter(
                    ([file]) => !file.startsWith(".local/"),
                );
                assert.deepEqual(Object.fromEntries(after), before);
            });
        }

        it("has --help, with examples", async () => {
            await using machine = await Machine.open();
            const { exitCode, output } = await machine.configure("--help");
            assert.equal(exitCode, 0);
            assert.match(output, /--dry-run[\s\S]*Examples:/);
            assert.ok(isAbsolute(machine.path("x")));
        });
    });
});
