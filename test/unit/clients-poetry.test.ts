import { strict as assert } from "node:assert";
import { execFileSync, spawnSync } from "node:child_process";
import type { PythonIndex } from "../../src/clients/client";
import type { Credential } from "../../src/clients/credential";
import { poetryClient } from "../../src/clients/poetry";
import { repositoryUrls } from "../../src/names/urls";

const { indexUrl, uploadUrl } = repositoryUrls({
    location: "europe-west1",
    project: "acme-tools",
    repository: "python",
});
const index: PythonIndex = {
    name: "python",
    indexUrl,
    uploadUrl,
    keyring: "auto",
    internalPackages: ["acme-core", "acme-*"],
};
// Bytes whose base64 has each of the three characters that mean something else elsewhere.
const keyBase64 = Buffer.from([0xfb, 0xef, 0xff, 0xfa]).toString("base64");

const keyring: Credential = { form: "keyring" };
const tokenless: Credential = { form: "token" };
const token: Credential = { form: "token", token: "a-token" };
const key: Credential = { form: "key", keyBase64 };

const sources = {
    scope: "project",
    path: { linux: "pyproject.toml", macos: "pyproject.toml", windows: "pyproject.toml" },
    text:
        "[[tool.poetry.source]]\n" +
        'name = "python"\n' +
        'url = "https://europe-west1-python.pkg.dev/acme-tools/python/simple/"\n' +
        'priority = "primary"\n' +
        "\n" +
        "[[tool.poetry.source]]\n" +
        'name = "PyPI"\n' +
        'priority = "supplemental"\n',
};
const repository = {
    scope: "user",
    path: {
        linux: "~/.config/pypoetry/config.toml",
        macos: "~/Library/Application Support/pypoetry/config.toml",
        windows: "%APPDATA%\\pypoetry\\config.toml",
    },
    text: "[repositories.python]\n" + 'url = "https://europe-west1-python.pkg.dev/acme-tools/python/"\n',
};
const auth = (username: string, password: string) => ({
    scope: "user",
    path: {
        linux: "~/.config/pypoetry/auth.toml",
        macos: "~/Library/Application Support/pypoetry/auth.toml",
        windows: "%APPDATA%\\pypoetry\\auth.toml",
    },
    text: `[http-basic.python]\nusername = "${username}"\npassword = "${password}"\n`,
});
const add = "poetry add --source python PACKAGE";
const publish = "poetry publish -r python";

describe("poetry's files, byte for byte", () => {
    it("keyring: no credential, and the backend in poetry's own environment", () => {
        assert.deepEqual(poetryClient(index, keyring), {
            install: [sources],
            publish: [repository],
            commands: {
                setup: both("poetry self add keyrings.google-artifactregistry-auth"),
                install: both(add),
                publish: both(publish),
            },
        });
    });

    it("token, by the environment: the same files", () => {
        const posix = [
            "export POETRY_HTTP_BASIC_PYTHON_USERNAME='oauth2accesstoken'",
            'export POETRY_HTTP_BASIC_PYTHON_PASSWORD="$(gcloud auth print-access-token)"',
        ];
        const powershell = [
            "$env:POETRY_HTTP_BASIC_PYTHON_USERNAME = 'oauth2accesstoken'",
            '$env:POETRY_HTTP_BASIC_PYTHON_PASSWORD = "$(gcloud auth print-access-token)"',
        ];
        assert.deepEqual(poetryClient(index, tokenless), {
            install: [sources],
            publish: [repository],
            commands: {
                setup: both(),
                install: { posix: [...posix, add], powershell: [...powershell, add] },
                publish: { posix: [...posix, publish], powershell: [...powershell, publish] },
            },
        });
    });

    for (const [form, credential, file] of [
        ["token", token, auth("oauth2accesstoken", "a-token")],
        ["key", key, auth("_json_key_base64", "++//+g==")],
    ] as const) {
        it(`${form}, in the file: only auth.toml has it`, () => {
            assert.deepEqual(poetryClient(index, credential), {
                install: [sources, file],
                publish: [repository, file],
                commands: { setup: both(), install: both(add), publish: both(publish) },
            });
        });
    }

    it("need no list of the internal packages", () => {
        assert.deepEqual(
            poetryClient({ ...index, internalPackages: [] }, keyring),
            poetryClient(index, keyring),
        );
    });

    it("an index called pypi, which is PyPI to poetry, gets another name everywhere", () => {
        const client = poetryClient({ ...index, name: "pypi" }, key);
        assert.match(client.install[0]!.text, /^name = "private-pypi"$/m);
        assert.match(client.install[1]!.text, /^\[http-basic\.private-pypi\]$/m);
        assert.match(client.publish[0]!.text, /^\[repositories\.private-pypi\]$/m);
        assert.deepEqual(client.commands.install.posix, ["poetry add --source private-pypi PACKAGE"]);
        assert.deepEqual(client.commands.publish.posix, ["poetry publish -r private-pypi"]);
        const { install } = poetryClient({ ...index, name: "pypi" }, tokenless).commands;
        assert.match(install.posix[0]!, /^export POETRY_HTTP_BASIC_PRIVATE_PYPI_USERNAME=/);
    });

    it("are read by Python as meant", function () {
        if (spawnSync("python3", ["-c", "import tomllib"]).status !== 0) {
            console.log("    skipped: no python3 with tomllib (3.11), which reads the generated files back");
            this.skip();
        }
        const client = poetryClient(index, key);
        assert.deepEqual(
            readToml([...client.install, ...client.publish.slice(0, 1)].map(({ text }) => text)),
            [
                {
                    tool: {
                        poetry: {
                            source: [
                                { name: "python", url: indexUrl, priority: "primary" },
                                { name: "PyPI", priority: "supplemental" },
                            ],
                        },
                    },
                },
                { "http-basic": { python: { username: "_json_key_base64", password: keyBase64 } } },
                { repositories: { python: { url: uploadUrl } } },
            ],
        );
    });
});

describe("poetry's files are refused", () => {
    for (const [what, changed, credential] of [
        ["a name that ends its table", { name: "secret]\n[x" }, keyring],
        ["a name with a dot, which would be two", { name: "secret.b" }, keyring],
        ["an address with a line break", { indexUrl: "https://secret.example/\nx = 1" }, keyring],
        ["a password with a line break", {}, { form: "key", keyBase64: "secret\n" }],
    ] as const) {
        it(`for ${what}, and the message does not repeat it`, () => {
            assert.throws(
                () => poetryClient({ ...index, ...changed }, credential),
                (error: Error) => error instanceof RangeError && !error.message.includes("secret"),
            );
        });
    }
});

/** The same lines for both families of shells. */
function both(...lines: string[]) {
    return { posix: lines, powershell: lines };
}

function readToml(texts: readonly string[]): unknown {
    const program =
        "import json, sys, tomllib; print(json.dumps([tomllib.loads(text) for text in json.load(sys.stdin)]))";
    return JSON.parse(
        execFileSync("python3", ["-c", program], { input: JSON.stringify(texts), encoding: "utf8" }),
    );
}
