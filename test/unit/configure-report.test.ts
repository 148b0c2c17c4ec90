import assert from "node:assert/strict";
import fc from "fast-check";
import { deed, holdsCredential, unifiedDiff, withoutCredentials } from "../../configure/report";
import type { Plan } from "../../configure/journal";

const plan = (before: string | undefined, after: string | undefined) =>
    ({
        path: "/home/dev/.pypirc",
        before: before === undefined ? undefined : Buffer.from(before),
        after: after === undefined ? undefined : Buffer.from(after),
    }) as Plan;

describe("configure: what is shown", () => {
    it("is a unified diff", () => {
        assert.equal(
            unifiedDiff(
                plan(
                    "[distutils]\nindex-servers =\n    pypi\n",
                    "[distutils]\nindex-servers =\n    pypi\n    python\n",
                ),
                [],
            ),
            "--- /home/dev/.pypirc\n+++ /home/dev/.pypirc\n@@ -1,3 +1,4 @@\n [distutils]\n index-servers =\n     pypi\n+    python\n",
        );
        assert.match(
            unifiedDiff(plan(undefined, "a\n"), []),
            /^--- \/dev\/null\n\+\+\+ \/home\/dev\/\.pypirc\n@@ -0,0 \+1,1 @@\n\+a\n$/,
        );
        assert.match(
            unifiedDiff(plan("a\n", undefined), []),
            /^--- \/home\/dev\/\.pypirc\n\+\+\+ \/dev\/null\n/,
        );
    });

    it("shows a new password as a change, and neither the old nor the new one", () => {
        const patch = unifiedDiff(plan("[a]\npassword: old-one\n", "[a]\npassword: new-one\n"), ["new-one"]);
        assert.match(patch, /\n-password: \*{8}\n\+password: \*{8}\n$/);
    });

    it("is a word for what happens to a file", () => {
        assert.equal(deed(plan(undefined, "a")), "created");
        assert.equal(deed(plan("a", "b")), "changed");
        assert.equal(deed(plan("a", "a")), "unchanged");
        assert.equal(deed(plan("a", undefined)), "removed");
        assert.equal(deed(plan(undefined, undefined)), "unchanged");
    });

    for (const [text, shown] of [
        ["https://user:s3cret@example.com/simple/", "https://user:********@example.com/simple/"],
        ["https://pypi-AgEI@example.com/simple/", "https://********@example.com/simple/"],
        ["https://oauth2accesstoken@h.pkg.dev/", "https://oauth2accesstoken@h.pkg.dev/"],
        ["https://u:${TOKEN}@h.pkg.dev/", "https://u:${TOKEN}@h.pkg.dev/"],
        ["password: s3cret", "password: ********"],
        ["+password = s3 cret", "+password = ********"],
        ["password =\n+    s3cret", "password =\n+    ********"],
        ['  "api_key": "s3cret"', '  "api_key": ********'],
        ['auth = "s3cret"', "auth = ********"],
        ['authenticate = "always"', 'authenticate = "always"'],
        ["machine h login u password s3cret", "machine h login u password ********"],
        ["UV_PUBLISH_TOKEN=s3cret", "UV_PUBLISH_TOKEN=********"],
        [
            "machine h\n+  login u\n+  password\n+   s3cret",
            "machine h\n+  login u\n+  password\n+   ********",
        ],
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
            assert.equal(withoutCredentials(text, []), shown);
            assert.equal(holdsCredential(text), text !== shown);
        });
    }

    it("never has a given credential in it, whatever it stands in", () => {
        const secret = fc.stringMatching(/^[\w+/=.-]{8,40}$/);
        fc.assert(
            fc.property(secret, fc.string(), fc.string(), (credential, before, after) => {
                const text = `${before}${credential}${after}${encodeURIComponent(credential)}`;
                const shown = withoutCredentials(text, [credential]);
                assert.ok(!shown.includes(credential));
                assert.ok(!shown.includes(encodeURIComponent(credential)));
            }),
        );
    });
});
