import { strict as assert } from "node:assert";
import { startSandbox, type Sandbox } from "../../packages/sandbox/src/sandbox";
import { call, createRepository, ok, projectPath, repositoryPath, text } from "./client";

// What a repository for years refers to: rules, other repositories, upstreams, secrets, keys; and the policies of those.

const repositories = `/artifactregistry/v1${projectPath}/locations/europe-west1/repositories`;
const services = `/serviceusage/v1${projectPath}/services`;
const agent = "serviceAccount:service-123456789012@gcp-sa-artifactregistry.iam.gserviceaccount.com";
const pypi = { pythonRepository: { publicRepository: "PYPI" } };

describe("sandbox: supply chain", () => {
    let sandbox: Sandbox;
    beforeEach(async () => {
        sandbox = await startSandbox();
        await createRepository(sandbox);
        await ok(sandbox, "POST", `${services}:batchEnable`, {
            serviceIds: ["secretmanager.googleapis.com", "cloudkms.googleapis.com"],
        });
    });
    afterEach(() => sandbox.close());

    /** Asserts that a call is refused with a status of Google's and a message. */
    async function refuses(
        status: string,
        message: RegExp,
        ...args: [method: string, path: string, body?: unknown, token?: string]
    ) {
        const { json } = await call(sandbox, ...args);
        assert.equal(json["error"]?.["status"], status, JSON.stringify(json));
        assert.match(text(json["error"]["message"]), message);
    }

    const create = (id: string, body: object): [string, string, object] => [
        "POST",
        `${repositories}?repository_id=${id}`,
        { format: "PYTHON", ...body },
    ];
    const remote = (remoteRepositoryConfig: object) => ({
        mode: "REMOTE_REPOSITORY",
        remoteRepositoryConfig,
    });
    const virtual = (...names: string[]) => ({
        mode: "VIRTUAL_REPOSITORY",
        virtualRepositoryConfig: {
            upstreamPolicies: names.map((name, index) => ({
                id: `upstream-${index}`,
                repository: name.includes("/") ? name : `${repositories.slice(21)}/${name}`,
                priority: 100 - index,
            })),
        },
    });

    describe("rules", () => {
        const rules = `${repositoryPath}/rules`;
        const deny = { action: "DENY", operation: "DOWNLOAD", packageId: "acme-core" };

        it("are created, listed in pages, changed and deleted", async () => {
            const name = `${rules.slice("/artifactregistry/v1/".length)}/deny-core`;
            assert.deepEqual(await ok(sandbox, "POST", `${rules}?ruleId=deny-core`, deny), { name, ...deny });
            await ok(sandbox, "POST", `${rules}?rule_id=all`, { action: "ALLOW" });
            const all = `${rules.slice("/artifactregistry/v1/".length)}/all`;
            const first = await ok(sandbox, "GET", `${rules}?pageSize=1`);
            assert.deepEqual(first["rules"], [{ name, ...deny }]);
            const rest = await ok(
                sandbox,
                "GET",
                `${rules}?pageSize=1&pageToken=${text(first["nextPageToken"])}`,
            );
            assert.deepEqual(rest, { rules: [{ name: all, action: "ALLOW", operation: "DOWNLOAD" }] });
            const condition = { expression: "pkg.version.id == '1.0'", title: "one" };
            await ok(sandbox, "PATCH", `${rules}/deny-core?updateMask=condition,action`, {
                action: "ALLOW",
                condition,
            });
            const changed = { name, ...deny, action: "ALLOW", condition };
            assert.deepEqual(await ok(sandbox, "GET", `${rules}/deny-core`), changed);
            assert.deepEqual(await ok(sandbox, "DELETE", `${rules}/deny-core`), {});
            await refuses("NOT_FOUND", /./, "GET", `${rules}/deny-core`);
            await refuses("NOT_FOUND", /./, "DELETE", `${rules}/deny-core`);
        });

        it("are one for the repository and one for each package", async () => {
            await ok(sandbox, "POST", `${rules}?ruleId=a`, deny);
            await refuses("ALREADY_EXISTS", /the rule already exists/, "POST", `${rules}?ruleId=a`, deny);
            const second = ["POST", `${rules}?ruleId=b`, deny] as const;
            await refuses("ALREADY_EXISTS", /"a" exists for the package "acme-core"/, ...second);
            await ok(sandbox, "POST", `${rules}?ruleId=all`, { action: "DENY" });
            const third = ["POST", `${rules}?ruleId=b`, { action: "DENY" }] as const;
            await refuses("ALREADY_EXISTS", /"all" exists for the repository/, ...third);
        });

        const mistakes: [string, RegExp, string, object][] = [
            ["no action", /'action'/, "a", {}],
            ["an unknown operation", /'operation'/, "a", { ...deny, operation: "UPLOAD" }],
            ["an id with a space", /Invalid rule ID "a b"/, "a b", deny],
            ["an id of 257 characters", /at most 256/, "a".repeat(257), deny],
            ["an id in another alphabet", /Invalid rule ID/, "ä", deny],
            [
                "a condition that is no expression",
                /Invalid condition/,
                "a",
                { ...deny, condition: { expression: "pkg.version.id <" } },
            ],
            [
                "a condition with an unknown name",
                /'artifact'/,
                "a",
                { ...deny, condition: { expression: "artifact.id == 'a'" } },
            ],
        ];
        for (const [mistake, message, id, body] of mistakes) {
            it(`are refused with ${mistake}`, () =>
                refuses(
                    "INVALID_ARGUMENT",
                    message,
                    "POST",
                    `${rules}?ruleId=${encodeURIComponent(id)}`,
                    body,
                ));
        }

        it("are written by the repository's administrators, and listed by its readers", async () => {
            const attempts = [
                ["GET", rules],
                ["POST", `${rules}?ruleId=a`, deny],
                ["PATCH", `${rules}/a?updateMask=action`, deny],
                ["DELETE", `${rules}/a`],
            ] as const;
            for (const [role, expected] of [
                ["reader", [200, 403, 403, 403]],
                ["writer", [200, 403, 403, 403]],
                ["repoAdmin", [200, 200, 200, 200]],
            ] as const) {
                const policy = {
                    bindings: [{ role: `roles/artifactregistry.${role}`, members: ["user:dev@example.com"] }],
                };
                await ok(sandbox, "POST", `${repositoryPath}:setIamPolicy`, { policy });
                const token = sandbox.issueToken("user:dev@example.com");
                const statuses = [];
                for (const [method, path, body] of attempts) {
                    statuses.push((await call(sandbox, method, path, body, token)).status);
                }
                assert.deepEqual(statuses, expected, role);
            }
        });
    });

    describe("virtual repositories", () => {
        it("have upstreams that exist, in their location", async () => {
            await ok(sandbox, ...create("pypi", remote(pypi)));
            await ok(sandbox, ...create("all", virtual("python", "pypi")));
            await refuses("INVALID_ARGUMENT", /missing" does not exist/, ...create("x", virtual("missing")));
            const elsewhere = `${repositories.slice(21).replace("europe-west1", "us")}/python`;
            await refuses("INVALID_ARGUMENT", /location europe-west1/, ...create("x", virtual(elsewhere)));
            await refuses("INVALID_ARGUMENT", /all" is a virtual/, ...create("x", virtual("all")));
            const { virtualRepositoryConfig: wanted } = virtual("python");
            const twice = {
                upstreamPolicies: [...wanted.upstreamPolicies, ...wanted.upstreamPolicies],
            };
            await refuses(
                "INVALID_ARGUMENT",
                /Duplicate upstream policy ID/,
                ...create("x", { mode: "VIRTUAL_REPOSITORY", virtualRepositoryConfig: twice }),
            );
            // What does not change is not checked again.
            await ok(sandbox, "DELETE", `${repositories}/pypi`);
            const patch = `${repositories}/all?updateMask=`;
            await ok(sandbox, "PATCH", `${patch}description`, { description: "all" });
            await refuses(
                "INVALID_ARGUMENT",
                /pypi" does not exist/,
                "PATCH",
                `${patch}virtualRepositoryConfig`,
                virtual("pypi"),
            );
        });
    });

    describe("remote repositories", () => {
        it("have one source, which exists", async () => {
            for (const [id, config] of Object.entries({
                pypi,
                custom: { pythonRepository: { customRepository: { uri: "https://pypi.acme.example" } } },
                common: { commonRepository: { uri: "https://pypi.acme.example/simple/" }, noCache: {} },
                repository: { commonRepository: { uri: `${repositories.slice(21)}/python` } },
                url: {
                    commonRepository: { uri: "https://europe-west1-python.pkg.dev/sandbox-project/python" },
                },
            })) {
                await ok(sandbox, ...create(id, remote(config)));
                const { remoteRepositoryConfig } = await ok(sandbox, "GET", `${repositories}/${id}`);
                assert.deepEqual(remoteRepositoryConfig, config);
            }
            const missing = { commonRepository: { uri: `${repositories.slice(21)}/missing` } };
            await refuses("INVALID_ARGUMENT", /missing" does not exist/, ...create("x", remote(missing)));
            const unchecked = remote({ ...missing, disableUpstreamValidation: true });
            await ok(sandbox, ...create("unchecked", unchecked));
            const { remoteRepositoryConfig } = await ok(sandbox, "GET", `${repositories}/unchecked`);
            assert.deepEqual(remoteRepositoryConfig, missing);
            const none = remote({ description: "nothing" });
            await refuses("INVALID_ARGUMENT", /exactly one/, ...create("x", none));
            const both = remote({ ...pypi, ...missing });
            await refuses("INVALID_ARGUMENT", /exactly one/, ...create("x", both));
            const path = remote({ commonRepository: { uri: "pypi.acme.example" } });
            await refuses("INVALID_ARGUMENT", /Invalid upstream URI/, ...create("x", path));
        });

        it("log in with a secret that the service agent may read", async () => {
            const passwordSecretVersion = `projects/sandbox-project/secrets/upstream/versions/1`;
            const config = remote({
                commonRepository: { uri: "https://pypi.acme.example" },
                upstreamCredentials: {
                    usernamePasswordCredentials: { username: "acme", passwordSecretVersion },
                },
            });
            sandbox.requirePublicLogin("pypi.acme.example", "acme", "right");
            const secret = `/secretmanager/v1${projectPath}/secrets/upstream`;
            const refusal = /cannot access the secret version projects\/sandbox-project.*versions\.access/;
            await refuses("FAILED_PRECONDITION", refusal, ...create("mirror", config));
            sandbox.cloud.addSecret("projects/sandbox-project/secrets/upstream", ["wrong", "right"]);
            await refuses("FAILED_PRECONDITION", refusal, ...create("mirror", config));
            const policy = {
                bindings: [{ role: "roles/secretmanager.secretAccessor", members: [agent] }],
            };
            await ok(sandbox, "POST", `${secret}:setIamPolicy`, { policy });
            const wrong = /Unauthorized error returned by the external repository/;
            await refuses("INVALID_ARGUMENT", wrong, ...create("mirror", config));
            const open = remote({ commonRepository: { uri: "https://pypi.acme.example" } });
            await refuses("INVALID_ARGUMENT", wrong, ...create("mirror", open));
            const { upstreamCredentials, ...rest } = config.remoteRepositoryConfig as Record<string, unknown>;
            assert.ok(upstreamCredentials);
            const second = {
                usernamePasswordCredentials: {
                    username: "acme",
                    passwordSecretVersion: passwordSecretVersion.replace("/1", "/2"),
                },
            };
            await ok(sandbox, ...create("mirror", remote({ ...rest, upstreamCredentials: second })));
            // The log says who asked.
            const asked = sandbox.requests.findLast(({ host }) => host === "pypi.acme.example");
            assert.deepEqual([asked?.plane, asked?.principal, asked?.status], ["public", agent, 404]);
            const field =
                "remoteRepositoryConfig.upstreamCredentials.usernamePasswordCredentials.passwordSecretVersion";
            await refuses(
                "INVALID_ARGUMENT",
                wrong,
                "PATCH",
                `${repositories}/mirror?updateMask=${field}`,
                config,
            );
        });
    });

    describe("keys and secrets", () => {
        const keyName = "projects/sandbox-project/locations/europe-west1/keyRings/ring/cryptoKeys/key";
        const encrypter = "roles/cloudkms.cryptoKeyEncrypterDecrypter";

        it("of encryption are those that the service agent may use", async () => {
            const refusal = /useToEncrypt' denied on resource 'projects\/sandbox-project/;
            await refuses("FAILED_PRECONDITION", refusal, ...create("a", { kmsKeyName: keyName }));
            sandbox.cloud.addCryptoKey(keyName);
            await refuses("FAILED_PRECONDITION", refusal, ...create("a", { kmsKeyName: keyName }));
            const policy = { bindings: [{ role: encrypter, members: [agent] }] };
            const set = await ok(sandbox, "POST", `/cloudkms/v1/${keyName}:setIamPolicy`, { policy });
            assert.deepEqual(await ok(sandbox, "GET", `/cloudkms/v1/${keyName}:getIamPolicy`), set);
            await ok(sandbox, ...create("a", { kmsKeyName: keyName }));
            assert.equal((await ok(sandbox, "GET", `${repositories}/a`))["kmsKeyName"], keyName);
            const elsewhere = keyName.replace("europe-west1", "us");
            sandbox.cloud.addCryptoKey(elsewhere);
            await refuses("INVALID_ARGUMENT", /europe-west1/, ...create("b", { kmsKeyName: elsewhere }));
        });

        it("that do not exist have no policy", async () => {
            const paths = [`/cloudkms/v1/${keyName}`, `/secretmanager/v1${projectPath}/secrets/secret`];
            for (const path of paths) {
                await refuses("NOT_FOUND", /not found/, "GET", path);
                await refuses("NOT_FOUND", /not found/, "GET", `${path}:getIamPolicy`);
                const policy = { bindings: [] };
                await refuses("NOT_FOUND", /not found/, "POST", `${path}:setIamPolicy`, { policy });
                const stranger = sandbox.issueToken("user:stranger@example.com");
                await refuses("PERMISSION_DENIED", /get' denied/, "GET", path, undefined, stranger);
            }
        });
    });

    it("has service agents once a project uses them", async () => {
        const fresh = sandbox.cloud.addProject("other-project", "998877665544", "user:operator@example.com");
        sandbox.cloud.addSecret("projects/sandbox-project/secrets/shared", ["value"]);
        const other = agent.replace("123456789012", fresh.number);
        const secret = `/secretmanager/v1${projectPath}/secrets/shared`;
        const policy = { bindings: [{ role: "roles/secretmanager.secretAccessor", members: [other] }] };
        const missing = /service-998877665544@gcp-sa-artifactregistry\S+ does not exist/;
        await refuses("INVALID_ARGUMENT", missing, "POST", `${secret}:setIamPolicy`, { policy });
        const generate = (service: string, version: string) =>
            ok(
                sandbox,
                "POST",
                `/serviceusage/${version}/projects/other-project/services/${service}.googleapis.com:generateServiceIdentity`,
            );
        const { done, response } = await generate("artifactregistry", "v1beta1");
        assert.equal(done, true);
        assert.equal(`serviceAccount:${text(response?.["email"])}`, other);
        await ok(sandbox, "POST", `${secret}:setIamPolicy`, { policy });
        assert.equal((await generate("pubsub", "v1"))["response"]?.["email"], undefined);
    });

    it("keeps audit configurations in the policy of a project", async () => {
        const path = `/cloudresourcemanager/v1${projectPath}`;
        const auditConfigs = [
            { service: "artifactregistry.googleapis.com", auditLogConfigs: [{ logType: "DATA_READ" }] },
        ];
        const { etag } = await ok(sandbox, "POST", `${path}:getIamPolicy`, {
            options: { requestedPolicyVersion: 3 },
        });
        const updateMask = "bindings,etag,auditConfigs";
        await ok(sandbox, "POST", `${path}:setIamPolicy`, { policy: { etag, auditConfigs }, updateMask });
        const bindings = [{ role: "roles/viewer", members: ["user:dev@example.com"] }];
        await ok(sandbox, "POST", `${path}:setIamPolicy`, { policy: { bindings } });
        const policy = await ok(sandbox, "POST", `${path}:getIamPolicy`);
        assert.deepEqual([policy["bindings"], policy["auditConfigs"]], [bindings, auditConfigs]);
        const late = { policy: { etag, bindings: [] } };
        await refuses("ABORTED", /concurrent policy changes/, "POST", `${path}:setIamPolicy`, late);
        await ok(sandbox, "POST", `${path}:setIamPolicy`, { policy: { bindings }, updateMask });
        assert.equal("auditConfigs" in (await ok(sandbox, "POST", `${path}:getIamPolicy`)), false);
    });

    it("says whether packages are scanned", async () => {
        const vulnerabilityScanningConfig = { enablementConfig: "INHERITED" };
        await ok(sandbox, ...create("scanned", { vulnerabilityScanningConfig }));
        const state = async () =>
            (await ok(sandbox, "GET", `${repositories}/scanned`))["vulnerabilityScanningConfig"];
        assert.equal((await state())?.["enablementState"], "SCANNING_DISABLED");
        await ok(sandbox, "POST", `${services}/containerscanning.googleapis.com:enable`, {});
        assert.deepEqual(await state(), {
            ...vulnerabilityScanningConfig,
            enablementState: "SCANNING_ACTIVE",
        });
        // The provider sends back what it has read.
        await ok(sandbox, "PATCH", `${repositories}/scanned?updateMask=vulnerabilityScanningConfig`, {
            vulnerabilityScanningConfig: { enablementConfig: "DISABLED", enablementState: "SCANNING_ACTIVE" },
        });
        assert.equal((await state())?.["enablementState"], "SCANNING_DISABLED");
    });
});
