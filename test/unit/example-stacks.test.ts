import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { readStackConfig } from "../../sandbox/engines/stack-config";
import { parseSettings } from "../../src/settings/settings";

const root = join(__dirname, "..", "..");

describe("the example stacks", () => {
    it("are there for development, production and the sandbox, and without mistakes", async () => {
        const files = (await readdir(root)).filter((name) => /^Pulumi\..+\.yaml$/.test(name)).sort();
        assert.deepEqual(files, ["Pulumi.dev.yaml", "Pulumi.prod.yaml", "Pulumi.sandbox.yaml"]);
        for (const file of files) {
            assert.deepEqual(parseSettings(await readStackConfig(join(root, file))), {
                ...parseSettings(await readStackConfig(join(root, file))),
                notices: [],
            });
        }
    });

    it("hold nothing of the person who wrote them, such as a passphrase's salt", async () => {
        for (const stack of ["dev", "prod", "sandbox"]) {
            const text = await readFile(join(root, `Pulumi.${stack}.yaml`), "utf8");
            assert.deepEqual(Object.keys(parse(text) as object), ["config"]);
        }
    });
});
