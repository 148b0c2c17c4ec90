import { execa } from "execa";
import assert from "node:assert/strict";
import { join } from "node:path";

// Programs run from their TypeScript source, whose types nothing else checks. It takes long, so it runs beside other tests.

const root = join(__dirname, "..");
/** Kept, so that the next check is incremental. */
const buildInfo = join(root, "node_modules", ".cache", "tests.tsbuildinfo");

it("the types have no errors", async () => {
    const { exitCode, all } = await execa(
        process.execPath,
        [require.resolve("typescript/bin/tsc"), "--incremental", "--tsBuildInfoFile", buildInfo],
        { cwd: root, reject: false, all: true, stdin: "ignore" },
    );
    assert.equal(exitCode, 0, all);
});
