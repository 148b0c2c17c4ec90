import { execa } from "execa";
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { within } from "../deadline";
import { describeInRelease } from "../release";
import { getPublished, type Manifest, root, readManifest } from "./manifests";

// What `npm pack` makes of each published package, installed in an empty project.

/** A folder with a project for each package, and the tarballs. */
let directory: string;
/** The files in the tarball of a package, by its folder. */
const packed: Record<string, readonly string[]> = {};

/** Runs a command, and shows all of its output if it fails. */
async function run(cwd: string, command: string, ...args: string[]): Promise<string> {
    const { all, exitCode, stdout } = await execa(command, args, {
        cwd,
        reject: false,
        all: true,
        stdin: "ignore",
    });
    assert.equal(exitCode, 0, all);
    return stdout;
}

/**
 * Makes a project with the tarball of a package. Nothing is downloaded: what the package needs, and what the project needs itself, are
 * links to the packages of this repository. A package that is not declared is not there.
 */
async function install(folder: string, tools: readonly string[] = []): Promise<string> {
    const { name, version, dependencies, peerDependencies } = readManifest(folder);
    const project = join(directory, `${name}-project`);
    const needed: Record<string, string> = { ...dependencies, ...peerDependencies };
    const installed = join(project, "node_modules", name);
    await mkdir(installed, { recursive: true });
    await run(
        project,
        "tar",
        "-xzf",
        join(directory, `${name}-${version}.tgz`),
        "--strip-components=1",
        "-C",
        installed,
    );
    for (const each of [...Object.keys(needed), ...tools]) {
        const link = join(project, "node_modules", each);
        await mkdir(dirname(link), { recursive: true });
        await symlink(join(root, "node_modules", each), link);
    }
    const manifest = {
        name: "empty",
        private: true,
        type: "commonjs",
        dependencies: { ...needed, [name]: version },
    };
    await writeFile(join(project, "package.json"), JSON.stringify(manifest));
    return project;
}

describeInRelease("the tarball of", () => {
    before(async () => {
        directory = await mkdtemp(join(tmpdir(), "python-registry-tarballs-"));
        const published = getPublished();
        await run(
            root,
            "npm",
            "pack",
            ...published.map((folder) => `--workspace=${folder}`),
            `--pack-destination=${directory}`,
        );
        for (const folder of published) {
            const { name, version } = readManifest(folder);
            const list = await run(directory, "tar", "-tzf", `${name}-${version}.tgz`);
            packed[folder] = list.split("\n").map((path) => path.replace(/^package\//, ""));
        }
    });

    after(() => rm(directory, { recursive: true, force: true }));

    it("every package has its page and the license, and no file that is not for its users", () => {
        const license = readFileSync(join(root, "LICENSE"), "utf8");
        const expected: Readonly<Record<string, RegExp>> = {
            "packages/configure": /^dist\/python-registry-configure\.cjs$/,
            "packages/policy":
                /^(?:src\/.*\.(?:ts|json)|index\.cjs|PulumiPolicy\.yaml|config\.json|tsconfig\.json)$/,
            "packages/registry": /^dist\/.*\.(?:js|js\.map|d\.ts)$/,
        };
        assert.deepEqual(Object.keys(packed), Object.keys(expected));
        for (const [folder, files] of Object.entries(packed)) {
            const rest = files.filter((file) => !expected[folder]?.test(file));
            assert.deepEqual(rest.sort(), ["LICENSE", "README.md", "package.json"], folder);
            assert.ok(files.length > rest.length, folder);
            assert.equal(readFileSync(join(root, folder, "LICENSE"), "utf8"), license, folder);
        }
    });

    it("python-registry runs the example of its page, and its types are those of a strict program", async () => {
        const project = await install("packages/registry", ["@types/node", "typescript"]);
        const [, example = ""] =
            /^```ts\n([^]*?)^```$/m.exec(
                await readFile(join(root, "packages", "registry", "README.md"), "utf8"),
            ) ?? [];
        await writeFile(join(project, "index.ts"), example);
        // The types are there: without them, everything would be accepted.
        await writeFile(
            join(project, "mistakes.ts"),
            `import { Registry } from "python-registry";
            // @ts-expect-error: the location is missing
            const registry = new Registry("internal", { project: "acme-tools", repository: "python" });
            // @ts-expect-error: it is text
            export const url: number = registry.urls.indexUrl;`,
        );
        // Pulumi's templates have the older resolution of modules, which does not read `exports`.
        for (const resolution of [
            ["nodenext", "nodenext"],
            ["commonjs", "node10", "--ignoreDeprecations", "6.0"],
        ]) {
            const [module = "", moduleResolution = "", ...others] = resolution;
            const options = ["--module", module, "--moduleResolution", moduleResolution, ...others];
            await run(
                project,
                process.execPath,
                join(root, "node_modules", "typescript", "bin", "tsc"),
                ...[
                    "--strict",
                    "--exactOptionalPropertyTypes",
                    "--target",
                    "es2022",
                    "--types",
                    "node",
                    "--skipLibCheck",
                    ...options,
                ],
                "index.ts",
                "mistakes.ts",
            );
        }
        await writeFile(
            join(project, "run.js"),
            `const pulumi = require("@pulumi/pulumi");
            const types = [];
            const mocks = {
                call: ({ inputs }) => inputs,
                newResource: ({ inputs, type, name }) => (types.push(type), { id: name, state: inputs }),
            };
            void pulumi.runtime.setMocks(mocks, "program", "test", true).then(async () => {
                const outputs = await pulumi.output(require("./index.js")).promise();
                console.log(JSON.stringify({ outputs, types: [...new Set(types)].sort() }));
            });`,
        );
        const { outputs, types } = JSON.parse(await run(project, process.execPath, "run.js")) as {
            outputs: unknown;
            types: readonly string[];
        };
        assert.deepEqual(outputs, {
            indexUrl: "https://europe-west1-python.pkg.dev/acme-tools/python/simple/",
            uploadUrl: "https://europe-west1-python.pkg.dev/acme-tools/python/",
            publisher: "python-publisher@acme-tools.iam.gserviceaccount.com",
        });
        assert.ok(types.includes("gcp:artifactregistry/repository:Repository"), types.join());
    });

    it("python-registry has its sources in its source maps, and a path inside the package in each", async () => {
        const folder = join(directory, "python-registry-project", "node_modules", "python-registry");
        const maps = (packed["packages/registry"] ?? []).filter((file) => file.endsWith(".map"));
        assert.ok(maps.length > 50);
        for (const file of maps) {
            const { sources, sourcesContent } = JSON.parse(await readFile(join(folder, file), "utf8")) as {
                sources: readonly string[];
                sourcesContent: readonly string[];
            };
            for (const [index, source] of sources.entries()) {
                const path = relative(folder, join(folder, dirname(file), source)).replaceAll("\\", "/");
                assert.match(path, /^src\/.*\.ts$/, file);
                const text = await readFile(join(root, "packages", "registry", path), "utf8");
                assert.equal(sourcesContent[index], text, file);
            }
        }
    });

    it("python-registry-configure runs without any other package", async () => {
        const project = await install("packages/configure");
        const { bin } = readManifest("packages/configure") as Manifest & {
            bin: Readonly<Record<string, string>>;
        };
        const [path = ""] = Object.values(bin);
        const file = join(project, "node_modules", "python-registry-configure", path);
        assert.match(
            await run(project, process.execPath, file, "--help"),
            /^Usage: python-registry-configure /,
        );
    });

    it("python-registry-policy is a policy pack that starts", async () => {
        const project = await install("packages/policy");
        // Pulumi starts a pack in its folder. The first thing that it prints is the port of its server.
        const pack = join(directory, "pack");
        await cp(join(project, "node_modules", "python-registry-policy"), pack, { recursive: true });
        await cp(join(project, "node_modules"), join(pack, "node_modules"), {
            recursive: true,
            verbatimSymlinks: true,
            filter: (source) => !source.endsWith("python-registry-policy"),
        });
        const server = execa(process.execPath, ["."], {
            cwd: pack,
            reject: false,
            stdin: "ignore",
            all: true,
        });
        const [line] = (await within("the pack to start", once(server.all, "data"))) as [Buffer];
        server.kill();
        await server;
        assert.match(line.toString(), /^\d+\n$/);
    });
});
