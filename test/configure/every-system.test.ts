import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { build } from "../../packages/configure/build.cjs";

// The command on the system of this test: the workflow runs this file on Windows and macOS too. It starts nothing but Node.js.

const urls = "https://europe-west1-python.pkg.dev/acme-tools/python/";
const outputs = {
    repository: {
        id: "python",
        name: "projects/acme-tools/locations/europe-west1/repositories/python",
        project: "acme-tools",
        location: "europe-west1",
        indexUrl: `${urls}simple/`,
        uploadUrl: urls,
    },
    keyring: "auto",
};

/** Where each tool looks for its file, in the home directory. */
const files = {
    win32: {
        pip: "AppData/Roaming/pip/pip.ini",
        twine: ".pypirc",
        uv: "AppData/Roaming/uv/uv.toml",
        pdm: "AppData/Local/pdm/pdm/config.toml",
    },
    darwin: {
        pip: ".config/pip/pip.conf",
        twine: ".pypirc",
        uv: ".config/uv/uv.toml",
        pdm: "Library/Application Support/pdm/config.toml",
    },
    linux: {
        pip: ".config/pip/pip.conf",
        twine: ".pypirc",
        uv: ".config/uv/uv.toml",
        pdm: ".config/pdm/config.toml",
    },
}[process.platform as "win32" | "darwin" | "linux"];

describe("configure on this system", () => {
    let home: string;
    beforeEach(async () => {
        home = await mkdtemp(join(tmpdir(), "python-registry-home-"));
        await writeFile(join(home, "outputs.json"), JSON.stringify(outputs));
    });
    afterEach(() => rm(home, { recursive: true }));

    /** Runs the command with a home directory of its own. */
    async function run(...args: string[]): Promise<void> {
        const env = { HOME: home, USERPROFILE: home, SystemRoot: process.env["SystemRoot"] ?? "" };
        const command = [build(), ...args];
        const { exitCode, all } = await execa(process.execPath, command, {
            ...{ cwd: home, env, extendEnv: false, reject: false, all: true },
        });
        assert.equal(exitCode, 0, all);
    }
    const configure = () => run("--outputs", "outputs.json", "--tool", Object.keys(files).join(","));
    const read = (file: string) => readFile(join(home, file), "utf8");

    it("writes the files where the tools look for them, and --undo leaves nothing", async () => {
        await configure();
        for (const file of Object.values(files)) assert.ok((await read(file)).includes(urls), file);
        await configure();
        await run("--undo");
        const left = await readdir(home, { recursive: true, withFileTypes: true });
        assert.deepEqual(
            left.filter((entry) => entry.isFile()).map(({ name }) => name),
            ["outputs.json"],
        );
    });

    it("replaces files that exist, and keeps their line ends", async () => {
        const before: Record<string, string> = {
            [files.pip]: "; mine\r\n[global]\r\ntimeout = 9\r\n",
            [files.twine]:
                "[distutils]\r\nindex-servers =\r\n    other\r\n\r\n[other]\r\nrepository: https://example.com/\r\n",
            [files.uv]: "# mine\r\noffline = false\r\n",
            [files.pdm]: "check_update = false\r\n",
        };
        for (const [file, text] of Object.entries(before)) {
            await mkdir(dirname(join(home, file)), { recursive: true });
            await writeFile(join(home, file), text);
        }
        await configure();
        for (const [file, text] of Object.entries(before)) {
            const after = await read(file);
            assert.ok(after.includes(urls), file);
            assert.doesNotMatch(after, /[^\r]\n/, file);
            assert.ok(
                text.split("\r\n").every((line) => after.includes(line)),
                file,
            );
        }
        await run("--undo");
        for (const [file, text] of Object.entries(before)) assert.equal(await read(file), text, file);
    });
});
