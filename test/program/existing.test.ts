import assert from "node:assert/strict";
import { type ProgramOptions, runProgram } from "../../packages/sandbox/src/engines/in-process-engine";
import { stackConfig } from "../../packages/sandbox/src/engines/stack-config";
import { type LoggedRequest, type Sandbox, startSandbox } from "../../packages/sandbox/src/sandbox";

// Repositories and accounts that exist before the stack is created.

const project = "sandbox-project";
const repositories = `projects/${project}/locations/europe-west1/repositories`;
const reader = "roles/artifactregistry.reader";

describe("resources that already exist", () => {
    let sandbox: Sandbox;
    beforeEach(async () => {
        sandbox = await startSandbox({ project });
    });
    afterEach(() => sandbox.close());

    /** Calls one of the APIs as another user. */
    async function call(method: string, path: string, body: object = {}): Promise<void> {
        const response = await fetch(`${sandbox.apiUrl}/${path}`, {
            method,
            headers: { authorization: `Bearer ${sandbox.accessToken}`, "content-type": "application/json" },
            body: JSON.stringify(body),
        });
        assert.equal(response.status, 200, `${method} ${path}: ${await response.text()}`);
    }

    async function createRepository(settings: object = {}): Promise<void> {
        await call(
            "POST",
            `serviceusage/v1/projects/${project}/services/artifactregistry.googleapis.com:enable`,
        );
        await call("POST", `artifactregistry/v1/${repositories}?repository_id=python`, {
            format: "PYTHON",
            ...settings,
        });
    }

    async function createAccount(displayName: string): Promise<void> {
        await call("POST", `serviceusage/v1/projects/${project}/services/iam.googleapis.com:enable`);
        await call("POST", `iam/v1/projects/${project}/serviceAccounts`, {
            accountId: "ci-builds",
            serviceAccount: { displayName, description: "Owned by another team" },
        });
    }

    /** Runs the program. Returns its outputs, its log, and its API calls that change something. */
    async function run(own: Readonly<Record<string, unknown>>, options: ProgramOptions = {}) {
        const lines: string[] = [];
        const requestsBefore = sandbox.requests.length;
        const config = {
            "gcp:project": project,
            ...sandbox.providerConfig,
            ...stackConfig({ location: "europe-west1", ...own }),
        };
        const result = await runProgram(
            { stack: "test", config, onProgress: (line) => lines.push(line) },
            options,
        );
        return {
            ...result,
            log: lines.join("\n"),
            changes: changesIn(sandbox.requests.slice(requestsBefore)),
        };
    }

    const changesIn = (requests: readonly LoggedRequest[]) =>
        requests
            .filter(({ method }) => method !== "GET")
            .map(({ method, path }) => `${method} ${path.replace(/\?.*/, "").replace(/^.*\//, "")}`)
            .filter((change) => !change.endsWith(":enable"))
            .sort();

    const getPolicy = () => {
        const [repository] = sandbox.cloud.project(project).repositories.values();
        return Object.fromEntries(repository!.policy.bindings.map(({ role, members }) => [role, members]));
    };

    it("get only grants and keys if they are used", async () => {
        await createRepository({ description: "Theirs", labels: { team: "data" } });
        await createAccount("Theirs");
        const { outputs, changes } = await run({
            existing: "use",
            access: "additive",
            readers: ["group:developers@example.com"],
            serviceAccounts: { "ci-builds": { access: "writer", existing: "use", keys: ["a"] } },
        });

        assert.deepEqual(changes, ["POST keys", "POST python:setIamPolicy", "POST python:setIamPolicy"]);
        assert.deepEqual(getPolicy(), {
            [reader]: ["group:developers@example.com"],
            "roles/artifactregistry.writer": [`serviceAccount:ci-builds@${project}.iam.gserviceaccount.com`],
        });
        const credentials = outputs["credentials"]?.value as Record<string, { keyFile: string }>;
        const key = JSON.parse(credentials["ci-builds"]!.keyFile) as { client_email: string };
        assert.equal(key.client_email, `ci-builds@${project}.iam.gserviceaccount.com`);
    });

    it("keep the settings that are not configured if they are adopted", async () => {
        const kmsKeyName = "projects/sandbox-project/locations/europe-west1/keyRings/r/cryptoKeys/k";
        const agent = "serviceAccount:service-123456789012@gcp-sa-artifactregistry.iam.gserviceaccount.com";
        sandbox.cloud.addCryptoKey(kmsKeyName, [agent]);
        await createRepository({ description: "Theirs", labels: { team: "data", stage: "x" }, kmsKeyName });
        await createAccount("Theirs");
        const settings = {
            existing: "adopt",
            access: "additive",
            labels: { team: "platform", cost: "1" },
            serviceAccounts: { "ci-builds": { access: "writer", existing: "adopt", displayName: "Ours" } },
        };
        const preview = await run(settings, { preview: true });
        assert.deepEqual(preview.changes, []);
        for (const message of [
            /python differs from the configuration:\s+labels\.team: "data" becomes "platform"\s+labels\.cost: not set becomes "1"/,
            /ci-builds@sandbox-project\S* differs from the configuration:\s+displayName: "Theirs" becomes "Ours"/,
            /python keeps settings that this stack does not manage: kmsKeyName\./,
        ]) {
            assert.match(preview.log, message);
        }
        assert.doesNotMatch(preview.log, /description/);

        const { changes } = await run(settings);
        assert.deepEqual(changes, [
            `PATCH ci-builds@${project}.iam.gserviceaccount.com`,
            "PATCH python",
            "POST python:setIamPolicy",
        ]);
        const state = sandbox.cloud.project(project);
        const [repository] = state.repositories.values();
        assert.equal(repository?.settings.description, "Theirs");
        assert.deepEqual(repository.settings.labels, { team: "platform", stage: "x", cost: "1" });
        const [account] = state.serviceAccounts.values();
        assert.deepEqual([account?.displayName, account?.description], ["Ours", "Owned by another team"]);
    });

    it("are reported as missing before anything is changed", async () => {
        await enableServices();
        await assert.rejects(run({ existing: "adopt", access: "additive" }), ({ message }: Error) => {
            assert.equal(
                message,
                `existing: adopt: the repository ${repositories}/python does not exist. Create it first, or remove "existing" to let this stack create it. Nothing was changed.`,
            );
            return true;
        });
        await assert.rejects(
            run({
                existing: "use",
                access: "additive",
                serviceAccounts: { "ci-builds": { access: "reader", existing: "use", keys: ["a"] } },
            }),
            ({ message }: Error) => {
                assert.match(
                    message,
                    /^2 existing resources cannot be used; nothing was changed\.\n {2}- existing: use: the repository .*\n {2}- existing: use: the service account /,
                );
                return true;
            },
        );
        await assert.rejects(
            run({ serviceAccounts: { "ci-builds": { access: "reader", existing: "adopt" } } }),
            /the service account projects\/sandbox-project\/serviceAccounts\/ci-builds@\S+ does not exist\. Create it/,
        );
        assert.deepEqual(changesIn(sandbox.requests), []);
    });

    async function enableServices(): Promise<void> {
        for (const service of ["artifactregistry", "iam"]) {
            await call(
                "POST",
                `serviceusage/v1/projects/${project}/services/${service}.googleapis.com:enable`,
            );
        }
    }

    it("are refused if they have the wrong format or mode, before anything is changed", async () => {
        await createRepository({
            mode: "REMOTE_REPOSITORY",
            remoteRepositoryConfig: { pythonRepository: { publicRepository: "PYPI" } },
        });
        const requestsBefore = sandbox.requests.length;
        await assert.rejects(
            run({ existing: "adopt", access: "additive" }),
            /the repository \S+ is PYTHON, REMOTE_REPOSITORY\. This program works with PYTHON, STANDARD_REPOSITORY/,
        );
        assert.deepEqual(changesIn(sandbox.requests.slice(requestsBefore)), []);
    });

    it("are reported with the message of the service if they cannot be looked up", async () => {
        await assert.rejects(
            run({ existing: "use", access: "additive" }),
            /cannot look up the repository \S+\. .*has not been used in project/s,
        );
    });

    it("cause a warning in a preview about members that authoritative access removes", async () => {
        await createRepository();
        const members = ["user:kept@example.com", "user:stray@example.com", "group:others@example.com"];
        await call("POST", `artifactregistry/v1/${repositories}/python:setIamPolicy`, {
            policy: {
                bindings: [
                    { role: reader, members },
                    { role: "roles/artifactregistry.repoAdmin", members: ["user:admin@example.com"] },
                ],
            },
        });
        const settings = { existing: "use", readers: ["user:Kept@example.com"], serviceAccounts: {} };
        const { log } = await run({ ...settings, access: "authoritative" }, { preview: true });
        assert.match(
            log,
            /these principals lose their role on the repository \S+python\. .*\n\s+roles\/artifactregistry\.reader: user:stray@example\.com, group:others@example\.com/,
        );
        assert.doesNotMatch(log.slice(log.indexOf("warning")), /admin@example|kept@/);
        const additive = await run({ ...settings, access: "additive" }, { preview: true });
        assert.doesNotMatch(additive.log, /lose/);

        await run({ ...settings, access: "authoritative" });
        assert.deepEqual(getPolicy()[reader], ["user:kept@example.com"]);
    });

    it("are reported if they are disabled", async () => {
        await createAccount("Theirs");
        const email = `ci-builds@${project}.iam.gserviceaccount.com`;
        await call("POST", `iam/v1/projects/${project}/serviceAccounts/${email}:disable`);
        const serviceAccounts = { "ci-builds": { access: "reader", existing: "use" } };
        const { log } = await run({ serviceAccounts }, { preview: true });
        assert.match(log, /ci-builds@\S+ is disabled\. No one can use it/);
    });
});
