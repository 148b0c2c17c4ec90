import { strict as assert } from "node:assert";
import { importPKCS8, SignJWT, UnsecuredJWT, type JWTPayload } from "jose";
import { startSandbox, type Sandbox } from "../../packages/sandbox/src/sandbox";
import {
    accountsPath,
    basic,
    createKey,
    createRepository,
    grant,
    ok,
    packages,
    repositoryPath,
    through,
    upload,
    type Json,
    type KeyFile,
    text,
} from "./client";

const tokenUri = "https://oauth2.googleapis.com/token";
const grantType = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const now = () => Math.floor(Date.now() / 1000);

/** An assertion like one from google-auth, with some claims and the key id changed. */
async function assertion(
    file: KeyFile,
    claims: JWTPayload = {},
    keyId = file.private_key_id,
): Promise<string> {
    const standard = {
        iss: file.client_email,
        aud: tokenUri,
        scope: "https://www.googleapis.com/auth/cloud-platform",
        iat: now(),
        exp: now() + 3600,
    };
    return new SignJWT({ ...standard, ...claims })
        .setProtectedHeader({ alg: "RS256", typ: "JWT", kid: keyId })
        .sign(await importPKCS8(file.private_key, "RS256"));
}

describe("sandbox: access tokens", () => {
    let sandbox: Sandbox;
    beforeEach(async () => {
        sandbox = await startSandbox();
        await createRepository(sandbox);
    });
    afterEach(() => sandbox.close());

    async function exchange(signed: string, type = grantType): Promise<{ status: number; json: Json }> {
        const reply = await through(sandbox, tokenUri, {
            method: "POST",
            headers: { "Content-Type": "application/x-www-form-urlencoded" },
            body: Buffer.from(String(new URLSearchParams({ grant_type: type, assertion: signed }))),
        });
        return { status: reply.status, json: JSON.parse(reply.text) as Json };
    }

    async function refuses(signed: string, description: RegExp, error = "invalid_grant") {
        const { status, json } = await exchange(signed);
        assert.equal(status, 400, JSON.stringify(json));
        assert.equal(json["error"], error);
        assert.match(text(json["error_description"]), description);
    }

    it("are issued for a signed claim, to the account", async () => {
        const { file, email } = await createKey(sandbox);
        const { status, json } = await exchange(await assertion(file));
        assert.equal(status, 200, JSON.stringify(json));
        assert.equal(json["token_type"], "Bearer");
        assert.equal(json["expires_in"], 3599);
        await grant(sandbox, "writer", `serviceAccount:${email}`);
        const uploaded = await upload(sandbox, basic("oauth2accesstoken", text(json["access_token"])));
        assert.equal(uploaded.status, 200);
        assert.equal(
            sandbox.requests.find(({ plane }) => plane === "token")?.principal,
            `serviceAccount:${email}`,
        );
    });

    it("can be signed by the account itself, for an API or a scope", async () => {
        const { file, email } = await createKey(sandbox);
        await grant(sandbox, "reader", `serviceAccount:${email}`);
        const url = `https://artifactregistry.googleapis.com${repositoryPath.replace("/artifactregistry", "")}`;
        const scope = "https://www.googleapis.com/auth/cloud-platform";
        const aud = "https://artifactregistry.googleapis.com/";
        const status = async (claims: JWTPayload, kid = file.private_key_id) => {
            const own = { iss: email, sub: email, iat: now(), exp: now() + 3600 };
            const token = await new SignJWT({ ...own, ...claims })
                .setProtectedHeader({ alg: "RS256", kid })
                .sign(await importPKCS8(file.private_key, "RS256"));
            return (await through(sandbox, url, { headers: { Authorization: `Bearer ${token}` } })).status;
        };
        assert.equal(await status({ scope }), 200);
        assert.equal(await status({ aud }), 200);
        assert.equal(sandbox.requests.at(-1)?.principal, `serviceAccount:${email}`);
        const stranger = "someone-else@sandbox-project.iam.gserviceaccount.com";
        for (const claims of [
            {},
            { aud: "https://iam.googleapis.com/" },
            // An assertion for an access token is none.
            { aud: tokenUri, scope },
            { scope: "https://www.googleapis.com/auth/devstorage.read_only" },
            { scope, sub: stranger },
            { scope, iss: stranger },
            { scope, iat: now() - 7200, exp: now() - 3600 },
        ]) {
            assert.equal(await status(claims), 401, JSON.stringify(claims));
        }
        assert.equal(await status({ scope }, "unknown"), 401);
        const other = await createKey(sandbox, "other-1");
        assert.equal(await status({ scope }, other.file.private_key_id), 401, "another key's id");
    });

    it("are not issued for a claim with a wrong signature", async () => {
        const [mine, other] = [(await createKey(sandbox)).file, (await createKey(sandbox, "stranger")).file];
        await refuses(
            await assertion(other, { iss: mine.client_email }, mine.private_key_id),
            /^Invalid JWT Signature\.$/,
        );
        await refuses(await assertion(other, { iss: mine.client_email }), /./);
        const unsigned = new UnsecuredJWT({
            iss: mine.client_email,
            aud: tokenUri,
            iat: now(),
            exp: now() + 60,
        }).encode();
        await refuses(unsigned, /./);
        await refuses("nonsense", /./);
        await refuses("", /./);
    });

    it("are not issued for a key that is unknown, deleted, disabled or expired", async () => {
        const signature = /^Invalid JWT Signature\.$/;
        const key = await createKey(sandbox);
        const signed = await assertion(key.file);
        await refuses(await assertion(key.file, {}, "0".repeat(40)), signature);
        await ok(sandbox, "POST", `${key.path}:disable`);
        await refuses(signed, signature);
        await ok(sandbox, "POST", `${key.path}:enable`);
        assert.equal((await exchange(signed)).status, 200);
        const kept = sandbox.cloud.findServiceAccount(key.email)?.keys.get(key.file.private_key_id);
        assert.ok(kept);
        const { validBefore } = kept;
        kept.validBefore = new Date();
        await refuses(signed, signature);
        kept.validBefore = validBefore;
        await ok(sandbox, "DELETE", key.path);
        await refuses(signed, signature);
    });

    it("are not issued for a wrong audience, time or subject, or without a scope", async () => {
        const { file } = await createKey(sandbox);
        await refuses(await assertion(file, { aud: "https://example.com/token" }), /aud/);
        await refuses(await assertion(file, { iat: now() - 7200, exp: now() - 3600 }), /short-lived/);
        await refuses(await assertion(file, { exp: now() + 7200 }), /short-lived/);
        await refuses(await assertion(file, { iat: now() + 600, exp: now() + 1200 }), /short-lived/);
        await refuses(
            await assertion(file, { sub: "user@example.com" }),
            /delegation/,
            "unauthorized_client",
        );
        await refuses(await assertion(file, { scope: "" }), /scope/, "invalid_scope");
        const { status, json } = await exchange(await assertion(file), "refresh_token");
        assert.deepEqual([status, json["error"]], [400, "unsupported_grant_type"]);
    });

    it("end with their account, and do not work while it is disabled", async () => {
        const { file, email } = await createKey(sandbox);
        await grant(sandbox, "reader", `serviceAccount:${email}`);
        const { json } = await exchange(await assertion(file));
        const headers = basic("oauth2accesstoken", text(json["access_token"]));
        const read = async () => (await through(sandbox, `${packages}/simple/a/`, { headers })).status;
        assert.equal(await read(), 404);
        await ok(sandbox, "POST", `${accountsPath}/${email}:disable`);
        assert.equal(await read(), 401);
        await ok(sandbox, "POST", `${accountsPath}/${email}:enable`);
        assert.equal(await read(), 404);
        await ok(sandbox, "DELETE", `${accountsPath}/${email}`);
        assert.equal(await read(), 401);
    });

    it("are described to every holder, until they expire", async () => {
        const described = async (token: string) => {
            const reply = await through(sandbox, "https://oauth2.googleapis.com/tokeninfo", {
                method: "POST",
                headers: { "Content-Type": "application/x-www-form-urlencoded" },
                body: Buffer.from(String(new URLSearchParams({ access_token: token }))),
            });
            return { status: reply.status, json: JSON.parse(reply.text) as Json };
        };
        const issued = now();
        const person = await described(sandbox.issueToken("user:dev@example.com", 600));
        assert.equal(person.status, 200);
        assert.equal(person.json["email"], "dev@example.com");
        const left = Number(person.json["expires_in"]);
        assert.ok(left <= 600 && left >= 600 - (now() - issued) - 1, String(left));

        const { email } = await createKey(sandbox);
        const account = await described(sandbox.issueToken(`serviceAccount:${email}`));
        assert.equal(account.json["email"], undefined);
        assert.equal(account.json["azp"], sandbox.cloud.findServiceAccount(email)?.uniqueId);

        for (const token of [sandbox.issueToken("user:dev@example.com", 0), "unknown", ""]) {
            const { status, json } = await described(token);
            assert.deepEqual([status, json["error"]], [400, "invalid_token"]);
        }
    });

    it("cannot be issued to a service account that does not exist", () => {
        const ghost = "serviceAccount:ghost@sandbox-project.iam.gserviceaccount.com";
        assert.throws(() => sandbox.issueToken(ghost), /no service account ghost@/);
    });
});
