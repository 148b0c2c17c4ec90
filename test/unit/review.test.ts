import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import type { Nodes, Root } from "mdast";
import { renderReview } from "../../packages/operations/src/review/markdown";
import { reviewPreview } from "../../packages/operations/src/review/review";
import { commentOn, golden, parseRecording, recording } from "./recorded-previews";
import { codeTexts, parseMarkdown, plainTexts } from "./read-markdown";

// The comments on previews that were recorded from the real engine. WRITE_DOCS=1 writes the expected comments.

const write = process.env["WRITE_DOCS"] === "1";
const recorded = readdirSync(`${__dirname}/reviews`)
    .filter((name) => name.endsWith(".jsonl"))
    .map((name) => name.slice(0, -".jsonl".length));
const single = recorded.filter((name) => !name.startsWith("same."));

/** The headings and, below each, what its items begin with. */
function outline(comment: string): Record<string, string[]> {
    const found: Record<string, string[]> = {};
    let heading = "";
    const text = (node: Nodes): string =>
        "value" in node ? node.value : "children" in node ? node.children.map(text).join("") : "";
    for (const node of parseMarkdown(comment).children) {
        if (node.type === "heading") found[(heading = text(node))] = [];
        else if (node.type === "list") {
            const items = node.children.map((item) => text(item.children[0] ?? item));
            found[heading]?.push(...items);
        }
    }
    return found;
}

describe("the review of a pull request", () => {
    it("is the expected comment, for each recorded preview", async () => {
        assert.ok(single.length >= 15);
        for (const name of single) {
            const comment = commentOn([await recording(name)]);
            assert.equal(comment, await golden(name, comment, write), name);
        }
    });

    it("tells identical changes of several stacks once", async () => {
        const prod = (await recording("unchanged")).replaceAll("urn:pulumi:dev::", "urn:pulumi:prod::");
        const comment = commentOn([await recording("same.dev"), await recording("same.staging"), prod]);
        assert.equal(comment, await golden("several-stacks", comment, write));
        const { Access: access = [] } = outline(comment);
        assert.deepEqual(access, ["dev, staging: gains reader: group:data-science@acme.example"]);
        assert.equal(comment.split("```diff").length, 2);
    });

    it("tells a change once if stacks differ only in their own names and addresses", async () => {
        const dev = await recording("replaced");
        const prod = dev
            .replaceAll("urn:pulumi:dev::", "urn:pulumi:prod::")
            .replaceAll("acme-dev", "acme-prod")
            .replaceAll("europe-west1", "europe");
        const alone = commentOn([dev]);
        const both = commentOn([dev, prod]);
        assert.equal(both.split("```diff").length, alone.split("```diff").length);
        assert.match(both, /^all 2 stacks: `pip\.conf` \(shown for `dev`\)$/m);
        assert.doesNotMatch(both, /acme-prod/);
        // What surrounds the changed lines is shown, so it counts too.
        const other = prod.replaceAll("[global]\\n", "[global]\\ntimeout = 5\\n");
        assert.notEqual(other, prod);
        assert.match(commentOn([dev, other]), /^`prod`: `pip\.conf`$/m);
        // A different change is shown for its stack.
        const different = prod.replaceAll("packages/simple/", "wheels/simple/");
        assert.match(commentOn([dev, different]), /^`prod`: `pip\.conf`$/m);
    });

    it("stays short for a hundred stacks: identical changes once, and no names in the heading", async () => {
        const { Access: alone } = outline(commentOn([await recording("same.staging")]));
        const staging = await recording("same.staging");
        const stacks = Array.from({ length: 100 }, (_, index) =>
            staging
                .replaceAll("urn:pulumi:staging::", `urn:pulumi:team-${index}::`)
                .replaceAll("acme-staging", `acme-team-${index}`),
        );
        const comment = commentOn(stacks);
        assert.match(comment, /^## Preview of 100 stacks\n/);
        assert.deepEqual(
            outline(comment)["Access"],
            alone?.map((line) => `all 100 stacks: ${line}`),
        );
        assert.ok(comment.length < 1000, comment);
        // A preview that failed does not bring the names back.
        const invalid = (await recording("invalid")).replaceAll("urn:pulumi:dev::", "urn:pulumi:team-100::");
        assert.deepEqual(
            outline(commentOn([...stacks, invalid]))["Access"],
            alone?.map((line) => `all stacks except team-100: ${line}`),
        );
    });

    it("is one line if nothing changes", async () => {
        const unchanged = await recording("unchanged");
        assert.equal(commentOn([unchanged]), "No changes: `dev`.\n");
        const other = unchanged.replaceAll("urn:pulumi:dev::", "urn:pulumi:prod::");
        assert.equal(commentOn([unchanged, other]), "No changes: `dev`, `prod`.\n");
    });

    it("begins with what is replaced or deleted, in bold", async () => {
        for (const name of ["replaced", "account-deleted", "key-rotated", "unprotected"]) {
            const [title, heading, list] = parseMarkdown(commentOn([await recording(name)])).children;
            assert.equal(title?.type, "heading");
            assert.deepEqual(heading?.type === "heading" && heading.children, [
                { type: "text", value: "Replaced or deleted", position: heading && getPosition(heading) },
            ]);
            assert.ok(list?.type === "list", name);
            for (const { children } of list.children) {
                const [paragraph] = children;
                assert.ok(paragraph?.type === "paragraph");
                assert.equal(paragraph.children[0]?.type, "strong", name);
            }
        }
    });

    it("says who gains and who loses access", async () => {
        const findAccess = async (name: string) => outline(commentOn([await recording(name)]))["Access"];
        assert.deepEqual(await findAccess("readers"), [
            "gains reader: group:data-science@acme.example",
            "loses reader: user:contractor@partner.example",
        ]);
        assert.deepEqual(await findAccess("role"), ["reader → writer: group:developers@acme.example"]);
        assert.deepEqual(await findAccess("account-deleted"), [
            "loses reader: service account python-deployer",
        ]);
        const pool = "pool python-europe-west1";
        const added = (await findAccess("workloads-added")) ?? [];
        assert.deepEqual(added.slice(0, 4), [
            `gains writer: workload build (attribute.trusted_project/gitlab:7, ${pool} in the project 123456789012), by acting as the service account python-publisher. It gets all access that this account has.`,
            `gains writer: workload release (attribute.trusted_repository_ref/github:11:12:refs/heads/main, ${pool} in the project 123456789012)`,
            "gains writer: user:ada@acme.example, by acting as the service account python-publisher. It gets all access that this account has.",
            "gains reader: workload machine (serviceAccount:123456789012-compute@developer.gserviceaccount.com)",
        ]);
        assert.match(
            added[4] ?? "",
            /^accepts tokens: workload identity provider github of the pool python-europe-west1: issuer https:\/\/token\.actions\.githubusercontent\.com; condition .*repository_owner_id == "11"/,
        );
        assert.match(
            added[5] ?? "",
            /^accepts tokens: workload identity provider gitlab .*: issuer https:\/\/gitlab\.com; condition .*project_id == "7"/,
        );
        assert.equal(added.length, 6);
        const changed = (await findAccess("workloads-changed")) ?? [];
        const identity = changed.splice(1, 1)[0] ?? "";
        const to = `attribute.trusted_repository_ref/github:11:12:refs/heads/release, ${pool}`;
        assert.ok(
            identity.startsWith(
                `writer, different identity: workload release, attribute.trusted_repository_ref/github:11:12:refs/heads/main, ${pool} → ${to}. ` +
                    "Its pool accepts tokens: issuer https://token.actions.githubusercontent.com; condition ",
            ),
            identity,
        );
        assert.deepEqual(changed.slice(0, 2), [
            "reader → writer: workload machine (serviceAccount:123456789012-compute@developer.gserviceaccount.com)",
            `loses writer: workload build (attribute.trusted_project/gitlab:7, ${pool}), by acting as the service account python-publisher`,
        ]);
        assert.match(
            changed[2] ?? "",
            /^leaves the stack, but still accepts tokens at Google: workload identity provider gitlab/,
        );
        assert.equal(changed.length, 3);
        const [mode = "", ...others] = (await findAccess("additive")) ?? [];
        assert.match(mode, /stops owning its roles.*Grants made elsewhere stay/);
        assert.deepEqual(others, []);
        // The grant of a principal that is removed in the same update is not revoked.
        const listed = '"group:developers@acme.example","user:contractor@partner.example"';
        const lines = (await recording("additive")).split("\n").map((line) => {
            if (!line.includes("pulumi:pulumi:Stack::")) return line;
            const [before = "", after = ""] = line.split('"new":');
            return `${before}"new":${after.replaceAll(listed, '"group:developers@acme.example"')}`;
        });
        assert.match(
            commentOn([lines.join("\n")]),
            /\*\*no longer listed, but keeps reader\*\*: `user:contractor@partner\.example`/,
        );
    });

    it("tells a failed preview with the engine's message, before everything else", async () => {
        for (const [name, message] of [
            ["protected", /unable to replace resource[^]*marked for protection/],
            ["invalid", /readers\[0\]: "nobody" is not an IAM principal/],
        ] as const) {
            const preview = parseRecording(await recording(name));
            assert.ok(preview.failed);
            const [, heading, list] = parseMarkdown(renderReview([reviewPreview(preview)])).children;
            assert.ok(heading?.type === "heading" && list?.type === "list");
            assert.match(codeTexts(list).join("\n"), message);
        }
        // A preview that was killed has no summary.
        const events = await recording("readers");
        const cut = events.split("\n").filter((line) => !line.includes("summaryEvent"));
        assert.match(commentOn([cut.join("\n")]), /The preview failed, and the engine gave no reason/);
        // A preview that ended before the program gave its outputs: nobody has lost anything.
        const early = cut.map((line) => {
            const event = JSON.parse(line || "{}") as { resOutputsEvent?: { metadata: Step } };
            const { metadata } = event.resOutputsEvent ?? {};
            if (metadata?.type === "pulumi:pulumi:Stack") metadata.new.outputs = {};
            return JSON.stringify(event);
        });
        assert.doesNotMatch(commentOn([early.join("\n")]), /loses|is removed/);
    });

    it("has the findings of policies, mandatory ones first", async () => {
        const { Policies: policies = [] } = outline(commentOn([await recording("policies")]));
        assert.deepEqual(policies, [
            "mandatory: no-public-access (acme-policies), resource registry-reader",
            "advisory: cost-center (acme-policies), resource registry",
        ]);
    });

    it("does not blame a policy that is advisory, or has an exception, for a failure", async () => {
        const events = (await recording("policies")).replaceAll(
            '"enforcementLevel":"mandatory"',
            '"enforcementLevel":"mandatory","exceptions":[{"id":"EXC-1","reason":"public mirror"}]',
        );
        const { Failed: failed, Policies: policies } = outline(commentOn([events]));
        assert.deepEqual(failed, [
            "The preview failed, and the engine gave no reason. See the log of the job.",
        ]);
        assert.deepEqual(policies, [
            "advisory: cost-center (acme-policies), resource registry",
            "excepted by EXC-1: public mirror: no-public-access (acme-policies), resource registry-reader",
        ]);
    });

    it("has only our own words outside of code", async () => {
        for (const name of single) {
            const tree: Root = parseMarkdown(commentOn([await recording(name)]));
            for (const text of plainTexts(tree)) {
                assert.doesNotMatch(text, /acme|python-|@|registry-/, `${name}: ${text}`);
            }
        }
    });
});

interface Step {
    readonly type: string;
    readonly new: { outputs: object };
}

function getPosition(node: Root["children"][number]): unknown {
    return "children" in node ? node.children[0]?.position : undefined;
}
