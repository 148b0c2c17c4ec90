import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { type System, thisSystem } from "../../packages/configure/src/machine/system";
import { fetchOutputs } from "../../packages/configure/src/registry/outputs-address";
import { type Proxy, startProxy } from "../../packages/sandbox/src/python/proxy";
import { assertDone, getOutputs, Machine, type StackOutputs, withoutSecrets } from "./machine";

// Outputs from an https address, over real TLS: a proxy answers for every host, and keeps what it was asked.

const address = "https://packages.acme.example/prod.json";
const token = "ya29.c.b0Aaekm1-an_access~token.of/40+characters=";
const pipConf = ".config/pip/pip.conf";
const megabyte = 1024 * 1024;

describe("configure --outputs with an address", () => {
    let outputs: StackOutputs;
    let text: string;
    let proxy: Proxy;
    /** What each address answers. */
    let answers: Record<string, () => Response>;
    let requests: Request[];
    before(async () => {
        outputs = await getOutputs();
        text = JSON.stringify(withoutSecrets(outputs));
        proxy = await startProxy((request) => {
            requests.push(request);
            return answers[request.url]?.() ?? new Response("Not here", { status: 404 });
        });
    });
    after(() => proxy.close());
    beforeEach(() => {
        requests = [];
        answers = { [address]: () => new Response(text) };
    });

    const redirect = (location: string, status = 302) =>
        new Response(null, { status, headers: { location, "set-cookie": "session=1" } });

    /** A machine with logins for every host, in all places where programs look for them. */
    function open(environment: Record<string, string> = {}): Promise<Machine> {
        const netrc = "default login someone password hush\n";
        return Machine.open(
            { "ca.pem": proxy.caCertificate, ".netrc": netrc, _netrc: netrc },
            {
                HTTPS_PROXY: proxy.url,
                HTTP_PROXY: proxy.url,
                SSL_CERT_FILE: "ca.pem",
                CLOUDSDK_AUTH_ACCESS_TOKEN: token,
                ...environment,
            },
        );
    }

    /** The same machine, as the command sees it. */
    function systemOf({ toolEnvironment: { home } }: Machine): System {
        const environment = { HTTPS_PROXY: proxy.url, SSL_CERT_FILE: join(home, "ca.pem") };
        return { ...thisSystem(), environment, home, workingDirectory: home };
    }

    /** Runs the command, and asserts that it writes nothing and prints neither a password nor a query. */
    async function refused(machine: Machine, from: string, ...args: string[]): Promise<string> {
        const before = await machine.everything();
        const { exitCode, output } = await machine.configure("--outputs", from, "--tool", "pip", ...args);
        assert.equal(exitCode, 1, output);
        assert.deepEqual(await machine.everything(), before);
        assert.doesNotMatch(output, /hush/);
        return output;
    }

    it("writes the same files as from a file, and sends no credential", async () => {
        await using machine = await open();
        const args = ["--outputs", address, "--tool", "pip,twine"];
        assertDone(await machine.configure(...args));
        assert.equal(await machine.read(pipConf), outputs.pipConf);
        assert.equal(await machine.read(".pypirc"), outputs.pypirc);
        assertDone(await machine.configure(...args, "--auth", "token"));
        assert.match(await machine.read(pipConf), /oauth2accesstoken:/);
        assertDone(await machine.configure("--undo", "--outputs", address));
        await assert.rejects(machine.read(pipConf), { code: "ENOENT" });

        assert.equal(requests.length, 3);
        for (const { headers } of requests) {
            assert.deepEqual(
                [...headers.keys()].filter((name) => !["host", "connection"].includes(name)),
                ["accept"],
            );
            assert.doesNotMatch(JSON.stringify([...headers]), /hush|ya29|someone/);
        }
    });

    it("follows redirects to https, without cookies", async () => {
        await using machine = await open();
        const end = "https://files.acme.example/outputs?signature=1";
        answers = {
            [address]: () => redirect("/moved.json", 307),
            "https://packages.acme.example/moved.json": () => redirect(end),
            [end]: () => new Response(text),
        };
        assertDone(await machine.configure("--outputs", address, "--tool", "pip"));
        assert.equal(await machine.read(pipConf), outputs.pipConf);
        assert.equal(requests.length, 3);
        assert.ok(requests.every(({ headers }) => !headers.has("cookie") && !headers.has("authorization")));
    });

    it("follows no redirect to anything else, nor an endless one", async () => {
        await using machine = await open();
        for (const [location, message] of [
            ["http://packages.acme.example/prod.json", /redirects starts with http:\/\/\. Use https/],
            ["file:///etc/passwd", /redirects starts with file:\/\/\. Use https/],
            ["https://someone:hush@packages.acme.example/", /redirects contains a login/],
            ["https://[", /redirects is not a valid URL/],
            [address, /redirects more than 5 times/],
        ] as const) {
            answers = { [address]: () => redirect(location) };
            requests = [];
            await assert.rejects(fetchOutputs(address, systemOf(machine)), { message });
            assert.deepEqual(
                requests.filter(({ url }) => url !== address),
                [],
            );
        }
        assert.match(await refused(machine, address), /error: .*redirects more than 5 times/);
    });

    it("sends no request to an address that is not https, or that contains a login", async () => {
        await using machine = await open();
        for (const [from, message] of [
            [
                "http://packages.acme.example/prod.json?key=hush",
                /--outputs starts with http:\/\/\. Use https/,
            ],
            ["HTTP://packages.acme.example/prod.json", /--outputs starts with http:\/\/\. Use https/],
            ["ftp://packages.acme.example/prod.json", /--outputs starts with ftp:\/\/\. Use https/],
            ["https://someone:hush@packages.acme.example/prod.json", /--outputs contains a login/],
            ["https://hush@packages.acme.example/prod.json", /--outputs contains a login/],
            ["https://someone:hush@[", /--outputs is not a valid URL/],
        ] as const) {
            await assert.rejects(fetchOutputs(from, systemOf(machine)), ({ message: said }: Error) => {
                assert.match(said, message);
                assert.doesNotMatch(said, /hush/);
                return true;
            });
        }
        assert.match(await refused(machine, "http://someone:hush@packages.acme.example/"), /Use https/);
        const check = await machine.configure("check", "--offline", "--outputs", address);
        assert.match(check.output, /--offline sends no request\. Download the outputs/);
        assert.deepEqual(requests, []);
    });

    it("refuses an answer of more than one mebibyte", async () => {
        await using machine = await open();
        const padded = (bytes: number) => text + " ".repeat(bytes - Buffer.byteLength(text));
        answers = { [address]: () => new Response(padded(megabyte + 1)) };
        assert.match(await refused(machine, address), /The answer of packages\.acme\.example is too large/);
        answers = { [address]: () => new Response(padded(megabyte)) };
        assertDone(await machine.configure("--outputs", address, "--tool", "pip"));
    });

    it("refuses what is not the outputs of a stack, and names the address without its query", async () => {
        await using machine = await open();
        const from = `${address}?token=hush`;
        for (const [answer, message] of [
            [
                () => new Response("No", { status: 403 }),
                / cannot be read: packages\.acme\.example answered with status 403\./,
            ],
            [
                () => new Response("No", { status: 404 }),
                /if the file needs a login, download it, and use --outputs FILE/,
            ],
            [() => new Response("<html>Sign in, hush</html>"), / is not JSON/],
            [
                () => new Response('{"secret":"hush"}'),
                / does not contain the outputs of a python-registry stack/,
            ],
        ] as const) {
            answers = { [from]: answer };
            const output = await refused(machine, from);
            assert.ok(output.includes(`error: ${address} `), output);
            assert.match(output, message);
        }
    });

    it("lets the author of the file decide neither the host nor which registry is meant", async () => {
        await using machine = await open();
        const attacks = [
            text.replaceAll("europe-west1-python.pkg.dev", "packages.evil.example"),
            text.replace(/("indexUrl":"https:\/\/)[^/]+/, "$1packages.evil.example"),
            text.replace(/"location":"[^"]*"/, '"location":"evil.example/"'),
        ];
        for (const attack of attacks) {
            assert.notEqual(attack, text);
            answers = { [address]: () => new Response(attack) };
            await refused(machine, address, "--auth", "token");
        }
        answers = { [address]: () => new Response(text.replaceAll("acme-tools", "evil-project")) };
        assert.match(
            await refused(machine, address, "--auth", "token", "--project", "acme-tools"),
            /prod\.json is for projects\/evil-project\/.*but --project expects acme-tools/,
        );
    });

    describe("says what to do without a connection:", () => {
        for (const [what, environment, message] of [
            [
                "an unknown certificate",
                { SSL_CERT_FILE: "" },
                /The certificate of packages\.acme\.example is not trusted/,
            ],
            [
                "a missing file of certificates",
                { SSL_CERT_FILE: "nowhere.pem" },
                /SSL_CERT_FILE names nowhere\.pem, which cannot be read/,
            ],
            [
                "an invalid proxy",
                { HTTPS_PROXY: "http://user:hush@[" },
                /HTTPS_PROXY is not the address of a proxy/,
            ],
        ] as const) {
            it(what, async () => {
                await using machine = await open(environment);
                assert.match(await refused(machine, address), message);
                assert.deepEqual(requests, []);
            });
        }

        it("an unknown host", async () => {
            await using machine = await open({ HTTPS_PROXY: "" });
            const output = await refused(machine, "https://packages.invalid/prod.json");
            assert.match(
                output,
                /The host name of packages\.invalid cannot be resolved\. Check the network .* Behind a proxy, set HTTPS_PROXY/,
            );
        });

        it("a closed port", async () => {
            const server = createServer().listen(0, "127.0.0.1");
            await once(server, "listening");
            const { port } = server.address() as AddressInfo;
            server.close();
            await once(server, "close");
            await using machine = await open({ HTTPS_PROXY: "" });
            const output = await refused(machine, `https://127.0.0.1:${port}/prod.json`);
            assert.match(output, /There is no connection to 127\.0\.0\.1 \(ECONNREFUSED\)/);
        });
    });
});
