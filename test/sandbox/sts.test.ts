import { strict as assert } from "node:assert";
import type { Claims } from "../../packages/sandbox/src/issuers/ci-system";
import { githubActions } from "../../packages/sandbox/src/issuers/github-actions";
import type { TokenOptions } from "../../packages/sandbox/src/issuers/issuers";
import { startSandbox, type Sandbox } from "../../packages/sandbox/src/sandbox";
import {
    basic,
    call,
    createRepository,
    grant,
    ok,
    packages,
    projectPath,
    text,
    through,
    upload,
} from "./client";
import {
    audience,
    createFederation,
    exchange,
    githubProvider,
    githubToken,
    poolName,
    poolPath,
    providerPath,
} from "./federation";

/** The current time in seconds. */
const seconds = () => Math.floor(Date.now() / 1000);
const rejected = /^The given credential is rejected by the attribute condition\.$/;
const unverified = /^Unable to verify the ID Token signature\.$/;
const disconnected = /^Error connecting to the given credential's issuer\.$/;
const invalidTarget = /^The target service indicated by the "audience" parameters is invalid\./;

describe("sandbox: token exchange", () => {
    let sandbox: Sandbox;
    beforeEach(async () => {
        sandbox = await startSandbox();
        await createRepository(sandbox);
        await createFederation(sandbox);
    });
    afterEach(() => sandbox.close());

    async function refuses(
        token: string,
        error: string,
        description: RegExp,
        options?: Parameters<typeof exchange>[2],
    ) {
        const { status, json } = await exchange(sandbox, token, options);
        assert.equal(status, 400, JSON.stringify(json));
        assert.equal(json["error"], error);
        assert.match(text(json["error_description"]), description);
    }

    /** Changes the provider. */
    const patch = (mask: string, body: object) =>
        ok(sandbox, "PATCH", `${providerPath}?updateMask=${mask}`, { ...githubProvider, ...body });

    /** An access token for a token of GitHub's. */
    async function accessToken(claims?: Claims, options?: TokenOptions): Promise<string> {
        const { status, json } = await exchange(sandbox, await githubToken(sandbox, claims, options));
        assert.equal(status, 200, JSON.stringify(json));
        return text(json["access_token"]);
    }

    /** The status that pip gets with a token. */
    const read = async (token: string) =>
        (
            await through(sandbox, `${packages}/simple/nothing/`, {
                headers: basic("oauth2accesstoken", token),
            })
        ).status;

    it("gives a token in every form, at every endpoint", async () => {
        for (const options of [
            {},
            { form: true },
            { host: "sts.europe-west1.rep.googleapis.com" },
            { fields: { subject_token_type: "urn:ietf:params:oauth:token-type:id_token" } },
        ]) {
            const { status, json } = await exchange(sandbox, await githubToken(sandbox), options);
            assert.equal(status, 200, JSON.stringify(json));
            const { access_token: token, expires_in: lifetime, ...rest } = json;
            assert.match(text(token), /^ya29\./);
            assert.ok(Number(lifetime) > 290 && Number(lifetime) <= 300);
            assert.deepEqual(rest, {
                issued_token_type: "urn:ietf:params:oauth:token-type:access_token",
                token_type: "Bearer",
            });
        }
        assert.equal(
            sandbox.requests.find(({ host }) => host === "sts.googleapis.com")?.principal,
            `principal://iam.googleapis.com/${poolName}/subject/github:2002:9009009009`,
        );
    });

    it("gives it for an hour at most", async () => {
        const { json } = await exchange(sandbox, await githubToken(sandbox, {}, { expiresInSeconds: 86400 }));
        assert.equal(json["expires_in"], 3600);
    });

    it("gives it every identity that the mapping makes, and no other", async () => {
        await patch("attributeMapping", {
            attributeMapping: {
                ...githubProvider.attributeMapping,
                "google.groups": "[assertion.repository_owner]",
            },
        });
        const token = await accessToken();
        for (const [member, status] of [
            [`principal://iam.googleapis.com/${poolName}/subject/github:2002:9009009009`, 404],
            [`principalSet://iam.googleapis.com/${poolName}/attribute.repository/github:1001:2002`, 404],
            [
                `principalSet://iam.googleapis.com/${poolName}/attribute.repository_ref/github:1001:2002:refs/heads/main`,
                404,
            ],
            [`principalSet://iam.googleapis.com/${poolName}/group/acme`, 404],
            [`principalSet://iam.googleapis.com/${poolName}/*`, 404],
            ["allUsers", 404],
            ["allAuthenticatedUsers", 403],
            ["domain:example.com", 403],
            [`principal://iam.googleapis.com/${poolName}/subject/github:2002`, 403],
            [`principalSet://iam.googleapis.com/${poolName}/attribute.repository/github:1001:2003`, 403],
            [`principalSet://iam.googleapis.com/${poolName}/attribute.repository/github:1001`, 403],
            [`principalSet://iam.googleapis.com/${poolName}/attribute.repository/GitHub:1001:2002`, 403],
            [`principalSet://iam.googleapis.com/${poolName}/attribute.other/github:1001:2002`, 403],
            [`principalSet://iam.googleapis.com/${poolName}/group/other`, 403],
        ] as const) {
            await grant(sandbox, "reader", member);
            assert.equal(await read(token), status, member);
        }
    });

    it("lets it do what the policy says, in the data plane and in the control plane", async () => {
        const member = `principalSet://iam.googleapis.com/${poolName}/attribute.repository/github:1001:2002`;
        const token = await accessToken();
        const uploads = async (filename: string) =>
            (await upload(sandbox, basic("oauth2accesstoken", token), { filename })).status;
        const packagesPath = `/artifactregistry/v1${projectPath}/locations/europe-west1/repositories/python/packages`;
        const deletes = async () =>
            (await call(sandbox, "DELETE", `${packagesPath}/hello-there`, undefined, token)).status;
        assert.deepEqual([await uploads("hello_there-1.0.zip"), await deletes()], [403, 403]);
        await grant(sandbox, "writer", member);
        assert.deepEqual([await uploads("hello_there-1.0.zip"), await deletes()], [200, 403]);
        await grant(sandbox, "repoAdmin", member);
        assert.deepEqual([await uploads("hello_there-2.0.zip"), await deletes()], [200, 200]);
    });

    it("is refused for a wrong issuer", async () => {
        const other = "https://token.actions.githubusercontent.com/acme";
        await refuses(
            await githubToken(sandbox, {}, { issuer: other }),
            "invalid_grant",
            /^The issuer in ID Token https:\/\/token\.actions\.githubusercontent\.com\/acme does not match the expected one in config: https:\/\/token\.actions\.githubusercontent\.com\.$/,
        );
        await refuses(
            await githubToken(sandbox, { iss: `${githubActions.issuer}/` }),
            "invalid_grant",
            /does not match the expected one/,
        );
        await refuses(
            await githubToken(sandbox, { iss: undefined }),
            "invalid_grant",
            /^The issuer in ID Token null /,
        );
        // Signed by somebody else in the issuer's name.
        await refuses(
            await githubToken(sandbox, { iss: githubActions.issuer }, { issuer: "https://attacker.example" }),
            "invalid_grant",
            disconnected,
        );
    });

    for (const [forge, description] of [
        ["otherKey", unverified],
        ["unknownKey", disconnected],
        ["unsigned", unverified],
        ["publicKeyAsSecret", unverified],
    ] as const) {
        it(`is refused for a forged token: ${forge}`, async () => {
            await refuses(await githubToken(sandbox, {}, { forge }), "invalid_grant", description);
        });
    }

    it("is refused for a token whose claims were changed", async () => {
        const now = seconds();
        const [header = "", , signature = ""] = (await githubToken(sandbox)).split(".");
        const claims = { ...githubActions.claims, iss: githubActions.issuer, aud: `https:${audience}` };
        const payload = Buffer.from(JSON.stringify({ ...claims, iat: now, exp: now + 300 })).toString(
            "base64url",
        );
        await refuses(`${header}.${payload}.${signature}`, "invalid_grant", unverified);
    });

    it("is refused for what is no token", async () => {
        for (const token of ["nonsense", "a.b.c"]) {
            await refuses(token, "invalid_grant", /^Unable to parse the ID Token\.$/);
        }
    });

    it("is refused for a wrong audience", async () => {
        const wrong = /^The audience in ID Token \[.*\] does not match the expected audience\.$/;
        for (const aud of [
            "https://github.com/acme",
            `https:${audience.replace("machines", "others")}`,
            audience.slice(2),
        ]) {
            await refuses(await githubToken(sandbox, { aud }), "invalid_grant", wrong);
        }
        await refuses(await githubToken(sandbox, { aud: undefined }), "invalid_grant", /\[\]/);
        assert.equal((await exchange(sandbox, await githubToken(sandbox, { aud: audience }))).status, 200);
        const both = await githubToken(sandbox, { aud: ["https://github.com/acme", audience] });
        assert.equal((await exchange(sandbox, both)).status, 200);
        await patch("oidc", { oidc: { ...githubProvider.oidc, allowedAudiences: ["ours"] } });
        assert.equal((await exchange(sandbox, await githubToken(sandbox, { aud: "ours" }))).status, 200);
        await refuses(await githubToken(sandbox), "invalid_grant", wrong);
    });

    it("is refused for a token outside of its time", async () => {
        const stale = /^ID Token issued at (\d+|null) is stale to sign-in\.$/;
        for (const claims of [
            () => ({ exp: seconds() - 65 }),
            () => ({ iat: seconds() + 120 }),
            () => ({ nbf: seconds() + 120 }),
            () => ({ exp: undefined }),
            () => ({ iat: undefined }),
        ]) {
            await refuses(await githubToken(sandbox, claims()), "invalid_grant", stale);
        }
        await refuses(
            await githubToken(sandbox, {}, { issuedSecondsAgo: 900, expiresInSeconds: -600 }),
            "invalid_grant",
            stale,
        );
        const now = seconds();
        const skewed = await githubToken(sandbox, { iat: now + 30, nbf: now + 30, exp: now - 30 });
        assert.equal((await exchange(sandbox, skewed)).status, 200);
    });

    it("is refused by the condition, also for a claim that is absent", async () => {
        for (const owner of ["1002", "", undefined]) {
            const token = await githubToken(sandbox, { repository_owner_id: owner });
            await refuses(token, "unauthorized_client", rejected);
        }
        await patch("attributeCondition", {
            attributeCondition:
                "attribute.repository == 'github:1001:2002' && google.subject.startsWith('github:')",
        });
        await accessToken();
        await refuses(await githubToken(sandbox, { repository_id: "2003" }), "unauthorized_client", rejected);
        await patch("attributeCondition", { attributeCondition: "assertion.repository_id" });
        await refuses(await githubToken(sandbox), "unauthorized_client", rejected);
    });

    it("is refused where a mapped attribute has no text", async () => {
        const type = (key: string) => new RegExp(`^The mapped attribute '${key}' must be of type `);
        const subject = githubProvider.attributeMapping["google.subject"];
        for (const [mapping, key] of [
            [{ "google.subject": "assertion.sub == 'x'" }, "google.subject"],
            [{ "google.subject": "assertion.environment" }, "google.subject"],
            [{ "google.subject": "''" }, "google.subject"],
            [
                { "google.subject": subject, "attribute.environment": "assertion.environment" },
                "attribute.environment",
            ],
            [{ "google.subject": subject, "attribute.number": "1" }, "attribute.number"],
            [{ "google.subject": subject, "google.groups": "assertion.actor" }, "google.groups"],
        ] as const) {
            await patch("attributeMapping", { attributeMapping: mapping });
            await refuses(await githubToken(sandbox), "unauthorized_client", type(key));
        }
        await patch("attributeMapping", {
            attributeMapping: {
                "google.subject": subject,
                "attribute.environment": "has(assertion.environment) ? assertion.environment : ''",
            },
        });
        await accessToken();
    });

    it("is refused for a subject of more than 127 bytes, and for more than 8 KiB of attributes", async () => {
        await patch("attributeMapping", { attributeMapping: { "google.subject": "assertion.sub" } });
        const limit =
            /^The size of mapped attribute google\.subject exceeds the 127 bytes limit\. Either modify/;
        await accessToken({ sub: "x".repeat(127) });
        await refuses(await githubToken(sandbox, { sub: "x".repeat(128) }), "invalid_request", limit);
        await refuses(await githubToken(sandbox, { sub: "é".repeat(64) }), "invalid_request", limit);
        await patch("attributeMapping", {
            attributeMapping: { "google.subject": "assertion.sub", "attribute.ref": "assertion.ref" },
        });
        await accessToken({ sub: "x", ref: "x".repeat(8191) });
        await refuses(
            await githubToken(sandbox, { sub: "x", ref: "x".repeat(8192) }),
            "invalid_request",
            /exceeds the 8192 bytes limit/,
        );
    });

    it("is refused by a provider or a pool that is unknown, disabled or deleted", async () => {
        const token = await githubToken(sandbox);
        const works = async () => {
            assert.equal((await exchange(sandbox, token)).status, 200);
        };
        for (const wrong of [
            audience.replace("github", "gitlab"),
            audience.replace("machines", "others"),
            audience.replace("123456789012", "210987654321"),
        ]) {
            await refuses(token, "invalid_target", invalidTarget, { fields: { audience: wrong } });
        }
        for (const path of [providerPath, poolPath]) {
            await works();
            await ok(sandbox, "PATCH", `${path}?updateMask=disabled`, { disabled: true });
            await refuses(token, "invalid_target", invalidTarget);
            await ok(sandbox, "PATCH", `${path}?updateMask=disabled`, { disabled: false });
            await works();
            await ok(sandbox, "DELETE", path);
            await refuses(token, "invalid_target", invalidTarget);
            await ok(sandbox, "POST", `${path}:undelete`, {});
        }
        await works();
    });

    it("is refused for an invalid request", async () => {
        const token = await githubToken(sandbox);
        for (const wrong of [
            audience.replace("123456789012", "sandbox-project"),
            audience.replace(/\/providers.*/, ""),
            `https:${audience}`,
        ]) {
            await refuses(token, "invalid_request", /^Invalid value for "audience"\./, {
                fields: { audience: wrong },
            });
        }
        for (const [field, value] of [
            ["grant_type", "refresh_token"],
            ["requested_token_type", "urn:ietf:params:oauth:token-type:id_token"],
            ["subject_token_type", "urn:ietf:params:oauth:token-type:saml2"],
            ["scope", ""],
        ] as const) {
            await refuses(token, "invalid_request", new RegExp(`^Invalid value for "${field}"\\.$`), {
                fields: { [field]: value },
                form: true,
            });
        }
        await refuses("", "invalid_request", /"subject_token"/);
    });

    it("needs the API of the service in the pool's project", async () => {
        await ok(sandbox, "POST", `/serviceusage/v1${projectPath}/services/sts.googleapis.com:disable`, {});
        const { status, json } = await exchange(sandbox, await githubToken(sandbox));
        assert.equal(status, 403);
        assert.match(
            text(json["error"]?.["message"]),
            /^Security Token Service API has not been used in project/,
        );
    });

    it("gets the keys of the issuer at each exchange, or uses those of the provider", async () => {
        const before = await githubToken(sandbox);
        sandbox.issuers.rotate(githubActions.issuer);
        await refuses(before, "invalid_grant", disconnected);
        await accessToken();
        assert.ok(
            sandbox.requests.some(
                ({ plane, host, path }) =>
                    plane === "issuer" &&
                    host === "token.actions.githubusercontent.com" &&
                    path === "/.well-known/jwks",
            ),
        );
        sandbox.issuers.disconnect(githubActions.issuer);
        await refuses(await githubToken(sandbox), "invalid_grant", disconnected);
        const jwksJson = await sandbox.issuers.jwksJson(githubActions.issuer);
        await patch("oidc", { oidc: { ...githubProvider.oidc, jwksJson } });
        await accessToken();
        await refuses(await githubToken(sandbox, {}, { forge: "otherKey" }), "invalid_grant", unverified);
    });

    it("is refused where nobody publishes the issuer's keys", async () => {
        const oidc = { issuerUri: "https://nobody.example" };
        await patch("oidc", { oidc });
        await refuses(await githubToken(sandbox, { iss: oidc.issuerUri }), "invalid_grant", disconnected);
    });

    describe("the tokens it gave", () => {
        let token: string;
        beforeEach(async () => {
            token = await accessToken();
            await grant(sandbox, "reader", `principalSet://iam.googleapis.com/${poolName}/*`);
        });

        it("outlive the provider", async () => {
            await ok(sandbox, "PATCH", `${providerPath}?updateMask=disabled`, { disabled: true });
            assert.equal(await read(token), 404);
            await ok(sandbox, "DELETE", providerPath);
            assert.equal(await read(token), 404);
        });

        it("are worth nothing while the pool is disabled or deleted", async () => {
            await ok(sandbox, "PATCH", `${poolPath}?updateMask=disabled`, { disabled: true });
            assert.equal(await read(token), 401);
            await ok(sandbox, "PATCH", `${poolPath}?updateMask=disabled`, {});
            assert.equal(await read(token), 404);
            await ok(sandbox, "DELETE", poolPath);
            assert.equal(await read(token), 401);
            await ok(sandbox, "POST", `${poolPath}:undelete`, {});
            assert.equal(await read(token), 404);
        });

        it("end with the grant", async () => {
            await grant(sandbox, "reader", "user:dev@example.com");
            assert.equal(await read(token), 403);
        });

        it("are unknown to the endpoint that describes the tokens of Google accounts", async () => {
            const reply = await through(sandbox, "https://oauth2.googleapis.com/tokeninfo", {
                method: "POST",
                headers: { "Content-Type": "application/x-www-form-urlencoded" },
                body: Buffer.from(String(new URLSearchParams({ access_token: token }))),
            });
            assert.equal(reply.status, 400);
            assert.match(reply.text, /invalid_token/);
        });

        it("are not in the log", async () => {
            const jwt = await githubToken(sandbox);
            await exchange(sandbox, jwt);
            const written = JSON.stringify(sandbox.requests);
            for (const secret of [token, jwt]) assert.equal(written.includes(secret), false);
        });
    });
});
