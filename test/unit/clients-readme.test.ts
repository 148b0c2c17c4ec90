import { strict as assert } from "node:assert";
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { check } from "prettier";
import type { PythonIndex } from "../../packages/registry/src/clients/client";
import { renderReadme } from "../../packages/registry/src/clients/readme";
import { renderClients } from "../../packages/registry/src/clients/tools";
import { indexNamed } from "./client-samples";
import { needsPython, needsToml, readIni } from "./python";
import { forPeople, readPage, getSteps, withoutBlankLines } from "./read-page";

const index = indexNamed("python");
const page = getPage({});

/** Configurations whose pages differ in what they say. */
const variants: readonly (readonly [what: string, changes: Partial<PythonIndex>])[] = [
    ["names and prefixes", {}],
    ["no internal names", { internalPackages: [] }],
    ["the keyring provider import", { keyring: "import", internalPackages: [] }],
    ["the keyring provider subprocess and a prefix", { keyring: "subprocess", internalPackages: ["acme-*"] }],
    ["a repository called pypi", { name: "pypi" }],
    ["this registry only", { publicPackages: "none" }],
    ["a cooldown", { cooldown: { days: 7 } }],
    ["a cooldown and exact names", { cooldown: { days: 1 }, internalPackages: ["acme-core", "acme-app"] }],
    [
        "this registry only, and the keyring provider subprocess",
        { publicPackages: "none", keyring: "subprocess", internalPackages: [] },
    ],
];
const pages = variants.map(([, changes]) => getPage(changes));

describe("the page for developers", () => {
    it("has exactly this text", () => {
        assert.equal(page, readFileSync(join(__dirname, "readme.golden.md"), "utf8"));
    });

    it("is short: at most 297 lines and 12,500 bytes, for the default configuration too", () => {
        for (const text of [page, getPage({ internalPackages: [] }), getPage({ publicPackages: "none" })]) {
            assert.ok(text.split("\n").length - 1 <= 297, `${text.split("\n").length - 1} lines`);
            assert.ok(Buffer.byteLength(text) <= 12_500, `${Buffer.byteLength(text)} bytes`);
        }
    });

    it("says for each tool what it does with a cooldown, and which one does not wait", () => {
        assert.doesNotMatch(page, /cooldown|can be new|younger/);
        for (const [internalPackages, unprotected] of [
            [["acme-core"], ["pip", "Hatch"]],
            [["acme-*"], ["pip", "PDM", "Hatch"]],
        ] as const) {
            const [text = ""] = section(
                "## Which versions can be new",
                getPage({ cooldown: { days: 7 }, internalPackages }),
            );
            assert.match(text, /younger than 7 days/);
            const items = [...text.matchAll(/^- \*\*(\w+)\*\* (.*)$/gm)];
            assert.deepEqual(
                items.map(([, tool]) => tool),
                ["pip", "uv", "Poetry", "PDM", "Hatch", "Pipenv"],
            );
            const notProtected = items
                .filter(([, , does]) => does?.includes("**not protected**"))
                .map(([, tool]) => tool);
            assert.deepEqual(notProtected, unprotected);
        }
    });

    it("is Markdown as Prettier writes it", async () => {
        for (const text of pages) {
            assert.ok(await check(text, { parser: "markdown", printWidth: 110 }), text);
        }
    });

    it("has TOML that Python reads, with a keyring and with a token", function () {
        needsToml.call(this);
        const kind = /\.toml$|Pipfile$/;
        const texts = pages.flatMap((text) => filesOn(text, kind));
        assert.equal(
            texts.length,
            2 * variants.flatMap(([, changes]) => generatedFiles(kind, changes)).length,
        );
        const output = execFileSync("python3", [join(__dirname, "read-toml.py")], {
            input: JSON.stringify(texts),
            encoding: "utf8",
        });
        const read = JSON.parse(output) as unknown[];
        assert.deepEqual(
            texts.filter((_, at) => read[at] === null),
            [],
        );
    });

    it("has INI that Python reads, with a keyring and with a token", function () {
        needsPython.call(this);
        const kind = /pip\.conf$|\.pypirc$/;
        const texts = pages.flatMap((text) => filesOn(text, kind));
        assert.equal(texts.length, 2 * generatedFiles(kind, {}).length * pages.length);
        for (const sections of readIni(texts)) {
            assert.ok(!("error" in sections), JSON.stringify(sections));
        }
    });

    it("has commands that a shell can parse, also one without comments", () => {
        const commands = pages.flatMap((text) => [
            ...[...text.matchAll(/^```sh\n([^]*?)^```$/gm)].map(([, lines]) => lines ?? ""),
            ...[...text.matchAll(/^(?!- In ).*: `([^`]+)`$/gm)].map(([, line]) => line ?? ""),
        ]);
        assert.ok(commands.length > 30 * pages.length);
        // Each command separately: in one file, the next command would complete an unfinished line.
        for (const lines of new Set(commands)) {
            assert.doesNotMatch(lines, /^\s*#/m);
            const { status, stderr } = spawnSync("sh", ["-n"], { input: lines, encoding: "utf8" });
            assert.equal(status, 0, lines + stderr);
        }
    });

    for (const [what, changes] of variants) {
        describe(`with ${what}`, () => {
            const text = getPage(changes);
            const generated = getSteps(clients(changes));

            it("gives every file and command for a keyring, unmodified", () => {
                assert.deepEqual(readPage(text).keyring, generated.keyring);
                for (const { files } of Object.values(generated.keyring)) {
                    for (const file of Object.values(files)) {
                        assert.ok(text.includes(`\n${file}\`\`\`\n`), file);
                    }
                }
            });

            it("gives, with its changes for a token, what is generated for a token", () => {
                assert.deepEqual(withoutBlankLines(readPage(text).token), withoutBlankLines(generated.token));
            });

            it("has the paths on macOS and Windows too", () => {
                for (const { install, publish } of Object.values(clients(changes))) {
                    for (const { scope, path } of [...install, ...publish]) {
                        if (scope !== "user" || !text.includes(path.linux)) continue;
                        assert.ok(text.includes(path.macos) && text.includes(path.windows), path.linux);
                    }
                }
            });

            it("explains correctly how to change a command for PowerShell", () => {
                assert.match(text, /`export NAME=VALUE` is `\$env:NAME = VALUE` in PowerShell/);
                for (const [, { commands }] of forPeople(clients(changes))) {
                    for (const { posix, powershell } of Object.values(commands).flatMap(Object.values)) {
                        assert.deepEqual(powershell, (posix as string[]).map(inPowerShell));
                    }
                }
            });
        });
    }

    it("mentions pins only if there are any", () => {
        for (const internalPackages of [[], ["acme-*"]]) {
            const text = getPage({ internalPackages });
            assert.doesNotMatch(section("## uv", text).join(""), /pins|constraint-dependencies/);
            assert.match(
                text,
                /^- \*\*uv\*\* takes names that the registry has only from the registry, unless another index comes before it\. /m,
            );
        }
    });

    it("explains internal names if none are set", () => {
        const text = getPage({ internalPackages: [] });
        assert.match(text, /`internalPackages` is empty: PDM and uv's pins need/);
        assert.match(text, /^- \*\*PDM\*\* protects no name yet/m);
        assert.doesNotMatch(text, /include_packages/);
        assert.doesNotMatch(page, /is empty|no name yet/);
    });

    it("says that nothing comes from PyPI but the keyring and what builds and publishes, if this registry is the only index", () => {
        const text = getPage({ publicPackages: "none" });
        assert.match(
            text,
            /^## Which names can come from PyPI\n\nNone: with these files, tools ask only this registry\. /m,
        );
        assert.match(text, /Only the keyring, twine and build come from PyPI/);
        const others = text
            .split("\n")
            .filter((line) => line.includes("pypi.org") || /extra-index-url|supplemental|EXTRA/.test(line));
        for (const line of others) {
            assert.match(
                line,
                /--index-url https:\/\/pypi\.org\/simple\/"? (?:keyring|hatch|twine|build)|remove `extra-index-url`|has an `extra-index-url`\.$|leave out `--index-url/,
            );
        }
        assert.doesNotMatch(text, /`internalPackages`|include_packages|acme-core/);
        assert.doesNotMatch(page, /index-url https:\/\/pypi|^None/m);
    });

    it("describes pip's keyring for the configured provider", () => {
        const subprocess = getPage({ keyring: "subprocess" });
        assert.doesNotMatch(subprocess, /--no-input/);
        assert.doesNotMatch(section("## pip", subprocess).join(""), /virtual environment/);
    });
});

function clients(changes: Partial<PythonIndex>) {
    return renderClients({ ...index, ...changes }, [{ form: "keyring" }, { form: "token" }]);
}

function getPage(changes: Partial<PythonIndex>): string {
    return renderReadme({ ...index, ...changes }, clients(changes));
}

/** The texts of files of this kind, as the page gives them for a keyring and for a token. */
function filesOn(text: string, kind: RegExp): string[] {
    return Object.values(readPage(text)).flatMap((tools) =>
        Object.values(tools).flatMap(({ files }) =>
            Object.entries(files).flatMap(([path, file]) => (kind.test(path) ? [file] : [])),
        ),
    );
}

/** The files of this kind that are generated for people, in one form. */
function generatedFiles(kind: RegExp, changes: Partial<PythonIndex>): string[] {
    const paths = Object.values(getSteps(clients(changes)).keyring).flatMap(({ files }) =>
        Object.keys(files),
    );
    const found = paths.filter((path) => kind.test(path));
    assert.ok(found.length > 0);
    return found;
}

function inPowerShell(line: string): string {
    return line.replace(/^export (\w+)=/, "$env:$1 = ");
}

/** The parts of the page whose headings begin so, each up to the next heading. */
function section(heading: string, text: string): string[] {
    const parts = text.split(/^(?=##+ )/m).filter((part) => part.startsWith(heading));
    assert.ok(parts.length > 0, heading);
    return parts;
}
