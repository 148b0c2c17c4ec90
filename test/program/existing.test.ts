import assert from "node:assert/strict";
import { type ProgramOptions, runProgram } from "../../sandbox/engines/in-process-engine";
import { stackConfig } from "../../sandbox/engines/stack-config";
import { type LoggedRequest, type Sandbox, startSandbox } from "../../sandbox/sandbox";

// Repositories and accounts that exist before the stack does.

const project = "sandbox-project";
const repositories = `projects/${project}/locations/europe-west1/repositories`;
const reader = "roles/artifactregistry.reader";

describe("resources that exist already", () => {
    let sandbox: Sandbox;
    beforeEach(async () => {
        sandbox = await startSandbox({ project });
    });
    afterEach(() => sandbox.close());

    /** A call to one of the APIs that is not the program's. */
    async function call(method: string, path: string, body: object = {}): Promise<void> {
        const response = await fetch(`${sandbox.apiUrl}/${path}`, {
            method,
            headers: { authorization: `Bearer ${sandbox.accessToken}`, "content-type": "application/json" },
            body: JSON.stringify(body),
        });
        assert.equal(response.status, 200, `${method} ${path}: ${await response.text()}`);
    }

    async function makeRepository(settings: object = {}): Promise<void> {
        await call(
            "POST",
            `serviceusage/v1/projects/${project}/services/artifactregistry.googleapis.com:enable`,
        );
        await call("POST", `artifactregistry/v1/${repositories}?repository_id=python`, {
            format: "PYTHON",
            ...settings,
        });
    }

    async function makeAccount(displayName: string): Promise<void> {
        await call("POST", `serviceusage/v1/projects/${project}/services/iam.googleapis.com:enable`);
        await call("POST", `iam/v1/projects/${project}/serviceAccounts`, {
            accountId: "ci-builds",
            serviceAccount: { displayName, description: "Owned by another team" },
        });
    }

    /** Runs the program; returns its result, its messages and the requests that changed something. */
    async function run(own: Readonly<Record<string, unknown>>, options: ProgramOptions = {}) {
        const said: string[] = [];
        const seen = sandbox.requests.length;
        const config = {
            "gcp:project": project,
            ...sandbox.providerConfig,
            ...stackConfig({ location: "europe-west1", ...own }),
        };
        const result = await runProgram(
            { stack: "test", config, onProgress: (line) => said.push(line) },
            options,
        );
        return { ...result, said: said.join("\n"), changes: changesIn(sandbox.requests.slice(seen)) };
    }

    const changesIn = (requests: readonly LoggedRequest[]) =>
        requests
            .filter(({ method }) => method !== "GET")
            .map(({ method, path }) => `${method} ${path.replace(/\?.*/, "").replace(/^.*\//, "")}`)
            .filter((change) => !change.endsWith(":enable"))
            .sort();

    const policyOf = () => {
        const [repository] = sandbox.cloud.project(project).repositories.values();
        return Object.fromEntries(repository!.policy.bindings.map(({ role, members }) => [role, members]));
    };

    it("are only granted on and given keys, where they are used", async () => {
        await makeRepository({ description: "Theirs", labels: { team: "data" } });
        await makeAccount("Theirs");
        const { outputs, changes } = await run({
            existing: "use",
            access: "additive",
            readers: ["group:developers@example.com"],
            serviceAccounts: { "ci-builds": { access: "writer", existing: "use", keys: ["a"] } },
        });

        assert.deepEqual(changes, ["POST keys", "POST python:setIamPolicy", "POST python:setIamPolicy"]);
        assert.deepEqual(policyOf(), {
            [reader]: ["group:developers@example.com"],
            "roles/artifactregistry.writer": [`serviceAccount:ci-builds@${project}.iam.gserviceaccount.com`],
        });
        const credentials = outputs["credentials"]?.value as Record<string, { keyFile: string }>;
        const key = JSON.parse(credentials["ci-builds"]!.keyFile) as { client_email: string };
        assert.equal(key.client_email, `ci-builds@${project}.iam.gserviceaccount.com`);
    });

    it("keep what the configuration does not mention, where they are adopted", async () => {
        const kmsKeyName = "projects/p/locations/europe-west1/keyRings/r/cryptoKeys/k";
        await makeRepository({ description: "Theirs", labels: { team: "data", stage: "x" }, kmsKeyName });
        await makeAccount("Theirs");
        const own = {
            existing: "adopt",
            access: "additive",
            labels: { team: "platform", cost: "1" },
            serviceAccounts: { "ci-builds": { access: "writer", existing: "adopt", displayName: "Ours" } },
        };
        const preview = await run(own, { preview: true });
        assert.deepEqual(preview.changes, []);
        for (const said of [
            /python differs from the configuration:\s+labels\.team: "data" becomes "platform"\s+labels\.cost: not set becomes "1"/,
            /ci-builds@sandbox-project\S* differs from the configuration:\s+displayName: "Theirs" becomes "Ours"/,
            /python keeps settings that this stack does not manage: kmsKeyName\./,
        ]) {
            assert.match(preview.said, said);
        }
        assert.doesNotMatch(preview.said, /description/);

        const { changes } = await run(own);
        assert.deepEqual(changes, [
            `PATCH ci-builds@${project}.iam.gserviceaccount.com`,
            "PATCH python",
            "POST python:setIamPolicy",
        ]);
        const left = sandbox.cloud.project(project);
        const [repository] = left.repositories.values();
        assert.equal(repository?.settings.description, "Theirs");
        assert.deepEqual(repository.settings.labels, { team: "platform", stage: "x", cost: "1" });
        const [account] = left.serviceAccounts.values();
        assert.deepEqual([account?.displayName, account?.description], ["Ours", "Owned by another team"]);
    });

    it("are reported as missing, before anything is changed", async () => {
        for (const existing of ["use", "adopt"]) {
            await makeServicesAvailable();
            await assert.rejects(run({ existing, access: "additive" }), ({ message }: Error) => {
                assert.equal(
                    message,
                    `existing: ${existing}: the repository ${repositories}/python does not exist. Create it first, or remove "existing" to let this stack create it. Nothing was changed.`,
                );
                return true;
            });
            await assert.rejects(
                run({
                    existing,
                    access: "additive",
                    serviceAccounts: { "ci-builds": { access: "reader", existing, keys: ["a"] } },
                }),
                ({ message }: Error) => {
                    assert.match(
                        message,
                        /^2 existing resources cannot be used; nothing was changed\.\n {2}- existing: \w+: the repository .*\n {2}- existing: \w+: the service account /,
                    );
                    return true;
                },
            );
            await assert.rejects(
                run({ serviceAccounts: { "ci-builds": { access: "reader", existing } } }),
                /the service account projects\/sandbox-project\/serviceAccounts\/ci-builds@\S+ does not exist\. Create it/,
            );
        }
        assert.deepEqual(changesIn(sandbox.requests), []);
    });

    async function makeServicesAvailable(): Promise<void> {
        for (const service of ["artifactregistry", "iam"]) {
            await call(
                "POST",
                `serviceusage/v1/projects/${project}/services/${service}.googleapis.com:enable`,
            );
        }
    }

    it("are refused if they are of another kind, before anything is changed", async () => {
        await makeRepository({
            mode: "REMOTE_REPOSITORY",
            remoteRepositoryConfig: { pythonRepository: { publicRepository: "PYPI" } },
        });
        const seen = sandbox.requests.length;
        for (const existing of ["use", "adopt"]) {
            await assert.rejects(
                run({ existing, access: "additive" }),
                /the repository \S+ is PYTHON, REMOTE_REPOSITORY\. This program works with PYTHON, STANDARD_REPOSITORY/,
            );
        }
        assert.deepEqual(changesIn(sandbox.requests.slice(seen)), []);
    });

    it("are reported with the service's reason, if they cannot be looked up", async () => {
        await assert.rejects(
            run({ existing: "use", access: "additive" }),
            /cannot look up the repository \S+\. .*has not been used in project/s,
        );
    });

    it("tell in a preview who loses which role to authoritative access", async () => {
        await makeRepository();
        const members = ["user:kept@example.com", "user:stray@example.com", "group:others@example.com"];
        await call("POST", `artifactregistry/v1/${repositories}/python:setIamPolicy`, {
            policy: {
                bindings: [
                    { role: reader, members },
                    { role: "roles/artifactregistry.repoAdmin", members: ["user:admin@example.com"] },
                ],
            },
        });
        const own = { existing: "use", readers: ["user:Kept@example.com"], serviceAccounts: {} };
        const { said } = await run({ ...own, access: "authoritative" }, { preview: true });
        assert.match(
            said,
            /these principals lose their role on the repository \S+python\. .*\n\s+roles\/artifactregistry\.reader: user:stray@example\.com, group:others@example\.com/,
        );
        assert.doesNotMatch(said, /admin@example|kept@/);
        const additive = await run({ ...own, access: "additive" }, { preview: true });
        assert.doesNotMatch(additive.said, /lose/);

        await run({ ...own, access: "authoritative" });
        assert.deepEqual(policyOf()[reader], ["user:kept@example.com"]);
    });

    it("are reported if they are disabled", async () => {
        await makeAccount("Theirs");
        const email = `ci-builds@${project}.iam.gserviceaccount.com`;
        await call("POST", `iam/v1/projects/${project}/serviceAccounts/${email}:disable`);
        const serviceAccounts = { "ci-builds": { access: "reader", existing: "use" } };
        const { said } = await run({ serviceAccounts }, { preview: true });
        assert.match(said, /ci-builds@\S+ is disabled: nobody can act as it/);
    });
});
