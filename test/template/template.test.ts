import { execa } from "execa";
import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { parse, stringify } from "yaml";
import { isPartOfProject } from "../../packages/operations/src/template/files";
import { itInRelease } from "../release";
import type { StackFile } from "../stacks/stack-file";
import { DocPages } from "../unit/doc-pages";

// The template for `pulumi new`, and a project made from it. The real CLI makes one in test/engine/template.test.ts.

const root = join(__dirname, "..", "..");

interface Project {
    readonly name: string;
    readonly template?: { readonly config: Readonly<Record<string, { readonly default?: string }>> };
}

/** Runs `npm run template`. */
function writeTemplate(folder: string) {
    const main = join(root, "packages/operations/src/template/main.ts");
    return execa(
        process.execPath,
        ["--conditions=source", "--require", join(root, "typescript.cjs"), main, folder],
        {
            cwd: root,
            reject: false,
            stdin: "ignore",
        },
    );
}

describe("the template for pulumi new", () => {
    let folder: string;
    before(async () => {
        folder = await mkdtemp(join(tmpdir(), "python-registry-template-"));
        const { exitCode, stderr, stdout } = await writeTemplate(folder);
        assert.equal(exitCode, 0, stderr);
        assert.match(stdout, /^Wrote \d+ files\. In the empty folder of the new project, run: pulumi new \//);
    });
    after(() => rm(folder, { recursive: true }));

    const read = (name: string) => readFile(join(folder, name), "utf8");
    const project = async () => parse(await read("Pulumi.yaml")) as Project;

    it("asks for the project, the location and the repository", async () => {
        const { name, template } = await project();
        assert.equal(name, "python-registry");
        const asked = Object.entries(template?.config ?? {}).map(([key, { default: value }]) => [key, value]);
        assert.deepEqual(asked, [
            ["gcp:project", undefined],
            ["location", undefined],
            ["repository", "python"],
        ]);
    });

    it("has no stack of this repository, and nothing that pulumi new would replace", async () => {
        const files = await readdir(folder, { recursive: true, withFileTypes: true });
        const names = files.filter((file) => file.isFile()).map(({ name }) => name);
        assert.deepEqual(
            names.filter((name) => /^Pulumi\..*\.yaml$/.test(name)),
            ["Pulumi.sandbox.yaml"],
        );
        // A copy of this repository may have stacks of its own.
        assert.ok(!isPartOfProject("Pulumi.team-a.yaml"));
        for (const { name, parentPath } of files.filter((file) => file.isFile())) {
            const text = await readFile(join(parentPath, name), "utf8");
            const code = name.endsWith(".md") ? text.replaceAll("${PROJECT}", "") : text;
            assert.doesNotMatch(code, /\$\{(?:PROJECT|DESCRIPTION)\}/, name);
        }
    });

    it("has pages that name the project as pulumi new asks for it", () => {
        const docs = new DocPages(folder);
        for (const page of docs.names) {
            assert.doesNotMatch(docs.read(page), /python-registry(?::[a-z]|\/(?:dev|prod))/i, page);
        }
        assert.match(docs.read("README.md"), /in the project's namespace, `\$\{PROJECT\}`\./);
        assert.match(docs.read("README.md"), /^ {2}\$\{PROJECT\}:workloads:$/m);
        assert.match(docs.read("docs/other-programs.md"), /"acme\/\$\{PROJECT\}\/prod"/);
    });

    it("loses whole rows and sentences of the README", async () => {
        const lines = (await readFile(join(root, "README.md"), "utf8")).split("\n");
        const made = await read("README.md");
        for (const name of ["Pulumi.dev.yaml", "Pulumi.prod.yaml", "architecture.md", "new-project.md"]) {
            assert.ok(!made.includes(name));
            for (const line of lines.filter((each) => each.includes(name)))
                assert.match(line, /^(?:\|.*\|| *[`A-Z].*\.)$/);
        }
    });

    it("has pages whose links lead somewhere, and no command that is not there", async () => {
        const docs = new DocPages(folder);
        assert.ok(docs.names.length > 10);
        assert.deepEqual(docs.brokenLinks(), []);
        const { scripts } = JSON.parse(await read("package.json")) as { scripts: Record<string, string> };
        for (const page of docs.names) {
            for (const [, name = ""] of docs.read(page).matchAll(/npm run (?:--silent )?([\w-]+)/g)) {
                assert.ok(name in scripts, `${page}: npm run ${name}`);
            }
        }
    });

    it("is not written over files", async () => {
        const { exitCode, stderr } = await writeTemplate(folder);
        assert.equal(exitCode, 1);
        assert.equal(stderr, `error: ${folder} is not empty. Choose a different folder`);
    });

    describe("makes a project", () => {
        before(async () => {
            const { template: _template, ...made } = await project();
            await writeFile(join(folder, "Pulumi.yaml"), stringify({ ...made, name: "acme-python" }));
            await symlink(join(root, "node_modules"), join(folder, "node_modules"));
        });

        const run = (command: string, ...args: string[]) =>
            execa(command, args, { cwd: folder, reject: false, all: true, stdin: "ignore" });
        const writeStack = (stack: string, settings: object) =>
            writeFile(
                join(folder, `Pulumi.${stack}.yaml`),
                stringify({ config: { "gcp:project": "my-project", ...settings } }),
            );
        const location = { "acme-python:location": "europe-west1" };

        /** Runs the tests of the stack files. */
        const mocha = () => {
            const program = join("node_modules", "mocha", "bin", "mocha.js");
            return run(process.execPath, program, "--no-color", "--grep", "the stack files");
        };

        it("whose tests check its stack files, and find mistakes and what the policies refuse", async () => {
            const secure = { secure: "v1:ciphertext" };
            const writers = { ...location, "acme-python:writers": ["domain:example.com"] };
            await writeStack("dev", location);
            await writeStack("unknown", { "gcp:accessToken": secure, "acme-python:readers": secure });
            await writeStack("broken", { ...location, "python-registry:readers": ["group:a@example.com"] });
            await writeStack("prod", writers);
            const { exitCode, all } = await mocha();
            for (const stack of ["unknown", "broken", "prod"]) await rm(join(folder, `Pulumi.${stack}.yaml`));
            assert.notEqual(exitCode, 0);
            assert.match(all, /✔ configure the stack dev without mistakes/);
            assert.match(all, /✔ keep the stack dev within the policies/);
            assert.match(
                all,
                /skipped: the configuration of unknown is not known here: acme-python:readers is encrypted$/m,
            );
            assert.match(
                all,
                /Pulumi\.broken\.yaml:\n *python-registry:readers: is not a key of this project/,
            );
            assert.match(all, /skipped: the configuration of broken has mistakes$/m);
            assert.match(all, /Pulumi\.prod\.yaml:\n *no-broad-writers: /);
        });

        itInRelease("that passes npm test, which checks the types too", async () => {
            await writeStack("dev", location);
            const { exitCode, all } = await run("npm", "test");
            assert.equal(exitCode, 0, all);
            assert.match(all, /the types have no errors/);
        });

        it("whose tests read the configuration as Pulumi does", async () => {
            const original = await read("Pulumi.yaml");
            const stacks = async (name: string, shared: object, stackFile: string) => {
                const { template: _template, ...made } = await project();
                const config = { ...(made as { config?: object }).config, ...shared };
                await writeFile(join(folder, "Pulumi.yaml"), stringify({ ...made, name, config }));
                await writeFile(join(folder, "Pulumi.dev.yaml"), stackFile);
                const { stdout } = await execa(
                    process.execPath,
                    [
                        ...["--conditions=source", "--require", "./typescript.cjs", "--print"],
                        'JSON.stringify(require("./test/stacks/stack-file").stackFiles())',
                    ],
                    { cwd: folder, stdin: "ignore" },
                );
                const [file] = JSON.parse(stdout) as StackFile[];
                assert.ok(file);
                return file;
            };
            const shared = {
                "gcp:project": "shared-project",
                "acme-python:location": { value: "europe" },
                description: "shared",
                readers: ["group:shared@example.com"],
                labels: { type: "object", default: { team: "platform" } },
            };
            const empty = await stacks("acme-python", shared, "config:\r\n");
            for (const [key, value] of Object.entries({
                "gcp:project": "shared-project",
                "acme-python:location": "europe",
                "acme-python:description": "shared",
                "acme-python:readers": '["group:shared@example.com"]',
                "acme-python:labels": '{"team":"platform"}',
                "acme-python:repository": "python",
            })) {
                assert.equal(empty.config[key], value, key);
            }
            const own = await stacks(
                "acme-python",
                shared,
                "config:\r\n  acme-python:location: us\r\n  description: own\r\n",
            );
            assert.equal(own.config["acme-python:location"], "us");
            assert.equal(own.config["acme-python:description"], "own");
            // Pulumi.yaml describes location too, and comes first in alphabetical order.
            const late = await stacks("zeta", { "zeta:location": { value: "europe" } }, "");
            assert.equal(late.config["zeta:location"], "");

            const encrypted = (value: string) =>
                stacks("acme-python", {}, `config: { "acme-python:serviceAccounts": ${value} }`);
            assert.equal((await encrypted("{ secure: { access: reader } }")).unknown, undefined);
            assert.equal(
                (await encrypted("{ a: { displayName: { secure: v1:abc } } }")).unknown,
                "acme-python:serviceAccounts is encrypted",
            );
            await writeFile(join(folder, "Pulumi.yaml"), original);
        });

        it("whose npm start has a project that Pulumi can read", async () => {
            const original = await read("Pulumi.yaml");
            const { template: _template, ...made } = await project();
            const config = {
                ...(made as { config?: object }).config,
                "acme-python:writers": { type: "array", items: { type: "string" }, default: [] },
            };
            await writeFile(join(folder, "Pulumi.yaml"), stringify({ ...made, config }));
            await execa(
                process.execPath,
                [
                    ...["--conditions=source", "--require", "./typescript.cjs", "--eval"],
                    'require("./packages/sandbox/src/engines/pulumi-engine").writeProject("docs")',
                ],
                { cwd: folder, stdin: "ignore" },
            );
            const written = parse(await read("docs/Pulumi.yaml")) as Project & {
                config: object;
                main: string;
            };
            assert.deepEqual([written.name, written.main], ["python-registry", ".."]);
            const { "acme-python:writers": _, ...others } = config;
            assert.deepEqual(written.config, others);
            await rm(join(folder, "docs", "Pulumi.yaml"));
            await writeFile(join(folder, "Pulumi.yaml"), original);
        });

        itInRelease("whose tests say that there is no stack file", async () => {
            await rm(join(folder, "Pulumi.dev.yaml"), { force: true });
            const { exitCode, all } = await mocha();
            assert.equal(exitCode, 0, all);
            assert.match(all, /skipped: this folder has no stack file yet$/m);
        });

        it("that is formatted", async () => {
            // Of a test before this one, which does not care about the format.
            await rm(join(folder, "Pulumi.dev.yaml"), { force: true });
            // npm run lint checks the files that are the same here.
            const files = await readdir(folder, { recursive: true, withFileTypes: true });
            const names = files
                .filter((file) => file.isFile())
                .map((file) => relative(folder, join(file.parentPath, file.name)));
            const texts = await Promise.all(
                names.map((name) =>
                    Promise.all(
                        [folder, root].map((at) => readFile(join(at, name), "utf8").catch(() => undefined)),
                    ),
                ),
            );
            const edited = names.filter((_, index) => texts[index]![0] !== texts[index]![1]);
            assert.ok(edited.includes("README.md"));
            const { exitCode, all } = await run(
                process.execPath,
                join("node_modules", "prettier", "bin", "prettier.cjs"),
                "--check",
                ...edited,
            );
            assert.equal(exitCode, 0, all);
        });
    });
});
