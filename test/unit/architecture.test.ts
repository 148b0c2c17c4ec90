import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

// docs/architecture.md, compared with the source.

const root = join(__dirname, "..", "..");
const page = readFileSync(join(root, "docs", "architecture.md"), "utf8");

/** What a folder may import: the other folders, and whether only their types. */
type Imports = ReadonlyMap<string, { readonly onlyTypes: boolean }>;

/** The table of rooms: every folder of the source, with what it may import. */
const rooms: ReadonlyMap<string, Imports> = new Map(
    [
        ...page.matchAll(
            /^\| `((?:src|sandbox|configure|recover|review|deploy|examples|template|bench)\/.*?)` +\|.*\|(.*)\|$/gm,
        ),
    ].map(([, folder = "", cell = ""]) => [
        folder,
        new Map(
            [...cell.matchAll(/`([^`]+)`( \(types\))?/g)].map(([, name = "", types]) => [
                name,
                { onlyTypes: types !== undefined },
            ]),
        ),
    ]),
);

/** The source files below a folder, and the imports between folders. */
const sources = [
    "src",
    "sandbox",
    "configure",
    "recover",
    "review",
    "deploy",
    "examples",
    "template",
    "bench",
].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
        .filter((name) => name.endsWith(".ts"))
        .map((name) => join(folder, name)),
);

function folderOf(path: string): string {
    return `${dirname(relative(root, join(root, path))).replaceAll("\\", "/")}/`;
}

function importsOf(file: string): { readonly folder: string; readonly type: boolean }[] {
    const text = readFileSync(join(root, file), "utf8");
    const statements = [
        ...text.matchAll(/^(?:import|export) (type )?[^"';]*from "(\.[^"]+)"/gm),
        ...text.matchAll(/\b(?:import|require)\(()"(\.[^"]+)"\)/g),
    ];
    return statements
        .map(([, type, path = ""]) => ({
            folder: folderOf(join(dirname(file), path)),
            type: Boolean(type),
        }))
        .filter(({ folder }) => folder !== folderOf(file));
}

describe("docs/architecture.md", () => {
    it("names every folder of the source, and no other", () => {
        // A program of the benchmark is no part of it.
        const folders = new Set(sources.map(folderOf).filter((folder) => folder !== "bench/empty-program/"));
        assert.deepEqual([...rooms.keys()].sort(), [...folders].sort());
    });

    it("says which folders each may import", () => {
        const unexpected = sources.flatMap((file) => {
            const allowed = rooms.get(folderOf(file));
            return importsOf(file)
                .filter(({ folder, type }) => {
                    const rule = allowed?.get(folder) ?? allowed?.get(folder.replace(/[^/]+\/$/, "*/"));
                    return rule === undefined || (rule.onlyTypes && !type);
                })
                .map(({ folder }) => `${file} imports ${folder}`);
        });
        assert.deepEqual(unexpected, []);
    });

    it("names no import that is not there", () => {
        const used = new Set(
            sources.flatMap((file) => importsOf(file).map(({ folder }) => `${folderOf(file)} ${folder}`)),
        );
        const listed = [...rooms].flatMap(([folder, imports]) =>
            [...imports.keys()].filter((name) => !name.endsWith("*/")).map((name) => `${folder} ${name}`),
        );
        assert.deepEqual(
            listed.filter((edge) => !used.has(edge)),
            [],
        );
    });

    it("is right that Pulumi is not where plain values and texts are", () => {
        const plain = sources.filter((file) => /^src\/(?:names|validation|clients)\//.test(file));
        assert.deepEqual(
            plain.filter((file) => readFileSync(join(root, file), "utf8").includes('"@pulumi/')),
            [],
        );
    });

    it("names files that exist", () => {
        const paths = [...page.matchAll(/`([\w./-]+\/[\w./-]*|[\w.]+\.(?:ts|yaml))`/g)]
            .map(([, path = ""]) => path)
            // Placeholders, and the folders of a glob.
            .filter((path) => !/TOOL|SYSTEM/.test(path));
        assert.ok(paths.length > 20);
        assert.deepEqual(
            paths.filter((path) => !existsSync(join(root, path))),
            [],
        );
    });
});
