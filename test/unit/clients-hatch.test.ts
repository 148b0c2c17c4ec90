import { strict as assert } from "node:assert";
import type { Credential } from "../../packages/registry/src/clients/credential";
import { hatchClient } from "../../packages/registry/src/clients/hatch";
import { uvClient } from "../../packages/registry/src/clients/uv";
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

const index = indexNamed("acme-python");
const { keyring, tokenless, token, key } = credentials;

const run = [
    "# With PACKAGE among the dependencies in pyproject.toml:",
    "hatch run python -c \"from importlib.metadata import version; print(version('PACKAGE'))\"",
];
const publish = "hatch publish --repo acme-python";

describe("hatch's files, byte for byte", () => {
    it("keyring: no credential, and a keyring both on PATH and in hatch's own environment", () => {
        assert.deepEqual(hatchClient(index, keyring), {
            install: [
                uvToml(keyring),
                projectFile(`${installer}\n[tool.uv]\nkeyring-provider = "subprocess"\n\n${uvIndex}`),
            ],
            publish: [publishFile(`url = "${uploadUrl}"\nuser = "oauth2accesstoken"\n`)],
            commands: {
                setup: inBothShells(
                    "pipx install keyring",
                    "pipx inject keyring keyrings.google-artifactregistry-auth",
                    "pipx inject hatch keyrings.google-artifactregistry-auth",
                ),
                install: inBothShells(...run),
                publish: inBothShells(publish),
            },
        });
    });

    it("token: from the environment", () => {
        assert.deepEqual(hatchClient(index, tokenless), {
            install: [uvToml(tokenless), projectFile(`${installer}\n${uvIndex}`)],
            publish: [publishFile(`url = "${uploadUrl}"\nuser = "oauth2accesstoken"\n`)],
            commands: {
                setup: inBothShells(),
                install: {
                    posix: [
                        "export UV_INDEX_ACME_PYTHON_USERNAME='oauth2accesstoken'",
                        'export UV_INDEX_ACME_PYTHON_PASSWORD="$(gcloud auth print-access-token)"',
                        ...run,
                    ],
                    powershell: [
                        "$env:UV_INDEX_ACME_PYTHON_USERNAME = 'oauth2accesstoken'",
                        '$env:UV_INDEX_ACME_PYTHON_PASSWORD = "$(gcloud auth print-access-token)"',
                        ...run,
                    ],
                },
                publish: {
                    posix: ['export HATCH_INDEX_AUTH="$(gcloud auth print-access-token)"', publish],
                    powershell: ['$env:HATCH_INDEX_AUTH = "$(gcloud auth print-access-token)"', publish],
                },
            },
        });
    });

    for (const [what, credential, username, password] of [
        ["token", token, "oauth2accesstoken", "a-token"],
        ["key", key, "_json_key_base64", "++//+g=="],
    ] as const) {
        it(`${what} with its value: in the user's files only, unencoded`, () => {
            assert.deepEqual(hatchClient(index, credential), {
                install: [uvToml(credential), projectFile(`${installer}\n${uvIndex}`)],
                publish: [publishFile(`url = "${uploadUrl}"\nuser = "${username}"\nauth = "${password}"\n`)],
                commands: {
                    setup: inBothShells(),
                    install: inBothShells(...run),
                    publish: inBothShells(publish),
                },
            });
        });
    }

    it("a name that hatch uses for PyPI gets a prefix everywhere", () => {
        for (const name of ["main", "test"]) {
            const client = hatchClient({ ...index, name }, keyring);
            assert.equal(client.publish[0]!.text.split("\n")[0], `[publish.index.repos.private-${name}]`);
            assert.deepEqual(client.commands.publish, inBothShells(`hatch publish --repo private-${name}`));
        }
    });

    it("values that cannot be written safely are refused, and the message does not repeat them", () => {
        for (const wrong of [
            { ...index, name: "a.b" },
            { ...index, name: "" },
            { ...index, name: "secret]\n[x" },
            { ...index, indexUrl: "https://secret\n" },
            { ...index, uploadUrl: "https://secret\n" },
        ]) {
            assert.throws(
                () => hatchClient(wrong, keyring),
                (error: Error) => error instanceof RangeError && !error.message.includes("secret"),
            );
        }
    });

    it("Python reads the same values", function () {
        needsToml.call(this);
        const { install, publish: upload } = hatchClient(index, key);
        assert.deepEqual(readToml([install[1]!.text, upload[0]!.text]), [
            {
                tool: {
                    hatch: { envs: { default: { installer: "uv" } } },
                    uv: {
                        index: [
                            {
                                name: "acme-python",
                                url: indexUrl,
                                "publish-url": uploadUrl,
                                authenticate: "always",
                            },
                        ],
                    },
                },
            },
            {
                publish: {
                    index: {
                        repos: {
                            "acme-python": { url: uploadUrl, user: "_json_key_base64", auth: keyBase64 },
                        },
                    },
                },
            },
        ]);
    });
});

const installer = '[tool.hatch.envs.default]\ninstaller = "uv"\n';
const uvIndex =
    `[[tool.uv.index]]\nname = "acme-python"\nurl = "${indexUrl}"\n` +
    `publish-url = "${uploadUrl}"\nauthenticate = "always"\n`;

/** The file that uv reads everywhere, also in hatch's environments. uv's own tests verify its text. */
function uvToml(credential: Credential) {
    return uvClient(index, credential).install.find(({ scope }) => scope === "user");
}

function publishFile(keys: string) {
    return {
        scope: "user",
        path: {
            linux: "~/.config/hatch/config.toml",
            macos: "~/Library/Application Support/hatch/config.toml",
            windows: "%LOCALAPPDATA%\\hatch\\config.toml",
        },
        text: `[publish.index.repos.acme-python]\n${keys}`,
    };
}
