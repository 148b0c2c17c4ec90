import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { workloadTypes } from "../../packages/registry/src/systems/systems";
import { DocPages } from "./doc-pages";

// The README, the pages beside it and those in docs/: what they refer to is there.

const docs = new DocPages(join(__dirname, "..", ".."));
const read = (path: string) => docs.read(path);

describe("the documentation", () => {
    it("has relative links and anchors that lead somewhere", () => {
        assert.deepEqual(docs.brokenLinks(), []);
    });

    it("names every page in the README, which is short enough to skim", () => {
        const linked = [...docs.prose("README.md").matchAll(/\]\(([^):#]+\.md)\)/g)].map(([, page]) => page);
        assert.deepEqual(
            docs.names.filter((page) => page !== "README.md" && !linked.includes(page)),
            [],
        );
        assert.ok(read("README.md").split("\n").length <= 250);
    });

    it("gives a reason for every dependency, and for nothing else", () => {
        const folders = readdirSync(join(__dirname, "..", "..", "packages")).map(
            (name) => `packages/${name}/`,
        );
        const needed = ["", ...folders].flatMap((folder) => {
            const { dependencies, devDependencies, peerDependencies } = JSON.parse(
                read(`${folder}package.json`),
            ) as Readonly<Record<string, Readonly<Record<string, string>> | undefined>>;
            return Object.keys({ ...dependencies, ...devDependencies, ...peerDependencies });
        });
        const foreign = new Set(needed.filter((name) => !name.startsWith("python-registry")));
        const explained = [...read("docs/dependencies.md").matchAll(/^\| `([^`]+)`/gm)].map(
            ([, name]) => name,
        );
        assert.deepEqual(explained.sort(), [...foreign].sort());
    });

    it("has an example of every type of workload", () => {
        const page = read("docs/workloads.md");
        assert.deepEqual(
            workloadTypes.filter((type) => !new RegExp(`\\btype: ${type}\\b`).test(page)),
            [],
        );
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
        const outputs = [...read("index.ts").matchAll(/^export const (?:\{ (.*) \}|(\w+))/gm)].flatMap(
            ([, several, one = ""]) => several?.split(", ") ?? one,
        );
        const optional = [...read("index.ts").matchAll(/Object\.assign\(exports as object, \{ (\w+): /g)].map(
            ([, name]) => name,
        );
        assert.deepEqual(rows("Outputs").sort(), [...outputs, ...optional].sort());
    });
});
