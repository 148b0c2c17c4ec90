import { strict as assert } from "node:assert";
import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";
import { diffArrays } from "diff";
import fc from "fast-check";
import type { Context } from "mocha";
import {
    type MergeResult,
    NameConflictError,
    UnsupportedFileError,
} from "../../packages/configure/src/formats/merge";
import { readToml } from "../../packages/configure/src/formats/toml";
import { mergeToml } from "../../packages/configure/src/formats/toml-merge";

const index = "https://europe-west1-python.pkg.dev/acme/python/simple/";

// What the command adds to the files of each tool.
const uv = `\
[[tool.uv.index]]
name = "python"
url = "${index}"
publish-url = "https://europe-west1-python.pkg.dev/acme/python/"
authenticate = "always"

[tool.uv]
keyring-provider = "subprocess"

[tool.uv.sources]
acme-core = { index = "python" }
`;
const uvToml = `\
keyring-provider = "subprocess"

[[index]]
name = "python"
url = "${index}"
`;
const poetry = `\
[[tool.poetry.source]]
name = "python"
url = "${index}"
priority = "explicit"

[tool.poetry.dependencies]
acme-core = { source = "python" }
`;
const pdm = `\
[[tool.pdm.source]]
name = "python"
url = "${index}"
include_packages = ["acme-*"]
`;
const pipfile = `\
[[source]]
name = "python"
url = "${index}"
verify_ssl = true

[packages]
acme-core = { index = "python", version = "*" }
`;
const repositories = `\
[repositories.python]
url = "${index}"

[http-basic.python]
username = "oauth2accesstoken"
password = "secret"
`;
const hatch = `\
[publish.index.repos.python]
url = "${index}"
user = "oauth2accesstoken"
auth = "secret"
`;

/** Merges, and once more, which must change nothing. */
function merged(existing: string, ours: string): MergeResult {
    const merge = mergeToml(existing, ours);
    assert.deepEqual(mergeToml(merge.text, ours).text, merge.text, "a second time");
    return merge;
}

function becomes(existing: string, ours: string, text: string, notices: readonly string[] = []): void {
    assert.deepEqual(merged(existing, ours), { text, notices });
}

const source = '[[source]]\nname = "python"\nurl = "https://h/p/"\n';

describe("merging TOML", () => {
    describe("an array of tables", () => {
        it("gets an entry after the last one and its sub-tables, before the comments of what follows", () => {
            becomes(
                '[[source]]\nname = "a"\n[source.sub]\nx = 1 # c\n# of a\n\n# packages\n[packages]\n',
                source,
                `[[source]]\nname = "a"\n[source.sub]\nx = 1 # c\n# of a\n\n${source}\n# packages\n[packages]\n`,
            );
            becomes(
                '[[source]]\nname = "a"\n# packages\n[packages]\n',
                source,
                `[[source]]\nname = "a"\n\n${source}\n# packages\n[packages]\n`,
            );
        });

        it("of uv gets it at the beginning", () => {
            for (const [array, ours] of [
                ["index", '[[index]]\nname = "python"\n'],
                ["tool.uv.index", '[[tool.uv.index]]\nname = "python"\n'],
            ] as const) {
                const theirs = `# theirs\n[[${array}]] # x\nname = "a"\n`;
                becomes(`x = """\n# y"""\n${theirs}`, ours, `x = """\n# y"""\n\n${ours}\n${theirs}`);
            }
            const two = '[[index]]\nname = "x"\n\n[[index]]\nname = "y"\n';
            becomes('[[index]]\nname = "a"\n', two, `${two}\n[[index]]\nname = "a"\n`);
            becomes(
                'index = [{ name = "a" }]\n',
                '[[index]]\nname = "x"\n',
                'index = [{ name = "x" }, { name = "a" }]\n',
            );
            becomes(
                'index = [ # all\n  # a\n  {name = "a"}, # c\n]\n',
                '[[index]]\nname = "x"\n',
                'index = [ # all\n  {name = "x"},\n  # a\n  {name = "a"}, # c\n]\n',
            );
        });

        it("in brackets gets an element in the same style", () => {
            const added = (existing: string, text: string): void => {
                becomes(existing, '[[source]]\nname = "x"\nkeys = ["y"]\n', text);
            };
            added("source = []\n", 'source = [{ name = "x", keys = ["y"] }]\n');
            added('source = [{name="a"},]\n', 'source = [{name="a"}, {name = "x", keys = ["y"]},]\n');
            added(
                'source = [\n\t{ name="a" },\n\t{ name="b" } # b\n\t# end\n]\n',
                'source = [\n\t{ name="a" },\n\t{ name="b" }, # b\n\t{ name = "x", keys = ["y"] }\n\t# end\n]\n',
            );
            added(
                'source = [\r\n  { name="b" }, # b\r\n]\r\n',
                'source = [\r\n  { name="b" }, # b\r\n  { name = "x", keys = ["y"] },\r\n]\r\n',
            );
            added(
                'source = [\n  { name="b" }]\n',
                'source = [\n  { name="b" }, { name = "x", keys = ["y"] }]\n',
            );
        });

        it("has our keys set in the entry with our name, and keeps its other keys", () => {
            becomes(
                '[[source]]\nname = "python" # us\nurl = "https://user:word@h/p" # here\nmore = 1\n[source.sub]\n',
                `${source}verify_ssl = true\n`,
                '[[source]]\nname = "python" # us\nurl = "https://h/p/" # here\nmore = 1\nverify_ssl = true\n[source.sub]\n',
            );
            becomes(
                'source = [{name = "python", x = 1}]',
                source,
                'source = [{name = "python", x = 1, url = "https://h/p/"}]',
            );
        });

        it("keeps an entry for our registry under a different name, with a notice", () => {
            const theirs = '[[source]]\nname = "a"\nurl = "https://me@h/p"\n';
            becomes(theirs, source, `${theirs}\n${source}`, [
                "the registry python is also in this file under a different name; that entry was kept",
            ]);
        });

        it("of poetry recognizes PyPI in any case, because poetry would refuse a second one", () => {
            const ours = '[[tool.poetry.source]]\nname = "PyPI"\npriority = "supplemental"\n';
            becomes(
                '[[tool.poetry.source]]\nname = "pypi" # c\npriority = "primary"\n',
                ours,
                '[[tool.poetry.source]]\nname = "pypi" # c\npriority = "supplemental"\n',
                ['tool.poetry.source.0.priority had a different value; it is now "supplemental"'],
            );
            becomes(
                '[[source]]\nname = "a"\n',
                '[[source]]\nname = "A"\n',
                '[[source]]\nname = "a"\n\n[[source]]\nname = "A"\n',
            );
        });

        it("refuses our name for another registry", () => {
            const taken = (error: unknown): boolean =>
                error instanceof NameConflictError && error.registryName === "python";
            for (const theirs of [
                '[[source]]\nname = "python"\nurl = "https://other/"',
                'source = [{ name = "python", repository = "https://other/" }]',
            ]) {
                assert.throws(() => mergeToml(theirs, source), taken);
            }
            for (const theirs of [
                '[repositories.python]\nurl = "https://other/"',
                'repositories.python.url = "https://other/"',
                'repositories = { python = { url = "https://other/" } }',
            ]) {
                assert.throws(
                    () => mergeToml(theirs, '[repositories.python]\nurl = "https://h/p/"\n'),
                    taken,
                );
            }
        });
    });

    describe("a table", () => {
        const ours = "[tool.x]\nkey = 1\n";

        it("gets missing keys at the end of its body", () => {
            becomes(
                '[tool.x] # x\n  a = """\n[tool.x]\n""" # a\n  # b = 1\n\n# next\n[next]\n',
                ours,
                '[tool.x] # x\n  a = """\n[tool.x]\n""" # a\n  # b = 1\n  key = 1\n\n# next\n[next]\n',
            );
            becomes("[tool.x]\n# next\n[next]\n", ours, "[tool.x]\nkey = 1\n# next\n[next]\n");
            becomes("\uFEFF[tool.x]\r\na = 1", ours, "\uFEFF[tool.x]\r\na = 1\r\nkey = 1");
        });

        it("has a value replaced only if its meaning differs, and keeps its comment", () => {
            const notice = ["tool.x.key had a different value; it is now 1"];
            becomes("[tool]\nx.key = 2 # two\n", ours, "[tool]\nx.key = 1 # two\n", notice);
            becomes("[tool]\nx = { key = 0x01 }\n", ours, "[tool]\nx = { key = 0x01 }\n");
            becomes("[tool]\nx = { key = [\n2] }\n", ours, "[tool]\nx = { key = 1 }\n", notice);
        });

        it("has missing items added to a list, in its own style", () => {
            const list = '[tool.uv]\nconstraint-dependencies = ["a>=0", "b>=0"]\n';
            const becomesList = (before: string, after: string) => {
                becomes(
                    `[tool.uv]\nconstraint-dependencies = ${before}\n`,
                    list,
                    `[tool.uv]\nconstraint-dependencies = ${after}\n`,
                );
            };
            becomesList('["b>=0"] # c', '["b>=0", "a>=0"] # c');
            becomesList("['b>=0', 'a>=0']", "['b>=0', 'a>=0']");
            becomesList("[]", '["a>=0", "b>=0"]');
            becomesList(
                '[\n    # why\n    "c<2", # c\n    # end\n]',
                '[\n    # why\n    "c<2", # c\n    "a>=0",\n    "b>=0",\n    # end\n]',
            );
        });

        it("gets keys in its own notation", () => {
            becomes("tool = {}\n", ours, "tool = { x = { key = 1 } }\n");
            becomes("tool.x = { } # c\n", ours, "tool.x = { key = 1 } # c\n");
            becomes("tool.x = {a=1}\n", ours, "tool.x = {a=1, key = 1}\n");
            becomes("tool = { x.a = 1 }\n", ours, "tool = { x.a = 1, x.key = 1 }\n");
            becomes(
                "tool . 'x' . a = 1 # a\nb = 2\n",
                ours,
                "tool . 'x' . a = 1 # a\ntool . 'x'.key = 1\nb = 2\n",
            );
            becomes("[tool]\n  x.a.b = 1\n[z]\n", ours, "[tool]\n  x.a.b = 1\n  x.key = 1\n[z]\n");
            becomes("a = 1\n# sub\n[tool.x.sub]\n", ours, `a = 1\n\n${ours}\n# sub\n[tool.x.sub]\n`);
            // What TOML 1.1 allows in braces.
            becomes("tool.x = {\n  a = 1, # a\n}\n", ours, "tool.x = {\n  a = 1, key = 1, # a\n}\n");
        });

        it("that is missing is added at the end, or after its siblings, with its comments", () => {
            const own = "# why\n[tool.x] # c\nkey = 1 # one\n";
            becomes("", own, own);
            becomes("\n", own, `\n${own}`);
            becomes("# only this", own, `# only this\n\n${own.trimEnd()}`);
            becomes("[tool.a]\n[z]\n# end\n", own, `[tool.a]\n[z]\n# end\n\n${own}`);
            becomes("[z]\n\n\n", own, `[z]\n\n\n${own}`);
            becomes(
                "[repositories.a]\nurl = 1\n\n[z]\n",
                "[repositories.b]\nurl = 2\n",
                "[repositories.a]\nurl = 1\n\n[repositories.b]\nurl = 2\n\n[z]\n",
            );
            becomes("a = 1\r\n", own, `a = 1\n\n${own}`.replaceAll("\n", "\r\n"));
        });

        it("at the top gets its keys before the first header", () => {
            becomes("[x]\na = 1\n", "key = 1\n", "key = 1\n\n[x]\na = 1\n");
            becomes("# file\n\n# x\n[x]\n", "key = 1\n", "# file\n\nkey = 1\n\n# x\n[x]\n");
            becomes("a = 1 # a\n\n[x]\n", "key = 1\n", "a = 1 # a\nkey = 1\n\n[x]\n");
            becomes("# file\n", "key = 1\n", "# file\nkey = 1\n");
        });

        it("keeps the line ends that most lines have", () => {
            becomes("a = 1\r\nb = 2\r\nc = 3\n", "key = 1\n", "a = 1\r\nb = 2\r\nc = 3\nkey = 1\r\n");
            becomes("a = 1\nb = 2\nc = 3\r\n", "key = 1\n", "a = 1\nb = 2\nc = 3\r\nkey = 1\n");
        });
    });

    describe("a package", () => {
        const pin = '[tool.poetry.dependencies]\nacme-core = { source = "python" }\n';
        const left = ["acme-core has a different source in this file, which was kept"];
        const kept = (entry: string, text: string, notices: readonly string[] = []): void => {
            becomes(
                `[tool.poetry.dependencies]\n${entry}\n`,
                pin,
                `[tool.poetry.dependencies]\n${text}\n`,
                notices,
            );
        };

        it("that the user lists keeps its version and comes from our registry", () => {
            kept(
                "Acme_Core = '^1.0' # c\nb = \"1\"",
                'Acme_Core = { version = \'^1.0\', source = "python" } # c\nb = "1"',
            );
            kept(
                'acme-core = {version = "1", extras = ["x"]}',
                'acme-core = {version = "1", extras = ["x"], source = "python"}',
            );
            kept(
                '[tool.poetry.dependencies."acme.core"]\nversion = "1"',
                '[tool.poetry.dependencies."acme.core"]\nversion = "1"\nsource = "python"',
            );
            kept('acme-core.version = "1"', 'acme-core.version = "1"\nacme-core.source = "python"');
            kept(
                'acme-core = { version = "1", source = "python" }',
                'acme-core = { version = "1", source = "python" }',
            );
            becomes(
                '[packages]\nacme-core = "==1"\n',
                '[packages]\nacme-core = { index = "python", version = "*" }\n',
                '[packages]\nacme-core = { version = "==1", index = "python" }\n',
            );
            becomes(
                '[packages]\nacme-core = { index = "python", version = "==1" }\n',
                '[packages]\nacme-core = { index = "python", version = "*" }\n',
                '[packages]\nacme-core = { index = "python", version = "==1" }\n',
            );
        });

        it("with several constraints gets the source in each of them", () => {
            kept(
                'acme-core = [{ version = "1", python = "<3" }, {version = "2"}] # c',
                'acme-core = [{ version = "1", python = "<3", source = "python" }, {version = "2", source = "python"}] # c',
            );
            kept(
                "acme-core = [\n    \"<2\", # old\n    '>3',\n]",
                'acme-core = [\n    { version = "<2", source = "python" }, # old\n    { version = \'>3\', source = "python" },\n]',
            );
            kept(
                '[[tool.poetry.dependencies.acme-core]]\nversion = "1"\n\n[[tool.poetry.dependencies.acme-core]]\nversion = "2"',
                '[[tool.poetry.dependencies.acme-core]]\nversion = "1"\nsource = "python"\n\n' +
                    '[[tool.poetry.dependencies.acme-core]]\nversion = "2"\nsource = "python"',
            );
            kept(
                'acme-core = [{ path = "../core", platform = "darwin" }, { version = "2" }]',
                'acme-core = [{ path = "../core", platform = "darwin" }, { version = "2", source = "python" }]',
                left,
            );
        });

        it("in any table of packages gets the source there", () => {
            for (const table of [
                "tool.poetry.group.dev.dependencies",
                "tool.poetry.dev-dependencies",
                "docs",
            ]) {
                becomes(
                    `[${table}]\nAcme_Core = "*"\n`,
                    `[${table}]\nacme-core = { source = "python" }\n`,
                    `[${table}]\nAcme_Core = { version = "*", source = "python" }\n`,
                );
            }
        });

        it("that has a different source is kept, with a notice", () => {
            for (const entry of [
                'acme-core = { path = "../core" }',
                'acme-core = { git = "https://g/" }',
                'acme-core = { version = "1", source = "other" }',
                'acme-core = [{ path = "a" }, { git = "https://g/" }]',
                "acme-core = 1",
                'acme-core = ["1", 2]',
                "acme-core = []",
            ]) {
                kept(entry, entry, left);
            }
            const ours = '[tool.uv.sources]\nacme-core = { index = "python" }\n';
            const sources = '[tool.uv.sources]\n"ACME.core" = { workspace = true }\n';
            becomes(sources, ours, sources, left);
            const narrowed = '[tool.uv.sources]\nacme_core = { index = "python", marker = "m" }\n';
            becomes(narrowed, ours, narrowed);
        });

        it("that the user does not list is added", () => {
            kept('a = "1"', 'a = "1"\nacme-core = { source = "python" }');
            becomes(
                '[tool.uv]\nsources.a = { path = "a" }\n',
                '[tool.uv.sources]\nacme-core = { index = "python" }\n',
                '[tool.uv]\nsources.a = { path = "a" }\nsources.acme-core = { index = "python" }\n',
            );
        });
    });

    describe("an unsupported file", () => {
        const refuses = (existing: string, ours: string, line: number | undefined): void => {
            assert.throws(
                () => mergeToml(existing, ours),
                (error) =>
                    error instanceof UnsupportedFileError &&
                    error.line === line &&
                    !error.message.includes("secret"),
                existing.slice(0, 100),
            );
        };

        it("is not changed, and its line is reported", () => {
            refuses("a = 1\nb = secret\n", "key = 1\n", 2);
            refuses("\uFEFFa = 1\r\n\r\na = 'secret'\r\n", "key = 1\n", 3);
            refuses("a = 'secret", "key = 1\n", 1);
            refuses("a = 1\nkey.secret = 1\n", "key = 1\n", 2);
            refuses("a = 1\n[key]\n", "key = 1\n", 2);
            refuses("a = 1\n\n[[key]]\n", "[key]\na = 1\n", 3);
            refuses("a = 1\ntool = 'secret'\n", uv, 2);
            refuses("[tool.uv]\nindex = 'secret'\n", uv, 2);
            refuses("[tool.uv]\n[tool.uv.index]\n", uv, 2);
            refuses("[tool.uv.index.secret]\n", uv, 1);
            refuses("[tool.uv]\nsources = 'secret'\n", uv, 2);
            const deep = 100_000;
            refuses(`x = ${"[".repeat(deep)}${"]".repeat(deep)}`, "key = 1\n", undefined);
        });

        it("can have any key", () => {
            const text = "[__proto__]\nx = 1\n[constructor]\n";
            becomes(text, "[__proto__]\ny = 1\n", "[__proto__]\nx = 1\ny = 1\n[constructor]\n");
            assert.equal(({} as Record<string, unknown>).x, undefined);
        });
    });

    it("reads a file", () => {
        assert.deepEqual(readToml("\uFEFFa.b = [1, 9223372036854775807]\n[[c]]\nd = { e = '\\' }\n[[c]]\n"), {
            a: { b: [1, 9223372036854775807n] },
            c: [{ d: { e: "\\" } }, {}],
        });
        assert.throws(() => readToml("a"), UnsupportedFileError);
    });

    describe("read back by Python", () => {
        before(needsTomllib);

        it("is the old data with ours, for any file", () => {
            const files: { text: string; ours: string; text2: string | undefined }[] = [];
            fc.assert(
                fc.property(existingFile, ({ text, ours }) => {
                    let text2;
                    try {
                        text2 = merged(text, ours).text;
                    } catch (error) {
                        if (!(error instanceof NameConflictError)) {
                            throw error;
                        }
                    }
                    files.push({ text, ours, text2 });
                }),
                { numRuns: 300 },
            );
            const told = readInPython(files.flatMap(({ text, ours, text2 }) => [text, ours, text2 ?? ""]));
            for (const [number, { text, text2 }] of files.entries()) {
                const [old, ours, result] = told.slice(number * 3);
                assert.ok(old, `not TOML:\n${text}`);
                assert.ok(
                    ours && (result || text2 === undefined),
                    `not TOML any more:\n${text}\n=>\n${text2}`,
                );
                const changes = { replaced: 0, taken: false };
                const meant = worked(old, ours, "", changes);
                assert.equal(text2 === undefined, changes.taken, text);
                if (text2 !== undefined) {
                    assert.deepEqual(result, meant, `${text}\n=>\n${text2}`);
                    assert.equal(text2.startsWith(mark), text.startsWith(mark));
                    keeps(text.replace(mark, ""), text2.replace(mark, ""), changes.replaced);
                }
            }
        });
    });
});

/** The byte-order mark. */
const mark = "\uFEFF";

/** Every line stands as it was and in order, but for those within which something is added. */
function keeps(before: string, after: string, replaced: number): void {
    // The file's last line may have gained a line break.
    const lines = (text: string): string[] => text.split("\n").map((line) => line.replace(/\r$/, ""));
    const lost = diffArrays(lines(before), lines(after)).flatMap(({ removed, value }) =>
        removed ? value : [],
    );
    for (const line of lost) {
        assert.ok(replaced > 0 || /[[\]{}]|acme|"""/i.test(line), `lost: ${line}\n${before}\n=>\n${after}`);
    }
    assert.ok(lost.length <= 2 * replaced + 4, `${lost.length} lines lost:\n${before}\n=>\n${after}`);
    if (replaced === 0) {
        let at = 0;
        for (const character of after) {
            at += before.startsWith(character, at) ? character.length : 0;
        }
        assert.equal(at, before.length, `more than additions:\n${before}\n=>\n${after}`);
    }
}

/** What the result must say, from plain data: an entry by its name, a package by its normalized one. */
type Told = string | boolean | Told[] | { [key: string]: Told };

function worked(
    old: Told | undefined,
    ours: Told,
    path: string,
    changes: { replaced: number; taken: boolean },
): Told {
    if (isTable(ours)) {
        const result = isTable(old) ? { ...old } : {};
        const address = (table: object): unknown =>
            "url" in table
                ? String(table.url)
                      .replace(/\/\/[^/]*@/, "//")
                      .replace(/\/$/, "")
                : undefined;
        if (
            address(result) !== undefined &&
            address(ours) !== undefined &&
            address(result) !== address(ours)
        ) {
            changes.taken = true;
        }
        for (const [key, value] of Object.entries(ours)) {
            if (/(sources|dependencies|packages)$/.test(path)) {
                const same = (name: string): boolean => name.toLowerCase().replace(/[._]/, "-") === key;
                const theirs = Object.keys(result).find(same) ?? key;
                result[theirs] = pinned(result[theirs], value as { [key: string]: Told }, path);
            } else {
                result[key] = worked(result[key], value, path === "" ? key : `${path}.${key}`, changes);
            }
        }
        return result;
    }
    if (Array.isArray(ours) && ours[0] === "list" && isTable(ours[1])) {
        const list = Array.isArray(old) ? old.slice(1) : [];
        for (const entry of ours.slice(1) as { [key: string]: Told }[]) {
            const at = list.findIndex((theirs) => isTable(theirs) && theirs.name === entry.name);
            if (at !== -1) {
                list[at] = worked(list[at], entry, "entry", changes);
            } else if (path.endsWith("index")) {
                list.unshift(entry);
            } else {
                list.push(entry);
            }
        }
        return ["list", ...list];
    }
    changes.replaced += old === undefined || JSON.stringify(old) === JSON.stringify(ours) ? 0 : 1;
    return ours;
}

function pinned(theirs: Told | undefined, ours: { [key: string]: Told }, path: string): Told {
    if (theirs === undefined) {
        return ours;
    }
    if (path.endsWith("sources")) {
        return theirs;
    }
    if (typeof theirs === "string") {
        return { ...ours, version: theirs };
    }
    return isTable(theirs) && !("path" in theirs) && !("source" in theirs) && !("index" in theirs)
        ? { ...ours, ...theirs }
        : theirs;
}

function isTable(told: Told | undefined): told is { [key: string]: Told } {
    return typeof told === "object" && !Array.isArray(told);
}

/** Reads many texts in one Python process; undefined or null for one that is not TOML. */
function readInPython(texts: readonly string[]): (Told | null)[] {
    const output = execFileSync("python3", [join(__dirname, "read-toml.py")], {
        input: JSON.stringify(texts.map((text) => text.replace(mark, ""))),
        encoding: "utf8",
        maxBuffer: 1 << 30,
    });
    return JSON.parse(output) as (Told | null)[];
}

function needsTomllib(this: Context): void {
    if (spawnSync("python3", ["-c", "import tomllib"]).status !== 0) {
        console.log("    skipped: python3 is missing or older than 3.11, whose tomllib reads the files back");
        this.skip();
    }
}

/** TOML source of a value, a table by its keys, or an array of tables. */
type Content = string | Map<string, Content> | Map<string, Content>[];

/** A file of one tool, and what is added to it. */
interface ExistingFile {
    readonly text: string;
    readonly ours: string;
}

// Picks one after the other from numbers that fast-check makes, so that it can shrink them.
class Choices {
    #at = 0;
    constructor(readonly numbers: readonly number[]) {}

    below(count: number): number {
        this.#at += 1;
        // Mixed with the position: few numbers still make varied files.
        const number = this.numbers[this.#at % this.numbers.length] ?? 0;
        return (number + (number === 0 ? 0 : this.#at * 7)) % count;
    }

    one<T>(...of: readonly T[]): T {
        return of[this.below(of.length)]!;
    }
}

/** Writes data as TOML in any of the ways that mean the same. */
class Writer {
    constructor(readonly pick: Choices) {}

    file(data: Map<string, Content>): string {
        const { pick } = this;
        const chunks: { array: string; lines: string[] }[] = [];
        const lines = [...this.noise(), ...this.body(data, [], [], chunks, true)];
        // Sections in any order, but those of one array in theirs.
        const order = chunks.map((_, index) => ({ index, key: pick.one(0, 0, pick.below(100)) }));
        order.sort((a, b) => a.key - b.key);
        const shuffled = order.map(({ index }) => chunks[index]!);
        for (const array of new Set(chunks.map((chunk) => chunk.array).filter((name) => name !== ""))) {
            const own = chunks.filter((chunk) => chunk.array === array);
            for (const [index, chunk] of shuffled.entries()) {
                if (chunk.array === array) {
                    shuffled[index] = own.shift()!;
                }
            }
        }
        for (const chunk of shuffled) {
            lines.push(...chunk.lines);
        }
        const end = pick.one("\n", "\n", "\r\n", "mixed");
        const text = lines
            .join("\n")
            .replaceAll("\n", () => (end === "mixed" ? pick.one("\n", "\r\n") : end));
        return pick.one("", "", "\uFEFF") + text + pick.one("", end === "\r\n" ? "\r\n" : "\n");
    }

    body(
        data: Map<string, Content>,
        prefix: string[],
        path: string[],
        chunks: { array: string; lines: string[] }[],
        top: boolean,
    ): string[] {
        const { pick } = this;
        const lines: string[] = [];
        for (const [key, value] of data) {
            const names = [...prefix, key];
            if (typeof value === "string") {
                lines.push(...this.noise(), this.keyValue(names, value));
            } else if (Array.isArray(value)) {
                if (value.length === 0 || (prefix.length > 0 && !top) || pick.below(3) === 0) {
                    lines.push(this.keyValue(names, this.array(value)));
                } else {
                    for (const element of value) {
                        const own: { array: string; lines: string[] }[] = [];
                        const body = this.section([...path, key], element, own, "[[", true);
                        chunks.push({
                            array: [...path, key].join("."),
                            lines: [...body, ...own.flatMap((chunk) => chunk.lines)],
                        });
                    }
                }
            } else {
                const form = pick.below(prefix.length > 0 && !top ? 2 : 6);
                if (form === 0) {
                    lines.push(this.keyValue(names, this.inline(value)));
                } else if (form === 1 && value.size > 0) {
                    lines.push(...this.body(value, names, [...path, key], chunks, top));
                } else if (prefix.length > 0 && !top) {
                    lines.push(this.keyValue(names, this.inline(value)));
                } else {
                    const own: { array: string; lines: string[] }[] = [];
                    const body = this.section([...path, key], value, own, "[");
                    chunks.push({ array: "", lines: body }, ...own);
                }
            }
        }
        return lines;
    }

    section(
        path: string[],
        data: Map<string, Content>,
        chunks: { array: string; lines: string[] }[],
        bracket: string,
        within = false,
    ): string[] {
        const { pick } = this;
        const lines = this.body(data, [], path, chunks, false);
        if (bracket === "[" && lines.length === 0 && chunks.length > 0 && pick.below(2) === 0) {
            return [];
        }
        const gap = pick.one("", "", " ");
        const head = `${pick.one("", "", "  ")}${bracket}${gap}${this.key(path)}${gap}${bracket.replaceAll("[", "]")}`;
        const lead = within && pick.below(2) === 0 ? [] : this.noise();
        return [...pick.one([""], [""], []), ...lead, head + this.comment(), ...lines];
    }

    keyValue(names: string[], value: string): string {
        const { pick } = this;
        const equals = pick.one(" = ", " = ", "=", "\t=  ");
        return `${pick.one("", "", "", "  ", "\t")}${this.key(names)}${equals}${value}${this.comment()}`;
    }

    key(names: string[]): string {
        return names
            .map((name) =>
                /^[A-Za-z0-9_-]+$/.test(name)
                    ? this.pick.one(name, name, name, `"${name}"`, `'${name}'`)
                    : `"${name}"`,
            )
            .join(this.pick.one(".", ".", " . "));
    }

    inline(data: Map<string, Content>): string {
        const { pick } = this;
        const parts: string[] = [];
        for (const [key, value] of data) {
            if (
                typeof value !== "string" &&
                !Array.isArray(value) &&
                value.size === 1 &&
                pick.below(3) === 0
            ) {
                const [[inner, content]] = [...value] as [[string, Content]];
                parts.push(`${this.key([key, inner])} = ${this.value(content)}`);
            } else {
                parts.push(`${this.key([key])}${pick.one(" = ", "=")}${this.value(value)}`);
            }
        }
        const pad = pick.one("", " ");
        return `{${pad}${parts.join(pick.one(", ", ","))}${pad}}`;
    }

    value(value: Content): string {
        return typeof value === "string"
            ? value
            : Array.isArray(value)
              ? this.array(value)
              : this.inline(value);
    }

    array(tables: Map<string, Content>[]): string {
        const { pick } = this;
        const elements = tables.map((table) => this.inline(table));
        if (elements.length === 0) {
            return pick.one("[]", "[ ]", "[ # none\n]");
        }
        if (pick.below(2) === 0) {
            return `[${elements.join(", ")}${pick.one("", ",")}]`;
        }
        const lines = elements.map(
            (element, index) =>
                `${pick.one("", "    # [lead] {\n")}    ${element}${index < elements.length - 1 ? "," : pick.one("", ",")}`,
        );
        return `[${this.comment()}\n${lines.map((line) => line + this.comment()).join("\n")}${pick.one("\n", "\n    # } end ]\n")}]`;
    }

    comment(): string {
        return this.pick.one("", "", "", '  # why: "é" [x] = {', " #", "   ");
    }

    noise(): string[] {
        return this.pick.one(
            [],
            [],
            [],
            [""],
            ["# note = 1"],
            ["", "# [tool.uv]", "# a", ""],
            ["  # ünï", "\t"],
        );
    }
}

const string = (text: string): fc.Arbitrary<string> =>
    fc.constantFrom(`"${text}"`, `'${text}'`, `"""\\\n ${text}"""`);
const scalar = fc.constantFrom(
    "1e5",
    "0xFF",
    "9223372036854775807",
    "1_000",
    "-inf",
    "true",
    "1979-05-27",
    "1979-05-27 07:32:00.5Z",
    "07:32:00",
    '"a # b = [c]"',
    "'C:\\x'",
    '"\\u00e9 \\"q\\""',
    '"""\n[tool.uv]\n# no comment\nacme-core = 1\n[[index]]\n"""',
    "'''\n[tool.poetry]\n'''",
    '[\n  "a", # first\n\n  # [b]\n  "b>=1; x == \'y\'"\n]',
    "[[1, 2], []]",
    '{ a = 1, b.c = "}" }',
);
const keys = fc.constantFrom("name", "dev", "x-y", "k_1", "a.b", "é", "line-length");
const values = (more: Record<string, fc.Arbitrary<Content>> = {}): fc.Arbitrary<Map<string, Content>> =>
    fc
        .tuple(fc.dictionary(keys, scalar, { maxKeys: 2 }), fc.record(more, { requiredKeys: [] }))
        .map(
            ([some, known]) =>
                new Map<string, Content>([
                    ...Object.entries<Content>(some),
                    ...(Object.entries(known) as [string, Content][]),
                ]),
        );

const address = fc.constantFrom(
    index,
    index,
    index.replace("//", "//me:word@").slice(0, -1),
    "https://other/simple/",
);
const entry = (name: string): fc.Arbitrary<Map<string, Content>> =>
    fc
        .record(
            { url: address.chain(string), extra: scalar, sub: values(), priority: string("explicit") },
            { requiredKeys: [] },
        )
        .chain((more) =>
            string(name).map((text) => new Map<string, Content>([["name", text], ...Object.entries(more)])),
        );
const entries = fc
    .uniqueArray(fc.constantFrom("python", "corp", "pypi", "other"), { maxLength: 3 })
    .chain((names) => fc.tuple(...names.map((name) => entry(name))))
    .map((list): Content => list);
const packages = (origin: string): fc.Arbitrary<Content> =>
    fc
        .tuple(
            fc.constantFrom("acme-core", "Acme_Core", "acme.core"),
            fc.option(
                fc.oneof(
                    string("^1.0"),
                    fc.constantFrom<Content>(
                        new Map([["version", '"1"']]),
                        new Map([["path", '"../x"']]),
                        new Map([[origin, '"other"']]),
                        new Map([["extras", '["x"]']]),
                    ),
                ),
                { nil: undefined },
            ),
            fc.dictionary(fc.constantFrom("requests", "b", "c-d"), string("*"), { maxKeys: 2 }),
        )
        .map(
            ([name, mine, others]) =>
                new Map<string, Content>([
                    ...Object.entries(others),
                    ...(mine === undefined ? [] : [[name, mine] as const]),
                ]),
        );
const sources = packages("index").map(
    (map) =>
        new Map(
            [...(map as Map<string, Content>)].map(([key, value]) => [
                key,
                typeof value === "string" ? new Map([["git", value]]) : value,
            ]),
        ),
);
const others = { project: values(), "build-system": values(), "a b": values() };
const table = (more: Record<string, fc.Arbitrary<Content>>): fc.Arbitrary<Map<string, Content>> =>
    values(more);
const named = (key: string): fc.Arbitrary<Content> =>
    fc.oneof(
        fc.constant<Content>(new Map()),
        table({
            python: table({ [key]: key === "url" ? address.chain(string) : string("x") }),
            other: values(),
        }),
    );
const overrides = fc.array(values({ sub: values() }), { maxLength: 2 }).map((list): Content => list);
const tool = (more: Record<string, fc.Arbitrary<Content>>): fc.Arbitrary<Map<string, Content>> =>
    table({ ...others, tool: table({ ...more, black: values(), mypy: values({ overrides }) }) });

const data: [string, fc.Arbitrary<Map<string, Content>>][] = [
    [
        uv,
        tool({
            uv: table({
                "keyring-provider": fc.constantFrom('"disabled"', '"subprocess"', "'subprocess'"),
                index: entries,
                sources,
                pip: values(),
            }),
        }),
    ],
    [
        uvToml,
        table({ "keyring-provider": string("disabled"), index: entries, pip: values({ deep: values() }) }),
    ],
    [
        poetry,
        tool({
            poetry: table({
                source: entries,
                dependencies: packages("source"),
                group: values({ dev: values() }),
            }),
        }),
    ],
    [pdm, tool({ pdm: table({ source: entries, version: values() }) })],
    [pipfile, table({ source: entries, packages: packages("index"), requires: values() })],
    [
        repositories,
        table({ repositories: named("url"), "http-basic": named("username"), virtualenvs: values() }),
    ],
    [hatch, table({ publish: table({ index: table({ repos: named("url") }) }), template: values() })],
];

const existingFile: fc.Arbitrary<ExistingFile> = fc.constantFrom(...data).chain(([ours, content]) =>
    fc.tuple(content, fc.array(fc.nat(1000), { minLength: 1, maxLength: 40 })).map(([tables, numbers]) => ({
        text: new Writer(new Choices(numbers)).file(tables),
        ours,
    })),
);
