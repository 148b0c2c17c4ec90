import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { asTable, readToml, type Toml } from "../../packages/configure/src/formats/toml";
import type { ToolEnvironment } from "../../packages/sandbox/src/python/tool-environment";
import { itInReleaseUnless } from "../release";
import { needTools } from "./registry";
import { PinnedTool, ToolFixture } from "./tools/tool";
import { hatchProjects } from "./projects/hatch";
import { pdmProjects } from "./projects/pdm";
import { pipenvProjects } from "./projects/pipenv";
import { poetryProjects } from "./projects/poetry";
import type { ProjectCase } from "./projects/project-case";
import { uvProjects } from "./projects/uv";
import { build } from "../../packages/configure/build.cjs";

// `configure --scope project` in projects of many shapes, and then the real tool. The registry has every internal package as
// 1.0.0, and an attacker has it as 99.0.0 on every other index.

const configure = build();
/** Internal packages that both the registry and the attacker have. The registry does not have acme-new. */
const names = ["acme-a", "acme-b", "acme-c", "acme-d", "acme-e", "acme-f"];

describe("configure in a project", () => {
    let fixture: ToolFixture;
    before(async function () {
        fixture = await ToolFixture.open(await needTools(this));
        for (const name of names) {
            await fixture.registry.putOnIndex({ name, version: "1.0.0" });
            await fixture.publishPublic(name, "99.0.0");
        }
        await fixture.publishPublic("acme-new", "99.0.0");
    });
    after(() => fixture[Symbol.asyncDispose]());

    for (const [name, cases] of Object.entries({
        uv: uvProjects,
        poetry: poetryProjects,
        pdm: pdmProjects,
        pipenv: pipenvProjects,
        hatch: hatchProjects,
    })) {
        describe(name, () => {
            for (const each of cases) {
                // npm test proves the other tools in tools.test.ts only: their environments take the longest.
                const isProof = each.first === true && ["uv", "poetry"].includes(name);
                itInReleaseUnless(isProof, each.title, () => runCase(name, each));
            }
        });
    }

    async function runCase(name: string, given: ProjectCase): Promise<void> {
        const tool = await PinnedTool.install(name);
        const { sandbox, outputs } = fixture.registry;
        const internalPackages = given.internalPackages ?? [
            ...names,
            "acme-core",
            "acme-app",
            "acme-new",
            "acme-lib",
        ];
        await using machine = await fixture.registry.at({
            path: [tool.bin, join(process.execPath, "..")],
            environment: {
                ...sandbox.clientEnvironment,
                GOOGLE_OAUTH_ACCESS_TOKEN: sandbox.issueToken("user:dev@example.com"),
                ...(name === "pipenv" && pipenvSettings(tool)),
                ...given.environment,
            },
            files: {
                "outputs.json": JSON.stringify({ ...outputs, credentials: "[secret]", internalPackages }),
                ...Object.fromEntries(
                    Object.entries(given.files).map(([file, text]) => [join("project", file), text]),
                ),
            },
        });
        const directory = join("project", given.directory ?? ".");
        const before = await contents(machine);
        const arguments_ = [
            "--outputs",
            join(machine.home, "outputs.json"),
            "--scope",
            "project",
            "--auth",
            "token",
        ];
        const done = await machine.runIn(directory, "node", configure, ...arguments_, "--tool", name);
        for (const expected of given.says ?? []) assert.match(done.output, expected);
        for (const unexpected of given.doesNotSay ?? [/^warning:/m])
            assert.doesNotMatch(done.output, unexpected);
        if (given.refused === true) {
            assert.equal(done.exitCode, 1, done.output);
            assert.deepEqual(await contents(machine), before);
            return;
        }
        assert.equal(done.exitCode, 0, done.output);
        const after = await contents(machine);
        const edited = Object.keys(after).filter((file) => after[file] !== before[file]);
        assert.deepEqual(edited, [given.edits ?? (name === "pipenv" ? "Pipfile" : "pyproject.toml")]);

        if (given.first === true) {
            const again = await machine.runIn(directory, "node", configure, ...arguments_, "--tool", name);
            assert.deepEqual([again.exitCode, await contents(machine)], [0, after], again.output);
            const undone = await machine.runIn(directory, "node", configure, "--undo", "--scope", "project");
            assert.deepEqual([undone.exitCode, await contents(machine)], [0, before], undone.output);
            const redone = await machine.runIn(directory, "node", configure, ...arguments_, "--tool", name);
            assert.deepEqual([redone.exitCode, await contents(machine)], [0, after], redone.output);
        }

        assert.deepEqual(await locked(machine, directory, given), given.locked);
        if (given.cure !== undefined) {
            const { file, from, to, locked: wanted, ...changed } = given.cure;
            const path = join(machine.home, "project", file);
            const text = await readFile(path, "utf8");
            assert.ok(text.includes(from), text);
            await writeFile(path, text.replace(from, to));
            assert.deepEqual(await locked(machine, directory, { ...given, ...changed }), wanted);
        }
    }

    /** Runs the tool, and returns the versions of the internal packages that it chose; what it says if it fails. */
    async function locked(
        machine: ToolEnvironment,
        directory: string,
        { run }: Pick<ProjectCase, "run">,
    ): Promise<Record<string, string> | "fails"> {
        const clean = "find . -name '*.lock' -delete";
        const result = await fixture.registry.run(machine, "sh", "-ec", `cd ${directory}\n${clean}\n${run}`);
        if (result.exitCode !== 0) return "fails";
        const printed = /^acme-core==(\S+)$/m.exec(result.output)?.[1];
        if (printed !== undefined) return { "acme-core": printed };
        const files = await readdir(join(machine.home, "project"), { recursive: true });
        const lock = files.find(
            (file) => /(^|\/)(\w+\.lock|Pipfile\.lock)$/.test(file) && !file.includes(".venv"),
        );
        assert.ok(lock !== undefined, result.output);
        const text = await readFile(join(machine.home, "project", lock), "utf8");
        const packages = lock.endsWith("Pipfile.lock") ? pipfilePackages(text) : tomlPackages(text);
        return Object.fromEntries(packages.filter(([each]) => each.startsWith("acme-")).sort());
    }

    /** The project's files, without those that tools make. */
    async function contents({ home }: ToolEnvironment): Promise<Record<string, string>> {
        const project = join(home, "project");
        const entries = await readdir(project, { recursive: true, withFileTypes: true });
        const files = entries
            .filter((entry) => entry.isFile())
            .map((entry) => join(entry.parentPath, entry.name));
        return Object.fromEntries(
            await Promise.all(
                files.map(async (file) => [file.slice(project.length + 1), await readFile(file, "utf8")]),
            ),
        ) as Record<string, string>;
    }
});

function tomlPackages(text: string): [string, string][] {
    return (readToml(text)["package"] as readonly Toml[]).map((each) => {
        const { name, version } = asTable(each) ?? {};
        return [name as string, version as string];
    });
}

function pipfilePackages(text: string): [string, string][] {
    const { _meta, ...categories } = JSON.parse(text) as Record<string, Record<string, { version: string }>>;
    return Object.values(categories).flatMap((packages) =>
        Object.entries(packages).map(([name, { version }]): [string, string] => [
            name,
            version.replace("==", ""),
        ]),
    );
}

function pipenvSettings({ bin }: PinnedTool): Record<string, string> {
    return {
        PIPENV_VENV_IN_PROJECT: "1",
        PIPENV_NOSPIN: "1",
        VIRTUALENV_NO_PERIODIC_UPDATE: "1",
        VIRTUALENV_OVERRIDE_APP_DATA: join(bin, "..", "virtualenv"),
        VIRTUALENV_SYMLINK_APP_DATA: "1",
    };
}
