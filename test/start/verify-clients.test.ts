import assert from "node:assert/strict";
import type { PythonTools } from "../../sandbox/python/python-tools";
import { buildSamples, proveClientFiles, type SamplePackages } from "../../sandbox/verify-clients";
import { grant } from "../sandbox/client";
import { needTools, project, reader, TestRegistry, writer } from "../clients/registry";

// A proof is worth something only if it fails when what it claims does not hold.

const claims = {
    upload: `${writer} uploads a wheel and an sdist with twine (.pypirc, keyring)`,
    installWithKeyring: `${reader} installs it with pip (pip.conf, keyring)`,
    installWithPassword: `${reader} installs it with pip (pip.conf, key as the password)`,
    readerCannotUpload: `${reader} cannot upload (403)`,
    strangerCannotInstall: "a stranger cannot install (401)",
};
const member = (id: string) => `serviceAccount:${id}@${project}.iam.gserviceaccount.com`;

describe("the proofs of npm start", () => {
    let tools: PythonTools;
    let samples: SamplePackages;
    before(async function () {
        tools = await needTools(this);
        samples = await buildSamples(tools);
    });
    after(() => samples[Symbol.asyncDispose]());

    /** The claims that failed. */
    async function failures({ sandbox, outputs }: TestRegistry): Promise<string[]> {
        const failed: string[] = [];
        const claimed: string[] = [];
        const cast = { repository: "python", writer, reader };
        for await (const proof of proveClientFiles(sandbox, tools, outputs, cast, samples)) {
            claimed.push(proof.claim);
            if (proof.failure !== undefined) {
                assert.match(proof.failure, /^exit code \d+\n/);
                failed.push(proof.claim);
            }
        }
        assert.deepEqual(claimed, Object.values(claims));
        return failed;
    }

    it("hold for what the program makes", async () => {
        await using registry = await TestRegistry.up(tools);
        assert.deepEqual(await failures(registry), []);
    });

    it("fail with a writer who has no grant", async () => {
        await using registry = await TestRegistry.up(tools);
        await grant(registry.sandbox, "reader", member(reader));
        assert.deepEqual(await failures(registry), [
            claims.upload,
            claims.installWithKeyring,
            claims.installWithPassword,
        ]);
    });

    it("fail with a reader who has no grant", async () => {
        await using registry = await TestRegistry.up(tools);
        await grant(registry.sandbox, "writer", member(writer));
        assert.deepEqual(await failures(registry), [claims.installWithKeyring, claims.installWithPassword]);
    });

    it("fail with a reader who can upload", async () => {
        await using registry = await TestRegistry.up(tools);
        await grant(registry.sandbox, "writer", member(writer), member(reader));
        assert.deepEqual(await failures(registry), [claims.readerCannotUpload]);
    });

    it("fail where a stranger can install", async () => {
        await using registry = await TestRegistry.up(tools, { readers: ["allUsers"], allowPublic: true });
        assert.deepEqual(await failures(registry), [claims.strangerCannotInstall]);
    });

    it("fail with a reader whose key is gone", async () => {
        await using registry = await TestRegistry.up(tools);
        registry.sandbox.cloud
            .findServiceAccount(member(reader).slice("serviceAccount:".length))!
            .keys.clear();
        assert.deepEqual(await failures(registry), [
            claims.installWithKeyring,
            claims.installWithPassword,
            claims.readerCannotUpload,
        ]);
    });
});
