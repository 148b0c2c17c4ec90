import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFile, mkdir, readdir } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { build } from "../../packages/configure/build.cjs";
import { itInRelease } from "../release";
import { assertDone, getOutputs, Machine, type StackOutputs, withoutSecrets } from "./machine";

// The file of the command alone: copied to an empty folder, in an empty home, with the Node.js of this test and an older one.

const file = "python-registry-configure.cjs";

/** A Node.js 20 of the system that the package accepts; undefined if there is none. */
function findNode20(): string | undefined {
    for (const directory of (process.env["PATH"] ?? "").split(delimiter)) {
        if (directory.includes("node_modules")) continue;
        const node = join(directory, "node");
        const { error, stdout } = spawnSync(node, ["--version"], { encoding: "utf8" });
        if (error !== undefined) continue;
        const [, major, minor] = /^v(\d+)\.(\d+)/.exec(stdout) ?? [];
        if (major === "20" && Number(minor) >= 19) return node;
    }
    return undefined;
}

describe("the file of configure, with nothing beside it,", () => {
    let outputs: StackOutputs;
    before(async () => {
        outputs = await getOutputs();
    });

    for (const [name, findNode, test] of [
        ["the tested Node.js", () => process.execPath, it],
        ["Node.js 20", findNode20, itInRelease],
    ] as const) {
        test(`configures, checks, prints and undoes with ${name}`, async function () {
            const node = findNode();
            if (node === undefined) {
                console.log("    skipped: there is no Node.js 20.19 or newer of version 20 on PATH");
                return this.skip();
            }
            await using machine = await Machine.open();
            await mkdir(machine.path("alone"));
            await copyFile(build(), machine.path(join("alone", file)));
            await machine.put("outputs.json", JSON.stringify(withoutSecrets(outputs)));
            const clean = await machine.everything();
            const run = (...args: string[]) =>
                machine.toolEnvironment.run(node, machine.path(join("alone", file)), ...args);
            const outputsFile = ["--outputs", "outputs.json"];

            const help = await run("--help");
            assertDone(help);
            assert.match(help.output, /^Usage: python-registry-configure /);
            const printed = await run(...outputsFile, "--tool", "uv", "--print");
            assertDone(printed);
            assert.match(printed.output, /^keyring-provider = "subprocess"$/m);
            assert.deepEqual(await machine.everything(), clean);

            const missing = await run("check", ...outputsFile, "--tool", "uv", "--offline");
            assert.equal(missing.exitCode, 1);
            assert.match(missing.output, /Run python-registry-configure --tool uv/);
            assertDone(await run(...outputsFile, "--tool", "pip,twine,uv,pdm,hatch"));
            assert.equal(await machine.read(".config/pip/pip.conf"), outputs.pipConf);
            assert.equal(await machine.read(".config/uv/uv.toml"), `${printed.output}\n`);
            const check = await run("check", ...outputsFile, "--tool", "uv,pdm", "--offline", "--json");
            assert.doesNotMatch(check.output, /Run python-registry-configure/);
            assert.ok(Array.isArray(JSON.parse(check.output)));

            assertDone(await run("--undo"));
            assert.deepEqual(await machine.everything(), clean);
            assert.deepEqual(await readdir(dirname(machine.path(join("alone", file)))), [file]);
        });
    }
});
