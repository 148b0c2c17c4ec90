import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { readStackConfig } from "../../packages/sandbox/src/engines/stack-config";
import { parseSettings } from "../../src/settings";

// The example stacks. test/stacks/ has what is true of every stack file, also of a team's.

const root = join(__dirname, "..", "..");

describe("the example stacks", () => {
    for (const stack of ["dev", "prod", "sandbox"]) {
        it(`${stack} has no mistakes, and causes no notice`, async () => {
            const parsed = parseSettings(await readStackConfig(join(root, `Pulumi.${stack}.yaml`)));
            assert.ok("settings" in parsed, JSON.stringify(parsed));
            assert.deepEqual(parsed.notices, []);
        });

        it(`${stack} has nothing of the person who wrote it, such as a passphrase's salt`, async () => {
            const text = await readFile(join(root, `Pulumi.${stack}.yaml`), "utf8");
            assert.deepEqual(Object.keys(parse(text) as object), ["config"]);
        });
    }
});
