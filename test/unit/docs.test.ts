import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { parse } from "yaml";

// The README and the pages in docs/: what they refer to is there.

const root = join(__dirname, "..", "..");
const pages = ["README.md", ...readdirSync(join(root, "docs")).map((name) => `docs/${name}`)];

const read = (path: string) => readFileSync(join(root, path), "utf8");
const exists = (path: string) => statSync(join(root, path), { throwIfNoEntry: false }) !== undefined;

/** A page's text without its code. */
function prose(page: string): string {
    return read(page)
        .replaceAll(/^ *```[^]*?^ *```$/gm, "")
        .replaceAll(/`[^`]*`/g, (code) => code.replaceAll(/[[\]()]/g, ""));
}

/** The anchors that GitHub gives a page's headings. */
function anchors(page: string): string[] {
    const used = new Map<string, number>();
    return [...prose(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) => {
        const anchor = heading
            .toLowerCase()
            .replaceAll(/[^\p{L}\p{M}\p{N}_ -]/gu, "")
            .replaceAll(" ", "-");
        const earlier = used.get(anchor) ?? 0;
        used.set(anchor, earlier + 1);
        return earlier === 0 ? anchor : `${anchor}-${earlier}`;
    });
}

/** What is wrong with a page's relative links. */
function brokenLinks(page: string): string[] {
    return [...prose(page).matchAll(/\]\(([^)\s]+)\)/g)]
        .map(([, target = ""]) => target)
        .filter((target) => !/^[a-z]+:/.test(target))
        .filter((target) => {
            const [path = "", anchor] = target.split("#");
            const linked = path === "" ? page : relative(root, join(root, dirname(page), path));
            return !exists(linked) || (anchor !== undefined && !anchors(linked).includes(anchor));
        })
        .map((target) => `${page}: ${target}`);
}

describe("the documentation", () => {
    it("has relative links and anchors that lead somewhere", () => {
        assert.deepEqual(pages.flatMap(brokenLinks), []);
    });

    it("names every page in the README, which is short enough to skim", () => {
        const linked = [...prose("README.md").matchAll(/\]\((docs\/[^)#]+)\)/g)].map(([, page]) => page);
        assert.deepEqual(
            pages.filter((page) => page !== "README.md" && !linked.includes(page)),
            [],
        );
        assert.ok(read("README.md").split("\n").length <= 250);
    });

    it("gives a reason for every dependency, and for nothing else", () => {
        const { dependencies, devDependencies } = JSON.parse(read("package.json")) as Record<
            "dependencies" | "devDependencies",
            Record<string, string>
        >;
        const explained = [...read("docs/dependencies.md").matchAll(/^\| `([^`]+)`/gm)].map(
            ([, name]) => name,
        );
        assert.deepEqual(explained.sort(), Object.keys({ ...dependencies, ...devDependencies }).sort());
    });

    it("lists every setting and every output in the README", () => {
        const rows = (heading: string) => {
            const [, section = ""] = read("README.md").split(`\n## ${heading}\n`);
            const cells = section.split("\n## ")[0]?.matchAll(/^\| (`.*?) +\|/gm) ?? [];
            return [...cells].flatMap(([, cell = ""]) => cell.replaceAll("`", "").split(", "));
        };
        const { config } = parse(read("Pulumi.yaml")) as { config: Record<string, unknown> };
        const settings = Object.keys(config).filter((key) => !key.includes(":"));
        assert.deepEqual(rows("Configuration").sort(), ["gcp:project", ...settings].sort());
        const outputs = [...read("index.ts").matchAll(/^export (?:const )?(?:\{ )?(\w+)/gm)].map(
            ([, name]) => name,
        );
        assert.deepEqual(rows("Outputs").sort(), outputs.sort());
    });
});
