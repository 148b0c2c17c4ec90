import { strict as assert } from "node:assert";
import { createPublicKey } from "node:crypto";
import { startSandbox, type Sandbox } from "../../packages/sandbox/src/sandbox";
import {
    accountsPath,
    call,
    createKey,
    createRepository,
    grant,
    ok,
    projectPath,
    repositoryPath,
    text,
} from "./client";

const repositories = `/artifactregistry/v1${projectPath}/locations/europe-west1/repositories`;
const services = `/serviceusage/v1${projectPath}/services`;
const reader = "roles/artifactregistry.reader";

describe("sandbox: control plane", () => {
    let sandbox: Sandbox;
    beforeEach(async () => (sandbox = await startSandbox()));
    afterEach(() => sandbox.close());

    /** Asserts an error in Google's format. */
    async function refuses(
        code: number,
        status: string,
        message: RegExp,
        ...args: [method: string, path: string, body?: unknown]
    ) {
        const reply = await call(sandbox, ...args);
        assert.equal(reply.status, code, JSON.stringify(reply.json));
        assert.equal(reply.json["error"]?.["code"], code);
        assert.equal(reply.json["error"]["status"], status);
        assert.match(text(reply.json["error"]["message"]), message);
        return reply.json["error"];
    }

    it("requires a token that it issued", async () => {
        for (const token of ["", "made-up", sandbox.issueToken("user:dev@example.com", 0)]) {
            const { status, json } = await call(sandbox, "GET", services, undefined, token);
            assert.deepEqual([status, json["error"]?.["status"]], [401, "UNAUTHENTICATED"]);
        }
        const bare = await fetch(sandbox.apiUrl + services);
        assert.equal(bare.status, 401);
    });

    it("answers an unknown path with JSON", async () => {
        await refuses(404, "NOT_FOUND", /GET \/compute/, "GET", "/compute/v1/projects/p");
        await refuses(404, "NOT_FOUND", /PUT/, "PUT", repositoryPath);
    });

    it("does not reveal which projects exist", async () => {
        await refuses(
            403,
            "PERMISSION_DENIED",
            /project other/,
            "GET",
            "/serviceusage/v1/projects/other/services",
        );
        await refuses(403, "PERMISSION_DENIED", /./, "GET", "/cloudresourcemanager/v1/projects/other");
        const stranger = sandbox.issueToken("user:stranger@example.com");
        for (const path of ["/cloudresourcemanager/v1/projects/sandbox-project", services]) {
            assert.equal((await call(sandbox, "GET", path, undefined, stranger)).status, 403);
        }
    });

    it("knows a project by id and by number", async () => {
        const project = await ok(sandbox, "GET", "/cloudresourcemanager/v1/projects/sandbox-project");
        assert.equal(project["projectNumber"], "123456789012");
        assert.equal(project["lifecycleState"], "ACTIVE");
        await ok(sandbox, "GET", "/serviceusage/v1/projects/123456789012/services");
    });

    it("refuses calls to an API that is not enabled", async () => {
        const error = await refuses(
            403,
            "PERMISSION_DENIED",
            /Artifact Registry API has not been used/,
            "GET",
            repositoryPath,
        );
        assert.equal(error["details"]?.["0"]?.["reason"], "SERVICE_DISABLED");
        assert.equal(error["details"]["0"]["metadata"]?.["service"], "artifactregistry.googleapis.com");
        await refuses(403, "PERMISSION_DENIED", /IAM\) API has not been used/, "POST", accountsPath, {
            accountId: "robot-1",
        });
    });

    it("enables APIs, one and several, and lists them", async () => {
        const one = await ok(sandbox, "POST", `${services}/iam.googleapis.com:enable`, {});
        assert.equal(one["done"], true);
        await ok(sandbox, "POST", `${services}:batchEnable`, {
            serviceIds: ["artifactregistry.googleapis.com"],
        });
        const listed = await ok(
            sandbox,
            "GET",
            `${services}?filter=state:ENABLED&alt=json&prettyPrint=false`,
        );
        const names = JSON.stringify(listed["services"]);
        assert.match(names, /projects\/123456789012\/services\/iam\.googleapis\.com/);
        assert.match(names, /artifactregistry\.googleapis\.com/);
        assert.equal((await ok(sandbox, "GET", `${services}/iam.googleapis.com`))["state"], "ENABLED");
        await ok(sandbox, "POST", `${services}/iam.googleapis.com:disable`, {
            disableDependentServices: true,
        });
        assert.equal((await ok(sandbox, "GET", `${services}/iam.googleapis.com`))["state"], "DISABLED");
        await refuses(400, "INVALID_ARGUMENT", /./, "POST", `${services}/nonsense:enable`, {});
    });

    describe("repositories", () => {
        beforeEach(() =>
            createRepository(sandbox, {
                description: "ours",
                labels: { team: "a" },
                cleanupPolicyDryRun: true,
            }),
        );

        it("are created once, read, listed and deleted", async () => {
            const { createTime, updateTime, ...rest } = await ok(sandbox, "GET", repositoryPath);
            assert.equal(createTime, updateTime);
            assert.deepEqual(rest, {
                name: "projects/sandbox-project/locations/europe-west1/repositories/python",
                format: "PYTHON",
                mode: "STANDARD_REPOSITORY",
                description: "ours",
                labels: { team: "a" },
                cleanupPolicyDryRun: true,
                sizeBytes: "0",
                registryUri: "europe-west1-python.pkg.dev/sandbox-project/python",
            });
            assert.equal(
                JSON.stringify((await ok(sandbox, "GET", repositories))["repositories"]).includes("/python"),
                true,
            );
            await refuses(409, "ALREADY_EXISTS", /./, "POST", `${repositories}?repositoryId=python`, {
                format: "PYTHON",
            });
            assert.equal((await ok(sandbox, "DELETE", repositoryPath))["done"], true);
            await refuses(
                404,
                "NOT_FOUND",
                /"projects\/sandbox-project.*python" not found/,
                "GET",
                repositoryPath,
            );
            await refuses(404, "NOT_FOUND", /./, "DELETE", repositoryPath);
        });

        it("change the fields of the update mask, and clear those that the body lacks", async () => {
            const patched = await ok(
                sandbox,
                "PATCH",
                `${repositoryPath}?updateMask=description,cleanup_policy_dry_run`,
                {
                    description: "theirs",
                    labels: { team: "b" },
                },
            );
            assert.equal(patched["description"], "theirs");
            assert.deepEqual(patched["labels"], { team: "a" });
            assert.equal("cleanupPolicyDryRun" in patched, false);
            await refuses(
                400,
                "INVALID_ARGUMENT",
                /"mode" cannot/,
                "PATCH",
                `${repositoryPath}?updateMask=mode`,
                {},
            );
        });

        it("hold cleanup policies under their ids", async () => {
            const keep = { action: "KEEP", mostRecentVersions: { keepCount: 3 } };
            await createRepository(sandbox, { id: "tidy", cleanupPolicies: { keep } });
            const { cleanupPolicies } = await ok(sandbox, "GET", `${repositories}/tidy`);
            assert.deepEqual(cleanupPolicies, { keep: { id: "keep", ...keep } });
        });

        it("change a nested field alone", async () => {
            const usernamePasswordCredentials = {
                username: "u",
                passwordSecretVersion: "projects/sandbox-project/secrets/s/versions/1",
            };
            const remoteRepositoryConfig = {
                pythonRepository: { publicRepository: "PYPI" },
                upstreamCredentials: { usernamePasswordCredentials },
            };
            const agent =
                "serviceAccount:service-123456789012@gcp-sa-artifactregistry.iam.gserviceaccount.com";
            sandbox.cloud.addSecret("projects/sandbox-project/secrets/s", ["password"], [agent]);
            await createRepository(sandbox, {
                id: "mirror",
                mode: "REMOTE_REPOSITORY",
                remoteRepositoryConfig,
            });
            const path = "remoteRepositoryConfig.upstreamCredentials.usernamePasswordCredentials.username";
            const patched = await ok(sandbox, "PATCH", `${repositories}/mirror?updateMask=${path}`, {
                remoteRepositoryConfig: {
                    upstreamCredentials: { usernamePasswordCredentials: { username: "v" } },
                },
            });
            assert.deepEqual(patched["remoteRepositoryConfig"], {
                ...remoteRepositoryConfig,
                upstreamCredentials: {
                    usernamePasswordCredentials: { ...usernamePasswordCredentials, username: "v" },
                },
            });
        });

        const condition = { olderThan: "2592000s" };
        const mistakes: [string, RegExp, string, unknown][] = [
            ["another format", /'format'/, "a", { format: "DOCKER" }],
            ["no format", /'format'/, "a", {}],
            ["an unknown mode", /'mode'/, "a", { format: "PYTHON", mode: "NONSENSE" }],
            ["an unknown field", /'locaton'/, "a", { format: "PYTHON", locaton: "us" }],
            ["an id in capitals", /"A"/, "A", { format: "PYTHON" }],
            ["an id of 64 characters", /"a{64}"/, "a".repeat(64), { format: "PYTHON" }],
            ["no id", /""/, "", { format: "PYTHON" }],
            ["a label in capitals", /label/, "a", { format: "PYTHON", labels: { Team: "a" } }],
            [
                "a remote one without its configuration",
                /remote/,
                "a",
                { format: "PYTHON", mode: "REMOTE_REPOSITORY" },
            ],
            [
                "a standard one with upstreams",
                /virtual/,
                "a",
                { format: "PYTHON", virtualRepositoryConfig: {} },
            ],
            [
                "a policy under another's id",
                /its id/,
                "a",
                { format: "PYTHON", cleanupPolicies: { x: { id: "y", action: "KEEP", condition } } },
            ],
            [
                "a policy of neither kind",
                /either/,
                "a",
                { format: "PYTHON", cleanupPolicies: { x: { id: "x", action: "KEEP" } } },
            ],
            ["no JSON", /Invalid JSON/, "a", "{"],
        ];
        for (const [mistake, message, id, body] of mistakes) {
            it(`refuse ${mistake}`, async () => {
                await refuses(
                    400,
                    "INVALID_ARGUMENT",
                    message,
                    "POST",
                    `${repositories}?repository_id=${id}`,
                    body,
                );
            });
        }

        it("exist only where there is a location", async () => {
            const nowhere = repositories.replace("europe-west1", "eurpe");
            await refuses(
                403,
                "PERMISSION_DENIED",
                /locations\/eurpe/,
                "POST",
                `${nowhere}?repository_id=a`,
                { format: "PYTHON" },
            );
        });
    });

    describe("repository policies", () => {
        beforeEach(() => createRepository(sandbox));

        const set = (policy: object) => ok(sandbox, "POST", `${repositoryPath}:setIamPolicy`, { policy });
        const get = () =>
            ok(sandbox, "GET", `${repositoryPath}:getIamPolicy?options.requestedPolicyVersion=3&alt=json`);

        it("begin empty, keep what is set and change their etag", async () => {
            assert.deepEqual(await get(), { version: 1, etag: "ACAB" });
            const bindings = [{ role: reader, members: ["user:a@example.com", "allUsers"] }];
            const first = await set({ etag: "ACAB", bindings });
            assert.deepEqual(await get(), first);
            assert.deepEqual(first["bindings"], bindings);
            const second = await set({ bindings: [] });
            assert.equal("bindings" in second, false);
            assert.equal(new Set(["ACAB", first["etag"], second["etag"]]).size, 3);
        });

        it("refuse a write with the etag of an older policy", async () => {
            const { etag } = await get();
            await set({ etag, bindings: [{ role: reader, members: ["user:first@example.com"] }] });
            const late = {
                policy: { etag, bindings: [{ role: reader, members: ["user:late@example.com"] }] },
            };
            await refuses(
                409,
                "ABORTED",
                /concurrent policy changes/,
                "POST",
                `${repositoryPath}:setIamPolicy`,
                late,
            );
            assert.match(JSON.stringify(await get()), /first@example\.com/);
        });

        it("merge bindings of one role and repeated members", async () => {
            const policy = await set({
                bindings: [
                    { role: reader, members: ["user:a@example.com", "user:b@example.com"] },
                    { role: reader, members: ["user:b@example.com"] },
                    { role: "roles/artifactregistry.writer", members: [] },
                ],
            });
            assert.deepEqual(policy["bindings"], [
                { role: reader, members: ["user:a@example.com", "user:b@example.com"] },
            ]);
        });

        const members = Array.from({ length: 1501 }, (_, n) => `user:u${n}@example.com`);
        const groups = Array.from({ length: 251 }, (_, n) => `group:g${n}@example.com`);
        const condition = { expression: "true" };
        const mistakes: [string, RegExp, object][] = [
            [
                "a bare address",
                /Invalid member: "a@example\.com"/,
                { role: reader, members: ["a@example.com"] },
            ],
            [
                "an unknown role",
                /artifactregistry\.raeder is not supported/,
                { role: "roles/artifactregistry.raeder", members: ["allUsers"] },
            ],
            [
                "everybody as writers",
                /only be granted reading/,
                { role: "roles/artifactregistry.writer", members: ["allUsers"] },
            ],
            ["conditions", /condition/, { role: reader, members: [], condition }],
            ["1501 principals", /at most 1500/, { role: reader, members }],
            ["251 groups", /at most 1500 and 250/, { role: reader, members: groups }],
            [
                "a service account that is not there",
                /^Service account ghost@sandbox-project\.iam\.gserviceaccount\.com does not exist\.$/,
                { role: reader, members: ["serviceAccount:ghost@sandbox-project.iam.gserviceaccount.com"] },
            ],
        ];
        for (const [mistake, message, binding] of mistakes) {
            it(`refuse ${mistake}`, async () => {
                const policy = { bindings: [binding] };
                await refuses(400, "INVALID_ARGUMENT", message, "POST", `${repositoryPath}:setIamPolicy`, {
                    policy,
                });
            });
        }

        it("take accounts of other projects and Google's own", async () => {
            await grant(
                sandbox,
                "reader",
                "serviceAccount:ci@elsewhere.iam.gserviceaccount.com",
                "serviceAccount:123456789012-compute@developer.gserviceaccount.com",
                "principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/subject/s",
            );
        });

        it("keep the grant of a deleted account, for a deleted principal", async () => {
            const { email } = await createKey(sandbox);
            const { uniqueId } = await ok(sandbox, "GET", `${accountsPath}/${email}`);
            await grant(sandbox, "writer", `serviceAccount:${email}`);
            const { etag } = await get();
            await ok(sandbox, "DELETE", `${accountsPath}/${email}`);
            const after = await get();
            assert.deepEqual(after["bindings"]?.["0"]?.["members"], [
                `deleted:serviceAccount:${email}?uid=${text(uniqueId)}`,
            ]);
            assert.notEqual(after["etag"], etag);
            await set({ etag: after["etag"], bindings: after["bindings"] });
        });

        it("can be changed by an administrator, but not by a writer", async () => {
            const dev = sandbox.issueToken("user:dev@example.com");
            for (const [role, expected] of [
                ["repoAdmin", 403],
                ["admin", 200],
            ] as const) {
                await grant(sandbox, role, "user:dev@example.com");
                const policy = { bindings: [] };
                const { status } = await call(
                    sandbox,
                    "POST",
                    `${repositoryPath}:setIamPolicy`,
                    { policy },
                    dev,
                );
                assert.equal(status, expected, role);
            }
        });
    });

    describe("service accounts", () => {
        beforeEach(() => createRepository(sandbox));
        const email = "robot-1@sandbox-project.iam.gserviceaccount.com";

        it("are created once, found three ways, changed and deleted", async () => {
            const created = await ok(sandbox, "POST", accountsPath, {
                accountId: "robot-1",
                serviceAccount: { displayName: "Robot", description: "d" },
            });
            assert.equal(created["name"], `projects/sandbox-project/serviceAccounts/${email}`);
            assert.match(text(created["uniqueId"]), /^\d{21}$/);
            assert.equal(created["oauth2ClientId"], created["uniqueId"]);
            assert.equal("disabled" in created, false);
            await refuses(409, "ALREADY_EXISTS", /robot-1/, "POST", accountsPath, { accountId: "robot-1" });
            for (const path of [
                `${accountsPath}/${email}`,
                `${accountsPath}/${text(created["uniqueId"])}`,
                `/iam/v1/projects/-/serviceAccounts/${email}`,
                `/iam/v1/projects/-/serviceAccounts/${email.replace("@", "%40")}`,
            ]) {
                assert.deepEqual(await ok(sandbox, "GET", path), created);
            }
            const patched = await ok(sandbox, "PATCH", `${accountsPath}/${email}`, {
                serviceAccount: { description: "new" },
                updateMask: "display_name",
            });
            assert.equal("displayName" in patched, false);
            assert.equal(patched["description"], "d");
            await ok(sandbox, "POST", `${accountsPath}/${email}:disable`);
            assert.equal((await ok(sandbox, "GET", `${accountsPath}/${email}`))["disabled"], true);
            assert.deepEqual(await ok(sandbox, "DELETE", `${accountsPath}/${email}`), {});
            await refuses(404, "NOT_FOUND", /Unknown service account/, "GET", `${accountsPath}/${email}`);
            await refuses(
                404,
                "NOT_FOUND",
                /Unknown service account/,
                "GET",
                `/iam/v1/projects/-/serviceAccounts/${email}`,
            );
        });

        it("have ids of 6 to 30 characters", async () => {
            for (const accountId of ["short", "a".repeat(31), "Robot-1", "robot-"]) {
                await refuses(400, "INVALID_ARGUMENT", /accountId/, "POST", accountsPath, { accountId });
            }
        });

        it("have their own policy", async () => {
            await ok(sandbox, "POST", accountsPath, { accountId: "robot-1" });
            const path = `${accountsPath}/${email}`;
            const { etag } = await ok(
                sandbox,
                "POST",
                `${path}:getIamPolicy?options.requestedPolicyVersion=3`,
            );
            const bindings = [{ role: "roles/iam.workloadIdentityUser", members: ["group:g@example.com"] }];
            await ok(sandbox, "POST", `${path}:setIamPolicy`, { policy: { etag, bindings } });
            assert.deepEqual((await ok(sandbox, "POST", `${path}:getIamPolicy`))["bindings"], bindings);
            await refuses(409, "ABORTED", /./, "POST", `${path}:setIamPolicy`, {
                policy: { etag, bindings },
            });
        });

        it("have keys, whose file is Google's", async () => {
            const { file, path, base64 } = await createKey(sandbox, "robot-1");
            assert.deepEqual(Object.keys(file), [
                "type",
                "project_id",
                "private_key_id",
                "private_key",
                "client_email",
                "client_id",
                "auth_uri",
                "token_uri",
                "auth_provider_x509_cert_url",
                "client_x509_cert_url",
                "universe_domain",
            ]);
            assert.equal(file["token_uri"], "https://oauth2.googleapis.com/token");
            assert.equal(file.client_email, email);
            const key = await ok(sandbox, "GET", `${path}?publicKeyType=TYPE_X509_PEM_FILE`);
            assert.equal(key["keyAlgorithm"], "KEY_ALG_RSA_2048");
            assert.equal(key["validBeforeTime"], "9999-12-31T23:59:59Z");
            assert.equal("privateKeyData" in key, false);
            const published = createPublicKey(Buffer.from(text(key["publicKeyData"]), "base64").toString());
            assert.equal(published.equals(createPublicKey(file.private_key)), true);
            assert.equal("publicKeyData" in (await ok(sandbox, "GET", path)), false);
            assert.equal(JSON.stringify(sandbox.requests).includes(base64), false);
            await ok(sandbox, "POST", `${path}:disable`);
            assert.equal((await ok(sandbox, "GET", path))["disabled"], true);
            assert.deepEqual(await ok(sandbox, "DELETE", path), {});
            await refuses(404, "NOT_FOUND", /./, "GET", path);
        });

        it("have ten keys at most, even with concurrent requests", async () => {
            await ok(sandbox, "POST", accountsPath, { accountId: "robot-1" });
            const replies = await Promise.all(
                Array.from({ length: 12 }, () => call(sandbox, "POST", `${accountsPath}/${email}/keys`, {})),
            );
            assert.deepEqual(
                replies.map(({ status }) => status).sort((a, b) => a - b),
                [...Array<number>(10).fill(200), 400, 400],
            );
            await refuses(400, "FAILED_PRECONDITION", /./, "POST", `${accountsPath}/${email}/keys`, {});
            const listed = await ok(sandbox, "GET", `${accountsPath}/${email}/keys`);
            assert.equal(Object.keys(listed["keys"] ?? {}).length, 10);
        });
    });
});

describe("sandbox: a domain-scoped project", () => {
    it("is found with its colon plain and encoded", async () => {
        await using sandbox = await startSandbox({ project: "example.com:tools" });
        for (const [index, id] of ["example.com:tools", "example.com%3Atools"].entries()) {
            const project = `/projects/${id}`;
            await createRepository(sandbox, { project, id: `python-${index}` });
            const path = `/artifactregistry/v1${project}/locations/europe-west1/repositories/python-${index}`;
            const { name } = await ok(sandbox, "GET", path);
            assert.equal(
                name,
                `projects/example.com:tools/locations/europe-west1/repositories/python-${index}`,
            );
            await ok(sandbox, "GET", `${path}:getIamPolicy`);
            await ok(sandbox, "GET", `/cloudresourcemanager/v1${project}`);
            const account = await ok(sandbox, "POST", `/iam/v1${project}/serviceAccounts`, {
                accountId: `robot-${index}`,
            });
            assert.equal(account["email"], `robot-${index}@tools.example.com.iam.gserviceaccount.com`);
            await ok(sandbox, "POST", `/iam/v1/${text(account["name"])}/keys`);
        }
    });
});
