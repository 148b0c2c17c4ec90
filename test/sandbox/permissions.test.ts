import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Permission, permissions, predefinedRoles } from "../../packages/sandbox/src/google/roles";
import { type Sandbox, startSandbox } from "../../packages/sandbox/src/sandbox";
import { isRefusal, methods } from "../documented-permissions";
import {
    accountsPath,
    call,
    createKey,
    createRepository,
    ok,
    projectPath,
    repositoryPath,
    text,
} from "./client";

// What each method of the control plane needs, compared with Google's documentation.

const deployer = "user:deployer@example.com";
const role = "projects/sandbox-project/roles/deployer";

/** A body that the method accepts, if it needs one. The body is read before the permission is checked. */
function findBody(pattern: string): object | undefined {
    if (/^(?:GET|DELETE)/.test(pattern)) return undefined;
    if (pattern.endsWith(":setIamPolicy")) return { policy: { bindings: [] } };
    if (pattern.endsWith(":batchEnable")) return { serviceIds: ["iam.googleapis.com"] };
    if (pattern.endsWith("/serviceAccounts")) return { accountId: "new-robot" };
    if (/\/rules(?:\/\*)?$/.test(pattern)) return { action: "DENY" };
    if (pattern.endsWith("/providers")) {
        return {
            attributeMapping: { "google.subject": "assertion.sub" },
            oidc: { issuerUri: "https://ci.acme.example" },
        };
    }
    return /^PATCH .*serviceAccounts/.test(pattern)
        ? { serviceAccount: { displayName: "Robot" }, updateMask: "displayName" }
        : {};
}

describe("sandbox: permissions", () => {
    let sandbox: Sandbox;
    let keyId: string;
    beforeEach(async () => {
        sandbox = await startSandbox();
        await createRepository(sandbox);
        keyId = text((await createKey(sandbox)).file["private_key_id"]);
        const services = `/serviceusage/v1${projectPath}/services`;
        await ok(sandbox, "POST", `${services}:batchEnable`, {
            serviceIds: ["secretmanager.googleapis.com", "cloudkms.googleapis.com"],
        });
        sandbox.cloud.addSecret("projects/sandbox-project/secrets/upstream", ["password"]);
        sandbox.cloud.addCryptoKey(
            "projects/sandbox-project/locations/europe-west1/keyRings/ring/cryptoKeys/key",
        );
        const pools = `/iam/v1${projectPath}/locations/global/workloadIdentityPools`;
        await ok(sandbox, "POST", `${pools}?workloadIdentityPoolId=machines`, {});
        await ok(sandbox, "POST", `${pools}/machines/providers?workloadIdentityPoolProviderId=gitlab`, {
            attributeMapping: { "google.subject": "assertion.sub" },
            oidc: { issuerUri: "https://gitlab.acme.example" },
        });
        grant(role);
    });
    afterEach(() => sandbox.close());

    const token = () => sandbox.issueToken(deployer);
    function grant(...roles: string[]): void {
        const bindings = roles.map((each) => ({ role: each, members: [deployer] }));
        sandbox.cloud.project("sandbox-project").policy = { version: 1, etag: "x", bindings };
    }
    const allow = (...allowed: readonly Permission[]) => sandbox.cloud.customRoles.set(role, allowed);

    /** A request with the ids of the resources that exist. */
    function request(pattern: string): [method: string, path: string] {
        const [method = "", path = ""] = pattern.split(" ");
        const ids: Record<string, string> = {
            projects: "sandbox-project",
            locations: "europe-west1",
            repositories: "python",
            packages: "hello",
            versions: "1.0",
            pythonPackages: "hello:1.0",
            files: "hello%2Fhello-1.0.tar.gz",
            serviceAccounts: "publisher@sandbox-project.iam.gserviceaccount.com",
            keys: keyId,
            workloadIdentityPools: "machines",
            providers: "gitlab",
            services: "iam.googleapis.com",
            secrets: "upstream",
            keyRings: "ring",
            cryptoKeys: "key",
            rules: "deny",
        };
        return [method, path.replaceAll(/(\w+)\/\*/g, (_, name: string) => `${name}/${ids[name] ?? ""}`)];
    }

    for (const { call: pattern, permission } of methods) {
        it(`${pattern} needs ${permission}`, async () => {
            const [method, path] = request(pattern);
            const send = () => call(sandbox, method, path, findBody(pattern), token());
            allow(...permissions.filter((each) => each !== permission));
            const { status, json } = await send();
            assert.equal(status, 403);
            assert.equal(json["error"]?.["status"], "PERMISSION_DENIED");
            const message = text(json["error"]["message"]);
            assert.ok(isRefusal(message, permission), message);

            // With nothing but this permission, the request gets as far as its arguments and the state.
            allow(permission);
            const { status: allowed, json: answer } = await send();
            assert.ok([200, 400, 404, 409].includes(allowed), JSON.stringify(answer));
            assert.doesNotMatch(JSON.stringify(answer), /INTERNAL|No such method/);
        });
    }

    it("are all in the table, for every method", () => {
        const checked = new Set<string>(methods.map(({ permission }) => permission));
        const dataPlane = [
            "artifactregistry.repositories.downloadArtifacts",
            "artifactregistry.repositories.readViaVirtualRepository",
            "artifactregistry.repositories.uploadArtifacts",
            "iam.serviceAccounts.getAccessToken",
            // Of the service agent.
            "cloudkms.cryptoKeyVersions.useToDecrypt",
            "cloudkms.cryptoKeyVersions.useToEncrypt",
            "secretmanager.versions.access",
        ];
        assert.deepEqual([...checked, ...dataPlane].sort(), [...permissions].sort());
        const apis = [
            "artifact-registry",
            "packages",
            "python-packages",
            "files",
            "rules",
            "secret-manager",
            "cloud-kms",
            "iam",
            "workload-identity",
            "service-usage",
            "resource-manager",
        ];
        const routes = apis.flatMap((name) => [
            ...readFileSync(
                join(__dirname, "..", "..", "packages", "sandbox", "src", "google", `${name}-api.ts`),
                "utf8",
            ).matchAll(/\bapp\.(?:get|post|patch|put|delete)\(/g),
        ]);
        // Two routes of a loop are four methods: disable and enable. Secrets and keys have two more for their policies.
        assert.equal(methods.length, routes.length + 2 + 2 * 2);
    });

    it("come from the role on the project, on the resource, or from being the owner", async () => {
        const email = "publisher@sandbox-project.iam.gserviceaccount.com";
        const updates = () => [
            call(sandbox, "PATCH", `${repositoryPath}?updateMask=description`, {}, token()),
            call(sandbox, "DELETE", `${accountsPath}/${email}/keys/${keyId}`, undefined, token()),
        ];
        const statuses = async () => (await Promise.all(updates())).map(({ status }) => status);
        grant();
        assert.deepEqual(await statuses(), [403, 403]);
        grant("roles/viewer", "roles/serviceusage.serviceUsageAdmin", "roles/unknown");
        assert.deepEqual(await statuses(), [403, 403]);

        grant();
        const { repositories, serviceAccounts } = sandbox.cloud.project("sandbox-project");
        const policy = (name: string) => ({
            version: 1 as const,
            etag: "x",
            bindings: [{ role: name, members: [deployer] }],
        });
        repositories.get("europe-west1/python")!.policy = policy("roles/artifactregistry.admin");
        serviceAccounts.get(email)!.policy = policy("roles/iam.serviceAccountKeyAdmin");
        assert.deepEqual(await statuses(), [200, 200]);

        // Only on this repository and this account.
        await createRepository(sandbox, { id: "other" });
        await ok(sandbox, "POST", accountsPath, { accountId: "other-robot" });
        for (const [method, path] of [
            ["GET", repositoryPath.replace("python", "other")],
            ["GET", repositoryPath.replace("/python", "")],
            ["GET", `${accountsPath}/other-robot@sandbox-project.iam.gserviceaccount.com`],
            ["GET", accountsPath],
        ] as const) {
            assert.equal((await call(sandbox, method, path, undefined, token())).status, 403, path);
        }
        grant("roles/artifactregistry.admin");
        await ok(sandbox, "GET", repositoryPath.replace("python", "other"), undefined, token());
    });

    it("hide what does not exist from those who could not see it", async () => {
        const missing = [
            repositoryPath.replace("python", "missing"),
            `${accountsPath}/missing@sandbox-project.iam.gserviceaccount.com`,
        ];
        for (const [roles, status] of [
            [[], 403],
            [["roles/artifactregistry.reader", "roles/iam.serviceAccountViewer"], 404],
        ] as const) {
            grant(...roles);
            for (const path of missing) {
                assert.equal((await call(sandbox, "GET", path, undefined, token())).status, status, path);
            }
        }
    });

    it("of an account are gone from the project's policy when it is deleted", async () => {
        const email = "publisher@sandbox-project.iam.gserviceaccount.com";
        const { policy } = sandbox.cloud.project("sandbox-project");
        const bindings = [{ role, members: [`serviceAccount:${email}`] }];
        sandbox.cloud.project("sandbox-project").policy = { ...policy, bindings };
        await ok(sandbox, "DELETE", `${accountsPath}/${email}`);
        const [left] = sandbox.cloud.project("sandbox-project").policy.bindings;
        assert.match(left?.members[0] ?? "", /^deleted:serviceAccount:publisher@/);
    });

    it("of a viewer change nothing, and those of the predefined roles are distinct", () => {
        const changing = new Set<string>(
            methods.filter(({ changes }) => changes).map((each) => each.permission),
        );
        const viewers = [...predefinedRoles].filter(([name]) =>
            /viewer|reader$|browser|Consumer/i.test(name),
        );
        assert.ok(viewers.length >= 7);
        for (const [name, contents] of viewers) {
            assert.deepEqual(
                contents.filter((each) => changing.has(each)),
                [],
                name,
            );
        }
        for (const [name, contents] of predefinedRoles) {
            assert.equal(new Set(contents).size, contents.length, name);
            assert.ok(contents.length > 0, name);
        }
    });
});
