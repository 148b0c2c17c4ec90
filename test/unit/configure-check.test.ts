import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import fc from "fast-check";
import {
    allWell,
    check,
    describe as described,
    type Finding,
} from "../../packages/configure/src/check/check";
import { findIdentities } from "../../packages/configure/src/check/identity";
import { isYes, pipSettings } from "../../packages/configure/src/tools/pip-settings";
import { presentFiles, registryAddress } from "../../packages/configure/src/check/client-files";
import { describeRefusal, findMode } from "../../packages/configure/src/check/credential-check";
import { publicNameFindings } from "../../packages/configure/src/check/public-names";
import { Network, type Response as Answer } from "../../packages/configure/src/machine/network";
import { inspectPython } from "../../packages/configure/src/machine/python-environment";
import type { RegistryOutputs } from "../../packages/configure/src/registry/outputs";
import type { System } from "../../packages/configure/src/machine/system";
import { startProxy } from "../../packages/sandbox/src/python/proxy";
import type { PythonIndex } from "../../packages/registry/src/clients/client";
import { limitSeconds } from "../deadline";
import { host, netrcFile, readByPython, readsLikePython311 } from "./netrc-files";
import { needsPython } from "./python";

// The parts of `configure check` that need no registry. test/clients/check.test.ts tests the whole.

const uploadUrl = "https://europe-west1-python.pkg.dev/project/python/";
const index: PythonIndex = {
    name: "python",
    indexUrl: `${uploadUrl}simple/`,
    uploadUrl,
    keyring: "auto",
    publicPackages: "pypi",
    internalPackages: [],
};
/** The outputs of a stack with this index. */
const outputs: RegistryOutputs = {
    name: "projects/project/locations/europe-west1/repositories/python",
    from: "the test",
    index,
    accounts: {},
    keyFiles: undefined,
    principals: [],
};

describe("configure check's parts", () => {
    let home: string;
    beforeEach(async () => {
        home = await mkdtemp(join(tmpdir(), "python-registry-check-"));
    });
    afterEach(() => rm(home, { recursive: true }));

    function system(environment: Record<string, string> = {}, kind: System["kind"] = "linux"): System {
        return { kind, environment, home, workingDirectory: join(home, "project"), exists: existsSync };
    }
    async function put(path: string, text: string, mode = 0o600): Promise<string> {
        const file = join(home, path);
        await mkdir(dirname(file), { recursive: true });
        await writeFile(file, text, { mode });
        return file;
    }

    describe("the findings", () => {
        const findings: readonly Finding[] = [
            { tool: "pip", status: "ok", subject: "configuration", message: "in pip.conf" },
            { status: "skipped", subject: "file-mode", message: "not looked at" },
            { tool: "pip", status: "warning", subject: "token", message: "expires", fix: "get a new one" },
        ];

        it("are written tool by tool", () => {
            assert.equal(
                described(findings, { json: false, colours: false }),
                [
                    "pip",
                    "  ✔ configuration: in pip.conf",
                    "  ! token: expires",
                    "      get a new one",
                    "",
                    "this machine",
                    "  - file-mode: not looked at",
                    "",
                ].join("\n"),
            );
        });

        it("are coloured only if requested and on a terminal", () => {
            const { FORCE_COLOR, NO_COLOR } = process.env;
            const coloured = (colours: boolean) =>
                described(findings, { json: false, colours }).includes("\u001b");
            try {
                delete process.env["NO_COLOR"];
                process.env["FORCE_COLOR"] = "1";
                assert.deepEqual([coloured(true), coloured(false)], [true, false]);
                delete process.env["FORCE_COLOR"];
                process.env["NO_COLOR"] = "1";
                assert.equal(coloured(true), false);
            } finally {
                for (const [name, value] of Object.entries({ FORCE_COLOR, NO_COLOR })) {
                    if (value === undefined) Reflect.deleteProperty(process.env, name);
                    else process.env[name] = value;
                }
            }
        });

        it("are written as JSON", () => {
            assert.deepEqual(JSON.parse(described(findings, { json: true, colours: true })), findings);
        });

        it("are all well without problems and warnings", () => {
            assert.equal(allWell(findings), false);
            assert.equal(allWell(findings.slice(0, 2)), true);
            assert.equal(allWell([{ status: "problem", subject: "index", message: "403" }]), false);
        });
    });

    describe("a refusal", () => {
        const registry = {
            name: "projects/p/locations/us/repositories/r",
            principals: ["serviceAccount:In@p.iam.gserviceaccount.com"],
        };
        const google = (message: string, reason: string) =>
            JSON.stringify({
                error: { code: 403, message, status: "PERMISSION_DENIED", details: [{ reason }] },
            });
        for (const [body, email, message, fix] of [
            [
                'Permission "artifactregistry.repositories.downloadArtifacts" denied on resource "projects/p/locations/us/repositories/r" (or it may not exist)',
                "a@b.com",
                /^403: a@b\.com is signed in, but has no role/,
                /Add user:a@b\.com/,
            ],
            [
                'Permission "artifactregistry.repositories.downloadArtifacts" denied on resource "projects/p/locations/us/repositories/r" (or it may not exist)',
                "in@p.iam.gserviceaccount.com",
                /the stack gives in@p\.iam\.gserviceaccount\.com a role/,
                /--refresh/,
            ],
            [
                google("Request had insufficient authentication scopes.", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"),
                undefined,
                /does not have the scope cloud-platform/,
                /access scope/,
            ],
            [
                google(
                    "Artifact Registry API has not been used in project 7 before or it is disabled.",
                    "SERVICE_DISABLED",
                ),
                undefined,
                /API is not enabled/,
                /enableApis/,
            ],
            [
                google(
                    "Request is prohibited by organization's policy. vpcServiceControlsUniqueIdentifier: x",
                    "SECURITY_POLICY_VIOLATED",
                ),
                undefined,
                /service perimeter/,
                /access from this network/,
            ],
            [
                "<html><title>Blocked</title><p>This  account is suspended.\u001b[31m</p>",
                "a@b.com",
                /^403: the registry refuses a@b\.com: Blocked This account is suspended\.$/,
                /Correct/,
            ],
            [
                google(
                    "Billing is not enabled. token=ya29.abcdefghijklmnopqrstuvwxyz0123",
                    "BILLING_DISABLED",
                ),
                undefined,
                /^403: the registry refuses this login: Billing is not enabled\. token=\*{8}$/,
                /Correct/,
            ],
            ["", undefined, /^403: the registry refuses this login: no reason given$/, /Correct/],
        ] as const) {
            it(`is explained: ${message.source}`, () => {
                const [said, advice] = describeRefusal(403, body, email, registry);
                assert.match(said, message);
                assert.match(advice, fix);
            });
        }
    });

    describe("pip's settings", () => {
        const settings = (environment: Record<string, string> = {}) =>
            pipSettings(system({ XDG_CONFIG_DIRS: join(home, "xdg"), ...environment }), join(home, "env"));

        it("come from the environment's file before the user's before the machine's", async () => {
            await put("xdg/pip/pip.conf", "[global]\nindex-url = machine\ntimeout = 1\n");
            await put(".pip/pip.conf", "[global]\nretries = former\nno-input = yes\n");
            const user = await put(".config/pip/pip.conf", "[global]\nretries = user\nindex-url = user\n");
            const site = await put("env/pip.conf", "[global]\nINDEX_URL = site\n");
            const pip = await settings();
            assert.deepEqual(pip.value("index-url"), { value: "site", from: site, file: site });
            assert.equal(pip.value("retries")?.from, user);
            assert.equal(pip.value("timeout")?.value, "1");
            assert.equal(isYes(pip.value("no-input")), true);
            assert.deepEqual(
                pip.everywhere("index-url").map(({ value }) => value),
                ["machine", "user", "site"],
            );
        });

        it("come from [install] before [global], and from variables before both", async () => {
            await put(".config/pip/pip.conf", "[install]\nindex-url = install\n[global]\nindex-url = user\n");
            assert.equal((await settings()).value("index-url")?.value, "install");
            assert.deepEqual((await settings({ PIP_INDEX_URL: "variable" })).value("index-url"), {
                value: "variable",
                from: "PIP_INDEX_URL",
            });
        });

        it("come from PIP_CONFIG_FILE instead of the user's file, or from no file", async () => {
            await put(".config/pip/pip.conf", "[global]\nretries = user\n");
            await put("env/pip.conf", "[global]\nindex-url = site\n");
            const own = await put("own.conf", "[global]\nindex-url = own\n");
            const pip = await settings({ PIP_CONFIG_FILE: own });
            assert.equal(pip.value("index-url")?.value, "own");
            assert.equal(pip.value("retries"), undefined);
            const none = await settings({ PIP_CONFIG_FILE: "/dev/null" });
            assert.equal(none.value("index-url"), undefined);
        });

        it("report a file that pip refuses, without its text", async () => {
            const file = await put(".config/pip/pip.conf", "[global]\nhush-hush\n");
            const { errors } = await settings();
            assert.deepEqual(
                errors.map((error) => error.file),
                [file],
            );
            assert.match(errors[0]!.reason, /^line 2: /);
            assert.doesNotMatch(errors[0]!.reason, /hush/);
            await put(".config/pip/pip.conf", "\uFEFF[global]\n");
            assert.match((await settings()).errors[0]!.reason, /byte-order mark/);
        });
    });

    describe("an address", () => {
        it("is the registry's with and without a login and a trailing slash", () => {
            const login = { username: "oauth2accesstoken", password: "a/b=" };
            const key = { username: "_json_key_base64", password: "ab/c+d==" };
            const host = "europe-west1-python.pkg.dev/project/python";
            for (const [url, expected] of [
                [index.indexUrl, { use: "install", login: {} }],
                [`https://${host}/simple`, { use: "install", login: {} }],
                [uploadUrl, { use: "publish", login: {} }],
                [
                    `https://oauth2accesstoken@${host}/`,
                    { use: "publish", login: { username: login.username } },
                ],
                [`https://oauth2accesstoken:a%2Fb%3D@${host}/simple/`, { use: "install", login }],
                // As gcloud prints it.
                [`https://_json_key_base64:ab/c+d==@${host}/simple/`, { use: "install", login: key }],
            ] as const) {
                assert.deepEqual(registryAddress(url, index), expected, url);
            }
        });

        it("is not the registry's for a different repository, host or path", () => {
            for (const url of [
                `${uploadUrl}other/`,
                "https://europe-west1-python.pkg.dev/project/python2/simple/",
                "https://europe-west2-python.pkg.dev/project/python/simple/",
                "https://example.com/europe-west1-python.pkg.dev/project/python/simple/",
                "python",
                "",
            ]) {
                assert.equal(registryAddress(url, index), undefined, url);
            }
        });
    });

    describe("the files", () => {
        it("of a .pypirc count only for sections that twine sees", async () => {
            const section = `[python]\nrepository = ${uploadUrl}\nusername = u\npassword = p\n`;
            await put(".pypirc", `[distutils]\nindex-servers =\n    pypi\n    python\n${section}`);
            const [file] = await presentFiles("twine", index, system());
            assert.deepEqual(file?.entries, [
                { name: "python", use: "publish", login: { username: "u", password: "p" } },
            ]);
            await put(".pypirc", `[distutils]\nindex-servers = pypi\n${section}`);
            assert.deepEqual((await presentFiles("twine", index, system()))[0]?.entries, []);
        });

        it("of a project count only for the tool", async () => {
            await put(
                "project/pyproject.toml",
                `[[tool.poetry.source]]\nname = "p"\nurl = "${index.indexUrl}"\n` +
                    `[tool.uv]\nkeyring-provider = "subprocess"\nextra-index-url = ["${index.indexUrl}"]\n`,
            );
            const [poetry] = await presentFiles("poetry", index, system());
            assert.deepEqual(poetry?.entries, [{ name: "p", use: "install", login: {} }]);
            const [uv] = await presentFiles("uv", index, system());
            assert.deepEqual(
                uv?.entries.map(({ use }) => use),
                ["install"],
            );
            assert.deepEqual((await presentFiles("pdm", index, system()))[0]?.entries, []);
        });

        it("of uv count for hatch where it installs, and not where it publishes", async () => {
            const table = (name: string) =>
                `[[${name}]]\nname = "p"\nurl = "${index.indexUrl}"\npublish-url = "${uploadUrl}"\n`;
            await put("project/pyproject.toml", table("tool.uv.index"));
            await put(".config/uv/uv.toml", table("index"));
            const uses = async (tool: "hatch" | "uv") =>
                (await presentFiles(tool, index, system())).map(({ entries }) =>
                    entries.map(({ use }) => use),
                );
            assert.deepEqual(await uses("hatch"), [["install"], ["install"]]);
            assert.deepEqual(await uses("uv"), [
                ["install", "publish"],
                ["install", "publish"],
            ]);
        });

        it("hold poetry's passwords separately from the addresses", async () => {
            await put(".config/pypoetry/config.toml", `[repositories.python]\nurl = "${uploadUrl}"\n`);
            await put(".config/pypoetry/auth.toml", '[http-basic.python]\nusername = "u"\npassword = "p"\n');
            const files = await presentFiles("poetry", index, system());
            assert.deepEqual(
                files.flatMap(({ entries }) => entries),
                [{ name: "python", use: "publish", login: {} }],
            );
            assert.deepEqual(
                files.map(({ logins }) => logins.get("python")).find((login) => login !== undefined),
                { username: "u", password: "p" },
            );
        });

        it("of a .netrc count only for the host", async () => {
            const other = "machine example.com login a password b\n";
            await put(
                ".netrc",
                `${other}machine europe-west1-python.pkg.dev\n  login u\n  password p\n${other}`,
            );
            const [file] = await presentFiles("netrc", index, system());
            assert.deepEqual(file?.entries[0]?.login, { username: "u", password: "p" });
            await put(".netrc", other);
            assert.deepEqual((await presentFiles("netrc", index, system()))[0]?.entries, []);
        });

        const netrc = `machine ${host} login u password p\n`;
        for (const [what, text, expected] of [
            ["in a comment", `machine a login b # ${netrc}`, undefined],
            ["in a macro", `macdef init\n${netrc}\n`, undefined],
            ["with the word user", `machine ${host} user u password p\n`, { username: "u", password: "p" }],
            [
                "with a blank in quotation marks",
                `machine ${host} login u password "p w"\n`,
                { username: "u", password: "p w" },
            ],
            [
                "twice, where the last entry counts",
                `${netrc}machine ${host} login u2 password p2\n`,
                { username: "u2", password: "p2" },
            ],
            [
                "with an account in the login's place",
                `machine ${host} account u password p\n`,
                { username: "u", password: "p" },
            ],
        ] as const) {
            it(`of a .netrc: the host ${what}`, async () => {
                await put(".netrc", text);
                const [file] = await presentFiles("netrc", index, system());
                assert.equal(file?.error, undefined);
                assert.deepEqual(
                    file?.entries.map(({ login }) => login),
                    expected === undefined ? [] : [expected],
                );
            });
        }

        it("of a .netrc that Python refuses are reported only if they name the host", async () => {
            await put(".netrc", `${netrc}hush\n`);
            const [file] = await presentFiles("netrc", index, system());
            assert.match(file?.error ?? "", /^line 2: /);
            assert.doesNotMatch(file?.error ?? "", /hush/);
            await put(".netrc", "machine a login b\nhush\n");
            assert.equal((await presentFiles("netrc", index, system()))[0]?.error, undefined);
        });

        it("of a .netrc are read as Python reads them", async function () {
            needsPython.call(this);
            if (!readsLikePython311()) this.skip();
            const samples = fc.sample(netrcFile, { numRuns: 1000, seed: 20261124 });
            const python = readByPython(samples);
            let compared = 0;
            for (const [at, sample] of samples.entries()) {
                await put(".netrc", sample);
                const [file] = await presentFiles("netrc", index, system());
                const shown = JSON.stringify(sample);
                const read = python[at];
                // What ends in the middle of something is refused, although Python reads it.
                const isRefused = /""|"[^"]*$|\\$|(?:login|user|account|password)\s*$/.test(sample);
                if (file?.error !== undefined)
                    assert.ok(!read || isRefused, `refused, but Python reads it: ${shown}`);
                if (file?.error !== undefined || (isRefused && !sample.includes(host))) continue;
                const given = (name: string) => {
                    const [login, account, password] = read?.hosts[name] ?? [];
                    const username = login || account;
                    return (
                        read?.hosts[name] && { ...(username && { username }), ...(password && { password }) }
                    );
                };
                assert.deepEqual(file?.entries[0]?.login, given(host), shown);
                assert.deepEqual(file?.logins.get("default"), given("default"), shown);
                if (read?.hosts[host]) compared++;
            }
            assert.ok(compared > 100, `only ${compared} files had the host`);
        });

        it("that cannot be parsed are reported with the line, without its text", async () => {
            await put(".config/uv/uv.toml", 'a = 1\npassword = "hush\n');
            const [file] = await presentFiles("uv", index, system());
            assert.match(file?.error ?? "", /^line 2: /);
            assert.doesNotMatch(file?.error ?? "", /hush/);
        });

        it("have permission bits, with links followed, but not on Windows", async () => {
            const file = await put("file", "");
            await chmod(file, 0o640);
            await symlink(file, join(home, "link"));
            assert.equal(await findMode(join(home, "link"), system()), 0o640);
            assert.equal(await findMode(file, system({}, "windows")), undefined);
            assert.equal(await findMode(join(home, "none"), system()), undefined);
        });
    });

    describe("the identity", () => {
        const identity = async (environment: Record<string, string> = {}) => {
            const machine = system({ NO_GCE_CHECK: "true", ...environment });
            await using network = await Network.open(machine);
            return (await findIdentities(machine, network)).default;
        };
        const email = "ci@project.iam.gserviceaccount.com";
        const impersonation = `https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/${email}:generateAccessToken`;
        const audience =
            "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q";
        const cases: Record<string, [file: object, who: string, email?: string]> = {
            "a service account's key": [
                { type: "service_account", client_email: email },
                `the service account ${email}`,
                email,
            ],
            "a user": [{ type: "authorized_user", account: "" }, "a user account"],
            "a user with an address": [{ type: "authorized_user", account: "a@b.c" }, "a@b.c", "a@b.c"],
            "a workload identity": [{ type: "external_account", audience }, `a principal of ${audience}`],
            "a workload that impersonates": [
                { type: "external_account", audience, service_account_impersonation_url: impersonation },
                `the service account ${email}, impersonated`,
                email,
            ],
            "a user who impersonates": [
                { type: "impersonated_service_account", service_account_impersonation_url: impersonation },
                `the service account ${email}, impersonated`,
                email,
            ],
        };
        for (const [what, [content, who, address]] of Object.entries(cases)) {
            it(`is ${what}`, async () => {
                const file = await put("adc.json", JSON.stringify(content));
                const from = "GOOGLE_APPLICATION_CREDENTIALS";
                assert.deepEqual(await identity({ [from]: file }), {
                    from,
                    file,
                    who,
                    ...(address !== undefined && { email: address }),
                });
            });
        }

        it("is the variable's before gcloud's file before the machine's", async () => {
            const folder = dirname(
                await put(
                    "sdk/application_default_credentials.json",
                    '{"type":"authorized_user","account":"g@b.c"}',
                ),
            );
            const named = await put("adc.json", '{"type":"authorized_user","account":"a@b.c"}');
            const environment = { CLOUDSDK_CONFIG: folder };
            assert.equal((await identity(environment))?.who, "g@b.c");
            assert.equal(
                (await identity({ ...environment, GOOGLE_APPLICATION_CREDENTIALS: named }))?.who,
                "a@b.c",
            );
        });

        it("is the machine's account from the metadata server, without a proxy", async () => {
            const server = createServer((_, response) => {
                response.setHeader("Metadata-Flavor", "Google").end(`${email}\n`);
            }).listen(0, "127.0.0.1");
            await once(server, "listening");
            const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
            try {
                const environment = {
                    GCE_METADATA_HOST: host,
                    GCE_METADATA_TIMEOUT: String(limitSeconds),
                    NO_GCE_CHECK: "",
                    HTTP_PROXY: "http://127.0.0.1:1",
                };
                assert.equal((await identity(environment))?.email, email);
                assert.equal(await identity({ ...environment, NO_GCE_CHECK: "true" }), undefined);
            } finally {
                server.close();
            }
        });

        it("has an error for a file that is missing, not JSON or of an unknown type", async () => {
            const bad = await put("bad.json", "hush");
            const odd = await put("odd.json", '{"type":"hush"}');
            for (const [file, error] of [
                [join(home, "none.json"), /none\.json does not exist$/],
                [bad, /not a JSON file of Google credentials$/],
                [odd, /has a type that Google's library does not know$/],
            ] as const) {
                const found = await identity({ GOOGLE_APPLICATION_CREDENTIALS: file });
                assert.match(found?.error ?? "", error);
                assert.doesNotMatch(found?.error ?? "", /hush/);
            }
        });
    });

    describe("the network", () => {
        const findProblem = async (environment: Record<string, string>) => {
            await using network = await Network.open(system(environment));
            return network.configurationError;
        };

        it("reports certificates that a variable names and that cannot be read", async () => {
            assert.equal(await findProblem({}), undefined);
            assert.equal(await findProblem({ SSL_CERT_FILE: await put("ca.pem", "") }), undefined);
            assert.equal(
                await findProblem({ REQUESTS_CA_BUNDLE: "/nowhere/ca.pem" }),
                "REQUESTS_CA_BUNDLE names /nowhere/ca.pem, which cannot be read (ENOENT)",
            );
        });

        it("reports an invalid proxy address without its password", async () => {
            const problem = (await findProblem({ HTTPS_PROXY: "http://user:hush@[" })) ?? "";
            assert.match(problem, /^HTTPS_PROXY is not the address of a proxy/);
            assert.doesNotMatch(problem, /hush/);
        });

        it("reports what a proxy refuses", async () => {
            for (const [status, message] of [
                [407, /requires a login \(407\)$/],
                [403, /does not allow connections to example\.com \(403\)$/],
            ] as const) {
                const proxy = createServer().listen(0, "127.0.0.1");
                proxy.on("connect", (_, socket) => socket.end(`HTTP/1.1 ${status} No\r\n\r\n`));
                await once(proxy, "listening");
                const url = `http://user:hush@127.0.0.1:${(proxy.address() as AddressInfo).port}`;
                try {
                    await using network = await Network.open(system({ https_proxy: url }));
                    const response = await network.get("https://example.com/");
                    assert.ok("failure" in response);
                    assert.match(response.failure, message);
                    assert.doesNotMatch(JSON.stringify(response), /hush/);
                } finally {
                    proxy.close();
                }
            }
        });
    });

    describe("the names in internalPackages", () => {
        const names = (
            internalPackages: readonly string[],
            publicPackages: PythonIndex["publicPackages"] = "pypi",
        ) => ({
            internalPackages,
            publicPackages,
        });
        const messages = (findings: readonly Finding[]) =>
            findings.map(({ status, message }) => `${status}: ${message}`);
        const found = {
            status: 200,
            headers: { "content-type": "application/vnd.pypi.simple.v1+json" },
            body: "",
        };
        const missing = { status: 404, headers: {}, body: "" };
        /** A network with these answers, and 404 for everything else; and what it was asked for. */
        const answering = (answers: Readonly<Record<string, Answer>>) => {
            const asked: string[] = [];
            const head = (url: string) => {
                asked.push(url);
                return Promise.resolve(answers[/simple\/(.*)\/$/.exec(url)?.[1] ?? ""] ?? missing);
            };
            return { head, asked };
        };

        it("are compared with PyPI's, and no prefix is asked for", async () => {
            const network = answering({ "acme-core": found });
            const findings = await publicNameFindings(
                names(["acme-core", "acme-web", "acme-*"]),
                network,
                false,
            );
            assert.deepEqual(messages(findings), [
                "notice: PyPI has acme-core too: yours, or someone else's",
                "notice: PyPI does not have acme-web: anyone can register it there",
                "skipped: PyPI cannot be asked for prefixes: acme-*",
            ]);
            assert.deepEqual(network.asked, [
                "https://pypi.org/simple/acme-core/",
                "https://pypi.org/simple/acme-web/",
            ]);
            // Nobody can correct it on this machine: it does not fail the check.
            assert.equal(allWell(findings), true);
            assert.match(
                described(findings, { json: false, colours: false }),
                /^ {2}i names: PyPI has acme-core too/m,
            );
        });

        it("mean something else if the tools do not ask PyPI", async () => {
            const fixes = async (publicPackages: PythonIndex["publicPackages"]) =>
                (
                    await publicNameFindings(
                        names(["a", "b"], publicPackages),
                        answering({ a: found }),
                        false,
                    )
                ).map(({ fix = "" }) => fix);
            for (const [publicPackages, ofTaken, ofFree] of [
                ["pypi", /^If it is not yours, a tool can install it in the place of yours/, /^Register it/],
                [
                    "mirror",
                    /a download rule keeps the public package out, if .* npm run try-download-rules/,
                    /would keep/,
                ],
                [
                    "none",
                    /^The files of the tools name only the registry, so they do not install it/,
                    /would not install/,
                ],
            ] as const) {
                const [taken = "", free = ""] = await fixes(publicPackages);
                assert.match(taken, ofTaken);
                assert.match(free, ofFree);
            }
        });

        it("are not called free or taken if PyPI cannot be asked, and then the others are not asked for", async () => {
            const many = Array.from({ length: 100 }, (_, index) => `acme-${index}`);
            const offline = {
                failure: "The host name of pypi.org cannot be resolved",
                fix: "Check the network",
            };
            for (const [response, reason] of [
                [offline, "The host name of pypi.org cannot be resolved. Check the network"],
                [{ ...missing, status: 429 }, "it answers 429"],
                [{ ...missing, status: 503 }, "it answers 503"],
            ] as const) {
                const network = answering(Object.fromEntries(many.map((name) => [name, response])));
                const findings = await publicNameFindings(names(many), network, false);
                assert.equal(findings.length, 1);
                assert.match(
                    messages(findings)[0] ?? "",
                    /^skipped: PyPI could not be asked for acme-0, acme-1, .* and 80 more: /,
                );
                assert.ok(findings[0]?.message.endsWith(reason));
                // Those that were on their way.
                assert.equal(network.asked.length, 8);
            }
            // The page of a firewall, and a redirect, whose target would get the request.
            for (const response of [
                { status: 200, headers: { "content-type": "text/html" }, body: "" },
                { status: 302, headers: { location: "https://evil.example/" }, body: "" },
            ]) {
                const network = answering({ a: response });
                const [first, second] = messages(await publicNameFindings(names(["a", "b"]), network, false));
                assert.match(first ?? "", /^notice: PyPI does not have b:/);
                assert.match(second ?? "", /^skipped: PyPI could not be asked for a: /);
                assert.equal(network.asked.length, 2);
            }
            const network = answering({});
            assert.deepEqual(messages(await publicNameFindings(names(["a"]), network, true)), [
                "skipped: PyPI could not be asked for a: --offline",
            ]);
            assert.deepEqual([await publicNameFindings(names([]), network, false), network.asked], [[], []]);
        });

        it("go to PyPI once each, through the proxy, and never with a credential, whatever the machine has", async () => {
            const requests: { readonly url: string; readonly headers: string }[] = [];
            const proxy = await startProxy((request) => {
                requests.push({
                    url: `${request.method} ${request.url}`,
                    headers: JSON.stringify([...request.headers]),
                });
                const type = { "content-type": "application/vnd.pypi.simple.v1+json" };
                if (request.url.endsWith("/taken/")) {
                    return new Response(null, {
                        status: 200,
                        headers: { ...type, "set-cookie": "session=hush" },
                    });
                }
                return request.url.endsWith("/moved/")
                    ? new Response(null, {
                          status: 302,
                          headers: { location: "https://evil.example/simple/moved/" },
                      })
                    : new Response(null, { status: 404, headers: { "set-cookie": "session=hush" } });
            });
            try {
                await put(
                    ".netrc",
                    "machine pypi.org login user password hush\ndefault login user password hush\n",
                );
                await put(".pypirc", "[pypi]\nusername = user\npassword = hush\n");
                await put(
                    ".config/pip/pip.conf",
                    "[global]\nindex-url = https://user:hush@pypi.org/simple/\n",
                );
                const machine = system({
                    HTTPS_PROXY: proxy.url.replace("http://", "http://user:hush@"),
                    SSL_CERT_FILE: await put("ca.pem", proxy.caCertificate),
                    NETRC: join(home, ".netrc"),
                    PIP_INDEX_URL: "https://user:hush@pypi.org/simple/",
                    UV_DEFAULT_INDEX: "https://user:hush@pypi.org/simple/",
                    TWINE_PASSWORD: "hush",
                    CLOUDSDK_AUTH_ACCESS_TOKEN: "hush",
                });
                const index = {
                    ...outputs.index,
                    internalPackages: ["taken", "free", "moved", "acme-*", "last"],
                };
                // No tool is on PATH, and the registry answers 404: there is nothing else to check.
                const findings = await check({ registry: { ...outputs, index }, tools: [], system: machine });
                assert.deepEqual(messages(findings.filter(({ subject }) => subject === "names")), [
                    "notice: PyPI has taken too: yours, or someone else's",
                    "notice: PyPI does not have free, last: anyone can register it there",
                    "skipped: PyPI could not be asked for moved: it answers 302",
                    "skipped: PyPI cannot be asked for prefixes: acme-*",
                ]);
                const asked = requests.filter(({ url }) => !url.includes("-python.pkg.dev/"));
                assert.deepEqual(
                    asked.map(({ url }) => url).sort(),
                    ["free", "last", "moved", "taken"].map((name) => `HEAD https://pypi.org/simple/${name}/`),
                );
                for (const { headers } of asked) {
                    assert.doesNotMatch(headers, /hush|authorization|cookie|dXNlcjpodXNo/i);
                }
            } finally {
                await proxy.close();
            }
        });
    });

    describe("a tool's Python", () => {
        before(needsPython);

        it("is the one in the first line of its command, if the tool is installed there", async () => {
            await put("project/.keep", "");
            await put(
                "site/demo-1.2.dist-info/METADATA",
                "Metadata-Version: 2.1\nName: demo\nVersion: 1.2\n",
            );
            const machine = system({ PATH: process.env["PATH"] ?? "", PYTHONPATH: join(home, "site") });
            const launcher = await put("bin/demo", "#!/usr/bin/env python3\n", 0o700);
            const found = await inspectPython(machine, launcher, "demo");
            assert.equal(found?.version, "1.2");
            assert.ok(existsSync(found.prefix));
            assert.equal(await inspectPython(machine, launcher, "another-demo"), undefined);
        });

        it("is unknown for a command that is not a script", async () => {
            const launcher = await put("bin/pip", "\u007fELF", 0o700);
            assert.equal(await inspectPython(system(), launcher, "pip"), undefined);
        });
    });
});
