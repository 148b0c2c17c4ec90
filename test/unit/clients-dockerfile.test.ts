import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Credential } from "../../packages/registry/src/clients/credential";
import { dockerfileClient } from "../../packages/registry/src/clients/dockerfile";
import { indexNamed } from "./client-samples";

const index = { ...indexNamed("acme-python"), internalPackages: [] };
const url = "europe-west1-python.pkg.dev/acme-tools/python/simple/";

const forms: [string, Credential, string, string[], string[]][] = [
    [
        "keyring",
        { form: "keyring" },
        `COPY requirements.txt ./
RUN --mount=type=secret,id=acme-python-credentials,required=true \\
    keyring="$(mktemp -d)" \\
    && python -m venv "$keyring" \\
    && "$keyring/bin/pip" install --no-cache-dir keyring keyrings.google-artifactregistry-auth \\
    && echo "--extra-index-url https://oauth2accesstoken@${url}" \\
    | GOOGLE_APPLICATION_CREDENTIALS=/run/secrets/acme-python-credentials \\
    PATH="$PATH:$keyring/bin" \\
    PIP_KEYRING_PROVIDER=subprocess \\
    pip install --no-cache-dir -r requirements.txt -r /dev/stdin \\
    && rm -r "$keyring"
`,
        [
            'docker build --secret id=acme-python-credentials,src="${GOOGLE_APPLICATION_CREDENTIALS:-$HOME/.config/gcloud/application_default_credentials.json}" .',
        ],
        [
            '$credentials = if ($env:GOOGLE_APPLICATION_CREDENTIALS) { $env:GOOGLE_APPLICATION_CREDENTIALS } else { "$env:APPDATA\\gcloud\\application_default_credentials.json" }',
            'docker build --secret "id=acme-python-credentials,src=$credentials" .',
        ],
    ],
    ...[{ form: "token" } as const, { form: "token", token: "ya29.s3cret" } as const].map(
        (credential): [string, Credential, string, string[], string[]] => [
            "token" in credential ? "token, although its value is known" : "token",
            credential,
            `COPY requirements.txt ./
RUN --mount=type=secret,id=acme-python-token,required=true \\
    echo "--extra-index-url https://oauth2accesstoken:$(cat /run/secrets/acme-python-token)@${url}" \\
    | pip install --no-cache-dir -r requirements.txt -r /dev/stdin
`,
            [
                'export ARTIFACT_REGISTRY_TOKEN="$(gcloud auth print-access-token)"',
                "docker build --secret id=acme-python-token,env=ARTIFACT_REGISTRY_TOKEN .",
            ],
            [
                '$env:ARTIFACT_REGISTRY_TOKEN = "$(gcloud auth print-access-token)"',
                "docker build --secret id=acme-python-token,env=ARTIFACT_REGISTRY_TOKEN .",
            ],
        ],
    ),
    [
        "key",
        { form: "key", keyBase64: "++//+g==" },
        `COPY requirements.txt ./
RUN --mount=type=secret,id=acme-python-key,required=true \\
    key="$(base64 /run/secrets/acme-python-key | tr -d '\\n' | sed 's/+/%2B/g; s,/,%2F,g; s/=/%3D/g')" \\
    && echo "--extra-index-url https://_json_key_base64:$key@${url}" \\
    | pip install --no-cache-dir -r requirements.txt -r /dev/stdin
`,
        ["docker build --secret id=acme-python-key,src=KEY_FILE ."],
        ["docker build --secret id=acme-python-key,src=KEY_FILE ."],
    ],
];

describe("the step in a Dockerfile", () => {
    for (const [name, credential, text, posix, powershell] of forms) {
        it(name, () => {
            const { install, publish, commands } = dockerfileClient(index, credential);
            const path = { linux: "Dockerfile", macos: "Dockerfile", windows: "Dockerfile" };
            assert.deepEqual(install, [{ scope: "project", path, text }]);
            assert.deepEqual(publish, []);
            assert.deepEqual(commands.install, { posix, powershell });
        });
    }

    it("key: the shell encodes characters with a meaning in URLs", () => {
        const directory = mkdtempSync(join(tmpdir(), "python-registry-dockerfile-"));
        try {
            // Long enough that base64 breaks its output into lines.
            const key = Buffer.concat([Buffer.from([0xfb, 0xef, 0xff, 0xfa]), Buffer.alloc(99, 0xff)]);
            const file = join(directory, "key");
            writeFileSync(file, key);
            const { text = "" } = dockerfileClient(index, { form: "key", keyBase64: "" }).install[0] ?? {};
            const [, command = "false"] = /key="\$\((.*)\)"/.exec(text) ?? [];
            const output = execFileSync("sh", [
                "-c",
                command.replace("/run/secrets/acme-python-key", '"$0"'),
                file,
            ]);
            assert.equal(output.toString(), encodeURIComponent(key.toString("base64")));
        } finally {
            rmSync(directory, { recursive: true });
        }
    });
});
