import assert from "node:assert/strict";
import { execa } from "execa";
import { readFileSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import semver from "semver";
import { environmentWith } from "../../packages/sandbox/src/python/python-tools";
import type { KeyringProvider } from "../../packages/registry/src/clients/client";
import { pipConfWithKeyring } from "../../packages/registry/src/clients/pip";
import { itInRelease } from "../release";
import { answers, reader, useRegistry } from "./registry";

// Tools that install in environments of their own, with pip.conf and uv.toml in the user's account and the keyring on PATH: what
// docs/consuming.md says to add for each.

interface Case {
    /** As in the table of the page. */
    readonly name: string;
    /** Of the tool. */
    readonly requirements: string;
    readonly command: string;
    readonly files: Readonly<Record<string, string>>;
    /** What has to be added, as a replacement of the files; undefined if nothing has. */
    readonly added?: Readonly<Record<string, string>>;
    /** Whether it needs the keyring provider `subprocess` in pip.conf. */
    readonly needsSubprocess?: boolean;
    /** Whether it installs with the pip that Python itself brings. */
    readonly usesPipOfPython?: boolean;
}

const useIt = "python -c 'import ready_made'";
const tox = (passEnv: string) =>
    `[tox]\nno_package = true\n[testenv]\n${passEnv}deps = ready-made\ncommands = ${useIt}\n`;
const passEnv = "pass_env = GOOGLE_*, CLOUDSDK_*\n";
const backend =
    '[build-system]\nrequires = ["flit_core", "ready-made"]\nbuild-backend = "flit_core.buildapi"\n';
const sources = {
    "pyproject.toml": `${backend}[project]\nname = "demo"\nversion = "1.0"\ndescription = ""\n`,
    "demo.py": "",
};

const cases: readonly Case[] = [
    {
        name: "tox",
        requirements: "tox==4.67.15\n",
        command: "tox",
        files: { "tox.ini": tox("") },
        added: { "tox.ini": tox(passEnv) },
    },
    {
        name: "tox-uv",
        requirements: "tox==4.67.15\ntox-uv==1.37.1\n",
        command: "tox",
        files: { "tox.ini": tox("") },
        added: { "tox.ini": tox(passEnv) },
    },
    {
        name: "nox",
        requirements: "nox==2026.10.20\n",
        command: "nox",
        files: {
            "noxfile.py":
                'import nox\n@nox.session\ndef tests(session):\n    session.install("ready-made")\n    session.run("python", "-c", "import ready_made")\n',
        },
    },
    {
        name: "pre-commit",
        requirements: "pre-commit==4.7.0\n",
        command: "git init --quiet . && git add . && pre-commit run --all-files",
        files: {
            ".pre-commit-config.yaml":
                "repos:\n- repo: local\n  hooks:\n  - id: demo\n    name: demo\n    language: python\n" +
                `    entry: ${useIt}\n    pass_filenames: false\n    always_run: true\n    additional_dependencies: [ready-made]\n`,
        },
    },
    {
        name: "build",
        requirements: "build==1.6.1\n",
        command: "python -m build --wheel",
        files: sources,
        needsSubprocess: true,
        usesPipOfPython: true,
    },
    { name: "pip install .", requirements: "pip==26.3\n", command: "pip wheel --no-deps .", files: sources },
    {
        name: "pipx",
        requirements: "pipx==1.18.4\n",
        // After the installation, it fails: the package has no command.
        command: "pipx install --include-deps ready-made 2>&1 | grep 'No apps associated'",
        files: {},
    },
    {
        name: "hatch test",
        requirements: "hatch==1.18.2\nuv==0.13.9\n",
        command: "hatch test",
        files: {
            "pyproject.toml":
                '[project]\nname = "demo"\nversion = "1.0"\n[tool.hatch.envs.hatch-test]\nskip-install = true\n' +
                `dependencies = ["ready-made"]\n[tool.hatch.envs.hatch-test.scripts]\nrun = "${useIt.replaceAll('"', "'")}"\n`,
        },
    },
];

/** The rows of the table: the tool, and whether a test runs it. */
const page = readFileSync(join(__dirname, "..", "..", "docs", "consuming.md"), "utf8");
const rows = [...page.matchAll(/^\| ([^|]+?) +\|.*\| (yes|no)[^|]*\|$/gm)].map(([, name, run]) => [
    name,
    run,
]);

describe("tools with environments of their own", () => {
    it("are those that the page says were run", () => {
        assert.deepEqual(
            rows.filter(([, run]) => run === "yes").map(([name]) => name),
            cases.map(({ name }) => name),
        );
    });

    const registry = useRegistry();
    let directory: string | undefined;
    before(async () => {
        // What these tools install from PyPI beside the packages.
        directory = await mkdtemp(join(tmpdir(), "python-registry-wheels-"));
        const pip = join(registry().tools.bin, "pip");
        const wanted = ["flit_core==4.2.0", "setuptools==84.2.1", "pip==26.3"];
        await execa(pip, ["download", "--quiet", "--no-deps", "--dest", directory, ...wanted]);
        for (const file of await readdir(directory)) {
            await registry().publishPublic(/^[^-]+/.exec(file)?.[0] ?? "", join(directory, file));
        }
    });
    after(async () => {
        if (directory !== undefined) await rm(directory, { recursive: true });
    });

    async function run(
        { requirements, command }: Case,
        project: Case["files"],
        keyring: KeyringProvider = "auto",
        keyPlace: "variable" | "home" = "variable",
    ) {
        const bin = await environmentWith(requirements);
        const { keyFile = "" } = registry().files("keyring", reader);
        const { repository, clients } = registry().outputs;
        await using machine = await registry().at({
            path: ["keyring", bin],
            // As pipx puts it on PATH. Some of the tools bring a keyring without the Google backend.
            executables: {
                "keyring/keyring": `#!/bin/sh\nexec '${registry().tools.bin}/keyring' "$@"\n`,
            },
            ...(keyPlace === "variable" && { keyFile }),
            pipConf: pipConfWithKeyring({ indexUrl: repository.indexUrl, keyring, publicPackages: "pypi" }),
            files: {
                // Where `gcloud auth application-default login` leaves a login.
                ...(keyPlace === "home" && {
                    ".config/gcloud/application_default_credentials.json": keyFile,
                }),
                ".config/uv/uv.toml": clients["uv"]?.["uv.toml"] ?? "",
                "project/.keep": "",
                ...Object.fromEntries(
                    Object.entries(project).map(([file, text]) => [`project/${file}`, text]),
                ),
            },
            environment: {
                ...registry().sandbox.clientEnvironment,
                NO_GCE_CHECK: "true",
                HATCH_ENV_TYPE_VIRTUAL_UV_PATH: join(bin, "uv"),
            },
        });
        return await registry().run(machine, "sh", "-c", `cd project; ${command}`);
    }

    for (const each of cases) {
        const { name, files, added, needsSubprocess, usesPipOfPython } = each;
        const needsMore = added !== undefined || needsSubprocess === true;
        itInRelease(
            `${name}: installs${needsMore ? " with what the page says to add, and not without it" : ""}`,
            async function () {
                if (usesPipOfPython === true) {
                    const { stdout: pip } = await execa("python3", [
                        "-c",
                        "import ensurepip; print(ensurepip.version())",
                    ]);
                    if (semver.lt(semver.coerce(pip) ?? "0.0.0", "23.1.0")) {
                        console.log(
                            `    skipped: this machine's Python brings pip ${pip}, which has no keyring provider`,
                        );
                        this.skip();
                    }
                }
                if (needsMore) {
                    const refused = await run(each, files);
                    assert.notEqual(refused.exitCode, 0, refused.output);
                    assert.ok(!answers(refused).some((answer) => answer.startsWith("GET 200")));
                }
                const result = await run(each, added ?? files, needsSubprocess ? "subprocess" : "auto");
                assert.equal(result.exitCode, 0, result.output);
                assert.ok(answers(result).includes(`GET 200 ${reader}`), answers(result).join("\n"));
            },
        );
    }

    itInRelease("tox and tox-uv: install with a login of gcloud, with nothing added", async () => {
        for (const each of cases.filter(({ name }) => name.startsWith("tox"))) {
            const result = await run(each, each.files, "auto", "home");
            assert.equal(result.exitCode, 0, result.output);
            assert.ok(answers(result).includes(`GET 200 ${reader}`), answers(result).join("\n"));
        }
    });

    itInRelease("pip in a new environment cannot import a keyring", async () => {
        for (const each of cases.filter(({ name }) => ["tox", "nox", "pre-commit"].includes(name))) {
            const result = await run(each, each.added ?? each.files, "import");
            assert.notEqual(result.exitCode, 0, result.output);
            assert.deepEqual([...new Set(answers(result))], ["GET 401 nobody"]);
        }
    });
});
