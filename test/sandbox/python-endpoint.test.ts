import { strict as assert } from "node:assert";
import { createHash, generateKeyPairSync } from "node:crypto";
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
} from "./client";

const page = `${packages}/simple/hello-there/`;
const file = `${packages}/hello-there/hello_there-1.0.tar.gz`;
const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64");

describe("sandbox: Python endpoint", () => {
    let sandbox: Sandbox;
    /** The operator's credentials, who owns the project. */
    let owner: { Authorization: string };
    beforeEach(async () => {
        sandbox = await startSandbox();
        owner = basic("oauth2accesstoken", sandbox.accessToken);
        await createRepository(sandbox);
    });
    afterEach(() => sandbox.close());

    const as = (member: string) => basic("oauth2accesstoken", sandbox.issueToken(member));
    const status = async (url: string, headers = {}) => (await through(sandbox, url, { headers })).status;

    it("returns uploaded files byte by byte", async () => {
        const content = Buffer.from(Array.from({ length: 70_000 }, (_, n) => (n * 7919) % 256)).toString(
            "latin1",
        );
        const sha256 = createHash("sha256").update(content, "latin1").digest("hex");
        const uploaded = await upload(sandbox, owner, { content, fields: { sha256_digest: sha256 } });
        assert.equal(uploaded.status, 200, uploaded.text);
        for (const spelling of ["hello-there", "Hello.There", "hello__there"]) {
            const index = await through(sandbox, `${packages}/simple/${spelling}/`, { headers: owner });
            assert.equal(index.status, 200);
            assert.match(index.headers["content-type"] ?? "", /^text\/html/);
            assert.equal(index.headers["cache-control"], "private, max-age=0");
            const href = /href="([^"]+)"/.exec(index.text)?.[1];
            assert.equal(href, `/sandbox-project/python/hello-there/hello_there-1.0.tar.gz#sha256=${sha256}`);
        }
        const download = await through(sandbox, file, { headers: owner });
        assert.equal(download.status, 200);
        assert.equal(download.body.toString("latin1"), content);
        const head = await through(sandbox, file, { method: "HEAD", headers: owner });
        assert.deepEqual([head.status, head.body.length], [200, 0]);
        assert.equal((await ok(sandbox, "GET", repositoryPath))["sizeBytes"], "70000");
    });

    it("has no page for a package that it does not have", async () => {
        await upload(sandbox, owner);
        for (const path of [
            "/simple/",
            "/simple/unknown/",
            "/hello-there/unknown.tar.gz",
            "/other/hello_there-1.0.tar.gz",
        ]) {
            assert.equal(await status(packages + path, owner), 404, path);
        }
    });

    it("finds a repository under its own location, project and id only", async () => {
        await upload(sandbox, owner);
        for (const wrong of [
            page.replace("europe-west1", "us-central1"),
            page.replace("sandbox-project", "other-project"),
            page.replace("/python/", "/pythons/"),
        ]) {
            assert.equal(await status(wrong, owner), 404, wrong);
            assert.equal(await status(wrong), 401, wrong);
        }
    });

    it("takes a file name once", async () => {
        assert.equal((await upload(sandbox, owner)).status, 200);
        const again = await upload(sandbox, owner, { content: "other" });
        assert.deepEqual([again.status, again.text], [400, "Requested entity already exists"]);
        assert.equal((await through(sandbox, file, { headers: owner })).text, "content");
    });

    it("loses its packages with the repository", async () => {
        await upload(sandbox, owner);
        await ok(sandbox, "DELETE", repositoryPath);
        await createRepository(sandbox);
        assert.equal(await status(page, owner), 404);
    });

    const mistakes: [string, RegExp, Parameters<typeof upload>[2]][] = [
        ["another action", /:action/, { fields: { ":action": "submit" } }],
        ["another protocol", /protocol_version/, { fields: { protocol_version: "2" } }],
        ["no name", /name/, { fields: { name: "" } }],
        ["a wrong digest", /SHA-256/, { fields: { sha256_digest: "0".repeat(64) } }],
        ["another project's file", /Invalid file name/, { filename: "hello-1.0.tar.gz" }],
        ["a file that is no distribution", /Invalid file name/, { filename: "hello_there-1.0.exe" }],
        ["a path for a file name", /Invalid file name/, { filename: "hello_there-1/../../x.whl" }],
    ];
    for (const [mistake, message, options] of mistakes) {
        it(`refuses an upload with ${mistake}`, async () => {
            const reply = await upload(sandbox, owner, options);
            assert.equal(reply.status, 400);
            assert.match(reply.text, message);
        });
    }

    it("refuses an upload that is not a form", async () => {
        const reply = await through(sandbox, `${packages}/`, {
            method: "POST",
            headers: owner,
            body: Buffer.from("x"),
        });
        assert.equal(reply.status, 400);
    });

    it("takes uploads into standard repositories only", async () => {
        await createRepository(sandbox, { id: "all", mode: "VIRTUAL_REPOSITORY" });
        await createRepository(sandbox, {
            id: "mirror",
            mode: "REMOTE_REPOSITORY",
            remoteRepositoryConfig: { pythonRepository: { publicRepository: "PYPI" } },
        });
        for (const id of ["all", "mirror"]) {
            const url = `https://europe-west1-python.pkg.dev/sandbox-project/${id}/`;
            assert.equal((await upload(sandbox, owner, { url })).status, 400, id);
        }
    });

    it("serves a domain-scoped project, its colon plain and encoded", async () => {
        await using domain = await startSandbox({ project: "example.com:tools" });
        await createRepository(domain, { project: "/projects/example.com:tools" });
        const credentials = basic("oauth2accesstoken", domain.accessToken);
        const root = "https://europe-west1-python.pkg.dev/example.com:tools/python";
        assert.equal((await upload(domain, credentials, { url: `${root}/` })).status, 200);
        for (const url of [root, root.replace(":tools", "%3Atools")]) {
            const index = await through(domain, `${url}/simple/hello-there/`, { headers: credentials });
            const href = /href="([^"]+)"/.exec(index.text)?.[1] ?? "";
            const download = await through(domain, new URL(href, root).href, { headers: credentials });
            assert.equal(download.text, "content");
        }
    });

    describe("credentials", () => {
        beforeEach(() => upload(sandbox, owner));

        const unauthorized = async (headers: Record<string, string>, why: string) => {
            const reply = await through(sandbox, page, { headers });
            assert.equal(reply.status, 401, why);
            assert.match(reply.headers["www-authenticate"] ?? "", /^Basic realm="/);
        };

        it("are required, and must be valid", async () => {
            const token = sandbox.issueToken("user:operator@example.com");
            await unauthorized({}, "none");
            await unauthorized(basic("oauth2accesstoken", "ya29.made-up"), "an unknown token");
            await unauthorized(basic("someone", token), "another user name");
            await unauthorized(basic("", ""), "empty ones");
            await unauthorized({ Authorization: "Basic %%%" }, "no base64");
            await unauthorized({ Authorization: `Digest ${token}` }, "another scheme");
            await unauthorized(
                basic("oauth2accesstoken", sandbox.issueToken("user:operator@example.com", 0)),
                "an expired token",
            );
        });

        it("are a token, as a password or a bearer", async () => {
            assert.equal(await status(page, owner), 200);
            assert.equal(await status(page, { Authorization: `Bearer ${sandbox.accessToken}` }), 200);
        });

        it("are a key file", async () => {
            const { base64, email } = await createKey(sandbox);
            const credentials = basic("_json_key_base64", base64);
            assert.equal(await status(page, credentials), 403);
            await grant(sandbox, "reader", `serviceAccount:${email}`);
            assert.equal(await status(page, credentials), 200);
            assert.equal(sandbox.requests.at(-1)?.principal, `serviceAccount:${email}`);
        });

        it("are a key file with the right private key in it", async () => {
            const { file: key, email } = await createKey(sandbox);
            const other = (await createKey(sandbox)).file;
            const stranger = await createKey(sandbox, "stranger");
            await grant(sandbox, "reader", `serviceAccount:${email}`);
            const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
            const made = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
            for (const [why, forged] of Object.entries({
                "made up": { ...key, private_key: made },
                "another key of the account": { ...key, private_key: other.private_key },
                "another account's": { ...stranger.file, client_email: email },
                "an unknown id": { ...key, private_key_id: "0".repeat(40) },
                "no private key": { ...key, private_key: "" },
                "the public key": { type: "service_account" },
            })) {
                await unauthorized(basic("_json_key_base64", encode(forged)), why);
            }
            assert.equal(await status(page, basic("_json_key_base64", encode(key))), 200);
        });

        it("are not a key that is deleted, disabled or expired, nor one of such an account", async () => {
            const endings: Record<string, (key: Awaited<ReturnType<typeof createKey>>) => unknown> = {
                deleted: ({ path }) => ok(sandbox, "DELETE", path),
                disabled: ({ path }) => ok(sandbox, "POST", `${path}:disable`),
                expired: ({ email, file: { private_key_id: id } }) => {
                    const key = sandbox.cloud.findServiceAccount(email)?.keys.get(id);
                    assert.ok(key);
                    key.validBefore = new Date();
                },
                "of a disabled account": ({ email }) =>
                    ok(sandbox, "POST", `${accountsPath}/${email}:disable`),
                "of a deleted account": ({ email }) => ok(sandbox, "DELETE", `${accountsPath}/${email}`),
            };
            for (const [why, end] of Object.entries(endings)) {
                const key = await createKey(sandbox, `robot-${why.replaceAll(" ", "-")}`);
                const credentials = basic("_json_key_base64", key.base64);
                await grant(sandbox, "reader", `serviceAccount:${key.email}`);
                assert.equal(await status(page, credentials), 200);
                await end(key);
                await unauthorized(credentials, why);
            }
        });

        it("of a deleted account are useless for a new one with its name, and the other way round", async () => {
            const { email } = await createKey(sandbox);
            await grant(sandbox, "reader", `serviceAccount:${email}`);
            const token = as(`serviceAccount:${email}`);
            assert.equal(await status(page, token), 200);
            await ok(sandbox, "DELETE", `${accountsPath}/${email}`);
            const { base64 } = await createKey(sandbox);
            await unauthorized(token, "a token of the old account");
            assert.equal(await status(page, basic("_json_key_base64", base64)), 403);
        });
    });

    describe("permissions", () => {
        const outcomes: [role: string, read: number, write: number][] = [
            ["reader", 200, 403],
            ["writer", 200, 200],
            ["repoAdmin", 200, 200],
            ["admin", 200, 200],
        ];
        for (const [role, read, write] of outcomes) {
            it(`of a ${role}: reading ${read}, uploading ${write}`, async () => {
                await upload(sandbox, owner);
                await grant(sandbox, role, "user:dev@example.com");
                const dev = as("user:dev@example.com");
                assert.equal(await status(page, dev), read);
                assert.equal(await status(file, dev), read);
                assert.equal((await upload(sandbox, dev, { filename: "hello_there-2.0.zip" })).status, write);
                assert.equal(await status(page, as("user:someone@example.com")), 403);
                assert.equal((await upload(sandbox, as("user:someone@example.com"))).status, 403);
                assert.equal((await upload(sandbox, {})).status, 401);
            });
        }

        const pool = "principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p";
        const members: [member: string, principal: string, read: number][] = [
            ["user:dev@example.com", "user:Dev@Example.com", 200],
            ["user:dev@example.com", "serviceAccount:dev@example.com", 403],
            ["group:team@example.com", "user:in@example.com", 200],
            ["group:team@example.com", "user:out@example.com", 403],
            ["domain:example.com", "user:anyone@example.com", 200],
            ["domain:example.com", "serviceAccount:robot@example.com", 403],
            ["domain:example.com", "user:anyone@sub.example.com", 403],
            ["domain:example.com", "user:anyone@notexample.com", 403],
            ["allAuthenticatedUsers", "user:anyone@elsewhere.org", 200],
            [`${pool}/subject/A`, `${pool}/subject/A`, 200],
            [`${pool}/subject/A`, `${pool}/subject/a`, 403],
            ["allAuthenticatedUsers", `${pool}/subject/A`, 403],
        ];
        for (const [member, principal, read] of members) {
            it(`granted to ${member} let ${principal} read: ${read}`, async () => {
                sandbox.cloud.groups.set("Team@example.com", new Set(["user:in@example.com"]));
                await upload(sandbox, owner);
                await grant(sandbox, "reader", member);
                assert.equal(await status(page, as(principal)), read);
                assert.equal(await status(page), 401);
            });
        }

        it("granted to allUsers let everybody read and nobody upload", async () => {
            await upload(sandbox, owner);
            await grant(sandbox, "reader", "allUsers");
            assert.equal(await status(page), 200);
            assert.equal(await status(file), 200);
            assert.equal(await status(page, basic("oauth2accesstoken", "wrong")), 401);
            assert.equal((await upload(sandbox, {}, { filename: "hello_there-2.0.zip" })).status, 401);
        });
    });
});
