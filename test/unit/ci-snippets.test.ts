import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
    chmodSync,
    chownSync,
    existsSync,
    mkdirSync,
    mkdtempSync,
    readdirSync,
    readFileSync,
    rmSync,
    statSync,
    writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, isAbsolute, join } from "node:path";
import fc from "fast-check";
import { renderSnippet } from "../../packages/registry/src/systems/systems";
import { writeFile } from "../../packages/registry/src/ci/text";
import type { KeyringProvider } from "../../packages/registry/src/clients/client";
import { pipConfWithKeyring } from "../../packages/registry/src/clients/pip";
import { pypircWithKeyring } from "../../packages/registry/src/clients/twine";
import { repositoryUrls } from "../../packages/registry/src/names/urls";
import { WorkloadType } from "../../packages/registry/src/systems/workload-config";
import { parseWorkloads } from "../../packages/registry/src/workloads/parse";
import { itInRelease } from "../release";
import { getContext, getDocuments, isScript, provider, samples, getScript } from "./ci-samples";
import { findPython } from "./python";

// The snippets byte for byte (WRITE_DOCS=1 writes the expected texts), and what is true for the snippet of every valid workload. test/clients/ci-snippets.test.ts checks
// them with the systems' own checkers, and runs their commands.

const directory = join(__dirname, "ci-snippets");

describe("the snippet of a workload", () => {
    for (const [name, entry] of Object.entries(samples)) {
        it(`is as expected for ${name}`, () => {
            const path = join(directory, `${name}.golden`);
            const snippet = renderSnippet(getContext(name, entry));
            if (process.env["WRITE_DOCS"] !== undefined) writeFileSync(path, snippet);
            assert.equal(snippet, readFileSync(path, "utf8"));
        });
    }

    it("has the registry as the only index with publicPackages: none, and gets only its tools from PyPI", () => {
        for (const [name, entry] of Object.entries(samples)) {
            const snippet = renderSnippet(getContext(name, entry, "auto", "none"));
            const script = getScript(getContext(name, entry).workload, snippet);
            assert.match(
                script,
                /^pip install --index-url https:\/\/pypi\.org\/simple\/ (?:keyring|google-auth) /m,
            );
            assert.match(script, /^echo "--index-url /m);
            assert.match(script, /^# export .*\bUV_DEFAULT_INDEX=python=https/m);
            assert.doesNotMatch(snippet, /extra-index-url|PIP_EXTRA_INDEX_URL|\bUV_INDEX=/);
            assert.match(snippet, /^ *(?:PIP_INDEX_URL|export PIP_INDEX_URL=|'index-url = )/m);
        }
    });

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
            const lines = renderSnippet(getContext(name, entry)).split("\n");
            assert.ok(lines.length <= 65, `${name}: ${lines.length} lines`);
        }
    });

    it("installs the keyring outside pip's environment with keyring: subprocess", () => {
        const script = renderSnippet(getContext("vm", samples["vm-reader"], "subprocess"));
        assert.match(script, /^pip install keyring .*\npython -m venv "\$dir\/project-venv"\n/m);
        assert.match(
            script,
            /^ {2}'keyring-provider = subprocess' \\\n {2}> "\$dir\/project-venv\/pip\.conf"$/m,
        );
        assert.match(script, /^ {2}"\$dir\/project-venv\/bin\/pip" install -r/m);
    });

    it("names the workload if it has no provider", () => {
        const { provider: _, ...context } = getContext("core", samples["gitlab-reader"]);
        assert.throws(() => renderSnippet(context), new RangeError("the workload core has no provider"));
    });

    it("has triggers that every system reads literally, whatever the ref contains", () => {
        const withRef = (entry: object, ref: string) => renderSnippet(getContext("core", { ...entry, ref }));
        const ref = `refs/heads/a'"\`$(id)+!b/1.x`;
        assert.match(withRef(samples["github-reader"], ref), /^ {4}branches: \["a\*id\*b\/1\.x"\]$/m);
        assert.match(
            withRef(samples["gitlab-writer"], ref),
            /^ {4}- if: '\$CI_COMMIT_BRANCH =~ \/\^a\.\+id\.\+b\\\/1\\\.x\$\/ && \$CI_COMMIT_REF_PROTECTED == "true"'$/m,
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
                const context = getContext(name, entry, keyring);
                const { workload } = context;
                const snippet = renderSnippet(context);
                assert.ok(snippet.startsWith("#") && snippet.endsWith("\n"));
                assert.doesNotMatch(snippet, /\$\{\{/);
                assert.doesNotMatch(snippet, /[^\S \n]|\p{Cc}(?<!\n)/u);
                if (!isScript(snippet)) getDocuments(snippet);
                if (workload.type === "circleCi") assertNotExpanded(snippet);
                const script = getScript(workload, snippet);
                assert.ok(isSh(script), script);
                const plain = Object.fromEntries(
                    Object.entries(entry).filter(
                        ([key]) => !["ref", "environment", "audiences"].includes(key),
                    ),
                );
                const plainContext = getContext("plain", plain, keyring);
                const commands = (text: string) => text.split("\n").filter((line) => !line.startsWith("#"));
                assert.deepEqual(
                    commands(script),
                    commands(getScript(plainContext.workload, renderSnippet(plainContext))),
                );
            }),
            { numRuns: 60 },
        );
    });
});

/**
 * A value as CircleCI reads it: `<<` starts a tag, and `\\<<` is text. A backslash before `\\<<` is text, and the `<<` a tag.
 *
 * @throws SyntaxError at a tag, because a snippet needs none
 * @see https://circleci.com/docs/guides/orchestrate/config-templating/
 * @see https://github.com/CircleCI-Public/circleci-yaml-language-server
 */
function expandTags(value: string): string {
    return value.replace(/\\\\<<|\\<<|<</g, (found) => {
        if (found === "\\<<") return "<<";
        throw new SyntaxError(`a tag in ${value}`);
    });
}

/** Asserts that CircleCI changes no value of a configuration. */
function assertNotExpanded(snippet: string): void {
    JSON.stringify(getDocuments(snippet), (key, value: unknown) => {
        for (const text of [key, value]) if (typeof text === "string") assert.equal(expandTags(text), text);
        return value;
    });
}

describe("a snippet of a project with a domain", () => {
    const urls = repositoryUrls({ project: "example.com:tools", location: "us", repository: "python" });
    const email = "publisher@tools.example.com.iam.gserviceaccount.com";

    for (const [name, entry] of Object.entries(samples)) {
        it(`has the id in URLs, and the host in addresses, for ${name}`, () => {
            const sample = getContext(name, entry);
            const snippet = renderSnippet({
                ...sample,
                project: "example.com:tools",
                ...(sample.serviceAccount === undefined ? {} : { serviceAccount: email }),
                index: { ...sample.index, ...urls },
                pipConf: pipConfWithKeyring({ ...sample.index, ...urls }),
                pypirc: pypircWithKeyring({ name: "python", uploadUrl: urls.uploadUrl }),
            });
            const domains = snippet.match(/[^\s"'=]*example\.com[^\s"',:]*(?::tools[^\s"',]*)?/g) ?? [];
            const expected =
                /^(?:https:\/\/(?:oauth2accesstoken:\$token@)?us-python\.pkg\.dev\/example\.com:tools\/python\/(?:simple\/)?|(?:https:\/\/iamcredentials\.googleapis\.com\/v1\/projects\/-\/serviceAccounts\/)?publisher@tools\.example\.com\.iam\.gserviceaccount\.com|sts\.example\.com|.*git\.example\.com.*)$/;
            assert.ok(domains.length > 0);
            for (const each of domains) assert.match(each, expected);
        });
    }

    for (const [account, settings, project] of [
        ["builds@tools.example.com.iam.gserviceaccount.com", {}, "example.com:tools"],
        ["builds@acme.iam.gserviceaccount.com", {}, "acme"],
        ["tools.example.com@appspot.gserviceaccount.com", {}, "example.com:tools"],
        ["acme-web@appspot.gserviceaccount.com", {}, "acme-web"],
        ["123-compute@developer.gserviceaccount.com", {}, "acme-tools"],
        ["123-compute@developer.gserviceaccount.com", { project: "example.com:web" }, "example.com:web"],
    ] as const) {
        it(`names the account of Cloud Build in its project: ${account} in ${project}`, () => {
            const entry = { type: "cloudBuild", access: "writer", serviceAccount: account, ...settings };
            const [document] = getDocuments(renderSnippet(getContext("core", entry)));
            assert.equal(
                (document as { serviceAccount: string }).serviceAccount,
                `projects/${project}/serviceAccounts/${account}`,
            );
        });
    }
});

describe("the configuration of CircleCI", () => {
    it("has no value that CircleCI changes, whatever the ref is", () => {
        for (const entry of Object.values(samples).filter(({ type }) => type === "circleCi")) {
            for (const name of [
                "a<<b",
                "a\\<<b",
                "a<<<b>>c",
                "<<parameters.x>>",
                "<<#x>>",
                "a\\\\<<b",
                "<<-'END'",
            ]) {
                const { workloads } = parseWorkloads({ core: { ...entry, ref: `refs/heads/${name}` } });
                // Git does not allow a backslash in a ref, and neither do the settings.
                if (workloads["core"] === undefined) continue;
                assertNotExpanded(renderSnippet(getContext("core", { ...entry, ref: `refs/heads/${name}` })));
            }
            for (const keyring of ["auto", "import", "subprocess"] as const) {
                assertNotExpanded(renderSnippet(getContext("core", entry, keyring)));
            }
        }
    });

    it("is refused with a value that would have to be escaped", () => {
        const context = getContext("core", samples["circleci-writer"]);
        for (const value of [
            "<<",
            "\\<<",
            "\\\\<<",
            "<<<",
            "<<EOF",
            "<< pipeline.id >>",
            "<<# a >>b<</ a >>",
        ]) {
            for (const key of ["pipConf", "pypirc"] as const) {
                assert.throws(
                    () => renderSnippet({ ...context, [key]: `${context[key]}${value}\n` }),
                    new RangeError("the configuration of core would contain <<, which CircleCI expands"),
                );
            }
        }
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
    eval "$BETWEEN"
    : > "$directory/bin/activate" ;;
-) echo "token of the account" ;;
esac`,
    pip: `echo "pip $*" >> "$LOG"`,
    twine: `echo "twine $*" >> "$LOG"`,
    curl: `echo '{"oidcToken": "token of the system"}'`,
    "buildkite-agent": `printf 'token of the system'`,
};

/** A machine that runs snippets. `tmp` is a folder in which every user can create files, as /tmp is. */
class Machine implements Disposable {
    readonly home = mkdtempSync(join(tmpdir(), "python-registry-snippet-"));
    readonly tmp = join(this.home, "tmp");

    constructor() {
        for (const folder of ["bin", "checkout", "tmp"]) mkdirSync(join(this.home, folder));
        chmodSync(this.home, 0o755);
        chmodSync(this.tmp, 0o1777);
        for (const [name, text] of Object.entries({ ...stubs, python3: stubs.python })) {
            writeFileSync(join(this.home, "bin", name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
        }
    }

    /**
     * Runs a script in a checkout: the commands that it runs, and the files and the login that it has at its end.
     *
     * @param between sh commands to run after each command of the script
     */
    run(script: string, between = ":") {
        const { home, tmp } = this;
        const kept = join(home, "kept");
        rmSync(kept, { recursive: true, force: true });
        for (const file of ["log", "environment"]) writeFileSync(join(home, file), "");
        const tokens = ["GOOGLE_ID_TOKEN", "CIRCLE_OIDC_TOKEN", "TFC_WORKLOAD_IDENTITY_TOKEN", "OIDC_TOKEN"];
        const { status, stderr, stdout } = spawnSync("sh", ["-s"], {
            input: `${script}\neval "$BETWEEN"\ncp -Rp "$dir" "$KEPT"; printf '%s\\n%s' "$dir" "\${GOOGLE_APPLICATION_CREDENTIALS:-}"\n`,
            encoding: "utf8",
            cwd: join(home, "checkout"),
            env: {
                PATH: `${join(home, "bin")}:${process.env["PATH"] ?? ""}`,
                TMPDIR: tmp,
                RUNNER_TEMP: tmp,
                GITHUB_ENV: join(home, "environment"),
                LOG: join(home, "log"),
                KEPT: kept,
                BETWEEN: between,
                SYSTEM_ACCESSTOKEN: "a",
                SYSTEM_OIDCREQUESTURI: "https://dev.azure.com/a",
                ...Object.fromEntries(tokens.map((name) => [name, "token of the system"])),
            },
        });
        assert.equal(status, 0, stderr);
        const [directory = "", credentials = ""] = stdout.split("\n").slice(-2);
        assert.equal(dirname(directory), tmp, "outside the folder for temporary files");
        assert.equal(statSync(kept).mode & 0o777, 0o700);
        assert.deepEqual(
            readdirSync(join(home, "checkout")),
            [],
            "files in a checkout can get into a package",
        );
        const files = readdirSync(kept, { recursive: true, encoding: "utf8" })
            .filter((path) => statSync(join(kept, path)).isFile())
            .map((path) => [path, readFileSync(join(kept, path), "utf8")] as const);
        return {
            name: basename(directory),
            files: new Map(files),
            login:
                credentials === ""
                    ? undefined
                    : findLogin(credentials, (path) => path.replace(directory, kept)),
            commands: readFileSync(join(home, "log"), "utf8").replaceAll(directory, "DIR"),
        };
    }

    [Symbol.dispose]() {
        rmSync(this.home, { recursive: true });
    }
}

/** What Google's libraries read. */
function findLogin(path: string, toKept: (path: string) => string) {
    const { credential_source: source, ...configuration } = JSON.parse(
        readFileSync(toKept(path), "utf8"),
    ) as {
        credential_source: { file: string; format?: { subject_token_field_name: string } };
    };
    assert.ok(isAbsolute(source.file));
    const file = toKept(source.file);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    const text = readFileSync(file, "utf8");
    const field = source.format?.subject_token_field_name;
    const token = field === undefined ? text : (JSON.parse(text) as Record<string, string>)[field];
    return { ...configuration, token };
}

describe("the commands of a snippet", () => {
    for (const [name, entry] of Object.entries(samples)) {
        it(`sign in, install and upload, for ${name}`, () => {
            for (const keyring of ["auto", "subprocess"] as const) {
                const context = getContext(name, entry, keyring);
                const { workload, pipConf, pypirc, serviceAccount } = context;
                using machine = new Machine();
                const { files, login, commands } = machine.run(getScript(workload, renderSnippet(context)));
                // A machine that is used again keeps nothing. GitHub's runner empties its folder itself.
                assert.equal(readdirSync(machine.tmp).length, workload.type === "githubActions" ? 1 : 0);
                const writes = workload.access !== "reader";
                // On Google's own machines, the keyring cannot impersonate an account.
                const withToken =
                    serviceAccount !== undefined && context.provider === undefined && workload.type !== "gke";
                const separate = keyring === "subprocess" && !withToken;
                assert.deepEqual(commands.trimEnd().split("\n"), [
                    "python3 -m venv DIR/registry-venv",
                    `pip install ${withToken ? "google-auth requests" : "keyring keyrings.google-artifactregistry-auth"}${writes ? " build twine" : ""}`,
                    ...(writes ? ["python -m build"] : []),
                    ...(withToken ? ["python -"] : []),
                    ...(separate ? ["python -m venv DIR/project-venv"] : []),
                    "pip install -r requirements.txt -r /dev/stdin",
                    ...(writes ? ["twine upload --config-file DIR/.pypirc -r python dist/*"] : []),
                ]);
                assert.equal(
                    files.get(`${separate ? "project" : "registry"}-venv/pip.conf`),
                    withToken ? undefined : pipConf,
                );
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

const nobody = 65534;
const isRoot = process.getuid?.() === 0;

/**
 * Another user of the machine, who knows which names the script used before. They make folders and links with these names. In
 * each folder that they can write to, every file then becomes one of theirs. They copy every file that they can read.
 */
class Attacker {
    /** What they got: `ran` if the script ran their code, `written` if it wrote into their file, `read` with what they read. */
    readonly loot: string;
    /** An sh command that acts as this user. */
    readonly act: string;

    constructor(machine: Machine, names: readonly string[]) {
        this.loot = join(machine.home, "loot");
        mkdirSync(this.loot);
        chownSync(this.loot, nobody, nobody);
        const evil = `echo 'id >> ${this.loot}/ran'`;
        const script = join(machine.home, "attack.sh");
        writeFileSync(
            script,
            `cd ${machine.tmp} && echo >> ${this.loot}/turns || exit
for name in ${names.map((name) => `./${name}`).join(" ")}; do
    mkdir -p "\${name%/*}" && [ -e "$name" ] || ln -s ${this.loot}/written "$name"
    chmod 777 "\${name%/*}"
done 2> /dev/null
find . -type f 2> /dev/null | while read -r file; do
    cat "$file" >> ${this.loot}/read && ${evil} > "$file"
done 2> /dev/null
find . -type d 2> /dev/null | while read -r folder; do
    rm -f "$folder/activate" && ${evil} > "$folder/activate"
done 2> /dev/null
true
`,
        );
        const become = `import os; os.setgroups([]); os.setgid(${nobody}); os.setuid(${nobody}); os.execv("/bin/sh", ["sh", "${script}"])`;
        this.act = `${findPython()} -c '${become}'`;
    }

    has(file: string): boolean {
        return existsSync(join(this.loot, file));
    }
}

describe("a file that a snippet writes", () => {
    it("has exactly the given text, and a word that the shell expands", () => {
        const text = fc.string({
            unit: fc.constantFrom(...Array.from("'\"`$\\<>\n %!~#&;(){}é"), "$(id)", "$dir", "END\n"),
            minLength: 1,
        });
        fc.assert(
            fc.property(fc.array(text, { minLength: 1, maxLength: 20 }), (texts) => {
                const folder = mkdtempSync(join(tmpdir(), "python-registry-snippet-"));
                try {
                    const commands = texts.flatMap((each, index) =>
                        writeFile(`"$dir/${index}"`, each, "$dir"),
                    );
                    const { status } = spawnSync("sh", ["-eu"], {
                        input: ["dir=$1", ...commands].join("\n").replace("$1", `'${folder}'`),
                    });
                    assert.equal(status, 0);
                    texts.forEach((each, index) => {
                        const expected = `${each.replace(/\n$/, "")}\n`.replaceAll("$dir", () => folder);
                        assert.equal(readFileSync(join(folder, String(index)), "utf8"), expected);
                    });
                } finally {
                    rmSync(folder, { recursive: true });
                }
            }),
            { numRuns: 8 },
        );
    });
});

describe("another user of the machine", () => {
    it("finds no path in a folder of all users, in a snippet, an example, a workflow or a page", () => {
        const root = join(__dirname, "..", "..");
        const folders = ["src", "packages", "examples", "docs"];
        const files = folders.flatMap((folder) =>
            readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
                .filter((file) => /\.(?:ts|md|ya?ml|sh)$/.test(file) && !file.includes("node_modules"))
                .map((file) => join(folder, file)),
        );
        assert.ok(files.length > 100);
        const texts = [...files, "README.md"].map(
            (file) => [file, readFileSync(join(root, file), "utf8")] as const,
        );
        const snippets = Object.entries(samples).map(
            ([name, entry]) => [name, renderSnippet(getContext(name, entry))] as const,
        );
        for (const [name, text] of [...texts, ...snippets]) {
            assert.doesNotMatch(
                text,
                /(?<![\w.$}])\/(?:tmp|var\/tmp|dev\/shm)\b|\b(?:curl|wget)\b.*\|\s*(?:ba)?sh\b/,
                name,
            );
        }
    });

    // The last sample of each type.
    const last = new Map(
        Object.entries(samples).map(([name, entry]) => [entry.type, [name, entry] as const]),
    );
    const kinds = new Set<string>();
    for (const [name, entry] of last.values()) {
        const { provider: federated, workload, serviceAccount } = getContext(name, entry);
        // A snippet with a login of its own in a file, at GitHub or elsewhere, with a token of an account, or with the keyring alone.
        const kind = [
            federated === undefined,
            serviceAccount === undefined,
            workload.type === "githubActions",
        ];
        const test = kinds.has(kind.join()) ? itInRelease : it;
        kinds.add(kind.join());
        test(`can neither put code or files into the script nor read its files, for ${name}`, function () {
            if (!isRoot) {
                console.log("    skipped: only root can act as another user");
                this.skip();
            }
            const context = getContext(name, entry);
            const script = getScript(context.workload, renderSnippet(context));
            using earlier = new Machine();
            const { name: used, files, commands } = earlier.run(script);
            using machine = new Machine();
            const names = [...files.keys()].map((file) => `${used}/${file}`);
            const attacker = new Attacker(machine, [...names, `${used}/registry-venv/bin/activate`]);
            spawnSync("sh", ["-c", attacker.act]);
            if (!attacker.has("turns")) {
                console.log("    skipped: another user cannot open the folder for temporary files");
                this.skip();
            }
            assert.ok(readdirSync(machine.tmp).includes(used), "the attacker cannot act");
            assert.equal(machine.run(script, attacker.act).commands, commands);
            assert.deepEqual(
                ["ran", "written"].filter((file) => attacker.has(file)),
                [],
            );
            const read = attacker.has("read") ? readFileSync(join(attacker.loot, "read"), "utf8") : "";
            assert.doesNotMatch(read, /token of|index|external_account/);
            assert.ok(readFileSync(join(attacker.loot, "turns"), "utf8").length > 2);
            return Promise.resolve();
        });
    }
});
