import { strict as assert } from "node:assert";
import { pdmClient } from "../../packages/registry/src/clients/pdm";
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

const packages = 'include_packages = ["acme-core", "acme-lib-*"]\n';
const fromVariable =
    "https://oauth2accesstoken:${ARTIFACT_REGISTRY_TOKEN}@europe-west1-python.pkg.dev/acme-tools/python/simple/";
const add = "pdm add PACKAGE";
const publish = "pdm publish --no-build --repository python";

describe("pdm's files, byte for byte", () => {
    it("keyring: no credential, and the backend in pdm's own environment", () => {
        assert.deepEqual(pdmClient(index, keyring), {
            install: [
                userFile(`[pypi.python]\nurl = "${indexUrl}"\nusername = "oauth2accesstoken"\n${packages}`),
                projectFile(`[[tool.pdm.source]]\nname = "python"\nurl = "${indexUrl}"\n${packages}`),
            ],
            publish: [
                userFile(`[repository.python]\nurl = "${uploadUrl}"\nusername = "oauth2accesstoken"\n`),
            ],
            commands: {
                setup: inBothShells("pdm self add keyring keyrings.google-artifactregistry-auth"),
                install: inBothShells(add),
                publish: inBothShells(publish),
            },
        });
    });

    it("token: from the environment, by a variable in the URL and by pdm's variable", () => {
        assert.deepEqual(pdmClient(index, tokenless), {
            install: [
                userFile(`[pypi.python]\nurl = "${fromVariable}"\n${packages}`),
                projectFile(`[[tool.pdm.source]]\nname = "python"\nurl = "${fromVariable}"\n${packages}`),
            ],
            publish: [
                userFile(`[repository.python]\nurl = "${uploadUrl}"\nusername = "oauth2accesstoken"\n`),
            ],
            commands: {
                setup: inBothShells(),
                install: {
                    posix: ['export ARTIFACT_REGISTRY_TOKEN="$(gcloud auth print-access-token)"', add],
                    powershell: ['$env:ARTIFACT_REGISTRY_TOKEN = "$(gcloud auth print-access-token)"', add],
                },
                publish: {
                    posix: ['export PDM_PUBLISH_PASSWORD="$(gcloud auth print-access-token)"', publish],
                    powershell: ['$env:PDM_PUBLISH_PASSWORD = "$(gcloud auth print-access-token)"', publish],
                },
            },
        });
    });

    for (const [what, credential, username, password] of [
        ["token", token, "oauth2accesstoken", "a-token"],
        ["key", key, "_json_key_base64", "++//+g=="],
    ] as const) {
        it(`${what} with its value: in the user's files only, unencoded`, () => {
            const login = `username = "${username}"\npassword = "${password}"\n`;
            assert.deepEqual(pdmClient(index, credential), {
                install: [
                    userFile(`[pypi.python]\nurl = "${indexUrl}"\n${login}${packages}`),
                    projectFile(`[[tool.pdm.source]]\nname = "python"\nurl = "${indexUrl}"\n${packages}`),
                ],
                publish: [userFile(`[repository.python]\nurl = "${uploadUrl}"\n${login}`)],
                commands: {
                    setup: inBothShells(),
                    install: inBothShells(add),
                    publish: inBothShells(publish),
                },
            });
        });
    }

    it("no internal packages: no names in the files", () => {
        for (const { text } of pdmClient({ ...index, internalPackages: [] }, keyring).install) {
            assert.doesNotMatch(text, /packages/);
        }
    });

    it("a name with a meaning in pdm gets a prefix everywhere", () => {
        for (const name of ["pypi", "url", "username", "password"]) {
            const client = pdmClient({ ...index, name }, keyring);
            const texts = [...client.install, ...client.publish].map(({ text }) => text.split("\n", 2));
            assert.deepEqual(texts, [
                [`[pypi.private-${name}]`, `url = "${indexUrl}"`],
                ["[[tool.pdm.source]]", `name = "private-${name}"`],
                [`[repository.private-${name}]`, `url = "${uploadUrl}"`],
            ]);
            assert.deepEqual(
                client.commands.publish,
                inBothShells(`pdm publish --no-build --repository private-${name}`),
            );
        }
    });

    it("values that cannot be written safely are refused, and the message does not repeat them", () => {
        for (const wrong of [
            { ...index, name: "a.b" },
            { ...index, name: "" },
            { ...index, name: "secret]\n[x" },
            { ...index, indexUrl: "https://secret\n" },
            { ...index, uploadUrl: "https://secret\n" },
            { ...index, internalPackages: ["secret\n"] },
        ]) {
            assert.throws(
                () => pdmClient(wrong, keyring),
                (error: Error) => error instanceof RangeError && !error.message.includes("secret"),
            );
        }
    });

    it("Python reads the same values", function () {
        needsToml.call(this);
        const { install, publish: upload } = pdmClient(index, key);
        const login = { username: "_json_key_base64", password: keyBase64 };
        assert.deepEqual(readToml([...install, ...upload].map(({ text }) => text)), [
            { pypi: { python: { url: indexUrl, ...login, include_packages: index.internalPackages } } },
            {
                tool: {
                    pdm: {
                        source: [{ name: "python", url: indexUrl, include_packages: index.internalPackages }],
                    },
                },
            },
            { repository: { python: { url: uploadUrl, ...login } } },
        ]);
    });
});

function userFile(text: string) {
    return {
        scope: "user",
        path: {
            linux: "~/.config/pdm/config.toml",
            macos: "~/Library/Application Support/pdm/config.toml",
            windows: "%LOCALAPPDATA%\\pdm\\pdm\\config.toml",
        },
        text,
    };
}
