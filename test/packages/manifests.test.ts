import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { join } from "node:path";
import { minVersion, satisfies } from "semver";
import ts from "typescript";
import { getPackages, getPublished, type Manifest, readManifest, root } from "./manifests";

// The package.json of each package, compared with what its files import, and with the other packages.

/** Commands that scripts run, and the packages that have them. */
const commands: Readonly<Record<string, string>> = {
    eslint: "eslint",
    mocha: "mocha",
    node: "node",
    prettier: "prettier",
    tsc: "typescript",
};

/** What is found by its command: the launcher of the Pulumi CLI. */
const launchers = ["pulumi"];

const sources = execFileSync("git", ["ls-files", "*.ts", "*.cjs", "*.mjs"], { cwd: root, encoding: "utf8" })
    .split("\n")
    .filter((file) => file !== "");

/** The sources of a package. Those of the repository itself, "", are all that are not in a package; an example is one. */
function getSources(folder: string): string[] {
    return folder === ""
        ? sources.filter((file) => !/^(?:packages|examples)\/|^test\/engine\/owner-program\//.test(file))
        : sources.filter((file) => file.startsWith(`${folder}/`));
}

/** What a file imports in any way. */
function getImports(file: string): string[] {
    const text = readFileSync(join(root, file), "utf8");
    const resolved = [...text.matchAll(/\brequire\.resolve\("([^"]+)"\)/g)].map(([, name = ""]) => name);
    const { importedFiles } = ts.preProcessFile(text, true, true);
    return [...importedFiles.map(({ fileName }) => fileName), ...resolved];
}

/** The package of a module: `@pulumi/gcp` of `@pulumi/gcp/iam`. */
function getPackage(module: string): string {
    return module
        .split("/")
        .slice(0, module.startsWith("@") ? 2 : 1)
        .join("/");
}

/** The packages that the files of a folder import, without its own. */
function getImported(folder: string): string[] {
    const modules = getSources(folder)
        .flatMap(getImports)
        .filter((module) => !module.startsWith(".") && !module.startsWith("/") && !isBuiltin(module));
    return [...new Set(modules.map(getPackage))].filter((name) => name !== readManifest(folder).name).sort();
}

function getNamed({ dependencies, devDependencies, peerDependencies }: Manifest): Record<string, string> {
    return { ...dependencies, ...devDependencies, ...peerDependencies };
}

/** What package-lock.json says about each package. */
function readLocked(): Readonly<Record<string, Pick<Manifest, "version" | "engines">>> {
    const { packages } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as {
        packages: Readonly<Record<string, Pick<Manifest, "version" | "engines">>>;
    };
    return packages;
}

const folders = ["", ...getPackages()];

describe("the package.json of", () => {
    for (const folder of folders) {
        const manifest = readManifest(folder);
        const imported = getImported(folder);

        it(`${manifest.name} names what its files import, and nothing else`, () => {
            const named = Object.keys(getNamed(manifest));
            const hasTypes = (name: string) => named.includes(`@types/${name}`);
            assert.deepEqual(
                imported.filter((name) => !named.includes(name) && !hasTypes(name)),
                [],
                "not named",
            );
            const run = Object.values(manifest.scripts ?? {})
                .join(" ")
                .split(/[^\w-]+/)
                .flatMap((word) => commands[word] ?? []);
            const used = new Set([...imported, ...run, ...(folder === "" ? launchers : []), "node"]);
            assert.deepEqual(
                named.filter((name) => !used.has(name.replace(/^@types\//, ""))),
                [],
                "not used",
            );
        });
    }

    // The commands of operations run in the CI of users, who may leave out the development dependencies.
    for (const folder of [...getPublished(), "packages/operations"]) {
        it(`${readManifest(folder).name} has what it needs as a dependency, or in its bundle`, () => {
            const { dependencies = {}, peerDependencies = {}, scripts = {} } = readManifest(folder);
            const needed = scripts["prepack"] === "node build.cjs" ? [] : getImported(folder);
            assert.deepEqual(Object.keys({ ...dependencies, ...peerDependencies }).sort(), needed);
        });
    }

    it("every package has the version of the project, and the same exact version of other packages", () => {
        const manifests = folders.map(readManifest);
        const { version } = manifests[0]!;
        assert.match(version, /^\d+\.\d+\.\d+$/);
        const versions = new Map<string, string>(manifests.map(({ name }) => [name, version]));
        for (const { name, version: own, dependencies, devDependencies } of manifests) {
            assert.equal(own, version, name);
            for (const [needed, exact] of Object.entries({ ...dependencies, ...devDependencies })) {
                assert.match(exact, /^\d+\.\d+\.\d+$/, `${name}: ${needed}`);
                assert.equal(versions.get(needed) ?? exact, exact, `${name}: ${needed}`);
                versions.set(needed, exact);
            }
        }
        const locked = readLocked();
        assert.deepEqual(
            folders.map((folder) => locked[folder]?.version),
            folders.map(() => version),
        );
    });

    it("every package supports the first Node.js versions that the project accepts, except the SDK", () => {
        const ranges = readManifest("").engines?.node?.split("||") ?? [];
        const refused = ranges.map((range) => {
            const first = minVersion(range)!;
            const packages = Object.entries(readLocked()).filter(
                ([, { engines }]) => engines?.node !== undefined && !satisfies(first, engines.node),
            );
            return [first.version, packages.map(([path]) => path)];
        });
        // The README says so. The scripts run on the Node.js that npm installs.
        const sdk = ["node_modules/@pulumi/pulumi"];
        assert.deepEqual(refused, [
            ["20.19.0", sdk],
            ["22.13.0", []],
            ["24.0.0", []],
        ]);
    });

    it("python-registry accepts the SDKs from the tested version on", () => {
        const tested = readManifest("").dependencies;
        const ranges = readManifest("packages/registry").peerDependencies;
        assert.deepEqual(
            ranges,
            Object.fromEntries(["@pulumi/gcp", "@pulumi/pulumi"].map((name) => [name, `^${tested?.[name]}`])),
        );
    });
});

describe("the packages", () => {
    it("reach each other by name only", () => {
        const outside = getPackages().flatMap((folder) =>
            getSources(folder).flatMap((file) =>
                getImports(file)
                    .filter(
                        (module) => module.startsWith(".") && !join(file, "..", module).startsWith(folder),
                    )
                    .map((module) => `${file} imports ${module}`),
            ),
        );
        assert.deepEqual(outside, []);
    });
});
