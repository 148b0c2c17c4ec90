import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";

// Programs run from their TypeScript source, whose types nothing else checks. Here, this takes one of two processors while other tests
// use the other one.

const root = join(__dirname, "..");
/** What the next check need not do again. */
const known = join(root, "node_modules", ".cache", "tests.tsbuildinfo");

it("the types have no mistake", async () => {
    const mistakes = await new Promise<string>((resolve) => {
        const command = [require.resolve("typescript/bin/tsc"), "--incremental", "--tsBuildInfoFile", known];
        execFile(process.execPath, command, { cwd: root }, (error, said) => {
            resolve(said || (error?.message ?? ""));
        });
    });
    assert.equal(mistakes, "", mistakes);
});
