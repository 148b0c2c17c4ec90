import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";

// Texts are in plain English, in the style of https://developers.google.com/style: a reader whose first language is not
// English understands them at the first reading. These words and phrases were replaced once and must not come back.

const root = join(__dirname, "..", "..");

/** The files that are checked, relative to the project's folder: all texts but this file, which lists the phrases. */
const files = ["", "docs", "src", "packages", "examples", "test"]
    .flatMap((folder) =>
        readdirSync(join(root, folder), { recursive: folder !== "", withFileTypes: true })
            .filter((entry) => entry.isFile() && /\.(md|ya?ml|ts|cjs|mjs)$/.test(entry.name))
            .map(({ parentPath, name }) => relative(root, join(parentPath, name))),
    )
    .filter((file) => file !== relative(root, __filename) && !/\b(?:node_modules|dist)\//.test(file));

/** What not to write, and what to write instead. A space in a pattern also matches a line break. */
const rules: readonly (readonly [pattern: RegExp, better: string])[] = [
    [/heed(?:s|ed|ing)?/, "use, read; for the opposite: ignore"],
    [/h[eo]ld(?:s|ing)? against/, "compare with"],
    [/work(?:s|ed|ing)? (?:\S+ ){0,5}into/, "add to"],
    [/t(?:ak(?:e|es|en|ing)|ook) (?:\S+ ){0,3}out/, "remove"],
    [/mend(?:s|ed|ing)?/, "fix"],
    [/without a word/, "with no message"],
    [/takes? another/, "use a different"],
    [/st(?:ands?|anding|ood) for/, "be, represent; of a name: is used for"],
    [/st(?:ands?|anding|ood) in/, "be in; of a substitute: replace"],
    [/who(?:so)?m?ever/, "everyone who, anyone who, a person who"],
    [/wherever/, "where"],
    [/save (?:for|that|what|where)/, "except"],
    [/likewise/, "also"],
    [/of (?:a|an|that|this) name/, "named, with this name"],
    [/play(?:s|ed|ing)?/, "emulate"],
    [/nothing is granted/, "the program grants no"],
    [/no more(?! than)/, "no longer"],
    [/to be had/, "available"],
    [/(?:of old|(?:of|in) former times)/, "older, earlier"],
    [/(?:at|in) this moment/, "during this run, now"],
    [/at work/, "running"],
    [/kn[eo]ws? (?:no|none|nothing)/, "does not support, does not have"],
    [/(?:has|have|had) not(?=[.,;:)"`])/, "does not have"],
    [/go(?:es)? for/, "apply to"],
    [/for want of/, "because there is no"],
    [/anew/, "again"],
    [/lest/, "so that … not"],
    [/(?:there|where)(?:by|of|upon|with|in)/, "a sentence of its own"],
    [/(?:authori|initiali|normali|organi|recogni|seriali)s(?:e|ed|es|ing|ation|ations)/, "-ize"],
    [/com(?:es?|ing) in (?:as|through|with|without)/, "authenticate, be accepted"],
    [/(?:is|are|was|were) told(?! to)/, "be shown, be described, be reported"],
    [/needs? your (?:yes|no)/, "ask to confirm"],
    [/earlier life/, "previous deployment"],
    [/is another (?:number|name|value) of/, "differs from KEY (VALUE)"],
    [/it is unknown (?:which|whether|who|what)/, "cannot determine"],
    [/and the like/, "and similar, or name them"],
    [/br(?:ings?|inging|ought) back/, "restore"],
    [/lets? go of/, "release, remove"],
    [/licence/, "license"],
    [/behaviour/, "behavior"],
];

/** Where a text has one of the phrases, as `FILE:LINE: "PHRASE": write BETTER`. */
function findings(file: string, text: string): string[] {
    return rules.flatMap(([pattern, better]) => {
        // A phrase may go over the end of a line, behind which a comment or a list begins.
        const source = pattern.source.replaceAll(" ", String.raw`\s+(?:(?://|\*|#)\s+)?`);
        return [...text.matchAll(new RegExp(String.raw`\b(?:${source})\b`, "gi"))].map(
            ({ 0: found, index }) => {
                const line = text.slice(0, index).split("\n").length;
                return `${file}:${line}: "${found.replaceAll(/\s+/g, " ")}": write: ${better}`;
            },
        );
    });
}

describe("the language", () => {
    it("is plain: none of the phrases that were replaced are back", () => {
        const found = files.flatMap((file) => findings(file, readFileSync(join(root, file), "utf8")));
        assert.ok(files.includes("index.ts") && files.includes("docs/clients.md") && files.length > 200);
        assert.equal(found.length, 0, `\n${found.join("\n")}`);
    });

    it("is checked over the end of a line, with the file, the line and the better words", () => {
        assert.deepEqual(findings("a.md", "It is\nheld\nagainst the list.\n"), [
            'a.md:2: "held against": write: compare with',
        ]);
        assert.deepEqual(findings("a.ts", "    // Everything, save\n    // for this.\n"), [
            'a.ts:1: "save // for": write: except',
        ]);
        assert.deepEqual(findings("a.md", "Use no more than three displays. It has not changed.\n"), []);
    });
});
