import assert from "node:assert/strict";
import { pipenvClient } from "../../packages/registry/src/clients/pipenv";
import { indexNamed, keyBase64 } from "./client-samples";

const index = indexNamed("acme-python");
const machine = "machine europe-west1-python.pkg.dev login";
const place = { linux: "Pipfile", macos: "Pipfile", windows: "Pipfile" };
const netrcPlace = { linux: "~/.netrc", macos: "~/.netrc", windows: "%USERPROFILE%\\_netrc" };

function pipfile(userInfo: string): string {
    return `[[source]]
name = "acme-python"
url = "https://${userInfo}europe-west1-python.pkg.dev/acme-tools/python/simple"
verify_ssl = true
`;
}

describe("pipenv's client files", () => {
    for (const [credential, userInfo, netrc, variable] of [
        [{ form: "keyring" }, "", undefined, ["PIPENV_KEYRING_PROVIDER", "'subprocess'"]],
        [
            { form: "token" },
            "oauth2accesstoken:${ARTIFACT_REGISTRY_TOKEN}@",
            undefined,
            ["ARTIFACT_REGISTRY_TOKEN", '"$(gcloud auth print-access-token)"'],
        ],
        [
            { form: "token", token: "ya29.a-b" },
            "",
            `${machine} oauth2accesstoken password ya29.a-b\n`,
            undefined,
        ],
        [{ form: "key", keyBase64 }, "", `${machine} _json_key_base64 password ++//+g==\n`, undefined],
    ] as const) {
        it(`${credential.form}${"token" in credential ? ", in a file" : ""}`, () => {
            const { install, publish, commands } = pipenvClient(index, credential);
            assert.deepEqual(install, [
                { scope: "project", path: place, text: pipfile(userInfo) },
                ...(netrc === undefined ? [] : [{ scope: "user", path: netrcPlace, text: netrc }]),
            ]);
            assert.deepEqual(publish, []);
            const [name, value] = variable ?? [];
            const line = "pipenv install --index acme-python PACKAGE";
            assert.deepEqual(commands.install, {
                posix: [...(name === undefined ? [] : [`export ${name}=${value}`]), line],
                powershell: [...(name === undefined ? [] : [`$env:${name} = ${value}`]), line],
            });
        });
    }

    it("setup commands only for the keyring", () => {
        const setup = ["pipx install keyring", "pipx inject keyring keyrings.google-artifactregistry-auth"];
        assert.deepEqual(pipenvClient(index, { form: "keyring" }).commands.setup, {
            posix: setup,
            powershell: setup,
        });
        assert.deepEqual(pipenvClient(index, { form: "token" }).commands.setup.posix, []);
    });

    it("refuses a line break, and does not repeat the text", () => {
        assert.throws(
            () => pipenvClient({ ...index, name: "s3cret\n[x]" }, { form: "keyring" }),
            (error: unknown) => error instanceof RangeError && !error.message.includes("s3cret"),
        );
    });
});
