import { strict as assert } from "node:assert";
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { check } from "prettier";
import type { PythonIndex } from "../../src/clients/client";
import { readmeOf } from "../../src/clients/readme";
import { clientsOf } from "../../src/clients/tools";
import { needsPython, readIni } from "./python";

const index: PythonIndex = {
    name: "python",
    indexUrl: "https://europe-west1-python.pkg.dev/acme-tools/python/simple/",
    uploadUrl: "https://europe-west1-python.pkg.dev/acme-tools/python/",
    keyring: "auto",
    internalPackages: ["acme-core", "acme-lib-*"],
};
const page = pageOf({});

/** Pages that differ in what they say. */
const pages = [
    page,
    pageOf({ keyring: "import", internalPackages: [] }),
    pageOf({ keyring: "subprocess", internalPackages: ["acme-*"] }),
    pageOf({ name: "pypi" }),
];

describe("the page for developers", () => {
    it("says this, to the letter", () => {
        assert.equal(page, readFileSync(join(__dirname, "readme.golden.md"), "utf8"));
    });

    it("is Markdown as Prettier writes it", async () => {
        for (const text of pages) {
            assert.ok(await check(text, { parser: "markdown", printWidth: 110 }), text);
        }
    });

    it("has TOML that Python reads", function () {
        if (spawnSync("python3", ["-c", "import tomllib"]).status !== 0) {
            console.log("    skipped: python3 with tomllib (3.11) is missing");
            this.skip();
        }
        const texts = pages.flatMap((text) => blocks(text, "toml"));
        assert.ok(texts.length > 40);
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

    it("has INI that Python reads", function () {
        needsPython.call(this);
        const texts = pages.flatMap((text) => blocks(text, "ini"));
        assert.equal(texts.length, 4 * pages.length);
        for (const sections of readIni(texts)) {
            assert.ok(!("error" in sections), JSON.stringify(sections));
        }
    });

    it("has commands that a shell can read, also one that takes no comments", () => {
        for (const lines of pages.flatMap((text) => [...blocks(text, "sh"), ...blocks(text, "powershell")])) {
            assert.doesNotMatch(lines, /^\s*#/m);
        }
        // One file would hide an unfinished line behind the next one's beginning: each by itself.
        for (const lines of new Set(pages.flatMap((text) => blocks(text, "sh")))) {
            const { status, stderr } = spawnSync("sh", ["-n"], { input: lines, encoding: "utf8" });
            assert.equal(status, 0, lines + stderr);
        }
    });

    it("leaves nothing of a file out: each part of each form is there", () => {
        for (const [tool, { install, publish }] of Object.entries(clients({}))) {
            if (["netrc", "environment", "dockerfile"].includes(tool)) continue;
            for (const { scope, text } of [...install, ...publish]) {
                assert.ok(!["user", "project"].includes(scope) || page.includes(text), text);
            }
        }
    });

    it("shows the parts of one file together", () => {
        for (const text of section("## PDM", page)) {
            const [config] = blocks(text, "toml");
            assert.match(config ?? "", /^\[pypi\.python\]$[^]*^\[repository\.python\]$/m);
        }
    });

    it("shows a token's own file where its text is another, and only there", () => {
        const withToken = (heading: string) => section(`### ${heading} with a token`, page).join("");
        for (const heading of ["PDM", "Pipenv"]) {
            const texts = blocks(withToken(heading), "toml");
            assert.ok(texts.length > 0);
            for (const text of texts) {
                assert.match(
                    text,
                    /^url = "https:\/\/oauth2accesstoken:\$\{ARTIFACT_REGISTRY_TOKEN\}@/m,
                    heading,
                );
            }
        }
        assert.match(blocks(withToken("twine"), "ini").join(), /^username: oauth2accesstoken$/m);
        assert.match(withToken("Poetry"), /^With the files above\.$/m);
        assert.deepEqual(blocks(withToken("Poetry"), "toml"), []);
        assert.equal(blocks(withToken("Hatch"), "toml").length, 1);
        assert.doesNotMatch(withToken("uv"), /keyring-provider/);
    });

    it("warns of a table pasted twice, of pins that uv refuses, and of a Pipfile's first source", () => {
        assert.match(page, /A second one of the same name makes the file invalid/);
        assert.match(page, /uv and Hatch bring the same `\[tool\.uv\]` and `\[\[tool\.uv\.index\]\]`/);
        assert.match(section("## uv", page).join(""), /Leave the project's own name out of them/);
        assert.match(section("## Pipenv", page).join(""), /run `pipenv install` first/);
    });

    it("speaks of pins only where there are any", () => {
        for (const internalPackages of [[], ["acme-*"]]) {
            const text = pageOf({ internalPackages });
            assert.doesNotMatch(section("## uv", text).join(""), /pins|constraint-dependencies/);
            assert.match(text, /^\| uv +\| names that the registry has +\|/m);
        }
    });

    it("says what internal names would do, where none are set", () => {
        const text = pageOf({ internalPackages: [] });
        assert.match(text, /`internalPackages` is empty: PDM, and uv's pins, need/);
        assert.match(text, /^\| PDM +\| nothing yet +\|/m);
        assert.doesNotMatch(text, /include_packages/);
        assert.doesNotMatch(page, /is empty|nothing yet/);
    });

    it("says of pip's keyring what goes for the provider set", () => {
        assert.match(page, /unless with `--keyring-provider import`/);
        assert.match(section("## pip", page).join(""), /Once in each virtual environment/);
        const subprocess = pageOf({ keyring: "subprocess" });
        assert.doesNotMatch(subprocess, /--no-input/);
        assert.doesNotMatch(section("## pip", subprocess).join(""), /virtual environment/);
    });

    it("gives PowerShell lines of its own wherever it needs others", () => {
        for (const sh of blocks(page, "sh").filter((lines) => lines.includes("export "))) {
            const last = sh.trimEnd().split("\n").at(-1) ?? "";
            assert.ok(blocks(page, "powershell").some((lines) => lines.includes(last)));
        }
        assert.equal(
            blocks(page, "powershell").length,
            blocks(page, "sh").filter((lines) => lines.includes("export ")).length,
        );
    });
});

function clients(changes: Partial<PythonIndex>) {
    return clientsOf({ ...index, ...changes }, [{ form: "keyring" }, { form: "token" }]);
}

function pageOf(changes: Partial<PythonIndex>): string {
    return readmeOf({ ...index, ...changes }, clients(changes));
}

/** What stands in the fences of a language. */
function blocks(text: string, language: string): string[] {
    return [...text.matchAll(/^```(\w+)\n([^]*?)^```$/gm)].flatMap(([, of, lines]) =>
        of === language ? [lines ?? ""] : [],
    );
}

/** The parts of the page whose headings begin so, each up to the next heading. */
function section(heading: string, text: string): string[] {
    const parts = text.split(/^(?=##+ )/m).filter((part) => part.startsWith(heading));
    assert.ok(parts.length > 0, heading);
    return parts;
}
