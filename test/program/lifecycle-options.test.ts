import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { Registry, type RegistryArgs } from "../../packages/registry/src";

// The options with which a repository's settings are registered, which the in-process engine does not see.

const place = { project: "acme-tools", location: "europe-west1", repository: "python" } as const;
const kmsKey = "projects/acme-keys/locations/europe-west1/keyRings/registry/cryptoKeys/python";

/** https://github.com/pulumi/pulumi/blob/master/proto/pulumi/resource.proto */
interface Request {
    getName(): string;
    getType(): string;
    getProtect(): boolean;
    getRetainondelete(): boolean;
    getIgnorechangesList(): string[];
    getDependenciesList(): string[];
    getObject(): { toJavaScript(): Record<string, unknown> };
}

/** The requests of a registry, by the last part of the resource's type. */
async function register(args: Partial<RegistryArgs>): Promise<Map<string, Request>> {
    const requests = new Map<string, Request>();
    await pulumi.runtime.setMocks(
        {
            call: () => ({ number: "7", policyData: "{}" }),
            newResource: ({ inputs, type, name }) => ({ id: `${type}/${name}`, state: inputs as object }),
        },
        "other",
        "test",
        false,
        "acme",
    );
    const monitor = pulumi.runtime.getMonitor() as unknown as {
        registerResource: (request: Request, callback: unknown) => unknown;
    };
    const original = monitor.registerResource.bind(monitor);
    monitor.registerResource = (request, callback) => {
        requests.set(request.getType().replace(/.*:/, ""), request);
        return original(request, callback);
    };
    new Registry("internal", { ...place, ...args });
    await pulumi.runtime.disconnect();
    return requests;
}

const policies = { old: { action: "DELETE", condition: { olderThan: "30d" } } } as const;
const everything = ["kmsKeyName", "cleanupPolicies", "cleanupPolicyDryRun", "vulnerabilityScanningConfig"];

describe("the options of the resources about the life of a repository", () => {
    it("are what they were, if nothing of it is set", async () => {
        const requests = await register({ scanning: false });
        const repository = requests.get("Repository");
        assert.deepEqual(repository?.getIgnorechangesList(), everything);
        assert.deepEqual(Object.keys(repository.getObject().toJavaScript()).sort(), [
            ...["deletionPolicy", "format", "labels", "location", "mode", "project", "repositoryId"],
        ]);
        assert.deepEqual(
            repository.getDependenciesList().map((urn) => urn.replace(/.*::/, "")),
            ["internal-artifactregistry"],
        );
        assert.deepEqual([...requests.keys()].sort(), [
            ...["Registry", "Repository", "RepositoryAccess", "Service"],
        ]);
    });

    it("compare what is set, and keep the rest", async () => {
        const ignored = async (args: Partial<RegistryArgs>) =>
            (await register(args)).get("Repository")?.getIgnorechangesList();
        const without = (...managed: string[]) => everything.filter((each) => !managed.includes(each));
        assert.deepEqual(
            await ignored({ cleanup: { policies } }),
            without("cleanupPolicies", "cleanupPolicyDryRun"),
        );
        assert.deepEqual(await ignored({ encryption: { kmsKey } }), without("kmsKeyName"));
        assert.deepEqual(await ignored({ scanning: true }), without("vulnerabilityScanningConfig"));
    });

    it("protect the grant on the key with the repository, which waits for it", async () => {
        for (const deletionProtection of [true, false]) {
            const requests = await register({ encryption: { kmsKey }, deletionProtection });
            const [repository, grant] = ["Repository", "CryptoKeyIAMMember"].map((type) =>
                requests.get(type),
            );
            assert.equal(grant?.getProtect(), deletionProtection);
            assert.equal(grant.getRetainondelete(), false);
            assert.ok(
                repository
                    ?.getDependenciesList()
                    .some((urn) => urn.endsWith(`CryptoKeyIAMMember::${grant.getName()}`)),
            );
            assert.ok(grant.getDependenciesList().some((urn) => urn.includes("ServiceIdentity::")));
        }
    });

    it("keep the audit logs when the stack ends", async () => {
        const requests = await register({ auditLogs: ["DATA_READ"] });
        assert.equal(requests.get("IAMAuditConfig")?.getRetainondelete(), true);
        assert.deepEqual(requests.get("Repository")?.getIgnorechangesList(), everything);
    });
});
