import assert from "node:assert/strict";
import fc from "fast-check";
import { codeBlock, inlineCode } from "../../packages/operations/src/review/code";
import { parseEvents, type Preview } from "../../packages/operations/src/review/events";
import {
    type CommentOptions,
    renderComment,
    renderReview,
} from "../../packages/operations/src/review/markdown";
import { reviewPreview } from "../../packages/operations/src/review/review";
import { hideSecrets } from "../../packages/operations/src/review/secrets";
import { codeTexts, getNodes, parseMarkdown, plainTexts } from "./read-markdown";
import { commentOn, getEvents, recording } from "./recorded-previews";

// What a comment must never do: run what a name contains, be longer than the system accepts, or show a secret.

const hostile = [
    "a`b``c",
    "```\n# heading\n```",
    "@acme/admins",
    "<img src=x onerror=alert(1)>",
    "<!-- ",
    "</details>",
    "| a | b |",
    "[click](https://evil.example)",
    "https://evil.example #12 !34 user@evil.example",
    "**bold** _it_ ~~no~~ $x$ ![i](u)",
    "\\`",
    " `",
    "` ",
    "&lt;b&gt; &#64;all",
    "a\r\n- [ ] b\n\n---",
    "\u202egnp.exe\u200b\u0000",
];
const text = fc.oneof(
    fc.constantFrom(...hostile),
    fc
        .array(fc.constantFrom(...hostile, "`", "\n", " ", "~", "x", "😀"), { maxLength: 6 })
        .map((all) => all.join("")),
    fc.string({ unit: "grapheme", maxLength: 40 }),
    fc.string({ unit: "binary", maxLength: 20 }),
);

const mark = { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270" };

function getPreview(events: string): Preview {
    const preview = parseEvents(events, "unnamed");
    assert.ok(preview);
    return preview;
}

/** Events with one foreign text in every place of a comment. */
function withText(foreign: string): string {
    const access = { reader: [foreign], workloads: {}, impersonators: { [foreign]: [foreign] } };
    const workload = { principal: `p ${foreign}`, access: "writer", via: foreign };
    const outputs = {
        access: { ...access, workloads: { [foreign]: workload } },
        serviceAccounts: { [foreign]: { member: "serviceAccount:x", access: "admin" } },
        repository: { id: "python", project: "acme", location: "europe" },
        pipConf: foreign,
        clients: { [foreign]: { [foreign]: `a\n${foreign}` } },
        ci: { [foreign]: foreign },
        [foreign]: foreign,
    };
    const old = { pipConf: "x", other: "y", access: {} };
    const type = "gcp:artifactregistry/repository:Repository";
    const urn = `urn:pulumi:dev::p::${type}::registry`;
    const state = (description: string) => ({ custom: true, inputs: { repositoryId: foreign, description } });
    const update = { op: "update", urn, type, old: state("a"), new: state(foreign) };
    const steps = [
        { ...update, detailedDiff: { description: { diffKind: "update" }, [foreign]: { diffKind: "add" } } },
        { op: "delete", urn: `urn:pulumi:dev::p::t::${foreign}`, type: foreign, old: state(foreign) },
        { op: "replace", urn: `${urn}2`, type, old: state("b"), new: state(foreign), keys: ["description"] },
    ];
    const policy = { message: foreign, policyName: foreign, policyPackName: foreign };
    const events = [
        { diagnosticEvent: { severity: "error", message: foreign } },
        { diagnosticEvent: { severity: "warning", message: foreign } },
        { policyEvent: { ...policy, enforcementLevel: "mandatory", resourceUrn: `a::b::c::${foreign}` } },
        {
            policyEvent: {
                ...policy,
                enforcementLevel: "advisory",
                exceptions: [{ id: foreign, reason: foreign }],
            },
        },
    ];
    return getEvents({ old, outputs, steps, events });
}

/** The parts of a comment that are Markdown, without code. */
const getShape = (comment: string) =>
    getNodes(parseMarkdown(comment))
        .map(({ type }) => type)
        .filter((type) => type !== "inlineCode" && type !== "code" && type !== "text");

describe("a review", () => {
    it("shows a name as code and as nothing else", () => {
        fc.assert(
            fc.property(text, (name) => {
                const [paragraph, ...rest] = parseMarkdown(`a ${inlineCode(name)} b`).children;
                assert.deepEqual(rest, []);
                assert.ok(paragraph?.type === "paragraph");
                assert.deepEqual(
                    paragraph.children.map(({ type }) => type),
                    ["text", "inlineCode", "text"],
                );
            }),
            { numRuns: 500 },
        );
        for (const name of ["group:a@b.example", "a b", "é😀", "a|b<c>", "`a`", "``", "a`"]) {
            assert.deepEqual(codeTexts(parseMarkdown(`x ${inlineCode(name)} y`)), [name]);
        }
        // What a reviewer cannot see is shown.
        assert.equal(inlineCode("a\u202eb\nc"), "`a\\u{202e}b⏎c`");
    });

    it("shows invisible characters by their number", () => {
        const invisible = [
            0x2800, 0x34f, 0xfe0f, 0x17b4, 0xe0100, 0x115f, 0x3164, 0xffa0, 0x200b, 0x202e, 0xad, 0x180b,
        ];
        for (const code of invisible) {
            const shown = `user:ada\\u{${code.toString(16)}}@acme.example`;
            const name = `user:ada${String.fromCodePoint(code)}@acme.example`;
            assert.equal(inlineCode(name), `\`${shown}\``);
            assert.equal(codeBlock(name, "text"), `\`\`\`text\n${shown}\n\`\`\``);
        }
        assert.equal(inlineCode("Zoë, 漢字, 😀"), "`Zoë, 漢字, 😀`");
    });

    it("shows a text as one code block", () => {
        fc.assert(
            fc.property(text, (quoted) => {
                const tree = parseMarkdown(
                    `- a\n\n  ${codeBlock(quoted, "text").replaceAll("\n", "\n  ")}\n- b`,
                );
                assert.deepEqual(
                    getNodes(tree).map(({ type }) => type),
                    [
                        ...["root", "list", "listItem", "paragraph", "text", "code"],
                        ...["listItem", "paragraph", "text"],
                    ],
                );
            }),
            { numRuns: 500 },
        );
    });

    it("has only our own words outside of code, whatever names and messages contain", () => {
        const harmless = getShape(commentOn([withText("harmless")]));
        const kinds = new Set(harmless);
        fc.assert(
            fc.property(text, (foreign) => {
                const comment = commentOn([withText(`x${foreign}`)]);
                const tree = parseMarkdown(comment);
                for (const type of getShape(comment)) assert.ok(kinds.has(type) || type === "html", type);
                for (const plain of plainTexts(tree)) {
                    assert.doesNotMatch(plain, /[@$[\]`|~#]|https?:|&|<(?!\/?(?:details|summary)>)/, plain);
                }
            }),
            { numRuns: 50 },
        );
    });

    it("is never longer than the limit, and names what is left out", () => {
        const many = fc.array(fc.tuple(text, fc.nat(3000)), { maxLength: 60 });
        const longName = `${"a".repeat(400)}.md`;
        const options = fc.record({ limit: fc.integer({ min: 2000, max: 20_000 }) });
        fc.assert(
            fc.property(many, many, options, fc.boolean(), (readers, files, { limit }, hasDetails) => {
                const large = ([part, times]: readonly [string, number]) => part.repeat(1 + (times % 200));
                const outputs = {
                    access: { reader: readers.map(large) },
                    clients: {
                        uv: Object.fromEntries(files.map((each, index) => [`f${index}`, large(each)])),
                    },
                };
                const old = { access: {}, pipConf: "a" };
                const error = { diagnosticEvent: { severity: "error", message: readers.map(large).join() } };
                const review = reviewPreview(getPreview(getEvents({ old, outputs, events: [error] })));
                const given: CommentOptions = { limit, ...(hasDetails ? { details: longName } : {}) };
                const comment = renderComment([review], given);
                assert.ok(comment.length <= limit, `${comment.length} > ${limit}`);
                if (comment !== renderReview([review])) {
                    assert.match(
                        comment,
                        hasDetails ? /All of it is in the file `a{400}\.md`/ : /`--details FILE`/,
                    );
                    const omitted = [...comment.matchAll(/^… and (\d+) more, which do not fit here\.$/gm)];
                    assert.ok(omitted.length > 0 || comment.includes("more characters"));
                }
                for (const plain of plainTexts(parseMarkdown(comment))) assert.doesNotMatch(plain, /[@`]/);
            }),
            { numRuns: 25 },
        );
    });

    it("keeps its most important parts in a comment that is too long", () => {
        const readers = Array.from({ length: 1500 }, (_, n) => `user:reader-${n}@acme.example`);
        const type = "gcp:artifactregistry/repository:Repository";
        const old = { custom: true, inputs: { repositoryId: "python" } };
        const steps = [{ op: "delete", urn: `urn:pulumi:dev::p::${type}::registry`, type, old }];
        const events = [
            {
                policyEvent: {
                    message: "No.",
                    policyName: "p",
                    policyPackName: "q",
                    enforcementLevel: "mandatory",
                },
            },
        ];
        const large = getEvents({
            old: { access: {} },
            outputs: { access: { reader: readers } },
            steps,
            events,
        });
        const comment = commentOn([large], { limit: 20_000, details: "review.md" });
        assert.ok(comment.length > 15_000);
        assert.match(comment, /\*\*Deletes the repository `python`, with every package in it\.\*\*/);
        assert.match(comment, /### Access\n[^]*… and \d+ more, which do not fit here\./);
        assert.match(comment, /### Policies/);
        assert.equal(
            [...renderReview([reviewPreview(getPreview(large))]).matchAll(/gains reader/g)].length,
            1500,
        );
    });

    it("folds the end of a long list, but never what is deleted", () => {
        const readers = Array.from({ length: 60 }, (_, n) => `user:reader-${n}@acme.example`);
        const type = "gcp:serviceaccount/account:Account";
        const steps = readers.map((accountId, n) => ({
            ...{ op: "delete", urn: `urn:pulumi:dev::p::${type}::a${n}`, type },
            old: { custom: true, inputs: { accountId } },
        }));
        const comment = commentOn([
            getEvents({ old: { access: {} }, outputs: { access: { reader: readers } }, steps }),
        ]);
        const [shown = "", folded = ""] = comment.split("<details>");
        assert.equal(shown.split("**Deletes").length - 1, 60);
        assert.equal(shown.split("gains reader").length - 1, 40);
        assert.equal(folded.split("gains reader").length - 1, 20);
        assert.match(folded, /^<summary>20 more<\/summary>/);
    });

    it("names some of many stacks in a comment that is too long", async () => {
        const reader = await recording("readers");
        const unchanged = await recording("unchanged");
        const named = (events: string, n: number) =>
            events.replaceAll("urn:pulumi:dev::", `urn:pulumi:stack-${n}::`);
        const changed = Array.from({ length: 300 }, (_, n) => named(reader, n));
        const others = Array.from({ length: 6 }, (_, n) => named(unchanged, 300 + n));
        const comment = commentOn([...changed, ...others], { limit: 5000 });
        assert.ok(comment.length <= 5000);
        assert.match(comment, /`stack-19` and 280 more stacks: \*\*gains reader\*\*/);
    });

    it("keeps the beginning of a long error", () => {
        const error = {
            diagnosticEvent: { severity: "error", message: `403 denied ${"x ".repeat(100_000)}` },
        };
        const comment = commentOn([getEvents({ outputs: {}, events: [error] })]);
        assert.match(comment, /403 denied[^]*\d+ more characters/);
    });

    it("names many stacks by their number", async () => {
        const unchanged = await recording("unchanged");
        const stacks = Array.from({ length: 300 }, (_, n) =>
            unchanged.replaceAll("urn:pulumi:dev::", `urn:pulumi:s${n}::`),
        );
        assert.ok(commentOn(stacks, { limit: 2000 }).length <= 2000);
    });

    it("never shows a secret of the state, and not even its mark", () => {
        const hidden = "swordfish-swordfish";
        const type = "gcp:serviceaccount/key:Key";
        const urn = `urn:pulumi:dev::p::${type}::key`;
        const secretValue = { ...mark, ciphertext: hidden };
        const state = (each: unknown) => ({
            custom: true,
            inputs: { serviceAccountId: "a/b@c", token: each },
        });
        const steps = [
            {
                ...{
                    op: "replace",
                    urn,
                    type,
                    keys: ["token"],
                    detailedDiff: { token: { diffKind: "update" } },
                },
                ...{ old: state(secretValue), new: state({ ...mark, plaintext: hidden }) },
            },
        ];
        const outputs = {
            pipConf: { ...mark, ciphertext: hidden },
            clients: { uv: { "uv.toml": { ...mark, ciphertext: hidden }, other: "[secret]" } },
            credentials: { ...mark, plaintext: JSON.stringify(hidden) },
            ci: secretValue,
        };
        const comment = commentOn([
            getEvents({ old: { pipConf: "x", clients: secretValue }, outputs, steps }),
        ]);
        assert.match(comment, /`token`, a secret → a secret/);
        assert.doesNotMatch(comment, /swordfish|\[secret\]|4dabf18193072939515e22adb298388d|ciphertext/);
    });

    it("hides what looks like a credential, also in errors and messages", () => {
        const key = JSON.stringify(
            {
                type: "service_account",
                private_key: "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n",
            },
            null,
            2,
        );
        const credentials = {
            pem: "-----BEGIN RSA PRIVATE KEY-----\nMIIEvQIBADANB\nkqhkiG\n-----END RSA PRIVATE KEY-----",
            escaped: key,
            base64: Buffer.from(key).toString("base64"),
            compact: Buffer.from(JSON.stringify(JSON.parse(key))).toString("base64"),
            token: "ya29.a0AfH6SMBx-abc_def",
            pulumi: `pul-${"0123456789".repeat(4)}`,
            github: `ghp_${"aB3".repeat(12)}`,
            gitlab: `glpat-${"aB3-".repeat(5)}`,
            jwt: `eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.${"sig-".repeat(8)}`,
            url: "https://_json_key_base64:c2VjcmV0c2VjcmV0@europe-python.pkg.dev/p/r/simple/",
            header: `Authorization: Bearer ${"abc.DEF-123".repeat(3)}`,
        };
        const secrets: Readonly<Record<keyof typeof credentials, RegExp>> = {
            pem: /MIIE|kqhk/,
            escaped: /MIIE/,
            base64: /ewogIC/,
            compact: /eyJ0eXBl/,
            token: /a0AfH6/,
            pulumi: /0123456789/,
            github: /aB3/,
            gitlab: /aB3/,
            jwt: /sig-|eyJ/,
            url: /c2VjcmV0/,
            header: /DEF-123/,
        };
        for (const [kind, credential] of Object.entries(credentials)) {
            const comment = commentOn([withText(`401 for ${credential}, sorry`)]);
            assert.doesNotMatch(comment, secrets[kind as keyof typeof credentials], kind);
            assert.match(comment, /\(hidden\)/, kind);
        }
        const harmless =
            "user:a@b.example https://oauth2accesstoken@europe-python.pkg.dev/p/r/ https://a.example:8080/@x";
        assert.equal(hideSecrets(harmless), harmless);
    });
});
