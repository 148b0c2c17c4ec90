import { createHash } from "node:crypto";
import { strict as assert } from "node:assert";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import * as net from "node:net";
import { networkInterfaces } from "node:os";
import { dirname, join } from "node:path";
import * as tls from "node:tls";
import { promisify } from "node:util";
import { startSandbox, type Sandbox } from "../../packages/sandbox/src/sandbox";
import { limitSeconds, within } from "../deadline";
import {
    accountsPath,
    basic,
    call,
    createKey,
    createRepository,
    grant,
    packages,
    through,
    upload,
} from "./client";

const run = promisify(execFile);

/** Whether something accepts a connection there. */
function accepts(host: string, port: number): Promise<boolean> {
    return new Promise((resolve) => {
        const socket = net.connect({ host, port });
        const done = (accepted: boolean) => {
            socket.destroy();
            resolve(accepted);
        };
        socket
            .on("connect", () => {
                done(true);
            })
            .on("error", () => {
                done(false);
            });
    });
}

describe("sandbox: its lifetime", () => {
    it("listens on loopback only", async function () {
        await using sandbox = await startSandbox();
        const addresses = Object.values(networkInterfaces())
            .flatMap((each) => each ?? [])
            .filter(({ internal, scopeid }) => !internal && !scopeid)
            .map(({ address }) => address);
        for (const url of [sandbox.apiUrl, sandbox.proxyUrl]) {
            const port = Number(new URL(url).port);
            assert.equal(await accepts("127.0.0.1", port), true);
            // Everything under 127/8 reaches a server that listens on every interface, on any Linux machine.
            for (const address of [
                ...(process.platform === "linux" ? ["127.0.0.2"] : []),
                "::1",
                ...addresses,
            ]) {
                assert.equal(await accepts(address, port), false, `${url} answers on ${address}`);
            }
        }
    });

    it("keeps its files private, and removes them", async () => {
        const sandbox = await startSandbox();
        const directory = dirname(sandbox.caFile);
        assert.equal(statSync(directory).mode & 0o777, 0o700);
        assert.deepEqual(readdirSync(directory), ["ca.pem"]);
        assert.doesNotMatch(readFileSync(sandbox.caFile, "utf8"), /PRIVATE/);
        await Promise.all([sandbox.close(), sandbox.close()]);
        await sandbox.close();
        assert.equal(existsSync(directory), false);
        for (const url of [sandbox.apiUrl, sandbox.proxyUrl]) {
            assert.equal(await accepts("127.0.0.1", Number(new URL(url).port)), false, url);
        }
    });

    it("keeps no process alive once closed, even with open connections", async () => {
        const program = `
            const { connect } = require("node:net");
            const { once } = require("node:events");
            const { startSandbox } = require("./packages/sandbox/src/sandbox");
            (async () => {
                const sandbox = await startSandbox();
                for (const url of [sandbox.apiUrl, sandbox.proxyUrl]) {
                    await once(connect(new URL(url).port, "127.0.0.1").on("error", () => {}), "connect");
                }
                await fetch(sandbox.apiUrl);
                await sandbox.close();
                console.log("closed");
            })();`;
        const cwd = join(__dirname, "../..");
        const { stdout } = await run(
            process.execPath,
            ["--conditions=source", "-r", "./typescript.cjs", "-e", program],
            {
                cwd,
                timeout: limitSeconds * 1000,
            },
        );
        assert.equal(stdout, "closed\n");
    });

    it("starts beside another, each with its own state", async () => {
        await using first = await startSandbox();
        await using second = await startSandbox({ project: "another", projectNumber: "42" });
        assert.notEqual(first.caFile, second.caFile);
        assert.equal(
            (await call(second, "GET", "/cloudresourcemanager/v1/projects/42")).json["projectId"],
            "another",
        );
        const { status } = await call(
            second,
            "GET",
            "/cloudresourcemanager/v1/projects/42",
            undefined,
            first.accessToken,
        );
        assert.equal(status, 401);
    });
});

describe("sandbox: the rest of the internet", () => {
    let sandbox: Sandbox;
    beforeEach(async () => (sandbox = await startSandbox()));
    afterEach(() => sandbox.close());

    it("is an index with the files that were published there", async () => {
        const content = Buffer.from(Array.from({ length: 256 }, (_, n) => n));
        assert.equal((await through(sandbox, "https://pypi.org/simple/some-thing/")).status, 404);
        sandbox.publishPublic({ project: "Some_Thing", filename: "some_thing-1.0.tar.gz", content });
        const page = await through(sandbox, "https://pypi.org/simple/some-thing/");
        const href = /href="(\/files\/some_thing-1\.0\.tar\.gz)#sha256=[0-9a-f]{64}"/.exec(page.text)?.[1];
        assert.ok(href, page.text);
        const download = await through(sandbox, `https://pypi.org${href}`);
        assert.deepEqual(download.body, content);
        const head = await through(sandbox, `https://pypi.org${href}`, { method: "HEAD" });
        assert.deepEqual([head.status, head.body.length], [200, 0]);
    });

    it("is an index in JSON for clients that request it, such as poetry, and describes a version", async () => {
        const content = Buffer.from("wheel");
        const filename = "some_thing-1.0-py3-none-any.whl";
        sandbox.publishPublic({ project: "Some_Thing", filename, content });
        const accept = { headers: { Accept: "application/vnd.pypi.simple.v1+json, text/html;q=0.5" } };
        const page = await through(sandbox, "https://pypi.org/simple/some-thing/", accept);
        const { name, files } = JSON.parse(page.text) as {
            name: string;
            files: { filename: string; url: string; hashes: { sha256: string } }[];
        };
        const sha256 = createHash("sha256").update(content).digest("hex");
        const url = `https://pypi.org/files/${filename}`;
        assert.equal(name, "some-thing");
        assert.deepEqual(files, [{ filename, url, hashes: { sha256 } }]);
        const version = await through(sandbox, "https://pypi.org/pypi/some-thing/1.0/json");
        assert.match(version.text, new RegExp(`"url":"${url}","digests":\\{"sha256":"${sha256}"\\}`));
        assert.equal((await through(sandbox, "https://pypi.org/pypi/some-thing/2.0/json")).status, 404);
    });

    it("answers over plain HTTP, on any port and for any host", async () => {
        sandbox.publishPublic({ project: "thing", filename: "thing-1.0.zip", content: Buffer.from("x") });
        for (const origin of [
            "http://example.org",
            "http://127.0.0.1:9",
            "https://example.org:8443",
            "https://localhost:9",
        ]) {
            assert.equal((await through(sandbox, `${origin}/simple/thing/`)).status, 200, origin);
        }
        assert.deepEqual(
            sandbox.requests.map(({ plane, host }) => [plane, host]),
            ["example.org", "127.0.0.1", "example.org", "localhost"].map((host) => ["public", host]),
        );
    });

    it("has Google's APIs under their real names", async () => {
        const path = "/v1/projects/sandbox-project/services?filter=state:ENABLED";
        const headers = { Authorization: `Bearer ${sandbox.accessToken}` };
        const reply = await through(sandbox, `https://serviceusage.googleapis.com${path}`, { headers });
        assert.equal(reply.status, 200, reply.text);
        const { plane, host, path: logged } = sandbox.requests.at(-1) ?? {};
        assert.deepEqual(
            [plane, host, logged],
            ["control", "serviceusage.googleapis.com", `/serviceusage${path}`],
        );
        const body = { policy: { bindings: [] } };
        const post = await through(
            sandbox,
            "https://artifactregistry.googleapis.com/v1/projects/sandbox-project/locations/us/repositories/r:setIamPolicy",
            { method: "POST", headers, body: Buffer.from(JSON.stringify(body)) },
        );
        assert.match(post.text, /Artifact Registry API has not been used/);
        assert.deepEqual(sandbox.requests.at(-1)?.body, body);
        const unknown = await through(sandbox, `https://cloudresourcemanager.googleapis.com${path}`);
        assert.deepEqual([unknown.status, unknown.headers["content-type"]], [401, "application/json"]);
    });

    it("is not Google", async () => {
        sandbox.publishPublic({ project: "thing", filename: "thing-1.0.zip", content: Buffer.from("x") });
        for (const host of ["storage.googleapis.com", "us-docker.pkg.dev", "metadata.google.internal"]) {
            assert.equal((await through(sandbox, `https://${host}/simple/thing/`)).status, 404, host);
        }
    });

    it("cannot be reached: a tunnel ends in the proxy", async () => {
        let reached = false;
        await using server = net.createServer((socket) => {
            reached = true;
            socket.destroy();
        });
        await once(server.listen(0, "127.0.0.1"), "listening");
        const { port } = server.address() as net.AddressInfo;
        assert.equal((await through(sandbox, `https://localhost:${port}/simple/thing/`)).status, 404);
        assert.equal((await through(sandbox, `http://127.0.0.1:${port}/simple/thing/`)).status, 404);
        const upgrade = {
            Connection: "Upgrade",
            Upgrade: "websocket",
            "Sec-WebSocket-Key": "a".repeat(22) + "==",
            "Sec-WebSocket-Version": "13",
        };
        await through(sandbox, `http://127.0.0.1:${port}/`, { headers: upgrade }).catch(() => undefined);
        await within("the end of a tunnel that carries neither HTTP nor TLS", rawTunnel(sandbox, port));
        assert.equal(reached, false);
    });
});

/** Speaks, through a tunnel, something that is neither HTTP nor TLS, and waits for the end. */
function rawTunnel(sandbox: Sandbox, port: number): Promise<void> {
    return new Promise((resolve) => {
        const socket = net.connect(Number(new URL(sandbox.proxyUrl).port), "127.0.0.1");
        socket.once("data", () => socket.write("EHLO example.org\r\n\r\n"));
        socket
            .on("error", () => undefined)
            .on("close", () => {
                resolve();
            });
        socket.write(`CONNECT 127.0.0.1:${port} HTTP/1.1\r\n\r\n`);
    });
}

describe("sandbox: its proxy", () => {
    it("is trusted only by clients with its certificate authority", async () => {
        await using sandbox = await startSandbox();
        const socket = net.connect(Number(new URL(sandbox.proxyUrl).port), "127.0.0.1");
        socket.write("CONNECT pypi.org:443 HTTP/1.1\r\n\r\n");
        await within("the proxy's answer to CONNECT", once(socket, "data"));
        const connection = tls.connect({ socket, servername: "pypi.org" });
        const [error] = (await within("a refused certificate", once(connection, "error"))) as [
            NodeJS.ErrnoException,
        ];
        assert.match(
            error.code ?? "",
            /SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT/,
        );
    });

    it("decodes a compressed request", async () => {
        await using sandbox = await startSandbox();
        const { gzipSync } = await import("node:zlib");
        const reply = await through(sandbox, "https://oauth2.googleapis.com/token", {
            method: "POST",
            headers: { "Content-Encoding": "gzip", "Content-Type": "application/x-www-form-urlencoded" },
            body: gzipSync("grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer&assertion=x"),
        });
        assert.match(reply.text, /invalid_grant/);
    });
});

describe("sandbox: its log", () => {
    it("has every request with its principal, without any secret", async () => {
        await using sandbox = await startSandbox();
        await createRepository(sandbox);
        const { email, base64, file } = await createKey(sandbox);
        await grant(sandbox, "writer", `serviceAccount:${email}`);
        const token = sandbox.issueToken("user:dev@example.com");
        await upload(sandbox, basic("_json_key_base64", base64));
        await through(sandbox, `${packages}/simple/hello-there/?q=1`, {
            headers: { Authorization: `Bearer ${token}` },
        });
        await through(sandbox, "https://oauth2.googleapis.com/token", {
            method: "POST",
            body: Buffer.from(
                "grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer&assertion=secret.assertion.here",
            ),
        });
        await through(sandbox, "https://pypi.org/simple/x/", {
            headers: basic("someone", "password-of-someone"),
        });
        await through(sandbox, "http://someone:password-of-someone@example.org/simple/x/");

        assert.deepEqual(sandbox.requests.slice(-5), [
            {
                plane: "data",
                method: "POST",
                host: "europe-west1-python.pkg.dev",
                path: "/sandbox-project/python/",
                status: 200,
                principal: `serviceAccount:${email}`,
            },
            {
                plane: "data",
                method: "GET",
                host: "europe-west1-python.pkg.dev",
                path: "/sandbox-project/python/simple/hello-there/?q=1",
                status: 403,
                principal: "user:dev@example.com",
            },
            { plane: "token", method: "POST", host: "oauth2.googleapis.com", path: "/token", status: 400 },
            { plane: "public", method: "GET", host: "pypi.org", path: "/simple/x/", status: 404 },
            { plane: "public", method: "GET", host: "example.org", path: "/simple/x/", status: 404 },
        ]);
        const created = sandbox.requests.find(({ path }) => path === accountsPath);
        assert.deepEqual(created, {
            plane: "control",
            method: "POST",
            host: "127.0.0.1",
            path: accountsPath,
            status: 200,
            principal: "user:operator@example.com",
            body: { accountId: "publisher" },
        });
        const written = JSON.stringify(sandbox.requests);
        for (const secret of [
            sandbox.accessToken,
            token,
            base64,
            file.private_key,
            "secret.assertion",
            "password-of-someone",
        ]) {
            assert.equal(written.includes(secret), false);
            assert.equal(written.includes(JSON.stringify(secret).slice(1, -1)), false);
        }
    });
});
