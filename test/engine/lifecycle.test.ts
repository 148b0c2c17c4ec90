import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { buildPackage } from "../../packages/sandbox/src/python/sample-package";
import { pythonFile } from "../../packages/sandbox/src/python/simple-index";
import { ToolEnvironment } from "../../packages/sandbox/src/python/tool-environment";
import { needTools } from "../clients/registry";
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
    const repository = (wanted: string) =>
        [...stack.sandbox.cloud.project(project).repositories.values()].find(({ id }) => id === wanted);
    const settings = () => repository("python")?.settings;
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

    it("loses no grant with another key, which replaces the repository", async () => {
        await addKey();
        const common = { protect: false, serviceAccounts: {}, readers: ["group:dev@example.com"] };
        await stack.init(common);
        await stack.up();
        const members = () => repository("python")?.policy.bindings.flatMap((binding) => binding.members);
        assert.deepEqual(members(), common.readers);
        const other = `${kmsKey}-2`;
        stack.sandbox.cloud.addCryptoKey(other);
        for (const each of [kmsKey, other]) {
            await stack.configure({ ...common, encryption: { kmsKey: each } });
            await stack.up();
            assert.equal(settings()?.kmsKeyName, each);
            assert.deepEqual(members(), common.readers);
        }
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

    it("is shown by cleanup-preview, and a package gets to the next stack by promote, by the names of the stacks", async function () {
        const tools = await needTools(this);
        const first = { action: "DELETE", condition: { versionNamePrefixes: ["1."] } };
        await stack.init({ cleanup: { policies: { first } } });
        await stack.up();
        const from = stack.name;
        stack.name = "prod";
        await stack.init({ repository: "python-prod", serviceAccounts: {} });
        await stack.up();

        await using builder = await ToolEnvironment.open({ path: [tools.bin] });
        const built = await buildPackage(builder, join(builder.home, "built"), {
            name: "acme-core",
            version: "1.2.3",
        });
        for (const path of built) {
            repository("python")?.files.set(
                basename(path),
                pythonFile("acme-core", basename(path), await readFile(path)),
            );
        }
        const environment = {
            ...stack.sandbox.clientEnvironment,
            CLOUDSDK_AUTH_ACCESS_TOKEN: stack.sandbox.accessToken,
        };
        const preview = await stack.operation("cleanup", ["--stack", from], environment);
        assert.match(preview.output, /acme-core.*1\.2\.3/);
        assert.equal(preview.exitCode, 0, preview.output);

        const args = ["--from", from, "--to", "prod", "acme-core==1.2.3"];
        const promoted = await stack.operation("promote", args, environment, [tools.bin]);
        assert.equal(promoted.exitCode, 0, promoted.output);
        assert.deepEqual(
            [...(repository("python-prod")?.files.keys() ?? [])].sort(),
            [...(repository("python")?.files.keys() ?? [])].sort(),
        );
    });
});
