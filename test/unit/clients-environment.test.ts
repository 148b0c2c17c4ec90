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
    publicPackages: "pypi",
    internalPackages: [],
};
const host = "europe-west1-python.pkg.dev/acme.com:tools/python";

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

const forms: readonly Credential[] = [
    { form: "keyring" },
    { form: "token" },
    { form: "token", token: "ya29.a_b-c" },
    { form: "key", keyBase64: "++//+g==" },
];

describe("a file with environment variables", () => {
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
    for (const credential of forms) {
        const inFile = "token" in credential;
        it(`has the variables of the file: ${credential.form}${inFile ? ", in the file" : ""}`, () => {
            const client = tools.environment.client(index, credential);
            const { text = "" } = client.install[0] ?? {};
            assert.deepEqual(
                variablesBySh(client),
                credential.form === "token" && !inFile
                    ? parsed(
                          `${text}${secrets("oauth2accesstoken", "ya29.now")}ARTIFACT_REGISTRY_TOKEN=ya29.now\n`,
                      )
                    : parsed(text),
            );
        });
    }

    it("installs nothing when gcloud has no token", () => {
        assert.throws(() => variablesBySh(tools.environment.client(index, { form: "token" }), "return 1"));
    });
});
