import { strict as assert } from "node:assert";
import fc from "fast-check";
import { formats } from "../../configure/formats/formats";
import { mergeIni } from "../../configure/formats/ini-merge";
import type { Format } from "../../configure/formats/merge";
import { revertEdit } from "../../configure/formats/revert-edit";

function taken(
    original: string,
    written: string,
    current: string,
    format: Format = "ini",
): { text: string; left: number } {
    const { content, left } = revertEdit(
        Buffer.from(original, "latin1"),
        Buffer.from(written, "latin1"),
        Buffer.from(current, "latin1"),
        formats[format].syntax,
    );
    return { text: content.toString("latin1"), left };
}

/** A result without lines of ours. */
function clean(text: string) {
    return { text, left: 0 };
}

describe("reverting our edit of a file", () => {
    it("returns the original if the user edited nothing", () => {
        assert.deepEqual(taken("a\nb\n", "a\nours\nb\n", "a\nours\nb\n"), clean("a\nb\n"));
        assert.deepEqual(taken("", "ours\n", "ours\n"), clean(""));
        assert.deepEqual(taken("a\nold\nb", "a\nours\nb", "a\nours\nb"), clean("a\nold\nb"));
    });

    it("keeps edits next to ours", () => {
        assert.deepEqual(
            taken("a\nb\n", "a\nours\nb\n", "a2\nnew\nours\nnewer\nb2\n"),
            clean("a2\nnew\nnewer\nb2\n"),
        );
    });

    it("keeps edits between two lines of ours", () => {
        assert.deepEqual(taken("a\nb\n", "1\n2\n", "1\nnew\n2\n"), clean("a\nnew\nb\n"));
        assert.deepEqual(taken("b\n", "1\n2\nb\n", "1\nnew\n2\nb\n"), clean("new\nb\n"));
    });

    it("restores what ours replaced, next to what the user added", () => {
        assert.deepEqual(
            taken(
                "[global]\nextra-index-url = https://a\n",
                "[global]\nextra-index-url =\n    https://a\n    https://ours\n",
                "[global]\nextra-index-url =\n    https://a\n    https://ours\n    https://b\ntimeout = 3\n",
            ),
            clean("[global]\nextra-index-url = https://a\n    https://b\ntimeout = 3\n"),
        );
    });

    it("restores what we only removed", () => {
        assert.deepEqual(taken("a\nold\nb\n", "a\nb\n", "new\na\nb\n"), clean("new\na\nold\nb\n"));
        assert.deepEqual(taken("a\nold\n", "a\n", "a2\n"), clean("a2\nold\n"));
    });

    it("keeps a line of ours that was changed, and counts it", () => {
        assert.deepEqual(taken("a\n", "a\nours = 1\nours = 2\n", "a\nours = 1\nmine = 2\n"), {
            text: "a\nmine = 2\n",
            left: 1,
        });
        assert.deepEqual(taken("a\nold = 1\n", "a\nours = 1\n", "a\nmine = 1\n"), {
            text: "a\nmine = 1\n",
            left: 1,
        });
    });

    it("does not restore what ours replaced if the user removed ours", () => {
        assert.deepEqual(taken("a\nold\nb\n", "a\nours\nb\n", "a\nb\n"), clean("a\nb\n"));
    });

    it("finds lines of ours that were moved", () => {
        assert.deepEqual(
            taken(
                "[a]\nx = 1\n",
                "[a]\nx = 1\n[ours]\ny = 2\nz = 3\n",
                "[ours]\ny = 2\nz = 3\n[a]\nx = 1\nw = 4\n",
            ),
            clean("[a]\nx = 1\nw = 4\n"),
        );
        assert.deepEqual(taken("a\nb\nc\n", "a\nb\nc\nours\n", "ours\na\nb\nc\n"), clean("a\nb\nc\n"));
    });

    describe("a user's line that depends on a line of ours", () => {
        it("keeps the header of its section", () => {
            assert.deepEqual(
                taken(
                    "[pypi]\nusername = me\n",
                    "[pypi]\nusername = me\n[ours]\nrepository = x\n",
                    "[pypi]\nusername = me\n[ours]\nrepository = x\nusername = you\n",
                ),
                { text: "[pypi]\nusername = me\n[ours]\nusername = you\n", left: 1 },
            );
        });

        it("keeps the key that it continues, and that key's section", () => {
            assert.deepEqual(
                taken(
                    "[a]\nb = 1\n",
                    "[a]\nb = 1\n[ours]\nlist =\n    1\n",
                    "[a]\nb = 1\n[ours]\nlist =\n    1\n    2\n",
                ),
                { text: "[a]\nb = 1\n[ours]\nlist =\n    2\n", left: 2 },
            );
        });

        it("keeps both ends of its list", () => {
            assert.deepEqual(
                taken(
                    "a = 1\n",
                    "a = 1\nb = [\n  1,\n]\nc = 2\n",
                    "a = 1\nb = [\n  1,\n  2,\n]\nc = 2\n",
                    "toml",
                ),
                {
                    text: "a = 1\nb = [\n  2,\n]\n",
                    left: 2,
                },
            );
        });

        it("keeps the machine of a .netrc", () => {
            assert.deepEqual(
                taken(
                    "machine a\nlogin me\n",
                    "machine a\nlogin me\nmachine ours\nlogin x\n",
                    "machine a\nlogin me\nmachine ours\nlogin x\naccount mine\n",
                    "netrc",
                ),
                { text: "machine a\nlogin me\nmachine ours\naccount mine\n", left: 1 },
            );
        });

        it("is not a comment, a blank line, or a section of the user's", () => {
            assert.deepEqual(
                taken("a\n", "a\n[ours]\nx = 1\n", "a\n[ours]\n# why\nx = 1\n\n[mine]\ny = 2\n"),
                clean("a\n# why\n\n[mine]\ny = 2\n"),
            );
        });
    });

    describe("the end of the file", () => {
        it("has no line end again if only ours came after it", () => {
            assert.deepEqual(taken("a", "a\nours\n", "new\na\nours\n"), clean("new\na"));
            assert.deepEqual(taken("a", "a\nours\n", "a2\nours\n"), clean("a2"));
            assert.deepEqual(taken("a", "ours\na\n", "new\nours\na\n"), clean("new\na"));
        });

        it("has a line end if the user added lines", () => {
            assert.deepEqual(taken("a", "a\nours\n", "a\nours\nnew\n"), clean("a\nnew\n"));
            assert.deepEqual(taken("a", "a\nours\n", "a\nours\nnew"), clean("a\nnew"));
            assert.deepEqual(taken("a\nold", "a\nours", "a\nours\nnew\n"), clean("a\nold\nnew\n"));
        });
    });

    describe("a file that an editor converted", () => {
        const original = "[a]\nold = 1\n\nend = 1\n";
        const written = "[a]\nours = 1\n\nend = 1\n[ours]\nx = 1\n";
        it("to other line endings", () => {
            assert.deepEqual(
                taken(original, written, written.replaceAll("\n", "\r\n")),
                clean(original.replaceAll("\n", "\r\n")),
            );
            assert.deepEqual(
                taken(original.replaceAll("\n", "\r\n"), written.replaceAll("\n", "\r\n"), written),
                clean(original),
            );
        });

        it("to other indentation or spacing", () => {
            const spaced = (text: string) => text.replaceAll("\n", "  \n").replaceAll(" = ", "=");
            assert.deepEqual(
                taken(original, written, spaced(written)),
                clean(spaced(original).replace("old=1  ", "old = 1")),
            );
        });

        it("by a byte-order mark", () => {
            assert.deepEqual(taken("", "[ours]\nx = 1\n", "\xef\xbb\xbf[ours]\r\nx = 1\r\n"), clean(""));
        });
    });

    it("returns the user's edits of other lines, applied to the original", () => {
        // A file as a row of pieces, each in the original, in what we wrote, in what the user made of it, or in some.
        const word = fc.string({
            unit: fc.constantFrom(..."abc=[]# \t\x80\xff\xa0\x85\0".split("")),
            maxLength: 6,
        });
        const kept = fc.record({
            is: fc.constant("kept"),
            word,
            edit: fc.constantFrom("none", "none", "changed", "deleted"),
        });
        const ours = fc.record({
            is: fc.constantFrom("put in", "replaced"),
            word,
            edit: fc.constant("none"),
        });
        // A comment, because ours must stay above a key that depends on it.
        const added = fc.record({
            is: fc.constant("added"),
            word: word.map((text) => `#${text}`),
            edit: fc.constant("none"),
        });
        const piece = fc.oneof({ weight: 3, arbitrary: kept }, ours, added);
        fc.assert(
            fc.property(
                fc.array(piece, { maxLength: 14 }),
                fc.constantFrom("\n", "\r\n"),
                fc.boolean(),
                fc.constantFrom(undefined, "\n", "\r\n"),
                fc.constantFrom<Format>("ini", "toml", "netrc"),
                (pieces, ending, open, converted, format) => {
                    const rows: { original?: string; written?: string; current?: string; result?: string }[] =
                        [];
                    let last = "";
                    for (const [number, { is, word, edit }] of pieces.entries()) {
                        // Lines of two kinds of ours side by side cannot be told apart: a line of the user's between.
                        if (
                            last !== is &&
                            [last, is].every((each) => ["put in", "replaced"].includes(each))
                        ) {
                            const between = `between ${number}`;
                            rows.push({
                                original: between,
                                written: between,
                                current: between,
                                result: between,
                            });
                        }
                        if (is !== "added") last = is;
                        const line = `${word}${number}`;
                        const user = edit === "none" ? { current: line, result: line } : {};
                        const mine = { current: `#${line}`, result: `#${line}` };
                        rows.push(
                            is === "kept"
                                ? { original: line, written: line, ...(edit === "changed" ? mine : user) }
                                : is === "added"
                                  ? { current: line, result: line }
                                  : is === "put in"
                                    ? { written: `ours ${line}`, current: `ours ${line}` }
                                    : {
                                          original: line,
                                          result: line,
                                          written: `ours ${line}`,
                                          current: `ours ${line}`,
                                      },
                        );
                    }
                    const text = (which: "original" | "written" | "current" | "result", end: string) => {
                        const lines = rows.flatMap((row) => row[which] ?? []);
                        return lines.map((line, n) => line + (n < lines.length - 1 ? ending : end)).join("");
                    };
                    const lastRow = (which: "original" | "written" | "current" | "result") =>
                        rows.findLastIndex((row) => row[which] !== undefined);
                    const endOfOriginal = open ? "" : ending;
                    // A file without a last line end gets one if lines are added after it.
                    const isLonger = lastRow("written") > lastRow("original");
                    const written = text("written", isLonger ? ending : endOfOriginal);
                    const goesOn = lastRow("current") > lastRow("written");
                    const current = text("current", isLonger || goesOn ? ending : endOfOriginal);
                    const wentOn = lastRow("result") > Math.max(lastRow("original"), lastRow("written"));
                    const original = text("original", endOfOriginal);
                    // Where the last line was deleted, how the file then ends is anybody's guess.
                    const atEnd = rows[lastRow("original")];
                    fc.pre(!open || (atEnd !== undefined && atEnd.result !== undefined));
                    const convert = (each: string) => (converted ? each.replace(/\r?\n/g, converted) : each);
                    assert.deepEqual(
                        taken(original, written, convert(current), format),
                        clean(convert(text("result", wentOn ? ending : endOfOriginal))),
                    );
                },
            ),
            { numRuns: 2000 },
        );
    });

    it("removes what was added to a pip.conf", () => {
        const line = fc.constantFrom(
            "[global]",
            "[install]",
            "timeout = 60",
            "index-url = https://a/simple",
            "extra-index-url = https://b/simple",
            "extra-index-url =",
            "    https://c/simple",
            "# comment",
            "",
        );
        const ours = "[global]\nextra-index-url = https://ours.example/simple/\n";
        let merged = 0;
        fc.assert(
            fc.property(
                fc.array(line, { maxLength: 8 }),
                fc.boolean(),
                fc.array(fc.nat(100), { maxLength: 3 }),
                (lines, open, comments) => {
                    const original = lines.join("\n") + (open || lines.length === 0 ? "" : "\n");
                    let written: string;
                    try {
                        written = mergeIni(original, ours).text;
                    } catch {
                        return;
                    }
                    merged++;
                    const rows = written.split(/(?<=\n)/);
                    // Only ahead of what was there before, where both files have the same place for it.
                    let same = 0;
                    while (same < rows.length && original.startsWith(rows.slice(0, same + 1).join("")))
                        same++;
                    const edited = [...rows];
                    for (const place of comments) edited.splice(place % (same + 1), 0, `# new ${place}\n`);
                    const head = edited.slice(0, same + comments.length).join("");
                    const expected = head + original.slice(rows.slice(0, same).join("").length);
                    assert.deepEqual(taken(original, written, edited.join("")), clean(expected));
                },
            ),
            { numRuns: 1000 },
        );
        assert.ok(merged > 50, "hardly any file was one");
    });
});
