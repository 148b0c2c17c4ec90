import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dockerfileClient } from "../../packages/registry/src/clients/dockerfile";
import { indexNamed } from "./client-samples";

const index = { ...indexNamed("acme-python"), internalPackages: [] };
describe("the step in a Dockerfile", () => {
    it("key: the shell encodes characters with a meaning in URLs", () => {
        const directory = mkdtempSync(join(tmpdir(), "python-registry-dockerfile-"));
        try {
            // Long enough that base64 breaks its output into lines.
            const key = Buffer.concat([Buffer.from([0xfb, 0xef, 0xff, 0xfa]), Buffer.alloc(99, 0xff)]);
            const file = join(directory, "key");
            writeFileSync(file, key);
            const { text = "" } = dockerfileClient(index, { form: "key", keyBase64: "" }).install[0] ?? {};
            const [, command = "false"] = /key="\$\((.*)\)"/.exec(text) ?? [];
            const output = execFileSync("sh", [
                "-c",
                command.replace("/run/secrets/acme-python-key", '"$0"'),
                file,
            ]);
            assert.equal(output.toString(), encodeURIComponent(key.toString("base64")));
        } finally {
            rmSync(directory, { recursive: true });
        }
    });
});
