import assert from "node:assert/strict";
import { action, unifiedDiff } from "../../packages/configure/src/report";
import type { Plan } from "../../packages/configure/src/journal/journal";

const plan = (before: string | undefined, after: string | undefined) =>
    ({
        path: "/home/josé d/.pypirc",
        before: before === undefined ? undefined : Buffer.from(before),
        after: after === undefined ? undefined : Buffer.from(after),
        previousEdits: [],
        edits: [{ format: "ini" }],
    }) as unknown as Plan;

describe("configure: what it reports", () => {
    it("is a unified diff", () => {
        assert.equal(
            unifiedDiff(
                plan(
                    "[distutils]\nindex-servers =\n    pypi\n",
                    "[distutils]\nindex-servers =\n    pypi\n    python\n",
                ),
                [],
            ),
            "--- /home/josé d/.pypirc\n+++ /home/josé d/.pypirc\n@@ -1,3 +1,4 @@\n [distutils]\n index-servers =\n     pypi\n+    python\n",
        );
        assert.match(
            unifiedDiff(plan(undefined, "a\n"), []),
            /^--- \/dev\/null\n\+\+\+ \/home\/josé d\/\.pypirc\n@@ -0,0 \+1,1 @@\n\+a\n$/,
        );
        assert.match(
            unifiedDiff(plan("a\n", undefined), []),
            /^--- \/home\/josé d\/\.pypirc\n\+\+\+ \/dev\/null\n/,
        );
    });

    it("shows that a password changes, but neither the old nor the new one", () => {
        const patch = unifiedDiff(plan("[a]\npassword: old-one\n", "[a]\npassword: new-one\n"), ["new-one"]);
        assert.match(patch, /\n-password: \*{8}\n\+password: \*{8} \(new\)\n$/);
    });

    it("is a word for what happens to a file", () => {
        assert.equal(action(plan(undefined, "a")), "created");
        assert.equal(action(plan("a", "b")), "changed");
        assert.equal(action(plan("a", "a")), "unchanged");
        assert.equal(action(plan("a", undefined)), "removed");
        assert.equal(action(plan(undefined, undefined)), "unchanged");
    });
});
