import assert from "node:assert/strict";
import { Machine, getOutputs, type StackOutputs, withoutSecrets } from "./machine";

// `configure --print` as a user runs it, with separate standard output and standard error.

const credentialNote = "note: This file contains a credential: keep it readable by you only (umask 077).\n";

interface Printed {
    readonly exitCode: number;
    readonly stdout: string;
    readonly stderr: string;
}

describe("the command configure --print", () => {
    let outputs: StackOutputs;
    before(async () => {
        outputs = await getOutputs({
            serviceAccounts: { "ci-reader": { access: "reader", keys: ["first"] } },
        });
    });

    /** Runs a line of sh in the home directory with outputs.json, and asserts that it writes no file. */
    async function run(given: object, line: string): Promise<Printed> {
        await using machine = await Machine.open({ "outputs.json": JSON.stringify(given) });
        const before = await machine.everything();
        const { exitCode } = await machine.shell(`{ ${line}; } > stdout 2> stderr`);
        const { stdout = "", stderr = "", ...after } = await machine.everything();
        assert.deepEqual(after, before);
        await assert.rejects(machine.read(".local"), { code: "ENOENT" });
        return { exitCode, stdout, stderr };
    }
    const print = (given: object, args: string) =>
        run(given, `node "$configure" --outputs outputs.json ${args}`);

    it("prints the text of the stack's output and nothing else, and writes no file", async () => {
        assert.deepEqual(await print(withoutSecrets(outputs), "--tool pip --print"), {
            exitCode: 0,
            stdout: outputs.pipConf,
            stderr: "",
        });
    });

    it("prints a credential unmasked, and a note without it on standard error", async () => {
        assert.deepEqual(await print(outputs, "--tool twine --auth key --print .pypirc"), {
            exitCode: 0,
            stdout: outputs.credentials["ci-reader"]!.pypirc,
            stderr: credentialNote,
        });
    });

    it("works between pipes", async () => {
        const line = 'cat outputs.json | node "$configure" --outputs - --tool twine --print | cat';
        assert.deepEqual(await run(withoutSecrets(outputs), line), {
            exitCode: 0,
            stdout: outputs.pypirc,
            stderr: "",
        });
    });

    describe("with invalid arguments, prints no file and reports why:", () => {
        for (const [args, problem] of [
            [
                "--tool poetry --scope venv --print",
                /^error: poetry has no files for --scope venv\. Use --scope /,
            ],
            ["--tool pip --print --undo", /'--print \[file\]' cannot be used with option '--undo'/],
            ["--tool pip --print --dry-run", /'--print \[file\]' cannot be used with option '--dry-run'/],
            ["--tool conda --print", /conda is not one of pip, uv, .*, environment, dockerfile\.$/m],
            ["--tool pip,dockerfile", /^error: The file of dockerfile can only be printed\. Add --print$/m],
        ] as const) {
            it(args, async () => {
                const { exitCode, stdout, stderr } = await print(withoutSecrets(outputs), args);
                assert.deepEqual([exitCode, stdout], [1, ""]);
                assert.match(stderr, problem);
            });
        }
    });
});
