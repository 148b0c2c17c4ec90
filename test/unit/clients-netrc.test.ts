import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PythonIndex } from "../../packages/registry/src/clients/client";
import { netrcClient } from "../../packages/registry/src/clients/netrc";

const index: PythonIndex = {
    name: "acme-python",
    indexUrl: "https://europe-west1-python.pkg.dev/acme.com:tools/python/simple/",
    uploadUrl: "https://europe-west1-python.pkg.dev/acme.com:tools/python/",
    keyring: "auto",
    publicPackages: "pypi",
    internalPackages: [],
};
const install = `pip install --extra-index-url ${index.indexUrl} PACKAGE`;
const publish = `uv publish --publish-url ${index.uploadUrl}`;
const entry = (password: string, login = "oauth2accesstoken") =>
    `machine europe-west1-python.pkg.dev login ${login} password ${password}\n`;

describe("a .netrc", () => {
    for (const password of ['s3cret"', "s3cret x", "s3cret\nmachine", "#s3cret", "s3cret\\", "", "s3crét"]) {
        it(`refuses the password ${JSON.stringify(password)}, and does not repeat it`, () => {
            assert.throws(
                () => netrcClient(index, { form: "token", token: password }),
                (error: unknown) => error instanceof RangeError && !error.message.includes("s3cr"),
            );
        });
    }
});

describe("the commands that write a .netrc", () => {
    const { install: files, commands } = netrcClient(index, { form: "token" })!;
    const others =
        "# mine\nmachine europe-west1-pythonXpkg.dev login oauth2accesstoken password x\n\ndefault\n  login y";
    let home = "";
    beforeEach(() => {
        home = mkdtempSync(join(tmpdir(), "python-registry-netrc-"));
    });
    afterEach(() => {
        rmSync(home, { recursive: true });
    });

    /** Runs all lines except the last one, in a shell where gcloud is this function. */
    function write(gcloud: string): void {
        const lines = [`gcloud() { ${gcloud}; }`, ...commands.install.posix.slice(0, -1)];
        execFileSync("sh", ["-ec", lines.join("\n")], { env: { ...process.env, HOME: home }, stdio: "pipe" });
    }

    it("are enough: no generated file has the token", () => {
        assert.deepEqual(files, []);
        assert.equal(commands.install.posix.at(-1), install);
        assert.deepEqual(commands.publish.posix, [...commands.install.posix.slice(0, -1), publish]);
    });

    it("write the entry first in the file, only for the owner, and replace it each time", () => {
        const file = join(home, ".netrc");
        write("echo ya29.first");
        assert.equal(readFileSync(file, "utf8"), entry("ya29.first"));
        assert.equal(statSync(file).mode & 0o777, 0o600);

        writeFileSync(file, entry("ya29.first") + others);
        chmodSync(file, 0o644);
        writeFileSync(`${file}.new`, "left behind", { mode: 0o644 });
        write("echo ya29.second");
        assert.equal(readFileSync(file, "utf8").trimEnd(), entry("ya29.second") + others);
        assert.equal(statSync(file).mode & 0o777, 0o600);
    });

    it("leave the file as it is if there is no token", () => {
        const file = join(home, ".netrc");
        writeFileSync(file, others);
        assert.throws(() => {
            write("echo half; return 1");
        });
        assert.equal(readFileSync(file, "utf8"), others);
        assert.throws(() => readFileSync(`${file}.new`), { code: "ENOENT" });
    });
});
