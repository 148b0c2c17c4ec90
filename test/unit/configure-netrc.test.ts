import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { UnsupportedFileError } from "../../configure/formats/merge";
import { mergeNetrc } from "../../configure/formats/netrc";
import { needsPython } from "./python";

const host = "europe-west1-python.pkg.dev";
const secret = "ya29.s3cret-new";
const ours = `machine ${host} login oauth2accesstoken password ${secret}\n`;
const merged = (existing: string) => mergeNetrc(existing, ours).text;

describe("an entry is added to a .netrc", () => {
    for (const [what, existing, result] of [
        ["an empty file", "", ours],
        ["at the end", "machine a login b password c\n", `machine a login b password c\n${ours}`],
        [
            "after a last line without its end",
            "machine a login b password c",
            `machine a login b password c\n${ours}`,
        ],
        [
            "with the line endings of the file",
            "machine a\r\n\tlogin b\r\n\tpassword c\r\n",
            `machine a\r\n\tlogin b\r\n\tpassword c\r\n${ours.replace("\n", "\r\n")}`,
        ],
        [
            "before the default entry",
            "machine a login b password c\n\n  default\n  login x password y\n",
            `machine a login b password c\n\n${ours}  default\n  login x password y\n`,
        ],
        [
            "before a default entry in the middle of a line",
            "machine a login b password c default login x password y\n",
            `machine a login b password c ${ours}default login x password y\n`,
        ],
        [
            "after a macro, whose lines are no entries",
            `macdef init\nmachine ${host} login me\ndefault\n\nmachine a login b\n`,
            `macdef init\nmachine ${host} login me\ndefault\n\nmachine a login b\n${ours}`,
        ],
        [
            "after a comment",
            `machine a login b password c # default\n# machine ${host} login me password x\n`,
            `machine a login b password c # default\n# machine ${host} login me password x\n${ours}`,
        ],
        ["after a number sign alone, past which Python 3.10 reads nothing", "# a\n#\n", `# a\n#\n\n${ours}`],
        [
            "as the new password of the same login",
            `# mine\nmachine  ${host}\n  login oauth2accesstoken # old\n  account x\n  password "o l\\"d"\nmachine a login b\n`,
            `# mine\nmachine  ${host}\n  login oauth2accesstoken # old\n  account x\n  password "${secret}"\nmachine a login b\n`,
        ],
        [
            "as the password of a login without one",
            `machine ${host} login "oauth2accesstoken"machine a login b password c`,
            `machine ${host} login "oauth2accesstoken" password "${secret}"machine a login b password c`,
        ],
        [
            "as the password of each entry with the same login",
            `machine ${host} user oauth2accesstoken password 1\ndefault login x password y\nmachine ${host} password 2 login oauth2accesstoken\n`,
            `machine ${host} user oauth2accesstoken password ${secret}\ndefault login x password y\nmachine ${host} password ${secret} login oauth2accesstoken\n`,
        ],
    ] as const) {
        it(what, () => {
            assert.equal(merged(existing), result);
            assert.equal(merged(result), result, "a second time changes nothing");
            assert.deepEqual(mergeNetrc(existing, ours).notices, []);
        });
    }

    it("after a byte-order mark, and reports that Python does not accept the file", () => {
        const { text, notices } = mergeNetrc("\ufeffmachine a login b password c\n", ours);
        assert.equal(text, `\ufeffmachine a login b password c\n${ours}`);
        assert.match(notices.join(), /byte-order mark/);
    });
});

describe("a .netrc is not changed", () => {
    for (const [why, existing, line, reason] of [
        [
            "the host has a different login",
            `\nmachine ${host} login me-s3cret password x\n`,
            2,
            /different login/,
        ],
        ["the host has no login", `machine ${host} password s3cret\n`, 1, /different login/],
        [
            "one of the host's entries has a different login",
            `${ours}machine ${host} login me\n`,
            2,
            /different login/,
        ],
        ["a word is unknown", "machine a login b\npasswort s3cret\n", 2, /expect an entry/],
        ["the file is something else", "[s3cret]\n", 1, /expect an entry/],
        ["a comment comes after an empty line", "machine a login b\r\n\r\n# s3cret words\r\n", 3, /comment/],
        ["a first comment has no blank after its sign", "#s3cret words\n", 1, /comment/],
        ["a macro has no end", "machine a login b\nmacdef s3cret\ncd s3cret\n", 2, /macro/],
        ["a quotation mark is not closed", 'machine a login b\npassword "s3cret\n\n', 2, /not closed/],
        ["a backslash ends it", "machine a password s3cret\\", 1, /backslash/],
        ["a value is missing", "machine a login s3cret\n  password\n", 2, /missing/],
        ["a name is missing", "\nmachine", 2, /missing/],
        ["a name is empty", 'machine "" login s3cret\n', 1, /missing/],
        ["an empty word ends it for Python", 'machine a login s3cret\n""\nmachine b\n', 2, /empty quotation/],
    ] as const) {
        it(why, () => {
            assert.throws(
                () => merged(existing),
                (error: unknown) => {
                    assert.ok(error instanceof UnsupportedFileError);
                    assert.equal(error.line, line);
                    assert.match(error.message, reason);
                    assert.doesNotMatch(error.message, /s3cret/);
                    return true;
                },
            );
        });
    }
});

/** What Python's netrc reads from each file, given as base64: its hosts and macros, or nothing if it refuses it. */
const reader = `
import base64, io, json, netrc, sys
def read(content):
    # Opened as a file is, but for the disk.
    netrc.open = lambda file, encoding: io.TextIOWrapper(io.BytesIO(base64.b64decode(content)), encoding)
    try:
        found = netrc.netrc("file")
    except netrc.NetrcParseError:
        return None
    return {"hosts": found.hosts, "macros": found.macros}
json.dump([read(content) for content in json.load(sys.stdin)], sys.stdout)
`;

interface Read {
    readonly hosts: Record<string, [login: string | null, account: string | null, password: string | null]>;
    readonly macros: Record<string, string[]>;
}

function readNetrc(texts: readonly string[]): (Read | null)[] {
    const output = execFileSync("python3", ["-c", reader], {
        input: JSON.stringify(texts.map((text) => Buffer.from(text).toString("base64"))),
        encoding: "utf8",
        maxBuffer: 1 << 28,
    });
    return JSON.parse(output) as (Read | null)[];
}

describe("Python's netrc", () => {
    before(needsPython);

    const gap = fc.constantFrom(" ", " ", "\t", "\n", "\n    ", "  ", "\n\n");
    const word = fc.oneof(
        { weight: 3, arbitrary: fc.stringMatching(/^[a-z0-9.@%=+/_-]{1,8}$/) },
        fc.constantFrom(
            "#c",
            '"two words"',
            '"q\\"uote"',
            "back\\ slash",
            "größe",
            '"#"',
            "machine",
            "default",
            '"\\\\"',
            "a\\\nb",
        ),
    );
    const name = fc.oneof(fc.constantFrom("a", "b.example", '"c"'), word);
    const attribute = fc
        .tuple(fc.constantFrom("login", "user", "account", "password"), gap, word)
        .map((parts) => parts.join(""));
    const comment = fc.constantFrom(
        "# a comment\n",
        "#\n",
        "#word\n",
        "# default\n",
        "#two words\n",
        '# "\n',
        "\n# a b\n",
    );
    const attributes = fc
        .array(fc.tuple(gap, fc.oneof({ weight: 4, arbitrary: attribute }, comment)), { maxLength: 4 })
        .map((all) => all.flat().join(""));
    const entry = fc.oneof(
        {
            weight: 4,
            arbitrary: fc.tuple(fc.constant("machine"), gap, name, attributes).map((parts) => parts.join("")),
        },
        { weight: 1, arbitrary: attributes.map((all) => `default${all}`) },
        {
            weight: 2,
            arbitrary: fc
                .constantFrom("oauth2accesstoken", '"oauth2accesstoken"', "me")
                .map((login) => `machine ${host}\n login ${login} password "old one"`),
        },
        fc.constantFrom("macdef init\ncd /x\nmachine y\n\n", "macdef m \n", "macdef open\nx"),
        comment,
        fc.constantFrom('""', "junk", "login x"),
    );
    const file = fc
        .tuple(
            fc.array(fc.tuple(entry, fc.constantFrom("\n", "\n", "\n", " ", "", "\n\n")), { maxLength: 6 }),
            fc.constantFrom("\n", "\n", "\r\n", "\r"),
        )
        .map(([parts, end]) => parts.flat().join("").replaceAll("\n", end));

    it("reads the earlier entries, and ours", function () {
        if (readNetrc(["machine a login b\n"])[0] === null) {
            // Python 3.10 has another reader: it wants a password in each entry.
            console.log("    skipped: this Python's netrc is older than the one that is agreed with (3.11)");
            this.skip();
        }
        const samples = fc.sample(file, { numRuns: 2000, seed: 20261122 });
        const results = samples.map((text) => {
            try {
                return merged(text);
            } catch (error) {
                assert.ok(error instanceof UnsupportedFileError);
                return undefined;
            }
        });
        const before = readNetrc(samples);
        const after = readNetrc(results.map((text) => text ?? ""));
        let compared = 0;
        samples.forEach((sample, index) => {
            const [was, is, result] = [before[index], after[index], results[index]];
            const shown = JSON.stringify([sample, result]);
            if (result === undefined) {
                const login = was?.hosts[host]?.[0];
                const unsafe = /""|"[^"]*$|\\$|(?:login|user|account|password|#)\s*$/.test(sample);
                assert.ok(!was || login !== undefined || unsafe, `refused, but Python reads it: ${shown}`);
                return;
            }
            assert.ok(was && is, `not refused, but Python does: ${shown}`);
            const account = was.hosts[host]?.[1] ?? "";
            assert.deepEqual(
                is,
                { ...was, hosts: { ...was.hosts, [host]: ["oauth2accesstoken", account, secret] } },
                shown,
            );
            assert.equal(merged(result), result, `a second time changes something: ${shown}`);
            if (!(host in was.hosts)) {
                const line = ours.replace("\n", "");
                assert.ok(result.includes(line));
                const rest = result.split(line).join("");
                assert.equal(rest.replaceAll(/[\r\n]/g, ""), sample.replaceAll(/[\r\n]/g, ""), shown);
            }
            compared++;
        });
        assert.ok(compared > 500, `only ${compared} files were compared`);
    });
});
