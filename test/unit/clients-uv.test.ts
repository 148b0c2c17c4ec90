import assert from "node:assert/strict";
import type { Credential } from "../../packages/registry/src/clients/credential";
import { tomlArray, tomlKey, tomlString } from "../../packages/registry/src/clients/toml";
import { uvClient } from "../../packages/registry/src/clients/uv";
import { inBothShells, indexNamed } from "./client-samples";
import { needsToml, readToml } from "./python";

const index = { ...indexNamed("acme-python"), internalPackages: ["acme-core", "acme-lib-*", "2acme"] };

function getText(scope: "user" | "project", credential: Credential, given = index): string {
    return uvClient(given, credential).install.find((file) => file.scope === scope)!.text;
}

describe("uv's client files", () => {
    it("with the keyring", () => {
        assert.equal(
            getText("user", { form: "keyring" }),
            `keyring-provider = "subprocess"

[[index]]
name = "acme-python"
url = "https://europe-west1-python.pkg.dev/acme-tools/python/simple/"
publish-url = "https://europe-west1-python.pkg.dev/acme-tools/python/"
authenticate = "always"
`,
        );
        assert.equal(
            getText("project", { form: "keyring" }),
            `[tool.uv]
keyring-provider = "subprocess"
constraint-dependencies = ["acme-core>=0", "2acme>=0"]

[[tool.uv.index]]
name = "acme-python"
url = "https://europe-west1-python.pkg.dev/acme-tools/python/simple/"
publish-url = "https://europe-west1-python.pkg.dev/acme-tools/python/"
authenticate = "always"

[tool.uv.sources]
acme-core = { index = "acme-python" }
2acme = { index = "acme-python" }
`,
        );
        assert.deepEqual(uvClient(index, { form: "keyring" }).commands, {
            setup: inBothShells(
                "uv tool install --no-config keyring --with keyrings.google-artifactregistry-auth",
            ),
            install: inBothShells("uv add PACKAGE"),
            publish: inBothShells("uv publish --index acme-python --username oauth2accesstoken"),
        });
    });

    it("with a token from the environment", () => {
        assert.equal(
            getText("user", { form: "token" }),
            `[[index]]
name = "acme-python"
url = "https://europe-west1-python.pkg.dev/acme-tools/python/simple/"
publish-url = "https://europe-west1-python.pkg.dev/acme-tools/python/"
authenticate = "always"
`,
        );
        assert.deepEqual(uvClient(index, { form: "token" }).commands, {
            setup: inBothShells(),
            install: {
                posix: [
                    "export UV_INDEX_ACME_PYTHON_USERNAME='oauth2accesstoken'",
                    'export UV_INDEX_ACME_PYTHON_PASSWORD="$(gcloud auth print-access-token)"',
                    "uv add PACKAGE",
                ],
                powershell: [
                    "$env:UV_INDEX_ACME_PYTHON_USERNAME = 'oauth2accesstoken'",
                    '$env:UV_INDEX_ACME_PYTHON_PASSWORD = "$(gcloud auth print-access-token)"',
                    "uv add PACKAGE",
                ],
            },
            publish: {
                posix: [
                    "export UV_INDEX_ACME_PYTHON_USERNAME='oauth2accesstoken'",
                    'export UV_INDEX_ACME_PYTHON_PASSWORD="$(gcloud auth print-access-token)"',
                    "uv publish --index acme-python --username oauth2accesstoken",
                ],
                powershell: [
                    "$env:UV_INDEX_ACME_PYTHON_USERNAME = 'oauth2accesstoken'",
                    '$env:UV_INDEX_ACME_PYTHON_PASSWORD = "$(gcloud auth print-access-token)"',
                    "uv publish --index acme-python --username oauth2accesstoken",
                ],
            },
        });
    });

    for (const [credential, userInfo, username] of [
        [{ form: "key", keyBase64: "ab+/cd==" }, "_json_key_base64:ab%2B%2Fcd%3D%3D", "_json_key_base64"],
        [{ form: "token", token: "ya29.a-b_c" }, "oauth2accesstoken:ya29.a-b_c", "oauth2accesstoken"],
    ] as const) {
        it(`with a ${credential.form} in the user's file`, () => {
            assert.equal(
                getText("user", credential),
                `[[index]]
name = "acme-python"
url = "https://${userInfo}@europe-west1-python.pkg.dev/acme-tools/python/simple/"
publish-url = "https://europe-west1-python.pkg.dev/acme-tools/python/"
authenticate = "always"
`,
            );
            assert.deepEqual(uvClient(index, credential).commands, {
                setup: inBothShells(),
                install: inBothShells("uv add PACKAGE"),
                publish: inBothShells(`uv publish --index acme-python --username ${username}`),
            });
        });
    }

    it("have no credential in the project's part", () => {
        const without = getText("project", { form: "token" });
        assert.ok(
            without.startsWith('[tool.uv]\nconstraint-dependencies = ["acme-core>=0", "2acme>=0"]\n\n[['),
        );
        assert.equal(getText("project", { form: "token", token: "ya29.a-b_c" }), without);
        assert.equal(getText("project", { form: "key", keyBase64: "ab+/cd==" }), without);
    });

    it("have no pins without an exact internal name", () => {
        for (const internalPackages of [[], ["acme-*"]]) {
            assert.equal(
                getText("project", { form: "token" }, { ...index, internalPackages }),
                `[[tool.uv.index]]
name = "acme-python"
url = "https://europe-west1-python.pkg.dev/acme-tools/python/simple/"
publish-url = "https://europe-west1-python.pkg.dev/acme-tools/python/"
authenticate = "always"
`,
            );
        }
    });

    it("are where uv looks for them, to install and to publish", () => {
        const { install, publish } = uvClient(index, { form: "keyring" });
        assert.deepEqual(
            install.map(({ path }) => path),
            [
                {
                    linux: "~/.config/uv/uv.toml",
                    macos: "~/.config/uv/uv.toml",
                    windows: "%APPDATA%\\uv\\uv.toml",
                },
                { linux: "pyproject.toml", macos: "pyproject.toml", windows: "pyproject.toml" },
            ],
        );
        assert.deepEqual(publish, install);
    });

    it("are read by Python with the same values", function () {
        needsToml.call(this);
        const tables = {
            name: "acme-python",
            url: "https://_json_key_base64:ab%2B%2Fcd%3D%3D@europe-west1-python.pkg.dev/acme-tools/python/simple/",
            "publish-url": index.uploadUrl,
            authenticate: "always",
        };
        const key = { form: "key", keyBase64: "ab+/cd==" } as const;
        assert.deepEqual(readToml([getText("user", key)]), [{ index: [tables] }]);
        assert.deepEqual(readToml([getText("project", { form: "keyring" })])[0], {
            tool: {
                uv: {
                    "keyring-provider": "subprocess",
                    "constraint-dependencies": ["acme-core>=0", "2acme>=0"],
                    index: [{ ...tables, url: index.indexUrl }],
                    sources: { "acme-core": { index: "acme-python" }, "2acme": { index: "acme-python" } },
                },
            },
        });
    });

    it("refuse values that cannot be written safely, without repeating them", () => {
        for (const changed of [
            { name: "a b" },
            { name: "python; rm" },
            { name: "" },
            { name: "-v" },
            { indexUrl: "https://secret\n/" },
            { uploadUrl: "https://secret\u0000/" },
            { internalPackages: ["secret\r"] },
        ]) {
            assert.throws(
                () => uvClient({ ...index, ...changed }, { form: "token" }),
                (error) => error instanceof RangeError && !/secret|rm/.test(error.message),
            );
        }
    });
});

describe("TOML", () => {
    it("has strings that Python reads back, and refuses those that it would not", function () {
        for (const text of ["a\nb", "\t", "\u007f", "\u0085", "\u2028", "\ud800"]) {
            assert.throws(() => tomlString(text), RangeError);
        }
        needsToml.call(this);
        const texts = ["", 'a"b', "a\\nb", "'", "#", "ä€😀", " x ", "a.b"];
        assert.deepEqual(readToml([`all = ${tomlArray(texts)}\n`]), [{ all: texts }]);
        assert.deepEqual(
            readToml([texts.map((text) => `${tomlKey(text)} = 1\n`).join("")])[0],
            Object.fromEntries(texts.map((text) => [text, 1])),
        );
    });
});
