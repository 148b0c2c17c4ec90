import { strict as assert } from "node:assert";
import { ToolEnvironment } from "../../packages/sandbox/src/python/tool-environment";
import { githubActions } from "../../packages/sandbox/src/issuers/github-actions";
import { startSandbox, type Sandbox } from "../../packages/sandbox/src/sandbox";
import { needTools } from "../clients/registry";
import { accountsPath, createRepository, grant, ok } from "./client";
import { audience, createFederation, poolName } from "./federation";

// Python's google-auth, unmodified, with the keyring backend that uses it.

const member = `principalSet://iam.googleapis.com/${poolName}/attribute.repository/github:1001:2002`;
const email = "robot-1@sandbox-project.iam.gserviceaccount.com";

describe("sandbox: google-auth", () => {
    let bin: string;
    before(async function () {
        ({ bin } = await needTools(this));
    });

    let sandbox: Sandbox;
    beforeEach(async () => {
        sandbox = await startSandbox();
        await createRepository(sandbox);
        await createFederation(sandbox);
        await grant(sandbox, "reader", member);
    });
    afterEach(() => sandbox.close());

    /** The password for the repository from the keyring, and the status that it gets there. */
    async function keyring(
        environment: Readonly<Record<string, string>>,
        credentials?: object,
    ): Promise<{ output: string; status: number | undefined; principal: string | undefined }> {
        await using home = await ToolEnvironment.open({
            path: [bin],
            environment: { ...sandbox.clientEnvironment, ...environment },
            ...(credentials && { keyFile: JSON.stringify(credentials) }),
        });
        const program = [
            "import keyring, requests",
            'host = "europe-west1-python.pkg.dev"',
            'password = keyring.get_password("https://" + host, "oauth2accesstoken")',
            'url = "https://%s/sandbox-project/python/simple/nothing/" % host',
            'print(requests.get(url, auth=("oauth2accesstoken", password)).status_code)',
        ].join("\n");
        const { output } = await home.run("python", "-c", program);
        const last = sandbox.requests.findLast(({ plane }) => plane === "data");
        return { output, status: last?.status, principal: last?.principal };
    }

    /** The file that the action google-github-actions/auth writes. */
    const credentialFile = (
        request: ReturnType<Sandbox["issuers"]["githubTokenRequest"]>,
        impersonated?: string,
    ) => ({
        type: "external_account",
        audience,
        subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
        token_url: "https://sts.googleapis.com/v1/token",
        ...(impersonated && {
            service_account_impersonation_url: `https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/${impersonated}:generateAccessToken`,
        }),
        credential_source: {
            url: `${request.ACTIONS_ID_TOKEN_REQUEST_URL}&audience=${encodeURIComponent(`https:${audience}`)}`,
            headers: { Authorization: `Bearer ${request.ACTIONS_ID_TOKEN_REQUEST_TOKEN}` },
            format: { type: "json", subject_token_field_name: "value" },
        },
    });

    it("gets in with the file of GitHub's action", async () => {
        const { output, status, principal } = await keyring(
            {},
            credentialFile(sandbox.issuers.githubTokenRequest()),
        );
        assert.equal(status, 404, output);
        assert.equal(principal, `principal://iam.googleapis.com/${poolName}/subject/github:2002:9009009009`);
    });

    it("gets in as an account that it may impersonate", async () => {
        await ok(sandbox, "POST", accountsPath, { accountId: "robot-1" });
        await ok(sandbox, "POST", `${accountsPath}/${email}:setIamPolicy`, {
            policy: { bindings: [{ role: "roles/iam.workloadIdentityUser", members: [member] }] },
        });
        await grant(sandbox, "reader", `serviceAccount:${email}`);
        const { output, status, principal } = await keyring(
            {},
            credentialFile(sandbox.issuers.githubTokenRequest(), email),
        );
        assert.equal(status, 404, output);
        assert.equal(principal, `serviceAccount:${email}`);
    });

    it("says what the service says when it is refused", async () => {
        const stranger = { ...githubActions.claims, repository_owner_id: "1002" };
        const { output, status } = await keyring(
            {},
            credentialFile(sandbox.issuers.githubTokenRequest(stranger)),
        );
        assert.match(
            output,
            /unauthorized_client: The given credential is rejected by the attribute condition/,
        );
        assert.equal(status, undefined);
    });

    for (const identity of [
        "serviceAccount:123456789012-compute@developer.gserviceaccount.com",
        "principal://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/sandbox-project.svc.id.goog/subject/ns/ci/sa/uploader",
    ]) {
        it(`gets in on a machine in Google Cloud, as ${identity}`, async () => {
            await grant(sandbox, "reader", identity);
            const { output, status, principal } = await keyring(await sandbox.startMetadataServer(identity));
            assert.equal(status, 404, output);
            assert.equal(principal, identity);
        });
    }
});
