import assert from "node:assert/strict";
import { execa } from "execa";
import { join } from "node:path";
import { parseOutputs } from "../../packages/configure/src/registry/outputs";
import { publishedOutputs } from "../../packages/operations/src/deploy/outputs";
import { runProgram } from "../../packages/sandbox/src/engines/in-process-engine";
import { stackConfig } from "../../packages/sandbox/src/engines/stack-config";
import { type Sandbox, startSandbox } from "../../packages/sandbox/src/sandbox";
import { root } from "./repository";

// The file that a deployment publishes, made from a stack that has keys, people and workloads.

/** What tells that a text contains a key. */
const keyMaterial = /PRIVATE KEY|private_key|_json_key|LS0tLS1CRUdJTi/;

describe("the published outputs", () => {
    let sandbox: Sandbox;
    let shown: Record<string, unknown>;
    let masked: Record<string, unknown>;
    before(async () => {
        sandbox = await startSandbox({ project: "sandbox-project" });
        const { outputs } = await runProgram({
            stack: "published",
            config: {
                "gcp:project": "sandbox-project",
                ...sandbox.providerConfig,
                ...stackConfig({
                    location: "europe-west1",
                    readers: ["user:someone@example.com"],
                    internalPackages: ["acme-*"],
                    serviceAccounts: {
                        "python-publisher": { access: "writer", keys: ["first"] },
                        "python-installer": { access: "reader" },
                    },
                }),
            },
        });
        shown = Object.fromEntries(Object.entries(outputs).map(([name, { value }]) => [name, value]));
        masked = Object.fromEntries(
            Object.entries(outputs).map(([name, { value, secret }]) => [name, secret ? "[secret]" : value]),
        );
    });
    after(() => sandbox.close());

    it("contain no secret and no people, whatever the input shows", () => {
        assert.match(JSON.stringify(shown), keyMaterial);
        for (const outputs of [masked, shown]) {
            const text = publishedOutputs(JSON.stringify(outputs));
            assert.doesNotMatch(text, keyMaterial);
            assert.doesNotMatch(text, /\[secret\]|someone@example\.com/);
            assert.deepEqual(Object.keys(JSON.parse(text) as object), [
                "repository",
                "pipConf",
                "pypirc",
                "clients",
                "readme",
                "internalPackages",
                "keyring",
                "serviceAccounts",
            ]);
        }
    });

    it("are what configure accepts", () => {
        const text = publishedOutputs(JSON.stringify(masked));
        // Who has access is not published, except the dedicated accounts.
        const { principals, ...published } = parseOutputs(text, "outputs.json");
        const { principals: all, ...rest } = parseOutputs(JSON.stringify(masked), "outputs.json");
        assert.deepEqual({ ...published, keyFiles: undefined }, { ...rest, keyFiles: undefined });
        assert.deepEqual(
            principals,
            Object.values(rest.accounts).map((email) => `serviceAccount:${email}`),
        );
        assert.ok(principals.every((principal) => all.includes(principal)));
    });

    it("are refused if one of them contains a secret", () => {
        for (const more of [
            { pipConf: "[secret]" },
            { serviceAccounts: { a: { email: "a@b.c", note: "[secret]" } } },
            { clients: { uv: { "uv.toml": "-----BEGIN PRIVATE KEY-----" } } },
            { pypirc: "username = _json_key_base64" },
        ]) {
            assert.throws(
                () => publishedOutputs(JSON.stringify({ ...masked, ...more })),
                /^Error: The output (?:pipConf|serviceAccounts|clients|pypirc) contains a secret\. Nothing was published$/,
            );
        }
    });

    it("are refused if the input is something else, and the message repeats none of it", async () => {
        for (const input of ["", "nonsense", "[1]", "{}", '{"password": "hunter2"}']) {
            const command = [
                "-r",
                join(root, "typescript.cjs"),
                join(root, "packages/operations/src/deploy/published-outputs.ts"),
            ];
            const { exitCode, stdout, stderr } = await execa(process.execPath, command, {
                input,
                reject: false,
            });
            assert.deepEqual([exitCode, stdout], [1, ""]);
            assert.match(
                stderr,
                /^error: Standard input does not contain the outputs of a python-registry stack/,
            );
            assert.doesNotMatch(stderr, /hunter2/);
        }
    });
});
