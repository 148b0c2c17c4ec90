import assert from "node:assert/strict";
import { EngineStack, openForEachTest, project } from "./engine-stack";

// Cleanup, encryption, scanning and audit logs, with the real CLI and the real Google provider against the sandbox.

const kmsKey = `projects/${project}/locations/europe-west1/keyRings/registry/cryptoKeys/python`;
const old = { action: "DELETE", condition: { olderThan: "90d", packageNamePrefixes: ["b", "a"] } };
const recent = { action: "KEEP", mostRecentVersions: { keepCount: 5 } };

describe("the life of a repository in the real engine", () => {
    let stack: EngineStack;
    openForEachTest((opened) => (stack = opened));

    const changes = (): string[] => {
        return stack
            .changes()
            .map(({ method, path }) => `${method} ${path.replace(/\?.*/, "").replace(/^.*\//, "")}`)
            .sort();
    };
    const settings = () =>
        [...stack.sandbox.cloud.project(project).repositories.values()].find(({ id }) => id === "python")
            ?.settings;
    async function addKey() {
        const { apiUrl, accessToken, cloud } = stack.sandbox;
        await fetch(`${apiUrl}/serviceusage/v1/projects/${project}/services/cloudkms.googleapis.com:enable`, {
            method: "POST",
            headers: { authorization: `Bearer ${accessToken}` },
        });
        return cloud.addCryptoKey(kmsKey);
    }
    const everything = {
        cleanup: { policies: { old, recent } },
        encryption: { kmsKey },
        scanning: true,
        auditLogs: ["DATA_WRITE", "DATA_READ"],
    };

    it("is set, the order of its parts gives no diff, and it ends with the stack", async () => {
        const key = await addKey();
        await stack.init({ ...everything, protect: false });
        const preview = await stack.pulumi("preview", "--diff");
        assert.match(preview, /cryptoKeyEncrypterDecrypter/);
        assert.match(preview, /service-123456789012@gcp-sa-artifactregistry/);

        await stack.up();
        assert.equal(settings()?.kmsKeyName, kmsKey);
        assert.equal(settings()?.cleanupPolicyDryRun, true);
        assert.deepEqual(Object.keys(settings()?.cleanupPolicies ?? {}).sort(), ["old", "recent"]);
        assert.equal(settings()?.vulnerabilityScanningConfig?.enablementConfig, "INHERITED");
        assert.equal(key.policy.bindings.length, 1);

        changes();
        await stack.up("--expect-no-changes");
        await stack.configure({
            ...everything,
            protect: false,
            cleanup: {
                policies: {
                    recent,
                    old: { ...old, condition: { packageNamePrefixes: ["a", "b"], olderThan: "90d" } },
                },
            },
            auditLogs: ["DATA_READ", "DATA_WRITE"],
        });
        await stack.up("--expect-no-changes");
        await stack.pulumi("refresh", "--yes", "--skip-preview", "--expect-no-changes");
        assert.deepEqual(changes(), []);

        await stack.configure({
            ...everything,
            protect: false,
            cleanup: { dryRun: false, policies: { recent } },
        });
        await stack.up();
        assert.deepEqual(changes(), ["PATCH python"]);
        assert.deepEqual(Object.keys(settings()?.cleanupPolicies ?? {}), ["recent"]);
        assert.notEqual(settings()?.cleanupPolicyDryRun, true);

        await stack.pulumi("destroy", "--yes", "--skip-preview");
        assert.equal(settings(), undefined);
        assert.deepEqual(key.policy.bindings, []);
    });

    it("never loses the key of a protected repository", async () => {
        const key = await addKey();
        await stack.init({ encryption: { kmsKey } });
        await stack.up();
        await stack.configure({});
        await assert.rejects(stack.pulumi("preview"), /protected/);
        await assert.rejects(stack.up());
        assert.equal(key.policy.bindings.length, 1);
        assert.equal(settings()?.kmsKeyName, kmsKey);
    });
});
