import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";

// Programs run from their TypeScript source, whose types nothing else checks. It takes long, so it runs beside other tests.

const root = join(__dirname, "..");
/** Kept, so that the next check is incremental. */
const buildInfo = join(root, "node_modules", ".cache", "tests.tsbuildinfo");

it("the types have no errors", async () => {
    const errors = await new Promise<string>((resolve) => {
        const command = [
            require.resolve("typescript/bin/tsc"),
            "--incremental",
            "--tsBuildInfoFile",
            buildInfo,
        ];
        execFile(process.execPath, command, { cwd: root }, (error, stdout) => {
            resolve(stdout || (error?.message ?? ""));
        });
    });
    assert.equal(errors, "", errors);
});
