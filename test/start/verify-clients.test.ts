import assert from "node:assert/strict";
import type { PythonTools } from "../../packages/sandbox/src/python/python-tools";
import { buildSamples, type SamplePackages, verifyClients } from "../../packages/sandbox/src/verify-clients";
import { grant } from "../sandbox/client";
import { needTools, project, reader, TestRegistry, writer } from "../clients/registry";
import { describeInRelease } from "../release";

// A check is useful only if it fails when its claim is wrong. test/start/start.test.ts runs the checks where all pass, and where nothing
// can be uploaded.

const claims = {
    upload: `${writer} uploads a wheel and an sdist with twine (.pypirc, keyring)`,
    installWithKeyring: `${reader} installs the package with pip (pip.conf, keyring)`,
    installWithPassword: `${reader} installs the package with pip (pip.conf, key as the password)`,
    readerCannotUpload: `${reader} cannot upload (403)`,
    strangerCannotInstall: "a stranger cannot install (401)",
};
const member = (id: string) => `serviceAccount:${id}@${project}.iam.gserviceaccount.com`;

describeInRelease("the checks of npm start", () => {
    let tools: PythonTools;
    let samples: SamplePackages;
    before(async function () {
        tools = await needTools(this);
        samples = await buildSamples(tools);
    });
    after(() => samples[Symbol.asyncDispose]());

    /** The claims that failed. */
    async function failures({ sandbox, outputs, repository }: TestRegistry): Promise<string[]> {
        const failed: string[] = [];
        const claimed: string[] = [];
        const accounts = { writer, reader };
        // The next round uploads the same files.
        repository.files.clear();
        for await (const check of verifyClients({ sandbox, tools, outputs, accounts, samples })) {
            claimed.push(check.claim);
            if (check.failure !== undefined) {
                assert.match(check.failure, /^exit code \d+\n/);
                failed.push(check.claim);
            }
        }
        assert.deepEqual(claimed, Object.values(claims));
        return failed;
    }

    it("fail with a reader that has no grant, that can upload, or whose key was deleted", async () => {
        await using registry = await TestRegistry.up(tools);
        await grant(registry.sandbox, "writer", member(writer));
        assert.deepEqual(await failures(registry), [claims.installWithKeyring, claims.installWithPassword]);

        await grant(registry.sandbox, "writer", member(writer), member(reader));
        assert.deepEqual(await failures(registry), [claims.readerCannotUpload]);

        registry.sandbox.cloud
            .findServiceAccount(member(reader).slice("serviceAccount:".length))!
            .keys.clear();
        assert.deepEqual(await failures(registry), [
            claims.installWithKeyring,
            claims.installWithPassword,
            claims.readerCannotUpload,
        ]);
    });

    it("fail if a stranger can install", async () => {
        await using registry = await TestRegistry.up(tools, { readers: ["allUsers"], allowPublic: true });
        assert.deepEqual(await failures(registry), [claims.strangerCannotInstall]);
    });
});
