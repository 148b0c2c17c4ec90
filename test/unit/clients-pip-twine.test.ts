import { strict as assert } from "node:assert";
import type { Client, PythonIndex } from "../../packages/registry/src/clients/client";
import type { Credential } from "../../packages/registry/src/clients/credential";
import { pipClient } from "../../packages/registry/src/clients/pip";
import { twineClient } from "../../packages/registry/src/clients/twine";
import { indexNamed, keyBase64 } from "./client-samples";

const host = "europe-west1-python.pkg.dev/acme-tools/python";
const index = { ...indexNamed("acme-python"), internalPackages: [] };
const backend = "keyrings.google-artifactregistry-auth";

const credentials: Record<string, Credential> = {
    keyring: { form: "keyring" },
    "token without the token": { form: "token" },
    token: { form: "token", token: "ya29.a-token" },
    key: { form: "key", keyBase64 },
};

function texts({ install, publish }: Client): string[] {
    return [...new Set([...install, ...publish].map(({ text }) => text))];
}

describe("pip's and twine's files in every form, byte for byte", () => {
    const userInfo: Record<string, string> = {
        keyring: "",
        "token without the token": "oauth2accesstoken@",
        token: "oauth2accesstoken:ya29.a-token@",
        key: "_json_key_base64:%2B%2B%2F%2F%2Bg%3D%3D@",
    };
    const login: Record<string, string> = {
        keyring: "",
        "token without the token": "username: oauth2accesstoken\n",
        token: "username: oauth2accesstoken\npassword: ya29.a-token\n",
        key: "username: _json_key_base64\npassword: ++//+g==\n",
    };
    for (const [form, credential] of Object.entries(credentials)) {
        it(`pip.conf: ${form}`, () => {
            const client = pipClient(index, credential);
            assert.deepEqual(texts(client), [
                `[global]\nextra-index-url = https://${userInfo[form]}${host}/simple/\n`,
            ]);
            assert.deepEqual(
                client.install.map(({ scope, path }) => [scope, path.linux, path.windows]),
                [
                    ["user", "~/.config/pip/pip.conf", "%APPDATA%\\pip\\pip.ini"],
                    ["venv", "$VIRTUAL_ENV/pip.conf", "%VIRTUAL_ENV%\\pip.ini"],
                    ["global", "/etc/pip.conf", "%ProgramData%\\pip\\pip.ini"],
                ],
            );
        });

        it(`.pypirc: ${form}`, () => {
            assert.deepEqual(texts(twineClient(index, credential)), [
                `[distutils]\nindex-servers =\n    acme-python\n\n[acme-python]\nrepository: https://${host}/\n${login[form]}`,
            ]);
        });
    }

    it("commands take the token from gcloud if no file has it", () => {
        const token = "$(gcloud auth print-access-token)";
        const { commands: pip } = pipClient(index, { form: "token" });
        const url = `https://oauth2accesstoken:${token}@${host}/simple/`;
        assert.deepEqual(pip.install, {
            posix: [`export PIP_EXTRA_INDEX_URL="${url}"`, "pip install PACKAGE"],
            powershell: [`$env:PIP_EXTRA_INDEX_URL = "${url}"`, "pip install PACKAGE"],
        });
        const { commands: twine } = twineClient(index, { form: "token" });
        assert.deepEqual(twine.publish, {
            posix: [`export TWINE_PASSWORD="${token}"`, "twine upload -r acme-python dist/*"],
            powershell: [`$env:TWINE_PASSWORD = "${token}"`, "twine upload -r acme-python dist/*"],
        });
    });

    it("commands set the keyring up for the provider that the files ask for", () => {
        const setup = (keyring: PythonIndex["keyring"]) =>
            pipClient({ ...index, keyring }, { form: "keyring" }).commands.setup.posix;
        assert.deepEqual(setup("auto"), [`pip install keyring ${backend}`]);
        assert.deepEqual(setup("import"), [`pip install keyring ${backend}`]);
        assert.deepEqual(setup("subprocess"), ["pipx install keyring", `pipx inject keyring ${backend}`]);
        const { text } = pipClient({ ...index, keyring: "subprocess" }, { form: "keyring" }).install[0]!;
        assert.equal(
            text,
            `[global]\nextra-index-url = https://oauth2accesstoken@${host}/simple/\nkeyring-provider = subprocess\n`,
        );
    });
});
