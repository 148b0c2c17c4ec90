import assert from "node:assert/strict";
import { Machine, withoutSecrets, outputsOf, type StackOutputs } from "./machine";

// `configure --print` as a person runs it, with standard output and standard error kept apart.

const credentialNote = "note: This file contains a credential: keep it readable by you only (umask 077).\n";

interface Printed {
    readonly exitCode: number;
    readonly stdout: string;
    readonly stderr: string;
}

describe("the command configure --print", () => {
    let outputs: StackOutputs;
    before(async () => {
        outputs = await outputsOf({
            serviceAccounts: { "ci-reader": { access: "reader", keys: ["first"] } },
        });
    });

    /** Runs a line of sh at home, where outputs.json is, and asserts that it has written no file. */
    async function run(given: object, line: string): Promise<Printed> {
        await using machine = await Machine.open({ "outputs.json": JSON.stringify(given) });
        const before = await machine.everything();
        const { exitCode } = await machine.shell(`{ ${line}; } > stdout 2> stderr`);
        const { stdout = "", stderr = "", ...after } = await machine.everything();
        assert.deepEqual(after, before);
        await assert.rejects(machine.read(".local"), { code: "ENOENT" });
        return { exitCode, stdout, stderr };
    }
    const print = (given: object, args: string) => run(given, `$configure --outputs outputs.json ${args}`);

    it("prints the text of the stack's output and nothing else, and writes no file", async () => {
        assert.deepEqual(await print(withoutSecrets(outputs), "--tool pip --print"), {
            exitCode: 0,
            stdout: outputs.pipConf,
            stderr: "",
        });
    });

    it("prints a credential unmasked, and says so on standard error without it", async () => {
        assert.deepEqual(await print(outputs, "--tool twine --auth key --print .pypirc"), {
            exitCode: 0,
            stdout: outputs.credentials["ci-reader"]!.pypirc,
            stderr: credentialNote,
        });
    });

    it("works between pipes", async () => {
        const line = "cat outputs.json | $configure --outputs - --tool twine --print | cat";
        assert.deepEqual(await run(withoutSecrets(outputs), line), {
            exitCode: 0,
            stdout: outputs.pypirc,
            stderr: "",
        });
    });

    describe("called wrongly, prints no file and says why:", () => {
        for (const [args, problem] of [
            [
                "--tool poetry --scope venv --print",
                /^error: poetry has no files for --scope venv\. Use --scope /,
            ],
            ["--tool pip --print --undo", /'--print \[file\]' cannot be used with option '--undo'/],
            ["--tool pip --print --dry-run", /'--print \[file\]' cannot be used with option '--dry-run'/],
            ["--tool conda --print", /conda is not one of pip, twine, .*, environment, dockerfile\.$/m],
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
