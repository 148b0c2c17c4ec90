import { strict as assert } from "node:assert";
import { diffArrays } from "diff";
import fc from "fast-check";
import { readIni } from "../../packages/configure/src/formats/ini";
import { mergeIni } from "../../packages/configure/src/formats/ini-merge";
import {
    type MergeResult,
    NameConflictError,
    UnsupportedFileError,
    withoutUserInfo,
} from "../../packages/configure/src/formats/merge";
import { type IniEntry, renderIni } from "../../packages/registry/src/clients/ini";
import { needsPython, readIni as readInPython, type Sections } from "./python";

const url = "https://eu-python.pkg.dev/acme/team/simple/";
const uploadUrl = "https://eu-python.pkg.dev/acme/team/";

function pipConf(extraIndexUrl = url, more: readonly IniEntry[] = []): string {
    return renderIni([{ name: "global", entries: [["extra-index-url", extraIndexUrl], ...more] }], " = ");
}

function pypirc(credential: readonly IniEntry[] = []): string {
    return renderIni(
        [
            { name: "distutils", entries: [["index-servers", ["team"]]] },
            { name: "team", entries: [["repository", uploadUrl], ...credential] },
        ],
        ": ",
    );
}

const key: readonly IniEntry[] = [
    ["username", "_json_key_base64"],
    ["password", "QUJD"],
];

const keyring = pipConf(url, [["keyring-provider", "import"]]);

/** Merges, and makes sure that doing it again changes nothing. */
function merged(existing: string, ours: string): MergeResult {
    const merge = mergeIni(existing, ours);
    assert.equal(mergeIni(merge.text, ours).text, merge.text);
    return merge;
}

function assertMerges(existing: string, ours: string, text: string, notices: readonly RegExp[] = []): void {
    const merge = merged(existing, ours);
    assert.equal(merge.text, text);
    assert.equal(merge.notices.length, notices.length, merge.notices.join("\n"));
    for (const [index, notice] of notices.entries()) {
        assert.match(merge.notices[index]!, notice);
    }
}

describe("merging a pip.conf with an only index", () => {
    const only = renderIni([{ name: "global", entries: [["index-url", url]] }], " = ");

    it("replaces each index-url that pip would use, and says so without repeating it", () => {
        const theirs = "https://me:s3cret@mirror.example/simple/";
        assertMerges("", only, only);
        assertMerges(
            `[global]\nindex_url: ${theirs} \ntimeout = 1\n[install]\nindex-url=https://b.example/\n[list]\nuser = no\n`,
            only,
            `[global]\nindex_url: ${url} \ntimeout = 1\n[install]\nindex-url=${url}\n[list]\nuser = no\n`,
            [
                /^index-url in \[global\] was a different index; it is now this registry$/,
                /^index-url in \[install\] was a different/,
            ],
        );
        assertMerges(
            `[DEFAULT]\nindex-url = ${theirs}\n`,
            only,
            `[DEFAULT]\nindex-url = ${theirs}\n\n${only}`,
            [/^the values in \[DEFAULT\]/],
        );
    });

    it("keeps the other indexes, and says that pip asks them too", () => {
        const extra = `[install]\nextra-index-url = https://a.example/ ${url}\n`;
        assertMerges(extra, only, `${extra}\n${only}`, [
            /^extra-index-url in \[install\] was kept: pip takes/,
        ]);
        const ours = `[global]\nextra-index-url = ${url}\n`;
        assertMerges(ours, only, `${ours}index-url = ${url}\n`);
    });
});

describe("merging a pip.conf", () => {
    it("writes our text to an empty file", () => {
        assertMerges("", keyring, keyring);
    });

    it("adds a missing section at the end, after an empty line", () => {
        assertMerges("[install]\nuser = no\n", pipConf(), `[install]\nuser = no\n\n${pipConf()}`);
        assertMerges("[install]\nuser = no\n\n", pipConf(), `[install]\nuser = no\n\n${pipConf()}`);
        assertMerges("# mine", pipConf(), `# mine\n\n${pipConf().trimEnd()}`);
    });

    it("adds missing keys after the section's last entry, before comments and empty lines", () => {
        assertMerges(
            "[global]\ntimeout = 60\n# proxy = x\n\n# for install\n[install]\nuser = no\n",
            keyring,
            `[global]\ntimeout = 60\nextra-index-url = ${url}\nkeyring-provider = import\n# proxy = x\n\n# for install\n[install]\nuser = no\n`,
        );
        assertMerges(
            "[global]\ntrusted-host =\n    a\n\n    b\n\n\n[x]\n",
            pipConf(),
            `[global]\ntrusted-host =\n    a\n\n    b\nextra-index-url = ${url}\n\n\n[x]\n`,
        );
    });

    it("adds them with the indentation of the section's last entry", () => {
        assertMerges(
            "[global]\n\t  timeout = 60\n  [install]\n",
            pipConf(),
            `[global]\n\t  timeout = 60\n\t  extra-index-url = ${url}\n  [install]\n`,
        );
    });

    it("adds them to an empty section so that the next header is still a header", () => {
        assertMerges(
            "[global]\n# none\n\t[x]\na = 1\n",
            pipConf(),
            `[global]\n\textra-index-url = ${url}\n# none\n\t[x]\na = 1\n`,
        );
        assertMerges("  [global]\n[x]\n", pipConf(), `  [global]\n  extra-index-url = ${url}\n[x]\n`);
        assertMerges("[global]", pipConf(), `[global]\nextra-index-url = ${url}`);
    });

    it("gives a single index a second line", () => {
        assertMerges(
            "[global]\nextra-index-url=https://a.example/simple\ntimeout = 1\n",
            pipConf(),
            `[global]\nextra-index-url=https://a.example/simple\n    ${url}\ntimeout = 1\n`,
        );
        assertMerges(
            "[global]\n  extra_index_url : https://a.example/simple",
            pipConf(),
            `[global]\n  extra_index_url : https://a.example/simple\n      ${url}`,
        );
    });

    it("adds a line to a list of several lines, with the indentation of the last one", () => {
        assertMerges(
            "[global]\nextra-index-url =\n  # first\n\thttps://a.example/simple\n\n # second\n\t\thttps://b.example/simple\n\n # done\ntimeout = 1\n",
            pipConf(),
            `[global]\nextra-index-url =\n  # first\n\thttps://a.example/simple\n\n # second\n\t\thttps://b.example/simple\n\t\t${url}\n\n # done\ntimeout = 1\n`,
        );
        assertMerges(
            "[global]\nextra-index-url =\n[x]\n",
            pipConf(),
            `[global]\nextra-index-url =\n    ${url}\n[x]\n`,
        );
    });

    it("replaces our index with different user information", () => {
        const stale = "https://oauth2accesstoken:old%40@eu-python.pkg.dev/acme/team/simple";
        assertMerges(
            `[global]\nextra-index-url =  ${stale}  https://a.example/simple \n\t${stale}\n`,
            pipConf(),
            `[global]\nextra-index-url =  ${url}  https://a.example/simple \n\t${url}\n`,
        );
        const fresh = "https://oauth2accesstoken:new@eu-python.pkg.dev/acme/team/simple/";
        assertMerges(`[global]\nextra-index-url = ${url}\n`, pipConf(fresh), pipConf(fresh));
    });

    it("returns a file that has all of it unchanged", () => {
        const text = `\n[global]\nTimeout=1\nExtra_Index_URL:https://a.example/simple ${url}\nkeyring-provider  =  import\n`;
        assertMerges(text, keyring, text);
    });

    it("sets a value and keeps the rest of its line", () => {
        assertMerges(
            "[global]\n  Keyring_Provider\t:  subprocess \t\nextra-index-url=\r\n",
            keyring,
            `[global]\n  Keyring_Provider\t:  import \t\nextra-index-url=\r\n    ${url}\n`,
        );
        assertMerges(
            `[global]\nextra-index-url = ${url}\nkeyring-provider=\n`,
            keyring,
            `[global]\nextra-index-url = ${url}\nkeyring-provider= import\n`,
        );
    });

    it("sets a value of several lines as a whole, and keeps comments and empty lines in it", () => {
        assertMerges(
            `[global]\nkeyring-provider =\n    auto\n    # why\n\n    really\nextra-index-url = ${url}\n`,
            keyring,
            `[global]\nkeyring-provider = import\n    # why\n\nextra-index-url = ${url}\n`,
        );
    });

    it("adds our index to a command's own list, which overrides the one in [global]", () => {
        assertMerges(
            `[install]\nextra-index-url = https://a.example/simple\n[wheel]\nextra-index-url =\n[tool]\nextra-index-url = x\n\n${pipConf()}`,
            pipConf(),
            `[install]\nextra-index-url = https://a.example/simple\n    ${url}\n[wheel]\nextra-index-url =\n[tool]\nextra-index-url = x\n\n${pipConf()}`,
        );
    });

    it("adds our index to the list in [DEFAULT] if that is the effective one", () => {
        assertMerges(
            "[DEFAULT]\nextra-index-url = https://a.example/simple\n[global]\ntimeout = 1\n",
            pipConf(),
            `[DEFAULT]\nextra-index-url = https://a.example/simple\n    ${url}\n[global]\ntimeout = 1\n`,
        );
        assertMerges(
            "[DEFAULT]\nextra-index-url = https://a.example/simple\n[install]\nuser = no\n",
            pipConf(),
            `[DEFAULT]\nextra-index-url = https://a.example/simple\n    ${url}\n[install]\nuser = no\n\n${pipConf()}`,
            [/\[DEFAULT\].*\[global\]/],
        );
    });

    it("reports settings that prevent it from working", () => {
        assertMerges(
            `[download]\nkeyring-provider = disabled\n[install]\nno_index = Yes\n[wheel]\nkeyring-provider = import\nno-index = 0\n[global]\nextra-index-url = ${url}\nkeyring-provider = import\nindex-url = https://u:p@eu-python.pkg.dev/acme/team/simple\n`,
            keyring,
            `[download]\nkeyring-provider = disabled\n[install]\nno_index = Yes\n[wheel]\nkeyring-provider = import\nno-index = 0\n[global]\nextra-index-url = ${url}\nkeyring-provider = import\nindex-url = https://u:p@eu-python.pkg.dev/acme/team/simple\n`,
            [/^index-url in \[global\]/, /^no-index .*\[install\]/, /^keyring-provider in \[download\]/],
        );
    });

    it("keeps a byte-order mark, and reports that pip does not accept the file", () => {
        assertMerges("\ufeff[global]\n", pipConf(), `\ufeff${pipConf()}`, [
            /^pip does not accept .* byte-order mark/,
        ]);
        assertMerges("\ufeff", pypirc(), `\ufeff${pypirc()}`, [/^twine does not accept .* byte-order mark/]);
    });

    it("writes the line ends that most lines have", () => {
        assertMerges(
            "[global]\r\ntimeout = 1\r\n\n",
            pipConf(),
            `[global]\r\ntimeout = 1\r\nextra-index-url = ${url}\r\n\n`,
        );
        assertMerges(
            "[global]\rtimeout = 1\r",
            pipConf(),
            `[global]\rtimeout = 1\rextra-index-url = ${url}\r`,
        );
        assertMerges("[x]\r\na = 1", pipConf(), `[x]\r\na = 1\r\n\r\n[global]\r\nextra-index-url = ${url}`);
    });

    it("keeps a line end of \\r apart from an added empty line", () => {
        assertMerges("[a]\n[b]\n[x]\r", pipConf(), `[a]\n[b]\n[x]\r\r\n${pipConf()}`);
    });
});

describe("merging a .pypirc", () => {
    it("adds our name to the list and our section to the file", () => {
        assertMerges(
            "[distutils]\nindex-servers =\n    pypi\n    other\n\n[pypi]\nusername: __token__\n",
            pypirc(),
            `[distutils]\nindex-servers =\n    pypi\n    other\n    team\n\n[pypi]\nusername: __token__\n\n[team]\nrepository: ${uploadUrl}\n`,
        );
        assertMerges(
            "[distutils]\nindex-servers=pypi other\n",
            pypirc(),
            `[distutils]\nindex-servers=pypi other\n    team\n\n[team]\nrepository: ${uploadUrl}\n`,
        );
    });

    it("matches only whole names in the list, and does not read index_servers as the same key", () => {
        assertMerges(
            `[distutils]\nindex_servers = team\nindex-servers = teams https://team team/\n[team]\nrepository: ${uploadUrl}\n`,
            pypirc(),
            `[distutils]\nindex_servers = team\nindex-servers = teams https://team team/\n    team\n[team]\nrepository: ${uploadUrl}\n`,
        );
    });

    it("lists the sections that twine used without a list", () => {
        assertMerges(
            "[pypi]\npassword = pypi-x\n[testpypi]\npassword = pypi-y\n[dead]\nrepository = https://d.example\n",
            pypirc(),
            `[pypi]\npassword = pypi-x\n[testpypi]\npassword = pypi-y\n[dead]\nrepository = https://d.example\n\n[distutils]\nindex-servers =\n    team\n    pypi\n    testpypi\n\n[team]\nrepository: ${uploadUrl}\n`,
        );
        assertMerges(
            "[distutils]\n[pypi]\npassword = pypi-x\n",
            pypirc(),
            `[distutils]\nindex-servers =\n    team\n    pypi\n[pypi]\npassword = pypi-x\n\n[team]\nrepository: ${uploadUrl}\n`,
        );
        assertMerges(
            "[distutils]\nindex-servers =\n[pypi]\npassword = pypi-x\n",
            pypirc(),
            `[distutils]\nindex-servers =\n    team\n[pypi]\npassword = pypi-x\n\n[team]\nrepository: ${uploadUrl}\n`,
        );
    });

    it("sets the keys of our section", () => {
        assertMerges(
            "[distutils]\nindex-servers = team\n[team]\nusername = me\nRepository=https://me@eu-python.pkg.dev/acme/team\nca_cert = x\n",
            pypirc(key),
            `[distutils]\nindex-servers = team\n[team]\nusername = _json_key_base64\nRepository=${uploadUrl}\nca_cert = x\npassword: QUJD\n`,
        );
        // An empty one is nobody's.
        assertMerges(
            "[team]\n[distutils]\nindex-servers = team",
            pypirc(),
            `[team]\nrepository: ${uploadUrl}\n[distutils]\nindex-servers = team`,
        );
    });

    it("removes a user name and password that twine would use instead of the keyring, and reports it", () => {
        assertMerges(
            `[distutils]\nindex-servers = team\n[team]\nusername: me\n# note\nrepository: ${uploadUrl}\npassword:\n  old\n\n  # kept\n  older\n[x]\npassword: mine\n`,
            pypirc(),
            `[distutils]\nindex-servers = team\n[team]\n# note\nrepository: ${uploadUrl}\n\n  # kept\n[x]\npassword: mine\n`,
            [/^username in \[team\] was removed/, /^password in \[team\] was removed/],
        );
    });

    it("reports a user name and password that apply to every section", () => {
        assertMerges(
            `[DEFAULT]\nusername = me\n[server-login]\npassword = x\n[distutils]\nindex-servers = team\n[team]\nrepository: ${uploadUrl}\n`,
            pypirc(),
            `[DEFAULT]\nusername = me\n[server-login]\npassword = x\n[distutils]\nindex-servers = team\n[team]\nrepository: ${uploadUrl}\n`,
            [/^username in \[DEFAULT\]/, /^password in \[server-login\]/],
        );
    });

    it("refuses a name that is already used for another registry", () => {
        for (const section of [
            "repository: https://other.example/",
            "username: me",
            `repository: ${uploadUrl}/x`,
        ]) {
            assert.throws(
                () => mergeIni(`[team]\n${section}\n`, pypirc()),
                (error: unknown) => {
                    assert.ok(error instanceof NameConflictError);
                    assert.equal(error.registryName, "team");
                    return true;
                },
            );
        }
    });
});

describe("an INI file that Python refuses", () => {
    for (const [what, text, line] of [
        ["an entry without a section", "# x\n\nsecret = 1\n[a]\n", 3],
        ["a section twice", "[a]\r\nx = 1\r\n[b]\r\n[a]\r\n", 4],
        ["a key twice", "[a]\rsecret = 1\rSECRET : 2\r", 3],
        ["a key of DEFAULT twice", "[DEFAULT]\nsecret = 1\n[a]\n[DEFAULT]\nsecret = 2\n", 5],
        ["a line without a delimiter", "[a]\nx = 1\n secret\nsecret\n", 4],
        ["a continuation of nothing", "[a]\n secret\n", 2],
        ["a line without a key", "[a]\n= secret\n", 2],
        ["a second byte-order mark", "\ufeff\ufeff[secret]\n", 1],
        ["a name that depends on the version", "[secret] ; see [x]\n", 1],
    ] as const) {
        it(`is not changed, and line and reason are reported: ${what}`, () => {
            for (const attempt of [
                () => readIni(text),
                () => mergeIni(text, pipConf()),
                () => mergeIni(text, pypirc()),
            ]) {
                assert.throws(attempt, (error: unknown) => {
                    assert.ok(error instanceof UnsupportedFileError);
                    assert.equal(error.line, line);
                    assert.doesNotMatch(error.message, /secret/i);
                    return true;
                });
            }
        });
    }

    it("is not changed if only pip reads two keys as one", () => {
        const text = "[global]\nextra-index-url = a\n--extra_index_url = b\n";
        assert.throws(() => mergeIni(text, pipConf()), { line: 3 });
        assert.equal(readIni(text).get("global")?.size, 2);
    });

    it("is never written: a value that cannot be set or added to a list is refused", () => {
        assert.throws(() => mergeIni("[global]\nextra-index-url = a\n", pipConf("#x")), UnsupportedFileError);
        const lines = renderIni([{ name: "global", entries: [["trusted-host", ["a", "b"]]] }], " = ");
        assert.throws(() => mergeIni("[global]\n", lines), UnsupportedFileError);
    });
});

// Files as they are found, and worse.

const ends = ["\n", "\r\n", "\r"] as const;
const sectionNames = [
    ...[
        "global",
        "install",
        "wheel",
        "tool",
        "DEFAULT",
        "distutils",
        "team",
        "pypi",
        "testpypi",
        "server-login",
    ],
    ...["download", " global ", "Global", "a.b", "x y", "Ünï", "__proto__", "\u2028", "[global"],
];
const keys = [
    ...["extra-index-url", "extra_index_url", "index-url", "timeout", "keyring-provider", "no-index"],
    ...["index-servers", "index_servers", "repository", "username", "password", "Extra-Index-URL"],
    ...["--extra-index-url", "Ключ", "İSTANBUL ΣΑΣ", "a b", "%x", "[x", "\ufeff", "a\x1cb"],
];
const values = [
    ...[
        "",
        url,
        `https://u:p%40w@${url.slice(8)}`,
        uploadUrl,
        uploadUrl.slice(0, -1),
        "https://a.example/simple",
    ],
    ...["pypi", "team", "pypi team", `https://a.example/simple ${url}`, "true", "import", "subprocess", "60"],
    ...[
        "a = b : c",
        "100%",
        "%(home)s",
        "x # no comment",
        "x ; y",
        "=",
        ":x",
        "[x]",
        "[team]",
        "# x",
        "üñï\u00a0çø",
    ],
    ...["a\u2028b", "a\x85b\x1cc", "tab\tbetween", "\ufeff", "😀"],
];
const any = <T>(items: readonly T[]) => fc.constantFrom(...items);
const joined = (...parts: readonly fc.Arbitrary<string>[]) =>
    fc.tuple(...parts).map((texts) => texts.join(""));
const some = (arbitrary: fc.Arbitrary<string>, maxLength: number) =>
    fc.array(arbitrary, { maxLength, size: "max" });

const oddIndent = any([" ", "  ", "    ", "\t", "\t ", "\u00a0", "\x85", "\u2028\x0c", "\x1f"]);
const anyIndent = fc.oneof({ weight: 6, arbitrary: fc.constant("") }, oddIndent);
const anyTail = any(["", "", "", " ", "\t", "\u3000", "\x0b"]);
const anyDelimiter = any([" = ", "=", ": ", ":", " : ", "\t=\t", " =", "\x1c=\x85"]);
const deeper = any(["    ", "\t", " ", "        ", "\u2028 "]);

const comment = joined(
    fc.oneof(anyIndent, deeper),
    any(["# x", "; y", "#", "#a = 1", "# [global]"]),
    anyTail,
);
const blank = fc.oneof(anyIndent, deeper);
const more = joined(deeper, any(values), anyTail);
const stray = joined(oddIndent, any(values), anyTail);

/** What can stand below a key's line: nothing more often than not, and seldom what Python refuses. */
const below = fc.oneof(
    { weight: 6, arbitrary: fc.constant<string[]>([]) },
    { weight: 6, arbitrary: some(fc.oneof({ weight: 3, arbitrary: more }, comment, blank), 4) },
    { weight: 1, arbitrary: some(fc.oneof(stray, joined(any(values), anyTail)), 2) },
);

const headerLine = (name: string) =>
    joined(anyIndent, fc.constant(`[${name}]`), any(["", "", " ", " # x", "x"]));
const apposite: Record<string, readonly string[]> = {
    repository: [uploadUrl, "https://me@eu-python.pkg.dev/acme/team", "https://other.example/"],
    "extra-index-url": ["https://a.example/simple", `https://u:p@${url.slice(8)}`, url, ""],
};
const keyLine = (key: string) =>
    joined(
        anyIndent,
        fc.constant(key),
        anyDelimiter,
        fc.oneof(any(apposite[key] ?? values), any(values)),
        anyTail,
    );

/** Lines for each of some names, no name twice. */
const forEach = (
    names: readonly string[],
    maxLength: number,
    linesFor: (name: string) => fc.Arbitrary<string[]>,
) =>
    fc
        .uniqueArray(any(names), { maxLength, size: "max", selector: (name) => name.toLowerCase() })
        .chain((names) => fc.tuple(...names.map(linesFor)))
        .map((lines) => lines.flat());

const flat = (...parts: readonly fc.Arbitrary<string[]>[]) => fc.tuple(...parts).map((lines) => lines.flat());
const one = (arbitrary: fc.Arbitrary<string>) => arbitrary.map((line) => [line]);

const orderly = (sectionNames: readonly string[], keys: readonly string[]) =>
    flat(
        some(fc.oneof(comment, blank), 2),
        forEach(sectionNames, 5, (name) =>
            flat(
                one(headerLine(name)),
                some(fc.oneof(comment, blank), 1),
                forEach(keys, 4, (key) => flat(one(keyLine(key)), below)),
            ),
        ),
    );
// Names that a merge is about come first.
const apt = orderly(sectionNames.slice(0, 10), keys.slice(0, 12));

const disorderly = some(
    fc.oneof(any(sectionNames).chain(headerLine), any(keys).chain(keyLine), more, stray, comment, blank),
    10,
);

const anyFile = fc
    .record({
        lines: fc.oneof(
            { weight: 3, arbitrary: apt },
            { weight: 2, arbitrary: orderly(sectionNames, keys) },
            disorderly,
        ),
        ends: fc.oneof(
            any(ends).map((end) => [end]),
            fc.array(any(ends), { minLength: 2, maxLength: 7 }),
        ),
        unended: fc.boolean(),
    })
    .map(({ lines, ends, unended }) => {
        const text = lines.map((line, index) => line + ends[index % ends.length]!).join("");
        return (unended ? text.replace(/(?:\r\n|\r|\n)$/, "") : text).replace(/^\ufeff+/, "");
    });

const anyOurs = any([
    pipConf(),
    keyring,
    pipConf(`https://_json_key_base64:QUJD%3D@${url.slice(8)}`),
    pypirc(),
    pypirc(key),
]);

const isPypirc = (ours: string) => ours.startsWith("[distutils]");
const pipKey = (key: string) => key.replaceAll("_", "-").replace(/^--/, "");

function ofMap(sections: ReturnType<typeof readIni>): Sections {
    return Object.fromEntries([...sections].map(([name, section]) => [name, Object.fromEntries(section)]));
}

function lines(text: string): { text: string; end: string }[] {
    return (text.match(/[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+$/g) ?? []).map((line) => ({
        text: line.replace(/[\r\n]+$/, ""),
        end: /[\r\n]*$/.exec(line)![0],
    }));
}

describe("any INI file", () => {
    before(needsPython);

    it("is read or refused as Python does", () => {
        const texts: string[] = [];
        fc.assert(
            fc.property(anyFile, (text) => {
                texts.push(text);
            }),
            { numRuns: 1500 },
        );
        let refused = 0;
        for (const [index, python] of readInPython(texts).entries()) {
            const text = texts[index]!;
            if (typeof python["error"] === "string") {
                refused += 1;
                assert.throws(() => readIni(text), UnsupportedFileError, JSON.stringify(text));
            } else {
                assert.deepEqual(ofMap(readIni(text)), { ...python }, JSON.stringify(text));
                assert.deepEqual(readIni(`\ufeff${text}`), readIni(text));
            }
        }
        assert.ok(refused > 200 && refused < 1200, `${refused} refused`);
    });

    it("contains ours after the merge, and otherwise what it had", () => {
        const cases: { text: string; ours: string; after: string | undefined }[] = [];
        fc.assert(
            fc.property(anyFile, anyOurs, any(["", "\ufeff"]), (text, ours, mark) => {
                let after: string | undefined;
                try {
                    const merge = merged(mark + text, ours);
                    assert.ok(merge.text.startsWith(mark));
                    after = merge.text.slice(mark.length);
                } catch (error) {
                    if (!(error instanceof UnsupportedFileError || error instanceof NameConflictError)) {
                        throw error;
                    }
                }
                cases.push({ text, ours, after });
            }),
            { numRuns: 1500 },
        );
        const read = readInPython(cases.flatMap(({ text, ours, after = "" }) => [text, ours, after]));
        let merges = 0;
        for (const [index, { text, ours, after }] of cases.entries()) {
            const [before, mine, now] = read.slice(index * 3, index * 3 + 3) as [
                Sections,
                Sections,
                Sections,
            ];
            const told = JSON.stringify([text, ours, after], null, 1);
            if (after === undefined) {
                assert.ok(mayBeRefused(before, mine), told);
            } else {
                merges += 1;
                assert.ok(typeof before["error"] !== "string", told);
                assertMeaning(before, mine, now, told);
                assertLinesKept({ text, ours, after }, before, told);
            }
        }
        assert.ok(merges > 400, `${merges} merged`);
    });
});

/** Whether Python refuses the file, or pip, or the name is another registry's. */
function mayBeRefused(before: Sections, mine: Sections): boolean {
    if (typeof before["error"] === "string") {
        return true;
    }
    if (mine["team"] !== undefined) {
        const { repository } = before["team"] ?? {};
        return before["team"] !== undefined && withoutUserInfo(repository ?? "") !== uploadUrl.slice(0, -1);
    }
    return Object.values(before).some(
        (section) => new Set(Object.keys(section).map(pipKey)).size < Object.keys(section).length,
    );
}

// Written independently: the expected meaning of a file must not come from the code that merges.
const commands = ["download", "index", "install", "list", "lock", "wheel"];
// Python's white space: JavaScript's without the byte-order mark, and with some control characters.
const white = "(?:(?!\\ufeff)\\s|[\\x1c-\\x1f\\x85])+";
const split = (value = "") => value.split(new RegExp(white)).filter((item) => item !== "");
const strip = (text: string) => text.replace(new RegExp(`^${white}|${white}$`, "g"), "");

function normal(sections: Sections, ours: Sections): Map<string, Map<string, string>> {
    const getKey = ours["team"] === undefined ? pipKey : (key: string) => key;
    return new Map(
        Object.entries(sections).map(([name, section]) => [
            name,
            new Map(Object.entries(section).map(([key, value]) => [getKey(key), value])),
        ]),
    );
}

/** Compares what Python reads before and after: each section's own and inherited values. */
function assertMeaning(before: Sections, mine: Sections, now: Sections, told: string): void {
    const [old, ours, after] = [normal(before, mine), normal(mine, mine), normal(now, mine)];
    const twine = ours.has("team");
    const list = twine ? "index-servers" : "extra-index-url";
    const lists = twine ? ["distutils"] : ["global", ...commands];
    for (const name of new Set([...old.keys(), ...after.keys()])) {
        const [was, is] = [old.get(name), after.get(name)];
        assert.ok(is, told);
        const defaults = old.get("DEFAULT") ?? new Map<string, string>();
        const wanted = new Map([...defaults, ...(was ?? [])]);
        for (const [key, value] of ours.get(name) ?? []) {
            wanted.set(key, value);
        }
        if (twine && name === "team") {
            for (const key of ["username", "password"].filter((key) => !ours.get(name)?.has(key))) {
                wanted.delete(key);
                if (defaults.has(key)) {
                    wanted.set(key, defaults.get(key)!);
                }
            }
        }
        // A new section has DEFAULT's values, unless it comes with its own.
        const listWas = (was ?? (ours.get(name)?.has(list) === true ? undefined : defaults))?.get(list);
        const listIs = is.get(list);
        wanted.delete(list);
        const rest = new Map(is);
        rest.delete(list);
        assert.deepEqual(rest, wanted, told);

        const item = twine ? "team" : ours.get("global")!.get(list)!;
        const same = (other: string) =>
            twine ? other === item : withoutUserInfo(other) === withoutUserInfo(item);
        const gains = lists.includes(name) && (ours.has(name) || split(listWas).length > 0);
        if (gains) {
            const items = split(listWas).map((other) => (same(other) ? item : other));
            const assumed =
                twine && was?.has(list) !== true ? ["pypi", "testpypi"].filter((n) => old.has(n)) : [];
            assert.deepEqual(
                split(listIs),
                [...items, ...(items.includes(item) ? [] : [item]), ...assumed],
                told,
            );
        } else if (listIs !== listWas) {
            // Only by inheriting a longer list, from a section in which it is effective.
            assert.equal(listWas, defaults.get(list), told);
            assert.equal(listIs, after.get("DEFAULT")?.get(list), told);
            assert.ok(
                lists.some((name) => old.has(name) && old.get(name)?.get(list) === listWas),
                told,
            );
        }
    }
}

/** Every line that went was of a value of ours, and every line that came is of ours. */
function assertLinesKept(
    { text, ours, after }: { text: string; ours: string; after: string },
    before: Sections,
    told: string,
): void {
    const keyOf = isPypirc(ours) ? (key: string) => key : pipKey;
    const names = isPypirc(ours)
        ? ["index-servers", "repository", "username", "password"]
        : ["extra-index-url", "keyring-provider"];
    const changeable = new Set(
        Object.values(before).flatMap((section) =>
            Object.entries(section)
                .filter(([key]) => names.includes(keyOf(key)))
                .flatMap(([, value]) => value.split("\n")),
        ),
    );
    const ourKey = (line: string) => names.includes(keyOf(strip(line.split(/[=:]/)[0]!).toLowerCase()));
    const changes = diffArrays(lines(text), lines(after), {
        comparator: (a, b) =>
            a.text === b.text &&
            (a.end === b.end || a.end === "" || (a.text === "" && a.end === "\n" && b.end === "\r\n")),
    });
    for (const { value } of changes.filter(({ removed }) => removed)) {
        for (const line of value) {
            const content = strip(line.text);
            assert.ok(
                ourKey(line.text) || (content !== "" && changeable.has(content)),
                `${told}\n${line.text}`,
            );
        }
    }
    const known = new Set([...lines(ours).map((line) => line.text.trim()), "", "pypi", "testpypi", url]);
    for (const { value } of changes.filter(({ added }) => added)) {
        for (const line of value) {
            const content = strip(line.text);
            assert.ok(
                known.has(content) || ourKey(line.text) || split(content).some((item) => ours.includes(item)),
                `${told}\n${line.text}`,
            );
        }
    }
}
