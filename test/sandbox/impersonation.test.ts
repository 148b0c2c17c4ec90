import { strict as assert } from "node:assert";
import { startSandbox, type Sandbox } from "../../packages/sandbox/src/sandbox";
import {
    accountsPath,
    basic,
    createRepository,
    grant,
    ok,
    packages,
    projectPath,
    text,
    through,
    type Json,
} from "./client";
import { createFederation, exchange, githubToken, poolName } from "./federation";

const email = "robot-1@sandbox-project.iam.gserviceaccount.com";
const accountPath = `${accountsPath}/${email}`;
const scope = ["https://www.googleapis.com/auth/cloud-platform"];

describe("sandbox: impersonation", () => {
    let sandbox: Sandbox;
    beforeEach(async () => {
        sandbox = await startSandbox();
        await createRepository(sandbox);
        await createFederation(sandbox);
        await ok(sandbox, "POST", accountsPath, { accountId: "robot-1" });
    });
    afterEach(() => sandbox.close());

    async function generate(
        token: string,
        body: object = { scope },
        account = email,
    ): Promise<{ status: number; json: Json }> {
        const reply = await through(
            sandbox,
            `https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/${account}:generateAccessToken`,
            {
                method: "POST",
                headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
                body: Buffer.from(JSON.stringify(body)),
            },
        );
        return { status: reply.status, json: JSON.parse(reply.text) as Json };
    }

    /** Replaces the account's policy with one role for one member. */
    const permit = (role: string, member: string) =>
        ok(sandbox, "POST", `${accountPath}:setIamPolicy`, {
            policy: { bindings: [{ role: `roles/iam.${role}`, members: [member] }] },
        });

    const federated = async () =>
        text((await exchange(sandbox, await githubToken(sandbox))).json["access_token"]);
    const dev = () => sandbox.issueToken("user:dev@example.com");
    const set = `principalSet://iam.googleapis.com/${poolName}/attribute.repository/github:1001:2002`;

    it("gives a token of the account to those whom its policy permits that", async () => {
        const gke =
            "principal://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/sandbox-project.svc.id.goog/subject/ns/ci/sa/uploader";
        for (const [role, member, token] of [
            ["workloadIdentityUser", set, await federated()],
            ["workloadIdentityUser", gke, sandbox.issueToken(gke)],
            [
                "workloadIdentityUser",
                "serviceAccount:sandbox-project.svc.id.goog[ci/uploader]",
                sandbox.issueToken(gke),
            ],
            ["serviceAccountTokenCreator", "user:dev@example.com", dev()],
        ] as const) {
            await permit(role, member);
            const { status, json } = await generate(token);
            assert.equal(status, 200, JSON.stringify(json));
            assert.match(text(json["expireTime"]), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
            await grant(sandbox, "reader", `serviceAccount:${email}`);
            const headers = basic("oauth2accesstoken", text(json["accessToken"]));
            assert.equal((await through(sandbox, `${packages}/simple/a/`, { headers })).status, 404);
            assert.equal(sandbox.requests.at(-1)?.principal, `serviceAccount:${email}`);
        }
    });

    it("is refused to everybody else, and for an account that does not exist", async () => {
        const denied = async (token: string, account?: string) => {
            const { status, json } = await generate(token, { scope }, account);
            assert.equal(status, 403);
            assert.equal(
                json["error"]?.["message"],
                "Permission 'iam.serviceAccounts.getAccessToken' denied on resource (or it may not exist).",
            );
        };
        await denied(dev());
        await denied(sandbox.accessToken);
        await permit("serviceAccountTokenCreator", "user:other@example.com");
        await denied(dev());
        await permit("serviceAccountUser", "user:dev@example.com");
        await denied(dev());
        await permit("workloadIdentityUser", set.replace("2002", "2003"));
        await denied(await federated());
        await permit("workloadIdentityUser", set);
        await denied(await federated(), "ghost@sandbox-project.iam.gserviceaccount.com");
        const { status, json } = await generate("made-up");
        assert.deepEqual([status, json["error"]?.["status"]], [401, "UNAUTHENTICATED"]);
    });

    it("is refused for a disabled account, also to those with its token", async () => {
        await permit("serviceAccountTokenCreator", "user:dev@example.com");
        const headers = basic("oauth2accesstoken", text((await generate(dev())).json["accessToken"]));
        await grant(sandbox, "reader", `serviceAccount:${email}`);
        await ok(sandbox, "POST", `${accountPath}:disable`);
        const { status, json } = await generate(dev());
        assert.deepEqual([status, json["error"]?.["status"]], [400, "FAILED_PRECONDITION"]);
        assert.equal((await through(sandbox, `${packages}/simple/a/`, { headers })).status, 401);
    });

    it("lasts an hour at most", async () => {
        await permit("serviceAccountTokenCreator", "user:dev@example.com");
        const asked = Date.now();
        const { json } = await generate(dev(), { scope, lifetime: "600s" });
        const issued = Date.parse(text(json["expireTime"])) - 600_000;
        // The time has whole seconds.
        assert.ok(issued > asked - 1000 && issued <= Date.now(), text(json["expireTime"]));
        for (const [body, message] of [
            [{ scope, lifetime: "3601s" }, /more than 1 hour/],
            [{ scope, lifetime: "0s" }, /larger then zero/],
            [{ scope, lifetime: "1h" }, /'lifetime'/],
            [{}, /'scope'/],
            [{ scope: [] }, /'scope'/],
            [{ scope: ["everything"] }, /'scope/],
            [{ scope, delegates: ["projects/-/serviceAccounts/a"] }, /no delegation/],
        ] as const) {
            const refused = await generate(dev(), body);
            assert.equal(refused.status, 400, JSON.stringify(body));
            assert.match(text(refused.json["error"]?.["message"]), message);
        }
    });

    it("needs the API of the service", async () => {
        await permit("serviceAccountTokenCreator", "user:dev@example.com");
        await ok(
            sandbox,
            "POST",
            `/serviceusage/v1${projectPath}/services/iamcredentials.googleapis.com:disable`,
            {},
        );
        const { status, json } = await generate(dev());
        assert.equal(status, 403);
        assert.match(
            text(json["error"]?.["message"]),
            /^IAM Service Account Credentials API has not been used/,
        );
    });
});
