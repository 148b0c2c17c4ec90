import { strict as assert } from "node:assert";
import { startSandbox, type Sandbox } from "../../packages/sandbox/src/sandbox";
import {
    accountsPath,
    basic,
    createRepository,
    grant,
    ok,
    packages,
    text,
    through,
    type Json,
} from "./client";

const flavor = { headers: { "Metadata-Flavor": "Google" } };
const compute = "serviceAccount:123456789012-compute@developer.gserviceaccount.com";
const gke =
    "principal://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/sandbox-project.svc.id.goog/subject/ns/ci/sa/uploader";

describe("sandbox: metadata server", () => {
    let sandbox: Sandbox;
    beforeEach(async () => {
        sandbox = await startSandbox();
        await createRepository(sandbox);
    });
    afterEach(() => sandbox.close());

    /** The root of a new server. */
    async function start(identity: string): Promise<string> {
        const { GCE_METADATA_HOST: host = "", GCE_METADATA_IP: ip } =
            await sandbox.startMetadataServer(identity);
        assert.match(host, /^127\.0\.0\.1:\d+$/);
        assert.equal(ip, host);
        return `http://${host}`;
    }

    const v1 = (root: string, path: string) => fetch(`${root}/computeMetadata/v1/${path}`, flavor);
    const body = async (root: string, path: string) => (await v1(root, path)).text();

    it("describes the machine and its account, directly and through the proxy", async () => {
        const root = await start(compute);
        const email = compute.replace("serviceAccount:", "");
        const ping = await fetch(root);
        assert.deepEqual([ping.status, ping.headers.get("Metadata-Flavor")], [200, "Google"]);
        assert.equal(await body(root, "project/project-id"), "sandbox-project");
        assert.equal(await body(root, "project/numeric-project-id"), "123456789012");
        assert.equal(await body(root, "universe/universe-domain"), "googleapis.com");
        assert.equal(await body(root, "instance/service-accounts/default/email"), email);
        assert.match(await body(root, "instance/service-accounts/"), new RegExp(`^${email}/\ndefault/`));
        const account = JSON.parse(
            await body(root, "instance/service-accounts/default/?recursive=true"),
        ) as object;
        const scopes = ["https://www.googleapis.com/auth/cloud-platform"];
        assert.deepEqual(account, { aliases: ["default"], email, scopes });
        assert.equal(await body(root, `instance/service-accounts/${email}/scopes`), `${scopes[0]}\n`);
        const proxied = await through(sandbox, `${root}/computeMetadata/v1/project/project-id`, flavor);
        assert.equal(proxied.text, "sandbox-project");
    });

    it("answers nobody without its header, and does not have other accounts", async () => {
        const root = await start(compute);
        const url = `${root}/computeMetadata/v1/instance/service-accounts/default/token`;
        assert.equal((await fetch(url)).status, 403);
        const forwarded = { headers: { ...flavor.headers, "X-Forwarded-For": "10.0.0.1" } };
        assert.equal((await fetch(url, forwarded)).status, 403);
        assert.equal((await v1(root, "instance/service-accounts/other@example.com/token")).status, 404);
        assert.equal((await v1(root, "instance/nothing")).status, 404);
    });

    for (const [identity, email] of [
        [compute, compute.replace("serviceAccount:", "")],
        [
            "serviceAccount:sandbox-project@appspot.gserviceaccount.com",
            "sandbox-project@appspot.gserviceaccount.com",
        ],
        [
            "serviceAccount:robot-1@sandbox-project.iam.gserviceaccount.com",
            "robot-1@sandbox-project.iam.gserviceaccount.com",
        ],
        [gke, "sandbox-project.svc.id.goog"],
    ] as const) {
        it(`gives tokens of ${identity}`, async () => {
            await ok(sandbox, "POST", accountsPath, { accountId: "robot-1" });
            const root = await start(identity);
            const path = `instance/service-accounts/${email}/token?scopes=x`;
            const { access_token: token, ...rest } = (await (await v1(root, path)).json()) as Json;
            assert.deepEqual(rest, { expires_in: 3599, token_type: "Bearer" });
            const read = async () =>
                (
                    await through(sandbox, `${packages}/simple/a/`, {
                        headers: basic("oauth2accesstoken", text(token)),
                    })
                ).status;
            assert.equal(await read(), 403);
            await grant(sandbox, "reader", identity);
            assert.equal(await read(), 404);
            assert.equal(sandbox.requests.at(-1)?.principal, identity);
            assert.equal(JSON.stringify(sandbox.requests).includes(text(token)), false);
        });
    }

    it("gives a Kubernetes account the sets that it belongs to", async () => {
        const token = sandbox.issueToken(gke);
        const pool =
            "iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/sandbox-project.svc.id.goog";
        for (const [member, status] of [
            [`principalSet://${pool}/namespace/ci`, 404],
            [`principalSet://${pool}/namespace/prod`, 403],
            ["serviceAccount:sandbox-project.svc.id.goog[ci/uploader]", 404],
            ["serviceAccount:sandbox-project.svc.id.goog[ci/other]", 403],
            ["allAuthenticatedUsers", 403],
        ] as const) {
            await grant(sandbox, "reader", member);
            const headers = basic("oauth2accesstoken", token);
            assert.equal(
                (await through(sandbox, `${packages}/simple/a/`, { headers })).status,
                status,
                member,
            );
        }
    });

    it("serves one identity each, and ends with the sandbox", async () => {
        const [first, second] = [await start(compute), await start(gke)];
        const email = "instance/service-accounts/default/email";
        assert.notEqual(await body(first, email), await body(second, email));
        await sandbox.close();
        await assert.rejects(fetch(first));
    });
});
