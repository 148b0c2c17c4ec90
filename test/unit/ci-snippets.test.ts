import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, isAbsolute, join } from "node:path";
import fc from "fast-check";
import { credentialConfiguration } from "../../src/ci/credential-configuration";
import { ciSnippet } from "../../src/ci/snippet";
import type { KeyringProvider } from "../../src/clients/client";
import { WorkloadType } from "../../src/names/workload-types";
import { parseWorkloads } from "../../src/validation/workloads";
import { account, contextOf, documentsOf, isScript, provider, samples, scriptOf } from "./ci-samples";

// The snippets byte for byte (WRITE_DOCS=1 writes the expected texts), and what is true for the snippet of every valid workload. test/clients/ci-snippets.test.ts checks
// them with the systems' own checkers, and runs their commands.

const directory = join(__dirname, "ci-snippets");

describe("the snippet of a workload", () => {
    for (const [name, entry] of Object.entries(samples)) {
        it(`is as expected for ${name}`, () => {
            const path = join(directory, `${name}.golden`);
            const snippet = ciSnippet(contextOf(name, entry));
            if (process.env["WRITE_DOCS"] !== undefined) writeFileSync(path, snippet);
            assert.equal(snippet, readFileSync(path, "utf8"));
        });
    }

    it("is tested for every type, and no expected text is left over", () => {
        assert.deepEqual(
            [...new Set(Object.values(samples).map(({ type }) => type))].sort(),
            Object.values(WorkloadType).sort(),
        );
        assert.deepEqual(
            readdirSync(directory).sort(),
            Object.keys(samples)
                .map((name) => `${name}.golden`)
                .sort(),
        );
    });

    it("fits on a screen", () => {
        for (const [name, entry] of Object.entries(samples)) {
            const lines = ciSnippet(contextOf(name, entry)).split("\n");
            assert.ok(lines.length <= 65, `${name}: ${lines.length} lines`);
        }
    });

    it("installs the keyring outside pip's environment with keyring: subprocess", () => {
        const script = ciSnippet(contextOf("vm", samples["vm-reader"], "subprocess"));
        assert.match(script, /^pip install keyring .*\npython -m venv --clear \/tmp\/project-venv\n/m);
        assert.match(script, /^cat > \/tmp\/project-venv\/pip\.conf/m);
        assert.match(script, /^keyring-provider = subprocess$/m);
        assert.match(script, /^\/tmp\/project-venv\/bin\/pip install -r/m);
    });

    it("names the workload if it has no provider", () => {
        const { provider: _, ...context } = contextOf("core", samples["gitlab-reader"]);
        assert.throws(() => ciSnippet(context), new RangeError("the workload core has no provider"));
    });

    it("has triggers that every system reads literally, whatever the ref contains", () => {
        const withRef = (entry: object, ref: string) => ciSnippet(contextOf("core", { ...entry, ref }));
        const ref = `refs/heads/a'"\`$(id)+!b/1.x`;
        assert.match(withRef(samples["github-reader"], ref), /^ {4}branches: \["a\*id\*b\/1\.x"\]$/m);
        assert.match(
            withRef(samples["gitlab-writer"], ref),
            /^ {4}- if: '\$CI_COMMIT_BRANCH =~ \/\^a\.\+id\.\+b\\\/1\\\.x\$\/'$/m,
        );
        assert.match(
            withRef(samples["circleci-reader"], ref),
            /^ {12}branches: \{only: "\/\^a\.\+id\.\+b\\\\\/1\\\\\.x\$\/"\}$/m,
        );
        assert.match(withRef(samples["azure-reader"], ref), /^ {4}include: \["a\*id\*b\/1\.x"\]$/m);
        assert.match(
            withRef(samples["buildkite-writer"], ref),
            /^ {4}if: "build\.branch =~ \/\^a\.\+id\.\+b\\\\\/1\\\\\.x\$\$\/"$/m,
        );
    });
});

/** Entries of `workloads` with unusual but valid values. */
const entries = fc
    .tuple(
        fc.constantFrom(...Object.values(samples)),
        fc.constantFrom("reader", "writer", "admin"),
        fc.record(
            {
                ref: fc
                    .tuple(
                        fc.constantFrom("refs/heads/", "refs/tags/"),
                        fc.oneof(
                            fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 }),
                            fc.stringMatching(
                                /^[a-z]{1,3}(\$\{\{|\$\(|<<|\$\$|'|"|`|;|#|&|%|!|\{|\}|\/|\.){1,9}[a-z]{1,3}$/,
                            ),
                        ),
                    )
                    .map((parts) => parts.join("")),
                environment: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9 ._/-]{0,20}$/),
                audiences: fc.array(fc.string({ unit: "grapheme", minLength: 1, maxLength: 50 }), {
                    maxLength: 2,
                }),
                namespace: fc.constantFrom("on", "null", "1", "a-b"),
                serviceAccount: fc.constantFrom("y", "1e3", "a.b"),
                via: fc.constant("python-publisher"),
            },
            { requiredKeys: [] },
        ),
        fc.constantFrom("on", "y", "null", "n0", "a-b", "x".repeat(63)),
        fc.constantFrom<KeyringProvider>("auto", "import", "subprocess"),
    )
    .map(([entry, access, more, name, keyring]) => {
        // Only the keys that the type has.
        const { mistakes } = parseWorkloads({ [name]: { ...entry, access, ...more } });
        const wrong = new Set(mistakes.map(([path]) => path[1]));
        const valid = Object.fromEntries(Object.entries(more).filter(([key]) => !wrong.has(key)));
        return { name, keyring, entry: { ...entry, access, ...valid } };
    });

/** Whether sh can read a script. */
function isSh(script: string): boolean {
    return spawnSync("sh", ["-n"], { input: script }).status === 0;
}

describe("the snippet of every valid workload", () => {
    it("is YAML or sh, and its commands do not depend on refs, environments and names", () => {
        fc.assert(
            fc.property(entries, ({ name, keyring, entry }) => {
                const context = contextOf(name, entry, keyring);
                const { workload } = context;
                const snippet = ciSnippet(context);
                assert.ok(snippet.startsWith("#") && snippet.endsWith("\n"));
                assert.doesNotMatch(snippet, /\$\{\{/);
                assert.doesNotMatch(snippet, /[^\S \n]|\p{Cc}(?<!\n)/u);
                if (!isScript(workload)) documentsOf(snippet);
                const script = scriptOf(workload, snippet);
                assert.ok(isSh(script), script);
                const plain = Object.fromEntries(
                    Object.entries(entry).filter(
                        ([key]) => !["ref", "environment", "audiences"].includes(key),
                    ),
                );
                const plainContext = contextOf("plain", plain, keyring);
                const commands = (text: string) => text.split("\n").filter((line) => !line.startsWith("#"));
                assert.deepEqual(
                    commands(script),
                    commands(scriptOf(plainContext.workload, ciSnippet(plainContext))),
                );
            }),
            { numRuns: 200 },
        );
    });
});

/** Commands that only write their command line to the file `log`. */
const stubs = {
    python: `echo "\${0##*/} $*" >> "$LOG"
case "$*" in
*venv*)
    for directory; do :; done
    mkdir -p "$directory/bin"
    cp "\${0%/*}/pip" "$directory/bin/"
    : > "$directory/bin/activate" ;;
-) echo "token of the account" ;;
esac`,
    pip: `echo "pip $*" >> "$LOG"`,
    twine: `echo "twine $*" >> "$LOG"`,
    curl: `echo '{"oidcToken": "token of the system"}'`,
    "buildkite-agent": `printf 'token of the system'`,
};

/** The commands that a script runs in a checkout, and the files and variables that it leaves. */
function run(script: string) {
    const home = mkdtempSync(join(tmpdir(), "python-registry-snippet-"));
    try {
        for (const directory of ["bin", "checkout", "tmp"]) mkdirSync(join(home, directory));
        for (const [name, text] of Object.entries({ ...stubs, python3: stubs.python })) {
            writeFileSync(join(home, "bin", name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
        }
        const tokens = ["GOOGLE_ID_TOKEN", "CIRCLE_OIDC_TOKEN", "TFC_WORKLOAD_IDENTITY_TOKEN", "OIDC_TOKEN"];
        const inHome = script.replaceAll("/tmp/", `${home}/tmp/`);
        const { status, stderr, stdout } = spawnSync("sh", ["-s"], {
            input: `${inHome}\nprintf %s "\${GOOGLE_APPLICATION_CREDENTIALS:-}"\n`,
            encoding: "utf8",
            cwd: join(home, "checkout"),
            env: {
                PATH: `${join(home, "bin")}:${process.env["PATH"] ?? ""}`,
                LOG: join(home, "log"),
                SYSTEM_ACCESSTOKEN: "a",
                SYSTEM_OIDCREQUESTURI: "https://dev.azure.com/a",
                ...Object.fromEntries(tokens.map((name) => [name, "token of the system"])),
            },
        });
        assert.equal(status, 0, stderr);
        const files = readdirSync(home, { recursive: true, encoding: "utf8" })
            .filter((path) => statSync(join(home, path)).isFile())
            .map((path) => [basename(path), readFileSync(join(home, path), "utf8")] as const);
        const login = stdout === "" ? undefined : loginOf(stdout);
        assert.deepEqual(
            readdirSync(join(home, "checkout")),
            [],
            "files in a checkout can get into a package",
        );
        return {
            files: new Map(files),
            login,
            commands: readFileSync(join(home, "log"), "utf8").replaceAll(`${home}/tmp`, ".."),
        };
    } finally {
        rmSync(home, { recursive: true });
    }
}

/** What Google's libraries read. */
function loginOf(path: string) {
    const { credential_source: source, ...configuration } = JSON.parse(readFileSync(path, "utf8")) as {
        credential_source: { file: string; format?: { subject_token_field_name: string } };
    };
    assert.ok(isAbsolute(source.file));
    assert.equal(statSync(source.file).mode & 0o777, 0o600);
    const text = readFileSync(source.file, "utf8");
    const field = source.format?.subject_token_field_name;
    const token = field === undefined ? text : (JSON.parse(text) as Record<string, string>)[field];
    return { ...configuration, token };
}

describe("the commands of a snippet", () => {
    for (const [name, entry] of Object.entries(samples)) {
        it(`sign in, install and upload, for ${name}`, () => {
            for (const keyring of ["auto", "subprocess"] as const) {
                const context = contextOf(name, entry, keyring);
                const { workload, pipConf, pypirc, serviceAccount } = context;
                const { files, login, commands } = run(scriptOf(workload, ciSnippet(context)));
                const writes = workload.access !== "reader";
                // On Google's own machines, the keyring cannot impersonate an account.
                const withToken =
                    serviceAccount !== undefined && context.provider === undefined && workload.type !== "gke";
                const separate = keyring === "subprocess" && !withToken;
                assert.deepEqual(commands.trimEnd().split("\n"), [
                    "python3 -m venv --clear ../registry-venv",
                    `pip install ${withToken ? "google-auth requests" : "keyring keyrings.google-artifactregistry-auth"}${writes ? " build twine" : ""}`,
                    ...(writes ? ["python -m build"] : []),
                    ...(withToken ? ["python -"] : []),
                    ...(separate ? ["python -m venv --clear ../project-venv"] : []),
                    "pip install -r requirements.txt",
                    ...(writes
                        ? ["twine upload --config-file ../registry-venv/.pypirc -r python dist/*"]
                        : []),
                ]);
                assert.equal(files.get("pip.conf"), withToken ? undefined : pipConf);
                assert.equal(files.get(".pypirc"), writes ? pypirc : undefined);
                assert.deepEqual(
                    login,
                    context.provider === undefined || workload.type === "githubActions"
                        ? undefined
                        : {
                              type: "external_account",
                              audience: `//iam.googleapis.com/${provider}`,
                              subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
                              token_url: "https://sts.googleapis.com/v1/token",
                              ...(serviceAccount === undefined
                                  ? {}
                                  : {
                                        service_account_impersonation_url: `https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/${serviceAccount}:generateAccessToken`,
                                    }),
                              token: "token of the system",
                          },
                );
            }
        });
    }
});

describe("a credential configuration", () => {
    it("is what Google's libraries document, direct", () => {
        assert.deepEqual(JSON.parse(credentialConfiguration({ provider, tokenFile: "/run/token" })), {
            type: "external_account",
            audience: `//iam.googleapis.com/${provider}`,
            subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
            token_url: "https://sts.googleapis.com/v1/token",
            credential_source: { file: "/run/token" },
        });
    });

    it("names the account to impersonate, and the field of a JSON file", () => {
        const configuration = {
            provider,
            tokenFile: "/run/token",
            tokenField: "value",
            serviceAccount: account,
        };
        assert.deepEqual(JSON.parse(credentialConfiguration(configuration)), {
            type: "external_account",
            audience: `//iam.googleapis.com/${provider}`,
            subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
            token_url: "https://sts.googleapis.com/v1/token",
            service_account_impersonation_url: `https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/${account}:generateAccessToken`,
            credential_source: {
                file: "/run/token",
                format: { type: "json", subject_token_field_name: "value" },
            },
        });
    });
});
