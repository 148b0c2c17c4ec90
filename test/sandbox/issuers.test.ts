import { strict as assert } from "node:assert";
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify, type JSONWebKeySet } from "jose";
import {
    azureDevops,
    azureEntra,
    azureServiceConnection,
} from "../../packages/sandbox/src/issuers/azure-devops";
import { bitbucket } from "../../packages/sandbox/src/issuers/bitbucket";
import { buildkite } from "../../packages/sandbox/src/issuers/buildkite";
import type { CiSystem } from "../../packages/sandbox/src/issuers/ci-system";
import { circleci } from "../../packages/sandbox/src/issuers/circleci";
import {
    githubActions,
    githubEnterprise,
    githubServer,
} from "../../packages/sandbox/src/issuers/github-actions";
import { gitlabCi, gitlabServer } from "../../packages/sandbox/src/issuers/gitlab-ci";
import { hcpTerraform } from "../../packages/sandbox/src/issuers/hcp-terraform";
import { pulumiDeployments } from "../../packages/sandbox/src/issuers/pulumi-deployments";
import { startSandbox, type Sandbox } from "../../packages/sandbox/src/sandbox";
import { through } from "./client";

const systems: Record<string, CiSystem> = {
    "GitHub Actions": githubActions,
    "GitHub Enterprise Cloud": githubEnterprise("acme"),
    "GitHub Enterprise Server": githubServer("github.example.com"),
    "GitLab.com": gitlabCi,
    "a GitLab of one's own": gitlabServer("gitlab.example.com"),
    CircleCI: circleci,
    "Azure DevOps": azureDevops,
    "an Azure service connection": azureServiceConnection,
    "an Azure service connection with Entra": azureEntra,
    "HCP Terraform": hcpTerraform,
    Buildkite: buildkite,
    Bitbucket: bitbucket,
    "Pulumi Deployments": pulumiDeployments,
    "any other": { issuer: "https://issuer.example.com/tenants/1/", claims: { sub: "machine" } },
};

describe("sandbox: issuers", () => {
    let sandbox: Sandbox;
    beforeEach(async () => (sandbox = await startSandbox()));
    afterEach(() => sandbox.close());

    const json = async (url: string): Promise<unknown> => JSON.parse((await through(sandbox, url)).text);

    for (const [name, { issuer, claims }] of Object.entries(systems)) {
        it(`sign tokens that discovery verifies, under their real name: ${name}`, async () => {
            const token = await sandbox.issuers.issue(issuer, claims, { audience: "ours" });
            const base = issuer.replace(/\/$/, "");
            const found = (await json(`${base}/.well-known/openid-configuration`)) as Record<string, string>;
            assert.equal(found["issuer"], issuer);
            const keys = createLocalJWKSet((await json(found["jwks_uri"] ?? "")) as JSONWebKeySet);
            const { payload } = await jwtVerify(token, keys, {
                issuer,
                audience: (claims["aud"] as string | undefined) ?? "ours",
                algorithms: ["RS256"],
            });
            const { iss, aud, iat, nbf, exp, ...rest } = payload;
            const { aud: fixed, ...expected } = claims;
            assert.deepEqual(rest, expected);
            assert.equal(iss, issuer);
            assert.equal(aud, fixed ?? "ours");
            assert.equal(nbf, iat);
            assert.equal((exp ?? 0) - (iat ?? 0), 300);
        });
    }

    it("sign what a test says, and leave out what is undefined", async () => {
        const options = { audience: "ours", expiresInSeconds: -60, issuedSecondsAgo: 600 };
        const claims = {
            ...githubActions.claims,
            repository_id: "9",
            environment: "production",
            ref: undefined,
        };
        const token = decodeJwt(await sandbox.issuers.issue(githubActions.issuer, claims, options));
        assert.equal(token["repository_id"], "9");
        assert.equal(token["environment"], "production");
        assert.equal("ref" in token, false);
        assert.equal((token.exp ?? 0) - (token.iat ?? 0), 540);
    });

    it("are forged in four ways", async () => {
        const { issuer, claims } = githubActions;
        const { keys } = JSON.parse(await sandbox.issuers.jwksJson(issuer)) as JSONWebKeySet;
        const header = async (forge: "otherKey" | "unknownKey" | "unsigned" | "publicKeyAsSecret") =>
            decodeProtectedHeader(await sandbox.issuers.issue(issuer, claims, { forge }));
        const kid = keys[0]?.kid;
        assert.deepEqual(await header("otherKey"), { alg: "RS256", typ: "JWT", kid });
        assert.notEqual((await header("unknownKey")).kid, kid);
        assert.deepEqual(await header("unsigned"), { alg: "none" });
        assert.deepEqual(await header("publicKeyAsSecret"), { alg: "HS256", kid });
    });

    it("have claims of the size that the systems send", () => {
        assert.equal(Buffer.byteLength(String(circleci.claims["sub"])), 127);
    });

    it("answer nothing but discovery and keys, and nothing behind a firewall", async () => {
        const status = async (url: string) => (await through(sandbox, url)).status;
        assert.equal(await status("https://gitlab.com/.well-known/openid-configuration"), 200);
        assert.equal(await status("https://gitlab.com/acme/widgets"), 404);
        assert.equal(await status("https://unknown.example/.well-known/openid-configuration"), 404);
        sandbox.issuers.disconnect("https://gitlab.com");
        assert.equal(await status("https://gitlab.com/.well-known/openid-configuration"), 404);
        assert.equal(await status("https://gitlab.com/.well-known/jwks"), 404);
    });

    it("give a job of GitHub Actions a token on request", async () => {
        const { ACTIONS_ID_TOKEN_REQUEST_URL: url, ACTIONS_ID_TOKEN_REQUEST_TOKEN: token } =
            sandbox.issuers.githubTokenRequest({ ...githubActions.claims, ref: "refs/heads/topic" });
        const request = async (bearer: string, query = "&audience=https%3A%2F%2Fours.example") =>
            through(sandbox, url + query, { headers: { Authorization: `Bearer ${bearer}` } });
        const { status, text } = await request(token);
        assert.equal(status, 200);
        const claims = decodeJwt((JSON.parse(text) as { value: string }).value);
        assert.deepEqual([claims.aud, claims["ref"]], ["https://ours.example", "refs/heads/topic"]);
        const usual = JSON.parse((await request(token, "")).text) as { value: string };
        assert.equal(decodeJwt(usual.value).aud, "https://github.com/acme");
        assert.equal((await request("other")).status, 401);
        assert.equal((await through(sandbox, `${url}&audience=x`)).status, 401);
        assert.equal((await through(sandbox, url.replace("idtoken/", "idtoken/0"))).status, 401);
        assert.equal(JSON.stringify(sandbox.requests).includes(token), false);
    });
});
