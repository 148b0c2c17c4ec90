import { strict as assert } from "node:assert";
import { GoogleProvider } from "../../packages/sandbox/src/engines/google-provider";
import { startSandbox, type Sandbox } from "../../packages/sandbox/src/sandbox";
import { createRepository, ok, projectPath, recordCalls } from "./client";

const types = {
    repository: "gcp:artifactregistry/repository:Repository",
    rule: "gcp:artifactregistry/rule:Rule",
    secretMember: "gcp:secretmanager/secretIamMember:SecretIamMember",
    keyMember: "gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember",
    identity: "gcp:projects/serviceIdentity:ServiceIdentity",
    audit: "gcp:projects/iAMAuditConfig:IAMAuditConfig",
};
const parent = "projects/sandbox-project/locations/europe-west1/repositories";
const place = { project: "sandbox-project", location: "europe-west1" };
const cryptoKeyId = "projects/sandbox-project/locations/europe-west1/keyRings/ring/cryptoKeys/key";
const agent = "serviceAccount:service-123456789012@gcp-sa-artifactregistry.iam.gserviceaccount.com";

// The calls of the in-process engine for the other modes, rules, cleanup and encryption: the same as the real provider's.

describe("in-process engine: supply chain", () => {
    let sandbox: Sandbox;
    let engine: GoogleProvider;
    beforeEach(async () => {
        sandbox = await startSandbox();
        await createRepository(sandbox);
        await ok(sandbox, "POST", `/serviceusage/v1${projectPath}/services:batchEnable`, {
            serviceIds: ["secretmanager.googleapis.com", "cloudkms.googleapis.com"],
        });
        sandbox.cloud.addSecret("projects/sandbox-project/secrets/upstream", ["password"]);
        sandbox.cloud.addCryptoKey(cryptoKeyId);
        engine = new GoogleProvider(sandbox.providerConfig);
    });
    afterEach(() => sandbox.close());

    const calls = (action: () => Promise<unknown>) => recordCalls(sandbox, action);
    const get = (name: string) => ok(sandbox, "GET", `/artifactregistry/v1/${name}`);

    it("grants on secrets and keys, and creates a service agent", async () => {
        const service = "artifactregistry.googleapis.com";
        const made: unknown[] = [];
        const secretRole = "roles/secretmanager.secretAccessor";
        const grants = await calls(async () => {
            const inputs = { project: "sandbox-project", service };
            made.push((await engine.create(types.identity, inputs)).state["member"]);
            await engine.create(types.secretMember, {
                project: "sandbox-project",
                secretId: "upstream",
                role: secretRole,
                member: agent,
            });
            await engine.create(types.secretMember, {
                secretId: "projects/sandbox-project/secrets/upstream",
                role: secretRole,
                member: "user:dev@example.com",
            });
            await engine.create(types.keyMember, {
                cryptoKeyId,
                role: "roles/cloudkms.cryptoKeyEncrypterDecrypter",
                member: agent,
            });
        });
        assert.deepEqual(made, [agent]);
        const secret = "projects/sandbox-project/secrets/upstream";
        assert.deepEqual(grants, [
            `POST projects/sandbox-project/services/${service}:generateServiceIdentity`,
            `GET ${secret}:getIamPolicy`,
            `POST ${secret}:setIamPolicy`,
            `GET ${secret}:getIamPolicy`,
            `POST ${secret}:setIamPolicy`,
            `GET ${cryptoKeyId}:getIamPolicy`,
            `POST ${cryptoKeyId}:setIamPolicy`,
        ]);
        const { bindings } = await ok(sandbox, "GET", `/secretmanager/v1/${secret}:getIamPolicy`);
        assert.deepEqual(bindings, [{ role: secretRole, members: [agent, "user:dev@example.com"] }]);
    });

    it("creates repositories with all that they can have, and rules", async () => {
        await engine.create(types.keyMember, {
            cryptoKeyId,
            role: "roles/cloudkms.cryptoKeyEncrypterDecrypter",
            member: agent,
        });
        const cleanupPolicies = [
            { id: "old", action: "DELETE", condition: { olderThan: "30d", packageNamePrefixes: ["acme"] } },
            { id: "keep", action: "KEEP", mostRecentVersions: { keepCount: 3 } },
        ];
        await engine.create(types.repository, {
            ...place,
            repositoryId: "private",
            format: "PYTHON",
            mode: "STANDARD_REPOSITORY",
            kmsKeyName: cryptoKeyId,
            cleanupPolicies,
            cleanupPolicyDryRun: true,
            vulnerabilityScanningConfig: { enablementConfig: "INHERITED" },
            deletionPolicy: "PREVENT",
        });
        const standard = await get(`${parent}/private`);
        assert.equal(standard["kmsKeyName"], cryptoKeyId);
        assert.equal(standard["cleanupPolicyDryRun"], true);
        assert.deepEqual(standard["cleanupPolicies"], {
            old: {
                ...cleanupPolicies[0],
                condition: { olderThan: "2592000s", packageNamePrefixes: ["acme"] },
            },
            keep: cleanupPolicies[1],
        });
        const remoteRepositoryConfig = { pythonRepository: { publicRepository: "PYPI" } };
        await engine.create(types.repository, {
            ...place,
            repositoryId: "pypi",
            format: "PYTHON",
            mode: "REMOTE_REPOSITORY",
            remoteRepositoryConfig,
        });
        const upstreamPolicies = [
            { id: "private", repository: `${parent}/private`, priority: 100 },
            { id: "pypi", repository: `${parent}/pypi`, priority: 1 },
        ];
        await engine.create(types.repository, {
            ...place,
            repositoryId: "all",
            format: "PYTHON",
            mode: "VIRTUAL_REPOSITORY",
            virtualRepositoryConfig: { upstreamPolicies },
        });
        assert.deepEqual((await get(`${parent}/pypi`))["remoteRepositoryConfig"], remoteRepositoryConfig);
        assert.deepEqual((await get(`${parent}/all`))["virtualRepositoryConfig"], { upstreamPolicies });
        const rule = { action: "DENY", operation: "DOWNLOAD", packageId: "acme-core" };
        const rules = await calls(async () => {
            const { id, state } = await engine.create(types.rule, {
                ...place,
                repositoryId: "pypi",
                ruleId: "acme-core",
                ...rule,
            });
            assert.equal(id, `${parent}/pypi/rules/acme-core`);
            assert.equal(state["name"], id);
        });
        assert.deepEqual(rules, [
            `POST ${parent}/pypi/rules?ruleId=acme-core`,
            `GET ${parent}/pypi/rules/acme-core`,
        ]);
        assert.deepEqual(await get(`${parent}/pypi/rules/acme-core`), {
            name: `${parent}/pypi/rules/acme-core`,
            ...rule,
        });
        const lookup = "gcp:artifactregistry/getRepository:getRepository";
        const found = await engine.call(lookup, { ...place, repositoryId: "pypi" });
        assert.deepEqual(found["remoteRepositoryConfigs"], [
            {
                description: "",
                disableUpstreamValidation: false,
                pythonRepositories: [{ publicRepository: "PYPI", customRepositories: [] }],
                commonRepositories: [],
                noCaches: [],
                upstreamCredentials: [],
            },
        ]);
        const policies = (await engine.call(lookup, { ...place, repositoryId: "private" }))[
            "cleanupPolicies"
        ];
        assert.deepEqual(policies, [
            {
                id: "old",
                action: "DELETE",
                conditions: [{ olderThan: "2592000s", packageNamePrefixes: ["acme"] }],
                mostRecentVersions: [],
            },
            { id: "keep", action: "KEEP", conditions: [], mostRecentVersions: [{ keepCount: 3 }] },
        ]);
    });

    it("imports a repository, and updates only what differs", async () => {
        const inputs = {
            ...place,
            repositoryId: "tidy",
            format: "PYTHON",
            mode: "STANDARD_REPOSITORY",
            labels: {},
            cleanupPolicies: [{ id: "old", action: "DELETE", condition: { olderThan: "30d" } }],
            cleanupPolicyDryRun: true,
            vulnerabilityScanningConfig: { enablementConfig: "INHERITED" },
        };
        await engine.create(types.repository, { ...inputs, labels: { team: "a" } });
        const id = `${parent}/tidy`;
        assert.deepEqual(await calls(() => engine.import(types.repository, id, inputs)), [`GET ${id}`]);
        const changed = {
            ...inputs,
            cleanupPolicies: [{ id: "old", action: "DELETE", condition: { olderThan: "31d" } }],
            labels: { cost: "b" },
        };
        assert.deepEqual(await calls(() => engine.import(types.repository, id, changed)), [
            `GET ${id}`,
            `PATCH ${id}?updateMask=labels,cleanupPolicies`,
        ]);
        const { cleanupPolicies, labels } = await get(id);
        assert.equal(cleanupPolicies?.["old"]?.["condition"]?.["olderThan"], "2678400s");
        assert.deepEqual(labels, { team: "a", cost: "b" });
    });

    it("adds audit configurations to the policy of the project, and keeps the rest of it", async () => {
        const path = "projects/sandbox-project";
        const bindings = [{ role: "roles/viewer", members: ["user:dev@example.com"] }];
        await ok(sandbox, "POST", `/cloudresourcemanager/v1/${path}:setIamPolicy`, { policy: { bindings } });
        const auditLogConfigs = [{ logType: "DATA_READ" }, { logType: "DATA_WRITE" }];
        const made = await calls(async () => {
            for (const service of ["artifactregistry.googleapis.com", "iam.googleapis.com"]) {
                await engine.create(types.audit, { project: "sandbox-project", service, auditLogConfigs });
            }
        });
        assert.deepEqual(made.slice(0, 2), [`POST ${path}:getIamPolicy`, `POST ${path}:setIamPolicy`]);
        const policy = await ok(sandbox, "POST", `/cloudresourcemanager/v1/${path}:getIamPolicy`);
        assert.deepEqual(policy["bindings"], bindings);
        assert.deepEqual(policy["auditConfigs"], [
            { service: "artifactregistry.googleapis.com", auditLogConfigs },
            { service: "iam.googleapis.com", auditLogConfigs },
        ]);
    });
});
