import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Client, PythonIndex } from "../../packages/registry/src/clients/client";
import type { Credential } from "../../packages/registry/src/clients/credential";
import { tools } from "../../packages/registry/src/clients/tools";

const index: PythonIndex = {
    name: "acme-python",
    indexUrl: "https://europe-west1-python.pkg.dev/acme.com:tools/python/simple/",
    uploadUrl: "https://europe-west1-python.pkg.dev/acme.com:tools/python/",
    keyring: "auto",
    internalPackages: [],
};
const host = "europe-west1-python.pkg.dev/acme.com:tools/python";

/** The lines that every form has. */
function common(username: string, poetry: string): string {
    return `UV_INDEX=acme-python=https://${host}/simple/
UV_INDEX_ACME_PYTHON_USERNAME=${username}
UV_PUBLISH_URL=https://${host}/
UV_PUBLISH_USERNAME=${username}
TWINE_REPOSITORY_URL=https://${host}/
TWINE_USERNAME=${username}
POETRY_REPOSITORIES_ACME_PYTHON_URL=https://${host}/
${poetry}PDM_PUBLISH_REPO=https://${host}/
PDM_PUBLISH_USERNAME=${username}
HATCH_INDEX_REPO=https://${host}/
HATCH_INDEX_USER=${username}
`;
}

function secrets(username: string, password: string): string {
    return `PIP_EXTRA_INDEX_URL=https://${username}:${encodeURIComponent(password)}@${host}/simple/
UV_INDEX_ACME_PYTHON_PASSWORD=${password}
UV_PUBLISH_PASSWORD=${password}
TWINE_PASSWORD=${password}
POETRY_HTTP_BASIC_ACME_PYTHON_PASSWORD=${password}
PDM_PUBLISH_PASSWORD=${password}
HATCH_INDEX_AUTH=${password}
`;
}

const [token, key] = ["oauth2accesstoken", "_json_key_base64"];
const poetry = (username: string) => `POETRY_HTTP_BASIC_ACME_PYTHON_USERNAME=${username}\n`;
const project = { linux: ".env", macos: ".env", windows: ".env" };
const own = {
    linux: "~/.config/python-registry/acme-python.env",
    macos: "~/.config/python-registry/acme-python.env",
    windows: "%APPDATA%\\python-registry\\acme-python.env",
};
const forms: [string, Credential, "user" | "project", string][] = [
    [
        "keyring",
        { form: "keyring" },
        "project",
        `PIP_EXTRA_INDEX_URL=https://oauth2accesstoken@${host}/simple/
PIP_KEYRING_PROVIDER=subprocess
PIPENV_KEYRING_PROVIDER=subprocess
UV_KEYRING_PROVIDER=subprocess
${common(token, "")}`,
    ],
    ["token", { form: "token" }, "project", common(token, poetry(token))],
    [
        "token, in the file",
        { form: "token", token: "ya29.a_b-c" },
        "user",
        `${common(token, poetry(token))}${secrets(token, "ya29.a_b-c")}ARTIFACT_REGISTRY_TOKEN=ya29.a_b-c\n`,
    ],
    [
        "key",
        { form: "key", keyBase64: "++//+g==" },
        "user",
        common(key, poetry(key)) + secrets(key, "++//+g=="),
    ],
];

describe("a file with environment variables", () => {
    for (const [name, credential, scope, text] of forms) {
        it(name, () => {
            const { install, publish } = tools.environment.client(index, credential);
            assert.deepEqual(install, [{ scope, path: scope === "user" ? own : project, text }]);
            assert.deepEqual(publish, install);
        });
    }

    for (const password of [
        "s3cret$x",
        "s3cret x",
        "s3cret\nX=1",
        "'s3cret'",
        "s3cret#",
        "s3cret\\",
        "`s3cret`",
    ]) {
        it(`refuses the token ${JSON.stringify(password)}, and does not repeat it`, () => {
            assert.throws(
                () => tools.environment.client(index, { form: "token", token: password }),
                (error: unknown) => error instanceof RangeError && !error.message.includes("s3cret"),
            );
        });
    }
});

/** The variables that sh exports at the end, if gcloud is this function. */
function variablesBySh(
    { install: [file], commands }: Client,
    gcloud = "echo ya29.now",
): Record<string, string> {
    assert.ok(file !== undefined);
    const home = mkdtempSync(join(tmpdir(), "python-registry-environment-"));
    try {
        const path = join(home, file.path.linux.replace("~/", ""));
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, file.text);
        const lines = [
            `gcloud() { ${gcloud}; }`,
            ...commands.install.posix.map((line) => line.replace(/^pip install.*/, "env")),
        ];
        const output = execFileSync("sh", ["-ec", lines.join("\n")], {
            cwd: home,
            env: { HOME: home, PATH: process.env["PATH"] },
            encoding: "utf8",
        });
        return Object.fromEntries(
            output
                .trimEnd()
                .split("\n")
                .map((line) => line.split(/=(.*)/s).slice(0, 2) as [string, string])
                .filter(([name]) => /^(?:PIP|UV|TWINE|POETRY|PDM|HATCH|ARTIFACT)/.test(name)),
        );
    } finally {
        rmSync(home, { recursive: true });
    }
}

function parsed(text: string): Record<string, string> {
    return Object.fromEntries(
        text
            .trimEnd()
            .split("\n")
            .map((line) => line.split(/=(.*)/s).slice(0, 2) as [string, string]),
    );
}

describe("sh", () => {
    for (const [name, credential, , text] of forms) {
        it(`has the variables of the file: ${name}`, () => {
            const inToken = credential.form === "token" && credential.token === undefined;
            assert.deepEqual(
                variablesBySh(tools.environment.client(index, credential)),
                inToken
                    ? parsed(`${text}${secrets(token, "ya29.now")}ARTIFACT_REGISTRY_TOKEN=ya29.now\n`)
                    : parsed(text),
            );
        });
    }

    it("installs nothing when gcloud has no token", () => {
        assert.throws(() => variablesBySh(tools.environment.client(index, { form: "token" }), "return 1"));
    });
});

describe("PowerShell's commands", () => {
    // The tests have no PowerShell to run them.
    it("key: read the file", () => {
        const { install, publish } = tools.environment.client(index, {
            form: "key",
            keyBase64: "++//+g==",
        }).commands;
        const read = [
            "Get-Content \"$env:APPDATA\\python-registry\\acme-python.env\" | Where-Object { $_ -match '^\\w+=' } | ForEach-Object {",
            "    $name, $value = $_ -split '=', 2",
            '    Set-Item "env:$name" $value',
            "}",
        ];
        assert.deepEqual(install.powershell, [...read, "pip install PACKAGE"]);
        assert.deepEqual(publish.powershell, [...read, "twine upload dist/*"]);
    });

    it("token: set the variables for the token too", () => {
        const { install } = tools.environment.client(index, { form: "token" }).commands;
        assert.deepEqual(install.powershell.slice(4, 7), [
            '$env:ARTIFACT_REGISTRY_TOKEN = "$(gcloud auth print-access-token)"',
            `$env:PIP_EXTRA_INDEX_URL = "https://oauth2accesstoken:$env:ARTIFACT_REGISTRY_TOKEN@${host}/simple/"`,
            '$env:UV_INDEX_ACME_PYTHON_PASSWORD = "$env:ARTIFACT_REGISTRY_TOKEN"',
        ]);
    });
});
