import assert from "node:assert/strict";
import fc from "fast-check";
import { holdsCredential, maskCredentials, printable } from "../../packages/configure/src/registry/masking";

describe("configure: masking credentials", () => {
    for (const [text, shown] of [
        ["https://user:s3cret@example.com/simple/", "https://user:********@example.com/simple/"],
        ["https://pypi-AgEI@example.com/simple/", "https://********@example.com/simple/"],
        ["https://oauth2accesstoken@h.pkg.dev/", "https://oauth2accesstoken@h.pkg.dev/"],
        ["https://u:${TOKEN}@h.pkg.dev/", "https://u:${TOKEN}@h.pkg.dev/"],
        ["password: s3cret", "password: ********"],
        ["  password = s3 cret", "  password = ********"],
        ["password =\n    s3cret", "password =\n    ********"],
        ['  "api_key": "s3cret"', '  "api_key": ********'],
        ['auth = "s3cret"', "auth = ********"],
        ['authenticate = "always"', 'authenticate = "always"'],
        ["machine h login u password s3cret", "machine h login u password ********"],
        ["UV_PUBLISH_TOKEN=s3cret", "UV_PUBLISH_TOKEN=********"],
        ["machine h\n  login u\n  password\n   s3cret", "machine h\n  login u\n  password\n   ********"],
        ['machine h login u password "s3 cret"', 'machine h login u password "********"'],
        ["# the password is in the vault", "# the password is in the vault"],
        [
            "https://_json_key_base64:ab/cd+ef==@h.pkg.dev/p/",
            "https://_json_key_base64:********@h.pkg.dev/p/",
        ],
        ["https://example.com/a@1.0/", "https://example.com/a@1.0/"],
        ["pass = s3cret", "pass = ********"],
        ["username: me", "username: me"],
    ] as const) {
        it(`masks what must be masked in ${text.replaceAll("\n", "⏎")}`, () => {
            assert.equal(maskCredentials(text), shown);
            assert.equal(holdsCredential(text), text !== shown);
        });
    }

    it("are found with the parser of the file's format", () => {
        assert.equal(
            maskCredentials("[a]\npassword =\n    first-s3cret\n    second-s3cret\nuser = x\n", "ini"),
            "[a]\npassword =\n    ********\n    ********\nuser = x\n",
        );
        assert.equal(
            maskCredentials(
                '[pypi-token]\npypi = "s3cret"\n[http-basic.a]\nusername = "me-myself"\npassword = \'s3cret2\'\n',
                "toml",
            ),
            '[pypi-token]\npypi = "********"\n[http-basic.a]\nusername = "me-myself"\npassword = ********\n',
        );
        assert.equal(
            maskCredentials('x.token = """\ns3cret-1\ns3cret-2"""\n', "toml").includes("s3cret"),
            false,
        );
        assert.ok(holdsCredential('[pypi-token]\npypi = "s3cret"\n', "toml"));
        assert.ok(!holdsCredential('keyring-provider = "subprocess"\n[[index]]\nname = "python"\n', "toml"));
    });

    it("are marked if they are new", () => {
        assert.equal(
            maskCredentials("https://u:s3cret@h/", "ini", [], "https://u:older@h/"),
            "https://u:******** (new)@h/",
        );
    });

    it("and control characters are removed from the output of other programs", () => {
        assert.equal(printable("\u001b[2Jerror: token: s3cret\n"), "[2Jerror: token: ********");
    });

    it("never shows a given credential, in any text", () => {
        const secret = fc.stringMatching(/^[\w+/=.-]{8,40}$/);
        fc.assert(
            fc.property(secret, fc.string(), fc.string(), (credential, before, after) => {
                const text = `${before}${credential}${after}${encodeURIComponent(credential)}`;
                const shown = maskCredentials(text, undefined, [credential]);
                assert.ok(!shown.includes(credential));
                assert.ok(!shown.includes(encodeURIComponent(credential)));
            }),
        );
    });
});
