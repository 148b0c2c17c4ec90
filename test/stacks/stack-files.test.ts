import { execa } from "execa";
import assert from "node:assert/strict";
import { join } from "node:path";
import { parseSettings } from "../../src/settings";
import { analyze, type Registration } from "../policy/analyze";
import { type StackFile, stackFiles } from "./stack-file";

// The stack files of this project: what their previews would refuse, and what the policy pack would refuse.

const root = join(__dirname, "..", "..");

/** What a preview of the program registers. */
async function preview({ project, stack, config }: StackFile): Promise<Registration[]> {
    const { stdout } = await execa(
        process.execPath,
        ["--conditions=source", "--require", "./typescript.cjs", join(root, "test", "policy", "register.ts")],
        { cwd: root, input: JSON.stringify({ project, stack, config }) },
    );
    return JSON.parse(stdout) as Registration[];
}

describe("the stack files", () => {
    const skip = (context: Mocha.Context, reason: string) => {
        console.log(`    skipped: ${reason}`);
        context.skip();
    };
    const files = stackFiles();
    if (files.length === 0) {
        it("exist", function () {
            skip(this, "this folder has no stack file yet");
        });
    }
    for (const file of files) {
        const { stack, project, config, unknown } = file;
        const needConfig = (context: Mocha.Context) => {
            if (unknown !== undefined)
                skip(context, `the configuration of ${stack} is not known here: ${unknown}`);
        };
        const parsed = parseSettings(config, new Set(), project);

        it(`configure the stack ${stack} without mistakes`, function () {
            needConfig(this);
            if ("mistakes" in parsed) assert.fail(`Pulumi.${stack}.yaml:\n${parsed.mistakes.join("\n")}`);
        });

        it(`keep the stack ${stack} within the policies`, async function () {
            needConfig(this);
            if ("mistakes" in parsed) skip(this, `the configuration of ${stack} has mistakes`);
            const findings = await analyze(await preview(file));
            const refused = findings.filter(({ level }) => level === "mandatory");
            if (refused.length > 0) {
                const lines = refused.map(({ rule, message }) => `${rule}: ${message}`);
                assert.fail(`Pulumi.${stack}.yaml:\n${lines.join("\n")}`);
            }
        });
    }
});
