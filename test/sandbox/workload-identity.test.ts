import { strict as assert } from "node:assert";
import { generateKeyPairSync } from "node:crypto";
import { pythonFile } from "../../packages/sandbox/src/python/simple-index";
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
import type { Json } from "./client";

const pools = `/iam/v1${projectPath}/locations/global/workloadIdentityPools`;
const pool = `${pools}/machines`;
const providers = `${pool}/providers`;
const github = {
    attributeMapping: { "google.subject": "assertion.sub" },
    attributeCondition: "assertion.repository_owner_id == '1'",
    oidc: { issuerUri: "https://token.actions.githubusercontent.com" },
};

describe("sandbox: workload identity", () => {
    let sandbox: Sandbox;
    beforeEach(async () => {
        sandbox = await startSandbox();
        await createRepository(sandbox);
    });
    afterEach(() => sandbox.close());

    async function refuses(
        code: number,
        status: string,
        message: RegExp,
        ...args: [method: string, path: string, body?: unknown]
    ) {
        const { status: answered, json } = await call(sandbox, ...args);
        assert.equal(answered, code, JSON.stringify(json));
        assert.equal(json["error"]?.["status"], status);
        assert.match(text(json["error"]["message"]), message);
    }

    /** A finished long-running operation with a pool or provider. */
    async function changed(...args: [method: string, path: string, body?: unknown]): Promise<Json> {
        const operation = await ok(sandbox, ...args);
        assert.equal(operation["done"], true);
        assert.match(text(operation["name"]), /\/operations\//);
        const { "@type": type, ...identity } = operation["response"] ?? {};
        assert.match(text(type), /^type\.googleapis\.com\/google\.iam\.v1\.WorkloadIdentityPool/);
        return identity;
    }

    const createPool = (body: object = {}) =>
        changed("POST", `${pools}?workloadIdentityPoolId=machines`, body);
    const createProvider = (body: object = github) =>
        changed("POST", `${providers}?workloadIdentityPoolProviderId=github`, body);
    const name = "projects/123456789012/locations/global/workloadIdentityPools/machines";

    describe("pools", () => {
        it("are created once, and read by the project's id and number", async () => {
            const created = await createPool({ displayName: "Machines", description: "CI", disabled: false });
            assert.deepEqual(created, { name, displayName: "Machines", description: "CI", state: "ACTIVE" });
            assert.deepEqual(await ok(sandbox, "GET", pool), created);
            assert.deepEqual(await ok(sandbox, "GET", `/iam/v1/${name}`), created);
            assert.deepEqual(await ok(sandbox, "GET", `${pool}:listAttestationRules`), {});
            assert.deepEqual(await ok(sandbox, "GET", pools), { workloadIdentityPools: [created] });
            await refuses(
                409,
                "ALREADY_EXISTS",
                /^Requested entity already exists$/,
                "POST",
                `${pools}?workloadIdentityPoolId=machines`,
                {},
            );
        });

        it("change the fields of the update mask, and clear those that the body lacks", async () => {
            await createPool({ displayName: "Machines", description: "CI" });
            const body = { disabled: true, displayName: "ignored" };
            assert.deepEqual(await changed("PATCH", `${pool}?updateMask=disabled,description`, body), {
                name,
                displayName: "Machines",
                disabled: true,
                state: "ACTIVE",
            });
            await refuses(400, "INVALID_ARGUMENT", /update mask/, "PATCH", pool, {});
            await refuses(
                400,
                "INVALID_ARGUMENT",
                /32 characters/,
                "PATCH",
                `${pool}?updateMask=displayName`,
                {
                    displayName: "x".repeat(33),
                },
            );
            await refuses(404, "NOT_FOUND", /./, "PATCH", `${pools}/other?updateMask=disabled`, {});
        });

        it("stay for 30 days when they are deleted, and keep their id", async () => {
            await createPool();
            await createProvider();
            const deleted = await changed("DELETE", pool);
            assert.equal(deleted["state"], "DELETED");
            const days = (Date.parse(text(deleted["expireTime"])) - Date.now()) / (24 * 3600 * 1000);
            assert.equal(Math.round(days), 30);
            assert.deepEqual(await ok(sandbox, "GET", pool), deleted);
            assert.deepEqual(await ok(sandbox, "GET", pools), { workloadIdentityPools: [] });
            assert.deepEqual(await ok(sandbox, "GET", `${pools}?showDeleted=true`), {
                workloadIdentityPools: [deleted],
            });
            await refuses(409, "ALREADY_EXISTS", /./, "POST", `${pools}?workloadIdentityPoolId=machines`, {});
            const changes: [method: string, path: string, body?: unknown][] = [
                ["DELETE", pool],
                ["PATCH", `${pool}?updateMask=disabled`, { disabled: true }],
                ["POST", `${providers}?workloadIdentityPoolProviderId=gitlab`, github],
            ];
            for (const args of changes) {
                await refuses(400, "FAILED_PRECONDITION", /is deleted/, ...args);
            }
            assert.deepEqual(await changed("POST", `${pool}:undelete`, {}), { name, state: "ACTIVE" });
            assert.equal((await ok(sandbox, "GET", `${providers}/github`))["state"], "ACTIVE");
            await refuses(400, "FAILED_PRECONDITION", /is not deleted/, "POST", `${pool}:undelete`, {});
        });

        it("have ids of 4 to 32 characters that are not Google's", async () => {
            for (const id of ["abc", "a".repeat(33), "Machines", "gcp-machines", "a_b_c", ""]) {
                await refuses(
                    400,
                    "INVALID_ARGUMENT",
                    /Invalid ID/,
                    "POST",
                    `${pools}?workloadIdentityPoolId=${id}`,
                    {},
                );
            }
        });

        it("refuse unknown fields and long texts", async () => {
            for (const body of [
                { displayname: "x" },
                { description: "x".repeat(257) },
                { mode: "TRUST_DOMAIN" },
            ]) {
                await refuses(
                    400,
                    "INVALID_ARGUMENT",
                    /./,
                    "POST",
                    `${pools}?workloadIdentityPoolId=machines`,
                    body,
                );
            }
        });

        it("need the IAM API, and belong to the project's owner", async () => {
            await createPool();
            await createProvider();
            const stranger = sandbox.issueToken("user:stranger@example.com");
            for (const [method, path] of [
                ["GET", pool],
                ["GET", pools],
                ["POST", pools],
                ["DELETE", pool],
                ["GET", `${providers}/github`],
                ["DELETE", `${providers}/github`],
            ] as const) {
                const { status, json } = await call(sandbox, method, path, undefined, stranger);
                assert.equal(status, 403, path);
                assert.match(text(json["error"]?.["message"]), /^Permission 'iam\.workloadIdentityPool/);
            }
            await ok(
                sandbox,
                "POST",
                `/serviceusage/v1${projectPath}/services/iam.googleapis.com:disable`,
                {},
            );
            await refuses(403, "PERMISSION_DENIED", /IAM\) API has not been used/, "GET", pool);
        });
    });

    describe("providers", () => {
        beforeEach(() => createPool());

        it("are created once, read, listed and changed", async () => {
            const created = await createProvider({ ...github, displayName: "GitHub" });
            assert.deepEqual(created, {
                name: `${name}/providers/github`,
                displayName: "GitHub",
                ...github,
                state: "ACTIVE",
            });
            assert.deepEqual(await ok(sandbox, "GET", `${providers}/github`), created);
            assert.deepEqual(await ok(sandbox, "GET", providers), {
                workloadIdentityPoolProviders: [created],
            });
            await refuses(
                409,
                "ALREADY_EXISTS",
                /^Requested entity already exists$/,
                "POST",
                `${providers}?workloadIdentityPoolProviderId=github`,
                github,
            );
            const mask = "attributeCondition,oidc.allowed_audiences,oidc.issuer_uri,oidc.jwks_json";
            const oidc = { issuerUri: "https://gitlab.com", allowedAudiences: ["ours"] };
            const attributeCondition = "assertion.namespace_id == '1'";
            const patched = await changed("PATCH", `${providers}/github?updateMask=${mask}`, {
                attributeCondition,
                oidc,
            });
            assert.deepEqual(patched["oidc"], oidc);
            assert.equal(patched["attributeCondition"], attributeCondition);
            assert.deepEqual(patched["attributeMapping"], github.attributeMapping);
            await refuses(
                400,
                "INVALID_ARGUMENT",
                /must reference one of the provider's claims/,
                "PATCH",
                `${providers}/github?updateMask=attributeCondition`,
                {},
            );
            assert.equal(
                (await ok(sandbox, "GET", `${providers}/github`))["attributeCondition"],
                attributeCondition,
            );
            await refuses(404, "NOT_FOUND", /./, "GET", `${providers}/other`);
            await refuses(404, "NOT_FOUND", /./, "GET", `${pools}/other/providers/github`);
        });

        it("stay for 30 days when they are deleted, and keep their id", async () => {
            await createProvider();
            assert.equal((await changed("DELETE", `${providers}/github`))["state"], "DELETED");
            assert.equal((await ok(sandbox, "GET", `${providers}/github`))["state"], "DELETED");
            assert.deepEqual(await ok(sandbox, "GET", providers), { workloadIdentityPoolProviders: [] });
            await refuses(
                409,
                "ALREADY_EXISTS",
                /./,
                "POST",
                `${providers}?workloadIdentityPoolProviderId=github`,
                github,
            );
            await refuses(400, "FAILED_PRECONDITION", /is deleted/, "DELETE", `${providers}/github`);
            assert.equal((await changed("POST", `${providers}/github:undelete`, {}))["state"], "ACTIVE");
        });

        const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey.export({ format: "jwk" });
        const ec = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({ format: "jwk" });
        const p384 = generateKeyPairSync("ec", { namedCurve: "P-384" }).publicKey.export({ format: "jwk" });
        const own = { ...github, attributeCondition: "", oidc: { issuerUri: "https://git.example.com" } };
        const jwks = (...keys: object[]) => ({
            ...own,
            oidc: { ...own.oidc, jwksJson: JSON.stringify({ keys }) },
        });

        it("take keys for an issuer that Google cannot reach, and no condition for an issuer with one tenant", async () => {
            const { oidc } = await createProvider(jwks(rsa, ec));
            assert.match(text(oidc?.["jwksJson"]), /"RSA"/);
        });

        it("take a condition on an attribute that is mapped from a claim", async () => {
            await createProvider({
                ...github,
                attributeMapping: {
                    ...github.attributeMapping,
                    "attribute.owner": "assertion.repository_owner_id",
                },
                attributeCondition: "attribute.owner == '1'",
            });
        });

        const many = Object.fromEntries(
            Array.from({ length: 51 }, (_, n) => [`attribute.a${n}`, "assertion.sub"]),
        );
        const mapping = (more: object) => ({
            ...github,
            attributeMapping: { ...github.attributeMapping, ...more },
        });
        const shared = /^The attribute condition must reference one of the provider's claims\./;
        const mistakes: [string, RegExp, object][] = [
            ["no condition for an issuer with many tenants", shared, { ...github, attributeCondition: "" }],
            ["a condition that is always true", shared, { ...github, attributeCondition: "true" }],
            [
                "a condition without a claim",
                shared,
                { ...github, attributeCondition: "'assertion.sub' != ''" },
            ],
            [
                "a condition on a constant attribute",
                shared,
                { ...mapping({ "attribute.owner": "'1'" }), attributeCondition: "attribute.owner == '1'" },
            ],
            ...["https://gitlab.com", "https://app.terraform.io", "https://agent.buildkite.com"].map(
                (issuerUri): [string, RegExp, object] => [
                    `no condition for ${issuerUri}`,
                    shared,
                    { ...own, oidc: { issuerUri } },
                ],
            ),
            [
                "an invalid condition",
                /^Invalid CEL expression for the attribute condition/,
                { ...github, attributeCondition: "assertion.sub =" },
            ],
            [
                "an unknown variable",
                /undeclared reference to 'repository'/,
                { ...github, attributeCondition: "repository == 'a'" },
            ],
            [
                "a condition of 4097 characters",
                /attributeCondition/,
                { ...github, attributeCondition: `assertion.a == '${"x".repeat(4097)}'` },
            ],
            [
                "no google.subject",
                /google\.subject/,
                { ...github, attributeMapping: { "attribute.sub": "assertion.sub" } },
            ],
            [
                "no mapping",
                /google\.subject/,
                { attributeCondition: github.attributeCondition, oidc: github.oidc },
            ],
            [
                "an invalid mapping",
                /^Invalid CEL expression for the mapped attribute attribute\.a/,
                mapping({ "attribute.a": "assertion." }),
            ],
            [
                "a mapping of another attribute",
                /undeclared reference to 'google'/,
                mapping({ "attribute.a": "google.subject" }),
            ],
            [
                "an attribute in capitals",
                /^Invalid mapped attribute key: attribute\.A\. Custom/,
                mapping({ "attribute.A": "assertion.sub" }),
            ],
            [
                "an attribute without its prefix",
                /Invalid mapped attribute key: repository/,
                mapping({ repository: "assertion.sub" }),
            ],
            [
                "a key of 101 characters",
                /Invalid mapped attribute key/,
                mapping({ [`attribute.${"a".repeat(101)}`]: "assertion.sub" }),
            ],
            ["an expression of 2049 characters", /2048/, mapping({ "attribute.a": `'${"x".repeat(2048)}'` })],
            ["51 attributes", /At most 50/, mapping(many)],
            ["no issuer", /oidc/, { attributeMapping: github.attributeMapping }],
            [
                "an issuer over HTTP",
                /^Invalid OIDC issuer URI\. The scheme must be https\.$/,
                { ...own, oidc: { issuerUri: "http://git.example.com" } },
            ],
            [
                "an issuer without a scheme",
                /^Invalid OIDC issuer URI\.$/,
                { ...own, oidc: { issuerUri: "git.example.com" } },
            ],
            [
                "11 audiences",
                /allowedAudiences/,
                { ...own, oidc: { ...own.oidc, allowedAudiences: Array<string>(11).fill("a") } },
            ],
            [
                "an audience of 257 characters",
                /allowedAudiences/,
                { ...own, oidc: { ...own.oidc, allowedAudiences: ["a".repeat(257)] } },
            ],
            ["keys that are no JSON", /^Invalid JWKs\.$/, { ...own, oidc: { ...own.oidc, jwksJson: "{" } }],
            ["a P-384 key", /Only RSA, EC key types are supported/, jwks(p384)],
            ["a corrupted key", /corrupted key material/, jwks({ kty: "RSA" })],
            ["another kind of provider", /'aws'/, { ...own, aws: { accountId: "1" } }],
        ];
        for (const [mistake, message, body] of mistakes) {
            it(`refuse ${mistake}`, async () => {
                await refuses(
                    400,
                    "INVALID_ARGUMENT",
                    message,
                    "POST",
                    `${providers}?workloadIdentityPoolProviderId=github`,
                    body,
                );
            });
        }

        it("have ids of 4 to 32 characters that are not Google's", async () => {
            for (const id of ["abc", "gcp-github"]) {
                await refuses(
                    400,
                    "INVALID_ARGUMENT",
                    /Invalid ID/,
                    "POST",
                    `${providers}?workloadIdentityPoolProviderId=${id}`,
                    github,
                );
            }
        });
    });

    describe("policies", () => {
        const set = (member: string, path = repositoryPath, role = "roles/artifactregistry.reader") =>
            call(sandbox, "POST", `${path}:setIamPolicy`, {
                policy: { bindings: [{ role, members: [member] }] },
            });
        const clusters =
            "projects/123456789012/locations/global/workloadIdentityPools/sandbox-project.svc.id.goog";

        it("name identities of a pool that exists", async () => {
            await createPool();
            for (const member of [
                `principal://iam.googleapis.com/${name}/subject/anything:at/all`,
                `principalSet://iam.googleapis.com/${name}/attribute.repository/github:1:2`,
                `principalSet://iam.googleapis.com/${name}/group/g`,
                `principalSet://iam.googleapis.com/${name}/*`,
                `principal://iam.googleapis.com/${clusters}/subject/ns/ci/sa/uploader`,
                `principal://iam.googleapis.com/${clusters}/kubernetes.serviceaccount.uid/1`,
                `principalSet://iam.googleapis.com/${clusters}/namespace/ci`,
                "serviceAccount:sandbox-project.svc.id.goog[ci/uploader]",
                "principalSet://iam.googleapis.com/locations/global/workforcePools/p/group/g",
            ]) {
                assert.equal((await set(member)).status, 200, member);
            }
        });

        it("do not name identities of a pool that does not exist", async () => {
            const absent = async (member: string, named: string, path?: string, role?: string) => {
                const { status, json } = await set(member, path, role);
                assert.equal(status, 400, member);
                assert.equal(
                    json["error"]?.["message"],
                    `Identity Pool does not exist (${named}). Please check that you specified a valid resource name ` +
                        "as returned in the `name` attribute in the configuration API.",
                );
            };
            const member = `principalSet://iam.googleapis.com/${name}/attribute.repository/1`;
            await absent(member, name);
            await ok(sandbox, "POST", accountsPath, { accountId: "robot-1" });
            const account = `${accountsPath}/robot-1@sandbox-project.iam.gserviceaccount.com`;
            await absent(member, name, account, "roles/iam.workloadIdentityUser");
            await createPool();
            assert.equal((await set(member)).status, 200);
            await changed("DELETE", pool);
            await absent(member, name);
            const other = clusters.replace("sandbox-project.svc", "other.svc");
            await absent(`principal://iam.googleapis.com/${other}/subject/ns/ci/sa/uploader`, other);
            sandbox.cloud.project("sandbox-project").hasCluster = false;
            await absent(`principal://iam.googleapis.com/${clusters}/subject/ns/ci/sa/uploader`, clusters);
            await absent(
                "serviceAccount:sandbox-project.svc.id.goog[ci/uploader]",
                "sandbox-project.svc.id.goog",
            );
        });

        it("do not name identities in a form that does not exist", async () => {
            await createPool();
            for (const member of [
                `principalSet://iam.googleapis.com/${name}/subject/s`,
                `principal://iam.googleapis.com/${name}/attribute.a/1`,
                `principal://iam.googleapis.com/${name}/*`,
                `principalSet://iam.googleapis.com/${name}/namespace/ci`,
                `principalSet://iam.googleapis.com/${name}/attribute.a`,
                `principal://iam.googleapis.com/${name.replace("123456789012", "sandbox-project")}/subject/s`,
                `principal://iam.googleapis.com/${name}/providers`,
                `principal://example.com/${name}/subject/s`,
                "serviceAccount:sandbox-project.svc.id.goog[ci]",
            ]) {
                const { status, json } = await set(member);
                assert.equal(status, 400, member);
                assert.match(text(json["error"]?.["message"]), /Invalid member/);
            }
        });

        it("name the default accounts of Google's services", async () => {
            await grant(
                sandbox,
                "reader",
                "serviceAccount:123456789012-compute@developer.gserviceaccount.com",
                "serviceAccount:sandbox-project@appspot.gserviceaccount.com",
                "serviceAccount:123456789012@cloudbuild.gserviceaccount.com",
            );
        });
    });

    it("is set up with a project's number, which comes with its billing account", async () => {
        const info = await ok(sandbox, "GET", `/cloudbilling/v1${projectPath}/billingInfo`);
        assert.match(text(info["billingAccountName"]), /^billingAccounts\/./);
        const stranger = sandbox.issueToken("user:stranger@example.com");
        const path = `/cloudbilling/v1${projectPath}/billingInfo`;
        assert.equal((await call(sandbox, "GET", path, undefined, stranger)).status, 403);
    });
});

describe("sandbox: packages", () => {
    const packagesPath = `${repositoryPath}/packages`;
    let sandbox: Sandbox;
    beforeEach(async () => {
        sandbox = await startSandbox();
        await createRepository(sandbox);
        const { files } = sandbox.cloud.repository(
            sandbox.cloud.project("sandbox-project"),
            "europe-west1",
            "python",
        );
        for (const filename of [
            "hello_there-1.0.tar.gz",
            "hello_there-2.0-py3-none-any.whl",
            "other-1.0.zip",
        ]) {
            const [, stem = ""] = /^([a-z_]+)-/.exec(filename) ?? [];
            files.set(filename, pythonFile(stem, filename, Buffer.from("content")));
        }
    });
    afterEach(() => sandbox.close());

    const names = (list: Json | undefined) => Object.values(list ?? {}).map((each) => text(each["name"]));

    it("are listed with their versions, and deleted", async () => {
        const parent = "projects/sandbox-project/locations/europe-west1/repositories/python/packages";
        const listed = async () => names((await ok(sandbox, "GET", packagesPath))["packages"]);
        const versions = async () =>
            names((await ok(sandbox, "GET", `${packagesPath}/hello-there/versions`))["versions"]);
        assert.deepEqual(await listed(), [`${parent}/hello-there`, `${parent}/other`]);
        assert.deepEqual(await versions(), [
            `${parent}/hello-there/versions/1.0`,
            `${parent}/hello-there/versions/2.0`,
        ]);
        const one = await ok(sandbox, "DELETE", `${packagesPath}/hello-there/versions/1.0`);
        assert.equal(one["done"], true);
        assert.deepEqual(await versions(), [`${parent}/hello-there/versions/2.0`]);
        assert.equal((await ok(sandbox, "DELETE", `${packagesPath}/hello-there`))["done"], true);
        assert.deepEqual(await listed(), [`${parent}/other`]);
        for (const [method, path] of [
            ["DELETE", `${packagesPath}/hello-there`],
            ["DELETE", `${packagesPath}/other/versions/2.0`],
            ["GET", `${packagesPath}/hello-there/versions`],
        ] as const) {
            assert.equal((await call(sandbox, method, path)).status, 404, path);
        }
    });

    for (const [role, lists, deletes] of [
        ["reader", 200, 403],
        ["writer", 200, 403],
        ["repoAdmin", 200, 200],
        ["admin", 200, 200],
    ] as const) {
        it(`answer a ${role}: list ${lists}, delete ${deletes}`, async () => {
            const { email } = await createKey(sandbox);
            const token = sandbox.issueToken(`serviceAccount:${email}`);
            const status = async (method: string, path: string) =>
                (await call(sandbox, method, path, undefined, token)).status;
            assert.equal(await status("GET", packagesPath), 403);
            await grant(sandbox, role, `serviceAccount:${email}`);
            assert.equal(await status("GET", packagesPath), lists);
            assert.equal(await status("GET", `${packagesPath}/hello-there/versions`), lists);
            assert.equal(await status("DELETE", `${packagesPath}/hello-there/versions/1.0`), deletes);
            assert.equal(await status("DELETE", `${packagesPath}/hello-there`), deletes);
        });
    }
});
