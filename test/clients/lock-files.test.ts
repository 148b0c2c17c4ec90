import assert from "node:assert/strict";
import { itInRelease } from "../release";
import { dirname, join } from "node:path";
import { writeFile, readFile } from "node:fs/promises";
import { normalizedName } from "../../packages/registry/src/names/package-names";
import type { ToolEnvironment } from "../../packages/sandbox/src/python/tool-environment";
import { reader, type TestRegistry, useRegistry } from "./registry";
import { PinnedTool } from "./tools/tool";
import { build } from "../../packages/configure/build.cjs";

// What `configure` says about lock files, with the real tools: each lock file was made while an attacker's package was the only
// one with an internal name.

const bin = build();

interface Case {
    readonly tool: string;
    /** The project file and its text, with a requirement of public-only in place of VERSIONS. */
    readonly project: readonly [file: string, text: string];
    readonly lock: string;
    /** Locks, and keeps the versions. */
    readonly lockCommand: string;
    /** The same where there is no lock file, if that is different. */
    readonly firstLock?: string;
    /** Fails if the lock file is stale; undefined if the tool does not look at it. */
    readonly check?: string;
    /** What `configure` says to run, up to a comma. */
    readonly says: string;
    /** What it says if no package changes its index; undefined for a tool that keeps using the lock file. */
    readonly saysOtherwise?: string;
    /** What it says after `--undo`. */
    readonly saysAfterUndo?: string;
    readonly environment?: Readonly<Record<string, string>>;
}

const requirements = 'dependencies = ["public-only VERSIONS", "public-app"]';
const standard = `[project]\nname = "demo"\nversion = "1.0.0"\nrequires-python = ">=3.10"\n${requirements}\n`;

const cases: readonly Case[] = [
    {
        tool: "poetry",
        project: ["pyproject.toml", standard],
        lock: "poetry.lock",
        lockCommand: "poetry lock",
        check: "poetry check --lock",
        says: "poetry update --lock acme-core",
        saysOtherwise: "poetry lock (Poetry 1: poetry lock --no-update)",
        saysAfterUndo: "poetry update --lock acme-core",
    },
    {
        tool: "uv",
        project: ["pyproject.toml", standard],
        lock: "uv.lock",
        lockCommand: "uv lock",
        check: "uv lock --check",
        says: "uv lock --upgrade-package acme-core",
        saysAfterUndo: "uv lock --upgrade-package acme-core",
    },
    {
        tool: "pdm",
        project: ["pyproject.toml", standard],
        lock: "pdm.lock",
        lockCommand: "pdm lock --update-reuse",
        check: "pdm lock --check",
        says: "pdm update --no-sync --update-reuse acme-core",
        saysOtherwise: "pdm lock --update-reuse",
        saysAfterUndo: "pdm lock --update-reuse",
    },
    {
        tool: "pipenv",
        project: [
            "Pipfile",
            '[[source]]\nurl = "https://pypi.org/simple"\nverify_ssl = true\nname = "pypi"\n\n' +
                '[packages]\npublic-only = "VERSIONS"\npublic-app = "*"\n',
        ],
        lock: "Pipfile.lock",
        lockCommand: "pipenv upgrade --lock-only",
        firstLock: "pipenv lock",
        check: "pipenv verify",
        says: "pipenv install --index python acme-core",
        saysOtherwise:
            "pipenv upgrade --lock-only (before pipenv 2026: pipenv lock, which also takes newer versions)",
        // pipenv itself has written the index to the Pipfile.
        saysAfterUndo:
            "pipenv lock. First remove the index from acme-core in the Pipfile: without that source, pipenv takes these names from a different one",
        environment: {
            PIPENV_VENV_IN_PROJECT: "1",
            PIPENV_NOSPIN: "1",
            PIPENV_KEYRING_PROVIDER: "subprocess",
            VIRTUALENV_NO_PERIODIC_UPDATE: "1",
        },
    },
    {
        tool: "hatch",
        project: [
            "pyproject.toml",
            `${standard}\n[tool.hatch.envs.default]\nskip-install = true\ninstaller = "uv"\nlocked = true\n${requirements}\n`,
        ],
        lock: "pylock.toml",
        lockCommand: "hatch env lock",
        says: "hatch env lock --upgrade-package acme-core",
    },
];

describe("lock files beside a project file that configure changes", () => {
    const registry = useRegistry({ internalPackages: ["acme-core"] });
    before(async () => {
        await registry().putOnIndex({ name: "acme-core", version: "1.0.0" });
        for (const sample of [
            { name: "acme-core", version: "99.0.0" },
            { name: "public-only", version: "1.0.0" },
            { name: "public-only", version: "2.0.0" },
            { name: "public-app", version: "1.0.0", dependencies: ["acme-core"] },
        ]) {
            for (const file of await registry().build(sample)) {
                await registry().publishPublic(sample.name, file);
            }
        }
    });

    for (const each of cases) {
        const { tool, lock, check, says, saysOtherwise, saysAfterUndo } = each;

        itInRelease(
            `${tool}: the command locks internal packages from the registry, and keeps the other versions`,
            async () => {
                await using project = await Project.locked(each, registry());
                const would = command(
                    await project.configure("--dry-run"),
                    `${lock} would still pin acme-core`,
                );
                const found = command(await project.configure(), `${lock} still pins acme-core`);
                assert.equal(found, would);
                assert.equal(found.split(",")[0], says);
                // The second run changes nothing.
                assert.doesNotMatch(await project.configure(), /still pins/);
                if (check !== undefined) assert.notEqual((await project.sh(check)).exitCode, 0);

                await project.succeed(says);
                assert.deepEqual(await project.versions(), { ...attacked, "acme-core": "1.0.0" });
                if (check !== undefined) await project.succeed(check);
                assert.doesNotMatch(await project.configure(), / lock/);

                if (saysAfterUndo === undefined) return;
                const wouldUndo = command(await project.configure("--undo --dry-run"), lock);
                const undone = command(await project.configure("--undo"), lock);
                assert.deepEqual([wouldUndo, undone], [saysAfterUndo, saysAfterUndo]);
                if (undone.includes(". ")) return;
                await project.succeed(undone);
                if (check !== undefined) await project.succeed(check);
                assert.equal((await project.versions())["public-only"], "1.0.0");
            },
        );

        itInRelease(`${tool}: the command locks again if no package is internal`, async () => {
            await using project = await Project.locked(each, registry(), []);
            const output = await project.configure();
            if (saysOtherwise === undefined) {
                assert.doesNotMatch(output, /out of date|still pins/);
                if (check !== undefined) await project.succeed(check);
                return;
            }
            if (check !== undefined) assert.notEqual((await project.sh(check)).exitCode, 0);
            const found = command(output, `${lock} is out of date`);
            assert.equal(found, saysOtherwise);
            await project.succeed(found.replace(/ \(.*/, ""));
            if (check !== undefined) await project.succeed(check);
            assert.deepEqual(await project.versions(), attacked);
        });
    }

    itInRelease("uv: the command locks again if a package of the registry gets a pin", async () => {
        const uv = cases.find(({ tool }) => tool === "uv");
        assert.ok(uv !== undefined);
        await using project = await Project.locked(uv, registry(), ["acme-*"]);
        await project.configure();
        await project.succeed(uv.says);
        await project.setInternalPackages(["acme-core"]);
        assert.equal(command(await project.configure(), "uv.lock is out of date"), uv.lockCommand);
        assert.notEqual((await project.sh("uv lock --check")).exitCode, 0);
        await project.succeed(uv.lockCommand);
        await project.succeed("uv lock --check");
    });

    it("says nothing about a lock file without one of its packages, or of a different tool", async () => {
        const [poetry] = cases;
        assert.ok(poetry !== undefined);
        await using machine = await registry().at({
            path: [dirname(process.execPath)],
            files: {
                "outputs.json": JSON.stringify(registry().outputs),
                "project/pyproject.toml": standard.replace("VERSIONS", ""),
                "project/poetry.lock": "",
                // The project itself is no package from an index.
                "project/uv.lock":
                    '[[package]]\nname = "acme-core"\nversion = "1"\nsource = { editable = "." }\n',
                "project/pylock.toml": 'created-by = "uv"\n\n[[packages]]\nname = "acme-core"\n',
            },
        });
        const line = `node "$0" --outputs ../outputs.json --scope project --tool uv,pdm,hatch`;
        const { exitCode, output } = await machine.runIn("project", "sh", "-c", line, bin);
        assert.equal(exitCode, 0, output);
        assert.doesNotMatch(output, /\.lock|pylock/);
    });
});

/** The versions that the tools lock without the registry. */
const attacked = { "acme-core": "99.0.0", "public-app": "1.0.0", "public-only": "1.0.0" };

/** A project of one tool, with a lock file from before the registry. */
class Project implements AsyncDisposable {
    private constructor(
        private readonly machine: ToolEnvironment,
        private readonly of: Case,
        private readonly outputs: object,
    ) {}

    static async locked(of: Case, registry: TestRegistry, internal = ["acme-core"]): Promise<Project> {
        const tool = await PinnedTool.install(of.tool);
        const [projectFile, text] = of.project;
        const machine = await registry.at({
            path: [tool.bin, dirname(process.execPath)],
            files: {
                // Version 1 is locked while 2 is not allowed.
                [`project/${projectFile}`]: text.replaceAll("VERSIONS", "<2"),
            },
            keyFile: registry.files("keyring", reader).keyFile ?? "",
            environment: {
                ...registry.sandbox.clientEnvironment,
                HATCH_ENV_TYPE_VIRTUAL_UV_PATH: join(tool.bin, "uv"),
                ...of.environment,
            },
        });
        const project = new Project(machine, of, registry.outputs);
        await project.setInternalPackages(internal);
        await project.succeed(of.firstLock ?? of.lockCommand);
        const file = join(machine.home, "project", projectFile);
        await writeFile(file, (await readFile(file, "utf8")).replaceAll("<2", ">0"));
        await project.succeed(of.lockCommand);
        assert.deepEqual(await project.versions(), attacked);
        return project;
    }

    /** Writes the outputs of the registry with these names. */
    async setInternalPackages(internalPackages: readonly string[]): Promise<void> {
        const outputs = JSON.stringify({ ...this.outputs, internalPackages });
        await writeFile(join(this.machine.home, "outputs.json"), outputs);
    }

    sh(command: string) {
        return this.machine.runIn("project", "sh", "-c", command);
    }

    async succeed(command: string): Promise<string> {
        const { exitCode, output } = await this.sh(command);
        assert.equal(exitCode, 0, `${command}\n${output}`);
        return output;
    }

    /** Runs configure, with the outputs except for `--undo`. */
    configure(option = ""): Promise<string> {
        const outputs = option.startsWith("--undo") ? "" : "--outputs ../outputs.json";
        return this.succeed(`node ${bin} ${outputs} ${option} --tool ${this.of.tool} --scope project`);
    }

    /** The packages in the lock file, without the project itself. */
    async versions(): Promise<Record<string, string>> {
        const text = await readFile(join(this.machine.home, "project", this.of.lock), "utf8");
        const found =
            this.of.lock === "Pipfile.lock"
                ? Object.entries(
                      (JSON.parse(text) as { default: Record<string, { version: string }> }).default,
                  )
                : [...text.matchAll(/^name = "(.*)"\nversion = "(.*)"$/gm)].map(
                      ([, name = "", version = ""]) => [name, { version }] as const,
                  );
        return Object.fromEntries(
            found
                .map(([name, { version }]) => [normalizedName(name), version.replace("==", "")] as const)
                .filter(([name]) => name !== "demo")
                .sort(),
        );
    }

    async [Symbol.asyncDispose](): Promise<void> {
        await this.machine[Symbol.asyncDispose]();
    }
}

/** The command in the note about a lock file. */
function command(output: string, note: string): string {
    const line = output.split("\n").find((each) => each.includes(note));
    const [, found] = /(?:Run|Then run): (.*)$/.exec(line ?? "") ?? [];
    assert.ok(found !== undefined, output);
    return found;
}
