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
            /^\| `((?:src|registry|sandbox|configure|operations|examples)\/.*?)` +\|.*\|(.*)\|$/gm,
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

/** The source files, without the policy pack, which imports nothing of the project. */
const sources = [
    "src",
    "packages/registry",
    "packages/configure",
    "packages/operations",
    "packages/sandbox",
    "examples",
].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
        .filter((name) => name.endsWith(".ts") && !/(?:^|\/)(?:node_modules|dist)\//.test(name))
        .map((name) => join(folder, name)),
);

/** The folder of a file, as the page names it. */
function getFolder(path: string): string {
    const folder = `${dirname(relative(root, join(root, path))).replaceAll("\\", "/")}/`;
    return folder.replace(/^packages\/(\w+)\/(?:src\/)?/, "$1/");
}

/** The file that a package exports under a name. */
function exportedFile(specifier: string): string {
    const [, name = "", path] = /^python-registry(?:-(\w+))?(?:\/(.+))?$/.exec(specifier) ?? [];
    return `packages/${name || "registry"}/src/${path ?? "index"}`;
}

function getImports(file: string): { readonly folder: string; readonly type: boolean }[] {
    const text = readFileSync(join(root, file), "utf8");
    const statements = [
        ...text.matchAll(/^(?:import|export) (type )?[^"';]*from "((?:\.|python-registry)[^"]*)"/gm),
        ...text.matchAll(/\b(?:import|require)\(()"((?:\.|python-registry)[^"]*)"\)/g),
    ];
    return statements
        .map(([, type, path = ""]) => ({
            folder: getFolder(path.startsWith(".") ? join(dirname(file), path) : exportedFile(path)),
            type: Boolean(type),
        }))
        .filter(({ folder }) => folder !== getFolder(file));
}

describe("docs/architecture.md", () => {
    it("names every folder of the source, and no other", () => {
        // A program of the benchmark is no part of it.
        const folders = new Set(
            sources
                .map(getFolder)
                .filter(
                    (folder) =>
                        !["sandbox/bench/empty-program/", "examples/languages/typescript/"].includes(folder),
                ),
        );
        assert.deepEqual([...rooms.keys()].sort(), [...folders].sort());
    });

    it("says which folders each may import", () => {
        const unexpected = sources.flatMap((file) => {
            const allowed = rooms.get(getFolder(file));
            return getImports(file)
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
            sources.flatMap((file) => getImports(file).map(({ folder }) => `${getFolder(file)} ${folder}`)),
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
        const plain = sources.filter((file) =>
            /^packages\/registry\/src\/(?:names|validation|clients)\//.test(file),
        );
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
            paths.filter((path) => !existsSync(join(root, path)) && !rooms.has(path) && !path.endsWith("*/")),
            [],
        );
    });
});
