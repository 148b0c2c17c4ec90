import { strict as assert } from "node:assert";
import { poetryClient } from "../../packages/registry/src/clients/poetry";
import {
    credentials,
    inBothShells,
    indexNamed,
    indexUrl,
    keyBase64,
    projectFile,
    uploadUrl,
} from "./client-samples";
import { needsToml, readToml } from "./python";

const index = indexNamed("python");
const { keyring, tokenless, token, key } = credentials;

const sources = projectFile(
    "[[tool.poetry.source]]\n" +
        'name = "python"\n' +
        'url = "https://europe-west1-python.pkg.dev/acme-tools/python/simple/"\n' +
        'priority = "primary"\n' +
        "\n" +
        "[[tool.poetry.source]]\n" +
        'name = "PyPI"\n' +
        'priority = "supplemental"\n',
);
const repository = {
    scope: "user",
    path: {
        linux: "~/.config/pypoetry/config.toml",
        macos: "~/Library/Application Support/pypoetry/config.toml",
        windows: "%APPDATA%\\pypoetry\\config.toml",
    },
    isPublic: true,
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
                setup: inBothShells("poetry self add keyrings.google-artifactregistry-auth"),
                install: inBothShells(add),
                publish: inBothShells(publish),
            },
        });
    });

    it("token from the environment: the same files", () => {
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
                setup: inBothShells(),
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
                commands: {
                    setup: inBothShells(),
                    install: inBothShells(add),
                    publish: inBothShells(publish),
                },
            });
        });
    }

    it("need no list of the internal packages", () => {
        assert.deepEqual(
            poetryClient({ ...index, internalPackages: [] }, keyring),
            poetryClient(index, keyring),
        );
    });

    it("an index named pypi, which is PyPI in poetry, gets a prefix everywhere", () => {
        const client = poetryClient({ ...index, name: "pypi" }, key);
        assert.match(client.install[0]!.text, /^name = "private-pypi"$/m);
        assert.match(client.install[1]!.text, /^\[http-basic\.private-pypi\]$/m);
        assert.match(client.publish[0]!.text, /^\[repositories\.private-pypi\]$/m);
        assert.deepEqual(client.commands.install.posix, ["poetry add --source private-pypi PACKAGE"]);
        assert.deepEqual(client.commands.publish.posix, ["poetry publish -r private-pypi"]);
        const { install } = poetryClient({ ...index, name: "pypi" }, tokenless).commands;
        assert.match(install.posix[0]!, /^export POETRY_HTTP_BASIC_PRIVATE_PYPI_USERNAME=/);
    });

    it("are read by Python with the same values", function () {
        needsToml.call(this);
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
