import { execa } from "execa";
import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { DocPages } from "../unit/doc-pages";

// The template for `pulumi new`, and a project made from it. The real CLI makes one in test/engine/template.test.ts.

const root = join(__dirname, "..", "..");

interface Project {
    readonly name: string;
    readonly template?: { readonly config: Readonly<Record<string, { readonly default?: string }>> };
}

/** Runs `npm run template`. */
function writeTemplate(folder: string) {
    const main = join(root, "template", "main.ts");
    return execa(process.execPath, ["--require", join(root, "typescript.cjs"), main, folder], {
        cwd: root,
        reject: false,
        stdin: "ignore",
    });
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

    it("has no example stack, and nothing that pulumi new would replace", async () => {
        const files = await readdir(folder, { recursive: true, withFileTypes: true });
        const names = files.filter((file) => file.isFile()).map(({ name }) => name);
        assert.deepEqual(
            names.filter((name) => /^Pulumi\..*\.yaml$/.test(name)),
            ["Pulumi.sandbox.yaml"],
        );
        for (const { name, parentPath } of files.filter((file) => file.isFile())) {
            assert.doesNotMatch(
                await readFile(join(parentPath, name), "utf8"),
                /\$\{(?:PROJECT|DESCRIPTION)\}/,
                name,
            );
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

        const test = async (settings: object) => {
            await writeFile(
                join(folder, "Pulumi.dev.yaml"),
                stringify({ config: { "gcp:project": "my-project", ...settings } }),
            );
            return execa("npm", ["test"], { cwd: folder, reject: false, all: true, stdin: "ignore" });
        };

        it("that passes its own tests", async () => {
            const readers = { secure: "v1:ciphertext" };
            await writeFile(
                join(folder, "Pulumi.prod.yaml"),
                stringify({ config: { "gcp:accessToken": readers, "acme-python:readers": readers } }),
            );
            const { exitCode, all } = await test({ "acme-python:location": "europe-west1" });
            assert.equal(exitCode, 0, all);
            assert.match(
                all,
                /skipped: the configuration of prod is not known here: acme-python:readers is encrypted$/m,
            );
            await rm(join(folder, "Pulumi.prod.yaml"));
            assert.match(all, /configure the stack dev without mistakes/);
            assert.match(all, /keep the stack dev within the policies/);
        });

        it("whose tests find mistakes in its stack files, and what the policies refuse", async () => {
            const { exitCode, all } = await test({
                "acme-python:location": "europe-west1",
                "acme-python:writers": ["domain:example.com"],
                "python-registry:readers": ["group:developers@example.com"],
            });
            assert.notEqual(exitCode, 0);
            assert.match(all, /Pulumi\.dev\.yaml:\n *python-registry:readers: is not a key of this project/);
            const refused = await test({
                "acme-python:location": "europe-west1",
                "acme-python:writers": ["domain:example.com"],
            });
            assert.notEqual(refused.exitCode, 0);
            assert.match(refused.all, /Pulumi\.dev\.yaml:\n *no-broad-writers: /);
        });

        it("that is formatted", async () => {
            await rm(join(folder, "Pulumi.dev.yaml"));
            const { exitCode, all } = await execa("npx", ["prettier", "--check", "."], {
                cwd: folder,
                reject: false,
                all: true,
                stdin: "ignore",
            });
            assert.equal(exitCode, 0, all);
        });
    });
});
