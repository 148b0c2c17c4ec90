import assert from "node:assert/strict";
import fc from "fast-check";
import { UnsupportedFileError } from "../../packages/configure/src/formats/merge";
import { mergeNetrc } from "../../packages/configure/src/formats/netrc";
import { host, netrcFile, readByPython, readsLikePython311 } from "./netrc-files";
import { needsPython } from "./python";

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

describe("Python's netrc", () => {
    before(needsPython);

    it("reads the earlier entries, and ours", function () {
        if (!readsLikePython311()) {
            console.log("    skipped: this Python's netrc is older than the one that is agreed with (3.11)");
            this.skip();
        }
        const samples = fc.sample(netrcFile, { numRuns: 2000, seed: 20261122 });
        const results = samples.map((text) => {
            try {
                return merged(text);
            } catch (error) {
                assert.ok(error instanceof UnsupportedFileError);
                return undefined;
            }
        });
        const before = readByPython(samples);
        const after = readByPython(results.map((text) => text ?? ""));
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
