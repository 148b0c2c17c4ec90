import assert from "node:assert/strict";
import { type ProgramOptions, runProgram } from "../../packages/sandbox/src/engines/in-process-engine";
import { stackConfig } from "../../packages/sandbox/src/engines/stack-config";
import { type Sandbox, startSandbox } from "../../packages/sandbox/src/sandbox";
import { asOperator, grantPermissions } from "../deployer";

// Cleanup, encryption, scanning and audit logs, in process: what is sent to the APIs.

type Values = Readonly<Record<string, unknown>>;

const project = "sandbox-project";
const number = "123456789012";
const repositories = `projects/${project}/locations/europe-west1/repositories`;
const kmsKey = `projects/${project}/locations/europe-west1/keyRings/registry/cryptoKeys/python`;
const agent = `serviceAccount:service-${number}@gcp-sa-artifactregistry.iam.gserviceaccount.com`;
const cleanup = {
    policies: {
        old: { action: "DELETE", condition: { olderThan: "30d", packageNamePrefixes: ["b", "a"] } },
        newest: { action: "KEEP", mostRecentVersions: { keepCount: 3 } },
    },
};
const written = {
    newest: { id: "newest", action: "KEEP", mostRecentVersions: { keepCount: 3 } },
    old: {
        id: "old",
        action: "DELETE",
        condition: { tagState: "ANY", olderThan: "2592000s", packageNamePrefixes: ["a", "b"] },
    },
};

describe("the life of a repository", () => {
    let sandbox: Sandbox;
    beforeEach(async () => {
        sandbox = await startSandbox({ project });
        sandbox.cloud.project(project).services.add("cloudkms.googleapis.com");
        sandbox.cloud.addCryptoKey(kmsKey);
    });
    afterEach(() => sandbox.close());

    /** Runs the program. Returns its log, its calls, and the modules that it loaded. */
    async function run(values: Values, options: ProgramOptions = {}, more: Record<string, string> = {}) {
        const lines: string[] = [];
        const before = sandbox.requests.length;
        const config = {
            "gcp:project": project,
            ...sandbox.providerConfig,
            ...stackConfig({ location: "europe-west1", serviceAccounts: {}, ...values }),
            ...more,
        };
        const { modules } = await runProgram(
            { stack: "test", config, onProgress: (line) => lines.push(line) },
            options,
        );
        const calls = sandbox.requests
            .slice(before)
            .map(({ method, path }) => `${method} ${path.replace(/^\/\w+\/v1\//, "").replace(/\?.*/, "")}`);
        return { log: lines.join("\n"), calls, changes: calls.filter((call) => isChange(call)), modules };
    }
    const isChange = (call: string) => !call.startsWith("GET ") && !call.endsWith(":getIamPolicy");

    async function call(method: string, path: string, body: object = {}): Promise<Values> {
        const response = await fetch(`${sandbox.apiUrl}/${path}`, {
            method,
            headers: { authorization: `Bearer ${sandbox.accessToken}`, "content-type": "application/json" },
            ...(method === "GET" ? {} : { body: JSON.stringify(body) }),
        });
        const text = await response.text();
        assert.equal(response.status, 200, `${method} ${path}: ${text}`);
        return JSON.parse(text) as Values;
    }

    async function createRepository(settings: object): Promise<void> {
        sandbox.cloud.project(project).services.add("artifactregistry.googleapis.com");
        await call("POST", `artifactregistry/v1/${repositories}?repository_id=python`, {
            format: "PYTHON",
            ...settings,
        });
    }
    const getRepository = () => call("GET", `artifactregistry/v1/${repositories}/python`);
    const getAuditConfigs = async () => {
        const policy = await call("POST", `cloudresourcemanager/v1/projects/${project}:getIamPolicy`);
        return policy["auditConfigs"];
    };
    const setAuditConfigs = (auditConfigs: object[]) =>
        call("POST", `cloudresourcemanager/v1/projects/${project}:setIamPolicy`, {
            policy: { bindings: [], auditConfigs },
            updateMask: "auditConfigs",
        });

    it("is written with the repository: cleanup in one form, and a dry run", async () => {
        const { calls } = await run({ cleanup, scanning: true });
        const { cleanupPolicies, cleanupPolicyDryRun, vulnerabilityScanningConfig } = await getRepository();
        assert.deepEqual(cleanupPolicies, written);
        assert.deepEqual(Object.keys(cleanupPolicies as object), Object.keys(written));
        assert.equal(cleanupPolicyDryRun, true);
        assert.equal(
            (vulnerabilityScanningConfig as { enablementConfig: string }).enablementConfig,
            "INHERITED",
        );
        assert.deepEqual(calls.filter((each) => each.endsWith(":enable")).sort(), [
            ...["artifactregistry", "containerscanning", "iam"].map(
                (api) => `POST projects/${project}/services/${api}.googleapis.com:enable`,
            ),
        ]);
    });

    it("deletes only if dryRun is false, and enables no API with enableApis: false", async () => {
        sandbox.cloud.project(project).services.add("artifactregistry.googleapis.com");
        const { calls } = await run({
            cleanup: { ...cleanup, dryRun: false },
            scanning: true,
            enableApis: false,
        });
        assert.ok(!("cleanupPolicyDryRun" in (await getRepository())));
        assert.ok(!calls.some((each) => each.endsWith(":enable")));
    });

    it("lets the service agent use the key before the repository is created", async () => {
        const { changes, calls } = await run({ encryption: { kmsKey } });
        assert.deepEqual(
            changes.filter((each) => !each.endsWith(":enable")),
            [
                `POST projects/${project}/services/artifactregistry.googleapis.com:generateServiceIdentity`,
                `POST ${kmsKey}:setIamPolicy`,
                `POST ${repositories}`,
            ],
        );
        assert.ok(calls.includes(`GET projects/${project}`), "the number was looked up");
        assert.equal((await getRepository())["kmsKeyName"], kmsKey);
        const { bindings } = await call("GET", `cloudkms/v1/${kmsKey}:getIamPolicy`);
        assert.deepEqual(bindings, [
            { role: "roles/cloudkms.cryptoKeyEncrypterDecrypter", members: [agent] },
        ]);
    });

    it("does not look up a number that is configured, and keeps other members of the key", async () => {
        sandbox.cloud.addCryptoKey(kmsKey, ["user:owner@example.com"]);
        const { calls } = await run({ encryption: { kmsKey }, projectNumber: Number(number) });
        assert.ok(!calls.includes(`GET projects/${project}`));
        const { bindings } = await call("GET", `cloudkms/v1/${kmsKey}:getIamPolicy`);
        assert.deepEqual((bindings as { members: string[] }[])[0]?.members, [
            "user:owner@example.com",
            agent,
        ]);
    });

    it("adds to the audit logs of the project, and looks nothing up without them", async () => {
        const theirs = { service: "iam.googleapis.com", auditLogConfigs: [{ logType: "DATA_READ" }] };
        const exempted = { logType: "DATA_WRITE", exemptedMembers: ["user:ada@example.com"] };
        await setAuditConfigs([
            theirs,
            { service: "artifactregistry.googleapis.com", auditLogConfigs: [exempted] },
        ]);
        const asked = ["DATA_READ"];
        await run({ auditLogs: asked });
        const merged = [
            theirs,
            {
                service: "artifactregistry.googleapis.com",
                auditLogConfigs: [{ logType: "DATA_READ" }, exempted],
            },
        ];
        assert.deepEqual(await getAuditConfigs(), merged);
        // A stack of the same project that asks for less.
        await run({ auditLogs: ["DATA_WRITE"], repository: "other" });
        assert.deepEqual(await getAuditConfigs(), merged);
        const { calls } = await run({ repository: "third" });
        assert.ok(!calls.some((each) => each.includes(`projects/${project}:`)));
    });

    it("changes nothing in a preview", async () => {
        const { changes } = await run(
            { cleanup, encryption: { kmsKey }, scanning: true, auditLogs: ["DATA_READ"] },
            { preview: true },
        );
        assert.deepEqual(changes, []);
    });

    it("is the project's audit logs alone if the repository is someone else's", async () => {
        await createRepository({});
        const { changes } = await run({ existing: "use", access: "additive", auditLogs: ["DATA_READ"] });
        assert.deepEqual(
            changes.filter((each) => !each.endsWith(":enable")),
            [`POST projects/${project}:setIamPolicy`],
        );
    });

    describe("of a repository that is adopted", () => {
        const adopt = { existing: "adopt", access: "additive" };
        const odd = {
            cleanupPolicies: {
                everything_old: { action: "DELETE", condition: { olderThan: "86400s", tagPrefixes: ["x"] } },
                old: { action: "DELETE", condition: { olderThan: "7776000s" } },
            },
            vulnerabilityScanningConfig: { enablementConfig: "DISABLED" },
            labels: { team: "data" },
        };

        it("is changed where it is configured, and each difference is named", async () => {
            await createRepository(odd);
            const values = { ...adopt, cleanup, scanning: true };
            const { log, changes } = await run(values, { preview: true });
            assert.deepEqual(changes, []);
            assert.match(
                log,
                new RegExp(
                    [
                        "differs from the configuration:",
                        'cleanupPolicies.everything_old: "DELETE older than 1d, with tags x\\*" is removed',
                        'cleanupPolicies.newest: not set becomes "KEEP the newest 3 of each package"',
                        'cleanupPolicies.old: "DELETE older than 90d" becomes "DELETE older than 30d, of packages a\\*, b\\*"',
                        'cleanupPolicyDryRun: "false" becomes "true"',
                        'vulnerabilityScanningConfig: "DISABLED" becomes "INHERITED"',
                    ].join("\\s+"),
                ),
            );
            assert.doesNotMatch(log, /keeps settings/);
            const up = await run(values);
            assert.ok(up.changes.includes(`PATCH ${repositories}/python`));
            assert.ok(!up.changes.includes(`POST ${repositories}`));
            assert.deepEqual((await getRepository())["cleanupPolicies"], written);
        });

        it("stays as it is where it is not configured, and is named", async () => {
            sandbox.cloud.addCryptoKey(kmsKey, [agent]);
            await createRepository({ ...odd, cleanupPolicyDryRun: true, kmsKeyName: kmsKey });
            const before = await getRepository();
            const { log, changes } = await run(adopt);
            assert.match(
                log,
                /keeps settings that this stack does not manage: kmsKeyName, cleanupPolicies, cleanupPolicyDryRun, vulnerabilityScanningConfig\./,
            );
            assert.ok(!changes.some((each) => each.startsWith("PATCH")));
            assert.deepEqual(await getRepository(), before);
        });

        it("keeps its key, and a different one is an error", async () => {
            sandbox.cloud.addCryptoKey(kmsKey, [agent]);
            await createRepository({ kmsKeyName: kmsKey, labels: { team: "data" } });
            const { changes } = await run({ ...adopt, encryption: { kmsKey } });
            assert.ok(!changes.some((each) => each.startsWith("PATCH")));
            const other = kmsKey.replace("/python", "/other");
            const seen = sandbox.requests.length;
            await assert.rejects(run({ ...adopt, encryption: { kmsKey: other } }), ({ message }: Error) => {
                assert.equal(
                    message,
                    `existing: adopt: the repository ${repositories}/python is encrypted with the key ${kmsKey}, not with ${other}. ` +
                        "The key of a repository cannot be changed, and a new repository would not have its packages. " +
                        "Set encryption.kmsKey to the key that it has, or remove encryption. Nothing was changed.",
                );
                return true;
            });
            assert.ok(sandbox.requests.slice(seen).every(({ method }) => method === "GET"));
        });

        it("cannot get a key", async () => {
            await createRepository({});
            await assert.rejects(
                run({ ...adopt, encryption: { kmsKey } }),
                /is encrypted with a Google-managed key, not with .* Remove encryption\. Nothing was changed\.$/,
            );
        });
    });

    it("says what is missing for the audit logs", async () => {
        grantPermissions(sandbox, []);
        await assert.rejects(
            run({ auditLogs: ["DATA_READ"] }, { preview: true }, asOperator(sandbox)),
            /^Error: auditLogs: cannot read the policy of the project sandbox-project, in which audit logs are set\. To keep what is set there, the deployer needs the permission resourcemanager\.projects\.getIamPolicy\./,
        );
    });

    it("costs a stack that sets nothing of it nothing: no module, no call", async () => {
        const only =
            /\/src\/lifecycle\/|\/components\/(encryption|audit-logs|project-number|service-agent|mirror|existing-mirror)\.|\/validation\/(entry|cooldown)\.|gcp\/kms\//;
        const loadedBy = async (values: Values) => {
            const { calls, modules } = await run(values, { preview: true });
            assert.ok(modules.some((each) => each.endsWith("/src/components/registry.ts")));
            return { calls, modules: modules.filter((each) => only.test(each)) };
        };
        const unset = { cooldown: {}, cleanup: {}, encryption: {}, scanning: false, auditLogs: [] };
        assert.deepEqual(await loadedBy(unset), { calls: [], modules: [] });
        const scanned = await loadedBy({ scanning: true });
        assert.deepEqual(scanned.modules, []);
        const cleaned = await loadedBy({ cleanup, cooldown: { days: 7 } });
        assert.ok(cleaned.modules.some((each) => each.endsWith("/lifecycle/settings.ts")));
        assert.ok(cleaned.modules.some((each) => each.endsWith("/validation/cooldown.ts")));
        assert.ok(!cleaned.modules.some((each) => /components\/|kms\//.test(each)));
    });
});
